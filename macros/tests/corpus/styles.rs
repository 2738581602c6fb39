//! Ordinary programs in less ordinary styles.

// Closures that return closures, hold boxes of others, and recurse through a reference to themselves.
program!(functions_of_functions {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::rc::Rc;
    pub fn compose<A, B, C>(f: impl Fn(A) -> B, g: impl Fn(B) -> C) -> impl Fn(A) -> C {
        move |x| g(f(x))
    }
    pub fn adder(n: u64) -> Box<dyn Fn(u64) -> Box<dyn Fn(u64) -> u64>> {
        Box::new(move |a| Box::new(move |b| step(a) + b + n))
    }
    fn step(n: u64) -> u64 {
        n + 1
    }
    struct Fix<'a, A, R>(&'a dyn Fn(&Fix<'a, A, R>, A) -> R);
    impl<'a, A, R> Fix<'a, A, R> {
        fn call(&self, a: A) -> R {
            (self.0)(self, a)
        }
    }
    fn memo() -> Box<dyn Fn(u64) -> u64> {
        let cache = Rc::new(RefCell::new(HashMap::new()));
        fn go(n: u64, cache: &Rc<RefCell<HashMap<u64, u64>>>) -> u64 {
            if n < 2 {
                return n;
            }
            if let Some(v) = cache.borrow().get(&n) {
                return *v;
            }
            let v = go(n - 1, cache) + go(n - 2, cache);
            cache.borrow_mut().insert(n, v);
            v
        }
        Box::new(move |n| go(n, &cache))
    }
    pub fn boxed(n: u32) -> Box<dyn Fn(u32) -> u32> {
        if n == 0 {
            Box::new(|x| x)
        } else {
            let inner = boxed(n - 1);
            Box::new(move |x| inner(x) + n)
        }
    }
    pub fn run() -> String {
        let fact = Fix(&|this: &Fix<'_, u64, u64>, n: u64| if n == 0 { 1 } else { n * this.call(n - 1) });
        let f = compose(step, |x| move |y: u64| step(x) * y);
        let mut hits = 0;
        let mut count = |n: u64| {
            let inner = move |m: u64| m + n;
            hits += 1;
            inner(1)
        };
        let c = count(1) + count(2);
        format!("{} {} {} {} {} {c} {hits}", adder(3)(4)(5), fact.call(10), memo()(60), f(4)(5), boxed(12)(1))
    }
});

// `let else`, loops left with a value, `?` in a closure, shadowed names.
program!(control_flow {
    fn parse(s: &str) -> Result<i64, String> {
        let Some((op, rest)) = s.split_once(':') else { return Err(format!("no colon in {s:?}")) };
        let n: i64 = rest.trim().parse().map_err(|e| format!("{e}"))?;
        Ok(match op {
            "neg" => -n,
            "sq" => square(n),
            _ if op.is_empty() => 0,
            other => return Err(other.to_owned()),
        })
    }
    fn square(square: i64) -> i64 {
        let square = square * square;
        square
    }
    pub fn run() -> String {
        let found = 'outer: loop {
            for i in 1.. {
                for j in 1..i {
                    if square(i) + square(j) == 169 {
                        break 'outer (i, j);
                    }
                }
            }
        };
        let all: Vec<_> = ["neg:4", "sq: 5", "x:1", "nothing", "sq:z"]
            .iter()
            .map(|s| parse(s).unwrap_or_else(|e| e.len() as i64))
            .collect();
        let total: Result<i64, String> = (|| Ok(parse("neg:1")? + parse("sq:3")?))();
        let parse = 3;
        format!("{found:?} {all:?} {total:?} {parse}")
    }
});

// Double dispatch over a shared graph with weak links, supertraits, downcasts.
program!(visited_graph {
    use std::any::Any;
    use std::cell::RefCell;
    use std::fmt::Debug;
    use std::rc::{Rc, Weak};
    pub trait Named {
        fn name(&self) -> String;
    }
    pub trait Node: Named + Debug + Any {
        fn accept(&self, v: &mut dyn Visitor) -> bool;
        fn as_any(&self) -> &dyn Any;
    }
    pub trait Visitor {
        fn leaf(&mut self, l: &Leaf) -> bool;
        fn branch(&mut self, b: &Branch) -> bool;
    }
    #[derive(Debug)]
    pub struct Leaf(pub i32);
    #[derive(Debug)]
    pub struct Branch {
        kids: RefCell<Vec<Rc<dyn Node>>>,
        up: RefCell<Weak<dyn Node>>,
    }
    impl Named for Leaf {
        fn name(&self) -> String {
            format!("leaf{}", self.0)
        }
    }
    impl Named for Branch {
        fn name(&self) -> String {
            format!("[{}]", self.kids.borrow().iter().map(|k| k.name()).collect::<Vec<_>>().join(" "))
        }
    }
    impl Node for Leaf {
        fn accept(&self, v: &mut dyn Visitor) -> bool {
            v.leaf(self)
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }
    impl Node for Branch {
        fn accept(&self, v: &mut dyn Visitor) -> bool {
            v.branch(self) && self.kids.borrow().iter().all(|k| k.accept(v))
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }
    #[derive(Default)]
    struct Sum {
        total: i32,
        branches: u32,
    }
    impl Visitor for Sum {
        fn leaf(&mut self, l: &Leaf) -> bool {
            self.total += l.0;
            self.total < 100
        }
        fn branch(&mut self, _: &Branch) -> bool {
            self.branches += 1;
            true
        }
    }
    pub fn run() -> String {
        let none: Weak<dyn Node> = Weak::<Leaf>::new();
        let inner: Rc<dyn Node> = Rc::new(Branch {
            kids: RefCell::new(vec![Rc::new(Leaf(2)), Rc::new(Leaf(3))]),
            up: RefCell::new(none.clone()),
        });
        let root: Rc<dyn Node> = Rc::new(Branch {
            kids: RefCell::new(vec![Rc::new(Leaf(1)), inner.clone()]),
            up: RefCell::new(none),
        });
        if let Some(b) = inner.as_any().downcast_ref::<Branch>() {
            *b.up.borrow_mut() = Rc::downgrade(&root);
        }
        let up =
            inner.as_any().downcast_ref::<Branch>().and_then(|b| b.up.borrow().upgrade()).map(|n| n.name());
        let mut sum = Sum::default();
        let done = root.accept(&mut sum);
        format!("{} {} {} {done} {up:?} {}", root.name(), sum.total, sum.branches, Rc::strong_count(&inner))
    }
});

// States as types, errors with sources, borrowed or owned text.
program!(typed_states {
    use std::borrow::Cow;
    use std::error::Error;
    use std::fmt;
    use std::marker::PhantomData;
    pub struct Open;
    pub struct Shut;
    pub struct Door<S> {
        log: Vec<Cow<'static, str>>,
        state: PhantomData<S>,
    }
    impl Door<Shut> {
        pub fn new() -> Self {
            Door { log: vec!["new".into()], state: PhantomData }
        }
        pub fn open(mut self) -> Door<Open> {
            self.log.push(format!("open{}", self.log.len()).into());
            Door { log: self.log, state: PhantomData }
        }
    }
    impl Door<Open> {
        pub fn shut(self) -> Door<Shut> {
            let Self { mut log, .. } = self;
            log.push("shut".into());
            Door { log, state: PhantomData }
        }
    }
    impl<S> Door<S> {
        pub fn history(&self) -> impl Iterator<Item = &str> + '_ {
            self.log.iter().map(|c| c.as_ref())
        }
    }
    #[derive(Debug)]
    pub enum Bad {
        Odd(u32),
        Text(std::num::ParseIntError),
    }
    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Bad::Odd(n) => write!(f, "odd {n}"),
                Bad::Text(e) => write!(f, "text {e}"),
            }
        }
    }
    impl Error for Bad {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            match self {
                Bad::Text(e) => Some(e),
                Bad::Odd(_) => None,
            }
        }
    }
    impl From<std::num::ParseIntError> for Bad {
        fn from(e: std::num::ParseIntError) -> Self {
            Bad::Text(e)
        }
    }
    fn even(s: &str) -> Result<u32, Bad> {
        let n: u32 = s.parse()?;
        if n % 2 == 1 { Err(Bad::Odd(n)) } else { Ok(n) }
    }
    fn sum<'a>(all: impl IntoIterator<Item = &'a str>) -> Result<u32, Box<dyn Error>> {
        let mut t = 0;
        for s in all {
            t += even(s)?;
        }
        if t > 100 {
            return Err("large".into());
        }
        Ok(t)
    }
    pub fn run() -> String {
        let door = Door::new().open().shut().open();
        let results: Vec<String> = [vec!["2", "4"], vec!["3"], vec!["x"], vec!["200"]]
            .into_iter()
            .map(|v| match sum(v) {
                Ok(n) => n.to_string(),
                Err(e) => format!("{e} {}", e.source().is_some()),
            })
            .collect();
        format!("{:?} {results:?}", door.history().collect::<Vec<_>>())
    }
});

// Generic traits with an associated type as objects, wrappers of them, sorting by annotated functions.
program!(stores {
    use std::collections::BTreeMap;
    pub trait Store<K, V> {
        type Error: std::fmt::Debug;
        fn put(&mut self, k: K, v: V) -> Result<Option<V>, Self::Error>;
        fn len(&self) -> usize;
        fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }
    #[derive(Default)]
    pub struct Small<K, V> {
        map: BTreeMap<K, V>,
        most: usize,
    }
    impl<K: Ord, V> Store<K, V> for Small<K, V> {
        type Error = &'static str;
        fn put(&mut self, k: K, v: V) -> Result<Option<V>, &'static str> {
            if self.map.len() >= self.most && !self.map.contains_key(&k) {
                return Err("full");
            }
            Ok(self.map.insert(k, v))
        }
        fn len(&self) -> usize {
            self.map.len()
        }
    }
    pub struct Logged<S>(S, Vec<String>);
    impl<K: std::fmt::Debug, V, S: Store<K, V>> Store<K, V> for Logged<S> {
        type Error = S::Error;
        fn put(&mut self, k: K, v: V) -> Result<Option<V>, S::Error> {
            self.1.push(format!("{k:?}"));
            self.0.put(k, v)
        }
        fn len(&self) -> usize {
            self.0.len()
        }
    }
    fn fill(s: &mut dyn Store<u32, String, Error = &'static str>) -> Vec<String> {
        (0..4).map(|i| format!("{:?}", s.put(i % 3, format!("v{i}")))).collect()
    }
    fn weight(s: &str) -> usize {
        s.bytes().map(usize::from).sum()
    }
    pub fn run() -> String {
        let mut s = Logged(Small { map: BTreeMap::new(), most: 2 }, vec![]);
        let empty = Store::<u32, String>::is_empty(&s);
        let filled = fill(&mut s);
        let mut words = vec!["pear", "fig", "apple", "kiwi"];
        words.sort_by(|a, b| weight(b).cmp(&weight(a)).then_with(|| a.cmp(b)));
        words.dedup_by_key(|w| weight(w) / 1000);
        format!("{empty} {filled:?} {:?} {words:?}", s.1)
    }
});
