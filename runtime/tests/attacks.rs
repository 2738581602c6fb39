//! Safe code that does its worst.
#![allow(clippy::large_stack_arrays, reason = "stacks are what is tested")]
#![cfg(vthread_native)]

mod common;

use common::{Lot, OnDrop, carry, long};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use vthread::__private::{Waiter, current, hop, on_chunk, on_chunk_sized, spawn, yield_now};
use vthread::{Builder, Mode, os, stats};

/// A chunk for a level of recursion, in debug builds too.
const LEVEL: u32 = 2048;

fn depth(n: u64) -> u64 {
    // SAFETY: a level needs some hundred bytes.
    if n == 0 { 0 } else { 1 + unsafe { on_chunk_sized(LEVEL, || depth(black_box(n - 1))) } }
}

#[test]
fn a_million_levels_of_recursion() {
    let levels = if long() { 1_000_000 } else { 100_000 };
    let outcome = Builder::new().stacks(Mode::Exact).run(|| {
        assert_eq!(depth(levels), levels);
        // And again, from the free lists.
        assert_eq!(depth(levels / 2), levels / 2);
        stats().region_taken
    });
    assert!(outcome.expect("memory") >= levels as usize * LEVEL as usize);
}

fn proved_depth(n: u64) -> u64 {
    if n == 0 { 0 } else { 1 + on_chunk(|| proved_depth(black_box(n - 1))) }
}

#[test]
fn a_million_levels_of_proved_recursion() {
    let outcome = Builder::new().stacks(Mode::Exact).run(|| proved_depth(1_000_000));
    assert_eq!(outcome.expect("memory"), 1_000_000);
}

/// As users write it.
#[vthread::vthread]
mod recursion {
    pub(super) fn depth(n: u64) -> u64 {
        if n == 0 { 0 } else { 1 + depth(std::hint::black_box(n - 1)) }
    }

    pub(super) fn even(n: u64) -> bool {
        n == 0 || odd(std::hint::black_box(n - 1))
    }

    fn odd(n: u64) -> bool {
        n != 0 && even(std::hint::black_box(n - 1))
    }
}

#[test]
fn a_million_levels_of_recursion_by_the_attribute() {
    let outcome = Builder::new().stacks(Mode::Exact).run(|| {
        let deepest = (recursion::depth(1_000_000), recursion::even(1_000_000));
        // And again, from the free lists, below a frame that catches.
        let again = catch_unwind(|| recursion::depth(999_999)).ok();
        (deepest, again, stats().region_taken)
    });
    let (deepest, again, taken) = outcome.expect("memory");
    assert_eq!((deepest, again), ((1_000_000, true), Some(999_999)));
    assert!(taken >= 64_000_000, "a chunk for each level: {taken}");
}

/// Notes where it is at each level, and raises at the last.
fn noting(n: u64, places: &RefCell<Vec<usize>>) -> u64 {
    let here = black_box(0_u8);
    places.borrow_mut().push(&raw const here as usize);
    if n == 0 { resume_unwind(Box::new(7_u8)) } else { 1 + on_chunk(|| noting(black_box(n - 1), places)) }
}

#[test]
fn chunks_that_are_left_by_unwinding_are_used_again() {
    let outcome = Builder::new().stacks(Mode::Exact).run(|| {
        let places = [(); 2].map(|()| {
            let places = RefCell::default();
            let payload = catch_unwind(AssertUnwindSafe(|| noting(5000, &places))).expect_err("it raises");
            assert_eq!(payload.downcast_ref(), Some(&7_u8));
            places.into_inner()
        });
        assert_eq!(places[0].len(), 5001);
        assert_eq!(places[0], places[1]);
    });
    outcome.expect("memory");
}

fn unwinding(n: u32, log: &Cell<u32>) -> u32 {
    let _count = OnDrop(|| log.set(log.get() + 1));
    if n == 0 {
        panic_any(log.get());
    }
    // SAFETY: as above; 48 KiB for what a panic needs.
    unsafe { on_chunk_sized(48 << 10, || unwinding(n - 1, log)) + 1 }
}

#[test]
fn an_unwind_through_thousands_of_chunks() {
    let outcome = Builder::new().stacks(Mode::Exact).run(|| {
        let log = Cell::new(0);
        for round in 1..=3 {
            let result = catch_unwind(AssertUnwindSafe(|| unwinding(2000, &log)));
            assert!(result.is_err());
            assert_eq!(log.get(), round * 2001);
        }
    });
    outcome.expect("memory");
}

/// Catches at every level, and raises again.
fn catch_and_raise(n: u32) {
    let result = catch_unwind(|| {
        if n == 0 {
            panic_any(0u32);
        }
        if n.is_multiple_of(2) { on_chunk(|| catch_and_raise(n - 1)) } else { hop(|| catch_and_raise(n - 1)) }
    });
    let payload = result.expect_err("panics");
    let level = *payload.downcast::<u32>().expect("a level");
    assert_eq!(level, n);
    resume_unwind(Box::new(level + 1));
}

#[test]
fn catching_and_resuming_at_every_level() {
    let payload = catch_unwind(|| vthread::run(|| catch_and_raise(60))).expect_err("panics");
    assert_eq!(payload.downcast_ref(), Some(&61u32));
    assert_eq!(current(), 0);
}

#[repr(align(4096))]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Page([u8; 4096]);

#[repr(align(64))]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Line(u8);

#[test]
fn alignments_of_every_size() {
    let is_aligned = |page: &Page| black_box(std::ptr::from_ref(page) as usize).is_multiple_of(4096);
    vthread::run(|| {
        let page = Page([7; 4096]);
        let result = on_chunk(move || {
            assert!(is_aligned(&page));
            let inner = page;
            hop(move || {
                assert!(is_aligned(&inner));
                on_chunk(move || inner)
            })
        });
        assert!(is_aligned(&result) && result == page);
        let line = on_chunk(|| Line(3));
        assert!((&raw const line as usize).is_multiple_of(64) && line == Line(3));
    });
}

#[test]
fn arguments_and_results_of_every_size() {
    fn pass<const N: usize>() {
        let value: [u8; N] = std::array::from_fn(|i| i as u8);
        let result = on_chunk(move || hop(move || on_chunk(move || value)));
        assert!(result.iter().enumerate().all(|(i, &b)| b == i as u8));
    }
    vthread::run(|| {
        pass::<0>();
        pass::<1>();
        pass::<15>();
        pass::<4097>();
        pass::<10_000>();
        assert_eq!(on_chunk(|| [(); 1_000_000]).len(), 1_000_000);
    });
}

#[test]
fn an_argument_and_a_result_of_a_megabyte() {
    // Larger than any chunk of the lists, so each gets a stack of its own.
    let sum = vthread::run(|| {
        let value = [black_box(3u8); 1 << 20];
        let result = on_chunk(move || {
            let mut value = value;
            value[black_box(77)] = 4;
            value
        });
        result.iter().map(|&byte| u64::from(byte)).sum::<u64>()
    });
    assert_eq!(sum, (3 << 20) + 1);
}

struct PanicsInDrop(Rc<Cell<u32>>);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        panic_any(77u8);
    }
}

#[test]
fn panics_in_drops() {
    carry(|carrier| {
        let count = Rc::new(Cell::new(0));
        for i in 0..3 {
            let count = count.clone();
            spawn(move || match i {
                // In a result that nobody takes.
                0 => drop(on_chunk(|| PanicsInDrop(count))),
                // In what a closure captured.
                1 => {
                    let captured = PanicsInDrop(count);
                    hop(move || drop(captured));
                }
                // In a vector: the others are dropped all the same.
                _ => on_chunk(move || drop(vec![Some(PanicsInDrop(count)), None])),
            });
        }
        let payloads = carrier.run();
        assert!(payloads.iter().all(|p| p.downcast_ref() == Some(&77u8)));
        assert_eq!((payloads.len(), count.get(), Rc::strong_count(&count)), (3, 3, 1));
    });
}

#[test]
fn a_payload_is_dropped_once_by_whoever_gets_it() {
    struct Payload(Arc<AtomicU32>);
    impl Drop for Payload {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let count = Arc::new(AtomicU32::new(0));
    carry(|carrier| {
        let inner = count.clone();
        spawn(move || panic_any(Payload(inner)));
        let payloads = carrier.run();
        assert_eq!((payloads.len(), count.load(Relaxed)), (1, 0));
        drop(payloads);
        assert_eq!(count.load(Relaxed), 1);
    });
}

#[test]
fn what_waits_for_ever_is_left_alone() {
    let dropped = Rc::new(Cell::new(false));
    let lot = Lot::new(2);
    carry(|carrier| {
        for place in 0..2 {
            let (lot, dropped) = (lot.clone(), dropped.clone());
            spawn(move || {
                let _drop = OnDrop(|| dropped.set(true));
                if place == 0 { lot.park(0) } else { hop(|| lot.park(1)) }
            });
        }
        assert!(carrier.run().is_empty());
        assert_eq!(carrier.live(), 2);
    });
    // The runtime has ended without them: their frames stay as they are, and nobody can wake them.
    assert!(!dropped.get());
    let waiter = Waiter::new();
    assert!(!waiter.wake());
    carry(|carrier| {
        assert!(carrier.run().is_empty());
        spawn(|| hop(yield_now));
        assert!(carrier.run().is_empty());
    });
    assert!(!dropped.get());
}

#[test]
fn what_never_started_is_dropped() {
    let kept = Rc::new(());
    carry(|_| {
        for _ in 0..10 {
            let kept = kept.clone();
            spawn(move || drop(kept));
        }
    });
    assert_eq!(Rc::strong_count(&kept), 1);
}

/// Says so at the end of its thread.
struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        println!("a destructor of a thread-local {}", hop(|| format!("{:?}", [1; 3])));
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit };
}

#[test]
fn a_vthread_may_end_the_process() {
    const NAME: &str = "a_vthread_may_end_the_process";
    if !common::is_child() {
        for place in ["on its chunk", "in a hop", "in a runtime"] {
            let out = common::child(NAME, &[("PLACE", place)]);
            let text = String::from_utf8_lossy(&out.stderr).into_owned();
            assert_eq!((out.status.code(), text.contains("panic")), (Some(3), false), "{place}: {text}");
        }
        return;
    }
    let place = std::env::var("PLACE").expect("the parent says");
    if place == "in a runtime" {
        let runtime = Builder::new().carriers(2).build().expect("a runtime");
        runtime.run(|| ends_the_process(&place)).expect("it does not come back");
    }
    vthread::run(|| ends_the_process(&place));
}

/// While others wait on chunks and on hop stacks, for ever.
fn ends_the_process(place: &str) {
    AT_EXIT.with(|_| ());
    for i in 0..200 {
        vthread::spawn(move || if i % 2 == 0 { vthread::park() } else { hop(vthread::park) });
    }
    for _ in 0..3 {
        yield_now();
    }
    match place {
        "in a hop" => hop(|| std::process::exit(3)),
        _ => on_chunk(|| std::process::exit(3)),
    }
}

#[test]
fn borrowed_values_survive_switches() {
    carry(|carrier| {
        for i in 0..20u64 {
            spawn(move || {
                let mut numbers = vec![i; 10];
                let borrowed = &mut numbers;
                for round in 0..10 {
                    borrowed.push(round);
                    yield_now();
                    let last = borrowed.last_mut().expect("pushed");
                    hop(yield_now);
                    *last += 1;
                }
                assert_eq!(numbers[..10], [i; 10]);
                assert_eq!(numbers[10..], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
            });
        }
        assert!(carrier.run().is_empty());
    });
}

#[test]
fn a_waiter_for_two_is_a_panic_of_the_second() {
    carry(|carrier| {
        let waiter = Rc::new(Waiter::new());
        for _ in 0..2 {
            let waiter = waiter.clone();
            spawn(move || waiter.park());
        }
        let payloads = carrier.run();
        assert_eq!(payloads.len(), 1);
        assert!(waiter.wake() && !waiter.wake());
        assert!(carrier.run().is_empty() && carrier.live() == 0);
    });
}

#[test]
fn threads_vthreads_and_exact_threads_nest() {
    let sum = os::scope(|s| {
        let outer = s.spawn(|| {
            let inner = std::thread::spawn(|| vthread::run(|| on_chunk(|| hop(|| 1))));
            let exact = os::spawn(|| on_chunk(|| hop(|| 2))).expect("a thread");
            inner.join().expect("no panic") + exact.join().expect("no panic")
        });
        outer.expect("a thread").join().expect("no panic")
    });
    let from_a_vthread = vthread::run(|| os::spawn(|| depth(3)).map(|t| t.join().expect("no panic")));
    assert_eq!((sum, from_a_vthread.expect("a thread")), (3, 3));
}

#[test]
fn a_vthread_in_a_destructor_of_a_thread_local() {
    struct Runs;
    impl Drop for Runs {
        fn drop(&mut self) {
            assert_eq!(vthread::run(|| on_chunk(|| hop(|| 5))), 5);
        }
    }
    thread_local! { static RUNS: RefCell<Option<Runs>> = const { RefCell::new(None) } }
    std::thread::spawn(|| RUNS.with(|r| *r.borrow_mut() = Some(Runs))).join().expect("no panic");
}
