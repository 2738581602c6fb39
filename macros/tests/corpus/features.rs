//! Corners of the language in ordinary use: conversions, closures in structs, iterator adaptors, recursion with turbofish, statics,
//! higher-ranked bounds, blanket impls, operators.

program!(statics_in_recursion {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};
    thread_local! { static DEPTH: Cell<u32> = const { Cell::new(0) }; }
    fn counted(n: u32) -> u32 { static CALLS: AtomicU32 = AtomicU32::new(0); let before = if n == 0 { CALLS.swap(0, Ordering::Relaxed) } else { CALLS.fetch_add(1, Ordering::Relaxed); counted(n - 1) }; before + 1 }
    fn deepest(n: u32) -> u32 { let d = DEPTH.get() + 1; DEPTH.set(d); let r = if n == 0 { d } else { deepest(n - 1) }; DEPTH.set(DEPTH.get() - 1); r }
    struct Guard<'a>(&'a Cell<u32>);
    impl<'a> Guard<'a> { fn enter(c: &'a Cell<u32>) -> Self { c.set(c.get() + 1); Guard(c) } }
    impl Drop for Guard<'_> { fn drop(&mut self) { self.0.set(self.0.get() - 1); } }
    fn nested(c: &Cell<u32>, n: u32) -> Vec<u32> { let _g = Guard::enter(c); let mut v = vec![c.get()]; if n > 0 { v.extend(nested(c, n - 1)); } v }
    pub fn run() -> String { let c = Cell::new(0); let v = nested(&c, 3); format!("{} {} {} {v:?} {}", counted(5), deepest(7), deepest(2), c.get()) }
});

program!(turbofish_in_recursion {
    trait Scalar: Copy + std::ops::Add<Output = Self> + Default + 'static { fn of(n: u8) -> Self; }
    impl Scalar for u64 { fn of(n: u8) -> u64 { n.into() } } impl Scalar for f32 { fn of(n: u8) -> f32 { n.into() } }
    fn total<T: Scalar, const STEP: u8>(n: u8) -> T { if n < STEP { T::default() } else { T::of(n) + total::<T, STEP>(n - STEP) } }
    fn ping<A: Scalar, B: Scalar>(n: u8) -> (A, B) { if n == 0 { (A::of(1), B::of(2)) } else { let (b, a) = pong::<B, A>(n - 1); (a, b) } }
    fn pong<A: Scalar, B: Scalar>(n: u8) -> (A, B) { if n == 0 { (A::of(3), B::of(4)) } else { let (b, a) = self::ping::<B, A>(n - 1); (a + A::of(1), b) } }
    struct Counter<T>(T);
    impl<T: Scalar> Counter<T> { fn grow<const N: usize>(&mut self, n: u8) -> [T; N] { if n == 0 { [self.0; N] } else { self.0 = self.0 + T::of(n); self.grow::<N>(n - 1) } } fn via<F: Fn(T) -> T>(&self, n: u8, f: F) -> T where F: Copy { if n == 0 { self.0 } else { f(self.via::<F>(n - 1, f)) } } fn made<U: Scalar>(n: u8) -> U { if n == 0 { U::of(9) } else { Self::made::<U>(n - 1) } } }
    fn mixed<T: Scalar>(n: u8, f: impl Fn(u8) -> T + Copy) -> T { if n == 0 { f(0) } else { mixed::<T>(n - 1, f) + f(n) } }
    pub fn run() -> String { let mut c = Counter(0u64); let g = c.grow::<2>(4); format!("{} {} {:?} {:?} {g:?} {} {} {}", total::<u64, 3>(20), total::<f32, 7>(30), ping::<u64, f32>(5), pong::<u64, f32>(4), c.via(3, |t| t + 1), Counter::<u64>::made::<f32>(3), mixed(4, |n| u64::of(n))) }
});

program!(target_features_and_inlining {
    // SAFETY: SSE2 is part of x86-64, here and below.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))] unsafe fn halves(n: u32) -> u32 { if n < 2 { n } else { 1 + unsafe { halves(n / 2) } } }
    #[inline(always)] fn always(n: u32) -> u32 { if n == 0 { 0 } else { n + never(n - 1) } }
    #[inline(never)] fn never(n: u32) -> u32 { if n == 0 { 0 } else { n + always(n - 1) } }
    #[cold] fn cold(n: u32) -> u32 { if n > 100 { n } else { cold(n * 3) } }
    #[must_use] fn wanted(n: u32) -> u32 { if n == 0 { 1 } else { n * wanted(n - 1) } }
    #[deprecated(note = "old")] fn old(n: u32) -> u32 { if n == 0 { 0 } else { #[allow(deprecated)] old(n - 1) } }
    #[track_caller] fn line(n: u32) -> u32 { if n == 0 { std::panic::Location::caller().line() } else { line(n - 1) } }
    // SAFETY: as above.
    #[allow(deprecated)] pub fn run() -> String { format!("{} {} {} {} {} {}", unsafe { halves(1000) }, always(10), cold(2), wanted(6), old(3), line(2) > 0) }
});

program!(higher_ranked_bounds {
    trait Parse<'i> { type Out: 'i; fn parse(&self, s: &'i str) -> Option<(Self::Out, &'i str)>; }
    impl<'i, F, O: 'i> Parse<'i> for F where F: Fn(&'i str) -> Option<(O, &'i str)> { type Out = O; fn parse(&self, s: &'i str) -> Option<(O, &'i str)> { self(s) } }
    fn letter(s: &str) -> Option<(&str, &str)> { let c = s.chars().next().filter(|c| c.is_alphabetic())?; Some(s.split_at(c.len_utf8())) }
    fn digit(s: &str) -> Option<(u32, &str)> { let d = s.chars().next()?.to_digit(10)?; Some((d, &s[1..])) }
    fn many<'i, P: Parse<'i>>(p: P) -> impl Fn(&'i str) -> Option<(Vec<P::Out>, &'i str)> { move |mut s| { let mut all = vec![]; while let Some((v, rest)) = p.parse(s) { all.push(v); s = rest; } Some((all, s)) } }
    fn whole<R>(f: impl for<'a> Fn(&'a str) -> Option<(R, &'a str)>, text: String) -> Option<R> { f(&text).filter(|(_, rest)| rest.is_empty()).map(|(r, _)| r) }
    fn longest<'a>(of: &[&'a str], better: &dyn for<'x, 'y> Fn(&'x str, &'y str) -> bool) -> Option<&'a str> { let (first, rest) = of.split_first()?; match longest(rest, better) { Some(other) if better(other, first) => Some(other), _ => Some(first) } }
    fn with_all<F>(f: F) -> Vec<usize> where for<'a> F: Fn(&'a [u8]) -> std::slice::Iter<'a, u8> { let local = vec![1, 2, 3]; f(&local).map(|b| usize::from(*b)).collect() }
    type Callback = Box<dyn for<'a> FnMut(&'a mut Vec<String>, &'a str) -> &'a mut String>;
    fn appender(prefix: &'static str) -> Callback { Box::new(move |v, s| { v.push(format!("{prefix}{s}")); v.last_mut().unwrap() }) }
    pub fn run() -> String { let mut v = vec![]; let mut a = appender("p"); a(&mut v, "q").push('!'); a(&mut v, "r"); let digits = many(digit).parse("12a").map(|(d, r)| (d, r.len())); format!("{:?} {digits:?} {:?} {:?} {:?} {v:?}", many(letter).parse("abc1"), whole(|s| { let (a, r) = letter(s)?; let (b, r) = digit(r)?; Some((a.len() as u32 + b, r)) }, "x7".into()), longest(&["a", "ccc", "bb"], &|a, b| a.len() > b.len()), with_all(|s| s.iter())) }
});

program!(box_self_chains {
    trait Task { fn step(self: Box<Self>) -> Progress; fn then(self: Box<Self>, next: Box<dyn Task>) -> Box<dyn Task> where Self: Sized + 'static { Box::new(Then(self, next)) } fn size(&self) -> usize { 1 } }
    enum Progress { Done(u32), More(Box<dyn Task>) }
    struct Count(u32, u32); struct Then(Box<dyn Task>, Box<dyn Task>); struct Const(u32);
    impl Task for Count { fn step(self: Box<Self>) -> Progress { if self.0 == 0 { Progress::Done(self.1) } else { Progress::More(Box::new(Count(self.0 - 1, self.1 + self.0))) } } }
    impl Task for Const { fn step(self: Box<Self>) -> Progress { Progress::Done(self.0) } fn size(&self) -> usize { 0 } }
    impl Task for Then { fn step(self: Box<Self>) -> Progress { let Then(first, next) = *self; match first.step() { Progress::Done(n) => Progress::More(Box::new(Then(Box::new(Const(n)), next)).last()), Progress::More(first) => Progress::More(Box::new(Then(first, next))) } } fn size(&self) -> usize { self.0.size() + self.1.size() } }
    impl Then { fn last(self: Box<Self>) -> Box<dyn Task> { self.1 } }
    fn finish(mut t: Box<dyn Task>) -> (u32, usize) { let mut steps = 0; loop { match t.step() { Progress::Done(n) => break (n, steps), Progress::More(next) => { steps += next.size().max(1); t = next; } } } }
    fn deep(t: Box<dyn Task>) -> u32 { match t.step() { Progress::Done(n) => n, Progress::More(next) => deep(next) } }
    pub fn run() -> String { let chain = Box::new(Count(3, 0)).then(Box::new(Count(2, 100))); format!("{:?} {} {:?}", finish(chain), deep(Box::new(Count(20, 0)).then(Box::new(Const(5)))), finish(Box::new(Const(1)))) }
});

program!(labelled_control_flow {
    #[derive(Debug, PartialEq)] enum Found { At(usize, usize), Wall(usize), Nothing }
    fn cost(c: char) -> u32 { match c { '.' => 1, '~' => 3, d => d.to_digit(10).unwrap_or(9) } }
    fn look(map: &[&str], limit: u32) -> Found { 'rows: for (r, row) in map.iter().enumerate() { let mut spent = 0; 'cells: for (c, ch) in row.chars().enumerate() { spent += 'price: { if ch == ' ' { continue 'cells; } if ch == '#' { break 'rows; } if ch == 'x' { return Found::At(r, c); } if ch == '|' { break 'price cost('~') * 2; } cost(ch) }; if spent > limit { if r + 1 == map.len() { return Found::Wall(r); } continue 'rows; } } } Found::Nothing }
    fn pairs(of: &[u32], want: u32) -> Option<(u32, u32)> { let hit = 'search: { for (i, a) in of.iter().enumerate() { for b in &of[i + 1..] { if add(*a, *b) == want { break 'search Some((*a, *b)); } } } None }; hit.or_else(|| { let mut it = of.iter(); 'outer: loop { let a = it.next()?; let mut n = 0; while n < 3 { n += 1; if add(*a, n) == want { break 'outer Some((*a, n)); } } } }) }
    fn add(a: u32, b: u32) -> u32 { a + b }
    fn spiral(n: usize) -> Vec<u32> { let mut grid = vec![vec![0; n]; n]; let (mut r, mut c, mut dir, mut k) = (0isize, 0isize, 0, 1); 'fill: loop { grid[r as usize][c as usize] = k; k = add(k, 1); for _ in 0..4 { let (dr, dc) = [(0, 1), (1, 0), (0, -1), (-1, 0)][dir]; let next = (r + dr, c + dc); if (0..n as isize).contains(&next.0) && (0..n as isize).contains(&next.1) && grid[next.0 as usize][next.1 as usize] == 0 { (r, c) = next; continue 'fill; } dir = (dir + 1) % 4; } break; } grid.concat() }
    pub fn run() -> String { format!("{:?} {:?} {:?} {:?} {:?} {:?} {:?}", look(&["..9", "| x"], 9), look(&["99"], 5), look(&[". .", "#x"], 99), pairs(&[4, 9, 2], 6), pairs(&[4, 9], 11), pairs(&[1], 50), spiral(4)) }
});

program!(conversions {
    use std::convert::Infallible;
    use std::fmt::Debug;
    #[derive(Debug, Clone, PartialEq)] enum Json { Null, Bool(bool), Num(f64), Str(String), List(Vec<Json>), Map(Vec<(String, Json)>) }
    trait IntoJson { fn into_json(self) -> Json; } trait FromJson: Sized { fn from_json(j: &Json) -> Option<Self>; }
    impl IntoJson for bool { fn into_json(self) -> Json { Json::Bool(self) } } impl IntoJson for &str { fn into_json(self) -> Json { Json::Str(self.to_owned()) } }
    macro_rules! numbers { ($($t:ty),*) => { $(impl From<$t> for Json { fn from(n: $t) -> Json { Json::Num(f64::from(n)) } })* }; }
    numbers!(i32, u8, f64);
    impl<T: IntoJson> IntoJson for Vec<T> { fn into_json(self) -> Json { Json::List(self.into_iter().map(|t| t.into_json()).collect()) } }
    impl<T: IntoJson> IntoJson for Option<T> { fn into_json(self) -> Json { self.map_or(Json::Null, |t| t.into_json()) } }
    impl<A: IntoJson, B: IntoJson> IntoJson for (A, B) { fn into_json(self) -> Json { Json::List(vec![self.0.into_json(), self.1.into_json()]) } }
    impl<T: IntoJson, const N: usize> IntoJson for [(&str, T); N] { fn into_json(self) -> Json { Json::Map(self.into_iter().map(|(k, v)| (k.to_owned(), v.into_json())).collect()) } }
    impl FromJson for bool { fn from_json(j: &Json) -> Option<bool> { if let Json::Bool(b) = j { Some(*b) } else { None } } } impl FromJson for String { fn from_json(j: &Json) -> Option<String> { match j { Json::Str(s) => Some(s.clone()), Json::Num(n) => Some(n.to_string()), _ => None } } }
    impl<T: FromJson> FromJson for Vec<T> { fn from_json(j: &Json) -> Option<Vec<T>> { match j { Json::List(all) => all.iter().map(T::from_json).collect(), _ => None } } }
    impl<T: FromJson> FromJson for Option<T> { fn from_json(j: &Json) -> Option<Option<T>> { if *j == Json::Null { Some(None) } else { T::from_json(j).map(Some) } } }
    impl std::ops::Index<&str> for Json { type Output = Json; fn index(&self, k: &str) -> &Json { match self { Json::Map(all) => all.iter().find(|(n, _)| n == k).map_or(&Json::Null, |(_, v)| v), _ => &Json::Null } } }
    fn back<T: FromJson + Debug>(j: &Json) -> String { format!("{:?}", T::from_json(j)) }
    fn surely<T, U: TryFrom<T, Error = Infallible>>(t: T) -> U { match U::try_from(t) { Ok(u) => u, Err(never) => match never {} } }
    pub fn run() -> String { let j = [("a", vec![Some((true, "x")), None]), ("b", vec![])].into_json(); let n: Json = surely(3i32); format!("{j:?} {} {} {} {:?} {}", back::<Vec<Option<Vec<String>>>>(&j["a"]), back::<Vec<bool>>(&vec![true, false].into_json()), back::<String>(&n), j["zz"], back::<Vec<String>>(&Json::List(vec![7u8.into(), 0.5.into()]))) }
});

program!(shadowed_everything {
    fn value(n: u32) -> u32 { n + 1 }
    mod value { pub fn value(n: u32) -> u32 { n * 2 } pub mod deep { pub use super::value as other; pub fn value(n: u32) -> u32 { other(n) + super::value(n) } } }
    use self::value::deep::{self, value as third};
    use self::value as module;
    struct Value { value: fn(u32) -> u32 }
    impl Value { fn value(&self, value: u32) -> u32 { (self.value)(value) + self::value(value) } fn map(&self, n: u32) -> u32 { let value = self.value(n); let value = |n: u32| n + value; value(1) } }
    fn parameters(value: u32, third: fn(u32) -> u32) -> u32 { let f = third(value); let third = f; third + deep::value(1) }
    #[allow(non_camel_case_types)] fn generics<value: Fn(u32) -> u32>(f: value) -> u32 { f(self::value(3)) }
    #[allow(non_upper_case_globals)] fn constant() -> u32 { const value: u32 = 40; value + 1 }
    fn blocks(n: u32) -> u32 { let a = { fn value(n: u32) -> u32 { n + 1000 } value(n) }; let b = { use module::value; value(n) }; a + b + value(n) }
    fn matched(o: Option<u32>) -> u32 { match o { Some(value) if value > 5 => value, Some(third) => self::third(third), None => { let deep = 1; deep + deep::value(2) } } }
    fn arguments(some: u32) -> u32 { let closure = |some: u32, value: u32| some * value; closure(some, value(some)) }
    pub fn run() -> String { let v = Value { value }; format!("{} {} {} {} {} {} {} {} {} {:?} {}", value(1), module::value(1), third(1), v.value(1), v.map(2), parameters(3, module::value), generics(|n| n + value(n)), constant(), blocks(1), [Some(9), Some(2), None].map(matched), arguments(4)) }
});

program!(macro_rules_inside {
    macro_rules! shape { ($name:ident { $($field:ident : $ty:ty),* } area = |$s:ident| $area:expr) => { #[derive(Debug, Clone)] struct $name { $($field: $ty),* } impl $name { fn area(&self) -> f64 { let $s = self; $area } fn fields() -> Vec<&'static str> { vec![$(stringify!($field)),*] } } }; }
    shape!(Square { side: f64 } area = |s| square(s.side));
    shape!(Ring { inner: f64, outer: f64 } area = |s| 3.0 * (square(s.outer) - square(s.inner)));
    fn square(n: f64) -> f64 { n * n }
    macro_rules! dispatch { ($value:expr, $($pattern:pat $(if $guard:expr)? => $f:ident),+ $(,)?) => { match $value { $($pattern $(if $guard)? => $f($value)),+ } }; }
    fn small(n: u32) -> String { format!("small {n}") } fn even(n: u32) -> String { format!("even {}", digits(n)) } fn large(n: u32) -> String { format!("large {}", digits(n)) }
    fn digits(n: u32) -> usize { if n < 10 { 1 } else { 1 + digits(n / 10) } }
    macro_rules! recursive { (@sum) => { 0 }; (@sum $first:expr $(, $rest:expr)*) => { digits($first) + recursive!(@sum $($rest),*) }; ($($all:expr),* $(,)?) => { recursive!(@sum $($all),*) }; }
    macro_rules! tests { ($($name:ident => $body:block)*) => { $(fn $name() -> bool { $body })* fn all() -> Vec<(&'static str, bool)> { vec![$((stringify!($name), $name())),*] } }; }
    tests! { one => { digits(5) == 1 } two => { recursive!(12, 7) == 4 } }
    macro_rules! hash { ($($k:literal => $v:expr),* $(,)?) => {{ let mut m = std::collections::BTreeMap::new(); $(m.insert($k, $v);)* m }}; }
    macro_rules! try_or { ($e:expr, $default:expr) => { match $e { Ok(v) => v, Err(_) => return $default } }; }
    fn parsed(s: &str) -> u32 { let n: u32 = try_or!(s.parse(), 0); n + digits(n) as u32 }
    pub fn run() -> String { let m = hash! { "a" => digits(123), "b" => recursive!(1, 22, 333,) }; format!("{} {} {:?} {:?} {m:?} {:?} {} {}", Square { side: 2.0 }.area(), Ring { inner: 1.0, outer: 2.0 }.clone().area(), Ring::fields(), [5u32, 40, 1001].map(|n| dispatch!(n, 0..=9 => small, n if n % 2 == 0 => even, _ => large)), all(), parsed("42"), parsed("x")) }
});

program!(deref_and_wrappers {
    use std::ops::{Deref, DerefMut};
    struct Logged<T> { inner: T, reads: std::cell::Cell<u32>, writes: u32 }
    impl<T> Deref for Logged<T> { type Target = T; fn deref(&self) -> &T { self.reads.set(tick(self.reads.get())); &self.inner } }
    impl<T> DerefMut for Logged<T> { fn deref_mut(&mut self) -> &mut T { self.writes = tick(self.writes); &mut self.inner } }
    fn tick(n: u32) -> u32 { n + 1 }
    trait Speak { fn speak(&self) -> String; fn rename(&mut self, to: &str) { let _ = to; } }
    #[derive(Clone, PartialEq)] struct Cat { name: String }
    impl Speak for Cat { fn speak(&self) -> String { format!("{} meows", self.name) } fn rename(&mut self, to: &str) { self.name = to.into(); } }
    impl<T: Speak> Speak for Logged<T> { fn speak(&self) -> String { format!("[{}]", self.inner.speak()) } fn rename(&mut self, to: &str) { self.inner.rename(to); self.writes += 100; } }
    struct Stack(Vec<Box<dyn Speak>>);
    impl Deref for Stack { type Target = [Box<dyn Speak>]; fn deref(&self) -> &Self::Target { &self.0 } }
    impl AsRef<str> for Cat { fn as_ref(&self) -> &str { &self.name } } impl std::borrow::Borrow<str> for Cat { fn borrow(&self) -> &str { &self.name } }
    fn shout(s: impl AsRef<str>) -> String { s.as_ref().to_uppercase() }
    pub fn run() -> String { let mut l = Logged { inner: Cat { name: "tom".into() }, reads: Default::default(), writes: 0 }; let plain = (*l).speak(); let wrapped = l.speak(); l.rename("kit"); (*l).rename("kat"); let n = l.name.len(); let counts = (l.reads.get(), l.writes); let s = Stack(vec![Box::new(l), Box::new(Cat { name: "x".into() })]); format!("{plain} {wrapped} {n} {counts:?} {} {} {}", s.len(), s.iter().map(|a| a.speak()).collect::<String>(), shout(Cat { name: "q".into() }) + &shout("r")) }
});

program!(iterator_adaptors {
    trait Extra: Iterator { fn pairs(self) -> Pairs<Self> where Self: Sized, Self::Item: Clone; fn every(self, n: usize) -> Every<Self> where Self: Sized { Every { inner: self, n, at: 0 } } fn summary<B, F>(mut self, start: B, mut f: F) -> B where Self: Sized, F: FnMut(B, Self::Item) -> B { let mut b = start; while let Some(i) = self.next() { b = f(b, i); } b } }
    struct Pairs<I: Iterator> { inner: I, last: Option<I::Item> } struct Every<I> { inner: I, n: usize, at: usize }
    impl<I: Iterator> Extra for I { fn pairs(mut self) -> Pairs<Self> where Self::Item: Clone { let last = self.next(); Pairs { inner: self, last } } }
    impl<I: Iterator> Iterator for Pairs<I> where I::Item: Clone { type Item = (I::Item, I::Item); fn next(&mut self) -> Option<Self::Item> { let next = self.inner.next()?; let before = self.last.replace(next.clone())?; Some((before, next)) } }
    impl<I: Iterator> Iterator for Every<I> { type Item = I::Item; fn next(&mut self) -> Option<I::Item> { let skip = if self.at == 0 { 0 } else { self.n - 1 }; self.at = step(self.at); self.inner.nth(skip) } }
    impl<I: DoubleEndedIterator> DoubleEndedIterator for Pairs<I> where I::Item: Clone { fn next_back(&mut self) -> Option<Self::Item> { None } }
    fn step(n: usize) -> usize { n + 1 }
    fn interleave<'a, T: 'a>(a: impl Iterator<Item = T> + 'a, b: impl Iterator<Item = T> + 'a) -> Box<dyn Iterator<Item = T> + 'a> { let (mut a, mut b) = (a.fuse(), b.fuse()); let mut flip = false; Box::new(std::iter::from_fn(move || { flip = !flip; if flip { a.next().or_else(|| b.next()) } else { b.next().or_else(|| a.next()) } })) }
    fn permutations(of: &[char]) -> Vec<String> { if of.len() < 2 { return vec![of.iter().collect()]; } (0..of.len()).flat_map(|i| { let mut rest = of.to_vec(); let c = rest.remove(i); permutations(&rest).into_iter().map(move |p| format!("{c}{p}")) }).collect() }
    fn powerset<T: Copy>(of: &[T]) -> Box<dyn Iterator<Item = Vec<T>> + '_> { match of { [] => Box::new(std::iter::once(vec![])), [first, rest @ ..] => Box::new(powerset(rest).flat_map(|s| { let mut with = vec![*first]; with.extend(&s); [s, with] })) } }
    pub fn run() -> String { format!("{:?} {:?} {:?} {:?} {:?} {}", [1, 4, 9].into_iter().pairs().map(|(a, b)| b - a).collect::<Vec<_>>(), (0..10).every(4).collect::<Vec<_>>(), interleave("abc".chars(), "XY".chars()).collect::<String>(), permutations(&['a', 'b', 'c']), powerset(&[1, 2, 3]).map(|s| s.len()).collect::<Vec<_>>(), (1..5).summary(String::new(), |s, n| format!("{s}{}", step(n)))) }
});

program!(errors_with_sources {
    use std::error::Error;
    use std::fmt;
    #[derive(Debug)] enum Load { Missing(String), Parse { line: usize, source: std::num::ParseIntError }, Other(Box<dyn Error + Send + Sync>) }
    impl fmt::Display for Load { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { match self { Load::Missing(n) => write!(f, "{} is missing", quoted(n)), Load::Parse { line, .. } => write!(f, "line {line}"), Load::Other(e) => write!(f, "other: {e}") } } }
    impl Error for Load { fn source(&self) -> Option<&(dyn Error + 'static)> { match self { Load::Parse { source, .. } => Some(source), Load::Other(e) => Some(&**e), Load::Missing(_) => None } } }
    impl From<Box<dyn Error + Send + Sync>> for Load { fn from(e: Box<dyn Error + Send + Sync>) -> Self { Load::Other(e) } }
    fn quoted(s: &str) -> String { format!("'{s}'") }
    trait Files { fn open(&self, name: &str) -> Result<String, Load>; fn includes(&self, name: &str, depth: u8) -> Result<i64, Load> { if depth == 0 { return Err(Load::from(Box::<dyn Error + Send + Sync>::from("too deep"))); } let text = self.open(name)?; text.lines().enumerate().map(|(i, l)| match l.strip_prefix('@') { Some(inner) => self.includes(inner, depth - 1), None => l.parse::<i64>().map_err(|source| Load::Parse { line: i + 1, source }) }).sum() } }
    struct Fake; impl Files for Fake { fn open(&self, name: &str) -> Result<String, Load> { Ok(match name { "a" => "1\n@b\n2", "b" => "10\n20", "c" => "5\nx", "d" => "@d", "e" => "@zz", n => return Err(Load::Missing(n.to_owned())) }.to_owned()) } }
    fn chain(e: &dyn Error) -> String { match e.source() { Some(s) => format!("{e} < {}", chain(s)), None => e.to_string() } }
    fn load(f: &dyn Files, name: &str) -> Result<i64, Box<dyn Error>> { let n = f.includes(name, 4)?; u8::try_from(n)?; Ok(n) }
    pub fn run() -> String { ["a", "c", "d", "e"].map(|n| match load(&Fake, n) { Ok(v) => v.to_string(), Err(e) => chain(&*e) }).join("; ") }
});

program!(callbacks_and_history {
    use std::cell::RefCell;
    use std::rc::{Rc, Weak};
    trait Observer { fn changed(&self, cell: &Sheet, name: &str); }
    type Formula = Box<dyn Fn(&Sheet) -> Option<i64>>;
    #[derive(Default)] struct Sheet { cells: RefCell<Vec<(String, Rc<Formula>)>>, observers: RefCell<Vec<Weak<dyn Observer>>>, undo: RefCell<Vec<Box<dyn FnOnce(&Sheet)>>> }
    impl Sheet {
        fn value(&self, name: &str) -> Option<i64> { let f = self.cells.borrow().iter().find(|(n, _)| n == name).map(|(_, f)| f.clone())?; f(self) }
        fn put(&self, name: &str, f: impl Fn(&Sheet) -> Option<i64> + 'static) { let old = self.swap(name, Some(Rc::new(Box::new(f)))); let key = name.to_owned(); self.undo.borrow_mut().push(Box::new(move |s| { s.swap(&key, old); })); self.tell(name); }
        fn swap(&self, name: &str, f: Option<Rc<Formula>>) -> Option<Rc<Formula>> { let mut cells = self.cells.borrow_mut(); let old = cells.iter().position(|(n, _)| n == name).map(|i| cells.remove(i).1); if let Some(f) = f { cells.push((name.to_owned(), f)); } old }
        fn tell(&self, name: &str) { self.observers.borrow_mut().retain(|o| o.strong_count() > 0); let all: Vec<_> = self.observers.borrow().iter().filter_map(Weak::upgrade).collect(); for o in all { o.changed(self, name); } }
        fn back(&self) -> bool { let last = self.undo.borrow_mut().pop(); last.map(|u| u(self)).is_some() }
    }
    struct Log { lines: RefCell<Vec<String>>, watch: &'static str }
    impl Observer for Log { fn changed(&self, s: &Sheet, name: &str) { self.lines.borrow_mut().push(format!("{name}: {} = {:?}", self.watch, s.value(self.watch))); } }
    pub fn run() -> String { let s = Sheet::default(); let log = Rc::new(Log { lines: RefCell::default(), watch: "sum" }); let gone: Rc<dyn Observer> = Rc::new(Log { lines: RefCell::default(), watch: "a" }); let watcher: Rc<dyn Observer> = log.clone(); s.observers.borrow_mut().extend([Rc::downgrade(&watcher), Rc::downgrade(&gone)]); drop(gone); s.put("a", |_| Some(2)); s.put("b", |s| s.value("a").map(|v| v * 10)); s.put("sum", |s| Some(s.value("a")? + s.value("b")?)); s.put("a", |_| Some(5)); let before = s.value("sum"); let undone = [s.back(), s.back(), s.back()]; format!("{:?} {before:?} {undone:?} {:?} {:?} {}", log.lines.borrow(), s.value("b"), s.value("sum"), s.observers.borrow().len()) }
});

program!(parallel_traits_same_names {
    trait Left { fn name(&self) -> String; fn both(&self) -> String { format!("<{}", self.name()) } } trait Right { fn name(&self) -> String; fn both(&self) -> String { format!("{}>", self.name()) } }
    #[derive(Clone)] struct X(u32); struct Y;
    impl Left for X { fn name(&self) -> String { format!("l{}", self.0) } } impl Right for X { fn name(&self) -> String { format!("r{}", self.0) } fn both(&self) -> String { Left::both(self) + &<Self as Right>::name(self) } }
    impl X { fn name(&self) -> String { format!("own{}", Left::name(self)) } fn size(&self) -> u32 { self.0 } }
    impl Left for Y { fn name(&self) -> String { "y".into() } }
    impl<T: Left> Right for Vec<T> { fn name(&self) -> String { self.iter().map(|t| t.name()).collect::<Vec<_>>().join("+") } }
    impl<L: Left + ?Sized> Left for &L { fn name(&self) -> String { (**self).name() + "&" } }
    fn left(l: &dyn Left) -> String { l.name() + &l.both() } fn right(r: &dyn Right) -> String { r.name() + &r.both() }
    fn generic<T: Left + Right>(t: &T) -> String { format!("{}{}{}", Left::name(t), <T as Right>::name(t), Right::both(t)) }
    pub fn run() -> String { let x = X(7); let y: &dyn Left = &Y; format!("{} {} {} {} {} {} {} {}", x.name(), left(&x), right(&x), generic(&x), Left::both(&y), right(&vec![x.clone(), X(8)]), Left::name(&&x), x.size()) }
});

program!(tree_rewriting {
    #[derive(Clone, Debug, PartialEq)] enum T { S, K, I, V(char), A(Box<T>, Box<T>) }
    use T::*;
    fn app(f: T, x: T) -> T { A(Box::new(f), Box::new(x)) }
    fn abstracted(v: char, t: T) -> T { match t { V(w) if w == v => I, t if !mentions(&t, v) => app(K, t), A(f, x) => { if *x == V(v) && !mentions(&f, v) { return *f; } app(app(S, abstracted(v, *f)), abstracted(v, *x)) } other => app(K, other) } }
    fn mentions(t: &T, v: char) -> bool { match t { V(w) => *w == v, A(f, x) => mentions(f, v) || mentions(x, v), _ => false } }
    fn step(t: T) -> Result<T, T> { match t { A(f, x) => match (*f, *x) { (I, x) => Ok(x), (A(k, a), _) if *k == K => Ok(*a), (A(g, z), x) if matches!(&*g, A(s, _) if **s == S) => { let A(_, y) = *g else { unreachable!() }; Ok(app(app(*y, x.clone()), app(*z, x))) } (f, x) => match step(f) { Ok(f) => Ok(app(f, x)), Err(f) => step(x).map(|x| app(f.clone(), x)).map_err(|x| app(f, x)) } }, other => Err(other) } }
    fn normal(t: T, fuel: u32) -> Result<T, u32> { if fuel == 0 { return Err(size(&t)); } match step(t) { Ok(next) => normal(next, fuel - 1), Err(done) => Ok(done) } }
    fn size(t: &T) -> u32 { if let A(f, x) = t { size(f) + size(x) } else { 1 } }
    fn show(t: &T) -> String { match t { S => "S".into(), K => "K".into(), I => "I".into(), V(c) => c.to_string(), A(f, x) => match **x { A(..) => format!("{}({})", show(f), show(x)), _ => show(f) + &show(x) } } }
    fn numeral(n: u32) -> T { let body = (0..n).fold(V('x'), |t, _| app(V('f'), t)); abstracted('f', abstracted('x', body)) }
    pub fn run() -> String { let plus = ['m', 'n', 'f', 'x'].into_iter().rev().fold(app(app(V('m'), V('f')), app(app(V('n'), V('f')), V('x'))), |t, v| abstracted(v, t)); let four = [numeral(2), numeral(2), V('f'), V('x')].into_iter().fold(plus.clone(), app); let omega = app(app(app(S, I), I), app(app(S, I), I)); format!("{} {:?} {} {:?}", show(&numeral(2)), normal(four, 200).map(|t| show(&t)), size(&plus), normal(omega, 30).is_err()) }
});

program!(a_star_and_flood {
    use std::cmp::Reverse;
    use std::collections::{BTreeMap, BinaryHeap, HashSet};
    type At = (i32, i32);
    trait World { type Node: Copy + Ord + std::hash::Hash; fn next(&self, n: Self::Node) -> Vec<(Self::Node, u32)>; fn guess(&self, n: Self::Node) -> u32; fn is_goal(&self, n: Self::Node) -> bool { self.guess(n) == 0 } }
    struct Grid { rows: Vec<Vec<char>>, goal: At }
    impl Grid { fn cell(&self, (r, c): At) -> Option<char> { self.rows.get(usize::try_from(r).ok()?)?.get(usize::try_from(c).ok()?).copied() } fn flood(&self, at: At, seen: &mut HashSet<At>) -> usize { if self.cell(at).is_none_or(|c| c == '#') || !seen.insert(at) { return 0; } around(at).map(|n| self.flood(n, seen)).sum::<usize>() + 1 } }
    fn around((r, c): At) -> impl Iterator<Item = At> { [(0, 1), (1, 0), (0, -1), (-1, 0)].into_iter().map(move |(a, b)| (r + a, c + b)) }
    impl World for Grid { type Node = At; fn next(&self, n: At) -> Vec<(At, u32)> { around(n).filter_map(|p| match self.cell(p)? { '#' => None, '~' => Some((p, 5)), _ => Some((p, 1)) }).collect() } fn guess(&self, n: At) -> u32 { n.0.abs_diff(self.goal.0) + n.1.abs_diff(self.goal.1) } }
    struct Digits(u32); impl World for Digits { type Node = u32; fn next(&self, n: u32) -> Vec<(u32, u32)> { vec![(n * 2 % 1000, 2), ((n + 1) % 1000, 1)] } fn guess(&self, n: u32) -> u32 { u32::from(n != self.0) } }
    fn search<W: World>(w: &W, from: W::Node) -> Option<(u32, Vec<W::Node>)> {
        let (mut open, mut best, mut came) = (BinaryHeap::from([Reverse((w.guess(from), from))]), BTreeMap::from([(from, 0)]), BTreeMap::new());
        while let Some(Reverse((_, at))) = open.pop() { if w.is_goal(at) { let mut path: Vec<_> = std::iter::successors(Some(at), |n| came.get(n).copied()).collect(); path.reverse(); return Some((best[&at], path)); } for (n, cost) in w.next(at) { let total = best[&at] + cost; if best.get(&n).is_none_or(|b| total < *b) { best.insert(n, total); came.insert(n, at); open.push(Reverse((total + w.guess(n), n))); } } }
        None
    }
    pub fn run() -> String { let g = |goal| Grid { rows: ["..#.", ".~#.", "..~.", "###."].iter().map(|r| r.chars().collect()).collect(), goal }; let mut seen = HashSet::new(); format!("{:?} {:?} {:?} {}", search(&g((3, 3)), (0, 0)), search(&g((9, 9)), (0, 0)), search(&Digits(90), 5).map(|(n, p)| (n, p.len())), g((0, 0)).flood((0, 0), &mut seen)) }
});

program!(text_editor {
    use std::ops::Range;
    trait Edit { fn apply(&self, text: &mut String) -> Box<dyn Edit>; fn merges(&self, _: &dyn Edit) -> bool { false } fn range(&self) -> Range<usize>; }
    struct Insert { at: usize, text: String } struct Delete(Range<usize>); struct Several(Vec<Box<dyn Edit>>);
    impl Edit for Insert { fn apply(&self, t: &mut String) -> Box<dyn Edit> { t.insert_str(self.at, &self.text); Box::new(Delete(self.range())) } fn merges(&self, after: &dyn Edit) -> bool { after.range().start == self.range().end } fn range(&self) -> Range<usize> { self.at..self.at + self.text.len() } }
    impl Edit for Delete { fn apply(&self, t: &mut String) -> Box<dyn Edit> { let text = t.drain(self.0.clone()).collect(); Box::new(Insert { at: self.0.start, text }) } fn range(&self) -> Range<usize> { self.0.clone() } }
    impl Edit for Several { fn apply(&self, t: &mut String) -> Box<dyn Edit> { let mut back: Vec<_> = self.0.iter().map(|e| e.apply(t)).collect(); back.reverse(); Box::new(Several(back)) } fn range(&self) -> Range<usize> { self.0.iter().map(|e| e.range()).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0) } }
    #[derive(Default)] struct Editor { text: String, done: Vec<Box<dyn Edit>>, undone: Vec<Box<dyn Edit>>, marks: Vec<Range<usize>> }
    impl Editor {
        fn change(&mut self, e: impl Edit + 'static) -> &mut Self { if e.merges(&Delete(self.text.len()..self.text.len())) { self.marks.push(e.range()); } let back = e.apply(&mut self.text); self.done.push(back); self.undone.clear(); self }
        fn undo(&mut self) -> bool { Self::shift(&mut self.text, &mut self.done, &mut self.undone) } fn redo(&mut self) -> bool { Self::shift(&mut self.text, &mut self.undone, &mut self.done) }
        fn shift(text: &mut String, from: &mut Vec<Box<dyn Edit>>, to: &mut Vec<Box<dyn Edit>>) -> bool { from.pop().map(|e| to.push(e.apply(text))).is_some() }
        fn replace_all(&mut self, what: &str, with: &str) -> usize { let found: Vec<usize> = self.text.rmatch_indices(what).map(|(i, _)| i).collect(); let edits = found.iter().flat_map(|&at| [Box::new(Delete(at..at + what.len())) as Box<dyn Edit>, Box::new(Insert { at, text: with.to_owned() })]).collect(); self.change(Several(edits)); found.len() }
    }
    pub fn run() -> String { let mut e = Editor::default(); e.change(Insert { at: 0, text: "one two one".into() }).change(Delete(3..7)).change(Insert { at: 0, text: "zero ".into() }); let mut seen = vec![e.text.clone()]; let n = e.replace_all("one", "1"); seen.push(e.text.clone()); while e.undo() { seen.push(e.text.clone()); } let redone = [e.redo(), e.redo(), e.redo(), e.redo(), e.redo()]; format!("{n} {seen:?} {redone:?} {} {:?}", e.text, e.marks) }
});

program!(objects_over_std_traits {
    use std::collections::VecDeque;
    use std::ops::{Deref, Index};
    trait Cursor: Iterator { fn peeked(&mut self) -> Option<&Self::Item>; fn skip_one(&mut self) -> bool { self.next().is_some() } fn rest(&mut self) -> Vec<Self::Item> { std::iter::from_fn(|| self.next()).collect() } }
    struct Buffered<I: Iterator> { inner: I, ahead: VecDeque<I::Item> }
    impl<I: Iterator> Iterator for Buffered<I> { type Item = I::Item; fn next(&mut self) -> Option<I::Item> { self.ahead.pop_front().or_else(|| self.inner.next()) } }
    impl<I: Iterator> Cursor for Buffered<I> { fn peeked(&mut self) -> Option<&I::Item> { if self.ahead.is_empty() { let next = self.inner.next()?; self.ahead.push_back(next); } self.ahead.front() } }
    fn sum_pairs(c: &mut dyn Cursor<Item = u32>) -> Vec<u32> { let mut all = vec![]; while let Some(a) = c.next() { let b = c.peeked().copied().unwrap_or(0); all.push(a + b); if a == 3 { c.skip_one(); } } all }
    trait Numbers: Iterator<Item = u32> { fn total(&mut self) -> u32 { let mut s = 0; while let Some(n) = self.next() { s += n; } s } }
    impl<I: Iterator<Item = u32>> Numbers for I {}
    fn total(n: &mut dyn Numbers) -> u32 { n.total() }
    trait Named: Deref { fn name(&self) -> String; fn both(&self) -> String { format!("{}!", self.name()) } }
    trait Shown: Iterator + Clone { fn all(&self) -> String where Self::Item: std::fmt::Debug { self.clone().map(|i| format!("{i:?}")).collect() } fn largest(&self) -> Option<Self::Item> where Self::Item: Ord { self.clone().max() } } impl<I: Iterator + Clone> Shown for I {}
    trait Conditional { fn named(&self) -> String where Self: std::fmt::Debug { format!("<{self:?}>") } fn id(&self) -> u32; } impl Conditional for u32 { fn id(&self) -> u32 { *self } }
    struct Label(&'static str, String); impl Deref for Label { type Target = str; fn deref(&self) -> &str { &self.1 } } impl Named for Label { fn name(&self) -> String { self.0.to_owned() } }
    fn length(n: &dyn Named<Target = str>) -> usize { n.name().len() + n.len() }
    trait Row: Index<usize, Output = i32> { fn width(&self) -> usize; fn sum(&self) -> i32 { (0..self.width()).map(|i| self[i]).sum() } }
    struct Dense(Vec<i32>); impl Index<usize> for Dense { type Output = i32; fn index(&self, i: usize) -> &i32 { &self.0[i] } } impl Row for Dense { fn width(&self) -> usize { self.0.len() } }
    fn rows(all: &[Box<dyn Row>]) -> i32 { all.iter().map(|r| r.sum()).sum() }
    pub fn run() -> String { let mut b = Buffered { inner: 1..=6u32, ahead: VecDeque::new() }; let mut words: Box<dyn Cursor<Item = &str>> = Box::new(Buffered { inner: "a b c".split(' '), ahead: VecDeque::new() }); words.skip_one(); format!("{} {:?} {} {} {:?} {:?} {} {} {} {}", (1..3).all(), "ab".chars().largest(), 7u32.named(), 8u32.id(), sum_pairs(&mut b), words.rest(), total(&mut [1, 2, 3].into_iter()), Label("l", "text".into()).both(), length(&Label("ab", "cde".into())), rows(&[Box::new(Dense(vec![1, 2])), Box::new(Dense(vec![]))])) }
});
