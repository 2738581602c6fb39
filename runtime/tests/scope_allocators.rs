//! Scopes whose stacks come from allocators of their own.
#![cfg(vthread_native)]

mod common;

use common::{OnDrop, child, is_child};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::__private::{hop, on_chunk};
use vthread::{
    Arena, Builder, Error, Heap, Mode, Pool, Region, Runtime, StackAllocator, run, scope, scope_in, sleep,
    spawn, stats, yield_now,
};

/// What allocators of one kind have done.
#[derive(Default)]
struct Seen {
    made: AtomicUsize,
    dropped: AtomicUsize,
    given: AtomicUsize,
    back: AtomicUsize,
}

struct Counting<A>(A, Arc<Seen>);

// SAFETY: all chunks are the inner one's.
unsafe impl<A: StackAllocator> StackAllocator for Counting<A> {
    fn allocate(&mut self, region: &Region, size: usize) -> Option<NonNull<u8>> {
        self.1.given.fetch_add(1, SeqCst);
        self.0.allocate(region, size)
    }

    unsafe fn deallocate(&mut self, region: &Region, chunk: NonNull<u8>, size: usize) {
        self.1.back.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise.
        unsafe { self.0.deallocate(region, chunk, size) };
    }

    fn allows_free_lists(&self) -> bool {
        self.0.allows_free_lists()
    }

    fn trim(&mut self, region: &Region, all: bool) {
        self.0.trim(region, all);
    }
}

impl<A> Drop for Counting<A> {
    fn drop(&mut self) {
        self.1.dropped.fetch_add(1, SeqCst);
    }
}

fn counting<A: StackAllocator + 'static>(
    seen: &Arc<Seen>,
    inner: fn() -> A,
) -> impl Fn() -> Counting<A> + Send + Sync + 'static {
    let seen = seen.clone();
    move || {
        seen.made.fetch_add(1, SeqCst);
        Counting(inner(), seen.clone())
    }
}

/// Chunks, hops, waits on both and a panic that is caught on the way: gives 7.
fn work(turns: u32) -> u32 {
    on_chunk(|| {
        for _ in 0..turns {
            on_chunk(yield_now);
            hop(yield_now);
            let end = catch_unwind(|| on_chunk(|| std::panic::resume_unwind(Box::new(7u32))));
            assert_eq!(end.expect_err("a panic").downcast_ref(), Some(&7u32));
        }
        7
    })
}

fn both_kinds_at_once<A: StackAllocator + 'static>(mode: Mode, inner: fn() -> A) {
    let (own, others) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let outside = counting(&others, Pool::new);
    let inside = counting(&own, inner);
    let builder = Builder::new().stacks(mode).allocator(outside);
    let run = builder.run(|| {
        let outer = (0..20).map(|_| spawn(|| work(5))).collect::<Vec<_>>();
        let before = others.given.load(SeqCst);
        let sum: u32 = scope_in(inside, |s| {
            let all = (0..20).map(|i| {
                s.spawn(move || {
                    // Scopes within have the same stacks.
                    let below = scope(|s| s.spawn(|| work(i % 4)).join().expect("no panic"));
                    work(i % 5) + below
                })
            });
            let all: Vec<_> = all.collect();
            all.into_iter().map(|child| child.join().expect("no panic")).sum()
        });
        assert_eq!(sum, 20 * 14);
        for child in outer {
            assert_eq!(child.join().expect("no panic"), 7);
        }
        before
    });
    run.expect("a carrier");
    let [created, gone, given, back] =
        [&own.made, &own.dropped, &own.given, &own.back].map(|n| n.load(SeqCst));
    assert_eq!((created, gone, given), (1, 1, back));
    // Guarded stacks have mappings of their own.
    if mode != Mode::Guarded {
        assert!(given >= 20 && others.given.load(SeqCst) > 0, "{given}");
    }
}

#[test]
fn vthreads_of_a_scope_have_the_scopes_stacks() {
    for mode in [Mode::Exact, Mode::Painted, Mode::Guarded] {
        both_kinds_at_once(mode, Arena::new);
        both_kinds_at_once(mode, Heap::new);
        both_kinds_at_once(mode, Pool::new);
    }
}

#[test]
fn every_carrier_has_an_allocator_of_the_scope_and_drops_it() {
    let seen = Arc::new(Seen::default());
    let runtime = Runtime::builder().carriers(3).stacks(Mode::Exact).build().expect("carriers");
    for round in 1..=3 {
        let allocator = counting(&seen, Arena::new);
        let sum = runtime.run(|| {
            scope_in(allocator, |s| {
                let all: Vec<_> = (0..300).map(|_| s.spawn(|| work(3))).collect();
                all.into_iter().map(|child| child.join().expect("no panic")).sum::<u32>()
            })
        });
        assert_eq!(sum.expect("a runtime"), 2100);
        let made = seen.made.load(SeqCst);
        assert!((round..=3 * round).contains(&made), "{made}");
    }
    drop(runtime);
    assert_eq!(seen.made.load(SeqCst), seen.dropped.load(SeqCst));
    assert_eq!(seen.given.load(SeqCst), seen.back.load(SeqCst));
}

#[test]
fn panics_and_cancellations_leave_no_stack_behind() {
    let seen = Arc::new(Seen::default());
    let (arrived, dropped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let allocator = counting(&seen, Arena::new);
    let inner = seen.clone();
    let (arrived_in, dropped_in) = (&arrived, &dropped);
    let run = Builder::new().stacks(Mode::Exact).run(move || {
        let end = catch_unwind(AssertUnwindSafe(|| {
            scope_in(allocator, |s| {
                let start = |i: u32| {
                    s.spawn(move || {
                        let _parks = OnDrop(|| {
                            yield_now();
                            dropped_in.fetch_add(1, SeqCst);
                        });
                        work(i % 3);
                        on_chunk(|| {
                            if i.is_multiple_of(3) {
                                std::panic::resume_unwind(Box::new("one of them"));
                            }
                            arrived_in.fetch_add(usize::from(i % 3 == 1), SeqCst);
                            sleep(Duration::from_secs(if i % 3 == 1 { 1000 } else { 0 }));
                        });
                    })
                };
                let all: Vec<_> = (0..30).map(start).collect();
                // Ten wait, and the others have ended, however long that takes.
                let is_one_under_way =
                    || all.iter().zip(0..).any(|(one, i)| i % 3 != 1 && !one.is_finished());
                while arrived_in.load(SeqCst) < 10 || is_one_under_way() {
                    sleep(Duration::from_millis(1));
                }
                // That leaves their panics to the scope.
                drop(all);
                s.cancel();
            });
        }));
        assert_eq!(end.expect_err("a panic").downcast_ref(), Some(&"one of them"));
        // Idle, so that what the scope had goes back while the runtime lives.
        for _ in 0..1000 {
            if inner.dropped.load(SeqCst) == 1 {
                break;
            }
            sleep(Duration::from_millis(1));
        }
        hop(|| {
            assert_eq!(inner.given.load(SeqCst), inner.back.load(SeqCst));
            assert_eq!((stats().lent, inner.dropped.load(SeqCst)), (0, 1));
        });
    });
    run.expect("a carrier");
    assert_eq!(dropped.into_inner(), 30);
}

#[test]
fn who_switches_to_and_fro_keeps_each_its_own_stacks() {
    // Hand-overs between vthreads of a scope and others: neither goes straight to the other.
    let run = Builder::new().stacks(Mode::Exact).run(|| {
        let (to, from) = vthread::channel::rendezvous::<u32>();
        let (back, answers) = vthread::channel::rendezvous::<u32>();
        let other = spawn(move || {
            while let Ok(n) = from.recv() {
                on_chunk(|| back.send(n + 1)).expect("somebody asks");
            }
        });
        let last = scope_in(Arena::new, |s| {
            let asks = s.spawn(move || {
                let mut n = 0;
                for _ in 0..500 {
                    on_chunk(|| to.send(n)).expect("somebody answers");
                    n = on_chunk(|| answers.recv()).expect("somebody answers");
                }
                n
            });
            asks.join().expect("no panic")
        });
        other.join().expect("no panic");
        last
    });
    assert_eq!(run.expect("a carrier"), 500);
}

#[test]
fn an_allocator_that_cannot_be_made_is_the_vthreads_error() {
    fn fails() -> Arena {
        std::panic::resume_unwind(Box::new("none"))
    }
    run(|| {
        let error = scope_in(fails, |s| s.spawn(|| 5).join().expect_err("no stack"));
        assert!(matches!(error.downcast_ref(), Some(Error::NoAllocator)));
        assert_eq!(scope(|s| s.spawn(|| 5).join().expect("a stack")), 5);
    });
}

#[test]
fn switches_are_counted_as_elsewhere() {
    let switches = |own: bool| {
        let run = Builder::new().stacks(Mode::Exact).run(move || {
            let before = stats().vthreads.switches;
            let yields = || (0..100).for_each(|_| yield_now());
            if own {
                scope_in(Pool::new, |s| drop(s.spawn(yields)));
            } else {
                scope(|s| drop(s.spawn(yields)));
            }
            yield_now();
            stats().vthreads.switches - before
        });
        run.expect("a carrier")
    };
    let (own, others) = (switches(true), switches(false));
    assert!(own.abs_diff(others) <= 61 && own >= 100, "{own} {others}");
}

/// What the closure has captured is dropped by the carrier's loop, which must not unwind: vthreads would be left alive.
#[test]
fn a_scope_s_allocator_may_end_badly() {
    struct Bad;

    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("what was captured goes badly");
        }
    }

    run(|| {
        let bad = Arc::new(Bad);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let make = move || {
                let _kept = &bad;
                Pool::default()
            };
            scope_in(make, |s| {
                drop(s.spawn(yield_now));
            });
        }));
        drop(outcome);
        // The loop looks after scopes that have ended when it has nothing else to do.
        sleep(Duration::from_millis(20));
        spawn(|| ()).join().expect("the carrier goes on");
    });
}

#[test]
fn an_allocator_that_panics_ends_the_process_with_a_message() {
    struct Panics;

    // SAFETY: it gives nothing.
    unsafe impl StackAllocator for Panics {
        fn allocate(&mut self, _: &Region, _: usize) -> Option<NonNull<u8>> {
            panic!("no idea where memory comes from");
        }

        unsafe fn deallocate(&mut self, _: &Region, _: NonNull<u8>, _: usize) {}
    }

    if is_child() {
        let _ = run(|| catch_unwind(|| scope_in(|| Panics, |s| drop(s.spawn(yield_now)))));
        return;
    }
    let out = child(
        "an_allocator_that_panics_ends_the_process_with_a_message",
        // Guarded stacks come from the region itself.
        &[("VTHREAD_STACKS", "exact")],
    );
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        !out.status.success() && said.contains("a panic in a stack allocator cannot be passed on"),
        "{said}"
    );
}
