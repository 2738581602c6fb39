//! Closures, iterators, callbacks.

program!(iterator_chains {
    fn weight(n: u32) -> u32 { n * 3 + 1 }
    fn keep(n: &u32) -> bool { weight(*n) % 2 == 0 }
    fn running(of: &[u32]) -> Vec<u32> { of.iter().scan(0, |s, n| { *s += weight(*n); Some(*s) }).collect() }
    fn best(of: &[u32]) -> Option<u32> { of.iter().copied().filter(keep).max_by_key(|n| weight(*n) % 7) }
    fn grouped(of: &[u32]) -> std::collections::BTreeMap<u32, Vec<u32>> {
        of.iter().fold(Default::default(), |mut m: std::collections::BTreeMap<u32, Vec<u32>>, n| { m.entry(weight(*n) % 3).or_default().push(*n); m })
    }
    fn zipped(a: &[u32], b: &[u32]) -> u32 { a.iter().zip(b).map(|(a, b)| weight(*a) * weight(*b)).sum() }
    fn windows(of: &[u32]) -> Vec<i64> { of.windows(2).map(|w| i64::from(weight(w[1])) - i64::from(weight(w[0]))).collect() }
    pub fn run() -> String {
        let v: Vec<u32> = (1..9).collect();
        let mut by = v.clone();
        by.sort_by(|a, b| (weight(*a) % 5).cmp(&(weight(*b) % 5)).then(b.cmp(a)));
        format!("{:?} {:?} {:?} {} {:?} {:?}", running(&v), best(&v), grouped(&v), zipped(&v, &by), windows(&by), by)
    }
});

program!(captures {
    fn log(into: &mut Vec<String>, what: &str) { into.push(what.to_owned()); }
    fn make_counter() -> impl FnMut() -> u32 { let mut n = 0; move || { n = next(n); n } }
    fn next(n: u32) -> u32 { n + 1 }
    fn make_adders() -> Vec<Box<dyn Fn(u32) -> u32>> { (0..3).map(|k| Box::new(move |n| next(n) + k) as Box<dyn Fn(u32) -> u32>).collect() }
    fn once(f: impl FnOnce(String) -> usize) -> usize { f("text".to_string()) }
    fn nested(n: u32) -> u32 { let f = |a: u32| { let g = |b: u32| next(a) * next(b); g(a) + g(n) }; f(n) }
    pub fn run() -> String {
        let mut lines = vec![];
        { let mut say = |s: &str| log(&mut lines, s); say("one"); say("two"); }
        let mut c = make_counter();
        c(); c();
        let owned = String::from("moved");
        let n = once(move |t| t.len() + owned.len() + next(0) as usize);
        format!("{lines:?} {} {:?} {n} {}", c(), make_adders().iter().map(|f| f(10)).collect::<Vec<_>>(), nested(3))
    }
});

program!(own_iterators {
    pub struct Walk<'t> { stack: Vec<&'t Tree> }
    pub struct Tree { value: i32, children: Vec<Tree> }
    impl Tree {
        fn leaf(value: i32) -> Tree { Tree::node(value, vec![]) }
        fn node(value: i32, children: Vec<Tree>) -> Tree { Tree { value, children } }
        fn iter(&self) -> Walk<'_> { Walk { stack: vec![self] } }
        fn worth(&self) -> i32 { self.value * 2 }
    }
    impl<'t> Iterator for Walk<'t> {
        type Item = &'t Tree;
        fn next(&mut self) -> Option<&'t Tree> { let t = self.stack.pop()?; self.push_all(t); Some(t) }
    }
    impl<'t> Walk<'t> { fn push_all(&mut self, t: &'t Tree) { self.stack.extend(t.children.iter().rev()); } }
    impl<'t> IntoIterator for &'t Tree { type Item = &'t Tree; type IntoIter = Walk<'t>; fn into_iter(self) -> Walk<'t> { self.iter() } }
    fn evens(n: u32) -> impl Iterator<Item = u32> { (0..n).map(double) }
    fn double(n: u32) -> u32 { n * 2 }
    fn boxed<'a>(of: &'a [i32]) -> Box<dyn Iterator<Item = i32> + 'a> { Box::new(of.iter().map(|n| double(*n as u32) as i32)) }
    struct Fib { a: u64, b: u64 }
    impl Iterator for Fib { type Item = u64; fn next(&mut self) -> Option<u64> { self.step(); Some(self.a) } }
    impl Fib { fn step(&mut self) { (self.a, self.b) = (self.b, self.a + self.b); } }
    pub fn run() -> String {
        let tree = Tree::node(1, vec![Tree::node(2, vec![Tree::leaf(3)]), Tree::leaf(4)]);
        let mut sum = 0;
        for t in &tree { sum += t.worth(); }
        format!("{sum} {:?} {:?} {:?} {:?}", tree.iter().map(|t| t.worth()).collect::<Vec<_>>(), evens(4).collect::<Vec<_>>(),
            boxed(&[1, 2]).collect::<Vec<_>>(), Fib { a: 0, b: 1 }.take(8).collect::<Vec<_>>())
    }
});

program!(callbacks {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    type Handler<'a> = Box<dyn Fn(&Event) -> bool + 'a>;
    #[derive(Debug, Clone, PartialEq)]
    pub enum Event { Key(char), Click { x: i32, y: i32 }, Quit }
    #[derive(Default)]
    struct Bus<'a> { handlers: Vec<(String, Handler<'a>)>, sent: Cell<u32> }
    impl<'a> Bus<'a> {
        fn on(&mut self, name: &str, f: impl Fn(&Event) -> bool + 'a) -> &mut Self { self.handlers.push((name.to_string(), Box::new(f))); self }
        fn emit(&self, e: Event) -> Vec<&str> {
            self.sent.set(self.sent.get() + 1);
            let heard = self.handlers.iter().filter(|(_, h)| h(&e)).map(|(n, _)| n.as_str()).collect();
            if let Event::Click { x, y } = e && x > y { self.emit(Event::Key('c')); }
            heard
        }
    }
    fn is_key(e: &Event) -> bool { matches!(e, Event::Key(c) if valid(*c)) }
    fn valid(c: char) -> bool { c.is_ascii_lowercase() }
    pub fn run() -> String {
        let log = Rc::new(RefCell::new(vec![]));
        let seen = log.clone();
        let mut bus = Bus::default();
        bus.on("keys", is_key).on("all", move |e| { seen.borrow_mut().push(format!("{e:?}")); true }).on("quit", |e| *e == Event::Quit);
        let heard: Vec<Vec<&str>> = [Event::Key('a'), Event::Key('A'), Event::Click { x: 2, y: 1 }, Event::Quit].into_iter().map(|e| bus.emit(e)).collect();
        format!("{heard:?} {} {:?}", bus.sent.get(), log.borrow())
    }
});

program!(lazy_and_memo {
    use std::collections::HashMap;
    struct Memo<F: Fn(&mut Memo<F>, u64) -> u64> { known: HashMap<u64, u64>, f: Option<F>, calls: u32 }
    fn lookup(known: &mut HashMap<u64, u64>, n: u64, make: &mut dyn FnMut(&mut HashMap<u64, u64>) -> u64) -> u64 {
        if let Some(v) = known.get(&n) { return *v; }
        let v = make(known);
        known.insert(n, v);
        v
    }
    fn fib(known: &mut HashMap<u64, u64>, n: u64) -> u64 {
        if n < 2 { return n; }
        lookup(known, n, &mut |k| fib(k, n - 1) + fib(k, n - 2))
    }
    struct Lazy<T> { value: Option<T>, make: fn() -> T }
    impl<T: Clone> Lazy<T> { fn new(make: fn() -> T) -> Self { Lazy { value: None, make } } fn force(&mut self) -> T { let make = self.make; self.value.get_or_insert_with(|| make()).clone() } }
    fn expensive() -> String { "costly".repeat(2) }
    pub fn run() -> String { let mut l = Lazy::new(expensive); format!("{} {} {}", fib(&mut HashMap::new(), 60), l.force(), l.force().len()) }
});

program!(errors {
    use std::fmt;
    #[derive(Debug)]
    pub enum Problem { Empty, Bad(std::num::ParseIntError), Limit { got: i64, most: i64 } }
    impl fmt::Display for Problem {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self { Problem::Empty => f.write_str("nothing"), Problem::Bad(e) => write!(f, "bad: {e}"), Problem::Limit { got, most } => write!(f, "{} over by {}", got, over(*got, *most)) }
        }
    }
    impl std::error::Error for Problem {}
    impl From<std::num::ParseIntError> for Problem { fn from(e: std::num::ParseIntError) -> Self { Problem::Bad(e) } }
    fn over(got: i64, most: i64) -> i64 { got - most }
    fn parse(s: &str) -> Result<i64, Problem> { let s = s.trim(); if s.is_empty() { return Err(Problem::Empty); } Ok(s.parse::<i64>()?) }
    fn limited(s: &str, most: i64) -> Result<i64, Problem> {
        let n = parse(s)?;
        if n > most { Err(Problem::Limit { got: n, most }) } else { Ok(n) }
    }
    fn total(of: &str) -> Result<i64, Box<dyn std::error::Error>> { let mut s = 0; for part in of.split(',') { s += limited(part, 100)?; } if s == 13 { return Err("unlucky".into()); } Ok(s) }
    fn first(of: &[&str]) -> Option<i64> { of.iter().find_map(|s| parse(s).ok()) }
    fn either(of: &str) -> String { let Ok(n) = parse(of) else { return format!("no: {}", parse(of).unwrap_err()) }; n.to_string() }
    fn all(of: &[&str]) -> Result<Vec<i64>, Problem> { of.iter().map(|s| limited(s, 10)).collect() }
    pub fn run() -> String {
        let totals: Vec<String> = ["1,2", "1,,2", "x", "101", "6,7"].iter().map(|s| total(s).map_or_else(|e| e.to_string(), |n| n.to_string())).collect();
        format!("{totals:?} {:?} {} {} {:?} {}", first(&["", "q", "5"]), either("8"), either("z"), all(&["1", "2"]).unwrap(), all(&["1", "20"]).unwrap_err())
    }
});

program!(drops_and_panics {
    use std::cell::RefCell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    struct Guard<'a> { log: &'a RefCell<Vec<u32>>, id: u32 }
    impl Drop for Guard<'_> { fn drop(&mut self) { note(self.log, self.id); } }
    fn note(log: &RefCell<Vec<u32>>, id: u32) { log.borrow_mut().push(id); }
    fn deep(log: &RefCell<Vec<u32>>, n: u32) -> u32 { let _g = Guard { log, id: n }; if n == 0 { panic!("bottom {n}") } else { deep(log, n - 1) + 1 } }
    trait Act { fn act(&self, log: &RefCell<Vec<u32>>) -> u32; }
    struct Explode; struct Delegate(Box<dyn Act>);
    impl Act for Explode { fn act(&self, log: &RefCell<Vec<u32>>) -> u32 { let _g = Guard { log, id: 100 }; let none: Option<u32> = None; none.expect("nothing here") } }
    impl Act for Delegate { fn act(&self, log: &RefCell<Vec<u32>>) -> u32 { let _g = Guard { log, id: 200 }; self.0.act(log) + 1 } }
    fn recover(log: &RefCell<Vec<u32>>, n: u32) -> u32 {
        if n == 0 { return deep(log, 2); }
        catch_unwind(AssertUnwindSafe(|| recover(log, n - 1))).unwrap_or(n * 1000)
    }
    pub fn run() -> String {
        let log = RefCell::new(vec![]);
        let a = catch_unwind(AssertUnwindSafe(|| deep(&log, 4))).unwrap_err().downcast::<String>().unwrap();
        let b = catch_unwind(AssertUnwindSafe(|| Delegate(Box::new(Delegate(Box::new(Explode)))).act(&log))).is_err();
        let c = recover(&log, 3);
        format!("{a} {b} {c} {:?}", log.into_inner())
    }
});
