//! Functions, inherent methods, modules, imports.

program!(arithmetic {
    fn gcd(a: u64, b: u64) -> u64 { if b == 0 { a } else { gcd(b, a % b) } }
    fn lcm(a: u64, b: u64) -> u64 { a / gcd(a, b) * b }
    fn power(base: u64, exponent: u32) -> u64 {
        match exponent {
            0 => 1,
            e if e % 2 == 0 => { let half = power(base, e / 2); half * half }
            e => base * power(base, e - 1),
        }
    }
    fn is_prime(n: u64) -> bool { n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0) }
    fn collatz(mut n: u64) -> u32 {
        let mut steps = 0;
        while n != 1 { n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 }; steps += 1; }
        steps
    }
    fn digits(n: u64) -> Vec<u8> {
        let mut all = if n >= 10 { digits(n / 10) } else { vec![] };
        all.push((n % 10) as u8);
        all
    }
    pub fn run() -> String {
        format!("{} {} {} {:?} {} {:?}", gcd(48, 36), lcm(4, 6), power(3, 13),
            (1..30).filter(|n| is_prime(*n)).collect::<Vec<_>>(), collatz(27), digits(90210))
    }
});

program!(methods {
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Vector { x: f64, y: f64 }
    impl Vector {
        pub const ZERO: Vector = Vector { x: 0.0, y: 0.0 };
        pub fn new(x: f64, y: f64) -> Self { Self { x, y } }
        pub fn dot(self, other: Vector) -> f64 { self.x * other.x + self.y * other.y }
        pub fn length(&self) -> f64 { self.dot(*self).sqrt() }
        pub fn scale(&mut self, by: f64) -> &mut Self { self.x *= by; self.y *= by; self }
        pub fn normalised(mut self) -> Self { let l = self.length(); self.scale(1.0 / l); self }
        pub fn into_pair(self) -> (f64, f64) { (self.x, self.y) }
        fn largest<'a>(&'a self, other: &'a Vector) -> &'a Vector { if self.length() > other.length() { self } else { other } }
    }
    impl std::ops::Add for Vector { type Output = Vector; fn add(self, o: Vector) -> Vector { Vector::new(self.x + o.x, self.y + o.y) } }
    impl std::ops::Neg for Vector { type Output = Vector; fn neg(self) -> Vector { let mut v = self; *v.scale(-1.0) } }
    pub fn run() -> String {
        let mut v = Vector::new(3.0, 4.0);
        let w = v.scale(2.0).normalised();
        let sum = v + -w + Vector::ZERO;
        format!("{:?} {:?} {:?} {} {:?}", v, w.into_pair(), sum, v.length(), Vector::largest(&v, &w))
    }
});

program!(nested_modules {
    mod units {
        pub fn metres(feet: f64) -> f64 { convert::factor() * feet }
        mod convert { pub(super) fn factor() -> f64 { super::super::constant() * 0.1 } }
        pub mod labels {
            use super::metres as to_metres;
            pub fn label(feet: f64) -> String { format!("{:.2}m", to_metres(feet)) }
        }
        pub struct Scale(pub f64);
        impl Scale { pub fn apply(&self, v: f64) -> f64 { self.0 * super::twice(v) } }
    }
    fn constant() -> f64 { 3.048 }
    fn twice(v: f64) -> f64 { v + v }
    use units::labels::{self, label};
    use units::{Scale, metres};
    pub fn run() -> String {
        format!("{} {} {} {}", label(10.0), labels::label(1.0), metres(2.0), Scale(2.0).apply(3.0))
    }
});

program!(globs_and_renames {
    mod tools {
        pub fn one() -> u32 { 1 }
        pub fn two() -> u32 { one() + one() }
        pub fn three() -> u32 { self::two() + super::tools::one() }
        pub enum Kind { Small(u32), Large { by: u32 } }
        impl Kind { pub fn size(&self) -> u32 { match self { Kind::Small(n) => *n, Kind::Large { by } => by * three() } } }
    }
    mod more { pub use super::tools::two as deux; pub fn four() -> u32 { deux() * 2 } }
    use more::*;
    use tools::Kind::{self, *};
    use tools::{one as uno, three};
    pub fn run() -> String {
        let kinds: Vec<Kind> = vec![Small(uno()), Large { by: deux() }];
        format!("{} {} {:?}", three(), four(), kinds.iter().map(|k| k.size()).collect::<Vec<_>>())
    }
});

program!(shadowing {
    fn f(n: i32) -> i32 { n + 1 }
    fn g(n: i32) -> i32 { n * 10 }
    fn through_parameter(f: impl Fn(i32) -> i32, n: i32) -> i32 { f(n) }
    fn through_let(n: i32) -> i32 { let f = |x: i32| x - 1; f(n) + g(n) }
    fn inner_scope(n: i32) -> i32 { let a = { let f = g; f(n) }; a + f(n) }
    fn by_pattern(pair: (fn(i32) -> i32, i32)) -> i32 { let (g, n) = pair; g(n) }
    fn by_match(o: Option<fn(i32) -> i32>) -> i32 { match o { Some(f) => f(100), None => f(100) } }
    fn by_if_let(o: Option<fn(i32) -> i32>) -> i32 { if let Some(g) = o { g(7) } else { g(7) } }
    fn by_for() -> i32 { let mut s = 0; for f in [g as fn(i32) -> i32, self::f] { s += f(3); } s + f(3) }
    pub fn run() -> String {
        format!("{:?}", [through_parameter(g, 1), through_let(2), inner_scope(3), by_pattern((f, 4)), by_match(Some(g)),
            by_match(None), by_if_let(Some(f)), by_if_let(None), by_for()])
    }
});

program!(items_in_functions {
    fn outer(n: u32) -> u32 {
        const STEP: u32 = 2;
        fn helper(n: u32) -> u32 { if n == 0 { STEP } else { helper(n - 1) + other(n) } }
        fn other(n: u32) -> u32 { n + level() }
        struct Local(u32);
        impl Local { fn get(&self) -> u32 { helper(self.0) } }
        trait Twice { fn twice(&self) -> u32; }
        impl Twice for Local { fn twice(&self) -> u32 { self.get() * 2 } }
        let boxed: Box<dyn Twice> = Box::new(Local(n));
        boxed.twice() + helper(1)
    }
    fn level() -> u32 { 5 }
    fn shadowed() -> u32 { fn level() -> u32 { 100 } level() }
    fn back_and_forth(n: u32) -> u32 {
        fn inner(n: u32) -> u32 { if n == 0 { 0 } else { 1 + back_and_forth(n - 1) } }
        inner(n)
    }
    pub fn run() -> String { format!("{} {} {} {}", outer(3), shadowed(), level(), back_and_forth(9)) }
});

program!(function_values {
    fn double(n: u64) -> u64 { n * 2 }
    fn square(n: u64) -> u64 { n * n }
    fn compose(f: fn(u64) -> u64, g: fn(u64) -> u64) -> impl Fn(u64) -> u64 { move |n| g(f(n)) }
    fn table() -> [(&'static str, fn(u64) -> u64); 2] { [("double", double), ("square", square)] }
    struct Machine { op: fn(u64) -> u64, then: Box<dyn Fn(u64) -> u64> }
    impl Machine { fn go(&self, n: u64) -> u64 { (self.then)((self.op)(n)) } }
    pub fn run() -> String {
        let m = Machine { op: square, then: Box::new(double) };
        let named: Vec<String> = table().iter().map(|(name, f)| format!("{name}={}", f(7))).collect();
        format!("{} {} {:?} {:?}", compose(double, square)(3), m.go(5), named, (1..4).map(square).map(double).collect::<Vec<_>>())
    }
});

program!(const_and_unsafe {
    const fn cube(n: u32) -> u32 { n * n * n }
    const SIZE: usize = cube(2) as usize;
    static TABLE: [u32; SIZE] = [cube(3); SIZE];
    // SAFETY: callers stay inside of the table.
    unsafe fn read(p: *const u32, at: usize) -> u32 { unsafe { *p.add(at) } }
    // SAFETY: the table has so many.
    fn total() -> u32 { (0..SIZE).map(|i| unsafe { read(TABLE.as_ptr(), i) }).sum() }
    // SAFETY: nothing is asked of implementors, and nobody relies on them.
    unsafe trait Zeroed { fn zeroed() -> Self where Self: Sized; }
    // SAFETY: as above.
    unsafe impl Zeroed for u32 { fn zeroed() -> Self { 0 } }
    fn zero<T: Zeroed>() -> T { T::zeroed() }
    struct Raw(*const u32);
    // SAFETY: callers have a number there.
    impl Raw { unsafe fn get(&self) -> u32 { unsafe { *self.0 } } }
    // SAFETY: a constant's address.
    pub fn run() -> String { let z: u32 = zero(); format!("{} {} {}", total(), z, unsafe { Raw(&7).get() }) }
});

program!(never {
    fn fail(message: &str) -> ! { panic!("{}", shout(message)) }
    fn shout(s: &str) -> String { s.to_uppercase() }
    fn fail_deep(n: u32) -> ! { if n == 0 { fail("deep") } else { fail_deep(n - 1) } }
    fn checked(n: i32) -> i32 { if n < 0 { fail("negative") } else { n } }
    pub fn run() -> String {
        let hook = std::panic::catch_unwind(|| checked(-1)).unwrap_err();
        let deep = std::panic::catch_unwind(|| fail_deep(5)).map(|_: ()| ()).unwrap_err();
        format!("{} {} {}", checked(5), hook.downcast_ref::<String>().unwrap(), deep.downcast_ref::<String>().unwrap())
    }
});
