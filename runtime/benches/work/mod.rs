//! What is measured, once for the clock and once for the instruction counter. Each item does its thing `n` times and gives
//! an answer that says whether it did.
#![allow(clippy::cast_ptr_alignment, reason = "argument blocks are bytes by type")]

use corosensei::Coroutine;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use vthread::__private::{abi, hop, on_chunk_sized, raw, spawn, yield_now};
use vthread::{Builder, Heap};

/// Name, and what it does.
pub type Item = (&'static str, fn(u64) -> u64);

/// Everything, peers included.
pub const ITEMS: [Item; 21] = [
    ("switch/vthread", switch_vthread),
    ("switch/corosensei", switch_corosensei),
    ("call/plain dyn", call_plain),
    ("call/plain dyn, and another in it", call_twice),
    ("call/fresh chunk", call_fresh_chunk),
    ("call/fresh chunk, dyn", call_fresh_chunk_dyn),
    ("call/fresh chunk, off the chunks", call_fresh_chunk_plainly),
    ("call/fresh chunk of a heap", call_fresh_chunk_of_a_heap),
    ("call/malloc and free", call_malloc),
    ("call/boxed async", call_async),
    ("hop/on a chunk", hop_on_chunk),
    ("hop/off the chunks", hop_off_chunks),
    ("four calls/a chunk each", four_chunks),
    ("four calls/one chunk", four_merged),
    ("4 KiB of stack/hop", large_hop),
    ("4 KiB of stack/chunk", large_chunk),
    ("4 KiB of stack/large stack", large_stack),
    ("yield/on chunks", yield_on_chunks),
    ("yield/off chunks", yield_off_chunks),
    ("run/empty vthread", run_empty),
    ("nothing", nothing),
];

fn nothing(n: u64) -> u64 {
    (0..n).map(|i| black_box(i) & 1).sum::<u64>() * 2 / n.max(1) * n
}

struct Partner {
    there: raw::Parked,
    back: raw::Parked,
}

/// # Safety
/// `shared` is a [`Partner`] that stays, and that nobody else uses while this runs; `back` is who has gone on with it last.
unsafe extern "C-unwind" fn partner(shared: *mut u8) {
    let shared = shared.cast::<Partner>();
    loop {
        // SAFETY: both sides use it only while they run.
        unsafe { raw::switch((*shared).back, &raw mut (*shared).there) };
    }
}

/// A round trip to another stack and back.
fn switch_vthread(n: u64) -> u64 {
    let mut stack = vec![0u128; 4096];
    let null = std::ptr::null_mut();
    let mut shared = Partner { there: null, back: null };
    let shared = &raw mut shared;
    // SAFETY: a stack of its own, and it goes on only here.
    unsafe {
        raw::enter(stack.as_mut_ptr_range().end.cast(), &raw mut (*shared).back, partner, shared.cast());
        for _ in 1..n {
            raw::switch((*shared).there, &raw mut (*shared).back);
        }
        n * u64::from(!(*shared).there.is_null())
    }
}

fn switch_corosensei(n: u64) -> u64 {
    let mut partner = Coroutine::<(), (), ()>::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    for _ in 0..n {
        partner.resume(());
    }
    let turns = n * u64::from(!partner.done());
    // Dropped while suspended it would have to be unwound.
    // SAFETY: nothing on its stack needs a drop.
    unsafe { partner.force_reset() };
    turns
}

trait Work {
    fn work(&self, x: u64) -> u64;
}

struct One;

impl Work for One {
    fn work(&self, x: u64) -> u64 {
        black_box(x) + 1
    }
}

fn objects() -> [Box<dyn Work>; 4] {
    black_box([(); 4].map(|()| Box::new(One) as Box<dyn Work>))
}

fn repeat(n: u64, mut f: impl FnMut(u64) -> u64) -> u64 {
    (0..n).fold(0, |x, _| f(x))
}

fn call_plain(n: u64) -> u64 {
    let objects = objects();
    repeat(n, |x| objects[x as usize & 3].work(x))
}

/// In a vthread, on chunks.
fn inside(f: impl FnOnce() -> u64) -> u64 {
    Builder::new().run(f).expect("a carrier")
}

/// More than the callee needs, in debug builds too, and the size of one class.
const CHUNK: u32 = 512;

fn call_fresh_chunk(n: u64) -> u64 {
    // SAFETY: see `CHUNK`.
    inside(move || repeat(n, |x| unsafe { on_chunk_sized(CHUNK, move || black_box(x) + 1) }))
}

/// As users write it. Without the attribute such a loop is ordinary code, whose virtual calls have no bound: each would hop.
#[vthread::vthread]
mod code {
    use std::hint::black_box;

    pub(super) trait Work {
        fn work(&self, x: u64) -> u64;
    }

    struct OnChunk;

    impl Work for OnChunk {
        fn work(&self, x: u64) -> u64 {
            black_box(x) + 1
        }
    }

    pub(super) fn calls(n: u64) -> u64 {
        let objects: [Box<dyn Work + Send + Sync>; 4] =
            black_box([Box::new(OnChunk), Box::new(OnChunk), Box::new(OnChunk), Box::new(OnChunk)]);
        let mut x = 0;
        for _ in 0..n {
            x = objects[x as usize & 3].work(x);
        }
        x
    }
}

/// As a virtual call does it: the table leads to the wrapper.
fn call_fresh_chunk_dyn(n: u64) -> u64 {
    inside(move || code::calls(n))
}

/// The flag is 0: the wrapper's test of it is all that is left.
fn call_fresh_chunk_plainly(n: u64) -> u64 {
    code::calls(n)
}

/// A call of a function that calls a function: what any wrapper costs, whatever it does.
fn call_twice(n: u64) -> u64 {
    struct Twice;
    #[inline(never)]
    fn inner(x: u64) -> u64 {
        black_box(x) + 1
    }
    impl Work for Twice {
        fn work(&self, x: u64) -> u64 {
            // Not the last act, or it would be a jump.
            black_box(inner(x))
        }
    }
    let objects = black_box([(); 4].map(|()| Box::new(Twice) as Box<dyn Work>));
    repeat(n, |x| objects[x as usize & 3].work(x))
}

/// As the original design has it: each chunk comes from a `malloc`.
fn call_fresh_chunk_of_a_heap(n: u64) -> u64 {
    // SAFETY: see `CHUNK`.
    let work = move || repeat(n, |x| unsafe { on_chunk_sized(CHUNK, move || black_box(x) + 1) });
    Builder::new().allocator(Heap::new).run(work).expect("a carrier")
}

#[inline(never)]
fn step(x: u64) -> u64 {
    black_box(x) + 1
}

/// A call in a call, four deep, each on a chunk of its own.
fn four_chunks(n: u64) -> u64 {
    // SAFETY: see `CHUNK`; four wrappers take less than a kilobyte.
    inside(move || unsafe {
        repeat(n, |x| {
            on_chunk_sized(4 * CHUNK, move || {
                on_chunk_sized(3 * CHUNK, move || {
                    on_chunk_sized(2 * CHUNK, move || on_chunk_sized(CHUNK, move || step(x)))
                })
            })
        })
    })
}

/// The same depth on one chunk that is large enough for all.
fn four_merged(n: u64) -> u64 {
    #[inline(never)]
    fn third(x: u64) -> u64 {
        black_box(step(x))
    }
    #[inline(never)]
    fn second(x: u64) -> u64 {
        black_box(third(x))
    }
    // SAFETY: as above.
    inside(move || repeat(n, |x| unsafe { on_chunk_sized(4 * CHUNK, move || black_box(second(x))) }))
}

/// Ordinary code that needs much stack.
#[inline(never)]
fn hungry(x: u64) -> u64 {
    let mut room = [0u8; 4096];
    room[x as usize & 4095] = 1;
    x + u64::from(black_box(&mut room)[x as usize & 4095])
}

fn large_hop(n: u64) -> u64 {
    inside(move || repeat(n, |x| hop(move || hungry(x))))
}

fn large_chunk(n: u64) -> u64 {
    // SAFETY: twice of what `hungry` needs, and its caller.
    inside(move || repeat(n, |x| unsafe { on_chunk_sized(16 << 10, move || hungry(x)) }))
}

/// As an entry runs that has no bound.
fn large_stack(n: u64) -> u64 {
    // SAFETY: a megabyte.
    inside(move || repeat(n, |x| unsafe { on_chunk_sized(abi::UNPROVED, move || hungry(x)) }))
}

fn call_malloc(n: u64) -> u64 {
    repeat(n, |x| *black_box(Box::new([x + 1; 32])).first().unwrap_or(&0))
}

fn boxed(x: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move { black_box(x) + 1 })
}

fn call_async(n: u64) -> u64 {
    let mut context = Context::from_waker(Waker::noop());
    repeat(n, |x| match black_box(boxed(x)).as_mut().poll(&mut context) {
        Poll::Ready(x) => x,
        Poll::Pending => 0,
    })
}

fn hop_on_chunk(n: u64) -> u64 {
    inside(move || repeat(n, |x| hop(move || black_box(x) + 1)))
}

fn hop_off_chunks(n: u64) -> u64 {
    repeat(n, |x| hop(move || black_box(x) + 1))
}

/// Two vthreads that yield to each other.
fn yields(n: u64, body: fn(u64)) -> u64 {
    let outcome = Builder::new().carry(|carrier| {
        for _ in 0..2 {
            spawn(move || body(n / 2));
        }
        u64::from(carrier.run().is_empty() && carrier.live() == 0)
    });
    outcome.expect("a carrier") * n
}

fn yield_on_chunks(n: u64) -> u64 {
    yields(n, |turns| (0..turns).for_each(|_| yield_now()))
}

fn yield_off_chunks(n: u64) -> u64 {
    yields(n, |turns| hop(|| (0..turns).for_each(|_| yield_now())))
}

/// Start, run and end of a vthread: the start record, a stack, a panic barrier.
fn run_empty(n: u64) -> u64 {
    let outcome = Builder::new().carry(|carrier| {
        let done = std::rc::Rc::new(std::cell::Cell::new(0));
        for _ in 0..n {
            let done = done.clone();
            // SAFETY: a kilobyte is enough for a count.
            unsafe { vthread::__private::spawn_sized(2048, move || done.set(done.get() + 1)) };
            if !carrier.run().is_empty() {
                return 0;
            }
        }
        done.get()
    });
    outcome.expect("a carrier")
}
