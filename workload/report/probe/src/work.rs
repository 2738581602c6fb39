//! Ordinary code that is called on stacks of all kinds, and what it costs when it is just called.

use crate::Item;
use crate::usage::timed;
use std::hint::black_box;
use std::mem::MaybeUninit;

/// By plain calls, with flag 0.
pub(crate) const ITEMS: &[Item] = &[
    ("call", |n| timed(|| code::calls(n))),
    ("small call", |n| timed(|| code::small_calls(n))),
    ("bare call", |n| timed(|| bare_calls(n))),
    ("depth", |n| timed(|| code::depth(n))),
    ("merged", |n| timed(|| code::merged(n))),
    ("format", |n| timed(|| formats(n))),
    ("nothing", |n| timed(|| (0..n).map(|i| black_box(i) & 1 | 1).sum())),
];

/// Where a call takes memory from the heap.
pub(crate) const WITH_MALLOC: &[Item] = &[("call", |n| timed(|| mallocs(n)))];

/// What the callee of a `call` needs: so much that it is called in place only where there is room.
pub(crate) type Room = [MaybeUninit<u64>; 16];

/// What the callee of a `call` does: it uses four words of its room.
#[inline]
pub(crate) fn add_in(room: &mut Room, x: u64) -> u64 {
    for (word, number) in room.iter_mut().zip([x, 1, 2, 3]) {
        word.write(number);
    }
    let [first, second, ..] = black_box(room);
    // SAFETY: both were written above, and `black_box` gives what it is given.
    unsafe { first.assume_init() + second.assume_init() }
}

fn mallocs(n: u64) -> u64 {
    struct Boxes;
    impl Bare for Boxes {
        fn work(&self, x: u64) -> u64 {
            // SAFETY: an array of what need not be initialised need not be, either.
            let mut room = unsafe { Box::<Room>::new_uninit().assume_init() };
            add_in(&mut room, x)
        }
    }
    let objects: [Box<dyn Bare>; 4] =
        black_box([Box::new(Boxes), Box::new(Boxes), Box::new(Boxes), Box::new(Boxes)]);
    let mut x = 0;
    for _ in 0..n {
        x = objects[x as usize & 3].work(x);
    }
    x
}

trait Bare {
    fn work(&self, x: u64) -> u64;
}

struct One;

impl Bare for One {
    fn work(&self, x: u64) -> u64 {
        add_in(&mut [MaybeUninit::uninit(); 16], x)
    }
}

/// What `code::calls` is without the attribute: calls by way of ordinary vtables.
fn bare_calls(n: u64) -> u64 {
    let objects: [Box<dyn Bare>; 4] = black_box([Box::new(One), Box::new(One), Box::new(One), Box::new(One)]);
    let mut x = 0;
    for _ in 0..n {
        x = objects[x as usize & 3].work(x);
    }
    x
}

/// A number of a type of its own: what is generic is compiled once more for those who send it, and the compiler inlines in other items
/// what it would without them.
pub(crate) struct Far(pub(crate) u64);

/// About ten microseconds of arithmetic. One.
pub(crate) fn unit(seed: u64) -> u64 {
    let mut x = black_box(seed);
    for _ in 0..10_000 {
        x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ seed;
    }
    black_box(x) & 1 | 1
}

/// The numbers below `n`, in an order that no processor foresees and that is the same each time.
pub(crate) fn shuffled(n: u64) -> Vec<u32> {
    let mut all: Vec<u32> = (0..n as u32).collect();
    let mut x = 0x2545_f491_4f6c_dd1d_u64;
    for i in (1..all.len()).rev() {
        // Marsaglia's xorshift; the upper bits, scaled: no division.
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        all.swap(i, (((x >> 32) * (i as u64 + 1)) >> 32) as usize);
    }
    all
}

/// Formats `n` numbers, which has no bound: on a chunk each formatting hops.
pub(crate) fn formats(n: u64) -> u64 {
    (0..n).map(format_one).sum()
}

#[inline(never)]
fn format_one(i: u64) -> u64 {
    u64::from(!black_box(format!("{}", black_box(i))).is_empty())
}

#[vthread::vthread]
pub(crate) mod code {
    use std::hint::black_box;
    use std::mem::MaybeUninit;

    pub(crate) trait Work {
        fn work(&self, x: u64) -> u64;
    }

    pub(crate) struct One;

    impl Work for One {
        fn work(&self, x: u64) -> u64 {
            super::add_in(&mut [MaybeUninit::uninit(); 16], x)
        }
    }

    pub(crate) trait SmallWork {
        fn small_work(&self, x: u64) -> u64;
    }

    impl SmallWork for One {
        fn small_work(&self, x: u64) -> u64 {
            black_box(x) + 1
        }
    }

    /// `n` virtual calls of what is called in place.
    pub(crate) fn small_calls(n: u64) -> u64 {
        let objects: [Box<dyn SmallWork + Send + Sync>; 4] =
            black_box([Box::new(One), Box::new(One), Box::new(One), Box::new(One)]);
        let mut x = 0;
        for _ in 0..n {
            x = objects[x as usize & 3].small_work(x);
        }
        x
    }

    /// Who calls nothing else, so that its chunk has no room for what it calls.
    trait Caller {
        fn call_often(&self, n: u64) -> u64;
    }

    impl Caller for [Box<dyn Work + Send + Sync>; 4] {
        fn call_often(&self, n: u64) -> u64 {
            let mut x = 0;
            for _ in 0..n {
                x = self[x as usize & 3].work(x);
            }
            x
        }
    }

    /// `n` virtual calls: in a vthread each takes a chunk.
    pub(crate) fn calls(n: u64) -> u64 {
        let objects: [Box<dyn Work + Send + Sync>; 4] =
            black_box([Box::new(One), Box::new(One), Box::new(One), Box::new(One)]);
        let caller: Box<dyn Caller> = black_box(Box::new(objects));
        caller.call_often(n)
    }

    /// Calls itself `n` deep: in a vthread each call takes a chunk.
    pub(crate) fn depth(n: u64) -> u64 {
        if n == 0 { 0 } else { black_box(depth(n - 1)) + 1 }
    }

    /// As many calls as `depth`, by eights of ordinary ones: one chunk for all.
    pub(crate) fn merged(n: u64) -> u64 {
        let mut done = 0;
        for _ in 0..n / 8 {
            done += level1(0);
        }
        done
    }

    #[inline(never)]
    fn level1(x: u64) -> u64 {
        black_box(level2(black_box(x))) + 1
    }
    #[inline(never)]
    fn level2(x: u64) -> u64 {
        black_box(level3(black_box(x))) + 1
    }
    #[inline(never)]
    fn level3(x: u64) -> u64 {
        black_box(level4(black_box(x))) + 1
    }
    #[inline(never)]
    fn level4(x: u64) -> u64 {
        black_box(level5(black_box(x))) + 1
    }
    #[inline(never)]
    fn level5(x: u64) -> u64 {
        black_box(level6(black_box(x))) + 1
    }
    #[inline(never)]
    fn level6(x: u64) -> u64 {
        black_box(level7(black_box(x))) + 1
    }
    #[inline(never)]
    fn level7(x: u64) -> u64 {
        black_box(level8(black_box(x))) + 1
    }
    #[inline(never)]
    fn level8(x: u64) -> u64 {
        black_box(x) + 1
    }

    /// As many calls as `merged`, each on a chunk of its own.
    pub(crate) fn unmerged(n: u64) -> u64 {
        let mut done = 0;
        for _ in 0..n / 8 {
            done += depth(8);
        }
        done
    }
}
