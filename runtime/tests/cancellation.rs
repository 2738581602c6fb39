//! Cancellation of a scope: who is told, and what is still done.
#![cfg(vthread_native)]

mod common;

use common::{OnDrop, passes_with_and_without_a_ring};
use std::cell::RefCell;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::__private::hop;
use vthread::sync::{Mutex, Notify};
use vthread::{Cancelled, Runtime, channel, park, run, scope, sleep, spawn, yield_now};

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

/// Those that never wait, while another carrier cancels them.
#[test]
fn who_never_waits_hears_of_it() {
    let (to, from) = channel::unbounded();
    let lock = Mutex::new(0);
    let busy: [&(dyn Fn() + Sync); 7] = [
        &|| loop {
            vthread::checkpoint();
        },
        &|| while !vthread::is_cancelled() {},
        &|| loop {
            to.send(1).expect("a receiver");
            from.recv().expect("a sender");
        },
        &|| loop {
            *lock.lock() += 1;
        },
        &|| loop {
            scope(|_| ());
        },
        &|| {
            vthread::concurrent_for(0_u64.., 1, |n| {
                std::hint::black_box(n);
            });
        },
        &|| loop {
            yield_now();
        },
    ];
    for work in busy {
        let runtime = Runtime::builder().carriers(2).build().expect("carriers");
        let ended = || {
            let begun = AtomicBool::new(false);
            scope(|s| {
                let child = s.spawn(|| {
                    begun.store(true, SeqCst);
                    work();
                });
                // The other carrier takes it.
                while !begun.load(SeqCst) {
                    std::hint::spin_loop();
                }
                s.cancel();
                child.join().err().is_none_or(|payload| payload.is::<Cancelled>())
            })
        };
        assert!(runtime.run(ended).expect("a vthread"));
    }
    // A runtime that ends cancels them too.
    let runtime = Runtime::builder().carriers(1).build().expect("a carrier");
    let begun = std::sync::Arc::new(AtomicBool::new(false));
    let begins = std::sync::Arc::clone(&begun);
    let spawned = runtime.spawn(move || {
        begins.store(true, SeqCst);
        loop {
            vthread::checkpoint();
        }
    });
    while !begun.load(SeqCst) {
        std::thread::yield_now();
    }
    drop(runtime);
    drop(spawned);
}

/// What a destructor reads and writes is not cut off, whoever is cancelled meanwhile.
#[test]
fn destructors_end_their_reads_and_writes() {
    if passes_with_and_without_a_ring("destructors_end_their_reads_and_writes") {
        return;
    }
    let (near, far) = UnixStream::pair().expect("sockets");
    let read = RefCell::new(None);
    run(|| {
        scope(|s| {
            s.spawn_local(|| {
                let _reads =
                    OnDrop(|| *read.borrow_mut() = Some(vthread::io::read(&near, &mut [0; 1]).is_ok()));
                park();
            });
            yield_now();
            s.cancel();
            sleep(MS);
            assert_eq!(*read.borrow(), None);
            // Somebody else's scope.
            scope(|other| {
                other.spawn_local(park);
                yield_now();
                other.cancel();
            });
            sleep(3 * MS);
            assert_eq!(*read.borrow(), None);
            (&far).write_all(b"x").expect("a reader");
        });
    });
    assert_eq!(read.into_inner(), Some(true));

    // One that panics by itself writes more than there is room for, and its scope is cancelled then.
    far.set_nonblocking(true).expect("a socket");
    let bytes = vec![7; 2 << 20];
    let written = RefCell::new(None);
    run(|| {
        scope(|s| {
            let child = s.spawn_local(|| {
                let _writes = OnDrop(|| {
                    let mut left = &bytes[..];
                    while let n @ 1.. = vthread::io::write(&near, left).unwrap_or(0) {
                        left = &left[n..];
                    }
                    *written.borrow_mut() = Some(bytes.len() - left.len());
                });
                resume_unwind(Box::new("its own"));
            });
            sleep(MS);
            s.cancel();
            while written.borrow().is_none() {
                drop(std::io::Read::read(&mut &far, &mut [0; 8192]));
                yield_now();
            }
            drop(child.join());
        });
    });
    assert_eq!(written.into_inner(), Some(2 << 20));
}
