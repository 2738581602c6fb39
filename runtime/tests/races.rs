//! Things that end at the same moment, on several carriers: time limits and wake-ups, cancellations and starts, the ends of a `select!` that
//! has the same channel more than once.

#![cfg(vthread_native)]

mod common;

use common::long;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::channel::{self, TryRecvError, TrySendError};
use vthread::sync::{Mutex, Notify, Semaphore};
use vthread::{Runtime, scope, select, yield_now};

fn runtime(carriers: usize) -> Runtime {
    Runtime::builder().carriers(carriers).build().expect("a runtime")
}

fn rounds() -> u64 {
    if long() { 50_000 } else { 300 }
}

fn add(sum: &AtomicU64, value: u64) {
    sum.fetch_add(value, SeqCst);
}

/// About as long as it takes others to come.
fn soon(seed: u64) -> Duration {
    Duration::from_micros(seed * 7 % 40)
}

#[test]
fn a_value_is_sent_and_received_once_or_not_at_all_whatever_time_is_up() {
    for capacity in [0, 1, 4] {
        let (sent, taken) = (AtomicU64::new(0), AtomicU64::new(0));
        let outcome = runtime(3).run(|| {
            let (sender, receiver) = channel::bounded(capacity);
            scope(|s| {
                for who in 0..3 {
                    let (sender, sent) = (sender.clone(), &sent);
                    s.spawn(move || {
                        for value in 1..=rounds() {
                            match sender.send_timeout(value, soon(value + who)) {
                                Ok(()) => {
                                    sent.fetch_add(value, SeqCst);
                                }
                                Err(TrySendError::Full(back)) => assert_eq!(back, value),
                                Err(TrySendError::Closed(_)) => panic!("there are receivers"),
                            }
                        }
                    });
                    let (receiver, taken) = (receiver.clone(), &taken);
                    s.spawn(move || {
                        for turn in 0.. {
                            match receiver.recv_timeout(soon(turn + who)) {
                                Ok(value) => {
                                    taken.fetch_add(value, SeqCst);
                                }
                                Err(TryRecvError::Empty) => {}
                                Err(TryRecvError::Closed) => break,
                            }
                        }
                    });
                }
                drop((sender, receiver));
            });
        });
        outcome.expect("it runs");
        assert_eq!(sent.into_inner(), taken.into_inner());
    }
}

#[test]
fn permits_are_neither_lost_nor_made_when_time_is_up() {
    let (mutex, semaphore, inside) = (Mutex::new(0), Semaphore::new(3), AtomicUsize::new(0));
    let (notify, granted, taken) = (Notify::new(), AtomicU64::new(0), AtomicU64::new(0));
    let counted = AtomicU64::new(0);
    let outcome = runtime(3).run(|| {
        scope(|s| {
            for who in 0..6 {
                let (mutex, semaphore, inside) = (&mutex, &semaphore, &inside);
                let (notify, granted, taken, counted) = (&notify, &granted, &taken, &counted);
                s.spawn(move || {
                    for turn in 0..rounds() {
                        if let Some(mut count) = mutex.lock_timeout(soon(turn + who)) {
                            *count += 1;
                            counted.fetch_add(1, SeqCst);
                            if turn % 5 == 0 {
                                yield_now();
                            }
                        }
                        let wants = 1 + (turn + who) as usize % 3;
                        if let Some(permits) = semaphore.acquire_timeout(wants, soon(turn)) {
                            assert!(inside.fetch_add(wants, SeqCst) + wants <= 3);
                            yield_now();
                            inside.fetch_sub(wants, SeqCst);
                            drop(permits);
                        }
                        if who % 2 == 0 {
                            granted.fetch_add(1, SeqCst);
                            notify.notify_one();
                        } else if notify.wait_timeout(soon(turn + 3)) {
                            taken.fetch_add(1, SeqCst);
                        }
                    }
                });
            }
        });
    });
    outcome.expect("it runs");
    assert_eq!(mutex.into_inner(), counted.into_inner());
    assert_eq!(semaphore.available(), 3);
    assert!(taken.into_inner() <= granted.into_inner());
}

#[test]
fn an_end_comes_before_its_time_is_up_or_after() {
    let outcome = runtime(3).run(|| {
        for turn in 0..rounds() {
            let mut handle = vthread::spawn(move || {
                if turn % 2 == 0 {
                    vthread::sleep(soon(turn));
                }
                turn
            });
            loop {
                match handle.join_timeout(soon(turn + 1)) {
                    Ok(result) => break assert_eq!(result.expect("no panic"), turn),
                    Err(back) => handle = back,
                }
            }
        }
    });
    outcome.expect("it runs");
}

#[test]
fn whoever_is_spawned_while_its_scope_is_cancelled_ends() {
    struct Here<'a>(&'a AtomicUsize);
    impl Drop for Here<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }
    let runtime = runtime(3);
    for round in 0..rounds() / 5 {
        let here = AtomicUsize::new(0);
        let enter = || {
            here.fetch_add(1, SeqCst);
            Here(&here)
        };
        let outcome = runtime.run(|| {
            scope(|s| {
                for _ in 0..2 {
                    // It cannot know that the others are to end, and has more of them for as long as it is there itself.
                    s.spawn(|| {
                        loop {
                            let inside = enter();
                            s.spawn(move || {
                                let _inside = inside;
                                scope(|below| {
                                    below.spawn(vthread::park);
                                    vthread::sleep(Duration::from_secs(1000));
                                });
                            });
                            yield_now();
                        }
                    });
                }
                (0..round % 9).for_each(|_| yield_now());
                if round % 2 == 0 {
                    std::thread::sleep(soon(round));
                }
                s.cancel();
            });
        });
        outcome.expect("it runs");
        assert_eq!(here.into_inner(), 0);
    }
}

#[test]
fn a_select_may_have_the_same_channel_more_than_once() {
    for capacity in [0, 1, 3] {
        let (sent, taken) = (AtomicU64::new(0), AtomicU64::new(0));
        let outcome = runtime(3).run(|| {
            let (sender, receiver) = channel::bounded::<u64>(capacity);
            scope(|s| {
                // Each sends and receives, and may get what it sends itself only where there is room for it meanwhile.
                for who in 0..4 {
                    let (sender, receiver, sent, taken) =
                        (sender.clone(), receiver.clone(), &sent, &taken);
                    s.spawn(move || {
                        let got = |value: u64| add(taken, value);
                        let gone = |value: u64| add(sent, value);
                        for value in 1..=rounds() {
                            select! {
                                recv(receiver) -> value => got(value.expect("a sender")),
                                send(sender, value) -> done => { done.expect("a receiver"); gone(value) },
                                recv(receiver) -> value => got(value.expect("a sender")),
                                send(sender, 2 * value) -> done => { done.expect("a receiver"); gone(2 * value) },
                                default(soon(value + who)) => {},
                            }
                        }
                    });
                }
            });
            drop(sender);
            receiver.iter().for_each(|value| add(&taken, value));
        });
        outcome.expect("it runs");
        assert_eq!(sent.into_inner(), taken.into_inner());
    }
}
