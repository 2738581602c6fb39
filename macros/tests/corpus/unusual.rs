//! Unusual and legal: what the language allows and few write, in annotated modules.

// As where `vthread` is an optional dependency.
program!(conditional_attributes {
    #[cfg_attr(any(), vthread)]
    pub trait Shape {
        fn area(&self) -> u32;
    }
    #[derive(Clone)]
    struct Nested(u32, Option<Box<Nested>>);
    impl Shape for Nested {
        fn area(&self) -> u32 {
            self.0 + self.1.as_ref().map_or(0, |inner| inner.area())
        }
    }
    impl std::fmt::Display for Nested {
        #[cfg_attr(any(), vthread(recursive))]
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.0)?;
            self.1.as_ref().map_or(Ok(()), |inner| write!(f, "({inner})"))
        }
    }
    mod inner {
        #[cfg_attr(any(), vthread(Shape))]
        use super::Shape;
        pub fn of(shape: &dyn Shape) -> u32 {
            shape.area()
        }
    }
    pub fn run() -> String {
        let nested = (0..20).fold(Nested(0, None), |inner, n| Nested(n, Some(Box::new(inner))));
        format!("{nested} {}", inner::of(&nested))
    }
});

program!(traits_named_as_auto_traits {
    pub trait Sync {
        fn sync(&self) -> u32;
    }
    pub trait Send: Sync {
        fn send(&self, n: u32) -> u32;
    }
    pub trait Shape {
        fn area(&self) -> u32;
    }
    struct Disc(u32);
    impl Sync for Disc {
        fn sync(&self) -> u32 {
            self.0
        }
    }
    impl Send for Disc {
        fn send(&self, n: u32) -> u32 {
            self.sync() * n
        }
    }
    impl Shape for Disc {
        fn area(&self) -> u32 {
            let of: &dyn Send = self;
            of.send(3) + of.sync()
        }
    }
    fn of(shape: &dyn Shape) -> u32 {
        shape.area()
    }
    pub fn run() -> String {
        format!("{}", of(&Disc(7)))
    }
});

program!(objects_with_parameters {
    use std::fmt::Debug;
    trait Convert<T> { fn convert(&self, value: T) -> T; }
    trait Store { type Key: Debug; type Value; fn get(&self, key: Self::Key) -> Self::Value; }
    struct Add<T>(T); struct Table(Vec<u32>);
    impl<T: Copy + std::ops::Add<Output = T>> Convert<T> for Add<T> { fn convert(&self, value: T) -> T { value + self.0 } }
    impl Convert<String> for Table { fn convert(&self, value: String) -> String { format!("{value}{:?}", self.0) } }
    impl Store for Table { type Key = usize; type Value = Option<u32>; fn get(&self, key: usize) -> Option<u32> { self.0.get(key).copied() } }
    fn through<'a, T>(with: &[&'a (dyn Convert<T> + 'a)], start: T) -> T { with.iter().fold(start, |value, c| c.convert(value)) }
    fn read(from: &dyn Store<Key = usize, Value = Option<u32>>, n: usize) -> u32 { if n == 0 { 0 } else { from.get(n - 1).unwrap_or(0) + read(from, n - 1) } }
    pub fn run() -> String { let t = Table(vec![3, 4, 5]); let bytes: &dyn Convert<u8> = &Add(2_u8); let all: Box<dyn Store<Value = Option<u32>, Key = usize>> = Box::new(Table(vec![9, 1])); format!("{} {} {} {} {}", bytes.convert(1), through(&[&Add(2.5), &Add(0.5)], 1.0), through::<String>(&[&t, &t], "x".into()), read(&t, 3), read(&*all, 5)) }
});

program!(boxes_and_references_that_implement {
    trait Speak { fn speak(&self) -> String; fn twice(&self) -> String { self.speak() + &self.speak() } }
    struct Dog; struct Crowd<T>(Vec<T>);
    impl Speak for Dog { fn speak(&self) -> String { "wuff".into() } }
    impl Speak for Box<dyn Speak> { fn speak(&self) -> String { format!("[{}]", (**self).speak()) } }
    impl<T: Speak + ?Sized> Speak for &T { fn speak(&self) -> String { format!("&{}", (**self).speak()) } }
    impl<T: Speak + ?Sized> Speak for &mut T { fn speak(&self) -> String { format!("m{}", (**self).speak()) } }
    impl<T: Speak + ?Sized> Speak for std::rc::Rc<T> { fn speak(&self) -> String { T::speak(self) + "!" } fn twice(&self) -> String { T::twice(self) } }
    impl<T: Speak> Speak for Crowd<T> { fn speak(&self) -> String { self.0.iter().map(|s| s.speak()).collect::<Vec<_>>().join(",") } }
    impl<T: Speak, const N: usize> Speak for [T; N] { fn speak(&self) -> String { self.iter().map(Speak::speak).collect() } }
    impl<A: Speak, B: Speak> Speak for (A, B) { fn speak(&self) -> String { self.0.speak() + "+" + &self.1.speak() } }
    impl<T: Speak> Speak for Option<T> { fn speak(&self) -> String { self.as_ref().map_or("-".into(), T::speak) } }
    fn all(of: &dyn Speak) -> String { of.twice() }
    fn generic<S: Speak + ?Sized>(of: &S) -> String { of.speak() }
    pub fn run() -> String { let b: Box<dyn Speak> = Box::new(Dog); let d = Dog; let rc: std::rc::Rc<dyn Speak> = std::rc::Rc::new(Dog); format!("{} {} {} {} {} {} {} {} {}", b.speak(), generic(&b), generic(&*b), all(&&d), generic(&&mut Dog), rc.twice(), all(&Crowd(vec![&d, &d])), generic(&[(Dog, Some(&d)), (Dog, None)]), all(&rc)) }
});

program!(lending {
    trait Lend { type Item<'a> where Self: 'a; fn lend<'a>(&'a mut self) -> Option<Self::Item<'a>> where Self: 'a; fn count_all(mut self) -> usize where Self: Sized { let mut n = 0; while self.lend().is_some() { n += 1; } n } }
    struct Windows<'t> { text: &'t mut [u8], at: usize, size: usize }
    impl<'t> Lend for Windows<'t> { type Item<'a> = &'a mut [u8] where Self: 'a; fn lend<'a>(&'a mut self) -> Option<&'a mut [u8]> where Self: 'a { let (from, to) = (self.at, self.at + self.size); self.at += 1; self.text.get_mut(from..to) } }
    trait Family { type Of<T: Clone>: Container<T>; fn one<T: Clone>(value: T) -> Self::Of<T>; }
    trait Container<T> { fn items(&self) -> Vec<T>; }
    struct Vecs; struct Opts;
    impl<T: Clone> Container<T> for Vec<T> { fn items(&self) -> Vec<T> { self.clone() } }
    impl<T: Clone> Container<T> for Option<T> { fn items(&self) -> Vec<T> { self.iter().cloned().collect() } }
    impl Family for Vecs { type Of<T: Clone> = Vec<T>; fn one<T: Clone>(value: T) -> Vec<T> { vec![value.clone(), value] } }
    impl Family for Opts { type Of<T: Clone> = Option<T>; fn one<T: Clone>(value: T) -> Option<T> { Some(value) } }
    fn made<F: Family>(n: u32) -> usize { let held = F::one(n); held.items().len() + if n == 0 { 0 } else { made::<F>(n - 1) } }
    pub fn run() -> String { let mut text = *b"abcdef"; let mut w = Windows { text: &mut text, at: 0, size: 2 }; while let Some(part) = w.lend() { part.swap(0, 1); } let left = Windows { text: &mut text, at: 1, size: 3 }.count_all(); format!("{} {left} {} {}", String::from_utf8_lossy(&text), made::<Vecs>(3), made::<Opts>(3)) }
});

program!(generics_with_defaults {
    use std::marker::PhantomData;
    trait Policy { const LIMIT: usize; const NAME: &'static str = "default"; fn allow(n: usize) -> bool { n < Self::LIMIT } }
    struct Small; struct Big;
    impl Policy for Small { const LIMIT: usize = 3; }
    impl Policy for Big { const LIMIT: usize = Small::LIMIT * 4; const NAME: &'static str = "big"; fn allow(n: usize) -> bool { n <= Self::LIMIT } }
    struct Cache<K, V = Vec<K>, P = Small, const N: usize = { 2 + 2 }> where P: Policy { keys: Vec<K>, values: [Option<V>; N], policy: PhantomData<P> }
    impl<K: PartialEq + Clone, V: Clone, P: Policy, const N: usize> Cache<K, V, P, N> {
        fn new() -> Self { Self { keys: vec![], values: [const { None }; N], policy: PhantomData } }
        fn put(&mut self, key: K, value: V) -> Result<usize, (K, &'static str)> { if !P::allow(self.keys.len()) || self.keys.len() >= N { return Err((key, P::NAME)); } let at = self.keys.len(); self.keys.push(key); self.values[at] = Some(value); Ok(at) }
        fn get<Q: PartialEq<K> + ?Sized>(&self, key: &Q) -> Option<&V> { let at = self.keys.iter().position(|k| key == k)?; self.values.get(at)?.as_ref() }
    }
    struct Nested<T = Option<Result<u8, String>>, const DEPTH: usize = 2>(T);
    impl<T: std::fmt::Debug, const DEPTH: usize> Nested<T, DEPTH> { const TWICE: usize = DEPTH * 2; fn show(&self) -> String { format!("{:?}/{}", self.0, Self::TWICE) } }
    pub fn run() -> String { let mut c: Cache<u8> = Cache::new(); let got: Vec<_> = (0..5).map(|k| c.put(k, vec![k; 2])).collect(); let mut d = Cache::<&str, u32, Big, { 1 << 1 }>::new(); let more: Vec<_> = ["a", "b", "c"].map(|k| d.put(k, k.len() as u32)).into(); format!("{got:?} {:?} {more:?} {:?} {} {}", c.get(&2), d.get(&"b"), <Nested>::show(&Nested(Some(Err("e".into())))), Nested::<_, { Big::LIMIT }>("x").show()) }
});

program!(let_chains_and_friends {
    enum Token<'a> { Word(&'a str), Number(i64), Open, Close }
    fn lex(text: &str) -> Vec<Token<'_>> { text.split_whitespace().map(|w| match w { "(" => Token::Open, ")" => Token::Close, w if let Ok(n) = w.parse() => Token::Number(n), w => Token::Word(w) }).collect() }
    fn first(tokens: &[Token<'_>]) -> Option<i64> { if let [Token::Number(n), rest @ ..] = tokens && *n > 0 && let Some(more) = first(rest) { Some(n + more) } else if let [Token::Open, inner @ .., Token::Close] = tokens && let found @ Some(_) = first(inner) { found } else if let [.., Token::Number(n @ 1..=9)] = tokens { Some(*n) } else { None } }
    fn words<'a>(tokens: &[Token<'a>]) -> impl Iterator<Item = &'a str> + use<'a> { let mut all = vec![]; let mut at = 0; while let Some(t) = tokens.get(at) && all.len() < 3 { if let Token::Word(w) = t && !w.is_empty() { all.push(*w); } at += 1; } all.into_iter() }
    fn checked(n: i64) -> Result<i64, String> { let Some(half) = (n % 2 == 0).then_some(n / 2) else { return Err(format!("odd {n}")) }; let r @ 0.. = half else { return Err("negative".into()) }; if r == 0 { Ok(0) } else { let x: i64 = 'search: { for i in [2, 3] { if r % i == 0 { break 'search checked(r / i * 2)?; } } r }; Ok(x + 1) } }
    pub fn run() -> String { let t = ["1 2 3", "( 4 5 )", "x y ( 7", "a", "z b c d"].map(|t| { let l = lex(t); (first(&l), words(&l).collect::<String>()) }); let c: Vec<_> = [0, 12, 36, 7, -4].into_iter().map(checked).collect(); format!("{t:?} {c:?}") }
});

program!(operators_everywhere {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::ops::{Add, AddAssign, Deref, DerefMut, Index, IndexMut, Neg, Not, RangeFrom};
    fn reduce(n: i64, d: i64) -> (i64, i64) { let g = gcd(n.abs(), d); (n / g, d / g) }
    fn gcd(a: i64, b: i64) -> i64 { if b == 0 { a.max(1) } else { gcd(b, a % b) } }
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, PartialOrd, Ord)] struct Ratio(i64, i64);
    impl Ratio { fn new(n: i64, d: i64) -> Self { let (n, d) = reduce(n, d); Ratio(n, d) } }
    impl Add for Ratio { type Output = Self; fn add(self, o: Self) -> Self { Self::new(self.0 * o.1 + o.0 * self.1, self.1 * o.1) } }
    impl<'a> Add<&'a Ratio> for &Ratio { type Output = Ratio; fn add(self, o: &'a Ratio) -> Ratio { *self + *o } }
    impl AddAssign<i64> for Ratio { fn add_assign(&mut self, n: i64) { *self = *self + Ratio::new(n, 1) } }
    impl Neg for Ratio { type Output = Self; fn neg(self) -> Self { Self::new(-self.0, self.1) } }
    impl Not for Ratio { type Output = Option<Self>; fn not(self) -> Option<Self> { (self.0 != 0).then(|| Self::new(self.1 * self.0.signum(), self.0.abs())) } }
    impl fmt::Display for Ratio { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { let (n, d) = reduce(self.0, self.1); if f.alternate() { write!(f, "{n}:{d}") } else { write!(f, "{n}/{d}") } } }
    impl std::str::FromStr for Ratio { type Err = String; fn from_str(s: &str) -> Result<Self, String> { let (n, d) = s.split_once('/').ok_or_else(|| s.to_owned())?; Ok(Self::new(n.parse().map_err(|_| n.to_owned())?, d.parse().map_err(|_| d.to_owned())?)) } }
    impl std::iter::Sum for Ratio { fn sum<I: Iterator<Item = Self>>(all: I) -> Self { all.fold(Ratio::new(0, 1), |a, b| a + b) } }
    impl From<i64> for Ratio { fn from(n: i64) -> Self { Self::new(n, 1) } }
    struct Row { cells: Vec<Ratio>, names: BTreeMap<String, usize> }
    impl Index<&str> for Row { type Output = Ratio; fn index(&self, name: &str) -> &Ratio { &self.cells[self.names[name]] } }
    impl Index<RangeFrom<usize>> for Row { type Output = [Ratio]; fn index(&self, r: RangeFrom<usize>) -> &[Ratio] { &self.cells[r] } }
    impl IndexMut<usize> for Row { fn index_mut(&mut self, n: usize) -> &mut Ratio { let n = gcd(n as i64, 0) as usize % self.cells.len(); &mut self.cells[n] } }
    impl Index<usize> for Row { type Output = Ratio; fn index(&self, n: usize) -> &Ratio { &self.cells[gcd(n as i64, 0) as usize % self.cells.len()] } }
    struct Guard<'a>(&'a mut Row, &'a mut Vec<String>);
    impl Deref for Guard<'_> { type Target = Row; fn deref(&self) -> &Row { self.0 } }
    impl DerefMut for Guard<'_> { fn deref_mut(&mut self) -> &mut Row { self.0 } }
    impl Drop for Guard<'_> { fn drop(&mut self) { self.1.push(format!("{}", self.0.cells.iter().copied().sum::<Ratio>())); } }
    struct Count { from: i64, to: i64 }
    impl Iterator for Count { type Item = Ratio; fn next(&mut self) -> Option<Ratio> { (self.from < self.to).then(|| { self.from += 1; Ratio::new(self.from, gcd(self.from, 12) * 2) }) } }
    impl DoubleEndedIterator for Count { fn next_back(&mut self) -> Option<Ratio> { (self.from < self.to).then(|| { self.to -= 1; Ratio::new(self.to + 1, 1) }) } }
    pub fn run() -> String { let mut log = vec![]; let mut row = Row { cells: Count { from: 0, to: 5 }.collect(), names: [("b".to_string(), 1)].into() }; { let mut g = Guard(&mut row, &mut log); g[7] += 3; let more = -g["b"] + g[0..][1..][0]; g.cells.push(more); } let r: Ratio = "6/-4".parse().unwrap_or_default(); format!("{} {:#} {:?} {:?} {:?} {log:?} {:?} {:?}", row["b"], row[3usize], !row[2usize], &row[4..], "q".parse::<Ratio>(), Count { from: 2, to: 6 }.rev().map(|r| r.to_string()).collect::<String>(), (r, &r + &Ratio::from(2), Ratio::new(1, 2) < Ratio::new(2, 3))) }
});

program!(foreign_functions_and_statics {
    use std::cell::{Cell, RefCell};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{LazyLock, Mutex, OnceLock};
    // SAFETY: as the C library has them, where `long` has 64 bits.
    unsafe extern "C" { fn abs(n: i32) -> i32; safe fn labs(n: i64) -> i64; pub fn strlen(text: *const std::ffi::c_char) -> usize; }
    // SAFETY: nobody passes the least number, the one that has no absolute value.
    fn digits(n: i32) -> u32 { let n = unsafe { abs(n) }; if n < 10 { 1 } else { 1 + digits(n / 10) } }
    static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| (0..5).map(|n| digits(n * 37)).collect());
    static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static DEEP: OnceLock<u32> = OnceLock::new();
    const FUNCTIONS: [fn(i32) -> u32; 2] = [digits, |n| digits(n) * 2];
    static mut RAW: u32 = 7;
    thread_local! { static LEVEL: Cell<u32> = const { Cell::new(0) }; static NAMES: RefCell<Vec<String>> = RefCell::new(vec![format!("n{}", digits(-123))]); }
    fn nested(n: u32) -> u32 { LEVEL.with(|l| l.set(l.get() + 1)); let below = if n == 0 { 0 } else { nested(n - 1) }; NAMES.with_borrow_mut(|names| names.push(n.to_string())); below + LEVEL.get() }
    // SAFETY: a text that ends with NUL, and a variable that nobody writes.
    pub fn run() -> String { LEVEL.set(0); NAMES.set(vec![format!("n{}", digits(-123))]); let n = nested(3); let deep = DEEP.get_or_init(|| digits(99_999)); NEXT.store(digits(55), Ordering::Relaxed); LOG.lock().unwrap().push(format!("{}", NEXT.fetch_add(1, Ordering::Relaxed))); let log = std::mem::take(&mut *LOG.lock().unwrap()); let len = unsafe { strlen(c"four".as_ptr()) }; let raw = unsafe { *&raw const RAW }; format!("{n} {deep} {log:?} {:?} {len} {raw} {} {:?} {}", *TABLE, labs(-5), FUNCTIONS.map(|f| f(1234)), NAMES.with_borrow(|n| n.join("-"))) }
});

program!(visibilities_in_paths {
    pub(crate) mod outer { pub(in super::outer) fn hidden(n: u32) -> u32 { n + 1 } pub(super) struct Field { pub(in super::super) open: u32, pub(self) own: u32 } impl Field { pub(in super::outer) fn make(n: u32) -> Self { Self { open: inner::deep(n), own: hidden(n) } } pub(super) fn own(&self) -> u32 { self.own } }
        pub(super) fn made(n: u32) -> Field { if n > 9 { made(n - 9) } else { Field::make(n) } }
        pub mod inner { pub(in super::super::outer) fn deep(n: u32) -> u32 { super::hidden(n) * 2 } pub(in super::super) trait Sealed { fn seal(&self) -> u32; } impl Sealed for u8 { fn seal(&self) -> u32 { deep(u32::from(*self)) } } impl super::super::outer::inner::Sealed for u16 { fn seal(&self) -> u32 { self::deep(1) + super::inner::deep(2) } } }
        impl self::inner::Sealed for super::outer::Field { fn seal(&self) -> u32 { self.open.min(250) as u8 as u32 + (self.own as u8).seal() } } }
    impl outer::inner::Sealed for &str { fn seal(&self) -> u32 { self.len() as u32 } }
    impl self::outer::inner::Sealed for [u32] { fn seal(&self) -> u32 { self.iter().map(|n| (*n as u8).seal()).sum() } }
    use outer::inner::Sealed as _;
    pub fn run() -> String { let f = outer::made(40); let all: Vec<Box<dyn outer::inner::Sealed>> = vec![Box::new(3u8), Box::new(4u16), Box::new("five"), Box::new(outer::made(2))]; format!("{} {} {} {} {:?}", f.open, f.own(), f.seal(), [1u32, 2][..].seal(), all.iter().map(|s| s.seal()).collect::<Vec<_>>()) }
});

program!(inner_functions_and_methods {
    struct Maze { width: usize, cells: Vec<u8> }
    impl Maze {
        fn paths(&self, at: usize) -> usize { fn step(maze: &Maze, at: usize) -> usize { match maze.cells.get(at) { Some(b'.') => maze.paths(at), _ => 0 } } const LAST: usize = 1; if at + LAST == self.cells.len() { return 1; } let right = if (at + 1) % self.width != 0 { step(self, at + 1) } else { 0 }; right + step(self, at + self.width) }
        fn fill(&mut self, at: usize) -> usize { trait Around { fn around(&self, width: usize, of: usize) -> Vec<usize>; } impl Around for usize { fn around(&self, width: usize, of: usize) -> Vec<usize> { fn keep(v: Option<usize>, of: usize) -> Option<usize> { v.filter(|v| *v < of) } [keep(self.checked_add(width), of), keep(self.checked_sub(width), of), keep((self % width + 1 < width).then_some(self + 1), of), keep((self % width > 0).then(|| self - 1), of)].into_iter().flatten().collect() } }
            if self.cells[at] != b'.' { return 0; } self.cells[at] = b'o'; let around = at.around(self.width, self.cells.len()); 1 + around.into_iter().map(|n| self.fill(n)).sum::<usize>() }
    }
    trait Walk { fn walk(&self, n: u32) -> String { fn deeper<W: Walk + ?Sized>(w: &W, n: u32) -> String { struct Depth(u32); impl std::fmt::Display for Depth { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { fn bars(n: u32) -> String { if n == 0 { String::new() } else { bars(n - 1) + "|" } } f.write_str(&bars(self.0)) } } format!("{}{}", Depth(n), w.walk(n - 1)) } if n == 0 { "end".into() } else { deeper(self, n) } } }
    impl Walk for () {}
    pub fn run() -> String { let mut m = Maze { width: 4, cells: b".....#.......##.".to_vec() }; format!("{} {} {} {}", m.paths(0), m.fill(0), String::from_utf8_lossy(&m.cells), ().walk(3)) }
});

program!(unsafe_traits_and_pointers {
    use std::pin::Pin; use std::ptr::NonNull;
    // SAFETY: whatever is below `len` may be read: that is what implementors promise, and callers of `read` keep to it. 0 is at most the length.
    unsafe trait Raw { unsafe fn read(&self, at: usize) -> u32; fn len(&self) -> usize; fn sum(&self) -> u32 { unsafe { total(self, 0) } } }
    // SAFETY: callers begin at the length or below it.
    unsafe fn total<R: Raw + ?Sized>(r: &R, at: usize) -> u32 { if at == r.len() { 0 } else { unsafe { r.read(at) + total(r, at + 1) } } }
    // SAFETY: the slice's own length.
    unsafe impl Raw for [u32] { unsafe fn read(&self, at: usize) -> u32 { unsafe { *self.get_unchecked(at) } } fn len(&self) -> usize { <[u32]>::len(self) } }
    // SAFETY: the array's own length.
    unsafe impl<const N: usize> Raw for [u32; N] { unsafe fn read(&self, at: usize) -> u32 { unsafe { *self.as_ptr().add(at) } } fn len(&self) -> usize { N } }
    struct Span { from: NonNull<u32>, n: usize }
    // SAFETY: it only reads.
    unsafe impl Send for Span {}
    // SAFETY: there are `n` numbers, as long as who made it keeps them.
    unsafe impl Raw for Span { unsafe fn read(&self, at: usize) -> u32 { unsafe { self.from.add(at).read() } } fn len(&self) -> usize { self.n } }
    trait Poll { fn poll(self: Pin<&mut Self>) -> Option<u32>; }
    struct Down(u32);
    impl Poll for Down { fn poll(mut self: Pin<&mut Self>) -> Option<u32> { if self.0 == 0 { Some(9) } else { self.0 -= 1; self.poll() } } }
    fn block(p: &mut Pin<Box<dyn Poll>>) -> u32 { loop { if let Some(v) = p.as_mut().poll() { break v; } } }
    // SAFETY: nothing is declared.
    unsafe extern "Rust" { }
    // SAFETY: `v` is kept to the end, and has a second number.
    pub fn run() -> String { let v = vec![1, 2, 3]; let s = Span { from: NonNull::from(&v[..]).cast(), n: v.len() }; let all: [&dyn Raw; 2] = [&[7u32, 8], &s]; let p: *const dyn Raw = all[1]; format!("{} {} {:?} {} {}", v[..].sum(), [4u32; 3].sum(), all.map(|r| r.sum()), unsafe { (*p).read(1) }, block(&mut (Box::pin(Down(4)) as Pin<Box<dyn Poll>>))) }
});

program!(supertraits_as_aliases {
    use std::any::Any; use std::fmt::{Debug, Display};
    trait Read { fn read(&mut self) -> Option<u8>; fn rest(&mut self) -> Vec<u8> { let Some(b) = self.read() else { return vec![] }; let mut all = vec![b]; all.extend(self.rest()); all } }
    trait Write { fn write(&mut self, b: u8) -> usize; }
    trait Stream: Read + Write + Debug { }
    impl<T: Read + Write + Debug> Stream for T { }
    trait Keyed<K> where K: Display { fn key(&self) -> K; }
    trait Both<K: Display>: Keyed<K> + Any + 'static { fn label(&self) -> String { format!("<{}>", self.key()) } }
    impl<K: Display, T: Keyed<K> + 'static> Both<K> for T { }
    #[derive(Debug, Default)] struct Pipe { bytes: std::collections::VecDeque<u8> }
    impl Read for Pipe { fn read(&mut self) -> Option<u8> { self.bytes.pop_front() } }
    impl Write for Pipe { fn write(&mut self, b: u8) -> usize { self.bytes.push_back(b); self.bytes.len() } }
    impl Keyed<usize> for Pipe { fn key(&self) -> usize { self.bytes.len() } }
    impl Keyed<String> for Pipe { fn key(&self) -> String { "pipe".into() } }
    fn copy(from: &mut dyn Stream, to: &mut dyn Write, n: usize) -> usize { match (n, from.read()) { (0, _) | (_, None) => 0, (_, Some(b)) => { to.write(b); 1 + copy(from, to, n - 1) } } }
    pub fn run() -> String { let (mut a, mut b) = (Pipe::default(), Pipe::default()); for c in b"hello" { a.write(*c); } let mut s: Box<dyn Stream> = Box::new(a); let n = copy(&mut *s, &mut b, 2); let keys: (&dyn Both<usize>, &dyn Keyed<String>) = (&b, &b); format!("{n} {:?} {s:?} {} {}", String::from_utf8(s.rest()), keys.0.label(), keys.1.key()) }
});

program!(derives_and_their_calls {
    use std::collections::{BTreeSet, HashMap}; use std::hash::{Hash, Hasher};
    #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)] enum Shape { #[default] Empty, Round { r: u32 }, Many(Vec<Shape>) }
    impl Shape { const UNIT: Shape = Shape::Round { r: 1 }; fn weight(&self) -> u32 { match self { Self::Empty => 0, Self::Round { r, .. } => r * r, Self::Many(all) => all.iter().map(Self::weight).sum::<u32>() + all.len() as u32 } } fn nest(self, n: usize) -> Self { (0..n).fold(self, |s, _| Self::Many(vec![s.clone(), s])) } }
    #[derive(Clone, Copy)] struct Caseless<'a>(&'a str);
    fn lower(s: &str) -> String { match s.split_at_checked(1) { Some((a, b)) => a.to_lowercase() + &lower(b), None => String::new() } }
    impl PartialEq for Caseless<'_> { fn eq(&self, o: &Self) -> bool { lower(self.0) == lower(o.0) } }
    impl Eq for Caseless<'_> {}
    impl Hash for Caseless<'_> { fn hash<H: Hasher>(&self, h: &mut H) { lower(self.0).hash(h) } }
    impl PartialOrd for Caseless<'_> { fn partial_cmp(&self, o: &Self) -> Option<std::cmp::Ordering> { Some(self.cmp(o)) } }
    impl Ord for Caseless<'_> { fn cmp(&self, o: &Self) -> std::cmp::Ordering { lower(self.0).cmp(&lower(o.0)).then_with(|| self.0.len().cmp(&o.0.len())) } }
    pub fn run() -> String { let s = Shape::UNIT.nest(4); let set: BTreeSet<_> = [s.clone(), Shape::default(), Shape::Round { r: 9 }].into(); let mut m = HashMap::new(); for w in ["Abc", "aBC", "b", "B", "c"] { *m.entry(Caseless(w)).or_insert(0) += 1; } let mut v: Vec<_> = m.iter().map(|(k, n)| (lower(k.0), *n)).collect(); v.sort(); let max = ["x", "Y", "z"].map(Caseless).into_iter().max().map(|c| c.0); format!("{} {:?} {v:?} {max:?} {}", s.weight(), set.iter().map(Shape::weight).collect::<Vec<_>>(), s == s.clone()) }
});

program!(doc_tests_and_attributes {
    //! A module with inner docs.
    #![allow(clippy::needless_doctest_main)]
    /// Adds.
    ///
    /// ```ignore
    /// #[vthread::vthread]
    /// mod inside { pub fn twice(n: u32) -> u32 { n * 2 } }
    /// assert_eq!(inside::twice(2), 4);
    /// ```
    #[must_use = "it is pure"] #[inline(always)] #[doc(alias = "plus")]
    pub fn add(#[allow(unused_variables)] a: u32, b: u32,) -> u32 { #![allow(unused_mut)] let mut c = a; #[allow(clippy::let_and_return)] { c += b; c } }
    /** Block docs. */ #[cold] #[track_caller] #[deprecated(note = "old")] pub fn old(n: u32) -> u32 { if n == 0 { return add(1, 2); } #[allow(deprecated)] old(n - 1) }
    #[repr(u8)] #[derive(Clone, Copy)] #[non_exhaustive] enum Op { #[doc = "plus"] Plus = b'+', Times = add_const(b'*', 0) }
    const fn add_const(a: u8, b: u8) -> u8 { a + b }
    #[allow(non_snake_case, non_camel_case_types)] mod Odd { pub struct r#type { pub r#fn: u32 } pub trait r#trait { fn r#match(&self, r#in: u32) -> u32; fn Ünï(&self) -> u32 { self.r#match(1) } } impl r#trait for r#type { fn r#match(&self, r#in: u32) -> u32 { if r#in > 3 { self.r#fn } else { r#in + self.r#match(r#in + 1) } } } pub fn r#loop(r#for: &dyn r#trait) -> u32 { r#for.r#match(0) + r#for.Ünï() } }
    #[expect(unused_variables)] fn expected(n: u32) {}
    #[allow(deprecated)] pub fn run() -> String { expected(1); format!("{} {} {} {}", add(1, 2), old(3), Op::Times as u8 + Op::Plus as u8, Odd::r#loop(&Odd::r#type { r#fn: 100 })) }
});

program!(const_expressions {
    const fn pow(b: usize, e: u32) -> usize { if e == 0 { 1 } else { b * pow(b, e - 1) } }
    struct Grid<const W: usize, const H: usize = W>([[u8; W]; H]);
    impl<const W: usize, const H: usize> Grid<W, H> { const AREA: usize = W * H; const CHECK: () = assert!(W > 0 && H > 0); fn new() -> Self { let () = Self::CHECK; Grid([[0; W]; H]) } fn around(&self, x: usize, y: usize) -> impl Iterator<Item = (usize, usize)> + '_ { [(0, 1), (1, 0)].into_iter().map(move |(dx, dy)| (x + dx, y + dy)).filter(|&(x, y)| x < W && y < H) } fn walk(&mut self, x: usize, y: usize) -> usize { if std::mem::replace(&mut self.0[y][x], 1) == 1 { return 0; } let next: Vec<_> = self.around(x, y).collect(); 1 + next.into_iter().map(|(x, y)| self.walk(x, y)).sum::<usize>() } fn turned(self) -> Grid<H, W> { let mut g = Grid::<H, W>::new(); for y in 0..H { for x in 0..W { g.0[x][y] = self.0[y][x]; } } g } }
    trait Sized2 { const N: usize; type Bytes: AsRef<[u8]>; fn bytes(&self) -> Self::Bytes; fn sum(&self) -> usize where Self::Bytes: Clone { self.bytes().clone().as_ref().iter().map(|b| *b as usize).sum::<usize>() + Self::N } }
    impl Sized2 for u32 { const N: usize = { const A: usize = 2; A * A }; type Bytes = [u8; <u32 as Sized2>::N]; fn bytes(&self) -> [u8; Self::N] { self.to_be_bytes() } }
    impl<T: Sized2, const N: usize> Sized2 for [T; N] { const N: usize = N * T::N; type Bytes = Vec<u8>; fn bytes(&self) -> Vec<u8> { self.iter().flat_map(|t| t.bytes().as_ref().to_vec()).collect() } }
    pub fn run() -> String { let mut g = Grid::<{ pow(2, 2) }, 3>::new(); let n = g.walk(1, 1); let t = g.turned(); let more = const { pow(3, 3) + Grid::<2>::AREA }; let s: [u8; const { pow(2, 1) }] = [b'a'; 2]; format!("{n} {:?} {more} {s:?} {} {}", t.0, 0x01020304_u32.sum(), [[1_u32, 2], [3, 4]].sum()) }
});

program!(closures_in_odd_places {
    use std::ops::ControlFlow;
    struct Button<'a> { on: Option<Box<dyn FnMut(&str) -> ControlFlow<u32> + 'a>>, count: u32 }
    impl<'a> Button<'a> { fn press(&mut self, w: &str) -> Option<u32> { let mut on = self.on.take()?; let r = on(w); self.on = Some(on); self.count += 1; match r { ControlFlow::Break(n) => Some(n), ControlFlow::Continue(()) => None } } fn all(&mut self, ws: &[&str]) -> Vec<Option<u32>> { match ws { [] => vec![], [w, rest @ ..] => { let mut v = vec![self.press(w)]; v.append(&mut self.all(rest)); v } } } }
    fn compose<A, B, C>(f: impl Fn(A) -> B + Clone, g: impl Fn(B) -> C + Clone) -> impl Fn(A) -> C + Clone { move |a| g(f(a)) }
    fn times<T>(n: u32, f: &dyn Fn(T) -> T, t: T) -> T { if n == 0 { t } else { times(n - 1, f, f(t)) } }
    fn curry(a: u32) -> impl FnOnce(u32) -> Box<dyn Fn(u32) -> u32> { move |b| Box::new(move |c| a * 100 + times(b, &|n| n + c, 0)) }
    fn apply<F, const N: usize>(fs: [F; N]) -> [u32; N] where for<'x> F: Fn(&'x str) -> u32 { fs.map(|f| f("four")) }
    static HANDLERS: &[(&str, fn(u32) -> u32)] = &[("inc", |n| n + 1), ("rec", rec)];
    fn rec(n: u32) -> u32 { if n > 20 { n } else { HANDLERS.iter().find(|(k, _)| *k == "inc").map_or(0, |(_, f)| rec(f(n) * 2)) } }
    pub fn run() -> String { let mut seen = vec![]; let r = { let mut b = Button { on: Some(Box::new(|w| { seen.push(w.to_owned()); if w.len() > 1 { ControlFlow::Break(times(2, &|n| n * 3, w.len() as u32)) } else { ControlFlow::Continue(()) } })), count: 0 }; (b.all(&["a", "bc", ""]), b.count) }; let c = compose(|n: u32| n + 1, |n| format!("{n}!")); let d = compose(c.clone(), |s: String| s.len()); format!("{r:?} {seen:?} {} {} {} {:?} {} {}", c(41), d(999), curry(3)(4)(5), apply([|s: &str| s.len() as u32, |s: &str| s.bytes().map(u32::from).max().unwrap_or(0)]), rec(3), (|| -> Result<u32, std::num::ParseIntError> { Ok("12".parse::<u32>()? + (|x| rec(x))(7)) })().unwrap_or(0)) }
});

program!(objects_over_objects {
    use std::borrow::Cow; use std::cell::RefCell; use std::rc::{Rc, Weak};
    trait Visitor<R = ()> { fn leaf(&mut self, n: i64) -> R; fn node(&mut self, l: &dyn Tree, r: &dyn Tree) -> R; }
    trait Tree: 'static { fn accept(&self, v: &mut dyn Visitor); fn fold(&self, v: &mut dyn Visitor<i64>) -> i64; fn name(&self) -> Cow<'_, str> { "tree".into() } fn boxed(self: Box<Self>, with: Box<dyn Tree>) -> Box<dyn Tree> where Self: 'static; }
    struct Leaf(i64); struct Node(Box<dyn Tree>, Box<dyn Tree>);
    impl Tree for Leaf { fn accept(&self, v: &mut dyn Visitor) { v.leaf(self.0) } fn fold(&self, v: &mut dyn Visitor<i64>) -> i64 { v.leaf(self.0) } fn name(&self) -> Cow<'_, str> { self.0.to_string().into() } fn boxed(self: Box<Self>, with: Box<dyn Tree>) -> Box<dyn Tree> { Box::new(Node(self, with)) } }
    impl Tree for Node { fn accept(&self, v: &mut dyn Visitor) { v.node(&*self.0, self.1.as_ref()) } fn fold(&self, v: &mut dyn Visitor<i64>) -> i64 { v.node(&*self.0, &*self.1) } fn boxed(self: Box<Self>, with: Box<dyn Tree>) -> Box<dyn Tree> { Box::new(Node(with.boxed(Box::new(Leaf(0))), self)) } }
    #[derive(Default)] struct Names(Vec<String>); struct Sum { depth: u32 }
    impl Visitor for Names { fn leaf(&mut self, n: i64) { self.0.push(n.to_string()); } fn node(&mut self, l: &dyn Tree, r: &dyn Tree) { self.0.push(format!("({}", l.name())); l.accept(self); r.accept(self); self.0.push(format!("{})", r.name())); } }
    impl Visitor<i64> for Sum { fn leaf(&mut self, n: i64) -> i64 { n * i64::from(self.depth) } fn node(&mut self, l: &dyn Tree, r: &dyn Tree) -> i64 { self.depth += 1; let s = l.fold(self) + r.fold(self); self.depth -= 1; s } }
    trait Widget { fn size(&self) -> usize; fn add(&self, _: Rc<dyn Widget>) {} fn up(&self) -> Option<Rc<dyn Widget>> { None } }
    struct Panel { below: RefCell<Vec<Rc<dyn Widget>>>, up: Weak<dyn Widget> }
    impl Widget for Panel { fn size(&self) -> usize { 1 + self.below.borrow().iter().map(|w| w.size()).sum::<usize>() } fn add(&self, w: Rc<dyn Widget>) { self.below.borrow_mut().push(w); } fn up(&self) -> Option<Rc<dyn Widget>> { self.up.upgrade() } }
    impl Widget for &'static str { fn size(&self) -> usize { self.len() } }
    pub fn run() -> String { let t: Box<dyn Tree> = (Box::new(Leaf(1)) as Box<dyn Tree>).boxed(Box::new(Leaf(2)).boxed(Box::new(Leaf(3)))); let t = t.boxed(Box::new(Leaf(7))); let mut n = Names::default(); t.accept(&mut n); let root: Rc<dyn Widget> = Rc::new_cyclic(|me: &Weak<Panel>| { let me: Weak<dyn Widget> = me.clone(); Panel { below: RefCell::new(vec![Rc::new("abc"), Rc::new(Panel { below: RefCell::default(), up: me.clone() })]), up: me } }); root.add(Rc::new("x")); let up = root.up().map(|w| w.size()); format!("{} {} {} {up:?}", n.0.join(" "), t.fold(&mut Sum { depth: 0 }), root.size()) }
});

/// Types from elsewhere, with methods of the names that traits have: their own are meant.
mod outside {
    pub struct Gauge(pub u32);
    impl Gauge {
        pub fn measure(&self) -> u32 {
            self.0 + 1
        }
    }
    pub fn gauge(n: u32) -> Gauge {
        Gauge(n)
    }
}

program!(methods_of_types_from_elsewhere {
    use super::super::outside::{Gauge, gauge};
    trait Measure { fn measure(&self) -> u32; fn len(&self) -> usize; fn twice(&self) -> u32 { 2 * self.measure() } }
    impl Measure for Gauge { fn measure(&self) -> u32 { 10 * self.measure() + Gauge::measure(self) + gauge(3).measure() + <Gauge>::measure(&gauge(5)) } fn len(&self) -> usize { 0 } }
    impl Measure for [u32] { fn measure(&self) -> u32 { self.len() as u32 + <[u32]>::len(self) as u32 } fn len(&self) -> usize { <[u32]>::len(self) + 100 } }
    impl Measure for String { fn measure(&self) -> u32 { self.len() as u32 + String::len(self) as u32 } fn len(&self) -> usize { Measure::len(&*self.as_bytes().iter().map(|b| u32::from(*b)).collect::<Vec<_>>()) } }
    trait Put { fn set(&mut self, n: u32) -> u32; }
    impl Put for std::pin::Pin<&mut u32> { fn set(&mut self, n: u32) -> u32 { self.set(n + 1); **self } }
    fn all(of: &[Box<dyn Measure>]) -> Vec<u32> { of.iter().map(|m| m.measure() + m.twice() + m.len() as u32).collect() }
    pub fn run() -> String { let made = || gauge(7); let s = [1u32, 2]; let mut n = 3; let put = Put::set(&mut std::pin::Pin::new(&mut n), 4); format!("{put} {} {} {} {:?} {}", made().measure(), Measure::measure(&made()), Measure::len(&s[..]) + s[..].len(), all(&[Box::new(Gauge(1)), Box::new("abc".to_string())]), s[..].twice()) }
});

program!(impl_trait_beside_calls_of_its_name {
    use std::collections::BTreeMap; use std::iter::once; use std::ops::RangeBounds;
    struct Order { at: BTreeMap<u32, &'static str> }
    impl Order {
        fn range(&self, of: impl RangeBounds<u32>) -> impl Iterator<Item = &'static str> + '_ { self.at.range(of).map(|(_, &n)| n) }
        fn first(&self, n: usize) -> impl Iterator<Item = &'static str> + '_ { let all = self.range(..); all.take(n) }
    }
    struct Shelf<'a> { order: &'a Order }
    impl<'a> Shelf<'a> { fn range(&self, of: impl RangeBounds<u32> + 'a) -> impl Iterator<Item = &'static str> + 'a { self.order.range(of) } fn first(&self, n: usize) -> impl Iterator<Item = &'static str> + 'a { self.order.first(n) } }
    struct Tree { n: u32, below: Vec<Tree> }
    impl Tree {
        fn iter(&self) -> impl Iterator<Item = u32> + '_ { once(self.n).chain(self.below.iter().flat_map(|t| Box::new(t.iter()) as Box<dyn Iterator<Item = u32> + '_>)) }
        fn sum(&self) -> u32 { self.n + self.below.iter().map(|t| t.sum()).sum::<u32>() }
    }
    fn tree(n: u32) -> Tree { Tree { n, below: (0..n).map(tree).collect() } }
    fn paths(n: u32) -> u32 { if n == 0 { 1 } else { steps(n).map(|s| s % 1000).sum::<u32>() + more(n).count() as u32 } }
    fn steps(n: u32) -> impl Iterator<Item = u32> { let below: Vec<u32> = (n.saturating_sub(2)..n).map(paths).collect(); below.into_iter().chain(once(paths(n - 1))) }
    fn more(n: u32) -> impl Iterator<Item = u32> { steps(n).filter(|s| s % 2 == 0) }
    pub fn run() -> String {
        let order = Order { at: (0..5).zip(["a", "b", "c", "d", "e"]).collect() }; let shelf = Shelf { order: &order }; let tree = tree(6);
        format!("{:?} {:?} {:?} {} {} {}", shelf.range(1..4).collect::<Vec<_>>(), order.range(..=1).collect::<String>(), shelf.first(2).collect::<String>(), tree.iter().map(|n| n * n).sum::<u32>(), tree.sum(), paths(7))
    }
});

/// Traits without the attribute, with types that those below them have too.
mod above {
    pub trait Graph {
        type Id: Copy + PartialEq;
        fn ids(&self) -> Vec<Self::Id>;
    }
    pub trait Weighted: Graph {
        fn weight(&self, of: Self::Id) -> u32;
    }
    impl Graph for Vec<u32> {
        type Id = usize;
        fn ids(&self) -> Vec<usize> {
            (0..self.len()).collect()
        }
    }
    impl Weighted for Vec<u32> {
        fn weight(&self, of: usize) -> u32 {
            self[of]
        }
    }
}

program!(types_of_supertraits_from_elsewhere {
    use super::super::above::{Graph, Weighted};
    trait Walk: Weighted { fn last(&self) -> Option<Self::Id> { self.ids().pop() } fn sum(&self, of: &[Self::Id]) -> u32 { match of { [] => 0, [first, rest @ ..] => self.weight(*first) + self.sum(rest) } } }
    trait Both: Walk + Iterator { fn both(&mut self, of: Self::Id) -> (u32, Option<Self::Item>) { (self.weight(of), self.next()) } }
    trait Cursor: Iterator { fn third(&mut self) -> Option<Self::Item> { self.nth(2) } }
    impl Walk for Vec<u32> {} impl<I: Iterator> Cursor for I {}
    struct Two(Vec<u32>, u32);
    impl Graph for Two { type Id = usize; fn ids(&self) -> Vec<usize> { self.0.ids() } } impl Weighted for Two { fn weight(&self, of: usize) -> u32 { self.0.weight(of) } }
    impl Iterator for Two { type Item = u32; fn next(&mut self) -> Option<u32> { self.1 += 1; Some(self.1) } } impl Walk for Two {} impl Both for Two {}
    fn all(c: &mut dyn Cursor<Item = u32>) -> Option<u32> { c.third() }
    pub fn run() -> String { let v = vec![3, 4, 5]; format!("{:?} {} {:?} {:?}", v.last(), v.sum(&v.ids()), all(&mut v.iter().copied()), Two(v.clone(), 7).both(1)) }
});

program!(entries_of_every_type {
    use std::cell::Cell; use std::pin::Pin; use std::rc::Rc; use std::sync::Arc;
    thread_local!(static DROPS: Cell<u32> = const { Cell::new(0) });
    struct D(u32);
    impl Drop for D { fn drop(&mut self) { let n = self.0; DROPS.with(|d| d.set(d.get() * 10 + n)); } }
    trait E<'t, A: Copy, const N: usize> {
        type Out;
        fn hr(&self, f: for<'x> fn(&'x u8) -> &'x u8, g: &dyn for<'x> Fn(&'x str) -> &'x str) -> usize;
        fn early<'a: 'a, 'b: 'a>(&'a self, x: &'a str, y: &'b str) -> &'a str where Self: 'a, A: 'b;
        fn arr(&self, a: [A; N], p: (u8, u64), z: Vec<A>) -> [A; N];
        fn out(&self, o: Self::Out) -> Self::Out;
        fn boxed(self: Box<Self>, d: D) -> u32;
        fn rc(self: Rc<Self>, d: D) -> usize;
        fn arc(self: Arc<Self>) -> u8;
        fn pin<'s>(self: Pin<&'s mut Self>, n: &'s mut u64) -> &'s mut u64;
        fn st(&self, s: &'static str, t: &'t str) -> &'t str;
        // SAFETY: callers have a number there that nobody else uses.
        unsafe fn uns(&mut self, p: *mut u8) -> u8;
        fn boom(&self, a: D, b: D) -> D;
        fn never(&self, n: u8) -> !;
        fn opt(&self, o: Option<&dyn E<'t, A, N, Out = String>>, f: Box<dyn FnOnce(u8) -> Box<dyn Fn(u8) -> u8>>) -> Result<u8, Box<dyn std::error::Error>>;
        fn unit(&self);
        fn r#type(&self, entry: u128, a: u8, b: u8, c: u8, answer: u8, this: u8) -> (u128, u8);
    }
    struct S<'t>(&'t str);
    impl<'t> E<'t, u16, 3> for S<'t> {
        type Out = String;
        fn hr(&self, f: for<'x> fn(&'x u8) -> &'x u8, g: &dyn for<'x> Fn(&'x str) -> &'x str) -> usize { *f(&3) as usize + g("abc").len() }
        fn early<'a: 'a, 'b: 'a>(&'a self, x: &'a str, y: &'b str) -> &'a str where Self: 'a, u16: 'b { if x.len() > 3 { x } else if y.is_empty() { self.0 } else { y } }
        fn arr(&self, a: [u16; 3], (x, y): (u8, u64), mut z: Vec<u16>) -> [u16; 3] { z.push(x as u16); [a[0] + z[0], a[1] + y as u16, a[2] + z.len() as u16] }
        fn out(&self, o: String) -> String { o + self.0 }
        fn boxed(self: Box<Self>, d: D) -> u32 { d.0 }
        fn rc(self: Rc<Self>, d: D) -> usize { d.0 as usize + Rc::strong_count(&self) }
        fn arc(self: Arc<Self>) -> u8 { 4 }
        fn pin<'s>(self: Pin<&'s mut Self>, n: &'s mut u64) -> &'s mut u64 { *n += 1; n }
        fn st(&self, s: &'static str, t: &'t str) -> &'t str { if t.is_empty() { s } else { t } }
        // SAFETY: as above.
        unsafe fn uns(&mut self, p: *mut u8) -> u8 { unsafe { *p += 1; *p } }
        fn boom(&self, a: D, b: D) -> D { if a.0 == 9 { std::panic::resume_unwind(Box::new("boom")) } drop(a); b }
        fn never(&self, n: u8) -> ! { std::panic::resume_unwind(Box::new(n)) }
        fn opt(&self, o: Option<&dyn E<'t, u16, 3, Out = String>>, f: Box<dyn FnOnce(u8) -> Box<dyn Fn(u8) -> u8>>) -> Result<u8, Box<dyn std::error::Error>> { if o.is_some() { Ok(f(1)(2)) } else { Err("none".into()) } }
        fn unit(&self) {}
        fn r#type(&self, entry: u128, a: u8, b: u8, c: u8, answer: u8, this: u8) -> (u128, u8) { (entry * 2, a + b + c + answer + this) }
    }
    type Any<'t> = dyn E<'t, u16, 3, Out = String> + 't;
    fn all<'t>(x: &mut Any<'t>, t: &'t str) -> String {
        let mut n = 1_u8;
        // SAFETY: it is ours.
        let u = unsafe { x.uns(&mut n) };
        x.unit();
        let s = format!("{} {} {:?} {} {} {} {:?} {:?} {:?}", x.hr(|x| x, &|s| &s[1..]), x.early("ab", ""), x.arr([1, 2, 3], (4, 5), vec![6]), x.out("o".to_owned()), x.st("s", t), u,
            x.opt(None, Box::new(|a| Box::new(move |b| a + b))).map_err(|e| e.to_string()),
            x.opt(Some(&S("q")), Box::new(|a| Box::new(move |b| a + b))).ok(), x.r#type(1 << 100, 1, 2, 3, 4, 5));
        s
    }
    fn owned(t: &str) -> (u32, usize, u8, u64) {
        let b: Box<Any<'_>> = Box::new(S(t)); let r: Rc<Any<'_>> = Rc::new(S(t)); let a: Arc<Any<'_>> = Arc::new(S(t)); let mut p: Pin<Box<Any<'_>>> = Box::pin(S(t));
        let mut n = 1; (b.boxed(D(1)), r.rc(D(2)), a.arc(), *p.as_mut().pin(&mut n))
    }
    fn booms(x: &Any<'_>) -> (u32, bool, u8) {
        let r = x.boom(D(3), D(4)).0;
        let p = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| x.boom(D(9), D(5)))).is_err();
        let n = *std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| { x.never(7) })).map(|()| ()).unwrap_err().downcast::<u8>().unwrap();
        (r, p, n)
    }
    pub fn run() -> String {
        DROPS.with(|d| d.set(0));
        let t = String::from("tt");
        let mut s = S(&t);
        let (a, o, b) = (all(&mut s, &t), owned(&t), booms(&s));
        format!("{a} {o:?} {b:?} {}", DROPS.with(Cell::get))
    }
});
