//! Mutexes, locks, semaphores, barriers, condition variables and notifications, between vthreads and ordinary threads.
#![cfg(vthread_native)]

mod common;

use common::long;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::hop;
use vthread::sync::{Barrier, Condvar, Mutex, Notify, RwLock, Semaphore};
use vthread::{Builder, Cancelled, Error, WhenStuck, park, run, scope, sleep, yield_now};

const MS: Duration = Duration::from_millis(1);

/// Runs `work` on four vthreads of each of two runtimes, some of them off their chunks, and on two ordinary threads.
fn everywhere(work: impl Fn(usize) + Sync) {
    let work = &work;
    std::thread::scope(|threads| {
        for runtime in 0..2 {
            threads.spawn(move || {
                let carried = Builder::new().when_stuck(WhenStuck::Sleep).run(|| {
                    scope(|s| {
                        for i in 0..4 {
                            let i = 4 * runtime + i;
                            s.spawn(move || if i % 2 == 0 { work(i) } else { hop(|| work(i)) });
                        }
                    });
                });
                carried.expect("no deadlock");
            });
        }
        for i in 8..10 {
            threads.spawn(move || work(i));
        }
    });
}

/// Lets some vthreads start and come to their waits.
fn settle() {
    (0..20).for_each(|_| yield_now());
}

fn rounds() -> usize {
    if long() { 100_000 } else { 1_000 }
}

#[test]
fn a_mutex_lets_one_in() {
    let (mutex, inside) = (Mutex::new(0), AtomicUsize::new(0));
    everywhere(|i| {
        for round in 0..rounds() {
            let mut count = mutex.lock();
            assert_eq!(inside.fetch_add(1, SeqCst), 0);
            *count += 1;
            if (round + i) % 16 == 0 {
                yield_now();
            }
            inside.fetch_sub(1, SeqCst);
        }
    });
    assert_eq!(mutex.into_inner(), 10 * rounds());
}

#[test]
fn a_lock_lets_readers_or_a_writer_in() {
    let lock = RwLock::new((0usize, 0usize));
    everywhere(|i| {
        for round in 0..rounds() {
            if (round + i) % 4 == 0 {
                let mut both = lock.write();
                both.0 += 1;
                if round % 16 == 0 {
                    yield_now();
                }
                both.1 += 1;
            } else {
                let both = lock.read();
                assert_eq!(both.0, both.1);
                if round % 16 == 1 {
                    yield_now();
                }
                assert_eq!(both.0, both.1);
            }
        }
    });
    let (a, b) = lock.into_inner();
    assert_eq!((a, b), (10 * rounds() / 4, a));
}

#[test]
fn readers_read_together() {
    run(|| {
        let lock = RwLock::new(());
        scope(|s| {
            let first = lock.read();
            s.spawn(|| drop(lock.read())).join().expect("no panic");
            let writer = s.spawn(|| drop(lock.write()));
            yield_now();
            assert!(!writer.is_finished() && lock.try_read().is_none() && lock.try_write().is_none());
            drop(first);
            writer.join().expect("no panic");
            assert!(lock.try_write().is_some());
        });
    });
}

#[test]
fn a_semaphore_never_gives_more_than_it_has() {
    let (semaphore, taken) = (Semaphore::new(5), AtomicUsize::new(0));
    everywhere(|i| {
        for round in 0..rounds() / 2 {
            let count = 1 + (i + round) % 5;
            let permits = semaphore.acquire(count);
            assert!(taken.fetch_add(count, SeqCst) + count <= 5);
            if round % 8 == 0 {
                yield_now();
            }
            taken.fetch_sub(count, SeqCst);
            drop(permits);
        }
    });
    assert_eq!(semaphore.available(), 5);
}

#[test]
fn who_gives_up_lets_those_behind_go() {
    run(|| {
        let semaphore = Semaphore::new(1);
        scope(|s| {
            let large = s.spawn(|| semaphore.acquire_timeout(2, 5 * MS).is_none());
            yield_now();
            let small = s.spawn(|| drop(semaphore.acquire(1)));
            yield_now();
            assert!(!small.is_finished(), "it went before one that came first");
            assert!(large.join().expect("no panic"));
            small.join().expect("no panic");
        });
        assert_eq!(semaphore.available(), 1);
        // The same when it is cancelled.
        scope(|s| {
            scope(|cancelled| {
                let large = cancelled.spawn(|| drop(semaphore.acquire(2)));
                yield_now();
                let small = s.spawn(|| drop(semaphore.acquire(1)));
                yield_now();
                cancelled.cancel();
                assert!(large.join().expect_err("cancelled").is::<Cancelled>());
                small.join().expect("no panic");
            });
        });
    });
}

#[test]
fn a_barrier_lets_them_go_together() {
    let (barrier, come, last) = (Barrier::new(10), AtomicUsize::new(0), AtomicUsize::new(0));
    let rounds = rounds() / 5;
    everywhere(|_| {
        for round in 1..=rounds {
            come.fetch_add(1, SeqCst);
            last.fetch_add(usize::from(barrier.wait()), SeqCst);
            assert!(come.load(SeqCst) >= 10 * round);
            barrier.wait();
        }
    });
    assert_eq!(last.into_inner(), rounds);
}

#[test]
fn a_cancelled_one_is_not_counted_at_the_barrier() {
    run(|| {
        let barrier = Barrier::new(2);
        scope(|s| {
            s.spawn(|| barrier.wait());
            yield_now();
            s.cancel();
        });
        scope(|s| {
            let one = s.spawn(|| barrier.wait());
            yield_now();
            assert!(!one.is_finished());
            assert!(barrier.wait());
        });
    });
}

#[test]
fn conditions_are_seen() {
    let (queue, changed, sum) = (Mutex::new(Vec::new()), Condvar::new(), AtomicUsize::new(0));
    everywhere(|i| {
        for n in 0..rounds() {
            if i % 2 == 0 {
                queue.lock().push(n);
                changed.notify_one();
            } else {
                let mut queue = changed.wait_while(queue.lock(), |queue| queue.is_empty());
                sum.fetch_add(queue.pop().expect("not empty"), SeqCst);
            }
        }
    });
    assert_eq!(sum.into_inner(), 5 * (0..rounds()).sum::<usize>());
}

#[test]
fn a_condition_may_not_come() {
    run(|| {
        let (mutex, condition) = (Mutex::new(()), Condvar::new());
        let (guard, notified) = condition.wait_timeout(mutex.lock(), MS);
        assert!(!notified && mutex.try_lock().is_none());
        drop(guard);
        scope(|s| {
            let all = [(); 3].map(|()| s.spawn(|| condition.wait_timeout(mutex.lock(), 60_000 * MS).1));
            settle();
            condition.notify_all();
            for one in all {
                assert!(one.join().expect("no panic"));
            }
            // A cancelled wait holds nothing.
            s.spawn(|| drop(condition.wait(mutex.lock())));
            yield_now();
            s.cancel();
        });
        assert!(mutex.try_lock().is_some());
    });
}

#[test]
fn who_is_cancelled_leaves_its_notification_to_another_one() {
    for has_come_to_the_mutex in [false, true] {
        let outcome = Builder::new().when_stuck(WhenStuck::Report).run(|| {
            let (mutex, condition) = (Mutex::new(false), Condvar::new());
            scope(|stays| {
                scope(|s| {
                    s.spawn(|| drop(condition.wait(mutex.lock())));
                    settle();
                    stays.spawn(|| drop(condition.wait_while(mutex.lock(), |is_ready| !*is_ready)));
                    settle();
                    let mut is_ready = mutex.lock();
                    *is_ready = true;
                    condition.notify_one();
                    if has_come_to_the_mutex {
                        settle();
                    }
                    s.cancel();
                });
            });
        });
        outcome.expect("nobody waits for ever");
    }
}

#[test]
fn notifications_are_not_lost() {
    let (there, back) = (Notify::new(), Notify::new());
    let count = AtomicUsize::new(0);
    everywhere(|i| {
        for _ in 0..rounds() {
            match i {
                0 => {
                    there.notify_one();
                    back.wait();
                }
                9 => {
                    there.wait();
                    count.fetch_add(1, SeqCst);
                    back.notify_one();
                }
                _ => return,
            }
        }
    });
    assert_eq!(count.into_inner(), rounds());
    run(|| {
        let notify = Notify::new();
        assert!(!notify.wait_timeout(MS));
        notify.notify_one();
        notify.notify_one();
        assert!(notify.wait_timeout(MS) && !notify.wait_timeout(MS));
        scope(|s| {
            let all = [(); 3].map(|()| s.spawn(|| notify.wait()));
            settle();
            notify.notify_all();
            for one in all {
                one.join().expect("no panic");
            }
        });
    });
}

#[test]
fn a_mutex_passes_on_when_its_holder_is_cancelled_or_panics() {
    run(|| {
        let mutex = Mutex::new(0);
        scope(|s| {
            s.spawn(|| {
                let _guard = mutex.lock();
                park();
            });
            yield_now();
            assert!(mutex.lock_timeout(MS).is_none());
            s.cancel();
            *mutex.lock() += 1;
            let child = s.spawn(|| {
                let _guard = mutex.lock();
                std::panic::resume_unwind(Box::new(1));
            });
            assert!(child.join().is_err());
            *mutex.lock() += 1;
        });
        assert_eq!(*mutex.lock(), 2);
    });
}

#[test]
fn a_deadlock_of_mutexes_is_told() {
    let (a, b) = (Mutex::new(()), Mutex::new(()));
    let result = Builder::new().when_stuck(WhenStuck::Report).run(|| {
        scope(|s| {
            for (name, first, second) in [("one", &a, &b), ("two", &b, &a)] {
                s.spawn_named(name, move || {
                    let _first = first.lock();
                    sleep(MS);
                    let _second = second.lock();
                });
            }
        });
    });
    let Err(Error::Deadlock { report }) = result else { panic!("{result:?}") };
    for name in ["(one)", "(two)"] {
        assert!(report.contains(&format!("{name} waits for the mutex at 0x")), "{report}");
    }
    assert!(a.try_lock().is_some() && b.try_lock().is_some());
}
