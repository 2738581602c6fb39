//! What annotated code must not cost: memory from the heap. Instructions are counted by `macros/benches/cost.rs`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does all of it. The count needs no memory: a thread local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: what the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: what the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `f` asks for memory on this thread.
fn allocations(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    f();
    ALLOCATIONS.with(Cell::get) - before
}

#[vthread::vthread(exact)]
mod animals {
    pub trait Animal {
        fn legs(&self, more: [u64; 6]) -> u64;
    }

    pub struct Bird(pub u64);
    pub struct Flock<'a>(pub &'a dyn Animal);

    impl Animal for Bird {
        fn legs(&self, more: [u64; 6]) -> u64 {
            self.0 + more[5]
        }
    }

    impl Animal for Flock<'_> {
        fn legs(&self, more: [u64; 6]) -> u64 {
            2 * self.0.legs(more)
        }
    }

    pub fn sum(of: &dyn Animal, rounds: u64) -> u64 {
        (0..rounds).map(|i| of.legs([i; 6])).sum()
    }

    pub fn depth(n: u64) -> u64 {
        if n == 0 { 0 } else { 1 + depth(n - 1) }
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn concurrent_dyn_calls_and_recursion_take_nothing_from_the_heap() {
    let (sum, on_chunk, made) = vthread::run(|| {
        let bird = animals::Bird(2);
        let flock = animals::Flock(&bird);
        // The first round may fetch chunks for the free lists.
        let mut sum = animals::sum(black_box(&flock), 10) + animals::depth(200);
        let made = allocations(|| sum += animals::sum(black_box(&flock), 1000) + animals::depth(200));
        (sum, vthread::__private::current() & 1, made)
    });
    assert_eq!(sum, 2 * (10 * 2 + 45) + 200 + 2 * (1000 * 2 + 499_500) + 200);
    assert_eq!(on_chunk, 1, "the calls ran on chunks");
    assert_eq!(made, 0, "allocations in 2,000 dyn calls and 200 recursive ones");
}
