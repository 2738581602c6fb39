//! Reads, writes, opens and listings that a cancellation overtakes.
#![cfg(vthread_native)]

mod common;

use common::{Place, alone, passes_with_and_without_a_ring};
use std::io::{Read, Write, pipe};
use vthread::{Cancelled, run, scope, yield_now};

/// Runs `first` until it waits; then `then` ends that wait, and before it goes on its scope is cancelled. What threads of the pool do may be over sooner, in some
/// rounds of many. Gives whether `first` has returned.
fn cancelled_when_done(first: impl FnOnce(), then: impl FnOnce()) -> bool {
    run(|| {
        scope(|s| {
            let child = s.spawn_local(first);
            yield_now();
            then();
            s.cancel();
            child.join().map_err(|payload| assert!(payload.is::<Cancelled>())).is_ok()
        })
    })
}

/// What has been read is nowhere else: either it is told, or it is still in the pipe.
#[test]
fn what_was_read_is_told_to_who_is_cancelled() {
    if passes_with_and_without_a_ring("what_was_read_is_told_to_who_is_cancelled") {
        return;
    }
    for _ in 0..200 {
        let (mut from, mut to) = pipe().expect("a pipe");
        let mut read = None;
        let ended = cancelled_when_done(
            || read = vthread::io::read(&from, &mut [0; 8]).ok(),
            || to.write_all(b"x").expect("a reader"),
        );
        assert_eq!(ended, read.is_some());
        drop(to);
        let mut left = Vec::new();
        from.read_to_end(&mut left).expect("the end");
        assert_eq!(read.unwrap_or(0) + left.len(), 1);
    }
}

#[test]
fn what_was_written_is_told_to_who_is_cancelled() {
    if passes_with_and_without_a_ring("what_was_written_is_told_to_who_is_cancelled") {
        return;
    }
    for _ in 0..200 {
        let (mut from, mut to) = pipe().expect("a pipe");
        // As much as there is room for.
        to.write_all(&vec![0; 1 << 16]).expect("a reader");
        let mut written = None;
        let ended = cancelled_when_done(
            || written = vthread::io::write(&to, b"late").ok(),
            || from.read_exact(&mut vec![0; 1 << 16]).expect("a writer"),
        );
        assert_eq!(ended, written.is_some());
        drop(to);
        let mut left = Vec::new();
        from.read_to_end(&mut left).expect("the end");
        assert_eq!(written.unwrap_or(0), left.len());
    }
}

/// A file that was made has somebody who knows of it.
#[test]
fn what_was_opened_is_given_to_who_is_cancelled() {
    if passes_with_and_without_a_ring("what_was_opened_is_given_to_who_is_cancelled") {
        return;
    }
    let place = Place::new("cancelled-open");
    for i in 0..200 {
        let path = place.at(&i.to_string());
        let mut is_ours = false;
        // Whether a file that is made has to be waited for, nobody can say before.
        cancelled_when_done(|| is_ours = vthread::fs::File::create_new(&path).is_ok(), || ());
        assert_eq!(is_ours, path.exists());
    }
}

/// Names that were asked for are not told twice.
#[test]
fn a_listing_goes_on_after_who_is_cancelled() {
    use vthread::__private::inject::{Fault, inject};
    let _alone = alone();
    let place = Place::new("cancelled-list");
    (0..100).for_each(|i| std::fs::write(place.at(&i.to_string()), "").expect("a file"));
    for _ in 0..20 {
        // As if the directory were not in memory.
        inject(Some(Box::new(|_| Some(Fault::Wait))));
        let mut names = run(|| vthread::fs::read_dir(place.path())).expect("a directory");
        inject(None);
        let mut count = 0;
        cancelled_when_done(
            || {
                while names.next().is_some() {
                    count += 1;
                    vthread::checkpoint();
                }
            },
            || (),
        );
        assert_eq!(count + names.count(), 100);
    }
}

/// What has been read so far is in the caller's vector, and nothing else.
#[test]
fn a_read_to_the_end_that_is_cancelled_leaves_what_it_has_read() {
    if passes_with_and_without_a_ring("a_read_to_the_end_that_is_cancelled_leaves_what_it_has_read") {
        return;
    }
    let (from, mut to) = pipe().expect("a pipe");
    to.write_all(b"begun").expect("a reader");
    let from = vthread::fs::File::from(std::os::fd::OwnedFd::from(from));
    let mut bytes = b"before ".to_vec();
    let ended = cancelled_when_done(|| drop((&from).read_to_end(&mut bytes)), || {});
    assert!(!ended);
    assert_eq!(bytes, b"before begun");
}
