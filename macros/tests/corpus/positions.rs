//! Where `dyn Trait` and methods' names can stand besides the usual places.

program!(objects_in_types {
    use std::borrow::Borrow;
    use std::cell::{Cell, RefCell};
    use std::collections::{HashMap, HashSet};
    use std::fmt::{self, Debug};
    use std::hash::{Hash, Hasher};
    use std::ops::{Deref, DerefMut};
    use std::rc::Rc;
    use std::sync::LazyLock;

    pub trait Key { fn first(&self) -> &str; fn second(&self) -> u32; fn both(&self) -> (&str, u32) { (self.first(), self.second()) } }
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Owned(String, u32);
    struct Lent<'a>(&'a str, u32);
    impl Key for Owned { fn first(&self) -> &str { &self.0 } fn second(&self) -> u32 { self.1 } }
    impl Key for Lent<'_> { fn first(&self) -> &str { self.0 } fn second(&self) -> u32 { self.1 } }
    impl Key for () { fn first(&self) -> &str { "" } fn second(&self) -> u32 { 0 } }
    impl Hash for dyn Key + '_ { fn hash<H: Hasher>(&self, h: &mut H) { let (a, b) = self.both(); a.hash(h); b.hash(h); } }
    impl PartialEq for dyn Key + '_ { fn eq(&self, o: &(dyn Key + '_)) -> bool { self.both() == o.both() } }
    impl Eq for dyn Key + '_ {}
    impl<'a> Borrow<dyn Key + 'a> for Owned { fn borrow(&self) -> &(dyn Key + 'a) { self } }
    impl PartialEq<dyn Key> for Owned { fn eq(&self, o: &dyn Key) -> bool { self.both() == o.both() } }
    impl AsRef<dyn Key> for Owned { fn as_ref(&self) -> &(dyn Key + 'static) { self } }
    impl ToOwned for dyn Key { type Owned = Box<dyn Key>; fn to_owned(&self) -> Box<dyn Key> { Box::new(Owned(self.first().to_owned(), self.second())) } }
    impl<K: Key + 'static> From<K> for Box<dyn Key> { fn from(k: K) -> Self { Box::new(k) } }
    impl Default for Box<dyn Key> { fn default() -> Self { Box::new(()) } }
    impl Debug for dyn Key { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}#{}", self.first(), self.second()) } }
    impl<'a> std::iter::Sum<&'a dyn Key> for u32 { fn sum<I: Iterator<Item = &'a dyn Key>>(all: I) -> u32 { all.map(Key::second).sum() } }
    struct Handle { inner: Box<dyn Key>, reads: Cell<u32> }
    impl Deref for Handle { type Target = dyn Key; fn deref(&self) -> &Self::Target { self.reads.set(self.reads.get() + 1); &*self.inner } }
    impl DerefMut for Handle { fn deref_mut(&mut self) -> &mut (dyn Key + 'static) { self.inner.as_mut() } }
    #[derive(Default)]
    struct Ring { keys: Vec<Box<dyn Key>>, last: Option<Rc<dyn Key>> }
    impl Extend<Box<dyn Key>> for Ring { fn extend<I: IntoIterator<Item = Box<dyn Key>>>(&mut self, all: I) { self.keys.extend(all); } }
    impl FromIterator<Owned> for Ring { fn from_iter<I: IntoIterator<Item = Owned>>(all: I) -> Self { let mut r = Ring::default(); r.extend(all.into_iter().map(Box::<dyn Key>::from)); r } }
    struct Of<T: ?Sized = dyn Key>(u8, Rc<T>);
    type Any = dyn Key + Send + Sync;
    static FIXED: &(dyn Key + Sync) = &Lent("fixed", 7);
    const TABLE: [&(dyn Key + Sync); 2] = [&Lent("t", 1), &()];
    static LAZY: LazyLock<Vec<Box<Any>>> = LazyLock::new(|| vec![Box::new(Owned("lazy".into(), 3)), Box::new(Lent("l", 2))]);
    thread_local! { static LOCAL: RefCell<HashMap<u8, Box<dyn Key>>> = RefCell::new(HashMap::from([(1, Box::new(Lent("local", 9)) as Box<dyn Key>)])); }
    fn function(make: fn(u32) -> Box<dyn Key>, with: &dyn Fn(&dyn Key) -> u32) -> u32 { with(&*make(4)) }
    fn maybe<'a>(k: Option<&'a mut (dyn Key + 'a)>) -> Result<&'a mut (dyn Key + 'a), Box<dyn std::error::Error>> { k.ok_or_else(|| "none".into()) }
    // SAFETY: the box is taken apart, looked at, and put together again, once.
    fn raw(k: Box<dyn Key>) -> (u32, Box<dyn Key>) { let p: *mut dyn Key = Box::into_raw(k); let n = unsafe { (*p).second() }; let nn = std::ptr::NonNull::<dyn Key>::new(p).unwrap(); (n, unsafe { Box::from_raw(nn.as_ptr()) }) }
    pub fn run() -> String {
        let set: HashSet<Owned> = [Owned("a".into(), 1), Owned("b".into(), 2)].into();
        let found = set.get(&Lent("b", 2) as &dyn Key);
        let missing = set.contains(&Lent("b", 1) as &dyn Key);
        let mut ring: Ring = set.iter().cloned().collect();
        ring.extend([Box::default(), Owned("c".into(), 5).into()]);
        ring.last = ring.keys.pop().map(Rc::from);
        let sum: u32 = ring.keys.iter().map(|k| &**k).sum();
        let mut handle = Handle { inner: (FIXED as &dyn Key).to_owned(), reads: Cell::new(0) };
        let both = (handle.second() + handle.second(), handle.deref_mut().first().len());
        let of: Of = Of(1, Rc::new(Lent("of", 6)));
        let other: Of<Owned> = Of(2, Rc::new(Owned("x".into(), 1)));
        let boxes: Rc<[Box<dyn Key>]> = TABLE.iter().map(|k| -> Box<dyn Key> { ToOwned::to_owned(*k as &dyn Key) }).collect();
        let (n, back) = raw(Box::new(Owned("raw".into(), 8)));
        let local = LOCAL.with_borrow(|m| m.get(&1).map(|k| k.second()));
        format!("{found:?} {missing} {sum} {both:?} {} {} {} {boxes:?} {n} {back:?} {local:?} {:?} {} {} {:?} {}", handle.reads.get(), of.1.second() + u32::from(of.0), other.1 == Rc::new(Owned("x".into(), 1)),
            LAZY.iter().map(|k| k.both()).collect::<Vec<_>>(), function(|n| Box::new(Owned("f".into(), n)), &|k| k.second() * 10), maybe(Some(&mut ())).map_or(0, |k| k.second() + 1), ring.last.as_deref().map(Key::first), Owned("fixed".into(), 7) == *(FIXED as &dyn Key))
    }
});

program!(names_as_values {
    use std::any::Any;
    use std::collections::BTreeMap;
    use std::rc::Rc;

    pub trait Shape: Any { const CORNERS: u32 = 0; fn area(&self) -> u32; fn r#type(&self) -> &'static str; fn grown(&self, by: u32) -> Self where Self: Sized; fn corners(&self) -> u32 where Self: Sized { Self::CORNERS } }
    pub trait Held { fn size(&self) -> u32; fn into_any(self: Box<Self>) -> Box<dyn Any>; fn name(&self) -> &'static str; }
    impl<S: Shape> Held for S { fn size(&self) -> u32 { self.area() } fn into_any(self: Box<Self>) -> Box<dyn Any> { self } fn name(&self) -> &'static str { S::r#type(self) } }
    #[derive(Debug, Clone, Copy, PartialEq)] struct Square(u32);
    #[derive(Debug, Clone, Copy, PartialEq)] struct Größe { länge: u32 }
    impl Shape for Square { const CORNERS: u32 = 4; fn area(&self) -> u32 { self.0 * self.0 } fn r#type(&self) -> &'static str { "square" } fn grown(&self, by: u32) -> Self { Self(self.0 + by) } }
    impl Shape for Größe { fn area(&self) -> u32 { self.länge } fn r#type(&self) -> &'static str { "länge" } fn grown(&self, by: u32) -> Self { Größe { länge: self.länge * by } } }
    impl Square { const fn unit() -> Self { Square(1) } fn name(&self) -> String { format!("own {}", Held::name(self)) } fn cut<const N: usize, T: From<u32>>(self) -> [T; N] { std::array::from_fn(|i| T::from(self.area() / N as u32 + i as u32)) } fn sum_of(all: &[Self]) -> u32 { all.iter().map(Self::area).sum() } fn try_new(n: i32) -> Result<Self, String> { u32::try_from(n).map(Self).map_err(Self::complain) } fn complain(e: impl ToString) -> String { e.to_string().len().to_string() } }
    fn apply<T, R>(t: T, f: impl FnOnce(T) -> R) -> R { f(t) }
    fn make<S: Shape>(n: u32, f: fn(&S, u32) -> S, start: S) -> impl Fn(u32) -> S { move |k| (0..n).fold(f(&start, 0), |s, _| f(&s, k)) }
    fn dispatch() -> BTreeMap<&'static str, fn(&dyn Held) -> u32> { BTreeMap::from([("size", (|h| <dyn Held>::size(h)) as fn(&dyn Held) -> u32), ("twice", |h| 2 * Held::size(h))]) }
    type Deeper = Box<dyn FnOnce(u32) -> Box<dyn Fn(u32) -> u32>>;
    fn deeper(n: u32) -> Deeper { Box::new(move |m| if n == 0 { Box::new(move |k| k + m) } else { deeper(n - 1)(m + 1) }) }
    mod area { pub fn area(n: u32) -> u32 { n + 1 } pub const AREA: u32 = { const fn area(n: u32) -> u32 { n - 3 } area(3) }; }
    use area::area;
    fn recursive_by_value(n: u32) -> u32 { [recursive_by_value as fn(u32) -> u32, |n| n].into_iter().skip(usize::from(n == 0)).take(1).map(|f| f(n.saturating_sub(1))).sum::<u32>() + 1 }
    pub fn run() -> String {
        let all: Vec<Box<dyn Held>> = vec![Box::new(Square(3)), Box::new(Größe { länge: 5 })];
        let sizes: Vec<u32> = all.iter().map(|h| dispatch().values().map(|f| f(&**h)).sum()).collect();
        let mut order: Vec<&dyn Held> = all.iter().map(Box::as_ref).collect();
        order.sort_by_key(|h| std::cmp::Reverse(h.size()));
        let names: Vec<&str> = order.iter().copied().map(Held::name).collect();
        let any: Vec<Option<Square>> = all.into_iter().map(Held::into_any).map(|a| a.downcast::<Square>().ok().map(|s| *s)).collect();
        let up: Rc<dyn Any> = { let s: Rc<dyn Any> = Rc::new(Square(8)); s };
        let grown = apply(Square(2), |s| s.grown(1)).grown(1);
        let (mut a, mut b) = (1, 2);
        (a, b) = (area(b), area::area(a) + area::AREA);
        let [x, y] = grown.cut::<2, u64>();
        format!("{sizes:?} {names:?} {any:?} {:?} {} {} {a} {b} {x} {y} {} {:?} {:?} {} {} {} {}", up.downcast_ref::<Square>().map(Shape::area), Square(9).name(), <Square as Held>::name(&Square(1)), Square::sum_of(&[Square(1), Square::unit(), grown]), Square::try_new(-1), [1, 2].map(Square::try_new).map(|r| r.map_or(0, |s| s.area())), make(3, Shape::grown, Square(0))(2).area(), make(2, <Größe as Shape>::grown, Größe { länge: 1 })(3).area(), deeper(4)(1)(10), recursive_by_value(3) + grown.corners())
    }
});

program!(unusual_methods {
    use std::collections::VecDeque;
    use std::fmt::Write as _;

    // Inherent and trait methods of one name, several traits of one name, methods named as std's, default type parameters.
    trait Step<Rhs = Self> { type Out; fn next(&mut self, with: Rhs) -> Self::Out; fn len(&self) -> usize { 1 } fn write(&self, to: &mut String) where Self: std::fmt::Debug { let _ = write!(to, "{self:?}"); } }
    trait Other { fn next(&self) -> u32; fn len(&self) -> u32 { 100 } }
    #[derive(Debug, Clone, Default)] struct Queue(VecDeque<u32>);
    impl Step<u32> for Queue { type Out = Option<u32>; fn next(&mut self, with: u32) -> Option<u32> { self.0.push_back(with); if self.0.len() > 2 { self.0.pop_front() } else { None } } }
    impl Step for Queue { type Out = usize; fn next(&mut self, with: Queue) -> usize { self.0.extend(with.0.iter()); Other::len(self) as usize } fn len(&self) -> usize { self.0.len() * 1000 } }
    impl Other for Queue { fn next(&self) -> u32 { self.0.front().copied().unwrap_or_default() } }
    impl Queue { fn len(&self) -> usize { self.0.len() } fn next(self) -> Option<Self> { let Queue(mut q) = self; q.pop_front().map(|_| Queue(q)) } }
    fn drain(q: Queue) -> usize { match q.next() { Some(rest) => 1 + drain(rest), None => 0 } }
    fn by_bound<T: Step<u32, Out = Option<u32>> + Other>(t: &mut T) -> (Option<u32>, usize) { (Step::next(t, 5), <T as Step<u32>>::len(t)) }

    // Recursion through operators, indexes, comparisons, conversions, drops and formatting.
    #[derive(Clone, PartialEq, PartialOrd)] enum Term { One(i64), Sum(Box<Term>, Box<Term>), Neg(Box<Term>) }
    impl std::ops::Add for Term { type Output = Term; fn add(self, o: Term) -> Term { match (self, o) { (Term::One(a), Term::One(b)) => Term::One(a + b), (Term::Neg(a), Term::Neg(b)) => -(*a + *b), (a, b) => Term::Sum(a.into(), b.into()) } } }
    impl std::ops::Neg for Term { type Output = Term; fn neg(self) -> Term { match self { Term::Sum(a, b) => -*a + -*b, Term::Neg(t) => *t, t => Term::Neg(t.into()) } } }
    impl From<&str> for Term { fn from(text: &str) -> Term { match text.split_once('+') { Some((a, b)) => Term::from(a) + b.into(), None => text.strip_prefix('-').map_or_else(|| Term::One(text.parse().unwrap_or(0)), |t| -Term::from(t)) } } }
    impl From<&Term> for i64 { fn from(t: &Term) -> i64 { match t { Term::One(n) => *n, Term::Sum(a, b) => i64::from(&**a) + i64::from(b.as_ref()), Term::Neg(t) => -<i64 as From<&Term>>::from(t) } } }
    impl std::fmt::Display for Term { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { match self { Term::One(n) => write!(f, "{n}"), Term::Sum(a, b) => write!(f, "({a}+{b})"), Term::Neg(t) => write!(f, "-{t}") } } }
    struct Chain<'l>(u32, Option<Box<Chain<'l>>>, &'l std::cell::Cell<u32>);
    impl Drop for Chain<'_> { fn drop(&mut self) { self.2.set(self.2.get() * 3 + weight(self.0)); } }
    fn weight(n: u32) -> u32 { n % 5 }
    fn chain<'l>(n: u32, log: &'l std::cell::Cell<u32>) -> Chain<'l> { Chain(n, (n > 0).then(|| Box::new(chain(n - 1, log))), log) }

    // Control flow in odd places.
    fn odd(n: i32) -> Result<i32, String> {
        let pick = |n| -> Result<i32, String> { Ok(if n > 2 { return Err(format!("{:?}", half(n))) } else { half(n)? + 1 }) };
        let mut total = 0;
        let found = 'out: loop { for i in 0.. { match pick(i) { Ok(v) if v % 2 == 0 => total += v, Ok(_) => continue, Err(e) if n == 0 => return Err(e), Err(_) => break 'out i } } };
        let Ok(last) = half(found * 2) else { unreachable!("{found}") };
        Ok({ let v @ 1..=9 = last else { return half(n) }; v } + total + if let (true, v) | (v, true) = (n > 1, n > 3) && (v || half(n).is_err()) { 10 } else { 20 })
    }
    fn half(n: i32) -> Result<i32, String> { (n >= 0).then(|| n / 2).ok_or_else(String::new) }
    pub fn run() -> String {
        let mut q = Queue::default();
        let fed: Vec<Option<u32>> = (1..5).map(|n| Step::<u32>::next(&mut q, n)).collect();
        let merged = <Queue as Step>::next(&mut q, Queue([7, 8].into()));
        let mut text = String::new();
        Step::<u32>::write(&q, &mut text);
        let t = Term::from("1+-2+3+--4+-5+-6");
        let log = std::cell::Cell::new(1);
        drop(chain(4, &log));
        format!("{fed:?} {merged} {text} {} {} {:?} {} {} {} {} {} {} {:?}", q.len(), Other::next(&q), by_bound(&mut q), <Queue as Step<Queue>>::len(&q), drain(q.clone()), t, -t.clone(), i64::from(&t), log.get(), [0, 1, 3, 5].map(odd))
    }
});

// Methods of trait objects are theirs: no import of the trait is needed, and a trait in scope with the same name does not matter.
program!(objects_without_imports {
    mod shapes {
        pub trait Named { fn name(&self) -> String; fn both(&self) -> u32 { 1 } }
        // SAFETY: callers of `risky` owe nothing.
        pub trait Shape: Named { fn area(&self) -> u32; fn twice(&self) -> u32 { 2 * self.area() } fn both(&self) -> u32 { 2 } fn into_area(self: Box<Self>) -> u32; fn shared(self: std::sync::Arc<Self>) -> usize; unsafe fn risky(&self) -> u32; fn grow(&mut self, by: u32) -> &mut u32; }
        pub trait Convert<A> { type Out; type Error: std::fmt::Debug; fn convert(&self, a: A) -> Result<Self::Out, Self::Error>; fn many(&self, all: Vec<A>) -> Box<dyn Iterator<Item = Self::Out> + '_>; }
        pub struct Square(pub u32);
        impl Named for Square { fn name(&self) -> String { "square".into() } }
        // SAFETY: as above.
        impl Shape for Square { fn area(&self) -> u32 { self.0 * self.0 } fn into_area(self: Box<Self>) -> u32 { self.area() } fn shared(self: std::sync::Arc<Self>) -> usize { std::sync::Arc::strong_count(&self) } unsafe fn risky(&self) -> u32 { self.0 } fn grow(&mut self, by: u32) -> &mut u32 { self.0 += by; &mut self.0 } }
        impl Convert<u8> for Square { type Out = u64; type Error = String; fn convert(&self, a: u8) -> Result<u64, String> { if a > 9 { Err(self.name()) } else { Ok(u64::from(a) * 2) } } fn many(&self, all: Vec<u8>) -> Box<dyn Iterator<Item = u64> + '_> { Box::new(all.into_iter().flat_map(|a| self.convert(a))) } }
    }
    trait Decoy { fn area(&self) -> u32; }
    impl<T: ?Sized> Decoy for T { fn area(&self) -> u32 { 999 } }
    fn sum(of: &[Box<dyn shapes::Shape>]) -> u32 { of.iter().map(|s| s.area() + s.twice()).sum() }
    fn named(of: &(dyn shapes::Named + Send)) -> String { of.name() }
    fn generic<T: shapes::Shape + ?Sized>(t: &T) -> u32 { t.twice() }
    pub fn run() -> String {
        let square = || shapes::Square(3);
        let mut one: Box<dyn shapes::Shape + Send + Sync> = Box::new(square());
        *one.grow(1) += 1;
        let convert: &dyn shapes::Convert<u8, Out = u64, Error = String> = &square();
        let arc: std::sync::Arc<dyn shapes::Shape> = std::sync::Arc::new(square());
        // SAFETY: as above.
        let risky = unsafe { arc.risky() };
        let decoy = Decoy::area(&*one);
        format!("{} {} {} {} {} {:?} {:?} {:?} {risky} {decoy} {} {}", sum(&[Box::new(square())]), named(&square()), generic(&*one), one.name(), one.area(), convert.convert(4), convert.convert(10), convert.many(vec![1, 10, 2]).collect::<Vec<_>>(), arc.clone().shared(), one.into_area())
    }
});
