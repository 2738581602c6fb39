//! Libraries in small: iterators, quantities, modules with inner walls, visitors.

// Adaptors of iterators as an extension trait, for all iterators; iterators of objects that recurse.
program!(iterator_extensions {
    use std::collections::VecDeque;
    use std::iter::{FusedIterator, Peekable};

    pub trait Extensions: Iterator {
        fn every(self, n: usize) -> Every<Self>
        where
            Self: Sized,
        {
            Every { inner: self, n, at: 0 }
        }
        fn runs(self) -> Runs<Self>
        where
            Self: Sized,
            Self::Item: PartialEq,
        {
            Runs { inner: self.peekable() }
        }
        fn spread(&mut self) -> Option<(Self::Item, Self::Item)>
        where
            Self::Item: Ord + Clone,
        {
            let first = self.next()?;
            Some(self.fold((first.clone(), first), |(low, high), n| (low.min(n.clone()), high.max(n))))
        }
        fn last_few(self, n: usize) -> VecDeque<Self::Item>
        where
            Self: Sized,
        {
            self.fold(VecDeque::with_capacity(n), |mut kept, item| {
                if kept.len() == n {
                    kept.pop_front();
                }
                kept.push_back(item);
                kept
            })
        }
    }
    impl<I: Iterator + ?Sized> Extensions for I {}

    #[derive(Clone)]
    pub struct Every<I> {
        inner: I,
        n: usize,
        at: usize,
    }
    impl<I: Iterator> Iterator for Every<I> {
        type Item = I::Item;
        fn next(&mut self) -> Option<I::Item> {
            let skip = if self.at == 0 { 0 } else { self.n - 1 };
            self.at += 1;
            self.inner.nth(skip)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (0, self.inner.size_hint().1)
        }
    }
    impl<I: FusedIterator> FusedIterator for Every<I> {}
    pub struct Runs<I: Iterator> {
        inner: Peekable<I>,
    }
    impl<I> Iterator for Runs<I>
    where
        I: Iterator,
        I::Item: PartialEq,
    {
        type Item = (I::Item, usize);
        fn next(&mut self) -> Option<Self::Item> {
            let item = self.inner.next()?;
            let more = std::iter::from_fn(|| self.inner.next_if(|next| *next == item)).count();
            Some((item, 1 + more))
        }
    }
    enum Tree<T> {
        Leaf(T),
        Fork(Vec<Tree<T>>),
    }
    impl<T> Tree<T> {
        fn iter(&self) -> Box<dyn Iterator<Item = &T> + '_> {
            match self {
                Tree::Leaf(t) => Box::new(std::iter::once(t)),
                Tree::Fork(below) => Box::new(below.iter().flat_map(|t| t.iter())),
            }
        }
        fn depths(&self, at: usize) -> impl Iterator<Item = usize> {
            fn collect<T>(tree: &Tree<T>, at: usize, into: &mut Vec<usize>) {
                match tree {
                    Tree::Leaf(_) => into.push(at),
                    Tree::Fork(below) => below.iter().for_each(|t| collect(t, at + 1, into)),
                }
            }
            let mut all = vec![];
            collect(self, at, &mut all);
            all.into_iter()
        }
    }
    impl<T> FromIterator<Tree<T>> for Tree<T> {
        fn from_iter<I: IntoIterator<Item = Tree<T>>>(below: I) -> Self {
            Tree::Fork(below.into_iter().collect())
        }
    }
    impl<'t, T> IntoIterator for &'t Tree<T> {
        type Item = &'t T;
        type IntoIter = Box<dyn Iterator<Item = &'t T> + 't>;
        fn into_iter(self) -> Self::IntoIter {
            self.iter()
        }
    }
    fn nested(depth: u32, next: &mut impl FnMut() -> u32) -> Tree<u32> {
        if depth == 0 { Tree::Leaf(next()) } else { (0..depth).map(|_| nested(depth - 1, next)).collect() }
    }
    pub fn run() -> String {
        let mut n = 0;
        let tree = nested(3, &mut || {
            n += 1;
            n * n % 7
        });
        let every: Vec<_> = (0..10).every(4).collect();
        let runs: String = "aabccc".chars().runs().map(|(c, n)| format!("{c}{n}")).collect();
        let mut sum = 0;
        for leaf in &tree {
            sum += leaf;
        }
        let spread = tree.iter().copied().spread();
        let by_object = { let mut all = tree.iter(); let first = all.next(); (first, all.as_mut().spread()) };
        format!("{every:?} {runs} {sum} {spread:?} {by_object:?} {:?} {:?}", tree.iter().last_few(2), tree.depths(0).runs().collect::<Vec<_>>())
    }
});

// Quantities with units in their types: operators among owned and borrowed ones, sums, orders, constants.
program!(quantities {
    use std::cmp::Ordering;
    use std::collections::{BinaryHeap, HashSet};
    use std::fmt::{Debug, Display, LowerExp};
    use std::hash::{Hash, Hasher};
    use std::iter::{Product, Sum};
    use std::marker::PhantomData;
    use std::ops::{Add, AddAssign, Div, Index, IndexMut, Mul, Neg, Not, RangeInclusive, Sub};

    pub trait Scalar: Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Debug {
        const ZERO: Self;
        const ONE: Self;
        fn halves(self) -> u32;
        fn clamp_to(self, range: &RangeInclusive<Self>) -> Self {
            if self < *range.start() { *range.start() } else if self > *range.end() { *range.end() } else { self }
        }
    }
    macro_rules! scalar { ($($t:ty: $one:literal $half:expr),*) => { $(impl Scalar for $t { const ZERO: Self = $one - $one; const ONE: Self = $one; fn halves(self) -> u32 { let half: fn($t) -> $t = $half; if self.clamp_to(&(-Self::ONE..=Self::ONE)) == self { 0 } else { 1 + half(self).halves() } } })* }; }
    scalar!(f64: 1.0 |n| n / 2.0, i32: 1 |n| n >> 1);

    pub struct Quantity<T, const LENGTH: i8, const TIME: i8>(T);
    type Metres<T> = Quantity<T, 1, 0>;
    type Seconds<T> = Quantity<T, 0, 1>;
    type Speed<T> = Quantity<T, 1, -1>;
    impl<T: Copy, const L: i8, const S: i8> Clone for Quantity<T, L, S> { fn clone(&self) -> Self { *self } }
    impl<T: Copy, const L: i8, const S: i8> Copy for Quantity<T, L, S> {}
    impl<T: Scalar, const L: i8, const S: i8> Add for Quantity<T, L, S> { type Output = Self; fn add(self, o: Self) -> Self { Self(self.0 + o.0) } }
    impl<'a, T: Scalar, const L: i8, const S: i8> Add<&'a Quantity<T, L, S>> for &'a Quantity<T, L, S> { type Output = Quantity<T, L, S>; fn add(self, o: Self) -> Self::Output { *self + *o } }
    impl<T: Scalar, const L: i8, const S: i8> AddAssign<T> for Quantity<T, L, S> { fn add_assign(&mut self, n: T) { self.0 = self.0 + n } }
    impl<T: Scalar, const L: i8, const S: i8> Neg for Quantity<T, L, S> { type Output = Self; fn neg(self) -> Self { Self(T::ZERO - self.0) } }
    impl<T: Scalar, const L: i8, const S: i8> Mul<T> for Quantity<T, L, S> { type Output = Self; fn mul(self, n: T) -> Self { Self(self.0 * n) } }
    impl<const L: i8, const S: i8> Mul<Quantity<f64, L, S>> for f64 { type Output = Quantity<f64, L, S>; fn mul(self, q: Quantity<f64, L, S>) -> Self::Output { q * self } }
    impl Div<Seconds<f64>> for Metres<f64> { type Output = Speed<f64>; fn div(self, s: Seconds<f64>) -> Speed<f64> { Quantity(self.0 / s.0) } }
    impl<T: Scalar, const L: i8, const S: i8> Sum for Quantity<T, L, S> { fn sum<I: Iterator<Item = Self>>(all: I) -> Self { all.fold(Self(T::ZERO), Add::add) } }
    impl<T: Scalar, const L: i8, const S: i8> PartialEq for Quantity<T, L, S> { fn eq(&self, o: &Self) -> bool { self.partial_cmp(o) == Some(Ordering::Equal) } }
    impl<T: Scalar, const L: i8, const S: i8> PartialOrd for Quantity<T, L, S> { fn partial_cmp(&self, o: &Self) -> Option<Ordering> { self.0.partial_cmp(&o.0) } }
    impl<T: Display, const L: i8, const S: i8> Display for Quantity<T, L, S> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Display::fmt(&self.0, f)?;
            [("m", L), ("s", S)].into_iter().filter(|(_, n)| *n != 0).try_for_each(|(unit, n)| if n == 1 { write!(f, "{unit}") } else { write!(f, "{unit}^{n}") })
        }
    }
    pub trait Norm { type Of: Scalar; fn squares(&self) -> Self::Of; fn is_zero(&self) -> bool { self.squares() == Self::Of::ZERO } }
    impl<T: Scalar, const N: usize> Norm for [T; N] { type Of = T; fn squares(&self) -> T { self.iter().fold(T::ZERO, |sum, n| sum + *n * *n) } }
    impl<A: Norm, B: Norm<Of = A::Of>> Norm for (A, B) { type Of = A::Of; fn squares(&self) -> A::Of { self.0.squares() + self.1.squares() } }
    #[derive(Debug, Clone, Copy, Eq)]
    struct Job { rank: i32, name: &'static str }
    impl PartialEq for Job { fn eq(&self, o: &Job) -> bool { self.cmp(o).is_eq() } }
    impl PartialOrd for Job { fn partial_cmp(&self, o: &Job) -> Option<Ordering> { Some(self.cmp(o)) } }
    impl Ord for Job { fn cmp(&self, o: &Job) -> Ordering { weight(o.rank).cmp(&weight(self.rank)) } }
    impl Hash for Job { fn hash<H: Hasher>(&self, h: &mut H) { weight(self.rank).hash(h) } }
    fn weight(n: i32) -> i32 { n.clamp_to(&(-3..=3)) }
    #[derive(Default)]
    struct Flags<T>(u8, PhantomData<T>);
    impl<T> Index<u8> for Flags<T> { type Output = bool; fn index(&self, n: u8) -> &bool { if self.0 & (1 << n) == 0 { &false } else { &true } } }
    impl<T> Not for Flags<T> { type Output = Self; fn not(self) -> Self { Flags(!self.0, self.1) } }
    struct Table { cells: Vec<f64>, width: usize }
    impl Index<[usize; 2]> for Table { type Output = f64; fn index(&self, [r, c]: [usize; 2]) -> &f64 { &self.cells[r * self.width + c] } }
    impl IndexMut<[usize; 2]> for Table { fn index_mut(&mut self, [r, c]: [usize; 2]) -> &mut f64 { &mut self.cells[r * self.width + c] } }
    fn show(all: &[&dyn LowerExp]) -> String { all.iter().map(|n| format!("{n:.1e}")).collect() }
    fn product<T: Product<T> + Copy>(all: &[T]) -> T { all.iter().copied().product() }
    pub fn run() -> String {
        let way: Metres<f64> = [Quantity(1.5), Quantity(2.5)].into_iter().sum();
        let mut time = Quantity::<f64, 0, 1>(1.0) + Quantity(1.0);
        time += 6.0;
        let speed = way / time;
        let counts = &Quantity::<i32, 2, 0>(-4) + &-Quantity(40);
        let mut heap: BinaryHeap<Job> = [(5, "five"), (-9, "low"), (0, "zero")].map(|(rank, name)| Job { rank, name }).into();
        heap.push(Job { rank: 4, name: "four" });
        let first = heap.pop().map(|j| j.name);
        let kinds: HashSet<Job> = heap.into_iter().collect();
        let mut table = Table { cells: vec![0.0; 4], width: 2 };
        table[[1, 0]] += 2.0 * table[[0, 0]] + 3.0;
        let flags = !Flags::<u64>::default();
        format!("{way} {time:.1} {speed} {} {} {counts} {first:?} {} {:?} {} {} {} {} {}", 2.0 * speed, way > Quantity(3.9), kinds.len(), table.cells, flags[7], ([1.0, 2.0], [3.0]).squares(), [0, 0].is_zero(), show(&[&1e9, &12]), 1000.0.halves() + 1000.halves() + product(&[2, 3]))
    }
});

// Modules with walls inside: each visibility, re-exports, a prelude with a trait by glob, blanket impls for what is shown.
program!(walled_modules {
    pub(crate) mod prelude {
        pub use super::shapes::{Describe as _, Kind, round::Disc, square};
        pub(super) use super::shapes::registry as known;
    }
    mod shapes {
        use std::fmt::{self, Display};
        pub mod round {
            use super::{Area, Kind};
            #[derive(Debug, Clone)]
            pub struct Disc { pub(super) radius: u32, pub(in super::super) name: &'static str }
            impl Disc { pub const UNIT: Self = Self::new(1); pub const fn new(radius: u32) -> Self { Self { radius, name: "disc" } } pub(crate) fn grow(self, by: u32) -> Self { Disc { radius: self.radius + by, ..self } } }
            impl Area for Disc { fn area(&self) -> u32 { 3 * super::square(self.radius) } fn kind(&self) -> Kind { Kind::Round } }
        }
        pub(super) mod registry {
            pub(in super::super) fn all() -> Vec<Box<dyn super::Area>> { vec![Box::new(super::round::Disc::UNIT), Box::new(super::Sheet { w: 2, h: 3 }), Box::new(stamp())] }
            fn stamp() -> impl super::Area + Clone { super::Sheet { w: 1, h: self::side() } }
            fn side() -> u32 { super::round::Disc::new(2).grow(2).radius }
        }
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Kind { Round = 1, Flat = Self::BASE + 1 }
        impl Kind { const BASE: u8 = 10; pub fn code(self) -> u8 { self as u8 } }
        #[derive(Clone)]
        struct Sheet { w: u32, h: u32 }
        pub trait Area { fn area(&self) -> u32; fn kind(&self) -> Kind { Kind::Flat } }
        impl Area for Sheet { fn area(&self) -> u32 { self.w * self.h } }
        impl Display for dyn Area { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:?}({})", self.kind(), self.area()) } }
        impl Display for round::Disc { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{} of {}", self.name, self.radius) } }
        pub const fn square(n: u32) -> u32 { n * n }
        pub trait Describe: Display { fn describe(&self) -> String { format!("<{self}>") } fn wide(&self) -> String where Self: Sized { format!("[{self:>8}]") } }
        impl<T: Display + ?Sized> Describe for T {}
        pub fn largest<'a, A>(all: impl IntoIterator<Item = &'a A>) -> Option<&'a A> where A: Area + ?Sized + 'a { all.into_iter().max_by_key(|a| a.area()) }
    }
    pub use self::shapes::largest as biggest;
    use prelude::*;
    use shapes::Area;
    const SIDES: [u32; 3] = { let mut n = [0; 3]; let mut i = 0; while i < 3 { n[i] = square(i as u32 + 1); i += 1; } n };
    static DISC: Disc = Disc::new(SIDES[1]);
    mod user {
        use super::{biggest, prelude::{self as p, *}, shapes::Area};
        type Any = Box<dyn Area>;
        pub(super) fn summary() -> String {
            let mut all: Vec<Any> = known::all();
            all.sort_by_key(|a| (a.kind(), std::cmp::Reverse(a.area())));
            let most = biggest(all.iter().map(|a| &**a)).map(|a| a.describe());
            let twice = biggest(&[p::Disc::new(1), super::DISC.clone()]).map(ToString::to_string);
            let codes: Vec<u8> = all.iter().map(|a| Area::kind(a.as_ref())).map(Kind::code).collect();
            format!("{most:?} {twice:?} {codes:?} {}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }
    }
    pub fn run() -> String { format!("{} {} {} {:?} {}", user::summary(), 7.describe(), (&DISC).wide(), DISC.kind(), crate_like()) }
    fn crate_like() -> String { 'x'.wide() + &<str as shapes::Describe>::describe("y") }
});

// Visitors by closures that take objects, by objects that take objects, and by generic methods; folding a tree anew.
program!(closure_visitors {
    use std::collections::HashMap;
    use std::ops::ControlFlow::{self, Break, Continue};

    pub trait Node {
        fn name(&self) -> &str;
        fn visit<'n>(&'n self, f: &mut dyn FnMut(&'n dyn Node, usize) -> ControlFlow<&'n str>, depth: usize) -> ControlFlow<&'n str>;
        fn accept(&self, v: &mut dyn Visitor);
        fn rebuild(&self, f: &dyn Fn(&str) -> Option<String>) -> Option<Box<dyn Node>>;
        fn fold<B, F: Fn(B, &str) -> B>(&self, start: B, f: F) -> B where Self: Sized { f(start, self.name()) }
    }
    pub trait Visitor { fn file(&mut self, f: &File); fn folder(&mut self, f: &Folder) { f.inside.iter().for_each(|n| n.accept(self.as_dyn())); } fn as_dyn(&mut self) -> &mut dyn Visitor; }
    pub struct File { name: String, size: u64 }
    pub struct Folder { name: String, inside: Vec<Box<dyn Node>> }
    impl Node for File {
        fn name(&self) -> &str { &self.name }
        fn visit<'n>(&'n self, f: &mut dyn FnMut(&'n dyn Node, usize) -> ControlFlow<&'n str>, depth: usize) -> ControlFlow<&'n str> { f(self, depth) }
        fn accept(&self, v: &mut dyn Visitor) { v.file(self) }
        fn rebuild(&self, f: &dyn Fn(&str) -> Option<String>) -> Option<Box<dyn Node>> { f(&self.name).map(|name| Box::new(File { name, ..*self }) as _) }
    }
    impl Node for Folder {
        fn name(&self) -> &str { &self.name }
        fn visit<'n>(&'n self, f: &mut dyn FnMut(&'n dyn Node, usize) -> ControlFlow<&'n str>, depth: usize) -> ControlFlow<&'n str> {
            f(self, depth)?;
            for node in &self.inside { node.visit(&mut *f, depth + 1)?; }
            Continue(())
        }
        fn accept(&self, v: &mut dyn Visitor) { v.folder(self) }
        fn rebuild(&self, f: &dyn Fn(&str) -> Option<String>) -> Option<Box<dyn Node>> {
            let inside: Vec<_> = self.inside.iter().filter_map(|n| n.rebuild(&|name| f(&format!("{}/{name}", self.name)).map(|n| n.rsplit('/').next().unwrap_or_default().to_owned()))).collect();
            (!inside.is_empty()).then(|| -> Box<dyn Node> { Box::new(Folder { name: f(&self.name).unwrap_or_default(), inside }) })
        }
    }
    #[derive(Default)]
    struct Sizes<'a> { total: u64, by: HashMap<char, u64>, skip: Option<&'a str> }
    impl Visitor for Sizes<'_> {
        fn file(&mut self, File { name, size }: &File) { self.total += size; *self.by.entry(name.chars().next().unwrap_or('?')).or_insert(0) += size; }
        fn folder(&mut self, f: &Folder) { if self.skip != Some(f.name.as_str()) { for n in &f.inside { n.accept(self); } } }
        fn as_dyn(&mut self) -> &mut dyn Visitor { self }
    }
    struct Names(Vec<String>);
    impl Visitor for Names { fn file(&mut self, f: &File) { self.0.push(f.name.clone()); } fn as_dyn(&mut self) -> &mut dyn Visitor { self } }
    fn file(name: &str, size: u64) -> Box<dyn Node> { Box::new(File { name: name.into(), size }) }
    fn folder<const N: usize>(name: &str, inside: [Box<dyn Node>; N]) -> Box<dyn Node> { Box::new(Folder { name: name.into(), inside: inside.into() }) }
    fn outline(of: &dyn Node) -> String {
        let mut text = String::new();
        let _ = of.visit(&mut |n, depth| { text += &format!("{:>1$} ", n.name(), depth + n.name().len()); Continue(()) }, 0);
        text
    }
    fn find<'n>(of: &'n dyn Node, want: impl Fn(&str) -> bool) -> Option<&'n str> {
        match of.visit(&mut |n, _| if want(n.name()) { Break(n.name()) } else { Continue(()) }, 0) { Break(name) => Some(name), Continue(()) => None }
    }
    pub fn run() -> String {
        let root = folder("r", [file("a.x", 3), folder("s", [file("b.y", 4), file("a.z", 5), folder("t", [])]), file("c.x", 6)]);
        let mut sizes = Sizes::default();
        root.accept(&mut sizes);
        let mut some = Sizes { skip: Some("s"), ..Sizes::default() };
        root.accept(&mut some);
        let mut names = Names(vec![]);
        root.accept(names.as_dyn());
        let kept = root.rebuild(&|path| (!path.ends_with(".x")).then(|| path.to_uppercase()));
        let single = File { name: "q".into(), size: 1 }.fold(5, |n, name| n + name.len());
        format!("{}{:?} {} {:?} {} {:?} {:?} {} {single}", outline(&*root), find(&*root, |n| n.ends_with('z')), sizes.total, sizes.by.get(&'a'), some.total, names.0, find(root.as_ref(), str::is_empty), kept.as_deref().map(outline).unwrap_or_default())
    }
});
