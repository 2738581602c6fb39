//! Code whose cost with and without `#[vthread]` is compared: the same text twice.

macro_rules! twice {
    ($($body:tt)*) => {
        #[allow(unused_qualifications, reason = "the same text stands in both")]
        mod ordinary {
            $($body)*
        }

        #[vthread::vthread]
        #[allow(unused_qualifications, reason = "the same text stands in both")]
        mod annotated {
            $($body)*
        }
    };
}

twice! {
    use std::hint::black_box;
    use std::mem::MaybeUninit;

    #[inline(never)]
    fn leaf(n: u64) -> u64 { black_box(n) * 3 + 1 }
    #[inline(never)]
    fn middle(n: u64) -> u64 { leaf(n) ^ leaf(n + 1) }
    pub fn calls(n: u64) -> u64 { (0..n).fold(0, |s, i| s + middle(i)) }

    struct Counter { sum: u64, step: u64 }
    impl Counter {
        #[inline(never)]
        fn add(&mut self, n: u64) -> &mut Self { self.sum = self.sum.wrapping_add(n * self.step); self }
        #[inline(never)]
        fn mixed(&self, with: u64) -> u64 { leaf(self.sum ^ with) }
    }
    pub fn methods(n: u64) -> u64 {
        let mut counter = Counter { sum: 0, step: 3 };
        for i in 0..n { let m = counter.add(i).mixed(i); counter.add(m); }
        counter.sum
    }

    #[inline(never)]
    fn fibonacci(n: u64) -> u64 { if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) } }
    pub fn recursion(n: u64) -> u64 { (0..n).map(|i| fibonacci(black_box(8) + (i & 1))).sum() }

    #[inline(never)]
    fn even(n: u64) -> bool { if n == 0 { true } else { odd(black_box(n) - 1) } }
    #[inline(never)]
    fn odd(n: u64) -> bool { if n == 0 { false } else { even(black_box(n) - 1) } }
    pub fn mutual(n: u64) -> u64 { (0..n).map(|i| u64::from(even(20 + i % 2))).sum() }

    pub fn closures(n: u64) -> u64 {
        let values: Vec<u64> = (0..64).collect();
        (0..n).map(|i| values.iter().map(|v| leaf(v + i)).filter(|v| !leaf(*v).is_multiple_of(3)).sum::<u64>()).sum()
    }

    struct Tree { value: u64, below: Vec<Tree> }
    fn wide(depth: u64) -> Tree { Tree { value: depth, below: (0..depth).map(|_| wide(depth - 1)).collect() } }
    #[inline(never)]
    fn total(tree: &Tree) -> u64 { tree.value + tree.below.iter().map(|t| 1 + total(t)).sum::<u64>() }
    pub fn walk(n: u64) -> u64 { let tree = wide(5); (0..n).map(|i| total(black_box(&tree)) ^ i).sum() }

    #[inline(never)]
    fn visit(tree: &Tree) -> u64 { let mut sum = tree.value; tree.below.iter().for_each(|t| sum ^= visit(t)); sum }
    pub fn visits(n: u64) -> u64 { let tree = wide(5); (0..n).map(|i| visit(black_box(&tree)) ^ i).sum() }

    impl Tree {
        #[inline(never)]
        fn odd(&self, by: u64) -> u64 { self.below.iter().filter(|t| t.value != by).map(|t| t.even(by + 1)).fold(self.value, |a, b| a ^ b) }
        #[inline(never)]
        fn even(&self, by: u64) -> u64 { self.below.iter().map(|t| t.odd(by)).max().unwrap_or(by) }
    }
    pub fn levels(n: u64) -> u64 { let tree = wide(5); (0..n).map(|i| black_box(&tree).odd(5) ^ i).sum() }

    #[inline(never)]
    fn each(tree: &Tree, mut f: impl FnMut(&Tree)) { for t in &tree.below { f(t); } }
    #[inline(never)]
    fn handed(tree: &Tree) -> u64 { let mut sum = 0; each(tree, |t| sum += handed(t)); sum + tree.value }
    pub fn handed_on(n: u64) -> u64 { let tree = wide(5); (0..n).map(|i| handed(black_box(&tree)) ^ i).sum() }

    enum Expr { Number(u64), Add(Box<Expr>, Box<Expr>), Twice(Box<Expr>) }
    impl Expr {
        #[inline(never)]
        fn eval(&self) -> u64 {
            match self {
                Expr::Number(n) => *n,
                Expr::Add(a, b) => a.eval() + b.eval(),
                Expr::Twice(a) => 2 * a.eval(),
            }
        }
        fn full(depth: u64) -> Expr {
            if depth == 0 { Expr::Number(depth + 5) } else { Expr::Add(Box::new(Expr::full(depth - 1)), Box::new(Expr::Twice(Box::new(Expr::full(depth - 1))))) }
        }
    }
    pub fn tree(n: u64) -> u64 { let e = Expr::full(6); (0..n).map(|i| black_box(&e).eval() ^ i).sum() }

    trait Shape { fn area(&self, scale: u64) -> u64; }
    struct Square(u64);
    struct Strip(u64, u64);
    impl Shape for Square { fn area(&self, scale: u64) -> u64 { self.0 * self.0 * scale } }
    impl Shape for Strip { fn area(&self, scale: u64) -> u64 { self.0 * self.1 + scale } }
    fn shapes() -> Vec<Box<dyn Shape>> { black_box(vec![Box::new(Square(3)), Box::new(Strip(2, 5))]) }
    pub fn objects(n: u64) -> u64 {
        let all = shapes();
        let mut sum = 0;
        for i in 0..n { sum += all[(i % 2) as usize].area(i); }
        sum
    }
    pub fn one_object(n: u64) -> u64 {
        let one: &dyn Shape = black_box(&Strip(2, 5));
        let mut sum = 0;
        for i in 0..n { sum += one.area(i); }
        sum
    }
    trait Label { fn distance(&self, text: &str) -> u64; }
    struct Fixed(u64);
    struct Letter(u8);
    impl Label for Fixed { fn distance(&self, text: &str) -> u64 { self.0 ^ text.len() as u64 } }
    impl Label for Letter { fn distance(&self, text: &str) -> u64 { u64::from(self.0 == text.as_bytes()[0]) } }
    pub fn objects_with_text(n: u64) -> u64 {
        let all: Vec<Box<dyn Label>> = black_box(vec![Box::new(Fixed(9)), Box::new(Letter(b'a'))]);
        let text = black_box("abc");
        let mut sum = 0;
        for i in 0..n { sum += all[(i % 2) as usize].distance(text); }
        sum
    }
    pub fn objects_in_closures(n: u64) -> u64 {
        let all = shapes();
        (0..n).map(|i| all[(i % 2) as usize].area(i)).sum()
    }
    trait Rule { fn apply(&self, text: &str, at: u64) -> u64; }
    struct Once(u64);
    struct Both(u64, u64);
    impl Rule for Once { fn apply(&self, text: &str, at: u64) -> u64 { leaf(self.0 ^ at) + text.len() as u64 } }
    impl Rule for Both { fn apply(&self, text: &str, at: u64) -> u64 { middle(self.0 + at) ^ self.1 ^ text.len() as u64 } }
    fn rules() -> Vec<Box<dyn Rule>> { black_box(vec![Box::new(Once(9)), Box::new(Both(2, 5))]) }
    pub fn objects_that_call(n: u64) -> u64 {
        let all = rules();
        let text = black_box("abc");
        let mut sum = 0;
        for i in 0..n { sum += all[(i % 2) as usize].apply(text, i); }
        sum
    }
    pub fn objects_that_call_in_closures(n: u64) -> u64 {
        let all = rules();
        let text = black_box("abc");
        (0..n).map(|i| all[(i % 2) as usize].apply(text, i)).sum()
    }
    trait Mixer { fn mix(&self, with: u64) -> u64; }
    struct Sums(u64);
    struct Swaps(u64);
    impl Mixer for Sums { fn mix(&self, with: u64) -> u64 { let mut all = [self.0, with, 1, 2]; black_box(&mut all); all[0] + all[3] } }
    impl Mixer for Swaps { fn mix(&self, with: u64) -> u64 { let mut all = [with, self.0, 3, 4]; black_box(&mut all); all[1] ^ all[2] } }
    pub fn objects_with_a_frame(n: u64) -> u64 {
        let all: Vec<Box<dyn Mixer>> = black_box(vec![Box::new(Sums(9)), Box::new(Swaps(5))]);
        let mut sum = 0;
        for i in 0..n { sum += all[(i % 2) as usize].mix(i); }
        sum
    }

    trait Blocks { fn block(&self, with: u64) -> u64; }
    struct Filled(u64);
    struct Mixed(u64);
    impl Blocks for Filled { fn block(&self, with: u64) -> u64 { let mut all = [self.0 ^ with; 20]; black_box(&mut all); all[1] + all[2] } }
    impl Blocks for Mixed { fn block(&self, with: u64) -> u64 { let mut all = [with + self.0; 20]; black_box(&mut all); all[1] ^ all[2] } }
    pub fn objects_with_a_block(n: u64) -> u64 {
        let all: Vec<Box<dyn Blocks>> = black_box(vec![Box::new(Filled(9)), Box::new(Mixed(5))]);
        let mut sum = 0;
        for i in 0..n { sum += all[(i % 2) as usize].block(i); }
        sum
    }
    #[inline(never)]
    fn slow(n: u64) -> u64 { let mut all = [n; 40]; black_box(&mut all); all[1] }
    trait Find { fn find(&self, with: u64) -> u64; }
    struct Cached(u64);
    struct Known(u64, u64);
    impl Find for Cached { fn find(&self, with: u64) -> u64 { if self.0 > with { self.0 ^ with } else { slow(with) } } }
    impl Find for Known { fn find(&self, with: u64) -> u64 { if self.0 > with { self.1 } else { slow(with) } } }
    pub fn objects_with_a_slow_path(n: u64) -> u64 {
        let all: Vec<Box<dyn Find>> = black_box(vec![Box::new(Cached(1 << 60)), Box::new(Known(1 << 60, 5))]);
        let mut sum = 0;
        for i in 0..n { sum += all[(i % 2) as usize].find(i); }
        sum
    }
    trait Room { fn room(&self, with: u64) -> u64; }
    impl Room for Cached {
        fn room(&self, with: u64) -> u64 { black_box(&mut MaybeUninit::<[u64; 40]>::uninit()); self.0 ^ with }
    }
    impl Room for Known {
        fn room(&self, with: u64) -> u64 { black_box(&mut MaybeUninit::<[u64; 40]>::uninit()); self.1 ^ with }
    }
    pub fn objects_with_room(n: u64) -> u64 {
        let all: Vec<Box<dyn Room>> = black_box(vec![Box::new(Cached(1 << 60)), Box::new(Known(1 << 60, 5))]);
        let mut sum = 0;
        for i in 0..n { sum += all[(i % 2) as usize].room(i); }
        sum
    }
    trait Roomy { fn roomy(&self, with: u64) -> u64; }
    impl Roomy for Cached {
        fn roomy(&self, with: u64) -> u64 { black_box(&mut MaybeUninit::<[u64; 39]>::uninit()); self.0 ^ with }
    }
    impl Roomy for Known {
        fn roomy(&self, with: u64) -> u64 { black_box(&mut MaybeUninit::<[u64; 39]>::uninit()); self.1 ^ with }
    }
    pub fn objects_where_there_is_room(n: u64) -> u64 {
        let all: Vec<Box<dyn Roomy>> = black_box(vec![Box::new(Cached(1 << 60)), Box::new(Known(1 << 60, 5))]);
        let mut sum = slow(n);
        for i in 0..n { sum += all[(i % 2) as usize].roomy(i); }
        sum
    }
}

type Form = fn(u64) -> u64;

/// One text in both forms.
pub struct Kernel {
    pub name: &'static str,
    /// Without the attribute, with it, and with it in a vthread.
    pub forms: [Form; 3],
    /// As many as make the start of a process small.
    pub rounds: u64,
    /// What the attribute may cost outside of vthreads.
    pub limit: Limit,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Limit {
    /// So many percent.
    Percent(f64),
    /// So many instructions for the virtual call of each round.
    VirtualCall(f64),
}

use Limit::{Percent, VirtualCall};

const fn kernel(name: &'static str, forms: [Form; 3], rounds: u64, limit: Limit) -> Kernel {
    Kernel { name, forms, rounds, limit }
}

macro_rules! forms {
    ($kernel:ident) => {
        [ordinary::$kernel, annotated::$kernel, |n| vthread::run(move || annotated::$kernel(n))]
    };
}

pub const KERNELS: &[Kernel] = &[
    kernel("calls", forms!(calls), 20_000, Percent(5.0)),
    kernel("methods", forms!(methods), 20_000, Percent(5.0)),
    kernel("recursion", forms!(recursion), 500, Percent(5.0)),
    kernel("mutual recursion", forms!(mutual), 2_000, Percent(5.0)),
    kernel("closures", forms!(closures), 500, Percent(5.0)),
    kernel("recursion in closures", forms!(walk), 500, Percent(5.0)),
    // A function of 20 instructions a call, so that each one shows.
    kernel("recursion in for_each", forms!(visits), 500, Percent(5.0)),
    kernel("closures that call each other", forms!(levels), 500, Percent(5.0)),
    // Not inlined into who makes it, so it asks: three instructions, once for all of its turns.
    kernel("recursion in a closure elsewhere", forms!(handed_on), 500, Percent(5.0)),
    kernel("tree of boxes", forms!(tree), 500, Percent(5.0)),
    kernel("trait objects", forms!(objects), 20_000, VirtualCall(7.0)),
    kernel("one trait object", forms!(one_object), 20_000, VirtualCall(7.0)),
    // Three words for the new chunk, and all go there in registers.
    kernel("dyn with text", forms!(objects_with_text), 20_000, VirtualCall(7.0)),
    // The closure asks anew where it runs.
    kernel("dyn in closures", forms!(objects_in_closures), 20_000, VirtualCall(7.0)),
    // What they call calls others, up to three.
    kernel("dyn that call", forms!(objects_that_call), 20_000, VirtualCall(7.0)),
    kernel("dyn that call in closures", forms!(objects_that_call_in_closures), 20_000, VirtualCall(7.0)),
    kernel("dyn with a frame", forms!(objects_with_a_frame), 20_000, VirtualCall(7.0)),
    // A path that is never taken makes a call that needs forty words: a stub makes it, so that the rest needs no chunk.
    kernel("dyn with a slow path", forms!(objects_with_a_slow_path), 20_000, VirtualCall(7.0)),
    // What those above call is so small that it needs no chunk. These do: twenty words on the stack,
    kernel("dyn with a block", forms!(objects_with_a_block), 20_000, VirtualCall(7.0)),
    // and room for forty, of which none is used, so that it takes a chunk to do nothing: as dear as it gets.
    kernel("dyn with room", forms!(objects_with_room), 20_000, VirtualCall(7.0)),
    // The same where something else needs as much, so that the caller's chunk has it.
    kernel("dyn where there is room", forms!(objects_where_there_is_room), 20_000, VirtualCall(7.0)),
];
