//! Parking anywhere: on a chunk, and off it in the midst of code that knows nothing of it.
#![cfg(vthread_native)]

mod common;

use common::{Lot, Order, carry, long};
use std::cell::Cell;
use std::fmt;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Once;
use vthread::__private::{abi, current, hop, on_chunk, spawn, spawn_sized, yield_now};

#[test]
fn vthreads_take_turns() {
    carry(|carrier| {
        let log = Rc::new(Cell::new(0u64));
        for i in 1..=3 {
            let log = log.clone();
            spawn(move || {
                for _ in 0..3 {
                    log.set(log.get() * 10 + i);
                    yield_now();
                }
            });
        }
        assert!(carrier.run().is_empty());
        let log = log.get().to_string();
        let mut sorted: Vec<char> = log.chars().collect();
        sorted.sort_unstable();
        assert_eq!(sorted.iter().collect::<String>(), "111222333");
        assert!(log != "111222333", "nobody yielded to anybody");
        assert_eq!(carrier.live(), 0);
    });
}

#[test]
fn run_runs_what_it_spawns() {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    vthread::run(move || {
        for _ in 0..10 {
            let count = count.clone();
            spawn(move || {
                yield_now();
                count.set(count.get() + 1);
            });
        }
        while count.get() < 10 {
            yield_now();
        }
    });
    assert_eq!(seen.get(), 10);
}

#[test]
fn hops_and_chunks_nest() {
    carry(|carrier| {
        let deep = Rc::new(Cell::new(0));
        let seen = deep.clone();
        spawn(move || {
            assert_eq!(current(), 1);
            let v = hop(|| {
                assert_eq!(current(), 0);
                let here = black_box([7u64; 32]);
                let inner = hop(|| hop(|| on_chunk(|| current() + 40)));
                yield_now();
                inner + here[3] as i64
            });
            assert_eq!(current(), 1);
            assert_eq!(on_chunk(|| (current(), hop(current), on_chunk(current))), (1, 0, 1));
            seen.set(v);
        });
        assert!(carrier.run().is_empty());
        assert_eq!(deep.get(), 47);
        assert_eq!(vthread::stats().hop_stacks.kept, 0);
    });
}

struct Slow<'a>(&'a Lot, usize);

impl fmt::Display for Slow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marks = black_box([self.1 as u64; 40]);
        self.0.park(self.1);
        assert!(marks.iter().all(|&m| m == self.1 as u64));
        f.pad(&self.1.to_string())
    }
}

trait Thing {}

struct Part(Rc<Lot>, usize, Rc<Cell<usize>>);

impl Thing for Part {}

impl Drop for Part {
    fn drop(&mut self) {
        on_chunk(|| self.0.park(self.1));
        self.2.set(self.2.get() + 1);
    }
}

fn sorts_and_parks(lot: &Lot, place: usize) -> bool {
    let mut numbers: Vec<usize> = (0..50).map(|x| x * 7919 % 53).collect();
    let mut calls = 0;
    numbers.sort_by(|a, b| {
        calls += 1;
        if calls % 40 == 0 {
            lot.park(place);
        }
        a.cmp(b)
    });
    calls > 40 && numbers.is_sorted()
}

fn initialises_and_parks(lot: &Lot, place: usize) -> bool {
    let (once, mut ran) = (Once::new(), 0);
    for _ in 0..2 {
        once.call_once(|| {
            lot.park(place);
            ran += 1;
        });
    }
    ran == 1
}

fn drops_and_parks(lot: &Rc<Lot>, place: usize) -> bool {
    let dropped = Rc::new(Cell::new(0));
    let part = || Box::new(Part(lot.clone(), place, dropped.clone())) as Box<dyn Thing>;
    drop((0..3).map(|_| part()).collect::<Vec<_>>());
    dropped.get() == 3
}

fn hops_and_parks(lot: &Lot, place: usize) -> bool {
    let all = (0..3).map(|k| {
        hop(|| {
            yield_now();
            lot.park(place);
            k
        })
    });
    all.sum::<i32>() == 3
}

/// One of several ordinary things, which parks in the midst of it. Is its result right?
fn ordinary(lot: &Rc<Lot>, i: usize) -> bool {
    match i % 6 {
        0 => sorts_and_parks(lot, i),
        1 => format!("{:>6}|{}", Slow(lot, i), Slow(lot, i)) == format!("{i:>6}|{i}"),
        2 => initialises_and_parks(lot, i),
        3 => drops_and_parks(lot, i),
        _ => hops_and_parks(lot, i),
    }
}

/// Five of six park off their chunks; of the others, some are on stacks of unproved entries.
fn body(lot: Rc<Lot>, i: usize, right: Rc<Cell<usize>>) -> impl FnOnce() + 'static {
    move || {
        let ok = if i % 6 == 5 {
            let before = hop(|| i.to_string());
            on_chunk(|| lot.park(i));
            lot.park(i);
            hop(|| before == i.to_string())
        } else {
            let here = black_box([i; 8]);
            hop(|| ordinary(&lot, i)) && here == [i; 8]
        };
        right.set(right.get() + usize::from(ok));
    }
}

fn parked_anywhere(count: usize, order: Order) {
    carry(|carrier| {
        let (lot, right) = (Lot::new(count), Rc::new(Cell::new(0)));
        for i in 0..count {
            let body = body(lot.clone(), i, right.clone());
            if i % 60 == 5 {
                // SAFETY: a megabyte is more than any other entry here has.
                unsafe { spawn_sized(abi::UNPROVED, body) };
            } else {
                spawn(body);
            }
        }
        let (mut first, mut seed) = (true, 1);
        loop {
            assert!(carrier.run().is_empty());
            let waiting = lot.waiting();
            if waiting.is_empty() {
                break;
            }
            if std::mem::take(&mut first) {
                assert_eq!((waiting.len(), vthread::stats().hop_stacks.kept), (count, count.div_ceil(6) * 5));
            }
            order.choose(waiting, &mut seed).into_iter().for_each(|i| lot.wake(i));
        }
        assert_eq!((right.get(), carrier.live()), (count, 0));
        let now = vthread::stats().hop_stacks;
        assert!(now.kept == 0 && now.total <= 65, "{now:?}");
    });
}

#[test]
fn twelve_hundred_parked_anywhere_woken_in_any_order() {
    for order in Order::ALL {
        parked_anywhere(1200, order);
    }
}

#[test]
fn ten_thousand_parked_anywhere() {
    // Guarded chunks and kept hop stacks take two mappings each, of 65,530.
    parked_anywhere(10_002, Order::Random);
    if long() {
        parked_anywhere(10_002, Order::Last);
        parked_anywhere(10_002, Order::First);
    }
}

#[test]
fn two_threads_carry_at_once() {
    let work = || parked_anywhere(300, Order::Random);
    std::thread::scope(|s| {
        s.spawn(work);
        s.spawn(work);
    });
}

#[test]
fn vthreads_of_a_carrier_keep_their_own_errno() {
    // It belongs to the OS thread: whoever runs in between may change it. What stays is what a call left for the
    // code that runs on without a park.
    carry(|carrier| {
        for i in 0..2 {
            spawn(move || {
                hop(|| {
                    let error = std::fs::File::open(if i == 0 { "/nonexistent" } else { "/proc/1/mem" });
                    let first = error.expect_err("not to be opened").raw_os_error();
                    yield_now();
                    assert!(first.is_some());
                });
            });
        }
        assert!(carrier.run().is_empty());
    });
}

thread_local! {
    static PLACE: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn thread_locals_are_the_carriers_and_stay() {
    let thread = std::thread::current().id();
    carry(|carrier| {
        for _ in 0..50 {
            spawn(move || {
                let place = PLACE.with(|c| std::ptr::from_ref(c) as usize);
                hop(|| {
                    PLACE.set(PLACE.get() + 1);
                    yield_now();
                    assert_eq!(PLACE.with(|c| std::ptr::from_ref(c) as usize), place);
                    assert_eq!(std::thread::current().id(), thread);
                });
                yield_now();
                assert_eq!(std::thread::current().id(), thread);
            });
        }
        assert!(carrier.run().is_empty());
        assert_eq!(PLACE.get(), 50);
    });
}

/// It is reentrant for whoever is on the same OS thread: lines mix, and nothing worse.
#[test]
fn vthreads_hold_the_lock_of_standard_output_at_once() {
    use std::io::Write;
    struct Parks;
    impl fmt::Display for Parks {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            yield_now();
            f.write_str("parked while it was printed")
        }
    }
    carry(|carrier| {
        let held = Rc::new(Cell::new(0));
        let most = Rc::new(Cell::new(0));
        for _ in 0..3 {
            let (held, most) = (held.clone(), most.clone());
            spawn(move || {
                let mut out = std::io::stdout().lock();
                held.set(held.get() + 1);
                most.set(most.get().max(held.get()));
                yield_now();
                writeln!(out, "{Parks}").expect("standard output is open");
                println!("{Parks}");
                held.set(held.get() - 1);
            });
        }
        assert!(carrier.run().is_empty());
        assert!(held.get() == 0 && most.get() >= 2, "{held:?} {most:?}");
    });
    // It is free again for others.
    std::thread::spawn(|| drop(std::io::stdout().lock())).join().expect("it ends");
}
