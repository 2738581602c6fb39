//! What is marked `O_NONBLOCK`: reads and writes say that they would wait, wherever they are made, and wait only for who asks for that.

mod common;

use common::passes_with_and_without_a_ring;
use std::io::{self, ErrorKind, Read, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use vthread::fs::File;
use vthread::run;

fn mark(fd: RawFd) {
    // SAFETY: changes flags of a descriptor that is open.
    assert_eq!(unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) }, 0);
}

fn kind<T>(result: io::Result<T>) -> Result<T, ErrorKind> {
    result.map_err(|error| error.kind())
}

fn sockets_pipes_and_events() {
    let (near, mut far) = UnixStream::pair().expect("sockets");
    near.set_nonblocking(true).expect("a socket");
    let mut bytes = [0; 8];
    assert_eq!(kind(vthread::io::read(&near, &mut bytes)), Err(ErrorKind::WouldBlock));
    assert_eq!(kind(vthread::io::read_alone(&near, &mut bytes)), Err(ErrorKind::WouldBlock));
    far.write_all(b"plugh").expect("a reader");
    assert_eq!(vthread::io::read(&near, &mut bytes).expect("bytes"), 5);

    let mut written = 0;
    let full = loop {
        match vthread::io::write(&near, &[7; 4096]) {
            Ok(n) => written += n,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    drop(near);
    assert_eq!(far.read_to_end(&mut Vec::new()).expect("the end"), written);

    let (from, to) = pipe().expect("a pipe");
    mark(from.as_raw_fd());
    let mut from = File::from(OwnedFd::from(from));
    assert_eq!(kind(from.read(&mut bytes)), Err(ErrorKind::WouldBlock));
    drop(to);
    assert_eq!(kind(from.read(&mut bytes)), Ok(0));

    // Of a kind that cannot say whether a read would wait.
    // SAFETY: no pointers.
    let events = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
    assert!(events >= 0);
    // SAFETY: it is open, and nobody else's.
    let events = unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(events) };
    assert_eq!(kind(vthread::io::read(&events, &mut bytes)), Err(ErrorKind::WouldBlock));
}

#[test]
fn they_say_so_on_an_ordinary_thread() {
    sockets_pipes_and_events();
}

#[test]
fn they_say_so_on_a_vthread() {
    if !passes_with_and_without_a_ring("they_say_so_on_a_vthread") {
        run(sockets_pipes_and_events);
    }
}

/// The flag means nothing for a file: what is not in memory is waited for.
#[test]
fn a_file_is_read_to_its_end() {
    if passes_with_and_without_a_ring("a_file_is_read_to_its_end") {
        return;
    }
    let place = common::Place::new("non-blocking");
    std::fs::write(place.at("a"), [7; 5000]).expect("a file");
    #[cfg(vthread_native)]
    vthread::__private::inject::inject(Some(Box::new(|_| Some(vthread::__private::inject::Fault::Wait))));
    let read = run(|| {
        let mut options = File::options();
        let mut file = options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open(place.at("a"))?;
        file.write_all(&[8; 1000])?;
        let mut all = Vec::new();
        file.read_to_end(&mut all).map(|_| all)
    });
    assert_eq!(read.expect("a file"), [7; 4000]);
}

#[cfg(vthread_native)]
#[test]
fn who_asks_for_it_waits() {
    if passes_with_and_without_a_ring("who_asks_for_it_waits") {
        return;
    }
    let (from, mut to) = pipe().expect("a pipe");
    mark(from.as_raw_fd());
    let read = run(|| {
        vthread::scope(|s| {
            let read = s.spawn_local(|| {
                let mut bytes = [0; 8];
                assert_eq!(kind(vthread::io::try_read(&from, &mut bytes)), Err(ErrorKind::WouldBlock));
                vthread::io::read_after_try(&from, &mut bytes).expect("bytes")
            });
            vthread::yield_now();
            to.write_all(b"late").expect("a reader");
            read.join().expect("no panic")
        })
    });
    assert_eq!(read, 4);
}
