//! Generics, lifetimes, const generics, `impl Trait`.

program!(generic_functions {
    use std::fmt::{Debug, Display};
    fn largest<T: PartialOrd + Copy>(of: &[T]) -> Option<T> { let mut all = of.iter().copied(); let first = all.next()?; Some(all.fold(first, |a, b| pick(a, b))) }
    fn pick<T: PartialOrd>(a: T, b: T) -> T { if a < b { b } else { a } }
    fn show(x: impl Display, y: &impl Debug) -> String { format!("{x}/{y:?}") }
    fn convert<A, B>(a: A) -> B where B: From<A> { B::from(a) }
    fn repeat<T: Clone, const N: usize>(t: T) -> [T; N] { std::array::from_fn(|_| t.clone()) }
    fn sum<const N: usize>(of: [u32; N]) -> u32 { if N == 0 { 0 } else { of.iter().sum::<u32>() + count::<N>() } }
    fn count<const N: usize>() -> u32 { N as u32 }
    fn default_of<T: Default>() -> T { T::default() }
    fn parse_all<T>(s: &str) -> Vec<T> where T: std::str::FromStr, T::Err: Debug { s.split(' ').map(|p| p.parse().unwrap()).collect() }
    pub fn run() -> String {
        let wide: u64 = convert::<u32, _>(7);
        format!("{:?} {:?} {} {wide} {:?} {} {:?} {:?}", largest(&[3, 9, 2]), largest::<f64>(&[]), show(1, &"a"), repeat::<_, 3>('x'), sum([1, 2, 3]), default_of::<String>(), parse_all::<i16>("1 -2"))
    }
});

program!(generic_types {
    #[derive(Debug, Clone, Default)]
    pub struct Stack<T> { items: Vec<T> }
    impl<T> Stack<T> {
        fn new() -> Self { Stack { items: Vec::new() } }
        fn push(&mut self, t: T) -> usize { self.items.push(t); self.size() }
        fn pop(&mut self) -> Option<T> { self.items.pop() }
        fn size(&self) -> usize { self.items.len() }
        fn map<U>(self, f: impl Fn(T) -> U) -> Stack<U> { let mut s = Stack::<U>::new(); for t in self.items { s.push(f(t)); } s }
        fn peek_with<'a, R>(&'a self, f: impl FnOnce(Option<&'a T>) -> R) -> R { f(self.items.last()) }
    }
    impl<T: Ord + Clone> Stack<T> { fn sorted(&self) -> Stack<T> { let mut s = self.clone(); s.items.sort(); s } }
    struct Matrix<const R: usize, const C: usize>([[i32; C]; R]);
    impl<const R: usize, const C: usize> Matrix<R, C> {
        fn transposed(&self) -> Matrix<C, R> { Matrix(std::array::from_fn(|c| std::array::from_fn(|r| self.at(r, c)))) }
        fn at(&self, r: usize, c: usize) -> i32 { self.0[r][c] }
        fn times<const K: usize>(&self, o: &Matrix<C, K>) -> Matrix<R, K> { Matrix(std::array::from_fn(|r| std::array::from_fn(|k| (0..C).map(|c| self.at(r, c) * o.at(c, k)).sum()))) }
    }
    pub fn run() -> String {
        let mut s = Stack::new();
        s.push(3); s.push(1); s.push(2);
        let top = s.pop();
        let m = Matrix([[1, 2, 3], [4, 5, 6]]);
        format!("{top:?} {:?} {:?} {:?} {:?}", s.sorted(), s.clone().map(|n| n.to_string()), s.peek_with(|t| t.copied()), m.times(&m.transposed()).0)
    }
});

program!(static_traits {
    trait Monoid { const NAME: &'static str; fn zero() -> Self; fn plus(&self, other: &Self) -> Self; }
    impl Monoid for u32 { const NAME: &'static str = "u32"; fn zero() -> Self { 0 } fn plus(&self, o: &u32) -> u32 { self + o } }
    impl Monoid for String { const NAME: &'static str = "string"; fn zero() -> Self { String::new() } fn plus(&self, o: &String) -> String { format!("{self}{o}") } }
    impl<T: Monoid> Monoid for Option<T> { const NAME: &'static str = "option"; fn zero() -> Self { None }
        fn plus(&self, o: &Self) -> Self { match (self, o) { (Some(a), Some(b)) => Some(a.plus(b)), (Some(a), None) | (None, Some(a)) => Some(a.plus(&T::zero())), _ => None } } }
    impl<A: Monoid, B: Monoid> Monoid for (A, B) { const NAME: &'static str = "pair"; fn zero() -> Self { (A::zero(), B::zero()) } fn plus(&self, o: &Self) -> Self { (self.0.plus(&o.0), self.1.plus(&o.1)) } }
    fn fold<M: Monoid>(of: &[M]) -> M { of.iter().fold(M::zero(), |a, b| a.plus(b)) }
    fn named<M: Monoid>(_: &M) -> &'static str { M::NAME }
    pub fn run() -> String { let p = fold(&[(1u32, "a".to_string()), (2, "b".to_string())]); format!("{p:?} {} {:?} {}", named(&p), fold(&[Some(1u32), None, Some(5)]), <u32 as Monoid>::plus(&1, &2)) }
});

program!(associated_types {
    trait Container { type Item; type Key; fn get(&self, k: &Self::Key) -> Option<&Self::Item>; fn first(&self) -> Option<&Self::Item>; fn put(&mut self, k: Self::Key, i: Self::Item) -> Option<Self::Item>; }
    struct Slots<T>(Vec<Option<T>>);
    impl<T> Container for Slots<T> {
        type Item = T; type Key = usize;
        fn get(&self, k: &usize) -> Option<&T> { self.0.get(*k)?.as_ref() }
        fn first(&self) -> Option<&T> { (0..self.0.len()).find_map(|i| self.get(&i)) }
        fn put(&mut self, k: usize, i: T) -> Option<T> { while self.0.len() <= k { self.0.push(None); } self.0[k].replace(i) }
    }
    fn fill<C: Container<Key = usize>>(c: &mut C, items: Vec<C::Item>) -> usize { let mut replaced = 0; for (k, i) in items.into_iter().enumerate() { if c.put(k * 2, i).is_some() { replaced += 1; } } replaced }
    trait Lend { type Out<'a> where Self: 'a; fn lend<'a>(&'a mut self) -> Self::Out<'a>; }
    impl Lend for String { type Out<'a> = &'a mut str; fn lend<'a>(&'a mut self) -> &'a mut str { self.as_mut_str() } }
    fn upper(mut l: String) -> String { l.lend().make_ascii_uppercase(); l }
    pub fn run() -> String {
        let mut s = Slots(vec![]);
        let n = fill(&mut s, vec!["a", "b"]);
        let m = fill(&mut s, vec!["c"]);
        let obj: &dyn Container<Item = &str, Key = usize> = &s;
        format!("{n} {m} {:?} {:?} {:?} {}", obj.get(&2), obj.get(&1), obj.first(), upper(String::from("loud")))
    }
});

program!(lifetimes {
    struct Parser<'s> { rest: &'s str }
    impl<'s> Parser<'s> {
        fn new(rest: &'s str) -> Self { Parser { rest } }
        fn word(&mut self) -> Option<&'s str> { let t = self.rest.trim_start(); if t.is_empty() { return None; } let end = t.find(' ').unwrap_or(t.len()); let (w, r) = t.split_at(end); self.rest = r; Some(w) }
        fn words<'p>(&'p mut self) -> impl Iterator<Item = &'s str> + use<'s, 'p> { std::iter::from_fn(|| self.word()) }
    }
    fn longest<'a>(a: &'a str, b: &'a str) -> &'a str { if a.len() >= b.len() { a } else { b } }
    fn longest_of<'a>(all: &[&'a str]) -> &'a str { all.iter().fold("", |a, b| longest(a, b)) }
    fn split_first<'a, 'b: 'a>(a: &'a str, default: &'b str) -> (&'a str, &'a str) { a.split_once(':').unwrap_or((a, default)) }
    fn call_with<F>(f: F) -> usize where F: for<'x> Fn(&'x str) -> &'x str { let local = String::from("  local "); f(&local).len() }
    fn trim(s: &str) -> &str { s.trim() }
    struct Pool<'a, T> { items: Vec<&'a T> }
    impl<'a, T: PartialEq> Pool<'a, T> { fn intern(&mut self, t: &'a T) -> &'a T { match self.items.iter().position(|i| *i == t) { Some(i) => self.items[i], None => { self.items.push(t); t } } } }
    static GREETING: &str = "hi";
    fn fixed() -> &'static str { longest(GREETING, "x") }
    pub fn run() -> String {
        let text = String::from("the quick  brown fox");
        let mut p = Parser::new(&text);
        let first = p.word();
        let rest: Vec<&str> = p.words().collect();
        let (a, b) = (String::from("s"), String::from("s"));
        let mut pool = Pool { items: vec![] };
        let same = std::ptr::eq(pool.intern(&a), pool.intern(&b));
        format!("{first:?} {rest:?} {} {:?} {} {} {same} {}", longest_of(&rest), split_first("k:v", "d"), call_with(trim), call_with(|s| trim(s)), fixed())
    }
});

program!(impl_trait {
    trait Source { fn next_value(&mut self) -> Option<i32>; fn drain(&mut self) -> Vec<i32> { std::iter::from_fn(|| self.next_value()).collect() } }
    struct Count(i32);
    impl Source for Count { fn next_value(&mut self) -> Option<i32> { (self.0 > 0).then(|| { self.0 -= 1; self.0 }) } }
    struct Doubled<S>(S);
    impl<S: Source> Source for Doubled<S> { fn next_value(&mut self) -> Option<i32> { self.0.next_value().map(|n| n * 2) } }
    impl<S: Source + ?Sized> Source for Box<S> { fn next_value(&mut self) -> Option<i32> { (**self).next_value() } }
    impl<S: Source + ?Sized> Source for &mut S { fn next_value(&mut self) -> Option<i32> { (**self).next_value() } }
    fn doubled(n: i32) -> impl Source { Doubled(Count(n)) }
    fn any(n: i32) -> Box<dyn Source> { if n > 2 { Box::new(doubled(n)) } else { Box::new(Count(n)) } }
    fn all(mut s: impl Source) -> Vec<i32> { s.drain() }
    trait Make { fn items(&self) -> impl Iterator<Item = u32>; fn total(&self) -> u32 { self.items().sum() } }
    impl Make for u32 { fn items(&self) -> impl Iterator<Item = u32> { 0..*self } }
    pub fn run() -> String { let mut c = Count(3); let by_ref = all(&mut c); format!("{by_ref:?} {:?} {:?} {:?} {}", all(doubled(3)), all(any(2)), all(any(3)), 5u32.total()) }
});

program!(phantom_and_typestate {
    use std::marker::PhantomData;
    struct Open; struct Closed;
    struct Door<S> { opened: u32, state: PhantomData<S> }
    impl Door<Closed> { fn new() -> Self { Door { opened: 0, state: PhantomData } } fn open(self) -> Door<Open> { Door { opened: bump(self.opened), state: PhantomData } } }
    impl Door<Open> { fn close(self) -> Door<Closed> { Door { opened: self.opened, state: PhantomData } } }
    impl<S> Door<S> { fn opened(&self) -> u32 { self.opened } }
    fn bump(n: u32) -> u32 { n + 1 }
    fn cycle(d: Door<Closed>, times: u32) -> Door<Closed> { if times == 0 { d } else { cycle(d.open().close(), times - 1) } }
    struct Metres<T>(T);
    impl<T: std::ops::Add<Output = T> + Copy> Metres<T> { fn plus(&self, o: &Metres<T>) -> Metres<T> { Metres(self.0 + o.0) } }
    pub fn run() -> String { format!("{} {}", cycle(Door::new(), 4).open().opened(), Metres(1.5).plus(&Metres(2.0)).0) }
});
