//! What runtimes that live at the same time do to each other: things of one that are used, left or ended by another one.

#![cfg(vthread_native)]

mod common;

use common::long;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use vthread::{Cancelled, Runtime, channel};

const MS: Duration = Duration::from_millis(1);
/// Nothing takes so long that is not lost.
const PATIENCE: Duration = Duration::from_mins(1);

fn runtime(carriers: usize) -> Runtime {
    Runtime::builder().carriers(carriers).build().expect("a runtime")
}

fn rounds() -> usize {
    if long() { 2_000 } else { 30 }
}

/// What ends at its drop, here or elsewhere.
struct Counts(Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn one_that_is_dropped_leaves_the_others_alone() {
    let (stop, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let stays = runtime(2);
    for _ in 0..3 {
        let (stop, turns) = (stop.clone(), turns.clone());
        let spawned = stays.spawn(move || {
            let (there, here) = channel::rendezvous();
            let echo = vthread::spawn(move || here.iter().for_each(drop));
            while !stop.load(SeqCst) {
                there.send(()).expect("somebody receives");
                turns.fetch_add(1, SeqCst);
                vthread::sleep(Duration::from_micros(50));
            }
            drop(there);
            echo.join().expect("not cancelled");
        });
        drop(spawned.expect("the runtime is here"));
    }
    for round in 0..rounds() {
        let goes = runtime(1 + round % 2);
        for i in 0..4 {
            let spawned = goes.spawn(move || {
                vthread::scope(|s| {
                    s.spawn(vthread::park);
                    if i % 2 == 0 { vthread::park() } else { vthread::sleep(PATIENCE) }
                });
            });
            drop(spawned.expect("the runtime is here"));
        }
        if round % 3 == 0 {
            thread::sleep(MS);
        }
        drop(goes);
    }
    let before = turns.load(SeqCst);
    while turns.load(SeqCst) < before + 10 {
        thread::sleep(MS);
    }
    stop.store(true, SeqCst);
    stays.finish();
}

/// Whom its vthreads wait for runs on the carrier of who waits for its end.
#[test]
fn a_vthread_waits_for_the_end_of_another_runtime_and_others_run() {
    for finishes in [true, false] {
        let (say, hear) = mpsc::channel();
        thread::spawn(move || {
            let ended = runtime(1).run(|| {
                let inner = runtime(1);
                let (there, here) = channel::bounded::<i32>(1);
                let waits = if finishes {
                    inner.spawn(move || here.recv().map(drop).expect("somebody sends"))
                } else {
                    // Cancelled, and what its destructor waits for must come all the same.
                    let waits = common::OnDrop(move || here.recv().map(drop).expect("somebody sends"));
                    inner.spawn(move || {
                        let _waits = waits;
                        vthread::park();
                    })
                };
                let sends = vthread::spawn(move || there.send(1));
                if finishes {
                    inner.finish();
                } else {
                    drop(inner);
                }
                assert!(waits.expect("no child").is_finished());
                sends.join().expect("no panic").is_ok()
            });
            say.send(ended.expect("a result")).expect("the test waits");
        });
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(true));
    }
}

#[test]
fn a_vthread_that_drops_its_own_runtime_goes_on_until_it_waits() {
    for round in 0..rounds() {
        let (say, hear) = mpsc::channel();
        let ended = Arc::new(AtomicUsize::new(0));
        let runtime = Arc::new(runtime(2));
        for _ in 0..3 {
            let counts = Counts(ended.clone());
            let spawned = runtime.spawn(move || {
                let _counts = counts;
                vthread::park();
            });
            drop(spawned.expect("the runtime is here"));
        }
        let (its, say) = (runtime.clone(), say.clone());
        let handle = runtime.spawn(move || {
            while Arc::strong_count(&its) > 1 {
                vthread::yield_now();
            }
            let drops = move || {
                drop(its);
                say.send(()).expect("the test waits");
            };
            // By another thread, which it waits for.
            if round % 2 == 0 {
                drops();
            } else {
                vthread::blocking(drops);
            }
            vthread::park();
        });
        drop(runtime);
        hear.recv_timeout(PATIENCE).expect("the drop returns");
        let outcome = handle.expect("the runtime is here").join();
        assert!(outcome.expect_err("it was cancelled").is::<Cancelled>());
        while ended.load(SeqCst) < 3 {
            thread::sleep(MS);
        }
    }
}

#[test]
fn a_vthread_cannot_finish_its_own_runtime() {
    let (give, take) = mpsc::channel::<Runtime>();
    let runtime = runtime(1);
    let handle = runtime.spawn(move || {
        let its = take.recv().expect("it is sent");
        drop(its.finish());
    });
    give.send(runtime).expect("the vthread is there");
    let payload = handle.expect("the runtime is here").join().expect_err("it panics");
    let text = payload.downcast_ref::<&str>().expect("with words");
    assert!(text.contains("waits for the end of its own runtime"), "{text}");
}

#[test]
fn a_vthread_cannot_have_another_thread_finish_its_own_runtime() {
    let (give, take) = mpsc::channel::<Runtime>();
    let (say, hear) = mpsc::channel();
    let runtime = runtime(1);
    let handle = runtime.spawn(move || {
        vthread::blocking(move || {
            let its = take.recv().expect("it is sent");
            let outcome = catch_unwind(AssertUnwindSafe(|| drop(its.finish())));
            let payload = outcome.expect_err("it panics");
            say.send(payload.downcast_ref::<&str>().copied()).expect("the test waits");
        });
    });
    give.send(runtime).expect("the vthread is there");
    let text = hear.recv_timeout(PATIENCE).expect("it does not wait").expect("with words");
    assert!(text.contains("waits for the end of its own runtime"), "{text}");
    let outcome = handle.expect("the runtime is here").join();
    assert!(outcome.expect_err("the runtime is gone").is::<Cancelled>());
}

/// Who drops it is waited for by one of its vthreads, three corners away: as a vthread of another runtime, or of a thread's own.
#[test]
fn a_runtime_that_is_dropped_by_who_its_vthread_waits_for_ends() {
    for way in 0..3 {
        let (ours, theirs) = (Arc::new(runtime(1)), runtime(2));
        let last = ours.clone();
        let (dropped, hear) = channel::bounded::<()>(1);
        let (ended, heard) = mpsc::channel();
        let waits = ours.spawn(move || {
            let drop_it = || {
                hear.recv().expect_err("nothing is sent");
                drop(last);
            };
            vthread::blocking(|| match way {
                0 => theirs.run(|| vthread::blocking(drop_it)).expect("no deadlock"),
                1 => theirs.run(drop_it).expect("no deadlock"),
                _ => vthread::run(|| vthread::blocking(drop_it)),
            });
            ended.send(()).expect("somebody waits");
        });
        let waits = waits.expect("the runtime is here");
        drop((ours, dropped));
        // Cancelled, its vthread goes on until it waits: that is when the call has returned.
        let outcome = waits.join_timeout(PATIENCE).unwrap_or_else(|_| panic!("it waits for itself, {way}"));
        let why = outcome.err().unwrap_or_else(|| panic!("it was not cancelled, {way}"));
        assert!(why.is::<Cancelled>());
        assert!(heard.try_recv().is_err());
    }
}

#[test]
fn a_deadlock_is_of_who_was_in_it_alone() {
    let runtime = Runtime::builder().carriers(2).when_stuck(vthread::WhenStuck::Report).build();
    let runtime = runtime.expect("a runtime");
    for _ in 0..2 {
        let stuck = runtime.run(vthread::park);
        assert!(matches!(stuck, Err(vthread::Error::Deadlock { .. })), "{stuck:?}");
        // What is cancelled later, for another reason, was in none.
        let passes_on = || {
            let child = vthread::scope(|s| {
                let child = s.spawn(vthread::park);
                s.cancel();
                child.join()
            });
            resume_unwind(child.expect_err("cancelled"))
        };
        let passed: Result<_, _> = catch_unwind(AssertUnwindSafe(|| runtime.run::<_, ()>(passes_on)));
        let payload = passed.expect_err("a panic, and no report");
        assert!(payload.is::<Cancelled>());
    }
}

#[test]
fn a_channel_outlives_the_runtime_of_one_end() {
    let stays = runtime(1);
    for round in 0..rounds() {
        let goes = runtime(1);
        let (there, here) = channel::bounded(round % 3);
        let (back, answers) = channel::bounded(round % 2);
        // Waits to receive, or to send, when its runtime is dropped.
        let spawned = goes.spawn(move || {
            for value in here.iter() {
                back.send(value).expect("somebody receives");
            }
        });
        let count = stays.spawn(move || {
            let mut count = 0;
            while there.send(count).is_ok() {
                match answers.recv() {
                    Ok(answer) => assert_eq!(answer, count),
                    Err(_) => break,
                }
                count += 1;
            }
            // Both ends of the other runtime are gone.
            assert!(there.send(0).is_err() && answers.recv().is_err());
            count
        });
        drop(spawned);
        if round % 2 == 0 {
            thread::sleep(Duration::from_micros(300));
        }
        drop(goes);
        count.expect("the runtime is here").join().expect("no panic");
    }
}

#[test]
fn handles_are_joined_and_dropped_in_other_runtimes() {
    let (one, other) = (runtime(2), runtime(2));
    let dropped = Arc::new(AtomicUsize::new(0));
    for round in 0..rounds() {
        let before = dropped.load(SeqCst);
        let (counts, again) = (Counts(dropped.clone()), Counts(dropped.clone()));
        let ends = one.spawn(move || {
            if round % 2 == 0 {
                vthread::yield_now();
            }
            counts
        });
        let ends = ends.expect("the runtime is here");
        // Of one carrier's own, at first.
        let local = one.run(move || vthread::spawn_local(move || again)).expect("it runs");
        let elsewhere = other.spawn(move || {
            if round % 3 == 0 {
                drop((ends, local));
            } else {
                drop((ends.join().expect("no panic"), local.join().expect("no panic")));
            }
        });
        elsewhere.expect("the runtime is here").join().expect("no panic");
        while dropped.load(SeqCst) < before + 2 {
            thread::yield_now();
        }
        assert_eq!(dropped.load(SeqCst), before + 2);
    }
}

/// Panics when it is dropped, and so does what it panics with.
struct Bomb(Arc<AtomicUsize>, bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        if self.1 {
            resume_unwind(Box::new(Bomb(self.0.clone(), false)));
        }
        resume_unwind(Box::new(5));
    }
}

#[test]
fn results_whose_drop_panics_end_their_vthread_alone() {
    let runtime = runtime(2);
    let dropped = Arc::new(AtomicUsize::new(0));
    for _ in 0..rounds() {
        let bomb = Bomb(dropped.clone(), true);
        // Nobody wants it: either side may be who drops it.
        let handle = runtime.spawn(move || bomb).expect("the runtime is here");
        let _ = catch_unwind(AssertUnwindSafe(|| drop(handle))).map_err(std::mem::forget);
    }
    // In a scope, which hears of the first.
    let in_a_scope = || {
        let outcome = runtime.run(|| {
            vthread::scope(|s| {
                for _ in 0..3 {
                    let bomb = Bomb(dropped.clone(), true);
                    drop(s.spawn(move || resume_unwind(Box::new(bomb))));
                }
            });
        });
        outcome.expect("a runtime");
    };
    let caught = catch_unwind(AssertUnwindSafe(in_a_scope));
    assert!(caught.map_err(std::mem::forget).is_err());
    // The carriers are all there.
    let sum = runtime.run(|| {
        vthread::scope(|s| [1, 2, 3].map(|i| s.spawn(move || i)).map(|h| h.join().expect("no panic")))
    });
    assert_eq!(sum.expect("it runs"), [1, 2, 3]);
    runtime.finish();
    assert!(dropped.load(SeqCst) >= rounds());
}

#[test]
fn permits_come_from_many_threads_and_runtimes() {
    let (one, other) = (runtime(1), runtime(1));
    for _ in 0..rounds().div_ceil(3) {
        let granted = Arc::new(AtomicUsize::new(0));
        let wanted = granted.clone();
        let parked = one.spawn(move || {
            let mut seen = 0;
            while seen < 400 {
                vthread::park();
                let now = wanted.load(SeqCst);
                seen = now;
            }
        });
        let parked = parked.expect("the runtime is here");
        let vthread = parked.vthread();
        let unparks = move || {
            for _ in 0..100 {
                granted.fetch_add(1, SeqCst);
                vthread.unpark();
            }
        };
        let threads = [(); 3].map(|()| thread::spawn(unparks.clone()));
        drop(other.spawn(unparks));
        for thread in threads {
            thread.join().expect("no panic");
        }
        parked.join().expect("no panic");
    }
}
