//! What people write around calls: downcasts, unsafe traits, constants of traits, closures that recurse, configured items.

program!(downcasting {
    use std::any::{Any, TypeId};
    use std::fmt::Debug;
    use std::rc::Rc;
    trait Component: Any + Debug { fn tick(&mut self) -> u32; fn kind(&self) -> TypeId { self.type_id() } fn any(&self) -> &dyn Any; fn any_rc(self: Rc<Self>) -> Rc<dyn Any>; }
    #[derive(Debug, Clone, PartialEq)] struct Clock(u32); #[derive(Debug)] struct Named<T>(&'static str, T);
    impl Component for Clock { fn tick(&mut self) -> u32 { self.0 += 1; self.0 } fn any(&self) -> &dyn Any { self } fn any_rc(self: Rc<Self>) -> Rc<dyn Any> { self } }
    impl<T: Component> Component for Named<T> { fn tick(&mut self) -> u32 { self.1.tick() * 10 } fn any(&self) -> &dyn Any { self } fn any_rc(self: Rc<Self>) -> Rc<dyn Any> { self } }
    fn find<T: 'static>(all: &[Box<dyn Component>]) -> Option<&T> { all.iter().find_map(|c| c.any().downcast_ref::<T>()) }
    fn plain_any(v: &dyn Any) -> String { match v.downcast_ref::<Clock>() { Some(c) => format!("{c:?}"), None => v.downcast_ref::<&str>().map_or("?".into(), |s| s.to_string()) } }
    pub fn run() -> String { let mut all: Vec<Box<dyn Component>> = vec![Box::new(Named("n", Clock(5))), Box::new(Clock(1))]; let ticks: Vec<u32> = all.iter_mut().map(|c| c.tick()).collect(); let rc: Rc<dyn Component> = Rc::new(Clock(8)); let same = (*rc).kind() == TypeId::of::<Clock>(); let down = rc.any_rc().downcast::<Clock>().map(|c| c.0).ok(); format!("{ticks:?} {all:?} {:?} {} {same} {down:?} {} {} {}", find::<Clock>(&all), find::<String>(&all).is_none(), plain_any(&Clock(2)), plain_any(&"s"), plain_any(&3u8)) }
});

program!(unsafe_code {
    use std::mem::MaybeUninit;
    use std::ptr::NonNull;
    // SAFETY: zeros are a value of who implements this.
    unsafe trait Zeroed: Sized { fn zeroed() -> Self { unsafe { std::mem::zeroed() } } fn is_zero(&self) -> bool; }
    // SAFETY: they are 0.
    unsafe impl Zeroed for u32 { fn is_zero(&self) -> bool { *self == 0 } }
    // SAFETY: they are zeros of each.
    unsafe impl<T: Zeroed, const N: usize> Zeroed for [T; N] { fn is_zero(&self) -> bool { self.iter().all(T::is_zero) } }
    struct Node<T> { value: T, next: Option<NonNull<Node<T>>> }
    struct Stack<T> { top: Option<NonNull<Node<T>>> }
    impl<T> Stack<T> {
        const fn new() -> Self { Stack { top: None } }
        fn push(&mut self, value: T) { self.top = Some(NonNull::from(Box::leak(Box::new(Node { value, next: self.top })))); }
        // SAFETY: the top was leaked by `push`, and is the top no more.
        fn pop(&mut self) -> Option<T> { self.top.map(|n| { let n = unsafe { Self::take(n) }; self.top = n.next; n.value }) }
        // SAFETY: callers have what `push` leaked, and use it no more.
        unsafe fn take(n: NonNull<Node<T>>) -> Box<Node<T>> { unsafe { Box::from_raw(n.as_ptr()) } }
        // SAFETY: what `push` leaked stays until it is popped, which nobody can while the stack is borrowed.
        fn each(&self, f: &mut impl FnMut(&T)) { let mut at = self.top; while let Some(n) = at { let n = unsafe { n.as_ref() }; f(&n.value); at = n.next; } }
    }
    impl<T> Drop for Stack<T> { fn drop(&mut self) { while self.pop().is_some() {} } }
    // SAFETY: callers have so many numbers there.
    unsafe fn sum(from: *const u32, n: usize) -> u32 { if n == 0 { 0 } else { unsafe { *from + sum(from.add(1), n - 1) } } }
    // SAFETY: each was written in the loop.
    fn filled<const N: usize>(f: impl Fn(usize) -> u32) -> [u32; N] { let mut a = [const { MaybeUninit::uninit() }; N]; for (i, slot) in a.iter_mut().enumerate() { slot.write(f(i)); } a.map(|v| unsafe { v.assume_init() }) }
    union Bits { int: u32, float: f32 }
    // SAFETY: all bytes were written, and any are a `u32`.
    fn bits(f: f32) -> u32 { unsafe { Bits { float: f }.int } }
    // SAFETY: the array is so long.
    pub fn run() -> String { let mut s = Stack::new(); for w in ["a", "b", "c"] { s.push(w.to_string()); } let top = s.pop(); let mut seen = vec![]; s.each(&mut |w| seen.push(w.clone())); let a = filled::<5>(|i| (i * i) as u32); format!("{top:?} {seen:?} {} {} {} {:x}", unsafe { sum(a.as_ptr(), a.len()) }, <[u32; 3]>::zeroed().is_zero(), [0, 1u32].is_zero(), bits(1.5)) }
});

program!(constants_of_traits {
    trait Unit { const NAME: &'static str; const FACTOR: f64 = 1.0; type Base: Unit; fn base(v: f64) -> f64 { v * Self::FACTOR } fn show(v: f64) -> String { format!("{v}{}={}{}", Self::NAME, Self::base(v), Self::Base::NAME) } }
    struct Metre; struct Kilo<U>(std::marker::PhantomData<U>);
    impl Unit for Metre { const NAME: &'static str = "m"; type Base = Metre; }
    impl<U: Unit> Unit for Kilo<U> { const NAME: &'static str = "k"; const FACTOR: f64 = 1000.0 * U::FACTOR; type Base = U::Base; }
    struct Ring<const N: usize> { items: [u32; N], at: usize }
    impl<const N: usize> Ring<N> { const EMPTY: Self = Ring { items: [0; N], at: 0 }; const fn size() -> usize { N } fn put(&mut self, v: u32) -> u32 { let old = std::mem::replace(&mut self.items[self.at % Self::size()], v); self.at = next::<N>(self.at); old } }
    const fn next<const N: usize>(at: usize) -> usize { if at + 1 == N { 0 } else { at + 1 } }
    const TABLE: [usize; 4] = { let mut t = [0; 4]; let mut i = 0; while i < 4 { t[i] = next::<3>(i); i += 1; } t };
    static START: usize = next::<9>(3);
    pub fn run() -> String { let mut r = Ring::<2>::EMPTY; let old: Vec<u32> = [5, 6, 7, 8, 9].map(|v| r.put(v)).into(); format!("{} {} {old:?} {:?} {TABLE:?} {START}", Kilo::<Kilo<Metre>>::show(2.0), Metre::show(3.0), r.items) }
});

program!(recursive_closures {
    use std::cell::RefCell;
    use std::collections::HashMap;
    struct Fix<'a, A, R>(&'a dyn Fn(&Fix<'a, A, R>, A) -> R);
    impl<A, R> Fix<'_, A, R> { fn call(&self, a: A) -> R { (self.0)(self, a) } }
    fn memoised(f: &dyn Fn(&dyn Fn(u64) -> u64, u64) -> u64, cache: &RefCell<HashMap<u64, u64>>, n: u64) -> u64 { if let Some(v) = cache.borrow().get(&n) { return *v; } let v = f(&|m| memoised(f, cache, m), n); cache.borrow_mut().insert(n, v); v }
    fn walk<T>(items: &[T], done: &mut Vec<usize>, leave: &mut dyn FnMut(&T, usize, &mut dyn FnMut(usize))) { for (i, t) in items.iter().enumerate() { let mut note = |n| done.push(n); leave(t, i, &mut note); } }
    fn trampoline<T>(mut step: Box<dyn FnOnce() -> Step<T>>) -> T { loop { match step() { Step::Done(t) => return t, Step::More(next) => step = next } } }
    enum Step<T> { Done(T), More(Box<dyn FnOnce() -> Step<T>>) }
    fn sum_to(n: u64, so_far: u64) -> Step<u64> { if n == 0 { Step::Done(so_far) } else { Step::More(Box::new(move || sum_to(n - 1, so_far + n))) } }
    fn continued(n: u64, k: Box<dyn FnOnce(u64) -> u64>) -> u64 { if n == 0 { k(1) } else { continued(n - 1, Box::new(move |v| k(v * n))) } }
    pub fn run() -> String { let cache = RefCell::default(); let ack = Fix(&|f, (m, n): (u64, u64)| match (m, n) { (0, n) => n + 1, (m, 0) => f.call((m - 1, 1)), (m, n) => f.call((m - 1, f.call((m, n - 1)))) }); let mut done = vec![]; walk(&["a", "bb"], &mut done, &mut |t, i, note| { for k in 0..t.len() { note(i * 10 + k); } }); format!("{} {} {} {done:?} {} {}", memoised(&|rec, n| if n < 2 { n } else { rec(n - 1) + rec(n - 2) }, &cache, 60), cache.borrow().len(), ack.call((2, 2)), trampoline(Box::new(|| sum_to(500, 0))), continued(10, Box::new(|v| v))) }
});

program!(globs_in_blocks {
    #[derive(Debug, Clone, Copy, PartialEq)] enum Level { Low, High }
    mod tools { pub fn raise(n: u32) -> u32 { n + 1 } pub mod deep { pub fn lower(n: u32) -> u32 { super::raise(n) - 2 } } }
    fn raise(n: u32) -> u32 { n + 100 }
    fn level(n: u32) -> Level { use Level::*; if raise(n) > 105 { High } else { Low } }
    fn inner(n: u32) -> u32 { use tools::*; use deep::*; { use self::tools::deep as d; lower(raise(n)) + d::lower(n) } }
    fn outer(n: u32) -> u32 { fn twice(n: u32) -> u32 { { use Level::*; let l = if n > 2 { High } else { Low }; if l == High { up_by(n, 2) } else { up_by(n, up_by(0, 1)) } } } fn up_by(n: u32, by: u32) -> u32 { if by == 0 { n } else { up_by(n + 1, by - 1) } } twice(n) }
    mod user { use super::*; pub fn all() -> Vec<Level> { use Level::{High as Top, *}; vec![level(9), Top, Low] } }
    pub fn run() -> String { format!("{:?} {:?} {} {} {:?}", level(1), level(7), inner(4), outer(3) + outer(1), user::all()) }
});

program!(configured {
    trait Sink { fn put(&mut self, s: &str); fn line(&mut self, s: &str) { self.put(s); #[cfg(all())] self.put("/"); #[cfg(any())] self.put(missing()); } }
    #[derive(Default)] struct Text(String); #[cfg(any())] struct Other(Missing);
    impl Sink for Text { fn put(&mut self, s: &str) { self.0 += s; } }
    #[cfg(any())] impl Sink for Other { fn put(&mut self, s: &str) { missing(s) } }
    #[cfg(any())] use missing::everything;
    enum Mode { #[cfg(all())] On(u32), #[cfg(any())] Off(Missing) }
    fn modes(m: &Mode) -> u32 { match m { #[cfg(all())] Mode::On(n) => value(*n), #[cfg(any())] Mode::Off(n) => missing(n) } }
    fn value(n: u32) -> u32 { if cfg!(all()) { n * 2 } else { n } }
    fn statements() -> Vec<u32> { #[cfg(any())] let n = missing(); #[cfg(all())] let n = value(4); vec![n, #[cfg(any())] missing(), #[cfg(all())] value(n)] }
    pub fn run() -> String { let mut t = Text::default(); let s: &mut dyn Sink = &mut t; s.line("a"); s.line("b"); format!("{} {} {:?}", t.0, modes(&Mode::On(3)), statements()) }
});

program!(iterators_of_objects {
    trait Cursor { fn advance(&mut self) -> Option<u32>; fn boxed<'a>(self) -> Box<dyn Cursor + 'a> where Self: Sized + 'a { Box::new(self) } fn skip_to(&mut self, n: u32) -> Option<u32> { loop { match self.advance()? { v if v >= n => return Some(v), _ => continue } } } }
    struct Slice<'s> { items: &'s [u32] } struct Union<'a>(Vec<(Option<u32>, Box<dyn Cursor + 'a>)>); struct Both<'a>(Box<dyn Cursor + 'a>, Box<dyn Cursor + 'a>); struct Without<A, B> { from: A, drop: B, next: Option<u32> }
    impl Cursor for Slice<'_> { fn advance(&mut self) -> Option<u32> { let (first, rest) = self.items.split_first()?; self.items = rest; Some(*first) } }
    impl<'a> Union<'a> { fn new(all: Vec<Box<dyn Cursor + 'a>>) -> Self { Union(all.into_iter().map(|mut c| (c.advance(), c)).collect()) } }
    impl Cursor for Union<'_> { fn advance(&mut self) -> Option<u32> { let least = self.0.iter().filter_map(|(n, _)| *n).min()?; for (n, c) in &mut self.0 { while *n == Some(least) { *n = c.advance(); } } Some(least) } }
    impl Cursor for Both<'_> { fn advance(&mut self) -> Option<u32> { let mut a = self.0.advance()?; loop { let b = self.1.skip_to(a)?; if a == b { return Some(a); } a = self.0.skip_to(b)?; if a == b { return Some(a); } } } }
    impl<A: Cursor, B: Cursor> Cursor for Without<A, B> { fn advance(&mut self) -> Option<u32> { 'next: loop { let v = self.from.advance()?; while let Some(d) = self.next { if d > v { break; } self.next = self.drop.advance(); if d == v { continue 'next; } } return Some(v); } } }
    impl Iterator for dyn Cursor + '_ { type Item = u32; fn next(&mut self) -> Option<u32> { self.advance() } }
    fn of(items: &[u32]) -> Slice<'_> { Slice { items } }
    fn all(mut c: impl Cursor) -> Vec<u32> { std::iter::from_fn(|| c.advance()).collect() }
    pub fn run() -> String { let (a, b, c) = (vec![1, 3, 5, 7, 9], vec![3, 4, 5, 9], vec![5, 10]); let u = Union::new(vec![of(&a).boxed(), of(&b).boxed(), of(&c).boxed()]); let nested = Both(Union::new(vec![of(&a).boxed(), of(&c).boxed()]).boxed(), of(&b).boxed()); let mut drop = of(&b); let next = drop.advance(); format!("{:?} {:?} {:?}", all(u), all(nested), all(Without { from: of(&a), drop, next })) }
});
