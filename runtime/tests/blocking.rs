//! Blocking calls and futures inside of vthreads.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;
#[cfg(vthread_native)]
use std::time::Instant;
use vthread::{block_on, blocking, channel, run, scope, spawn, yield_now};

const MS: Duration = Duration::from_millis(1);

#[cfg(vthread_native)]
#[test]
fn others_run_during_a_blocking_call() {
    let turns = AtomicUsize::new(0);
    run(|| {
        let ended = AtomicBool::new(false);
        scope(|s| {
            s.spawn(|| {
                while !ended.load(SeqCst) {
                    turns.fetch_add(1, SeqCst);
                    yield_now();
                }
            });
            let thread = std::thread::current().id();
            let calls = [(); 4].map(|()| {
                let turns = &turns;
                s.spawn(move || {
                    blocking(|| {
                        assert_ne!(std::thread::current().id(), thread);
                        let since = Instant::now();
                        while turns.load(SeqCst) <= 10 && since.elapsed() < Duration::from_mins(1) {
                            std::thread::sleep(MS);
                        }
                    });
                    assert_eq!(std::thread::current().id(), thread);
                })
            });
            for call in calls {
                call.join().expect("no panic");
            }
            ended.store(true, SeqCst);
        });
    });
    assert!(turns.into_inner() > 10);
}

#[test]
fn a_blocking_call_borrows_panics_and_outlasts_a_cancellation() {
    let mut text = String::from("a");
    run(|| {
        assert_eq!(blocking(|| text.len()), 1);
        let caught = catch_unwind(AssertUnwindSafe(|| blocking(|| panic_any(4))));
        assert_eq!(caught.expect_err("panics").downcast_ref(), Some(&4));
        let begun = AtomicBool::new(false);
        scope(|s| {
            let (text, begun) = (&mut text, &begun);
            let (say, hear) = mpsc::channel();
            let call = s.spawn(move || {
                blocking(move || {
                    begun.store(true, SeqCst);
                    hear.recv().expect("the cancellation is told of");
                    text.push('b');
                });
            });
            while !begun.load(SeqCst) {
                vthread::sleep(MS);
            }
            s.cancel();
            say.send(()).expect("the call goes on");
            assert!(call.join().expect_err("cancelled").is::<vthread::Cancelled>());
        });
    });
    assert_eq!(text, "ab");
    assert_eq!(blocking(|| 5), 5);
}

#[test]
fn futures_are_woken_by_vthreads_and_threads() {
    /// Ready when a thread says so.
    async fn later(on_thread: bool) -> u32 {
        let (ready, mut started) = (std::sync::Arc::new(AtomicBool::new(false)), false);
        std::future::poll_fn(move |context| {
            if ready.load(SeqCst) {
                return Poll::Ready(7);
            }
            if !std::mem::replace(&mut started, true) {
                let (waker, ready) = (context.waker().clone(), ready.clone());
                let wake = move || {
                    ready.store(true, SeqCst);
                    waker.wake();
                };
                if on_thread {
                    std::thread::spawn(wake);
                } else {
                    spawn(wake);
                }
            }
            Poll::Pending
        })
        .await
    }
    assert_eq!(run(|| block_on(async { later(true).await + later(false).await })), 14);
    assert_eq!(block_on(later(true)), 7);
    // A channel within.
    let got = run(|| {
        let (sender, receiver) = channel::rendezvous();
        spawn(move || sender.send(3));
        block_on(async move { receiver.recv() })
    });
    assert_eq!(got, Ok(3));
}

#[test]
fn a_thousand_blocking_calls_share_threads() {
    let calls = AtomicUsize::new(0);
    run(|| {
        scope(|s| {
            for _ in 0..1000 {
                s.spawn(|| {
                    blocking(|| {
                        std::thread::sleep(MS);
                        calls.fetch_add(1, SeqCst);
                    });
                });
            }
        });
    });
    assert_eq!(calls.into_inner(), 1000);
}

#[test]
fn the_end_of_a_vthread_is_a_future() {
    run(|| {
        // Ended before, ended meanwhile, panicked.
        let early = spawn(|| 1);
        yield_now();
        let late = spawn(|| {
            (0..5).for_each(|_| yield_now());
            2
        });
        let broken = spawn(|| -> u32 { panic_any(3u8) });
        let got = block_on(async {
            let sum = early.await.expect("no panic") + late.await.expect("no panic");
            (sum, broken.await.expect_err("panics"))
        });
        assert_eq!((got.0, got.1.downcast_ref()), (3, Some(&3u8)));
        // On an ordinary thread's executor, by a vthread of a scope.
        scope(|s| {
            let handle = s.spawn(|| {
                vthread::sleep(MS);
                5
            });
            let got = std::thread::scope(|threads| {
                let other = threads.spawn(|| block_on(handle.into_future()));
                while !other.is_finished() {
                    yield_now();
                }
                other.join().expect("no panic")
            });
            assert_eq!(got.expect("no panic"), 5);
        });
    });
}
