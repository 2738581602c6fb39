//! Lazy thread-locals of std, whose initialisers may not park: another vthread of the carrier would initialise the same one, and have a
//! reference to what the first then replaces.
#![cfg(vthread_native)]

mod common;

use common::carry;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread::LocalKey;
use vthread::__private::{abi, hop, spawn, spawn_sized, yield_now};
use vthread::channel;

thread_local! {
    static PARKS: Cell<bool> = const { Cell::new(false) };
    static MADE: Cell<usize> = const { Cell::new(0) };
    static NAME: String = { make(); "a name that is longer than what a String may hold inline".to_owned() };
    static NUMBER: u64 = { make(); 7 };
    static OUTER: Vec<String> = { make(); vec![NAME.with(String::clone), NUMBER.with(u64::to_string)] };
    static RAN: Vec<u64> = vthread::run(|| {
        // Off their chunks these ask whether they may park.
        let numbers: Vec<_> = (0..10).map(|n| spawn_local(move || hop(|| { yield_now(); yield_now(); n }))).collect();
        numbers.into_iter().map(|handle| handle.join().expect("it does not panic")).collect()
    });
}

use vthread::spawn_local;

fn make() {
    MADE.set(MADE.get() + 1);
    if PARKS.get() {
        yield_now();
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload.downcast_ref::<String>().map_or("another payload", String::as_str)
}

fn use_it<T: 'static>(key: &'static LocalKey<T>) -> Result<(), String> {
    let used = catch_unwind(AssertUnwindSafe(|| key.with(|_| ())));
    used.map_err(|payload| message(&*payload).to_owned())
}

fn assert_refused<T: 'static>(key: &'static LocalKey<T>) {
    PARKS.set(true);
    let refused = use_it(key).expect_err("it parked");
    PARKS.set(false);
    assert!(refused.contains("a lazy thread_local! is being initialised"), "{refused}");
    // It is as if it had never been asked for, and this vthread may park again.
    yield_now();
    hop(yield_now);
}

/// The attack that this is about: without the check, the second vthread's reference is to a string that was freed.
#[test]
fn nobody_else_comes_upon_a_thread_local_that_is_being_initialised() {
    for off_chunks in [false, true] {
        std::thread::spawn(move || {
            carry(|carrier| {
                let ended = Rc::new(Cell::new(0));
                for first in [true, false] {
                    let ended = ended.clone();
                    let body = move || {
                        PARKS.set(first);
                        let used = use_it(&NAME);
                        PARKS.set(false);
                        assert_eq!(used.is_err(), first);
                        if !first {
                            NAME.with(|name| {
                                let before = name.clone();
                                yield_now();
                                assert_eq!(*name, before);
                            });
                        }
                        ended.set(ended.get() + 1);
                    };
                    spawn(move || if off_chunks { hop(body) } else { body() });
                }
                assert!(carrier.run().is_empty());
                assert_eq!((ended.get(), MADE.get()), (2, 2));
            });
        })
        .join()
        .expect("the thread ends well");
    }
}

#[test]
fn a_park_in_an_initialiser_panics_wherever_it_is() {
    carry(|carrier| {
        let ended = Rc::new(Cell::new(0));
        let body = {
            let ended = ended.clone();
            move || {
                assert_refused(&NAME);
                // Of a type without a destructor: where the compiler optimises, std's function is inlined, and nothing is noticed.
                if cfg!(debug_assertions) {
                    assert_refused(&NUMBER);
                }
                // The inner ones may be initialised meanwhile.
                assert_refused(&OUTER);
                hop(|| assert_refused(&NAME));
                hop(|| assert_refused(&OUTER));
                ended.set(ended.get() + 1);
            }
        };
        spawn(body.clone());
        // On a large stack nothing hops.
        // SAFETY: it is as large as all stacks of what is unproved.
        unsafe { spawn_sized(abi::UNPROVED, body) };
        assert!(carrier.run().is_empty());
        assert_eq!(ended.get(), 2);
    });
}

#[test]
fn initialisers_that_do_not_park_are_as_ever() {
    vthread::run(|| {
        assert_eq!(OUTER.with(Vec::len), 2);
        assert_eq!(NUMBER.with(|number| *number), 7);
        assert_eq!(MADE.get(), 3);
        // Nobody is counted any more.
        hop(yield_now);
    });
}

thread_local! {
    static RECEIVED: String = QUEUE.with(|queue| {
        let queue = queue.borrow();
        queue.as_ref().map_or(String::new(), |queue| queue.recv().expect("somebody sends"))
    });
    static QUEUE: RefCell<Option<channel::Receiver<String>>> = const { RefCell::new(None) };
    static SCOPED: Vec<u64> = vthread::scope(|scope| { STARTED.set(true); scope.spawn(|| vec![5]).join().expect("it does not panic") });
    static STARTED: Cell<bool> = const { Cell::new(false) };
    static WAITED: Vec<u64> = vthread::blocking(|| vec![5]);
}

#[test]
fn whatever_would_wait_there_says_so_before_it_has_begun() {
    vthread::run(|| {
        let (sender, receiver) = channel::bounded(1);
        QUEUE.set(Some(receiver));
        for result in [use_it(&RECEIVED), use_it(&SCOPED), use_it(&WAITED)] {
            let refused = result.expect_err("it waited");
            assert!(refused.contains("a lazy thread_local! is being initialised"), "{refused}");
        }
        assert!(!STARTED.get());
        // What is there already is nothing to wait for.
        sender.send("a message".to_owned()).expect("somebody receives");
        RECEIVED.with(|received| assert_eq!(received, "a message"));
    });
}

/// The vthreads of a runtime that an initialiser makes are not in an initialiser.
#[test]
fn an_initialiser_may_run_vthreads() {
    RAN.with(|numbers| assert_eq!(*numbers, (0..10).collect::<Vec<_>>()));
    RAN.with(|numbers| assert_eq!(numbers.len(), 10));
}
