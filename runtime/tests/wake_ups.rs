//! No wake-up is lost between vthreads of one carrier, of several, and ordinary threads.
//!
//! Whoever misses one waits until that is found and repaired, or for ever, so a thread looks whether operations still come to an end. A million by default;
//! `VTHREAD_SOAK_OPERATIONS` says how many instead (a hundred million take a minute or two). That it finds one was tried: by a carrier that is
//! not roused.

#![cfg(vthread_native)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use vthread::channel::{self, Receiver, Sender, TryRecvError};
use vthread::{Runtime, current, park, park_timeout, scope, spawn, spawn_local, yield_now};

/// Nothing takes so long that is not lost.
const PATIENCE: Duration = Duration::from_secs(90);

/// Ended by now.
static DONE: AtomicU64 = AtomicU64::new(0);

fn operations() -> u64 {
    std::env::var("VTHREAD_SOAK_OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

fn count(operations: u64) {
    DONE.fetch_add(operations, Relaxed);
}

/// Ends the process when nothing has come to an end for too long.
fn watch(stop: &AtomicBool) {
    let (mut before, mut since) = (0, Instant::now());
    while !stop.load(Relaxed) {
        thread::sleep(Duration::from_millis(20));
        let now = DONE.load(Relaxed);
        if now != before {
            (before, since) = (now, Instant::now());
        } else if since.elapsed() > PATIENCE {
            eprintln!("a wake-up is lost: nothing for {PATIENCE:?} after {now} operations");
            std::process::abort();
        }
    }
}

/// Gives every number back that it gets.
fn answer(numbers: &Receiver<u64>, answers: &Sender<u64>) {
    for number in numbers.iter() {
        answers.send(number).expect("somebody asks");
        count(2);
    }
}

fn ask(numbers: &Sender<u64>, answers: &Receiver<u64>, times: u64) {
    for number in 0..times {
        numbers.send(number).expect("somebody answers");
        // Now and then with a time limit that ends about when the answer comes.
        let answer = loop {
            if number % 16 != 0 {
                break answers.recv().expect("somebody answers");
            }
            match answers.recv_timeout(Duration::from_micros(number % 64)) {
                Ok(answer) => break answer,
                Err(TryRecvError::Empty) => {}
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(answer, number);
        count(2);
    }
}

/// Two that wait for each other at every turn; four operations a turn.
#[derive(Clone, Copy)]
enum Pair {
    OneCarrier,
    Anywhere,
    VthreadAndThread,
}

fn turns(pair: Pair, capacity: usize, times: u64) {
    let (numbers, to_answer) = channel::bounded(capacity);
    let (answers, answered) = channel::bounded(capacity);
    let answer = move || answer(&to_answer, &answers);
    match pair {
        Pair::OneCarrier => drop(spawn_local(answer)),
        Pair::Anywhere => drop(spawn(answer)),
        Pair::VthreadAndThread => drop(thread::spawn(answer)),
    }
    ask(&numbers, &answered, times);
}

/// Many that send, from everywhere, to many that receive: each value once.
fn crowd(times: u64) {
    const SENDERS: u64 = 6;
    let (sender, receiver) = channel::bounded(8);
    let sum = Arc::new(AtomicU64::new(0));
    let mut threads = Vec::new();
    scope(|s| {
        for number in 0..SENDERS {
            let sender = sender.clone();
            let send = move || {
                for value in 0..times {
                    sender.send(value).expect("receivers");
                    count(1);
                }
            };
            if number % 3 == 0 { threads.push(thread::spawn(send)) } else { drop(s.spawn(send)) }
        }
        drop(sender);
        for number in 0..SENDERS {
            let (receiver, sum) = (receiver.clone(), sum.clone());
            let receive = move || {
                for value in receiver.iter() {
                    sum.fetch_add(value, Relaxed);
                    count(1);
                }
            };
            if number % 3 == 0 { threads.push(thread::spawn(receive)) } else { drop(s.spawn(receive)) }
        }
        drop(receiver);
    });
    // The vthreads have ended, so ordinary threads are about to.
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(sum.load(Relaxed), SENDERS * times * (times - 1) / 2);
}

/// Permits from an ordinary thread, which wait or are waited for.
fn permits(times: u64) {
    let turn = Arc::new(AtomicU64::new(0));
    let parked = current().expect("a vthread");
    let unparker = thread::spawn({
        let turn = turn.clone();
        move || {
            for number in 0..times {
                while turn.load(SeqCst) != 2 * number {
                    thread::yield_now();
                }
                turn.store(2 * number + 1, SeqCst);
                parked.unpark();
                count(1);
            }
        }
    });
    for number in 0..times {
        while turn.load(SeqCst) != 2 * number + 1 {
            if number % 8 == 0 { park_timeout(Duration::from_micros(number % 50)) } else { park() }
        }
        turn.store(2 * number + 2, SeqCst);
        count(1);
    }
    unparker.join().expect("no panic");
}

/// About so many operations, of all kinds.
fn round(operations: u64) {
    scope(|s| {
        for capacity in [0, 1, 4] {
            // Switches between vthreads of a carrier are the cheapest by far: most of all.
            drop(s.spawn(move || turns(Pair::OneCarrier, capacity, operations / 16)));
            drop(s.spawn(move || turns(Pair::Anywhere, capacity, operations / 256)));
            drop(s.spawn(move || turns(Pair::VthreadAndThread, capacity, operations / 512)));
        }
        drop(s.spawn(move || crowd(operations / 64)));
        drop(s.spawn(move || permits(operations / 128)));
        yield_now();
    });
}

#[test]
fn no_wake_up_is_lost() {
    const ROUND: u64 = 100_000;
    let (goal, stop) = (operations(), AtomicBool::new(false));
    let runtime = Runtime::builder().carriers(3).build().expect("a runtime");
    thread::scope(|threads| {
        threads.spawn(|| watch(&stop));
        while DONE.load(Relaxed) < goal {
            runtime.run(|| round(ROUND)).expect("it runs");
        }
        stop.store(true, Relaxed);
    });
    runtime.finish();
    // Who waits for the runtime would have repaired it.
    assert_eq!(vthread::__private::lost_wake_ups(), 0);
    println!("{} operations", DONE.load(Relaxed));
}
