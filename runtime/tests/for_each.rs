//! Loops whose turns run as vthreads.
#![cfg(vthread_native)]

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::sync::Barrier;
use vthread::{channel, concurrent_for, parallel_for, run, scope, sleep, spawn, yield_now};

#[test]
fn every_item_once_and_never_more_than_the_limit() {
    for (items, limit) in [(0, 3), (1, 3), (100, 1), (98, 7), (5, 100), (20, 0)] {
        let (now, most, seen) = (Cell::new(0), Cell::new(0), RefCell::new(vec![0; items]));
        // Nobody goes on before as many run as may: fewer would be a deadlock.
        let together = items.min(limit).max(1);
        let barrier = Barrier::new(together);
        run(|| {
            concurrent_for(0..items, limit, |i| {
                now.set(now.get() + 1);
                most.set(most.get().max(now.get()));
                barrier.wait();
                (0..i % 4).for_each(|_| yield_now());
                now.set(now.get() - 1);
                seen.borrow_mut()[i] += 1;
            });
        });
        assert!(seen.into_inner().into_iter().all(|n| n == 1));
        assert_eq!(most.get(), together.min(items));
    }
}

#[test]
fn items_may_come_late() {
    let sum = run(|| {
        let (sender, receiver) = channel::rendezvous();
        spawn(move || {
            for n in 1..=20 {
                sleep(Duration::from_micros(100));
                sender.send(n).expect("a receiver");
            }
        });
        let sum = Cell::new(0);
        concurrent_for(receiver.iter(), 4, |n: i32| {
            sleep(Duration::from_micros(300));
            sum.set(sum.get() + n);
        });
        sum.get()
    });
    assert_eq!(sum, 210);
}

#[test]
fn parallel_turns_see_every_item() {
    for (items, limit) in [(0, 2), (1, 2), (1000, 1), (100_000, 4), (10, 50)] {
        let all: Vec<usize> = (0..items).collect();
        let (sum, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        run(|| {
            parallel_for(&all, limit, |n| {
                sum.fetch_add(*n, SeqCst);
            });
            parallel_for(all.iter().map(|n| n * 2), limit, |n| seen.lock().expect("no panic").push(n));
        });
        assert_eq!(sum.into_inner(), all.iter().sum());
        let mut seen = seen.into_inner().expect("no panic");
        seen.sort_unstable();
        assert!(seen.into_iter().eq(all.iter().map(|n| n * 2)));
    }
}

#[test]
fn a_panic_ends_the_loop_and_waits_for_the_turns_that_run() {
    let (begun, ended) = (Cell::new(0), Cell::new(0));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        run(|| {
            concurrent_for(0.., 3, |i| {
                begun.set(begun.get() + 1);
                yield_now();
                if i == 10 {
                    panic_any(i);
                }
                ended.set(ended.get() + 1);
            });
        });
    }));
    assert_eq!(panic.expect_err("panics").downcast_ref(), Some(&10));
    assert_eq!(begun.get(), ended.get() + 1);
    assert!(begun.get() < 16);
    // In the iterator, and in parallel.
    let broken = || (0..100).inspect(|i| assert!(*i < 50, "item {i}"));
    let panic = catch_unwind(|| run(|| concurrent_for(broken(), 3, |_| ())));
    assert_eq!(panic.expect_err("panics").downcast_ref::<String>().expect("a message"), "item 50");
    let panic = catch_unwind(|| run(|| parallel_for(0..1000, 3, |i| assert!(i != 500))));
    panic.expect_err("panics");
}

#[test]
fn a_cancelled_loop_ends() {
    let turns = AtomicUsize::new(0);
    run(|| {
        scope(|s| {
            let endless = s.spawn(|| {
                concurrent_for(0.., 4, |_: u64| {
                    turns.fetch_add(1, SeqCst);
                    yield_now();
                });
            });
            (0..10).for_each(|_| yield_now());
            s.cancel();
            assert!(endless.join().expect_err("cancelled").is::<vthread::Cancelled>());
        });
    });
    assert!(turns.into_inner() > 4);
}
