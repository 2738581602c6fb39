//! `#[cfg]` on methods, traits and modules; `all()` always holds and `any()` never does.

program!(conditional_methods {
    trait Codec {
        #[cfg(any())] fn absent(&self, m: Missing) -> Missing;
        fn name(&self) -> String;
        #[cfg(all())] fn encode(&self, s: &str) -> String { s.chars().map(|c| self.shift(c)).collect() }
        #[cfg(any())] fn encode(&self, s: &str, missing: Missing) -> String { missing(s) }
        #[cfg(any())] #[cfg(all())] fn both(&self) -> Missing;
        #[cfg_attr(all(), cfg(any()))] fn by_attribute(&self) -> Missing { missing() }
        #[cfg_attr(any(), cfg(any()))] fn kept(&self) -> usize { self.name().len() }
        #[cfg(not(any()))] fn shift(&self, c: char) -> char;
        fn last(&self) -> String { format!("{}{}", self.name(), self.encode("x")) }
    }
    struct Rot(u8); struct Same;
    impl Codec for Rot {
        #[cfg(any())] fn absent(&self, m: Missing) -> Missing { m }
        fn name(&self) -> String { format!("rot{}", self.0) }
        #[cfg(all())] fn shift(&self, c: char) -> char { if c.is_ascii_lowercase() { ((c as u8 - b'a' + self.0) % 26 + b'a') as char } else { c } }
        #[cfg(any())] fn shift(&self, c: Missing) -> char { c }
        #[cfg(any())] fn by_attribute(&self) -> Missing { missing() }
    }
    impl Codec for Same { fn name(&self) -> String { "same".into() } fn shift(&self, c: char) -> char { c } #[cfg(all())] fn encode(&self, s: &str) -> String { s.to_uppercase() } #[cfg(all())] fn kept(&self) -> usize { 99 } }
    fn each(all: &[Box<dyn Codec>]) -> Vec<String> { all.iter().map(|c| format!("{} {} {} {} {}", c.name(), c.encode("hello, z"), c.kept(), c.shift('a'), c.last())).collect() }
    fn generic(c: &impl Codec) -> String { c.encode("generic") + &c.last() }
    pub fn run() -> String { format!("{:?} {} {}", each(&[Box::new(Rot(13)), Box::new(Same), Box::new(Rot(1))]), generic(&Rot(2)), generic(&Same)) }
});

program!(conditional_inherent_methods {
    #[derive(Debug)] struct Node { value: u32, next: Option<Box<Node>> }
    impl Node {
        #[cfg(any())] fn new(v: Missing) -> Self { missing() }
        #[cfg(all())] fn new(value: u32) -> Self { Node { value, next: None } }
        #[cfg(all())] fn push(self, value: u32) -> Self { Node { value, next: Some(Box::new(self)) } }
        #[cfg(any())] fn total(&self) -> u32 { 0 }
        #[cfg(all())] fn total(&self) -> u32 { self.value + self.next.as_ref().map_or(0, |n| n.total()) }
        #[cfg(all())] fn depth(&self) -> u32 { match &self.next { Some(n) => 1 + n.depth(), None => Self::base() } }
        #[cfg(any())] fn base() -> u32 { missing() }
        #[cfg(all())] fn base() -> u32 { 1 }
        #[cfg(debug_assertions)] fn build(&self) -> u32 { self.depth() }
        #[cfg(not(debug_assertions))] fn build(&self) -> u32 { Self::depth(self) }
    }
    pub fn run() -> String { let n = Node::new(1).push(2).push(3); format!("{} {} {} {n:?}", n.total(), n.depth(), n.build()) }
});

program!(conditional_functions {
    #[cfg(any())] fn depth(n: u32) -> u32 { n }
    #[cfg(all())] fn depth(n: u32) -> u32 { if n == 0 { 0 } else { 1 + depth(n - 1) } }
    #[cfg(any())] fn even(n: Missing) -> bool { missing(n) }
    #[cfg(all())] fn even(n: u32) -> bool { n == 0 || odd(n - 1) }
    #[cfg(not(any()))] fn odd(n: u32) -> bool { n != 0 && even(n - 1) }
    #[cfg(any())] fn odd(n: u32) -> bool { n % 2 == 1 }
    mod user { use super::depth; #[cfg(all())] use super::even as is_even; #[cfg(any())] use super::missing as is_even; pub fn both(n: u32) -> (u32, bool) { (depth(n), is_even(n)) } }
    pub fn run() -> String { let f: fn(u32) -> u32 = depth; format!("{} {:?} {:?} {}", depth(9), user::both(7), user::both(8), f(3)) }
});

program!(conditional_traits {
    #[cfg(any())] trait Gone: Kept { fn gone(&self) -> Missing; }
    #[cfg(all())] trait Kept { fn value(&self) -> u32; fn double(&self) -> u32 { 2 * self.value() } }
    #[cfg(any())] trait Kept { fn value(&self) -> Missing; }
    #[cfg(all())] mod inner { pub trait Sub: super::Kept { #[cfg(all())] fn name(&self) -> String { format!("sub{}", self.value()) } } }
    #[cfg(any())] mod absent { pub trait Sub: super::Kept + Missing { fn name(&self) -> String; } impl Sub for Missing { fn name(&self) -> String { missing() } } }
    use inner::Sub;
    impl Kept for u32 { fn value(&self) -> u32 { *self } }
    impl Sub for u32 {}
    #[cfg(any())] impl Gone for u32 { fn gone(&self) -> Missing { missing() } }
    struct Chain(u32, Option<Box<dyn Sub + Send>>);
    impl Kept for Chain { #[cfg(all())] fn value(&self) -> u32 { self.0 + self.1.as_ref().map_or(0, |c| c.value()) } #[cfg(any())] fn value(&self) -> u32 { 0 } }
    impl Sub for Chain {}
    fn show(of: &dyn Sub) -> String { format!("{} {}", of.name(), of.double()) }
    pub fn run() -> String { show(&4u32) + &show(&Chain(1, Some(Box::new(Chain(2, Some(Box::new(3u32))))))) }
});

program!(conditional_associated_items {
    trait Store { #[cfg(all())] type Key: std::fmt::Debug + Default; #[cfg(any())] type Key: Missing; const LIMIT: usize = 3; #[cfg(any())] const LIMIT: Missing; fn key(&self, s: &str) -> Self::Key; #[cfg(all())] fn keys(&self, s: &str) -> Vec<Self::Key> { s.split(' ').take(Self::LIMIT).map(|w| self.key(w)).collect() } }
    struct Lengths; struct Firsts;
    impl Store for Lengths { #[cfg(all())] type Key = usize; fn key(&self, s: &str) -> usize { s.len() } }
    impl Store for Firsts { #[cfg(any())] type Key = Missing; #[cfg(all())] type Key = Option<char>; #[cfg(all())] const LIMIT: usize = 2; fn key(&self, s: &str) -> Option<char> { s.chars().next() } }
    pub fn run() -> String { format!("{:?} {:?}", Lengths.keys("a bb ccc dddd"), Firsts.keys("x yy zzz")) }
});

program!(alternatives_of_one_name {
    // Where there is no std.
    #[cfg(all())]
    use std::io::Write as Sink;

    #[cfg(not(all()))]
    trait Sink {
        fn write_all(&mut self, bytes: &[u8]) -> Result<(), ()>;
    }

    #[cfg(not(all()))]
    impl Sink for Vec<u8> {
        fn write_all(&mut self, bytes: &[u8]) -> Result<(), ()> {
            self.extend(bytes);
            Ok(())
        }
    }

    fn put<S: Sink>(to: &mut S, what: &str) -> bool {
        to.write_all(what.as_bytes()).is_ok()
    }

    // The same the other way around.
    #[cfg(any())]
    use std::fmt::Width as Height;

    #[cfg(not(any()))]
    trait Height {
        fn height(&self) -> usize;
    }

    #[cfg(not(any()))]
    impl Height for str {
        fn height(&self) -> usize {
            self.lines().count()
        }
    }

    #[cfg(any())]
    type Store = Heap;
    #[cfg(not(any()))]
    type Store = Inline;

    struct Heap(usize);
    struct Inline(usize);

    impl Heap {
        fn held(&self) -> usize {
            self.0
        }
    }

    impl Inline {
        const fn held(&self) -> usize {
            self.0 + 1
        }
    }

    #[cfg(not(any()))]
    use std::cmp::min as lesser;

    #[cfg(any())]
    fn lesser(a: usize, b: usize) -> usize {
        if a < b { a } else { b }
    }

    struct Parts {
        #[cfg(any())]
        part: Heap,
        #[cfg(not(any()))]
        part: Inline,
    }

    fn held(store: &Store, parts: &Parts) -> usize {
        store.held() + parts.part.held()
    }

    pub fn run() -> String {
        let held = held(&Inline(3), &Parts { part: Inline(5) });
        let _ = Heap(1).held();
        let mut written = vec![];
        let all = put(&mut written, "abc") && put(&mut written, "d");
        format!("{all} {written:?} {} {held} {}", "a\nb".height(), lesser(held, 4))
    }
});

/// What is imported as a vthread function on some condition.
#[vthread::vthread]
mod elsewhere {
    pub fn half(n: u32) -> u32 {
        n / 2
    }

    pub fn thrice(n: u32) -> u32 {
        3 * n
    }
}

program!(functions_from_elsewhere_or_ones_own {
    // What is imported stands first, and is not there.
    #[cfg(any())]
    #[cfg_attr(any(), vthread::vthread)]
    use super::super::elsewhere::{constant, deep, ordinary};

    #[cfg(not(any()))]
    const fn constant(n: u32) -> u32 {
        n + 1
    }

    #[cfg(not(any()))]
    fn ordinary(n: u32) -> u32 {
        n + 2
    }

    #[cfg(not(any()))]
    fn deep(n: u32) -> u32 {
        if n == 0 { 0 } else { deep(n - 1) + 1 }
    }

    // It stands last.
    #[cfg(not(any()))]
    fn deeper(n: u32) -> u32 {
        if n == 0 { 0 } else { [n - 1].iter().map(|n| deeper(*n)).sum::<u32>() + 2 }
    }

    #[cfg(any())]
    #[cfg_attr(any(), vthread::vthread)]
    use super::super::elsewhere::deeper;

    // What is one's own is not there: recursive here, and not there.
    #[cfg(any())]
    fn thrice(n: u32) -> u32 {
        if n == 0 { 0 } else { 3 + thrice(n - 1) }
    }

    #[cfg(not(any()))]
    #[cfg_attr(any(), vthread::vthread)]
    use super::super::elsewhere::{half, thrice};

    #[cfg(any())]
    const fn half(n: u32) -> u32 {
        n >> 1
    }

    // An item of another kind on one condition, and circles by way of it.
    #[cfg(any())]
    use std::convert::identity as around;

    #[cfg(not(any()))]
    fn around(n: u32) -> u32 {
        if n == 0 { 7 } else { back(n) }
    }

    fn back(n: u32) -> u32 {
        let call: fn(u32) -> u32 = around;
        if n % 2 == 0 { around(n - 1) } else { call(n - 1) }
    }

    mod inner {
        use super::{deep, half};

        pub fn of(n: u32) -> u32 {
            half(deep(n))
        }
    }

    pub fn run() -> String {
        format!(
            "{} {} {} {} {} {} {} {}",
            constant(1),
            ordinary(2),
            deep(30),
            deeper(40),
            thrice(5),
            half(6),
            around(20),
            inner::of(9)
        )
    }
});
