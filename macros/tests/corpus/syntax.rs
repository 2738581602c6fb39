//! Syntax: patterns, labels, attributes, macros.

program!(patterns {
    #[derive(Clone, Copy)] struct P { x: i32, y: i32 }
    fn sum((a, b): (i32, i32), [c, d]: [i32; 2], P { x, y: last }: P, _: &str, mut n: i32, ref text: String) -> i32 { n += text.len() as i32; a + b + c + d + x + last + n }
    fn at(v @ _: i32) -> i32 { v }
    fn slice(of: &[i32]) -> String { match of { [] => "none".into(), [one] => format!("one {}", id(*one)), [first, .., last] if id(*first) == id(*last) => "same".into(), [first, rest @ ..] => format!("{first}+{}", slice(rest)) } }
    fn id(n: i32) -> i32 { n }
    fn guards(n: Option<i32>) -> i32 { match n { Some(n) if id(n) > 10 => 1, Some(n @ (1 | 2)) => n, Some(0..) => 3, None | Some(_) => 4 } }
    fn let_else(s: &str) -> i32 { let Some((a, b)) = s.split_once('=') else { return id(-1) }; let (Ok(a), Ok(b)) = (a.parse::<i32>(), b.parse::<i32>()) else { return -2 }; a - b }
    fn chains(o: Option<i32>) -> i32 { if let Some(n) = o && id(n) > 2 && let m = n * 2 && m < 100 { m } else { 0 } }
    pub fn run() -> String { format!("{} {} {:?} {:?} {:?} {:?}", sum((1, 2), [3, 4], P { x: 5, y: 6 }, "", 7, "abc".into()), id(3),
        [slice(&[]), slice(&[1]), slice(&[1, 2, 1]), slice(&[1, 2, 3])], [Some(11), Some(2), Some(5), Some(-1), None].map(guards), ["1=2", "x", "1=y"].map(let_else), [None, Some(1), Some(20), Some(60)].map(chains)) }
});

program!(loops_and_labels {
    fn step(n: u32) -> u32 { n + 1 }
    fn search(grid: &[[u32; 3]], want: u32) -> Option<(usize, usize)> { 'rows: for (r, row) in grid.iter().enumerate() { for (c, v) in row.iter().enumerate() { if *v == want { return Some((r, c)); } if step(*v) > 100 { continue 'rows; } } } None }
    fn block(n: u32) -> u32 { let v = 'a: { if n == 0 { break 'a step(9); } if n > 5 { break 'a n; } 1 }; v * 2 }
    fn looped() -> u32 { let mut n = 0; let v = loop { n = step(n); if n % 7 == 0 { break n * 10; } if n == 3 { continue; } }; v }
    fn whiled(mut v: Vec<u32>) -> Vec<u32> { let mut out = vec![]; while let Some(top) = v.pop() { if top > 3 { v.push(top / 2); } out.push(step(top)); } out }
    fn ranges(n: u32) -> u32 { let mut s = 0; for i in (0..step(n)).rev().step_by(2) { s += i; } s }
    pub fn run() -> String { format!("{:?} {:?} {} {} {:?} {}", search(&[[1, 2, 3], [4, 100, 5], [5, 6, 7]], 7), search(&[[1, 2, 3]], 9), block(0) + block(3) + block(9), looped(), whiled(vec![8, 1]), ranges(6)) }
});

program!(std_macros {
    fn n() -> u32 { 4 }
    fn name() -> String { "who".into() }
    struct S;
    impl std::fmt::Display for S { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "S{}", n())?; writeln!(f)?; f.write_fmt(format_args!("{:>w$}", name(), w = n() as usize + 2)) } }
    fn arrays() -> Vec<Vec<u32>> { vec![vec![n(); n() as usize], vec![n(), n() + 1], vec![], Vec::from([n()])] }
    fn checks() -> bool { assert!(n() == 4, "message {}", name()); assert_eq!(n(), 4); assert_ne!(n(), 5, "{}", n()); debug_assert!(n() > 1); matches!(n(), 3 | 4 if n() > 3) && std::matches!(name().as_str(), "who") }
    fn caught() -> String { let e = std::panic::catch_unwind(|| { if n() == 4 { panic!("{}-{x:03}", name(), x = n()) } else { unreachable!("{}", n()) } }).unwrap_err(); *e.downcast::<String>().unwrap() }
    fn inline() -> String { let v = n(); format!("{v} {v:>3} {0} {0:?} {k}", name(), k = format!("[{}]", n())) }
    fn written() -> String { use std::fmt::Write; let mut s = String::new(); write!(s, "{}", n()).unwrap(); writeln!(&mut s, "{}", name()).unwrap(); s }
    pub fn run() -> String { format!("{S} {:?} {} {} {} {:?}", arrays(), checks(), caught(), inline(), written()) }
});

program!(own_macros {
    macro_rules! square { ($e:expr) => { { let v = $e; v * v } }; }
    macro_rules! maximum { ($a:expr) => { $a }; ($a:expr, $($rest:expr),+) => { larger($a, maximum!($($rest),+)) }; }
    macro_rules! getter { ($name:ident, $value:expr) => { fn $name() -> u32 { base() + $value } }; }
    macro_rules! vec { ($($e:expr),*) => { [$($e),*].iter().map(|n| larger(*n, 2)).collect::<Vec<u32>>() }; }
    macro_rules! bind { ($f:ident) => { let $f = |n: u32| n + 500; }; }
    trait Shout { fn shout(&self) -> String; }
    impl Shout for u32 { fn shout(&self) -> String { format!("{}!", base() + self) } }
    macro_rules! through { ($e:expr) => { { let b: &dyn Shout = &$e; b.shout() } }; }
    fn base() -> u32 { 3 }
    fn larger(a: u32, b: u32) -> u32 { if a > b { a } else { b } }
    getter!(seven, 4);
    getter!(ten, 7);
    fn bound() -> u32 { bind!(larger_one); larger_one(base()) }
    pub fn run() -> String { format!("{} {} {} {} {:?} {} {}", square!(base() + 1), maximum!(1, base(), 2), seven(), ten(), vec![1, base()], through!(5u32), bound()) }
});

program!(attributes {
    /// Docs with `code`.
    #[inline(always)] #[must_use = "why"] #[allow(clippy::needless_return)]
    fn kept(n: u32) -> u32 { return n + 1; }
    #[cfg(all())] fn chosen() -> &'static str { "yes" }
    #[cfg(any())] fn chosen() -> &'static str { "no" }
    #[cfg(any())] mod absent { pub fn broken() -> Missing { missing() } }
    #[deprecated] fn old() -> u32 { kept(1) }
    #[track_caller] fn line() -> u32 { std::panic::Location::caller().line() }
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)] struct D { #[allow(unused)] a: u32, #[cfg(any())] b: Missing }
    impl D { #[cfg(all())] #[cold] fn only(&self) -> u32 { self.a } #[cfg(any())] fn only(&self) -> Missing { missing() } }
    fn arms(n: u32) -> u32 { match n { #[cfg(any())] 0 => missing(), #[cfg(all())] 0 => kept(10), #[allow(unreachable_patterns)] _ => { #[cfg(any())] return missing(); #[cfg(all())] { kept(n) } } } }
    #[allow(non_snake_case)] fn Upper() -> u32 { kept(40) }
    fn r#type(r#in: u32) -> u32 { kept(r#in) }
    #[cfg_attr(all(), inline(never))] fn conditional() -> u32 { kept(2) }
    #[allow(deprecated)] pub fn run() -> String { format!("{} {} {} {} {:?} {} {} {} {} {}", kept(1), chosen(), old(), line() > 0, D::default(), D { a: 4 }.only(), arms(0) + arms(1), Upper(), r#type(6), conditional()) }
});

program!(expressions {
    fn v(n: i64) -> i64 { n }
    struct A { items: Vec<i64>, pair: (i64, i64) }
    impl A { fn items(&mut self) -> &mut Vec<i64> { &mut self.items } fn at(&self, i: usize) -> i64 { self.items[i] } fn make() -> A { A { items: vec![v(1), v(2)], pair: (v(3), v(4)) } } }
    fn operators() -> i64 { -v(1) + v(2) * v(3) - (v(8) >> 1) + i64::from(!v(0) == -1 && v(1) < v(2) || v(3) == 4) }
    fn assigns() -> A { let mut a = A::make(); a.items()[0] += v(10); a.pair.1 = v(5); a.items().push(v(6)); let b; b = v(7); (a.pair.0, _) = (b, v(9)); a }
    fn casts() -> (u8, f64, usize) { (v(300) as u8, v(1) as f64 / 2.0, usize::try_from(v(3)).unwrap_or(v(0) as usize)) }
    fn structs() -> A { A { pair: (v(1), v(1)), ..A::make() } }
    fn ranges(s: &[i64]) -> (&[i64], &[i64]) { (&s[v(1) as usize..], &s[..=v(0) as usize]) }
    // SAFETY: a variable's own address.
    fn blocks() -> i64 { let a = { let t = v(2); t * t }; let b = if v(1) == 1 { v(5) } else { v(6) }; let c = unsafe { *(&raw const a) }; let d = const { 3 * 4 }; a + b + c + d + [v(1); 3][v(2) as usize] }
    fn early(n: i64) -> Option<i64> { let m = if n < 0 { return None } else { v(n) }; Some(match m { 0 => return Some(v(-5)), m => m + 1 }) }
    fn unit() { v(1); }
    fn tuple() -> (i64, (i64,), ()) { (v(1), (v(2),), unit()) }
    fn strings() -> usize { "a".repeat(v(3) as usize).len() + b"xyz".len() + r#"q"q"#.len() }
    pub fn run() -> String { let a = assigns(); let s = structs(); format!("{} {:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {} {}", operators(), a.items, a.pair, casts(), s.pair, ranges(&[1, 2, 3]), blocks(), [early(-1), early(0), early(4)], tuple(), strings(), a.at(1)) }
});

program!(std_names {
    use std::collections::HashMap;
    struct Bag { inner: Vec<u32>, names: HashMap<String, Bag> }
    impl Bag {
        fn new() -> Bag { Bag { inner: vec![], names: HashMap::new() } }
        fn len(&self) -> usize { self.inner.len() + self.names.values().map(|b| b.len()).sum::<usize>() }
        fn push(&mut self, n: u32) { self.inner.push(n); }
        fn get(&self, i: usize) -> Option<&u32> { self.inner.get(i) }
        fn insert(&mut self, name: &str) -> &mut Bag { self.names.entry(name.to_string()).or_insert_with(Bag::new) }
        fn contains(&self, n: u32) -> bool { self.inner.contains(&n) || self.names.values().any(|b| b.contains(n)) }
        fn map(&self, f: impl Fn(u32) -> u32) -> Bag { Bag { inner: self.inner.iter().map(|n| f(*n)).collect(), names: HashMap::new() } }
        fn is_empty(&self) -> bool { self.len() == 0 }
        fn clear(&mut self) { self.inner.clear(); for b in self.names.values_mut() { b.clear(); } }
        fn sum(&self) -> u32 { self.inner.iter().sum::<u32>() + self.names.values().map(Bag::sum).sum::<u32>() }
    }
    pub fn run() -> String {
        let mut b = Bag::new();
        b.push(1); b.push(5);
        b.insert("x").push(7);
        b.insert("x").insert("y").push(9);
        let s = format!("{} {:?} {} {} {:?} {}", b.len(), b.get(1), b.contains(9), b.contains(8), b.map(|n| n * 2).get(0), b.sum());
        b.clear();
        format!("{s} {}", b.is_empty())
    }
});

program!(deref_and_borrow {
    use std::borrow::Cow;
    use std::cell::{Cell, RefCell};
    use std::ops::{Deref, DerefMut, Index, IndexMut};
    use std::rc::Rc;
    struct Inner { n: u32 }
    impl Inner { fn value(&self) -> u32 { self.n } fn raise(&mut self, by: u32) -> u32 { self.n += by; self.value() } }
    struct Wrap(Inner, Cell<u32>);
    impl Deref for Wrap { type Target = Inner; fn deref(&self) -> &Inner { self.1.set(self.1.get() + 1); &self.0 } }
    impl DerefMut for Wrap { fn deref_mut(&mut self) -> &mut Inner { &mut self.0 } }
    struct Grid { w: usize, cells: Vec<u8> }
    impl Grid { fn offset(&self, (r, c): (usize, usize)) -> usize { r * self.w + c } }
    impl Index<(usize, usize)> for Grid { type Output = u8; fn index(&self, at: (usize, usize)) -> &u8 { &self.cells[self.offset(at)] } }
    impl IndexMut<(usize, usize)> for Grid { fn index_mut(&mut self, at: (usize, usize)) -> &mut u8 { let i = self.offset(at); &mut self.cells[i] } }
    fn clean(s: &str) -> Cow<'_, str> { if s.contains(' ') { Cow::Owned(squeeze(s)) } else { Cow::Borrowed(s) } }
    fn squeeze(s: &str) -> String { s.chars().filter(|c| !c.is_whitespace()).collect() }
    pub fn run() -> String {
        let mut w = Wrap(Inner { n: 1 }, Cell::new(0));
        let a = w.value() + w.raise(4);
        let shared = Rc::new(RefCell::new(Inner { n: 10 }));
        let raised = shared.borrow_mut().raise(1);
        let b = raised + shared.borrow().value();
        let mut g = Grid { w: 3, cells: vec![0; 6] };
        g[(1, 2)] = 5;
        g[(0, 0)] += 1;
        format!("{a} {b} {} {:?} {} {} {}", w.1.get(), g.cells, g[(1, 2)], clean("a b"), clean("ab"))
    }
});

// Trait objects with all that may stand beside the trait, `dbg!`, `ref mut`, conditions on arms, fields and statements.
program!(beside_the_trait {
    use std::pin::Pin;
    use std::sync::Arc;

    trait Gauge {
        fn read(&self, depth: u32) -> u32;
        fn reset(&mut self) -> u32 {
            0
        }
    }

    struct Fixed<'a>(&'a str);
    impl Gauge for Fixed<'_> {
        fn read(&self, depth: u32) -> u32 {
            if depth == 0 { self.0.len() as u32 } else { 1 + self.read(depth - 1) }
        }
    }

    struct Sum<'a> {
        parts: Vec<Arc<dyn Gauge + Send + Sync + 'a>>,
        first: Option<&'a (dyn Gauge + Sync + 'a)>,
        #[cfg(any())]
        absent: Missing,
    }
    impl Gauge for Sum<'_> {
        fn read(&self, depth: u32) -> u32 {
            let of_first = match self.first {
                #[cfg(any())]
                Some(gauge) => gauge.missing(),
                #[cfg(all())]
                Some(gauge) if depth > 0 => gauge.read(depth - 1),
                _ => 0,
            };
            of_first + self.parts.iter().map(|p| p.read(depth)).sum::<u32>()
        }
        fn reset(&mut self) -> u32 {
            let Self { ref mut parts, ref first, .. } = *self;
            let count = parts.drain(..).count() as u32;
            count + u32::from(first.is_some())
        }
    }

    fn largest<'a>(of: &'a [Box<dyn Gauge + Send + 'a>]) -> Option<&'a (dyn Gauge + Send + 'a)> {
        of.iter().map(|g| &**g).max_by_key(|g| g.read(1))
    }

    fn pinned(gauge: Pin<&(dyn Gauge + Sync)>) -> u32 {
        gauge.read(2)
    }

    pub fn run() -> String {
        let text = String::from("abcd");
        let fixed = Fixed(&text);
        let parts: Vec<Arc<dyn Gauge + Send + Sync + '_>> = vec![Arc::new(Fixed("xy")), Arc::new(Fixed(&text[1..]))];
        let mut sum = Sum { parts, first: Some(&fixed) };
        let read = dbg!(sum.read(3));
        #[cfg(any())]
        let read = sum.missing();
        let reset = 'reset: {
            if sum.read(0) == 0 {
                break 'reset 99;
            }
            sum.reset()
        };
        let all: [Box<dyn Gauge + Send + '_>; 2] = [Box::new(Fixed("q")), Box::new(Fixed(&text))];
        let most = largest(&all).map(|g| g.read(0));
        let still = std::pin::pin!(Fixed("123"));
        format!("{read} {reset} {} {most:?} {}", sum.read(5), pinned(still.as_ref()))
    }
});
