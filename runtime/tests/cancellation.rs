//! Cancellation of a scope: who is told, and what is still done.
#![cfg(vthread_native)]

mod common;

use common::OnDrop;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::__private::hop;
use vthread::sync::Notify;
use vthread::{Cancelled, park, run, scope, sleep, spawn, yield_now};

const MS: Duration = Duration::from_millis(1);

#[test]
fn cancellation_ends_every_wait_and_runs_destructors() {
    // One that belongs to no scope ends after the scope, however long that takes.
    static AFTERWARDS: Notify = Notify::new();
    let (dropped, never) = (AtomicUsize::new(0), AtomicBool::new(false));
    run(|| {
        scope(|s| {
            let (dropped, never) = (&dropped, &never);
            let count = || {
                OnDrop(|| {
                    // Destructors may wait.
                    sleep(MS);
                    dropped.fetch_add(1, SeqCst);
                })
            };
            let waits: [fn(); 6] = [
                park,
                || sleep(Duration::from_hours(1)),
                || loop {
                    yield_now();
                },
                || hop(park),
                || drop(spawn(|| AFTERWARDS.wait()).join()),
                || scope(|inner| drop(inner.spawn(park))),
            ];
            let handles = waits.map(|wait| {
                s.spawn(move || {
                    let _count = count();
                    wait();
                    never.store(true, SeqCst);
                })
            });
            // Who is ready goes before those who have not started, most of the time.
            (0..1000).for_each(|_| yield_now());
            let late = s.spawn(|| never.store(true, SeqCst));
            assert!(!s.is_cancelled());
            s.cancel();
            for handle in handles.into_iter().chain([late]) {
                assert!(handle.join().expect_err("cancelled").is::<Cancelled>());
            }
            assert!(s.is_cancelled() && !vthread::is_cancelled());
        });
        AFTERWARDS.notify_one();
        // A scope whose children were cancelled has not panicked.
        scope(|s| {
            s.spawn(park);
            s.cancel();
        });
    });
    assert_eq!((dropped.into_inner(), never.into_inner()), (6, false));
}

#[test]
fn other_threads_cancel() {
    run(|| {
        scope(|s| {
            let child = s.spawn(|| sleep(Duration::from_hours(1)));
            std::thread::scope(|threads| drop(threads.spawn(|| s.cancel())));
            assert!(child.join().expect_err("cancelled").is::<Cancelled>());
        });
    });
}

#[test]
fn who_catches_a_cancellation_is_told_again() {
    let times = run(|| {
        scope(|s| {
            let child = s.spawn(|| (0..3).filter(|_| catch_unwind(park).is_err()).count());
            yield_now();
            s.cancel();
            child.join().expect("it has caught all of them")
        })
    });
    assert_eq!(times, 3);
}

#[test]
fn destructors_of_who_is_cancelled_before_it_starts_may_wait() {
    struct Waits<'a>(&'a AtomicUsize);
    impl Drop for Waits<'_> {
        fn drop(&mut self) {
            yield_now();
            self.0.fetch_add(1, SeqCst);
        }
    }
    let (first, second) = (AtomicUsize::new(0), AtomicUsize::new(0));
    run(|| {
        scope(|s| {
            let captured = Waits(&first);
            s.cancel();
            // Never runs.
            drop(s.spawn_local(move || {
                let _captured = captured;
                unreachable!("it was cancelled")
            }));
        });
        scope(|s| {
            let result = Waits(&second);
            // Ends although it is cancelled, and nobody wants what it gives.
            drop(s.spawn_local(move || {
                s.cancel();
                result
            }));
        });
    });
    assert_eq!((first.into_inner(), second.into_inner()), (1, 1));
}
