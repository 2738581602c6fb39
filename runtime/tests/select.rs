//! `select!`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::channel::{self, RecvError, SendError, bounded, oneshot, rendezvous, unbounded, watch};
use vthread::{Cancelled, park, run, scope, select, sleep, spawn, yield_now};

const MS: Duration = Duration::from_millis(1);

#[test]
fn what_is_ready_is_chosen_at_once() {
    let (full, drain) = bounded(1);
    full.send(1).expect("a receiver");
    let (ready, source) = unbounded();
    ready.send(2).expect("a receiver");
    let body = |full: &channel::Sender<i32>| {
        select! {
            send(full, 3) -> _ => "sent",
            recv(source) -> value => if value == Ok(2) { "received" } else { "wrong" },
        }
    };
    // On a vthread and on an ordinary thread.
    assert_eq!(run(|| body(&full)), "received");
    ready.send(2).expect("a receiver");
    assert_eq!(body(&full), "received");
    assert_eq!(drain.try_recv(), Ok(1));
    let mut sent = 0;
    select! { send(full, 4) -> result => { result.expect("a receiver"); sent += 1; } default => {} }
    assert_eq!((sent, drain.try_recv()), (1, Ok(4)));
}

#[test]
fn defaults_do_not_wait_or_not_for_long() {
    let (_sender, receiver) = unbounded::<u8>();
    let neither = |body: fn(&channel::Receiver<u8>) -> bool| run(|| body(&receiver)) && body(&receiver);
    assert!(neither(|receiver| select! { recv(receiver) -> _ => false, default => true }));
    assert!(neither(|receiver| select! { recv(receiver) -> _ => false, default(MS) => true }));
    assert!(run(|| select! { default(MS) => true }));
    assert!(run(|| select! { default => true }));
}

#[test]
fn each_branch_can_wake() {
    run(|| {
        for which in 0..6 {
            let (numbers, source) = rendezvous::<u8>();
            let (full, drain) = rendezvous::<String>();
            let (once, single) = oneshot::channel::<u8>();
            let (state, mut changes) = watch::channel(0);
            let child = spawn(move || {
                if which != 3 {
                    park();
                }
            });
            let id = child.vthread();
            spawn(move || match which {
                0 => numbers.send(7).expect("a receiver"),
                1 => assert_eq!(drain.recv().as_deref(), Ok("text")),
                2 => once.send(8).expect("a receiver"),
                4 => state.send(9),
                // The child ends (3), or all go away: one of the closed channels is seen.
                _ => (),
            });
            let got = select! {
                recv(source) -> value => format!("number {value:?}"),
                send(full, "text".to_owned()) -> result => {
                    format!("sent {}", result.map_or_else(|SendError(back)| back, |()| "it".into()))
                }
                recv(single) -> value => format!("single {value:?}"),
                join(child) -> result => format!("ended {:?}", result.is_ok()),
                recv(changes) -> value => format!("changed {value:?}"),
            };
            let right = match which {
                0 => vec!["number Ok(7)"],
                1 => vec!["sent it"],
                2 => vec!["single Ok(8)"],
                3 => vec!["ended true"],
                4 => vec!["changed Ok(9)"],
                _ => vec![],
            };
            // Whatever a branch's channel lost when the helper ended may have been seen instead.
            let closed =
                ["number Err(RecvError)", "sent text", "single Err(RecvError)", "changed Err(RecvError)"];
            assert!(right.contains(&got.as_str()) || closed.contains(&got.as_str()), "{which}: {got}");
            id.unpark();
        }
    });
}

/// One thing at a time happens, so that nothing else can be chosen.
#[test]
fn the_branch_that_woke_is_the_one_chosen() {
    run(|| {
        let ((a, from_a), (b, from_b)) = (rendezvous(), rendezvous());
        let (out, drain) = rendezvous();
        for round in 0..30 {
            let (a, b, drain) = (&a, &b, &drain);
            scope(|s| {
                s.spawn(move || match round % 3 {
                    0 => a.send(round).expect("a receiver"),
                    1 => b.send(round).expect("a receiver"),
                    _ => assert_eq!(drain.recv(), Ok(round)),
                });
                let which = select! {
                    recv(from_a) -> n => { assert_eq!(n, Ok(round)); 0 }
                    recv(from_b) -> n => { assert_eq!(n, Ok(round)); 1 }
                    send(out, round) -> sent => { assert_eq!(sent, Ok(())); 2 }
                };
                assert_eq!(which, round % 3);
            });
        }
        let mut ended = 0;
        let child = spawn(|| (0..3).for_each(|_| yield_now()));
        select! { recv(from_a) -> _ => {}, join(child) -> result => { result.expect("no panic"); ended = 1; } }
        assert_eq!(ended, 1);
    });
}

#[test]
fn closing_wakes() {
    run(|| {
        let (sender, receiver) = rendezvous::<u8>();
        let (_kept, other) = rendezvous::<u8>();
        spawn(move || drop(sender));
        let got = select! { recv(receiver) -> value => value, recv(other) -> value => value };
        assert_eq!(got, Err(RecvError));
        let (sender, receiver) = rendezvous::<u8>();
        spawn(move || drop(receiver));
        let got = select! { recv(other) -> _ => Ok(()), send(sender, 5) -> result => result };
        assert_eq!(got, Err(SendError(5)));
    });
}

/// Both ends of one channel in one select: it does not talk to itself.
#[test]
fn a_select_is_not_its_own_partner() {
    run(|| {
        let (sender, receiver) = rendezvous();
        let (mine, theirs) = (sender.clone(), receiver.clone());
        let alone = select! {
            send(mine, 1) -> _ => false,
            recv(theirs) -> _ => false,
            default(MS) => true,
        };
        assert!(alone);
        // But another such one is.
        let pass = |n: u8| {
            select! {
                send(sender, n) -> sent => { sent.expect("a receiver"); 0 }
                recv(receiver) -> got => got.expect("a sender"),
            }
        };
        scope(|s| {
            let (one, two) = (s.spawn(|| pass(1)), s.spawn(|| pass(2)));
            let got = (one.join().expect("no panic"), two.join().expect("no panic"));
            assert!(got == (0, 1) || got == (2, 0), "{got:?}");
        });
    });
}

#[test]
fn no_branch_starves() {
    let ((a, from_a), (b, from_b)) = (unbounded(), unbounded());
    (0..100).for_each(|n| {
        a.send(n).expect("a receiver");
        b.send(n).expect("a receiver");
    });
    let mut counts = [0, 0];
    run(|| {
        for _ in 0..100 {
            select! { recv(from_a) -> _ => counts[0] += 1, recv(from_b) -> _ => counts[1] += 1 }
        }
    });
    assert!(counts.iter().all(|n| *n >= 30), "{counts:?}");
}

#[test]
fn selects_in_turns_starve_no_branch_of_each_other() {
    let all: [_; 4] = std::array::from_fn(|_| unbounded());
    for (to, _) in &all {
        (0..1000).for_each(|n| to.send(n).expect("a receiver"));
    }
    let [a, b, c, d] = all.each_ref().map(|(_, from)| from);
    let mut counts = [0; 4];
    run(|| {
        for _ in 0..1000 {
            select! { recv(a) -> _ => counts[0] += 1, recv(b) -> _ => counts[1] += 1 }
            select! { recv(c) -> _ => counts[2] += 1, recv(d) -> _ => counts[3] += 1 }
        }
    });
    assert!(counts.iter().all(|n| *n >= 300), "{counts:?}");
}

#[test]
fn cancellation_ends_it_and_nothing_stays_behind() {
    run(|| {
        let (sender, receiver) = rendezvous::<u8>();
        let (wanted, _drain) = rendezvous::<u8>();
        scope(|s| {
            let child = s.spawn(|| select! { recv(receiver) -> _ => {}, send(wanted, 1) -> _ => {} });
            sleep(MS);
            s.cancel();
            assert!(child.join().expect_err("cancelled").is::<Cancelled>());
        });
        // The link is gone: this finds nobody.
        assert!(sender.try_send(1).is_err());
        let caught = catch_unwind(AssertUnwindSafe(|| {
            select! { recv(receiver) -> _ => {}, default => panic!("in a branch") }
        }));
        caught.expect_err("panics");
    });
}

/// Vthreads and threads pass values by selects of every kind: each value arrives once.
#[test]
fn no_value_is_lost_or_doubled() {
    const EACH: usize = 2_000;
    let ((a, from_a), (b, from_b)) = (bounded(3), rendezvous());
    let (sum, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let produce = |from: usize| {
        let (mut next, until) = (from, from + EACH);
        while next < until {
            let sent = select! {
                send(a, next) -> sent => sent,
                send(b, next) -> sent => sent,
                default(MS) => continue,
            };
            sent.expect("a receiver");
            next += 1;
        }
    };
    let consume = || {
        while count.load(SeqCst) < 6 * EACH {
            let got = select! {
                recv(from_a) -> got => got,
                recv(from_b) -> got => got,
                default(MS) => continue,
            };
            sum.fetch_add(got.expect("a sender"), SeqCst);
            count.fetch_add(1, SeqCst);
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| produce(0));
        threads.spawn(consume);
        for of in 1..3 {
            let (produce, consume) = (&produce, &consume);
            threads.spawn(move || {
                run(|| {
                    scope(|s| {
                        s.spawn(move || produce(2 * of * EACH));
                        s.spawn(move || produce((2 * of + 1) * EACH));
                        s.spawn(consume);
                        s.spawn(consume);
                    });
                });
            });
        }
        threads.spawn(|| produce(EACH));
    });
    let all = 6 * EACH;
    assert_eq!((count.into_inner(), sum.into_inner()), (all, all * (all - 1) / 2));
}
