//! Programs as people write them from day to day: errors, settings, graphs of shared cells, guards, actors.

// Errors as enums, `?` through `From`, boxed errors, sources; values that check themselves behind objects.
program!(settings {
    use std::borrow::Cow;
    use std::collections::BTreeMap;
    use std::error::Error;
    use std::fmt::{self, Display, Formatter};
    use std::num::{IntErrorKind, ParseFloatError, ParseIntError};
    use std::str::FromStr;

    #[derive(Debug)]
    #[non_exhaustive]
    pub enum ConfigError {
        Syntax { line: usize, text: String },
        Number(ParseIntError),
        Fraction(ParseFloatError),
        Rule { key: &'static str, why: Cow<'static, str> },
        Nested(Box<ConfigError>, usize),
    }
    pub type Result<T, E = ConfigError> = std::result::Result<T, E>;
    impl Display for ConfigError {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            match self {
                Self::Syntax { line, text } => write!(f, "line {line}: {text:?}"),
                Self::Number(e) if *e.kind() == IntErrorKind::PosOverflow => f.write_str("too large"),
                Self::Number(_) | Self::Fraction(_) => f.pad("no number"),
                Self::Rule { key, why } => write!(f, "{key:>6}: {why}"),
                Self::Nested(inner, depth) => write!(f, "{:-<1$}{inner}", "", depth),
            }
        }
    }
    impl Error for ConfigError {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(match self {
                Self::Number(e) => e,
                Self::Fraction(e) => e,
                Self::Nested(e, _) => &**e,
                _ => return None,
            })
        }
    }
    impl From<ParseIntError> for ConfigError {
        fn from(e: ParseIntError) -> Self {
            Self::Number(e)
        }
    }
    impl From<ParseFloatError> for ConfigError {
        fn from(e: ParseFloatError) -> Self {
            Self::Fraction(e)
        }
    }
    pub trait Check {
        fn check(&self) -> Result<()>;
        fn within(&self, key: &'static str, ok: bool) -> Result<()> {
            ok.then_some(()).ok_or_else(|| ConfigError::Rule { key, why: "out of range".into() })
        }
    }
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Ratio(f64);
    impl FromStr for Ratio {
        type Err = ConfigError;
        fn from_str(s: &str) -> Result<Self> {
            let Some((a, b)) = s.split_once(':') else { return Ok(Ratio(s.parse::<f64>()?)) };
            let [a, b] = [a, b].map(|n| n.trim().parse::<u32>());
            Ok(Ratio(f64::from(a?) / f64::from(b?)))
        }
    }
    impl TryFrom<i64> for Ratio {
        type Error = Box<dyn Error + Send + Sync>;
        fn try_from(n: i64) -> Result<Self, Self::Error> {
            if n < 0 { Err(format!("{n} is negative"))? }
            if n > 100 { return Err(Box::new(ConfigError::Rule { key: "ratio", why: Cow::Owned(format!("{n} > 100")) })); }
            Ok(Ratio(n as f64 / 100.0))
        }
    }
    impl Check for Ratio {
        fn check(&self) -> Result<()> {
            self.within("ratio", (0.0..=1.0).contains(&self.0))
        }
    }
    impl<T: Check + ?Sized> Check for &T {
        fn check(&self) -> Result<()> {
            T::check(self)
        }
    }
    impl<T: Check> Check for Option<T> {
        fn check(&self) -> Result<()> {
            self.as_ref().map_or(Ok(()), Check::check)
        }
    }
    struct All<'c>(Vec<(&'static str, &'c (dyn Check + 'c))>);
    impl Check for All<'_> {
        fn check(&self) -> Result<()> {
            self.0.iter().enumerate().try_for_each(|(i, (_, c))| c.check().map_err(|e| ConfigError::Nested(Box::new(e), i)))
        }
    }
    fn parse(text: &str) -> Result<BTreeMap<&str, &str>> {
        text.lines()
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#'))
            .map(|(n, l)| l.split_once('=').map(|(k, v)| (k.trim(), v.trim())).ok_or_else(|| ConfigError::Syntax { line: n + 1, text: l.to_owned() }))
            .collect()
    }
    fn ratio(of: &BTreeMap<&str, &str>, key: &str) -> Result<Option<Ratio>> {
        of.get(key).map(|v| v.parse()).transpose()
    }
    fn load(text: &str) -> Result<f64, Box<dyn Error>> {
        let map = parse(text)?;
        let (a, b) = (ratio(&map, "a")?, ratio(&map, "b")?);
        let n: Ratio = map.get("n").unwrap_or(&"7").parse::<i64>()?.try_into().map_err(|e: Box<dyn Error + Send + Sync>| e as Box<dyn Error>)?;
        All(vec![("a", &a), ("both", &All(vec![("b", &b), ("n", &n)]))]).check()?;
        Ok([a, b, Some(n)].into_iter().flatten().map(|Ratio(r)| r).sum())
    }
    fn chain(e: &dyn Error) -> String {
        std::iter::successors(Some(e), |e: &&dyn Error| (*e).source()).map(|e| e.to_string()).collect::<Vec<_>>().join(" < ")
    }
    pub fn run() -> String {
        let texts = ["a = 1:4\n#x\nb=0.5", "a 1", "a = x:1", "b = 99999999999:1", "a=0.1\nb=1.5", "n=-1", "n=101", "n=1.5", "a=."];
        texts.map(|t| load(t).map_or_else(|e| chain(&*e), |n| format!("{n:.2}"))).join(" | ")
    }
});

// A builder: `impl Into`, closures it keeps, consuming and borrowing steps, defaults, a result that is checked.
program!(builder {
    use std::borrow::Cow;
    use std::fmt;
    use std::rc::Rc;

    type Hook = Rc<dyn Fn(&Request<'_>) -> Option<String>>;
    #[derive(Clone, Default)]
    pub struct RequestBuilder<'a> {
        path: Cow<'a, str>,
        headers: Vec<(Cow<'static, str>, String)>,
        hooks: Vec<Hook>,
        retries: Option<u8>,
        body: Option<Box<[u8]>>,
    }
    pub struct Request<'a> {
        path: Cow<'a, str>,
        headers: Vec<(Cow<'static, str>, String)>,
        retries: u8,
        size: usize,
    }
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    pub enum Invalid { NoPath, BodyTooLong(usize) }

    pub trait Configure: Sized {
        fn when(self, condition: bool, f: impl FnOnce(Self) -> Self) -> Self {
            if condition { f(self) } else { self }
        }
        fn with_each<T>(self, all: impl IntoIterator<Item = T>, mut f: impl FnMut(Self, T) -> Self) -> Self {
            let mut me = self;
            for one in all { me = f(me, one); }
            me
        }
    }
    impl Configure for RequestBuilder<'_> {}

    impl<'a> RequestBuilder<'a> {
        const LIMIT: usize = 4;
        #[must_use]
        pub fn new(path: impl Into<Cow<'a, str>>) -> Self {
            Self { path: path.into(), ..Self::default() }
        }
        #[must_use = "it does nothing by itself"]
        pub fn header<K, V>(mut self, name: K, value: V) -> Self
        where
            K: Into<Cow<'static, str>>,
            V: ToString,
        {
            self.headers.push((name.into(), value.to_string()));
            self
        }
        pub fn retries(self, n: u8) -> Self { Self { retries: Some(n), ..self } }
        pub fn body(&mut self, bytes: &[u8]) -> &mut Self { self.body = Some(bytes.into()); self }
        pub fn hook<F>(mut self, f: F) -> Self where F: Fn(&Request<'_>) -> Option<String> + 'static {
            self.hooks.push(Rc::new(f));
            self
        }
        pub fn build(&mut self) -> Result<Request<'a>, Invalid> {
            let size = self.body.as_deref().map_or(0, <[u8]>::len);
            if self.path.is_empty() { return Err(Invalid::NoPath); }
            if size > Self::LIMIT { return Err(Invalid::BodyTooLong(size)); }
            let mut request = Request { path: std::mem::take(&mut self.path), headers: std::mem::take(&mut self.headers), retries: self.retries.unwrap_or(1), size };
            let added: Vec<String> = self.hooks.iter().filter_map(|h| h(&request)).collect();
            request.headers.extend(added.into_iter().enumerate().map(|(n, v)| (Cow::from(format!("hook-{n}")), v)));
            Ok(request)
        }
    }
    impl Request<'_> {
        fn header(&self, name: &str) -> Option<&str> { self.headers.iter().rev().find_map(|(n, v)| (*n == name).then_some(v.as_str())) }
        fn into_owned(self) -> Request<'static> { Request { path: Cow::Owned(self.path.into_owned()), ..self } }
    }
    impl fmt::Debug for Request<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Request").field("path", &self.path).field("retries", &self.retries).field("size", &self.size).finish_non_exhaustive()?;
            f.debug_map().entries(self.headers.iter().map(|(k, v)| (k, v))).finish()
        }
    }
    fn owned() -> Request<'static> {
        let path = String::from("/short/lived");
        RequestBuilder::new(path.as_str()).retries(0).build().map(Request::into_owned).expect("valid")
    }
    pub fn run() -> String {
        let base = RequestBuilder::new("/a").header("x", 1).hook(|r| r.header("x").map(|x| format!("x was {x}"))).hook(|r| (r.retries > 5).then(|| "many".into()));
        let first = base.clone().when(true, |b| b.header("y", 'c')).when(false, |b| b.retries(99)).build();
        let second = base.clone().with_each(["p", "q"], |b, k| b.header(k, k.len())).retries(7).body(b"abc").build();
        let third = RequestBuilder::default().build().err();
        let fourth = RequestBuilder::new(String::from("/x")).body(b"12345").build().map(|r| r.size);
        format!("{first:?} {second:?} {third:?} {fourth:?} {:?}", owned())
    }
});

// Cells that are shared, parents that are weak, objects in them, guards that write down when they go.
program!(shared_cells {
    use std::cell::{Ref, RefCell, RefMut};
    use std::collections::HashMap;
    use std::rc::{Rc, Weak};

    pub trait Widget {
        fn id(&self) -> u32;
        fn size(&self) -> (u32, u32);
        fn place(&mut self, x: u32, y: u32, log: &Log) -> Guard;
        fn children(&self) -> &[Shared<dyn Widget>] { &[] }
    }
    pub type Shared<T> = Rc<RefCell<T>>;
    #[derive(Clone, Default)]
    pub struct Log(Shared<Vec<String>>);
    impl Log {
        fn add(&self, line: impl Into<String>) { self.0.borrow_mut().push(line.into()); }
        fn lines(&self) -> Ref<'_, [String]> { Ref::map(self.0.borrow(), |l| l.as_slice()) }
        fn last(&self) -> Option<RefMut<'_, String>> { RefMut::filter_map(self.0.borrow_mut(), |l| l.last_mut()).ok() }
    }
    #[must_use]
    pub struct Guard { log: Log, id: u32 }
    impl Drop for Guard { fn drop(&mut self) { self.log.add(format!("-{}", self.id)); } }

    struct Label { id: u32, text: String, at: (u32, u32), parent: Weak<RefCell<Stack>> }
    struct Stack { id: u32, below: Vec<Shared<dyn Widget>>, vertical: bool, me: Weak<RefCell<Stack>> }
    impl Widget for Label {
        fn id(&self) -> u32 { self.id }
        fn size(&self) -> (u32, u32) { (self.text.len() as u32, 1) }
        fn place(&mut self, x: u32, y: u32, log: &Log) -> Guard {
            self.at = (x, y);
            let siblings = self.parent.upgrade().map_or(0, |p| p.try_borrow().map_or(99, |p| p.below.len()));
            log.add(format!("{}@{x},{y}/{siblings}", self.id));
            Guard { log: log.clone(), id: self.id }
        }
    }
    impl Widget for Stack {
        fn id(&self) -> u32 { self.id }
        fn size(&self) -> (u32, u32) {
            self.below.iter().map(|w| w.borrow().size()).fold((0, 0), |(w, h), (x, y)| if self.vertical { (w.max(x), h + y) } else { (w + x, h.max(y)) })
        }
        fn place(&mut self, mut x: u32, mut y: u32, log: &Log) -> Guard {
            let _inner: Vec<Guard> = self.below.iter().map(|w| {
                let guard = w.borrow_mut().place(x, y, log);
                let (dx, dy) = w.borrow().size();
                if self.vertical { y += dy } else { x += dx }
                guard
            }).collect();
            Guard { log: log.clone(), id: self.id }
        }
        fn children(&self) -> &[Shared<dyn Widget>] { &self.below }
    }
    impl Stack {
        fn new(id: u32, vertical: bool) -> Shared<Stack> {
            Rc::new_cyclic(|me| RefCell::new(Stack { id, below: vec![], vertical, me: me.clone() }))
        }
        fn label(&mut self, id: u32, text: &str) -> Shared<Label> {
            let label = Rc::new(RefCell::new(Label { id, text: text.to_owned(), at: (0, 0), parent: self.me.clone() }));
            self.below.push(label.clone());
            label
        }
    }
    fn index(of: &Shared<dyn Widget>, into: &mut HashMap<u32, Weak<RefCell<dyn Widget>>>) {
        let widget = of.borrow();
        into.insert(widget.id(), Rc::downgrade(of));
        widget.children().iter().for_each(|w| index(w, into));
    }
    pub fn run() -> String {
        let log = Log::default();
        let (root, inner) = (Stack::new(1, true), Stack::new(2, false));
        let deep = inner.borrow_mut().label(3, "abc");
        inner.borrow_mut().label(4, "de");
        root.borrow_mut().below.push(inner);
        root.borrow_mut().label(5, "wide text");
        let any: Shared<dyn Widget> = root.clone();
        let mut known = HashMap::new();
        index(&any, &mut known);
        let size = any.borrow().size();
        let guard = any.borrow_mut().place(10, 20, &log);
        if let Some(mut last) = log.last() { last.push('!'); }
        drop(guard);
        let at = deep.borrow().at;
        drop((root, any));
        let mut gone: Vec<u32> = known.iter().filter(|(_, w)| w.upgrade().is_none()).map(|(id, _)| *id).collect();
        gone.sort_unstable();
        format!("{size:?} {at:?} {gone:?} {} {}", deep.borrow().parent.strong_count(), log.lines().join(" "))
    }
});

// Dispatch three ways: boxed states in an enum's variants, tables of functions in constants and statics, closures in maps.
program!(dispatchers {
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex, OnceLock, mpsc};

    static SERIAL: AtomicU32 = AtomicU32::new(0);
    const STEPS: &[(&str, fn(&mut Session, &str) -> Flow)] = &[("add", Session::add), ("end", Session::end), ("sub", |s, t| s.add(&format!("-{t}")))];
    static GREETINGS: [fn(&str) -> String; 2] = [polite, |n| format!("yo {n}")];
    fn polite(name: &str) -> String { format!("dear {name}") }
    fn table() -> &'static Mutex<BTreeMap<String, Box<dyn Plugin>>> {
        static TABLE: OnceLock<Mutex<BTreeMap<String, Box<dyn Plugin>>>> = OnceLock::new();
        TABLE.get_or_init(|| Mutex::new(BTreeMap::from([("up".to_owned(), Box::new(Upper) as Box<dyn Plugin>)])))
    }
    type Flow = ControlFlow<String, i32>;
    pub trait Plugin: Send + Sync { fn run_on(&self, text: &str) -> String; }
    struct Upper;
    impl Plugin for Upper { fn run_on(&self, text: &str) -> String { text.to_uppercase() } }
    struct Twice<P: ?Sized>(u8, P);
    impl<P: Plugin + ?Sized> Plugin for Twice<P> { fn run_on(&self, text: &str) -> String { self.1.run_on(&self.1.run_on(text)) + &self.0.to_string() } }
    impl<F> Plugin for (F,) where F: Fn(&str) -> String + Send + Sync { fn run_on(&self, text: &str) -> String { (self.0)(text) } }
    impl<P: Plugin + ?Sized> Plugin for Arc<P> { fn run_on(&self, text: &str) -> String { P::run_on(self, text) } }

    #[derive(Default)]
    struct Session { total: i32, state: State }
    #[derive(Default)]
    enum State { #[default] Idle, Busy(Box<dyn Mode>), Over { at: i32 } }
    trait Mode { fn on(self: Box<Self>, n: i32) -> State; fn weight(&self) -> i32; }
    struct Climb(i32);
    struct Slide { from: i32, by: i32 }
    impl Mode for Climb { fn on(mut self: Box<Self>, n: i32) -> State { self.0 += n; if self.0 > 5 { State::Busy(Box::new(Slide { from: self.0, by: n })) } else { State::Busy(self) } } fn weight(&self) -> i32 { self.0 } }
    impl Mode for Slide { fn on(self: Box<Self>, n: i32) -> State { match *self { Slide { from, by } if from - by < n => State::Over { at: from }, Slide { from, by } => State::Busy(Box::new(Slide { from: from - by, by })) } } fn weight(&self) -> i32 { -self.from } }
    impl Session {
        fn add(&mut self, text: &str) -> Flow {
            let Ok(n) = text.parse::<i32>() else { return ControlFlow::Break(format!("bad {text}")) };
            self.state = match std::mem::take(&mut self.state) { State::Idle => State::Busy(Box::new(Climb(n))), State::Busy(mode) => mode.on(n), over @ State::Over { .. } => over };
            self.total += n + if let State::Busy(m) = &self.state { m.weight() } else { 0 };
            ControlFlow::Continue(self.total)
        }
        fn end(&mut self, _: &str) -> Flow { ControlFlow::Break(match self.state { State::Over { at } => format!("over {at}"), _ => format!("at {}", self.total) }) }
        fn feed(&mut self, line: &str) -> Flow {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            STEPS.iter().find(|(n, _)| *n == name).map_or(ControlFlow::Continue(0), |(_, step)| step(self, rest))
        }
    }
    fn session(lines: &[&str]) -> String {
        let mut s = Session::default();
        match lines.iter().try_for_each(|l| match s.feed(l) { ControlFlow::Continue(_) => ControlFlow::Continue(()), ControlFlow::Break(b) => ControlFlow::Break(b) }) { ControlFlow::Break(why) => why, ControlFlow::Continue(()) => "open".into() }
    }
    pub fn run() -> String {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        table().lock().unwrap().entry("twice".into()).or_insert_with(|| Box::new(Twice(2, (|t: &str| polite(t),))));
        let held: Box<Twice<dyn Plugin>> = Box::new(Twice(1, Upper));
        let shared: Arc<dyn Plugin> = Arc::new(Twice(3, Arc::new(Upper) as Arc<dyn Plugin>));
        let (tx, rx) = mpsc::channel();
        let threads: Vec<_> = (0..2).map(|n| { let (tx, shared) = (tx.clone(), Arc::clone(&shared)); std::thread::spawn(move || tx.send((n, shared.run_on(GREETINGS[n]("bob").as_str()))).is_ok()) }).collect();
        drop(tx);
        let sent = threads.into_iter().all(|t| t.join().unwrap());
        let got: BTreeMap<_, _> = rx.iter().collect();
        let plugins: Vec<String> = table().lock().unwrap().iter().map(|(k, p)| format!("{k}={}", p.run_on("x"))).collect();
        format!("{} {sent} {got:?} {plugins:?} {} {:?}", serial < 100, held.run_on("z"), [session(&["add 2", "add 3", "add 4", "sub 1", "add 9", "end"]), session(&["add 1", "end"]), session(&["add x"]), session(&["nop"])])
    }
});
