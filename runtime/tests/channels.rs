//! Channels: order, hand-over, closing, timeouts and cancellation, between vthreads and ordinary threads.
#![cfg(vthread_native)]

mod common;

use common::long;
use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use vthread::channel::{
    CallError, Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError, bounded, oneshot,
    rendezvous, unbounded, watch,
};
use vthread::hop;
use vthread::{Builder, Cancelled, Error, WhenStuck, run, scope, sleep, yield_now};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_send_to_who_waits_switches_straight_into_it() {
    let log = Rc::new(RefCell::new(Vec::new()));
    run(|| {
        let (sender, receiver) = rendezvous();
        scope(|s| {
            let [a, b, c] = [log.clone(), log.clone(), log.clone()];
            s.spawn_local(move || {
                while let Ok(n) = receiver.recv() {
                    a.borrow_mut().push(format!("got {n}"));
                }
            });
            s.spawn_local(move || {
                for n in 0..2 {
                    b.borrow_mut().push(format!("send {n}"));
                    sender.send(n).expect("a receiver");
                    b.borrow_mut().push(format!("sent {n}"));
                }
            });
            s.spawn_local(move || c.borrow_mut().push("other".into()));
        });
    });
    // The receiver waits, then has the value before its sender goes on, whoever else is there.
    let log: Vec<String> = log.take().into_iter().filter(|entry| entry != "other").collect();
    assert_eq!(log[..2], ["send 0", "got 0"], "{log:?}");
    assert_eq!(log.len(), 6);
}

#[test]
fn call_and_reply_is_one_switch_each_way() {
    let log = Rc::new(RefCell::new(Vec::new()));
    run(|| {
        let ((calls, requests), (replies, answers)) = (rendezvous::<i32>(), rendezvous::<i32>());
        let [a, b, c] = [log.clone(), log.clone(), log.clone()];
        scope(move |s| {
            s.spawn_local(move || {
                let mut request = requests.recv().expect("a call");
                loop {
                    a.borrow_mut().push(request);
                    match replies.call(request * 10, &requests) {
                        Ok(next) => request = next,
                        Err(error) => return assert_eq!(error, CallError::Receive),
                    }
                }
            });
            s.spawn_local(move || {
                for n in 1..=5 {
                    let answer = calls.call(n, &answers).expect("an answer");
                    b.borrow_mut().push(answer);
                }
            });
            // It only gets in between if somebody goes through the queue of those who are ready.
            s.spawn_local(move || {
                for _ in 0..50 {
                    c.borrow_mut().push(0);
                    yield_now();
                }
            });
        });
    });
    let log = log.take();
    let first = log.iter().position(|&entry| entry == 1).expect("the first call");
    assert_eq!(log[first..first + 10], [1, 10, 2, 20, 3, 30, 4, 40, 5, 50], "{log:?}");
}

/// Of who sent it, and which one of theirs it is.
type Numbered = (usize, usize);

/// `senders` send so many numbers each, `receivers` take them. Every one comes once, and those of a sender in order.
fn all_arrive(
    (sender, receiver): (Sender<Numbered>, Receiver<Numbered>),
    senders: usize,
    receivers: usize,
    each: usize,
    on_threads: bool,
) {
    let seen = std::sync::Mutex::new(HashSet::new());
    let send = |from: usize, sender: Sender<Numbered>| {
        for n in 0..each {
            sender.send((from, n)).expect("a receiver");
            if n % 7 == from % 7 {
                yield_now();
            }
        }
    };
    let receive = |receiver: Receiver<Numbered>| {
        let mut last = vec![None; senders];
        for (from, n) in receiver.iter() {
            assert!(last[from].replace(n) < Some(n), "out of order");
            assert!(seen.lock().expect("no panic").insert((from, n)), "twice");
        }
    };
    Builder::new()
        .when_stuck(if on_threads { WhenStuck::Sleep } else { WhenStuck::Report })
        .run(|| {
            std::thread::scope(|threads| {
                scope(|s| {
                    let (send, receive) = (&send, &receive);
                    for i in 0..receivers {
                        let receiver = receiver.clone();
                        if on_threads && i % 2 == 1 {
                            threads.spawn(move || receive(receiver));
                        } else {
                            s.spawn(
                                move || {
                                    if i % 3 == 0 { hop(|| receive(receiver)) } else { receive(receiver) }
                                },
                            );
                        }
                    }
                    for i in 0..senders {
                        let sender = sender.clone();
                        if on_threads && i % 2 == 0 {
                            threads.spawn(move || send(i, sender));
                        } else {
                            s.spawn(
                                move || if i % 3 == 1 { hop(|| send(i, sender)) } else { send(i, sender) },
                            );
                        }
                    }
                    drop((sender, receiver));
                });
            });
        })
        .expect("no deadlock");
    assert_eq!(seen.into_inner().expect("no panic").len(), senders * each);
}

#[test]
fn everything_arrives_once_and_in_order() {
    for (senders, receivers) in [(1, 1), (1, 5), (5, 1), (4, 3)] {
        all_arrive(rendezvous(), senders, receivers, 200, false);
        all_arrive(bounded(1), senders, receivers, 200, false);
        all_arrive(bounded(7), senders, receivers, 200, false);
        all_arrive(unbounded(), senders, receivers, 200, false);
    }
}

#[test]
fn ordinary_threads_take_part() {
    let each = if long() { 500_000 } else { 5_000 };
    for (senders, receivers) in [(1, 1), (2, 2), (3, 4)] {
        all_arrive(rendezvous(), senders, receivers, each, true);
        all_arrive(bounded(3), senders, receivers, each, true);
        all_arrive(unbounded(), senders, receivers, each, true);
    }
}

#[test]
fn between_two_runtimes() {
    let (to, from) = bounded(2);
    let (back, answers) = rendezvous();
    let other = std::thread::spawn(move || {
        Builder::new().when_stuck(WhenStuck::Sleep).run(|| {
            for n in from.iter() {
                back.send(n + 1).expect("a receiver");
            }
        })
    });
    let sum = Builder::new().when_stuck(WhenStuck::Sleep).run(|| {
        let to = to;
        (0..3000).map(|n: u64| to.call(n, &answers).expect("an answer")).sum::<u64>()
    });
    assert_eq!(sum.ok(), Some((1..=3000).sum()));
    other.join().expect("no panic").expect("no deadlock");
}

#[test]
fn closing_ends_waits_on_both_sides() {
    run(|| {
        let (sender, receiver) = bounded(2);
        sender.send(1).expect("room");
        assert_eq!(sender.try_send(2), Ok(()));
        assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
        assert_eq!(sender.send_timeout(3, MS), Err(TrySendError::Full(3)));
        drop(sender);
        // What is in it still comes out.
        assert_eq!((receiver.recv(), receiver.recv(), receiver.recv()), (Ok(1), Ok(2), Err(RecvError)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

        let (sender, receiver) = rendezvous();
        scope(|s| {
            let clone = sender.clone();
            let waits = s.spawn(move || clone.send("unwanted"));
            yield_now();
            drop(receiver);
            assert_eq!(waits.join().expect("no panic"), Err(SendError("unwanted")));
            assert_eq!(sender.try_send("late"), Err(TrySendError::Closed("late")));
        });

        let (sender, receiver) = rendezvous::<u8>();
        scope(|s| {
            let receivers = [receiver.clone(), receiver].map(|receiver| s.spawn(move || receiver.recv()));
            yield_now();
            drop(sender);
            for waits in receivers {
                assert_eq!(waits.join().expect("no panic"), Err(RecvError));
            }
        });
    });
}

struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn no_value_is_lost_or_dropped_twice() {
    let dropped = AtomicUsize::new(0);
    run(|| {
        let (sender, receiver) = bounded(3);
        scope(|s| {
            for _ in 0..10 {
                let sender = sender.clone();
                // Seven of them wait with their value.
                s.spawn(|| drop(sender));
            }
            for _ in 0..10 {
                let (sender, dropped) = (sender.clone(), &dropped);
                s.spawn(move || sender.send(Counted(dropped)).is_ok());
            }
            sleep(MS);
            assert_eq!(dropped.load(SeqCst), 0);
            drop(receiver.recv());
            drop(receiver.recv_timeout(MS));
            assert_eq!(dropped.load(SeqCst), 2);
            drop(receiver);
        });
        assert_eq!(dropped.load(SeqCst), 10);
    });
}

#[test]
fn timeouts_race_with_sends() {
    run(|| {
        let (sender, receiver) = rendezvous();
        let (got, sent) = (AtomicUsize::new(0), AtomicUsize::new(0));
        scope(|s| {
            for i in 0..200u32 {
                let (sender, receiver) = (sender.clone(), receiver.clone());
                let (got, sent) = (&got, &sent);
                s.spawn(move || {
                    if receiver.recv_timeout(MS * (i % 5) / 4).is_ok() {
                        got.fetch_add(1, SeqCst);
                    }
                });
                s.spawn(move || {
                    if sender.send_timeout(i, MS * (i % 7) / 4).is_ok() {
                        sent.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        assert_eq!(got.load(SeqCst), sent.load(SeqCst));
        assert!(got.load(SeqCst) > 0);
        let start = Instant::now();
        assert_eq!(receiver.recv_timeout(5 * MS), Err(TryRecvError::Empty));
        assert!(start.elapsed() >= 5 * MS);
    });
    // The same for an ordinary thread.
    let (_sender, receiver) = rendezvous::<u8>();
    assert_eq!(receiver.recv_timeout(5 * MS), Err(TryRecvError::Empty));
}

#[test]
fn a_cancelled_wait_leaves_the_channel_as_it_was() {
    run(|| {
        let (sender, receiver) = rendezvous();
        scope(|s| {
            let waits = s.spawn(|| receiver.recv());
            let clone = receiver.clone();
            yield_now();
            s.cancel();
            assert!(waits.join().expect_err("cancelled").is::<Cancelled>());
            drop(clone);
        });
        scope(|s| {
            s.spawn(|| sender.send(5).expect("a receiver"));
            assert_eq!(receiver.recv(), Ok(5));
        });
        scope(|s| {
            let waits = s.spawn(|| sender.send(6));
            yield_now();
            s.cancel();
            assert!(waits.join().expect_err("cancelled").is::<Cancelled>());
        });
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    });
}

#[test]
fn oneshots() {
    run(|| {
        let (sender, receiver) = oneshot::channel();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        sender.send(1).expect("a receiver");
        assert_eq!(receiver.recv(), Ok(1));
        let (sender, receiver) = oneshot::channel::<u8>();
        let waits = vthread::spawn(|| receiver.recv());
        yield_now();
        drop(sender);
        assert_eq!(waits.join().expect("no panic"), Err(RecvError));
        let (sender, receiver) = oneshot::channel();
        drop(receiver);
        assert_eq!(sender.send("back"), Err("back"));
    });
}

#[test]
fn watchers_see_the_latest() {
    run(|| {
        let (sender, mut receiver) = watch::channel(0);
        let mut late = sender.subscribe();
        scope(|s| {
            let seen = s.spawn(move || {
                let mut seen = vec![];
                while let Ok(value) = receiver.recv() {
                    seen.push(*value);
                }
                seen
            });
            yield_now();
            sender.send(1);
            yield_now();
            sender.send(2);
            sender.send(3);
            yield_now();
            assert_eq!(late.recv().map(|value| *value), Ok(3));
            drop(sender);
            assert_eq!(late.recv(), Err(RecvError));
            let seen = seen.join().expect("no panic");
            assert!(seen.ends_with(&[3]) && seen.is_sorted(), "{seen:?}");
        });
    });
}

#[test]
fn who_waits_for_what_is_told() {
    let result = Builder::new().when_stuck(WhenStuck::Report).run(|| {
        let ((a, b), (c, d)) = (rendezvous::<u8>(), bounded::<u8>(0));
        scope(|s| {
            s.spawn_named("left", || {
                let _ = b.recv();
                c.send(1)
            });
            s.spawn_named("right", || {
                let _ = d.recv();
                a.send(1)
            });
        });
    });
    let Err(Error::Deadlock { report }) = result else { panic!("{result:?}") };
    for name in ["(left)", "(right)"] {
        assert!(report.contains(&format!("{name} waits to receive from the channel at 0x")), "{report}");
    }
}

#[test]
fn a_panic_between_send_and_receive_hurts_nobody() {
    run(|| {
        let (sender, receiver) = bounded::<u8>(1);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                s.spawn(|| {
                    let _own = sender.clone();
                    receiver.recv().expect("a value");
                    panic!("after a receive");
                });
                sender.send(1).expect("a receiver");
            });
        }));
        assert!(caught.is_err());
        sender.send(2).expect("a receiver");
        assert_eq!(receiver.recv(), Ok(2));
    });
}
