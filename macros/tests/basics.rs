//! `#[vthread]` by example: each construct plain and in a vthread.
#![allow(clippy::float_cmp, reason = "the numbers are whole")]
// What the macro writes is no unsafe code of its users: those may forbid all, or ask clippy for an argument for each.
#![forbid(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]

use vthread::__private::chunks_taken;

#[vthread::vthread]
mod walk {
    pub struct Tree {
        pub value: u64,
        pub children: Vec<Tree>,
    }

    /// Adds up.
    pub fn sum(tree: &Tree) -> u64 {
        tree.value + tree.children.iter().map(|c| sum(c)).sum::<u64>()
    }

    pub fn even(n: u32) -> bool {
        if n == 0 { true } else { odd(n - 1) }
    }

    pub fn odd(n: u32) -> bool {
        if n == 0 { false } else { even(n - 1) }
    }

    pub fn chain(depth: u64) -> Tree {
        let children = if depth == 0 { vec![] } else { vec![chain(depth - 1)] };
        Tree { value: depth, children }
    }

    pub fn square(n: u64) -> u64 {
        n * n
    }

    pub fn squares(up_to: u64) -> String {
        let all: Vec<u64> = (0..up_to).map(square).collect();
        format!("{all:?} {}", square(up_to))
    }
}

/// Runs `f` as a vthread in the mode in which every chunk that is taken is counted.
fn in_vthread<R>(f: impl FnOnce() -> R) -> R {
    vthread::Builder::new().stacks(vthread::Mode::Guarded).run(f).expect("stacks")
}

/// The result, and how many chunks it took.
fn counted<R>(f: impl FnOnce() -> R) -> (R, u64) {
    let before = chunks_taken();
    let result = f();
    (result, chunks_taken() - before)
}

#[test]
fn recursion_takes_chunks_only_in_a_vthread() {
    let tree = walk::chain(10);
    assert_eq!(counted(|| walk::sum(&tree)), (55, 0));
    let (sum, chunks) = in_vthread(|| counted(|| walk::sum(&tree)));
    assert_eq!(sum, 55);
    assert!((10..=11).contains(&chunks), "{chunks}");
    assert_eq!(counted(|| walk::even(20)), (true, 0));
    let (even, chunks) = in_vthread(|| counted(|| walk::even(20)));
    assert!(even);
    assert!((10..=11).contains(&chunks), "{chunks}");
    assert_eq!(walk::squares(4), "[0, 1, 4, 9] 16");
}

#[vthread::vthread]
mod shapes {
    use std::fmt::Debug;
    use std::rc::Rc;
    use std::sync::Arc;

    pub trait Shape: Debug {
        fn area(&self) -> f64;
        fn name<'a>(&'a self, other: &'a str) -> &'a str {
            if other.len() > 3 { other } else { "shape" }
        }
        fn grow(&mut self, by: f64);
        fn twice(&self) -> f64 {
            2.0 * self.area()
        }
        fn into_area(self: Box<Self>) -> f64;
        fn shared(self: Rc<Self>) -> usize;
        fn generic<T: Into<f64>>(&self, t: T) -> f64
        where
            Self: Sized,
        {
            t.into() * self.area()
        }
        fn consume(self) -> f64
        where
            Self: Sized;
    }

    #[derive(Debug, Clone)]
    pub struct Square(pub f64);

    impl Shape for Square {
        fn area(&self) -> f64 {
            self.0 * self.0
        }
        fn grow(&mut self, by: f64) {
            self.0 += by;
        }
        fn into_area(self: Box<Self>) -> f64 {
            self.area()
        }
        fn shared(self: Rc<Self>) -> usize {
            Rc::strong_count(&self)
        }
        fn consume(self) -> f64 {
            self.area()
        }
    }

    #[derive(Debug)]
    pub struct Group {
        pub members: Vec<Box<dyn Shape>>,
    }

    impl Shape for Group {
        fn area(&self) -> f64 {
            self.members.iter().map(|m| m.area()).sum()
        }
        fn grow(&mut self, by: f64) {
            for member in &mut self.members {
                member.grow(by);
            }
        }
        fn into_area(self: Box<Self>) -> f64 {
            self.members.into_iter().map(|m| m.into_area()).sum()
        }
        fn shared(self: Rc<Self>) -> usize {
            self.members.len()
        }
        fn consume(self) -> f64 {
            0.0
        }
    }

    pub fn total(all: &[Box<dyn Shape>]) -> f64 {
        all.iter().map(|s| s.area()).sum()
    }

    pub fn area_of<T: Shape + ?Sized>(shape: &T) -> f64 {
        shape.area()
    }

    pub fn check() -> f64 {
        let mut group: Box<dyn Shape> =
            Box::new(Group { members: vec![Box::new(Square(1.0)), Box::new(Square(2.0))] });
        assert_eq!(group.area(), 5.0);
        group.grow(1.0);
        assert_eq!(group.area(), 13.0);
        assert_eq!(group.twice(), 26.0);
        assert_eq!(group.name("long name"), "long name");
        assert_eq!(group.name("x"), "shape");
        assert_eq!(area_of(&*group), 13.0);
        assert_eq!(Square(3.0).generic(2u8), 18.0);
        assert_eq!(Square(3.0).consume(), 9.0);
        let shared: Arc<dyn Shape + Send + Sync> = Arc::new(Square(5.0));
        assert_eq!(shared.area(), 25.0);
        let rc: Rc<dyn Shape> = Rc::new(Square(1.0));
        assert_eq!(rc.clone().shared(), 2);
        let all: Vec<Box<dyn Shape>> = vec![group, Box::new(Square(1.0))];
        let sum = total(&all);
        sum + all.into_iter().map(|s| s.into_area()).sum::<f64>()
    }
}

#[test]
fn trait_objects() {
    assert_eq!(counted(shapes::check), (28.0, 0));
    let (sum, chunks) = in_vthread(|| counted(shapes::check));
    assert_eq!(sum, 28.0);
    assert!(chunks > 15, "{chunks}");
}

#[vthread::vthread]
mod plain {
    trait Mixed {
        #[plain]
        fn id(&self) -> u32;
        #[plain]
        fn twice(&self) -> u32 {
            self.id() * 2
        }
        fn work(&self) -> u32 {
            self.id() + self.twice()
        }
    }

    struct A(u32);

    impl Mixed for A {
        #[plain]
        fn id(&self) -> u32 {
            helper(self.0)
        }
    }

    #[plain]
    impl A {
        fn raw(&self) -> u32 {
            self.0
        }
    }

    #[plain]
    fn helper(n: u32) -> u32 {
        counted(n) + 1
    }

    fn counted(n: u32) -> u32 {
        n * 10
    }

    pub fn run() -> [u32; 4] {
        let object: Box<dyn Mixed> = Box::new(A(4));
        let a = A(2);
        #[plain]
        a.work();
        [object.id(), object.twice(), object.work(), a.raw()]
    }
}

#[test]
fn plain_items_and_calls_stay_ordinary() {
    assert_eq!(plain::run(), [41, 82, 123, 2]);
    assert_eq!(vthread::run(plain::run), [41, 82, 123, 2]);
}

#[vthread::vthread]
mod conditional_plain_methods {
    pub trait Meter {
        #[plain]
        #[cfg(windows)]
        fn gone(&self) -> Missing;
        #[plain]
        #[cfg(not(windows))]
        fn unit(&self) -> &'static str {
            "m"
        }
        #[cfg(windows)]
        fn lost(&self) -> Missing;
        fn read(&self) -> u32;
    }

    pub struct Ruler(pub u32);

    impl Meter for Ruler {
        fn read(&self) -> u32 {
            self.0
        }
        #[cfg(windows)]
        fn lost(&self) -> Missing {
            Missing
        }
    }

    pub fn show(meter: &dyn Meter) -> String {
        format!("{}{}", meter.read(), meter.unit())
    }
}

#[test]
fn methods_under_conditions_can_be_plain() {
    let ruler = conditional_plain_methods::Ruler(30);
    assert_eq!(conditional_plain_methods::show(&ruler), "30m");
    assert_eq!(vthread::run(|| conditional_plain_methods::show(&ruler)), "30m");
}

#[vthread::vthread]
mod impls_of_a_macro {
    pub trait Gauge {
        fn read(&self) -> u32;
        #[plain]
        fn unit(&self) -> &'static str;
        #[plain]
        extern "C" fn digits(&self) -> u8 {
            2
        }
    }

    macro_rules! gauge {
        ($($t:ty: $unit:literal),*) => {
            $(impl Gauge for $t {
                fn read(&self) -> u32 { if *self == 0 { 0 } else { 1 + (*self / 2).read() } }
                fn unit(&self) -> &'static str { $unit }
                extern "C" fn digits(&self) -> u8 { $unit.len() as u8 }
            })*
        };
        (annotated $t:ty) => {
            #[vthread::vthread]
            impl Gauge for $t {
                fn read(&self) -> u32 { u32::from(*self) }
                #[plain]
                fn unit(&self) -> &'static str { "" }
            }
        };
    }
    gauge!(u32: "m", u64: "s", Own: "own");
    gauge!(annotated bool);

    /// Has a method of the same name, which is another.
    #[derive(Clone, Copy, PartialEq)]
    pub struct Own(pub u32);

    impl Own {
        fn read(self, n: u32) -> u32 {
            if n == 0 { self.0 } else { self.read(n - 1) }
        }
    }

    impl PartialEq<u32> for Own {
        fn eq(&self, other: &u32) -> bool {
            Own::read(*self, 3) == *other
        }
    }

    impl std::ops::Div<u32> for Own {
        type Output = u32;

        fn div(self, by: u32) -> u32 {
            self.0 / by
        }
    }

    pub fn show(all: &[&dyn Gauge]) -> Vec<String> {
        all.iter().map(|g| format!("{}{} {}", g.read(), g.unit(), g.digits())).collect()
    }
}

#[test]
fn impls_of_a_macro_take_chunks() {
    let show = || impls_of_a_macro::show(&[&1023u32, &7u64, &true, &impls_of_a_macro::Own(20)]);
    let want = ["10m 1", "3s 1", "1 2", "5own 3"].map(str::to_owned).to_vec();
    assert_eq!(counted(show), (want.clone(), 0));
    let (shown, chunks) = in_vthread(|| counted(show));
    assert_eq!(shown, want);
    assert!(chunks >= 13, "{chunks}");
}

macro_rules! weighing {
    ($name:ident, $weight:expr, $of:expr, $t:ty) => {
        #[vthread::vthread]
        mod $name {
            pub const FIXED: u32 = $weight * 3;

            pub struct Holder(pub Box<$t>);

            pub fn weigh(n: u32) -> u32 {
                let all: &$t = &n;
                let weight = -i64::from($weight * 2);
                println!("{}", $weight * 2);
                assert_eq!(weight, -10);
                $of(n) * 2 + u32::from(all.to_string().len() as u8)
            }
        }
    };
}

weighing!(weighed, 2 + 3, |n: u32| n + 1, dyn std::fmt::Display + Send);

#[test]
fn what_a_macro_puts_in_keeps_together() {
    assert_eq!((weighed::FIXED, weighed::weigh(10)), (15, 24));
    assert_eq!(vthread::run(|| weighed::weigh(10)), 24);
    assert_eq!(weighed::Holder(Box::new(4)).0.to_string(), "4");
}

/// The attribute on single items, which see no others: what they call goes by names alone.
mod single_items {
    use vthread::vthread;

    #[vthread]
    pub trait Visitor {
        fn visit(&mut self, n: u64) -> u64;

        fn all(&mut self, n: u64) -> u64 {
            (0..n).map(|i| self.visit(i)).sum()
        }
    }

    pub struct Sum(pub u64);

    #[vthread]
    impl Visitor for Sum {
        fn visit(&mut self, n: u64) -> u64 {
            self.0 += fibonacci(n);
            self.0
        }
    }

    #[vthread]
    impl Sum {
        pub fn halvings(&self, n: u64) -> u64 {
            if n == 0 { self.0 } else { 1 + self.halvings(n / 2) }
        }
    }

    #[vthread]
    pub fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }

    #[vthread(recursive)]
    pub fn leaf(n: u64) -> u64 {
        n + 1
    }

    #[vthread(names(Visitor, visit, fibonacci))]
    pub fn drive(visitor: &mut dyn Visitor) -> u64 {
        visitor.visit(fibonacci(6)) + visitor.all(4)
    }
}

#[test]
fn single_items_work_alone() {
    use single_items::{Sum, drive, fibonacci, leaf};
    let all = || (drive(&mut Sum(0)), Sum(1).halvings(1000), fibonacci(10), leaf(1));
    assert_eq!(counted(all), ((112, 11, 55, 2), 0));
    let (got, chunks) = in_vthread(|| counted(all));
    assert_eq!(got, (112, 11, 55, 2));
    assert!(chunks > 100, "{chunks}");
}

#[test]
fn recursive_takes_a_chunk_at_every_call() {
    assert_eq!(in_vthread(|| counted(|| single_items::leaf(1))), (2, 1));
}
