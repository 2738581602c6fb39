//! Opens that wait for somebody: the carrier goes on.
#![cfg(vthread_native)]

mod common;

use common::{Place, passes_with_and_without_a_ring};
use std::ffi::CString;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use vthread::fs::{self, File};

fn fifo(path: PathBuf) -> PathBuf {
    let name = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: the path ends with a NUL.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    path
}

fn flags(file: &File) -> i32 {
    // SAFETY: reads flags of a descriptor that is open.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) }
}

#[test]
fn a_hundred_fifos_wait_for_their_other_ends() {
    if passes_with_and_without_a_ring("a_hundred_fifos_wait_for_their_other_ends") {
        return;
    }
    let place = Place::new("opens-fifos");
    let fifos: Vec<PathBuf> = (0..100).map(|i| fifo(place.at(&i.to_string()))).collect();
    let read = |path: &Path| {
        let mut file = File::open(path).expect("a FIFO");
        assert_eq!(flags(&file) & libc::O_NONBLOCK, 0);
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        text
    };
    vthread::run(|| {
        vthread::scope(|s| {
            let readers: Vec<_> = fifos.iter().map(|path| s.spawn(move || read(path))).collect();
            for path in &fifos {
                let mut to = File::options().write(true).open(path).expect("a FIFO");
                to.write_all(path.as_os_str().as_bytes()).expect("a reader");
            }
            for (reader, path) in readers.into_iter().zip(&fifos) {
                assert_eq!(reader.join().expect("it has read"), path.to_str().expect("text"));
            }
        });
    });
}

#[test]
fn nobody_at_the_other_end_is_no_reason_to_wait_if_that_was_said() {
    let place = Place::new("opens-nonblock");
    let path = fifo(place.at("fifo"));
    let name = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    let root = std::fs::File::open("/").expect("the root");
    vthread::run(|| {
        let mut options = File::options();
        let error = options.write(true).custom_flags(libc::O_NONBLOCK).open(&path).expect_err("no reader");
        assert_eq!(error.raw_os_error(), Some(libc::ENXIO));
        let reader = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&path).expect("a FIFO");
        assert_eq!(flags(&reader) & libc::O_NONBLOCK, libc::O_NONBLOCK);
        // It would wait, and says so instead.
        let error = vthread::io::try_open_at(&root, &name, libc::O_RDONLY, 0).expect_err("a FIFO");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_lease_is_waited_for_by_one_alone() {
    if passes_with_and_without_a_ring("a_lease_is_waited_for_by_one_alone") {
        return;
    }
    let place = Place::new("opens-lease");
    let path = place.at("leased");
    std::fs::write(&path, "mine").expect("a file");
    let holder = std::fs::File::options().read(true).write(true).open(&path).expect("the file");
    // SAFETY: no pointers; the kernel's signal to give it back would end the process.
    unsafe {
        libc::signal(libc::SIGIO, libc::SIG_IGN);
        assert_eq!(libc::fcntl(holder.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK), 0);
    }
    let is_open = AtomicBool::new(false);
    let text = vthread::run(|| {
        vthread::scope(|s| {
            let opener = s.spawn(|| {
                let file = File::open(&path).expect("the file");
                assert_eq!(flags(&file) & libc::O_NONBLOCK, 0);
                is_open.store(true, Relaxed);
                drop(file);
                fs::read_to_string(&path).expect("text")
            });
            for _ in 0..5 {
                vthread::sleep(std::time::Duration::from_millis(1));
                assert!(!is_open.load(Relaxed));
            }
            // SAFETY: no pointers.
            assert_eq!(unsafe { libc::fcntl(holder.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) }, 0);
            opener.join().expect("it has read")
        })
    });
    assert_eq!(text, "mine");
}

/// Flags that an open file keeps are kept.
#[test]
fn flags_are_as_asked_for() {
    let place = Place::new("opens-flags");
    let path = place.at("file");
    std::fs::write(&path, "text").expect("a file");
    let of = |options: &fs::OpenOptions| flags(&options.open(&path).expect("the file"));
    let mut all = [File::options(), File::options(), File::options(), File::options()];
    all[0].read(true);
    all[1].append(true);
    all[2].read(true).write(true).custom_flags(libc::O_SYNC | libc::O_NOATIME);
    all[3].read(true).custom_flags(libc::O_NOFOLLOW);
    for options in &all {
        assert_eq!(vthread::run(|| of(options)), of(options), "{options:?}");
    }
    std::os::unix::fs::symlink(&path, place.at("link")).expect("a link");
    let error = vthread::run(|| all[3].open(place.at("link"))).expect_err("a link");
    assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
}

#[test]
fn without_a_thread_the_carrier_waits() {
    if !common::is_child() {
        let out = common::child("without_a_thread_the_carrier_waits", &[("VTHREAD_IO", "pool")]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let place = Place::new("opens-alone");
    let (a, b) = (place.at("a"), place.at("b"));
    std::fs::write(&a, "a").expect("a file");
    let size = std::fs::read_to_string("/proc/self/statm").expect("proc");
    let pages: u64 = size.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    vthread::run(|| {
        // Its stack is kept for others that wait elsewhere.
        vthread::hop(|| vthread::sleep(std::time::Duration::from_millis(1)));
        // What this much more is for can be had, a thread's stack cannot.
        let limit = libc::rlimit { rlim_cur: pages * 4096 + (1 << 20), rlim_max: libc::RLIM_INFINITY };
        // SAFETY: a limit of this process.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        assert!(vthread::try_blocking(|| ()).is_err(), "a thread was to be had");
        fs::symlink("a", &b).expect("a link");
        assert_eq!(fs::read_link(&b).expect("a link"), PathBuf::from("a"));
        assert_eq!(fs::canonicalize(&b).expect("a link"), fs::canonicalize(&a).expect("a file"));
        assert_eq!(fs::copy(&a, place.at("c")).expect("a file"), 1);
        fs::create_dir_all(place.at("d/e")).expect("directories");
        fs::remove_dir_all(place.at("d")).expect("directories");
        let file = File::options().write(true).open(&a).expect("a file");
        file.set_len(0).expect("a file");
        file.set_permissions(file.metadata().expect("open").permissions()).expect("a file");
    });
}
