//! What `#[vthread]` writes, by hand: tables, slots, dispatchers, recursion.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

/// Is the caller on a chunk, as it should be in a vthread? In debug builds an entry may have no bound, because closures are
/// called through pointers there; then it runs plainly, which is right too.
fn assert_inside() {
    assert!(current() == i64::from(cfg!(vthread_native)) || cfg!(debug_assertions));
}
use vthread::__private::{chunks_taken, current, hop, on_chunk, plain_only, select, tag};

trait Shape {
    fn vt_area(&self, is_concurrent: i64) -> f64;
    fn vt_longer<'a>(&'a self, is_concurrent: i64, other: &'a str) -> &'a str;
}

trait ShapeObj {
    fn slot_area(&self, is_concurrent: i64) -> f64;
    fn slot_longer<'a>(&'a self, is_concurrent: i64, other: &'a str) -> &'a str;
}

struct Table<T>(T);

impl<T: Shape> Table<T> {
    const PAIRS: &'static [*const (); 4] = &[
        T::vt_area as *const (),
        Self::area as *const (),
        T::vt_longer as *const (),
        Self::longer as *const (),
    ];

    #[inline(never)]
    fn area(x: &T, is_concurrent: i64) -> f64 {
        on_chunk(move || x.vt_area(is_concurrent))
    }

    #[inline(never)]
    fn longer<'a>(x: &'a T, is_concurrent: i64, other: &'a str) -> &'a str {
        on_chunk(move || x.vt_longer(is_concurrent, other))
    }
}

impl<T: Shape> ShapeObj for T {
    fn slot_area(&self, is_concurrent: i64) -> f64 {
        let f = select!("wrappers::Shape::area", Table::<T>::PAIRS, 0, is_concurrent, Table::<T>::area);
        // SAFETY: entries 0 and 1 have this type.
        let f: fn(_, i64) -> _ = unsafe { std::mem::transmute(f) };
        f(self, is_concurrent)
    }

    fn slot_longer<'a>(&'a self, is_concurrent: i64, other: &'a str) -> &'a str {
        let f = select!("wrappers::Shape::longer", Table::<T>::PAIRS, 1, is_concurrent, Table::<T>::longer);
        // SAFETY: entries 2 and 3 have this type.
        let f: fn(_, i64, _) -> _ = unsafe { std::mem::transmute(f) };
        f(self, is_concurrent, other)
    }
}

impl Shape for dyn ShapeObj + '_ {
    fn vt_area(&self, is_concurrent: i64) -> f64 {
        let x: &Self = tag!("wrappers::Shape::area", self);
        x.slot_area(is_concurrent)
    }

    fn vt_longer<'a>(&'a self, is_concurrent: i64, other: &'a str) -> &'a str {
        let x: &'a Self = tag!("wrappers::Shape::longer", self);
        x.slot_longer(is_concurrent, other)
    }
}

struct Square(f64);

impl Shape for Square {
    fn vt_area(&self, is_concurrent: i64) -> f64 {
        assert_eq!(is_concurrent & 1, current());
        assert!(self.0 >= 0.0, "negative square");
        self.0 * self.0
    }

    fn vt_longer<'a>(&'a self, _: i64, other: &'a str) -> &'a str {
        if other.len() > 6 { other } else { "square" }
    }
}

fn depth(is_concurrent: i64, n: u64) -> u64 {
    if n == 0 {
        0
    } else if is_concurrent & 1 == 0 {
        plain_only!();
        1 + depth(is_concurrent, n - 1)
    } else {
        1 + depth_concurrent(is_concurrent, n - 1)
    }
}

#[inline(never)]
fn depth_concurrent(is_concurrent: i64, n: u64) -> u64 {
    on_chunk(move || depth(is_concurrent, n))
}

/// As a vthread on painted stacks, where every chunk is counted.
fn inside<R>(f: impl FnOnce() -> R) -> R {
    vthread::Builder::new().stacks(vthread::Mode::Painted).run(f).expect("memory")
}

/// `chunks`: how many it takes on a chunk. Plainly it takes none.
fn everything(chunks: u64) {
    let chunks = if current() & 1 == 1 { chunks } else { 0 };
    let before = chunks_taken();
    let flag = current();
    let square: Box<dyn ShapeObj> = Box::new(Square(3.0));
    assert!((square.vt_area(flag) - 9.0).abs() < 1e-9);
    assert_eq!(square.vt_longer(flag, "a hexagon"), "a hexagon");
    assert_eq!(square.vt_longer(flag, "oval"), "square");
    assert_eq!(depth(flag, 50), 50);
    assert_eq!(chunks_taken() - before, chunks);
}

#[test]
fn plainly_nothing_takes_a_chunk() {
    assert_eq!(current(), 0);
    everything(0);
}

#[test]
fn in_a_vthread_every_wrapper_takes_one() {
    inside(|| {
        assert_inside();
        everything(3 + 50);
        // Off the chunks everything is plain again, until the return.
        hop(|| {
            assert_eq!(current(), 0);
            everything(0);
        });
        assert_inside();
    });
    assert_eq!(current(), 0);
}

#[test]
fn results_of_every_size_pass() {
    vthread::run(|| {
        on_chunk(|| ());
        assert_eq!(on_chunk(|| [7u8; 3]), [7; 3]);
        assert_eq!(on_chunk(|| String::from("text")), "text");
        let large = [5u64; 900];
        assert_eq!(on_chunk(move || large)[899], 5);
        let boxed: Option<Box<u32>> = on_chunk(|| None);
        assert!(boxed.is_none());
        let never: Result<u8, std::convert::Infallible> = on_chunk(|| Ok(1));
        assert_eq!(never, Ok(1));
    });
}

#[test]
fn run_inside_of_a_vthread_is_a_call() {
    assert_eq!(vthread::run(|| vthread::run(|| hop(|| vthread::run(|| 5)))), 5);
}

struct Count<'a>(&'a Cell<u32>);

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn panics_pass_through_chunks_and_hops() {
    let drops = Cell::new(0);
    let payload = catch_unwind(AssertUnwindSafe(|| {
        vthread::run(|| {
            let _outer = Count(&drops);
            on_chunk(|| {
                let _middle = Count(&drops);
                hop(|| {
                    let _hopped = Count(&drops);
                    on_chunk(|| {
                        let _inner = Count(&drops);
                        panic_any(42u8);
                    });
                });
            });
        });
    }))
    .expect_err("panics");
    assert_eq!((payload.downcast_ref(), drops.get(), current()), (Some(&42u8), 4, 0));
    // Nothing is left behind: the same thread can do it again.
    inside(|| everything(53));
}

#[test]
fn a_panic_is_caught_on_the_chunk_that_catches() {
    vthread::run(|| {
        let before = current();
        for round in 0..20 {
            let caught = on_chunk(|| catch_unwind(|| on_chunk(|| hop(|| on_chunk(|| panic_any(round))))));
            // To drop what is behind a vtable is a call that the link step cannot always move off the chunk.
            hop(|| assert_eq!(caught.expect_err("panics").downcast_ref(), Some(&round)));
            assert_eq!(current(), before);
            assert_inside();
        }
    });
}

#[test]
fn chunks_are_reused() {
    vthread::run(|| {
        let at = on_chunk(|| {
            let local = 0u8;
            std::hint::black_box(&raw const local) as usize
        });
        for _ in 0..10 {
            let again = on_chunk(|| {
                let local = 0u8;
                std::hint::black_box(&raw const local) as usize
            });
            assert_eq!(at & !0x3ffff, again & !0x3ffff);
        }
    });
}

#[test]
fn threads_do_not_share_chunks() {
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..50 {
                    inside(|| everything(53));
                }
            });
        }
    });
}
