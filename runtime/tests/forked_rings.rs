//! A child made by `fork` goes on with the vthreads of the thread that forked: what they read and write is theirs, and not the parent's.

#![cfg(vthread_native)]

use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// A byte that somebody writes when this one waits for it: by the carrier's ring, where there is one.
fn wait_for(byte: u8) -> u8 {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let other = vthread::spawn_local(move || vthread::hop(|| writer.write_all(&[byte])));
    let mut buffer = [0];
    assert_eq!(vthread::io::read(&reader, &mut buffer).expect("a byte"), 1);
    other.join().expect("no panic").expect("written");
    buffer[0]
}

/// What ends the sleep of a carrier in its ring: which descriptors, of what.
fn bells() -> Vec<(PathBuf, String)> {
    let all =
        std::fs::read_dir("/proc/self/fdinfo").expect("descriptors").flatten().map(|entry| entry.path());
    let of = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).ok()?;
        let id = text.lines().find(|line| line.starts_with("eventfd-id"))?.to_owned();
        Some((path, id))
    };
    all.filter_map(of).collect()
}

/// The child has the ring's memory too, but what it puts there the kernel would do for the parent, with the addresses of the child.
#[test]
fn a_child_that_goes_on_leaves_the_ring_to_its_parent() {
    vthread::run(|| {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let mut buffer = [0];
        vthread::scope(|scope| {
            let waits = scope.spawn_local(|| vthread::io::read(&reader, &mut buffer));
            assert_eq!(wait_for(1), 1);
            let before = vthread::hop(bells);
            // SAFETY: the child goes on with this thread's vthreads alone, until it ends.
            let child = match vthread::hop(|| unsafe { libc::fork() }) {
                0 => {
                    // SAFETY: touches no memory; who waits for ever is killed.
                    unsafe { libc::alarm(20) };
                    let now = vthread::hop(bells);
                    let has_own_bell = before.is_empty() || before.iter().any(|bell| !now.contains(bell));
                    let is_right = has_own_bell && (2..9).all(|byte| wait_for(byte) == byte);
                    // SAFETY: nothing of the parent's is to be ended.
                    unsafe { libc::_exit(i32::from(!is_right)) }
                }
                child => child,
            };
            let mut status = -1;
            // SAFETY: our child.
            let ended = vthread::hop(|| unsafe { libc::waitpid(child, &raw mut status, 0) });
            let is_right = (9..99).all(|byte| wait_for(byte) == byte);
            // Before anything fails: the scope waits for the one that waits for this.
            writer.write_all(&[100]).expect("written");
            assert_eq!(waits.join().expect("no panic").expect("a byte"), 1);
            assert_eq!((ended, status), (child, 0), "the child's bytes");
            assert!(is_right, "the parent's");
        });
        assert_eq!(buffer, [100]);
    });
}

/// What the parent had under way is the parent's: the child says that it cannot go on.
#[test]
fn a_child_does_not_wait_for_what_its_parent_asked_for() {
    vthread::run(|| {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let (heard, says) = std::io::pipe().expect("a pipe");
        let mut says = Some(says);
        let mut buffer = [0];
        let (child, has_ring) = vthread::scope(|scope| {
            let waits = scope.spawn_local(|| vthread::io::read(&reader, &mut buffer));
            assert_eq!(wait_for(1), 1);
            let has_ring = !vthread::hop(bells).is_empty();
            // SAFETY: as above.
            let child = match vthread::hop(|| unsafe { libc::fork() }) {
                0 => {
                    // SAFETY: as above.
                    unsafe { libc::alarm(20) };
                    if let Some(says) = says.take_if(|_| has_ring) {
                        // SAFETY: what it says of itself goes to the parent.
                        unsafe { libc::dup2(says.as_raw_fd(), 2) };
                        let _ = waits.join();
                    }
                    // SAFETY: as above.
                    unsafe { libc::_exit(0) }
                }
                child => child,
            };
            writer.write_all(&[100]).expect("written");
            assert_eq!(waits.join().expect("no panic").expect("a byte"), 1);
            (child, has_ring)
        });
        drop(says.take());
        let said = vthread::hop(|| std::io::read_to_string(heard)).expect("text");
        let mut status = -1;
        // SAFETY: our child.
        assert_eq!(vthread::hop(|| unsafe { libc::waitpid(child, &raw mut status, 0) }), child);
        if !has_ring {
            return println!("not tested: there are no rings");
        }
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGABRT, "{status:#x}: {said}");
        assert!(
            said.contains("no wait of these can be ended") && said.contains("waits for a read"),
            "{said}"
        );
    });
}
