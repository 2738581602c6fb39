//! What items can be: associated ones, impls for foreign types, operators, what lends itself out, and what a macro makes.

// Associated constants and types with lifetimes, methods with closures, impls for `Vec` and arrays.
program!(associated_items {
    pub trait Unit {
        const NAME: &'static str;
        const SCALE: u64 = 2;
        fn value(&self) -> u64;
        fn scaled(&self) -> u64 {
            self.value() * Self::SCALE
        }
    }
    pub struct Km(pub u64);
    impl Unit for Km {
        const NAME: &'static str = "km";
        const SCALE: u64 = 1000;
        fn value(&self) -> u64 {
            self.0
        }
    }
    impl Unit for u8 {
        const NAME: &'static str = "u8";
        fn value(&self) -> u64 {
            u64::from(*self)
        }
    }
    pub fn show<T: Unit>(t: &T) -> String {
        format!("{} {}", t.scaled(), T::NAME)
    }
    pub trait Lend {
        type Item<'a>
        where
            Self: 'a;
        fn lend<'a>(&'a mut self) -> Option<Self::Item<'a>>;
    }
    pub struct Windows {
        data: Vec<u32>,
        at: usize,
    }
    impl Lend for Windows {
        type Item<'a> = &'a mut [u32];
        fn lend<'a>(&'a mut self) -> Option<&'a mut [u32]> {
            let at = self.at;
            self.at += 1;
            self.data.get_mut(at..at + 2)
        }
    }
    pub fn drain<L: Lend>(l: &mut L, mut f: impl for<'a> FnMut(L::Item<'a>)) {
        while let Some(x) = l.lend() {
            f(x)
        }
    }
    pub trait Fold {
        fn fold_with<A, F>(&self, start: A, f: F) -> A
        where
            F: Fn(A, u32) -> A;
        fn size(&self) -> usize;
    }
    impl<T: Copy + Into<u32>> Fold for Vec<T> {
        fn fold_with<A, F>(&self, start: A, f: F) -> A
        where
            F: Fn(A, u32) -> A,
        {
            let mut a = start;
            for x in self {
                a = f(a, (*x).into());
            }
            a
        }
        fn size(&self) -> usize {
            self.len()
        }
    }
    impl<T: Fold, const N: usize> Fold for [T; N] {
        fn fold_with<A, F>(&self, start: A, f: F) -> A
        where
            F: Fn(A, u32) -> A,
        {
            self.iter().fold(start, |a, x| x.fold_with(a, |a, y| f(a, y)))
        }
        fn size(&self) -> usize {
            self.iter().map(|x| x.size()).sum()
        }
    }
    pub fn run() -> String {
        let mut w = Windows { data: vec![1, 2, 3, 4], at: 0 };
        let mut seen = vec![];
        drain(&mut w, |x| {
            x[1] += x[0];
            seen.push(x[1]);
        });
        let nested = [vec![1u8, 2], vec![3]];
        format!(
            "{} {} {seen:?} {} {}",
            show(&Km(3)),
            show(&7u8),
            nested.fold_with(0u64, |a, b| a + u64::from(b)),
            nested.size()
        )
    }
});

// Trait objects with lifetimes, and functions that make them for every lifetime.
program!(lent_objects {
    pub trait Source<'a> {
        fn next(&mut self) -> Option<&'a str>;
        fn rest(&self) -> &'a str;
    }
    pub struct Words<'a>(pub &'a str);
    impl<'a> Source<'a> for Words<'a> {
        fn next(&mut self) -> Option<&'a str> {
            let (head, tail) = self.0.split_once(' ')?;
            self.0 = tail;
            Some(head)
        }
        fn rest(&self) -> &'a str {
            self.0
        }
    }
    pub struct Twice<'s, 'a>(pub &'s mut (dyn Source<'a> + 's), pub Option<&'a str>);
    impl<'s, 'a> Source<'a> for Twice<'s, 'a> {
        fn next(&mut self) -> Option<&'a str> {
            match self.1.take() {
                Some(w) => Some(w),
                None => {
                    let w = self.0.next()?;
                    self.1 = Some(w);
                    Some(w)
                }
            }
        }
        fn rest(&self) -> &'a str {
            self.0.rest()
        }
    }
    fn all<'a>(s: &mut dyn Source<'a>) -> Vec<&'a str> {
        let mut out = vec![];
        while let Some(w) = s.next() {
            out.push(w);
        }
        out
    }
    fn with<F>(f: F) -> usize
    where
        F: for<'a> Fn(&'a str) -> Box<dyn Source<'a> + 'a>,
    {
        let text = String::from("a bb ccc d");
        let mut s = f(&text);
        all(&mut *s).len()
    }
    pub fn run() -> String {
        let text = "one two three four".to_string();
        let mut words = Words(&text);
        let mut twice = Twice(&mut words, None);
        let got = all(&mut twice).join(",");
        format!("{got} {} {}", twice.rest(), with(|t| Box::new(Words(t))))
    }
});

// Operators, `Drop`, `Deref`, iterators and their collection, derived traits.
program!(operators {
    use std::cell::RefCell;
    use std::fmt;
    use std::ops::*;
    thread_local! { static LOG: RefCell<Vec<String>> = const { RefCell::new(vec![]) }; }
    fn log(s: &str) {
        LOG.with(|l| l.borrow_mut().push(s.to_owned()));
    }
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
    pub struct Poly {
        coefficients: Vec<i64>,
    }
    impl Poly {
        pub fn new(c: &[i64]) -> Self {
            Self { coefficients: c.to_vec() }
        }
        fn at(&self, x: i64) -> i64 {
            fn horner(c: &[i64], x: i64) -> i64 {
                match c {
                    [] => 0,
                    [first, rest @ ..] => first + x * horner(rest, x),
                }
            }
            horner(&self.coefficients, x)
        }
    }
    impl Add for &Poly {
        type Output = Poly;
        fn add(self, o: &Poly) -> Poly {
            let n = self.coefficients.len().max(o.coefficients.len());
            Poly { coefficients: (0..n).map(|i| self[i] + o[i]).collect() }
        }
    }
    impl Mul for Poly {
        type Output = Self;
        fn mul(self, o: Self) -> Self {
            let mut c = vec![0; self.coefficients.len() + o.coefficients.len()];
            for (i, a) in self.coefficients.iter().enumerate() {
                for (j, b) in o.coefficients.iter().enumerate() {
                    c[i + j] += a * b;
                }
            }
            Self { coefficients: c }
        }
    }
    impl Neg for Poly {
        type Output = Self;
        fn neg(self) -> Self {
            self.into_iter().map(|c| -c).collect()
        }
    }
    impl Index<usize> for Poly {
        type Output = i64;
        fn index(&self, i: usize) -> &i64 {
            self.coefficients.get(i).unwrap_or(&0)
        }
    }
    impl AddAssign<i64> for Poly {
        fn add_assign(&mut self, n: i64) {
            if self.coefficients.is_empty() {
                self.coefficients.push(0)
            }
            self.coefficients[0] += n;
        }
    }
    impl FromIterator<i64> for Poly {
        fn from_iter<I: IntoIterator<Item = i64>>(i: I) -> Self {
            Self { coefficients: i.into_iter().collect() }
        }
    }
    pub struct Terms(std::vec::IntoIter<i64>);
    impl Iterator for Terms {
        type Item = i64;
        fn next(&mut self) -> Option<i64> {
            self.0.next()
        }
    }
    impl IntoIterator for Poly {
        type Item = i64;
        type IntoIter = Terms;
        fn into_iter(self) -> Terms {
            Terms(self.coefficients.into_iter())
        }
    }
    impl fmt::Display for Poly {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (i, c) in self.coefficients.iter().enumerate() {
                write!(f, "{c}x^{i} ")?;
            }
            write!(f, "@2={}", self.at(2))
        }
    }
    pub struct Guard<'a>(&'a str);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            log(self.0);
        }
    }
    impl Deref for Guard<'_> {
        type Target = str;
        fn deref(&self) -> &str {
            self.0
        }
    }
    pub fn run() -> String {
        LOG.with(|l| l.borrow_mut().clear());
        let (a, b) = (Poly::new(&[1, 2]), Poly::new(&[3, 0, 5]));
        let mut c = &a + &b;
        c += 7;
        {
            let g = Guard("outer");
            let _h = Guard("inner");
            let _ = g.len();
        }
        let m = -(c.clone() * b.clone());
        let log = LOG.with(|l| l.borrow().join("|"));
        format!("{c} ; {m} ; {log} ; {:?} ; {}", a.cmp(&b), m.clone().into_iter().filter(|x| *x < 0).count())
    }
});

// Items made by a macro, a union, matrices with their sizes in their types, functions in a static.
program!(made_items {
    macro_rules! shapes { ($($name:ident => $f:expr),* $(,)?) => { $( pub struct $name(pub f64); impl $name { pub fn area(&self) -> f64 { let f: fn(f64) -> f64 = $f; f(self.0) } } )* } }
    shapes! { Square => |x| x * x, Disc => |x| 3.0 * x * x }
    pub union Bits {
        f: f32,
        u: u32,
    }
    fn bits(f: f32) -> u32 {
        let b = Bits { f };
        // SAFETY: all bytes were written, and any are a `u32`.
        unsafe { b.u }
    }
    pub struct Matrix<const R: usize, const C: usize>([[i64; C]; R]);
    impl<const R: usize, const C: usize> Matrix<R, C> {
        const CELLS: usize = R * C;
        pub fn times<const K: usize>(&self, o: &Matrix<C, K>) -> Matrix<R, K> {
            let mut m = [[0; K]; R];
            for r in 0..R {
                for k in 0..K {
                    for c in 0..C {
                        m[r][k] += self.0[r][c] * o.0[c][k];
                    }
                }
            }
            Matrix(m)
        }
        pub fn sum(&self) -> i64 {
            self.0.iter().flatten().sum()
        }
    }
    fn rank(n: i32) -> i32 {
        if n % 2 == 0 { n } else { n + 100 }
    }
    type Op = fn(i64, i64) -> i64;
    static OPS: &[(&str, Op)] = &[("add", add), ("pow", pow)];
    fn add(a: i64, b: i64) -> i64 {
        a + b
    }
    fn pow(a: i64, b: i64) -> i64 {
        if b == 0 { 1 } else { a * pow(a, b - 1) }
    }
    pub fn run() -> String {
        let mut v = [5, 2, 9, 4, 1];
        v.sort_by_key(|n| rank(*n));
        let m = Matrix([[1, 2, 3], [4, 5, 6]]).times(&Matrix([[1], [2], [3]]));
        let ops: Vec<_> = OPS.iter().map(|(n, f)| format!("{n}={}", f(2, 5))).collect();
        format!(
            "{} {} {v:?} {} {} {ops:?} {}",
            Square(2.0).area(),
            Disc(1.0).area(),
            m.sum(),
            Matrix::<2, 3>::CELLS,
            bits(1.0)
        )
    }
});

// Impls that macros write: with parameters, unsafe, of generic and nested traits, in a function, of a trait whose objects are used.
program!(impls_by_macros {
    pub trait Node: std::fmt::Debug {
        fn depth(&self) -> u32;
        fn total(&self) -> u64 {
            u64::from(self.depth())
        }
    }
    mod inner {
        pub trait Scale<T> {
            type Out;
            fn scale(&self, by: T) -> Self::Out;
        }
        // SAFETY: nothing is asked of implementors, and nobody relies on them.
        pub unsafe trait Marked {
            fn mark(&self) -> u8;
        }
    }
    use inner::Scale;
    macro_rules! node {
        ($name:ident { $($field:ident),* }) => {
            #[derive(Debug)]
            pub struct $name { $($field: Vec<Box<dyn Node>>),* }
            impl Node for $name {
                fn depth(&self) -> u32 {
                    1 + [None::<u32>, $(self.$field.iter().map(|n| n.depth()).max()),*].into_iter().flatten().max().unwrap_or(0)
                }
            }
            // SAFETY: nothing is asked.
            unsafe impl inner::Marked for $name {
                fn mark(&self) -> u8 { stringify!($name).as_bytes()[0] }
            }
        };
        ($($t:ty = $total:expr),+ $(,)?) => { $(impl Node for $t {
            fn depth(&self) -> u32 { 0 }
            fn total(&self) -> u64 { doubled($total(self)) }
        })+ };
    }
    macro_rules! scale {
        ($($a:ty => $b:ty),*) => {
            $(impl<T: Copy + Into<$b>> Scale<T> for $a
            where
                $a: Into<$b> + Copy,
            {
                type Out = $b;
                fn scale(&self, by: T) -> $b { <$a as Into<$b>>::into(*self) * by.into() }
            })*
        };
    }
    node!(Branch { left, right });
    node!(Leaf {});
    node!(u8 = |n: &u8| u64::from(*n), String = |s: &String| s.len() as u64);
    scale!(u8 => u16, u32 => u64);
    fn doubled(n: u64) -> u64 {
        n * 2
    }
    fn all<const N: usize>(of: [Box<dyn Node>; N]) -> Vec<Box<dyn Node>> {
        of.into()
    }
    fn local(n: u32) -> u32 {
        trait Count {
            fn count_down(&self) -> u32;
        }
        macro_rules! count { ($t:ty) => { impl Count for $t { fn count_down(&self) -> u32 { if *self == 0 { 0 } else { 1 + (*self - 1).count_down() } } } }; }
        count!(u32);
        let object: &dyn Count = &n;
        object.count_down()
    }
    fn scaled<S: Scale<u8, Out = u16>>(s: &dyn Scale<u8, Out = u16>, other: S) -> u16 {
        s.scale(3) + other.scale(2)
    }
    pub fn run() -> String {
        let leaf = Leaf {};
        let deep = Branch { left: all([Box::new(7u8), Box::new(leaf)]), right: all([Box::new(Branch { left: vec![], right: all([Box::new(String::from("abc"))]) })]) };
        let totals: Vec<u64> = deep.left.iter().chain(&deep.right).map(|n| n.total()).collect();
        let object: &dyn inner::Marked = &deep;
        format!("{} {totals:?} {} {} {} {}", deep.depth(), object.mark(), local(12), scaled(&5u8, 7u8), 9u32.scale(1u8))
    }
});
