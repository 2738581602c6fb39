//! Uses that are wrong, or nearly: none is undefined, none hangs, each ends as the documentation says.
//!
//! Of the others: a vthread that waits for itself is in `scopes`, forks and exits during work are in `runtime`, panics in parks are in `panics`.

#![cfg(vthread_native)]

mod common;

use common::OnDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex as StdMutex};
use std::thread;
use std::time::Duration;
use vthread::channel::{self, SendError, TryRecvError};
use vthread::sync::{Barrier, Condvar, Mutex, Notify, Semaphore};
use vthread::{Cancelled, Runtime};

fn runtime(carriers: usize) -> Runtime {
    Runtime::builder().carriers(carriers).build().expect("a runtime")
}

fn until(what: impl Fn() -> bool) {
    while !what() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits in drops during unwinding, of every kind; nobody else of the carrier looks as if it panicked.
#[test]
fn drops_may_wait_while_panicking() {
    let (sum, innocent) = (AtomicUsize::new(0), AtomicUsize::new(0));
    vthread::run(|| {
        let (there, requests) = channel::rendezvous::<usize>();
        let (back, answers) = channel::rendezvous::<usize>();
        let (gate, notify) = (Semaphore::new(0), Notify::new());
        vthread::scope(|s| {
            s.spawn(|| {
                for request in requests.iter().take(2) {
                    assert!(!thread::panicking());
                    back.send(request + 1).expect("a receiver");
                }
            });
            s.spawn(|| {
                for _ in 0..50 {
                    assert!(!thread::panicking(), "it is another one that panics");
                    innocent.fetch_add(1, SeqCst);
                    gate.release(1);
                    notify.notify_one();
                    vthread::yield_now();
                }
            });
            let child = s.spawn(|| {
                let _waits = OnDrop(|| {
                    assert!(thread::panicking());
                    gate.acquire(1).forget();
                    notify.wait();
                    vthread::sleep(Duration::from_millis(1));
                    vthread::yield_now();
                    assert_eq!(s.spawn(|| 20).join().expect("no panic"), 20);
                    there.send(1).expect("a receiver");
                    sum.fetch_add(answers.recv().expect("an answer"), SeqCst);
                    sum.fetch_add(there.call(10, &answers).expect("an answer"), SeqCst);
                    assert!(thread::panicking());
                });
                panic!("on purpose");
            });
            assert_eq!(child.join().expect_err("a panic").downcast_ref(), Some(&"on purpose"));
        });
    });
    assert_eq!((sum.into_inner(), innocent.into_inner()), (2 + 11, 50));
}

/// Whatever they wait at: dropping the runtime ends their waits, runs their destructors, and returns.
#[test]
fn a_runtime_is_dropped_while_vthreads_wait_everywhere() {
    let (begun, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let runtime = runtime(2);
    let (sender, receiver) = channel::rendezvous::<u8>();
    let (full, _kept) = channel::bounded::<u8>(0);
    let held = Arc::new(Mutex::new(()));
    let guard = held.lock();
    let never = runtime.spawn(vthread::park).expect("this process");
    let (none, notify, barrier) = (Semaphore::new(0), Notify::new(), Barrier::new(2));
    let condition = (Mutex::new(()), Condvar::new());
    let never = StdMutex::new(Some(never));
    let mutex = held.clone();
    let waits: Vec<Box<dyn Fn() + Send + Sync>> = vec![
        Box::new(vthread::park),
        Box::new(|| vthread::sleep(Duration::from_hours(1))),
        Box::new(move || assert!(receiver.recv().is_err())),
        Box::new(move || assert!(full.send(1).is_err())),
        Box::new(move || none.acquire(1).forget()),
        Box::new(move || notify.wait()),
        Box::new(move || assert!(barrier.wait())),
        Box::new(move || drop(mutex.lock())),
        Box::new(move || drop(condition.1.wait(condition.0.lock()))),
        Box::new(move || {
            let never = never.lock().expect("no panic").take();
            assert!(never.expect("the only one").join().expect_err("cancelled").is::<Cancelled>());
        }),
        Box::new(|| {
            loop {
                vthread::yield_now();
            }
        }),
    ];
    let count = waits.len();
    for wait in waits {
        let (begun, dropped) = (begun.clone(), dropped.clone());
        let vthread = move || {
            let _dropped = OnDrop(|| {
                dropped.fetch_add(1, SeqCst);
                // Those that end may wait as well.
                vthread::sleep(Duration::from_millis(1));
            });
            begun.fetch_add(1, SeqCst);
            wait();
        };
        drop(runtime.spawn(vthread).expect("this process"));
    }
    until(|| begun.load(SeqCst) == count);
    thread::sleep(Duration::from_millis(10));
    drop(runtime);
    assert_eq!(dropped.load(SeqCst), count);
    drop(guard);
    assert!(held.try_lock().is_some(), "who was cancelled does not have it");
    assert_eq!(sender.send(1), Err(SendError(1)));
}

/// What belonged to a runtime that has ended answers at once.
#[test]
fn a_dead_runtime_answers() {
    let runtime = runtime(1);
    let (to_it, inside) = channel::rendezvous::<String>();
    let (from_it, outside) = channel::bounded(2);
    let me = Arc::new(StdMutex::new(None));
    let its = me.clone();
    let child = runtime.spawn(move || {
        *its.lock().expect("no panic") = vthread::current();
        from_it.send(1).expect("a receiver");
        drop(inside.recv());
    });
    let child = child.expect("this process");
    assert_eq!(outside.recv(), Ok(1));
    drop(runtime);
    assert_eq!(to_it.send("late".into()).expect_err("nobody").0, "late");
    assert_eq!(outside.try_recv(), Err(TryRecvError::Closed));
    assert!(child.is_finished());
    assert!(child.join().expect_err("cancelled").is::<Cancelled>());
    let me = me.lock().expect("no panic").take().expect("it has run");
    // A permit for nobody.
    me.unpark();
    assert!(me.id() > 0);
}

/// Handles, locks and channels of one runtime in another, both ways at once.
#[test]
fn two_runtimes_wait_for_each_other() {
    let (a, b) = (runtime(1), runtime(1));
    let (turn, lock) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(0)));
    for round in 0..200 {
        let (gate, count) = (turn.clone(), lock.clone());
        let in_a = a.spawn(move || {
            gate.acquire(1).forget();
            *count.lock() += 1;
            round
        });
        let (in_a, count) = (in_a.expect("this process"), lock.clone());
        let in_b = b.spawn(move || {
            *count.lock() += 1;
            in_a.join().expect("no panic") + 1
        });
        if round % 2 == 0 {
            thread::yield_now();
        }
        turn.release(1);
        let joined = a.run(move || in_b.expect("this process").join().expect("no panic"));
        assert_eq!(joined.expect("it runs"), round + 1);
    }
    a.finish();
    b.finish();
    assert_eq!(*lock.lock(), 400);
}

/// One thing, used by a carrier, by others after it has ended, by ordinary threads, and by all of them at once.
#[test]
fn what_one_carrier_has_used_alone_is_everybodys_afterwards() {
    let (one, count) = (Arc::new(Mutex::new(0_usize)), AtomicUsize::new(0));
    let (sender, receiver) = channel::unbounded();
    let add = |many: usize| {
        for i in 0..many {
            let mut value = one.lock();
            let before = *value;
            if i % 10 == 0 {
                vthread::yield_now();
            }
            *value = before + 1;
            drop(value);
            sender.send(i).expect("a receiver");
            count.fetch_add(1, SeqCst);
        }
    };
    let many = || vthread::run(|| vthread::scope(|s| drop([(); 3].map(|()| s.spawn(|| add(50))))));
    many();
    add(5);
    many();
    thread::scope(|s| {
        s.spawn(many);
        s.spawn(|| add(100));
        s.spawn(many);
    });
    let runtime = runtime(2);
    runtime.run(many).expect("it runs");
    assert_eq!(*one.lock(), count.load(SeqCst));
    drop(sender);
    assert_eq!(receiver.iter().count(), count.into_inner());
}

/// Handles that are forgotten keep nobody, and nobody's scope from ending.
#[test]
fn handles_may_be_forgotten() {
    let (ran, dropped) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    vthread::run(|| {
        vthread::scope(|s| {
            for _ in 0..100 {
                core::mem::forget(s.spawn(|| {
                    vthread::yield_now();
                    ran.fetch_add(1, SeqCst);
                }));
            }
        });
        assert_eq!(ran.load(SeqCst), 100);
        let dropped = dropped.clone();
        core::mem::forget(vthread::spawn(move || {
            let _dropped = OnDrop(|| {
                dropped.fetch_add(1, SeqCst);
            });
            vthread::yield_now();
        }));
    });
    assert_eq!(dropped.load(SeqCst), 1, "run waits for it all the same");
    // A panic that nobody asks for is the scope's.
    let panic = catch_unwind(AssertUnwindSafe(|| {
        vthread::run(|| vthread::scope(|s| drop(s.spawn(|| panic!("unseen")))));
    }));
    assert_eq!(panic.expect_err("a panic").downcast_ref(), Some(&"unseen"));
}

/// Spawning and joining where no vthread runs.
#[test]
fn outside_of_a_runtime_the_message_says_so() {
    let told = |f: fn()| {
        let payload = catch_unwind(f).expect_err("a panic");
        payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref().cloned())
    };
    for f in [
        || drop(vthread::spawn(|| ())),
        || drop(vthread::spawn_local(|| ())),
        || {
            vthread::scope(|s| drop(s.spawn(|| ())));
        },
    ] as [fn(); 3]
    {
        let text = told(f).expect("text");
        assert!(text.contains("spawn inside of vthread::run"), "{text}");
    }
}
