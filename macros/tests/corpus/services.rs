//! Programs of the kind that people write at work: simulations, queues, builders, protocols.

program!(elevator {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)] enum Move { Up, Down, Stay }
    trait Policy { fn next(&mut self, at: i32, calls: &[i32]) -> Option<i32>; fn label(&self) -> String { "policy".into() } }
    struct Nearest; #[derive(Default)] struct Sweep { down: bool }
    impl Policy for Nearest { fn next(&mut self, at: i32, calls: &[i32]) -> Option<i32> { calls.iter().copied().min_by_key(|c| ((c - at).abs(), *c)) } }
    impl Policy for Sweep {
        fn next(&mut self, at: i32, calls: &[i32]) -> Option<i32> {
            if calls.is_empty() { return None; }
            let ahead = |down: bool| if down { calls.iter().copied().filter(|c| *c <= at).max() } else { calls.iter().copied().filter(|c| *c >= at).min() };
            ahead(self.down).or_else(|| { self.down = !self.down; ahead(self.down) })
        }
        fn label(&self) -> String { format!("sweep {}", if self.down { "down" } else { "up" }) }
    }
    struct Lift<P: ?Sized> { at: i32, travelled: i32, served: Vec<i32>, policy: Box<P> }
    impl<P: Policy + ?Sized> Lift<P> {
        fn direction(&self, to: i32) -> Move { match to.cmp(&self.at) { std::cmp::Ordering::Less => Move::Down, std::cmp::Ordering::Greater => Move::Up, std::cmp::Ordering::Equal => Move::Stay } }
        fn serve(&mut self, calls: &mut Vec<i32>) -> Option<Move> { let to = self.policy.next(self.at, calls)?; let m = self.direction(to); self.travelled += (to - self.at).abs(); self.at = to; calls.retain(|c| *c != to); self.served.push(to); Some(m) }
        fn finish(mut self, mut calls: Vec<i32>) -> String { let mut moves = vec![]; while let Some(m) = self.serve(&mut calls) { moves.push(m); } format!("{} {:?} {} {}", self.policy.label(), self.served, self.travelled, moves.iter().filter(|m| **m == Move::Up).count()) }
    }
    pub fn run() -> String { let calls = vec![5, 1, 8, 4, 4, 0]; let policies: Vec<Box<dyn Policy>> = vec![Box::new(Nearest), Box::<Sweep>::default()]; policies.into_iter().map(|policy| Lift { at: 3, travelled: 0, served: vec![], policy }.finish(calls.clone())).collect::<Vec<_>>().join("; ") }
});

program!(round_robin_scheduler {
    use std::collections::VecDeque;
    #[derive(Debug, PartialEq)] enum Step { Ran(u32), Blocked { on: usize }, Ended }
    trait Process { fn pid(&self) -> usize; fn advance(&mut self, slice: u32, mail: &mut Mail) -> Step; fn priority(&self) -> u32 { 1 } }
    #[derive(Default)] struct Mail { boxes: Vec<VecDeque<u32>> }
    impl Mail { fn send(&mut self, to: usize, v: u32) { if self.boxes.len() <= to { self.boxes.resize_with(to + 1, VecDeque::new); } self.boxes[to].push_back(v); } fn take_for(&mut self, pid: usize) -> Option<u32> { self.boxes.get_mut(pid)?.pop_front() } }
    struct Worker { pid: usize, left: u32, tell: usize } struct Reader { pid: usize, want: u32, sum: u32 }
    impl Process for Worker { fn pid(&self) -> usize { self.pid } fn advance(&mut self, slice: u32, mail: &mut Mail) -> Step { let n = slice.min(self.left); self.left -= n; mail.send(self.tell, n); if self.left == 0 { Step::Ended } else { Step::Ran(n) } } fn priority(&self) -> u32 { 1 + self.left / 4 } }
    impl Process for Reader { fn pid(&self) -> usize { self.pid } fn advance(&mut self, _: u32, mail: &mut Mail) -> Step { match mail.take_for(self.pid) { Some(v) => { self.sum += v; self.want -= 1; if self.want == 0 { mail.send(0, self.sum); Step::Ended } else { Step::Ran(1) } } None => Step::Blocked { on: self.pid } } } }
    fn schedule(mut ready: VecDeque<Box<dyn Process>>) -> (Vec<String>, Mail) {
        let (mut log, mut mail) = (vec![], Mail::default());
        let mut rounds = 0;
        while let Some(mut p) = ready.pop_front() {
            rounds += 1;
            if rounds > 50 { log.push("stuck".into()); break; }
            match p.advance(2 * p.priority(), &mut mail) { Step::Ended => log.push(format!("{} ended", p.pid())), Step::Ran(n) => { log.push(format!("{}+{n}", p.pid())); ready.push_back(p); } Step::Blocked { on } => { log.push(format!("{on} waits")); ready.push_back(p); } }
        }
        (log, mail)
    }
    pub fn run() -> String { let (log, mut mail) = schedule(VecDeque::from([Box::new(Reader { pid: 2, want: 3, sum: 0 }) as Box<dyn Process>, Box::new(Worker { pid: 1, left: 9, tell: 2 }), Box::new(Worker { pid: 3, left: 1, tell: 2 })])); format!("{log:?} {:?}", mail.take_for(0)) }
});

program!(builder_with_checks {
    use std::time::Duration;
    #[derive(Debug, Clone, PartialEq)] struct Request { method: Method, url: String, headers: Vec<(String, String)>, body: Option<Vec<u8>>, timeout: Duration }
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)] enum Method { #[default] Get, Post }
    #[derive(Debug, PartialEq)] enum Invalid { NoUrl, Header(String), BodyOnGet, Many(Vec<Invalid>) }
    #[derive(Default)] #[must_use] struct Builder { method: Method, url: Option<String>, headers: Vec<(String, String)>, body: Option<Vec<u8>>, timeout: Option<Duration>, faults: Vec<Invalid> }
    impl Builder {
        fn url(mut self, u: impl Into<String>) -> Self { self.url = Some(u.into()); self }
        fn method(self, method: Method) -> Self { Self { method, ..self } }
        fn header(mut self, k: &str, v: impl ToString) -> Self { if k.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') { self.headers.push((k.to_ascii_lowercase(), v.to_string())); } else { self.faults.push(Invalid::Header(k.to_owned())); } self }
        fn body<B: AsRef<[u8]> + ?Sized>(self, b: &B) -> Self { let b = b.as_ref(); Self { body: Some(b.to_vec()), ..self }.header("Content-Length", b.len()) }
        fn when(self, condition: bool, f: impl FnOnce(Self) -> Self) -> Self { if condition { f(self) } else { self } }
        fn build(mut self) -> Result<Request, Invalid> {
            if self.body.is_some() && self.method == Method::Get { self.faults.push(Invalid::BodyOnGet); }
            let url = self.url.take().ok_or(Invalid::NoUrl)?;
            match self.faults.len() { 0 => {} 1 => return Err(self.faults.remove(0)), _ => return Err(Invalid::Many(self.faults)) }
            Ok(Request { method: self.method, url, headers: self.headers, body: self.body, timeout: self.timeout.unwrap_or(Duration::from_secs(30)) })
        }
    }
    pub fn run() -> String { let ok = Builder::default().url("a/b").method(Method::Post).header("X-Id", 7).body("hé").when(true, |b| b.header("q", 'c')).when(false, |b| b.header(" ", 0)).build(); let results = [Builder::default().build(), Builder::default().url("u").body(&[1u8][..]).build(), Builder::default().url(String::from("u")).header("a b", 1.5).body("x").build()]; format!("{ok:?} {:?}", results.map(Result::unwrap_err)) }
});

program!(inventory_with_traits {
    use std::collections::BTreeMap;
    use std::fmt::{self, Display};
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)] struct Cents(i64);
    impl std::ops::Mul<u32> for Cents { type Output = Cents; fn mul(self, n: u32) -> Cents { Cents(self.0 * i64::from(n)) } }
    impl std::iter::Sum for Cents { fn sum<I: Iterator<Item = Cents>>(all: I) -> Cents { Cents(all.map(|c| c.0).sum()) } }
    impl Display for Cents { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}.{:02}", whole(*self), self.0 % 100) } }
    fn whole(c: Cents) -> i64 { c.0 / 100 }
    trait Priced { fn price(&self) -> Cents; fn name(&self) -> &str; fn discounted(&self, percent: u8) -> Cents { Cents(self.price().0 * i64::from(100 - percent.min(100)) / 100) } }
    trait Stocked: Priced { fn weight(&self) -> u32; fn shipping(&self) -> Cents { Cents(i64::from(self.weight()) * 5) + self.surcharge() } fn surcharge(&self) -> Cents { Cents(0) } }
    impl std::ops::Add for Cents { type Output = Cents; fn add(self, o: Cents) -> Cents { Cents(self.0 + o.0) } }
    struct Book { title: String, pages: u32 } struct Glass; struct Gift<T>(T);
    impl Priced for Book { fn price(&self) -> Cents { Cents(500) + Cents(3) * self.pages } fn name(&self) -> &str { &self.title } }
    impl Stocked for Book { fn weight(&self) -> u32 { self.pages / 10 } }
    impl Priced for Glass { fn price(&self) -> Cents { Cents(1999) } fn name(&self) -> &str { "glass" } fn discounted(&self, _: u8) -> Cents { self.price() } }
    impl Stocked for Glass { fn weight(&self) -> u32 { 40 } fn surcharge(&self) -> Cents { Cents(250) } }
    impl<T: Priced> Priced for Gift<T> { fn price(&self) -> Cents { self.0.price() + Cents(199) } fn name(&self) -> &str { self.0.name() } }
    impl<T: Stocked> Stocked for Gift<T> { fn weight(&self) -> u32 { self.0.weight() + 2 } fn surcharge(&self) -> Cents { self.0.surcharge() } }
    #[derive(Default)] struct Cart<'a> { lines: BTreeMap<u32, (u32, Option<&'a dyn Stocked>)> }
    impl<'a> Cart<'a> { fn add(&mut self, id: u32, n: u32, item: &'a dyn Stocked) -> &mut Self { let line = self.lines.entry(id).or_default(); line.0 += n; line.1 = Some(item); self } fn total(&self, percent: u8) -> Cents { self.lines.values().filter_map(|(n, item)| item.map(|i| i.discounted(percent) * *n + i.shipping())).sum() } fn receipt(&self) -> String { self.lines.values().flat_map(|(n, i)| i.map(|i| format!("{n} {} {}", i.name(), i.price() * *n))).collect::<Vec<_>>().join(", ") } }
    pub fn run() -> String { let (b, g, p) = (Book { title: "Rust".into(), pages: 300 }, Glass, Gift(Gift(Glass))); let mut c = Cart::default(); c.add(1, 2, &b).add(2, 1, &g).add(3, 1, &p).add(1, 1, &b); format!("{} = {} or {}", c.receipt(), c.total(0), c.total(15)) }
});

program!(rate_limiter {
    trait Clock { fn now(&self) -> u64; }
    struct Manual(std::cell::Cell<u64>);
    impl Clock for Manual { fn now(&self) -> u64 { self.0.get() } }
    impl<C: Clock + ?Sized> Clock for &C { fn now(&self) -> u64 { (**self).now() } }
    trait Limiter { fn allow(&mut self, cost: u32) -> Result<u32, u64>; }
    struct Bucket<C> { clock: C, capacity: u32, level: u32, per_tick: u32, seen: u64 }
    impl<C: Clock> Bucket<C> { fn new(clock: C, capacity: u32, per_tick: u32) -> Self { let seen = clock.now(); Bucket { clock, capacity, level: capacity, per_tick, seen } } fn refill(&mut self) { let now = self.clock.now(); self.level = self.capacity.min(self.level + (now - self.seen) as u32 * self.per_tick); self.seen = now; } }
    impl<C: Clock> Limiter for Bucket<C> { fn allow(&mut self, cost: u32) -> Result<u32, u64> { self.refill(); match self.level.checked_sub(cost) { Some(left) => { self.level = left; Ok(left) } None => Err(u64::from((cost - self.level).div_ceil(self.per_tick))) } } }
    struct Window<C> { clock: C, span: u64, most: usize, hits: std::collections::VecDeque<u64> }
    impl<C: Clock> Limiter for Window<C> { fn allow(&mut self, cost: u32) -> Result<u32, u64> { let now = self.clock.now(); while self.hits.front().is_some_and(|h| h + self.span <= now) { self.hits.pop_front(); } if self.hits.len() + cost as usize > self.most { return Err(self.hits.front().map_or(0, |h| h + self.span - now)); } self.hits.extend(std::iter::repeat_n(now, cost as usize)); Ok((self.most - self.hits.len()) as u32) } }
    struct All(Vec<Box<dyn Limiter>>);
    impl Limiter for All { fn allow(&mut self, cost: u32) -> Result<u32, u64> { self.0.iter_mut().map(|l| l.allow(cost)).try_fold(u32::MAX, |least, r| r.map(|n| n.min(least))) } }
    pub fn run() -> String { let clock: &'static Manual = Box::leak(Box::new(Manual(0.into()))); let mut all = All(vec![Box::new(Bucket::new(clock as &dyn Clock, 5, 1)), Box::new(Window { clock, span: 4, most: 6, hits: Default::default() })]); let mut out = vec![]; for (tick, cost) in [(0, 3), (0, 2), (0, 1), (1, 1), (2, 2), (6, 4), (6, 9)] { clock.0.set(tick); out.push(all.allow(cost)); } format!("{out:?}") }
});

program!(state_chart {
    use std::fmt::Debug;
    trait State: Debug { fn on(self: Box<Self>, event: &Event, log: &mut Vec<String>) -> Box<dyn State>; fn enter(&self, log: &mut Vec<String>) { log.push(format!("+{}", self.id())); } fn leave(&self, log: &mut Vec<String>) { log.push(format!("-{}", self.id())); } fn id(&self) -> String { format!("{self:?}") } fn is_final(&self) -> bool { false } }
    #[derive(Debug)] enum Event { Coin(u32), Turn, Kick }
    #[derive(Debug)] struct Locked { paid: u32 } #[derive(Debug)] struct Open; #[derive(Debug)] struct Broken(Box<dyn State>);
    fn go(from: Box<dyn State>, to: impl State + 'static, log: &mut Vec<String>) -> Box<dyn State> { from.leave(log); to.enter(log); Box::new(to) }
    impl State for Locked { fn on(self: Box<Self>, e: &Event, log: &mut Vec<String>) -> Box<dyn State> { match e { Event::Coin(n) if self.paid + n >= 3 => go(self, Open, log), Event::Coin(n) => Box::new(Locked { paid: self.paid + n }), Event::Turn => self, Event::Kick => { log.push("ouch".into()); Box::new(Broken(self)) } } } fn id(&self) -> String { "locked".into() } }
    impl State for Open { fn on(self: Box<Self>, e: &Event, log: &mut Vec<String>) -> Box<dyn State> { if let Event::Turn = e { go(self, Locked { paid: 0 }, log) } else { self } } }
    impl State for Broken { fn on(self: Box<Self>, e: &Event, _: &mut Vec<String>) -> Box<dyn State> { match *self { Broken(inner) if matches!(e, Event::Kick) => inner, same => Box::new(same) } } fn is_final(&self) -> bool { self.0.is_final() || format!("{:?}", self.0).len() > 99 } }
    fn drive(events: &[Event]) -> String { let mut log = vec![]; let mut s: Box<dyn State> = Box::new(Locked { paid: 0 }); s.enter(&mut log); for e in events { s = s.on(e, &mut log); } format!("{log:?} {s:?} {}", s.is_final()) }
    pub fn run() -> String { use Event::*; drive(&[Coin(1), Turn, Coin(2), Kick, Turn, Kick, Coin(9), Kick, Turn, Coin(1)]) }
});

program!(command_line {
    use std::collections::BTreeMap;
    trait Command { fn name(&self) -> &'static str; fn help(&self) -> String { format!("{} - ?", self.name()) } fn execute(&self, args: &Args<'_>, shell: &mut Shell) -> Result<String, String>; }
    struct Args<'a> { words: Vec<&'a str>, flags: BTreeMap<&'a str, Option<&'a str>> }
    impl<'a> Args<'a> { fn parse(line: &'a str) -> Self { let mut words = vec![]; let mut flags = BTreeMap::new(); for w in line.split_whitespace() { match w.strip_prefix("--") { Some(f) => { let (k, v) = f.split_once('=').map_or((f, None), |(k, v)| (k, Some(v))); flags.insert(k, v); } None => words.push(w) } } Args { words, flags } } fn number<T>(&self, flag: &str, default: T) -> Result<T, String> where T: std::str::FromStr<Err: std::fmt::Display> { match self.flags.get(flag) { Some(Some(v)) => v.parse::<T>().map_err(|e| format!("--{flag}: {e}")), Some(None) => Err(format!("--{flag} wants a value")), None => Ok(default) } } }
    #[derive(Default)] struct Shell { commands: Vec<std::rc::Rc<dyn Command>>, history: Vec<String>, depth: u32 }
    impl Shell {
        fn register<C: Command + 'static>(&mut self, c: C) -> &mut Self { self.commands.push(std::rc::Rc::new(c)); self }
        fn line(&mut self, line: &str) -> Result<String, String> { if self.depth > 3 { return Err("too deep".into()); } let args = Args::parse(line); let [name, ..] = args.words[..] else { return Ok(String::new()) }; let c = self.commands.iter().find(|c| c.name() == name).cloned().ok_or_else(|| format!("{name}: unknown"))?; self.depth += 1; let done = c.execute(&args, self); self.depth -= 1; self.history.push(line.to_owned()); done }
    }
    struct Echo; struct Repeat; struct Help;
    impl Command for Echo { fn name(&self) -> &'static str { "echo" } fn execute(&self, a: &Args<'_>, _: &mut Shell) -> Result<String, String> { let text = a.words[1..].join(" "); Ok(if a.flags.contains_key("loud") { text.to_uppercase() } else { text }) } }
    impl Command for Repeat { fn name(&self) -> &'static str { "repeat" } fn help(&self) -> String { "repeat --times=N LINE".into() } fn execute(&self, a: &Args<'_>, s: &mut Shell) -> Result<String, String> { let n = a.number("times", 2u8)?; let inner = a.words[1..].join(" "); (0..n).map(|_| s.line(&inner)).collect::<Result<Vec<_>, _>>().map(|all| all.join("+")) } }
    impl Command for Help { fn name(&self) -> &'static str { "help" } fn execute(&self, _: &Args<'_>, s: &mut Shell) -> Result<String, String> { let mut all: Vec<String> = s.commands.iter().map(|c| c.help()).collect(); all.sort(); Ok(all.join("|")) } }
    pub fn run() -> String { let mut s = Shell::default(); s.register(Echo).register(Repeat).register(Help); let out: Vec<_> = ["echo --loud hi there", "repeat --times=3 echo x", "repeat repeat echo y", "repeat repeat repeat repeat echo z", "help", "repeat --times=q echo", "repeat --times", "no", ""].map(|l| s.line(l)).into(); format!("{out:?} {}", s.history.len()) }
});

program!(pipeline_of_stages {
    type Item = Result<i64, String>;
    trait Stage { fn feed(&mut self, item: Item, next: &mut dyn FnMut(Item)); fn flush(&mut self, _next: &mut dyn FnMut(Item)) {} }
    struct Map<F>(F); struct Keep<F>(F); struct Batch { size: usize, held: Vec<i64> } #[derive(Default)] struct Distinct(std::collections::HashSet<i64>);
    impl<F: FnMut(i64) -> Item> Stage for Map<F> { fn feed(&mut self, item: Item, next: &mut dyn FnMut(Item)) { next(item.and_then(|v| (self.0)(v))) } }
    impl<F: Fn(&i64) -> bool> Stage for Keep<F> { fn feed(&mut self, item: Item, next: &mut dyn FnMut(Item)) { if item.as_ref().map_or(true, |v| (self.0)(v)) { next(item) } } }
    impl Stage for Batch { fn feed(&mut self, item: Item, next: &mut dyn FnMut(Item)) { match item { Ok(v) => { self.held.push(v); if self.held.len() == self.size { self.flush(next); } } e => next(e) } } fn flush(&mut self, next: &mut dyn FnMut(Item)) { if !self.held.is_empty() { next(Ok(self.held.drain(..).sum())); } } }
    impl Stage for Distinct { fn feed(&mut self, item: Item, next: &mut dyn FnMut(Item)) { if let Ok(v) = &item && !self.0.insert(*v) { return; } next(item) } }
    fn push(stages: &mut [Box<dyn Stage>], item: Item, out: &mut Vec<Item>) { match stages { [] => out.push(item), [first, rest @ ..] => first.feed(item, &mut |i| push(rest, i, out)) } }
    fn finish(stages: &mut [Box<dyn Stage>], out: &mut Vec<Item>) { if let [first, rest @ ..] = stages { first.flush(&mut |i| push(rest, i, out)); finish(rest, out); } }
    fn half(v: i64) -> Item { if v % 2 == 0 { Ok(v / 2) } else { Err(format!("{v} is odd")) } }
    pub fn run() -> String { let mut stages: Vec<Box<dyn Stage>> = vec![Box::new(Keep(|v: &i64| *v != 8)), Box::new(Map(half)), Box::<Distinct>::default(), Box::new(Batch { size: 3, held: vec![] }), Box::new(Map(|v| Ok(v * 10)))]; let mut out = vec![]; for v in [2, 4, 8, 4, 6, 7, 10, 12] { push(&mut stages, Ok(v), &mut out); } finish(&mut stages, &mut out); format!("{out:?}") }
});

program!(dependency_injection {
    use std::any::{Any, TypeId, type_name};
    use std::collections::HashMap;
    use std::rc::Rc;
    trait Service: 'static { fn make(from: &Container) -> Result<Self, String> where Self: Sized; }
    #[derive(Default)] struct Container { known: std::cell::RefCell<HashMap<TypeId, Rc<dyn Any>>>, path: std::cell::RefCell<Vec<&'static str>> }
    impl Container {
        fn get<S: Service>(&self) -> Result<Rc<S>, String> {
            if let Some(s) = self.known.borrow().get(&TypeId::of::<S>()) { return s.clone().downcast::<S>().map_err(|_| "wrong type".to_owned()); }
            let name = type_name::<S>().rsplit("::").next().unwrap_or_default();
            if self.path.borrow().contains(&name) { return Err(format!("circle: {} > {name}", self.path.borrow().join(" > "))); }
            self.path.borrow_mut().push(name);
            let made = S::make(self);
            self.path.borrow_mut().pop();
            let made = Rc::new(made?);
            self.known.borrow_mut().insert(TypeId::of::<S>(), made.clone());
            Ok(made)
        }
    }
    struct Config { url: String } struct Database { config: Rc<Config>, id: u32 } struct Users { db: Rc<Database> } struct Mail { users: Rc<Users>, db: Rc<Database> } struct Egg; struct Hen;
    impl Service for Config { fn make(_: &Container) -> Result<Self, String> { Ok(Config { url: "db://x".into() }) } }
    impl Service for Database { fn make(from: &Container) -> Result<Self, String> { let config = from.get::<Config>()?; let id = config.url.len() as u32; Ok(Database { config, id }) } }
    impl Service for Users { fn make(from: &Container) -> Result<Self, String> { Ok(Users { db: from.get()? }) } }
    impl Service for Mail { fn make(from: &Container) -> Result<Self, String> { Ok(Mail { users: from.get()?, db: from.get()? }) } }
    impl Service for Egg { fn make(from: &Container) -> Result<Self, String> { from.get::<Hen>().map(|_| Egg) } }
    impl Service for Hen { fn make(from: &Container) -> Result<Self, String> { from.get::<Egg>().map(|_| Hen) } }
    pub fn run() -> String { let c = Container::default(); let m = c.get::<Mail>().unwrap(); format!("{} {} {} {:?}", Rc::ptr_eq(&m.users.db, &m.db), m.db.config.url, m.db.id, c.get::<Egg>().map(|_| ())) }
});

program!(elections_and_shares {
    use std::collections::{BTreeMap, BTreeSet};
    type Ballot = Vec<char>;
    trait Method { fn winner(&self, ballots: &[Ballot]) -> Option<char>; }
    struct Plurality; struct Runoff; struct Borda { weights: fn(usize, usize) -> u32 }
    fn tally(ballots: &[Ballot], out: &BTreeSet<char>) -> BTreeMap<char, u32> { let mut t = BTreeMap::new(); for first in ballots.iter().filter_map(|b| b.iter().find(|c| !out.contains(c))) { *t.entry(*first).or_insert(0) += 1; } t }
    fn top(t: &BTreeMap<char, u32>) -> Option<(char, u32)> { t.iter().map(|(c, n)| (*c, *n)).max_by(|(a, n), (b, m)| n.cmp(m).then_with(|| b.cmp(a))) }
    impl Method for Plurality { fn winner(&self, b: &[Ballot]) -> Option<char> { top(&tally(b, &BTreeSet::new())).map(|(c, _)| c) } }
    impl Runoff { fn round(&self, b: &[Ballot], out: &mut BTreeSet<char>) -> Option<char> { let t = tally(b, out); let (c, n) = top(&t)?; if 2 * n > t.values().sum() || t.len() == 1 { return Some(c); } let (&last, _) = t.iter().min_by_key(|(c, n)| (**n, **c))?; out.insert(last); self.round(b, out) } }
    impl Method for Runoff { fn winner(&self, b: &[Ballot]) -> Option<char> { self.round(b, &mut BTreeSet::new()) } }
    impl Method for Borda { fn winner(&self, b: &[Ballot]) -> Option<char> { let mut t = BTreeMap::new(); for ballot in b { for (i, c) in ballot.iter().enumerate() { *t.entry(*c).or_default() += (self.weights)(i, ballot.len()); } } top(&t).map(|(c, _)| c) } }
    fn linear(i: usize, n: usize) -> u32 { (n - i) as u32 }
    fn shares(votes: &[(char, u32)], seats: u32) -> BTreeMap<char, u32> { let mut got: BTreeMap<char, u32> = BTreeMap::new(); for _ in 0..seats { let next = votes.iter().max_by(|a, b| { let q = |(c, v): &(char, u32)| f64::from(*v) / f64::from(got.get(c).copied().unwrap_or(0) + 1); q(a).total_cmp(&q(b)) }).map(|v| v.0); if let Some(c) = next { *got.entry(c).or_default() += 1; } } got }
    pub fn run() -> String { let b: Vec<Ballot> = [("abc", 4), ("bca", 3), ("cba", 2)].iter().flat_map(|(s, n)| std::iter::repeat_n(s.chars().collect::<Ballot>(), *n)).collect(); let methods: [(&str, &dyn Method); 4] = [("p", &Plurality), ("r", &Runoff), ("b", &Borda { weights: linear }), ("e", &Borda { weights: |i, _| if i == 0 { 1 } else { 0 } })]; format!("{:?} {:?}", methods.map(|(n, m)| (n, m.winner(&b), m.winner(&[]))), shares(&[('a', 100), ('b', 80), ('c', 30)], 8)) }
});
