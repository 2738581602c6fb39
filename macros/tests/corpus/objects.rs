//! Trait objects in every position and with every receiver.

program!(receivers {
    use std::pin::Pin;
    use std::rc::Rc;
    use std::sync::Arc;
    trait All {
        fn by_ref(&self) -> u32;
        fn by_mut(&mut self, n: u32) -> u32;
        fn boxed(self: Box<Self>) -> u32;
        fn counted(self: Rc<Self>) -> usize;
        fn shared(self: Arc<Self>) -> usize;
        fn pinned(self: Pin<&mut Self>, n: u32) -> u32;
        fn typed(self: &Self, x: u32) -> u32 { self.by_ref() + x }
        fn typed_mut(self: &mut Self) -> u32 { self.by_mut(1) }
        fn value(self) -> u32 where Self: Sized { 1000 }
        fn make() -> Self where Self: Sized;
    }
    #[derive(Clone)]
    struct N(u32);
    impl All for N {
        fn by_ref(&self) -> u32 { self.0 }
        fn by_mut(&mut self, n: u32) -> u32 { self.0 += n; self.0 }
        fn boxed(self: Box<Self>) -> u32 { self.0 * 2 }
        fn counted(self: Rc<Self>) -> usize { Rc::strong_count(&self) }
        fn shared(self: Arc<Self>) -> usize { Arc::strong_count(&self) }
        fn pinned(mut self: Pin<&mut Self>, n: u32) -> u32 { self.0 += n; self.0 }
        fn make() -> Self { N(77) }
    }
    pub fn run() -> String {
        let mut b: Box<dyn All> = Box::new(N(1));
        let mut out = vec![b.by_ref(), b.by_mut(4), b.typed(1), b.typed_mut()];
        out.push(Pin::new(&mut N(3)).pinned(2));
        let mut pinned: Pin<Box<dyn All>> = Box::pin(N(8));
        out.push(pinned.as_mut().pinned(1));
        out.push(b.boxed());
        let rc: Rc<dyn All> = Rc::new(N(1));
        let arc: Arc<dyn All + Send + Sync> = Arc::new(N(1));
        format!("{out:?} {} {} {} {}", rc.clone().counted(), arc.clone().shared(), N::make().value(), N::make().by_ref())
    }
});

program!(shapes {
    use std::fmt::{self, Debug, Display};
    trait Shape: Debug { fn area(&self) -> f64; fn name(&self) -> &'static str { "shape" } fn scale(&mut self, by: f64); fn clone_box(&self) -> Box<dyn Shape>; }
    #[derive(Debug, Clone)] struct Circle { r: f64 }
    #[derive(Debug, Clone)] struct Rect { w: f64, h: f64 }
    #[derive(Debug)] struct Group(Vec<Box<dyn Shape>>);
    impl Shape for Circle { fn area(&self) -> f64 { 3.0 * self.r * self.r } fn name(&self) -> &'static str { "circle" } fn scale(&mut self, by: f64) { self.r *= by; } fn clone_box(&self) -> Box<dyn Shape> { Box::new(self.clone()) } }
    impl Shape for Rect { fn area(&self) -> f64 { self.w * self.h } fn scale(&mut self, by: f64) { self.w *= by; self.h *= by; } fn clone_box(&self) -> Box<dyn Shape> { Box::new(self.clone()) } }
    impl Shape for Group { fn area(&self) -> f64 { self.0.iter().map(|s| s.area()).sum() } fn name(&self) -> &'static str { "group" } fn scale(&mut self, by: f64) { for s in &mut self.0 { s.scale(by); } } fn clone_box(&self) -> Box<dyn Shape> { Box::new(Group(self.0.clone())) } }
    impl Clone for Box<dyn Shape> { fn clone(&self) -> Self { self.clone_box() } }
    impl PartialEq for dyn Shape { fn eq(&self, other: &dyn Shape) -> bool { self.area() == other.area() } }
    impl Display for dyn Shape + '_ { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}:{}", self.name(), self.area()) } }
    impl dyn Shape { fn density(&self, mass: f64) -> f64 { mass / self.area() } }
    fn biggest<'a>(all: &'a [Box<dyn Shape>]) -> Option<&'a dyn Shape> { all.iter().map(|b| &**b).max_by(|a, b| a.area().total_cmp(&b.area())) }
    fn total<T: Shape + ?Sized>(all: &[&T]) -> f64 { all.iter().map(|s| s.area()).sum() }
    pub fn run() -> String {
        let mut all: Vec<Box<dyn Shape>> = vec![Box::new(Circle { r: 1.0 }), Box::new(Rect { w: 2.0, h: 3.0 })];
        let group: Box<dyn Shape> = Box::new(Group(all.clone()));
        all.push(group);
        all[0].scale(2.0);
        let refs: Vec<&dyn Shape> = all.iter().map(AsRef::as_ref).collect();
        format!("{} {} {} {:?} {} {}", biggest(&all).unwrap(), total(&refs), total(&[&Circle { r: 1.0 }]), all, *all[1] == *all[1].clone(), all[1].density(12.0))
    }
});

program!(supertraits {
    use std::any::Any;
    use std::fmt::Debug;
    trait Named { fn name(&self) -> String; }
    trait Aged { fn age(&self) -> u32; fn older(&mut self) -> u32; }
    trait Animal: Named + Aged + Debug { fn speak(&self) -> String { format!("{} ({})", self.name(), self.age()) } fn as_any(&self) -> &dyn Any; }
    trait Pet: Animal { fn owner(&self) -> &str; fn tag(&self) -> String { format!("{}/{}", self.owner(), self.speak()) } }
    #[derive(Debug)] struct Dog { age: u32 }
    impl Named for Dog { fn name(&self) -> String { "dog".into() } }
    impl Aged for Dog { fn age(&self) -> u32 { self.age } fn older(&mut self) -> u32 { self.age += 1; self.age } }
    impl Animal for Dog { fn as_any(&self) -> &dyn Any { self } }
    impl Pet for Dog { fn owner(&self) -> &str { "ann" } }
    fn intro(n: &dyn Named) -> String { n.name() }
    fn generic<A: Animal + ?Sized>(a: &A) -> String { format!("{}{}", a.name(), a.age()) }
    pub fn run() -> String {
        let mut pet: Box<dyn Pet> = Box::new(Dog { age: 3 });
        pet.older();
        let up: &dyn Animal = &*pet;
        let upper: &dyn Named = up;
        let dog = up.as_any().downcast_ref::<Dog>().map(|d| d.age);
        let said = format!("{} {}", intro(upper), generic(up));
        let moved: Box<dyn Animal> = pet;
        format!("{said} {:?} {} {:?} {}", dog, moved.speak(), moved, generic(&Dog { age: 1 }))
    }
});

program!(generic_objects {
    trait Convert<A> { type Out; fn convert(&self, a: A) -> Self::Out; }
    trait Handler<'e, E: ?Sized + 'e> { fn handle(&mut self, e: &'e E) -> usize; }
    struct Add(u64); struct Describe;
    impl<A: Into<u64>> Convert<A> for Add { type Out = u64; fn convert(&self, a: A) -> u64 { a.into() + self.0 } }
    impl<A: std::fmt::Debug> Convert<A> for Describe { type Out = String; fn convert(&self, a: A) -> String { format!("<{a:?}>") } }
    struct Keep<'e>(Vec<&'e str>);
    impl<'e> Handler<'e, str> for Keep<'e> { fn handle(&mut self, e: &'e str) -> usize { self.0.push(e); self.0.len() } }
    trait Twice: Convert<u32, Out = u64> { fn twice(&self, a: u32) -> u64 { self.convert(a) * 2 } }
    impl<T: Convert<u32, Out = u64>> Twice for T {}
    fn all<A: Copy, O>(of: &[Box<dyn Convert<A, Out = O>>], a: A) -> Vec<O> { of.iter().map(|c| c.convert(a)).collect() }
    fn feed<'e>(h: &mut dyn Handler<'e, str>, text: &'e str) -> usize { text.split(' ').map(|w| h.handle(w)).last().unwrap_or(0) }
    pub fn run() -> String {
        let sums: Vec<Box<dyn Convert<u8, Out = u64>>> = vec![Box::new(Add(1)), Box::new(Add(10))];
        let texts: Vec<Box<dyn Convert<u8, Out = String>>> = vec![Box::new(Describe)];
        let text = String::from("x y z");
        let mut keep = Keep(vec![]);
        let n = feed(&mut keep, &text);
        let t: Box<dyn Twice> = Box::new(Add(5));
        let c: &dyn Convert<u32, Out = u64> = &*t;
        format!("{:?} {:?} {n} {:?} {} {}", all(&sums, 3), all(&texts, 3), keep.0, t.twice(1), c.convert(1))
    }
});

program!(auto_traits {
    use std::sync::{Arc, Mutex};
    trait Job: Send { fn run_job(&mut self) -> u32; }
    trait View { fn view(&self) -> String; }
    struct Counter(u32);
    impl Job for Counter { fn run_job(&mut self) -> u32 { self.0 += 1; self.0 } }
    impl View for Counter { fn view(&self) -> String { format!("#{}", self.0) } }
    fn is_send<T: Send>(t: T) -> T { t }
    fn view_all(of: &[Arc<dyn View + Send + Sync>]) -> String { of.iter().map(|v| v.view()).collect() }
    fn short(v: &(dyn View + Send)) -> String { v.view() }
    fn shared(v: &(dyn View + Sync)) -> String { v.view() }
    pub fn run() -> String {
        let mut jobs: Vec<Box<dyn Job>> = is_send(vec![Box::new(Counter(0)), Box::new(Counter(5))]);
        let sums: u32 = jobs.iter_mut().map(|j| j.run_job() + j.run_job()).sum();
        let locked: Mutex<Box<dyn Job + Send>> = Mutex::new(Box::new(Counter(9)));
        let last = locked.lock().unwrap().run_job();
        format!("{sums} {last} {} {} {}", view_all(&[Arc::new(Counter(1)), Arc::new(Counter(2))]), short(&Counter(3)), shared(&Counter(4)))
    }
});

program!(state_machine {
    trait State { fn next(self: Box<Self>, input: char) -> Box<dyn State>; fn name(&self) -> String; fn is_final(&self) -> bool { false } }
    struct Start; struct Number(String); struct Failed { at: char } struct Done(i64);
    impl State for Start { fn next(self: Box<Self>, c: char) -> Box<dyn State> { match c { '0'..='9' | '-' => Box::new(Number(c.to_string())), ' ' => self, c => Box::new(Failed { at: c }) } } fn name(&self) -> String { "start".into() } }
    impl State for Number { fn next(mut self: Box<Self>, c: char) -> Box<dyn State> { match c { '0'..='9' => { self.0.push(c); self } ';' => Box::new(Done(self.0.parse().unwrap_or(-1))), c => Box::new(Failed { at: c }) } } fn name(&self) -> String { format!("number {}", self.0) } }
    impl State for Failed { fn next(self: Box<Self>, _: char) -> Box<dyn State> { self } fn name(&self) -> String { format!("failed at {:?}", self.at) } fn is_final(&self) -> bool { true } }
    impl State for Done { fn next(self: Box<Self>, _: char) -> Box<dyn State> { self } fn name(&self) -> String { format!("done {}", self.0) } fn is_final(&self) -> bool { true } }
    fn feed(text: &str) -> Box<dyn State> { let mut s: Box<dyn State> = Box::new(Start); for c in text.chars() { if s.is_final() { break; } s = s.next(c); } s }
    pub fn run() -> String { ["  -42;", "1x", "", "12", "7;9"].map(|t| feed(t).name()).join("|") }
});

program!(observers {
    use std::cell::RefCell;
    use std::rc::{Rc, Weak};
    trait Observer { fn notify(&self, what: &str); }
    trait Subject<'a> { fn attach(&mut self, o: Weak<dyn Observer + 'a>); fn fire(&self, what: &str) -> usize; }
    struct Log { name: &'static str, lines: RefCell<Vec<String>> }
    impl Log { fn new(name: &'static str) -> Rc<Log> { Rc::new(Log { name, lines: RefCell::default() }) } }
    impl Observer for Log { fn notify(&self, what: &str) { self.lines.borrow_mut().push(format!("{}:{what}", self.name)); } }
    #[derive(Default)] struct Button<'a> { observers: Vec<Weak<dyn Observer + 'a>> }
    impl<'a> Subject<'a> for Button<'a> {
        fn attach(&mut self, o: Weak<dyn Observer + 'a>) { self.observers.push(o); }
        fn fire(&self, what: &str) -> usize { self.observers.iter().filter_map(Weak::upgrade).map(|o| o.notify(what)).count() }
    }
    pub fn run() -> String {
        let (a, b) = (Log::new("a"), Log::new("b"));
        let mut button = Button::default();
        let weak: Weak<dyn Observer> = { let rc: Rc<dyn Observer> = a.clone(); Rc::downgrade(&rc) };
        button.attach(weak);
        { let rc: Rc<dyn Observer> = b.clone(); button.attach(Rc::downgrade(&rc)); }
        let n = button.fire("one");
        drop(b);
        format!("{n} {} {:?}", button.fire("two"), a.lines.borrow())
    }
});

program!(interpreter {
    use std::collections::HashMap;
    type Env = HashMap<String, i64>;
    trait Expr { fn eval(&self, env: &mut Env) -> Result<i64, String>; fn simplify(self: Box<Self>) -> Box<dyn Expr>; fn constant(&self) -> Option<i64> { None } }
    struct Num(i64); struct Var(String); struct Bin(char, Box<dyn Expr>, Box<dyn Expr>); struct Let(String, Box<dyn Expr>, Box<dyn Expr>);
    impl Expr for Num { fn eval(&self, _: &mut Env) -> Result<i64, String> { Ok(self.0) } fn simplify(self: Box<Self>) -> Box<dyn Expr> { self } fn constant(&self) -> Option<i64> { Some(self.0) } }
    impl Expr for Var { fn eval(&self, env: &mut Env) -> Result<i64, String> { env.get(&self.0).copied().ok_or_else(|| format!("no {}", self.0)) } fn simplify(self: Box<Self>) -> Box<dyn Expr> { self } }
    impl Expr for Bin {
        fn eval(&self, env: &mut Env) -> Result<i64, String> { let (a, b) = (self.1.eval(env)?, self.2.eval(env)?); apply(self.0, a, b) }
        fn simplify(self: Box<Self>) -> Box<dyn Expr> {
            let Bin(op, a, b) = *self;
            let (a, b) = (a.simplify(), b.simplify());
            match (a.constant(), b.constant()) { (Some(x), Some(y)) => match apply(op, x, y) { Ok(n) => Box::new(Num(n)), Err(_) => Box::new(Bin(op, a, b)) }, (Some(0), None) if op == '+' => b, (None, Some(0)) if op == '+' => a, _ => Box::new(Bin(op, a, b)) }
        }
    }
    impl Expr for Let {
        fn eval(&self, env: &mut Env) -> Result<i64, String> { let v = self.1.eval(env)?; let old = env.insert(self.0.clone(), v); let r = self.2.eval(env); match old { Some(o) => env.insert(self.0.clone(), o), None => env.remove(&self.0) }; r }
        fn simplify(self: Box<Self>) -> Box<dyn Expr> { let Let(n, a, b) = *self; Box::new(Let(n, a.simplify(), b.simplify())) }
    }
    fn apply(op: char, a: i64, b: i64) -> Result<i64, String> { Ok(match op { '+' => a + b, '*' => a * b, '/' if b == 0 => return Err("zero".into()), '/' => a / b, _ => return Err(format!("op {op}")) }) }
    fn num(n: i64) -> Box<dyn Expr> { Box::new(Num(n)) }
    fn bin(op: char, a: Box<dyn Expr>, b: Box<dyn Expr>) -> Box<dyn Expr> { Box::new(Bin(op, a, b)) }
    fn var(n: &str) -> Box<dyn Expr> { Box::new(Var(n.into())) }
    pub fn run() -> String {
        let e = || Box::new(Let("x".into(), bin('*', num(6), num(7)), bin('+', var("x"), bin('/', num(8), num(0)))));
        let ok = bin('+', bin('+', num(0), var("y")), bin('*', num(2), num(3)));
        let mut env = Env::from([("y".to_string(), 5)]);
        format!("{:?} {:?} {:?} {:?}", e().eval(&mut env), ok.eval(&mut env), ok.simplify().eval(&mut env), var("z").eval(&mut env))
    }
});

program!(object_positions {
    use std::collections::BTreeMap;
    trait Cmd { fn exec(&mut self, arg: i32) -> i32; }
    impl<F: FnMut(i32) -> i32> Cmd for F { fn exec(&mut self, arg: i32) -> i32 { self(arg) } }
    struct Undo { last: Option<i32> }
    impl Undo { fn remember(&mut self, n: i32) -> i32 { self.last.replace(n).unwrap_or(0) } }
    enum Either { Cmd(Box<dyn Cmd>), Two([Box<dyn Cmd>; 2]), None }
    type Table<'a> = BTreeMap<&'static str, &'a mut dyn Cmd>;
    struct Holder<T: ?Sized> { extra: u8, inner: T }
    fn run_all(t: &mut Table<'_>) -> Vec<i32> { t.values_mut().map(|c| c.exec(3)).collect() }
    fn either(e: &mut Either) -> i32 { match e { Either::Cmd(c) => c.exec(1), Either::Two([a, b]) => { let n = a.exec(2); b.exec(n) } Either::None => -1 } }
    fn choose<'a>(a: &'a mut dyn Cmd, b: &'a mut dyn Cmd, first: bool) -> &'a mut dyn Cmd { if first { a } else { b } }
    fn held(h: &mut Holder<dyn Cmd>) -> i32 { h.inner.exec(i32::from(h.extra)) }
    pub fn run() -> String {
        let (mut double, mut negate) = (|n| n * 2, |n: i32| -n);
        let mut t: Table<'_> = BTreeMap::new();
        t.insert("double", &mut double);
        t.insert("negate", &mut negate);
        let all = run_all(&mut t);
        let mut undo = Undo { last: None };
        let mut hold: Box<Holder<dyn Cmd>> = Box::new(Holder { extra: 9, inner: |n| n + 1 });
        let es: Vec<i32> = [Either::Cmd(Box::new(|n| n + 40)), Either::Two([Box::new(|n| n * n), Box::new(|n| n - 1)]), Either::None].iter_mut().map(either).collect();
        format!("{all:?} {es:?} {} {} {} {}", choose(&mut |n| n, &mut |_| 0, false).exec(7), held(&mut hold), undo.remember(1), undo.remember(2))
    }
});

// Those with auto traits are coerced to the one without: whatever the receiver, the lifetimes and the parameters, and each argument is moved once.
program!(coerced {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::pin::Pin;
    use std::rc::Rc;
    use std::sync::Arc;
    struct Moved<'a>(&'a mut u32, [u64; 5]);
    impl Drop for Moved<'_> { fn drop(&mut self) { *self.0 += 1; } }
    trait All: 'static {
        fn boxed(self: Box<Self>, depth: u32) -> Box<dyn All + Send>;
        fn counted(self: Rc<Self>) -> u32;
        fn shared(self: Arc<Self>) -> u32;
        fn pinned(self: Pin<&mut Self>) -> u32;
        fn grow(&mut self, by: u32) -> &mut u32;
        fn take(&self, moved: Moved<'_>, ends: bool) -> u64;
    }
    impl All for u32 {
        fn boxed(self: Box<Self>, depth: u32) -> Box<dyn All + Send> { if depth == 0 { self } else { Box::new(*self + 1).boxed(depth - 1) } }
        fn counted(self: Rc<Self>) -> u32 { *self }
        fn shared(self: Arc<Self>) -> u32 { *self }
        fn pinned(self: Pin<&mut Self>) -> u32 { *self }
        fn grow(&mut self, by: u32) -> &mut u32 { *self += by; self }
        fn take(&self, moved: Moved<'_>, ends: bool) -> u64 { if ends { moved.1.iter().sum() } else { resume_unwind(Box::new(u64::from(*self))) } }
    }
    fn grown<'a>(all: &'a mut (dyn All + Send + Sync)) -> &'a mut u32 { all.grow(3) }
    fn taken(all: &(dyn All + Sync), ends: bool) -> (u64, u32) {
        let mut drops = 0;
        let moved = Moved(&mut drops, [1, 2, 3, 4, 5]);
        let sum = catch_unwind(AssertUnwindSafe(|| all.take(moved, ends))).unwrap_or_else(|e| *e.downcast::<u64>().unwrap());
        (sum, drops)
    }
    trait Lent<'x>: 'x { fn get(&self) -> &'x u32; fn each<'s>(&'s self) -> Box<dyn Iterator<Item = &'s u32> + 's> where 'x: 's; }
    impl<'x> Lent<'x> for &'x u32 { fn get(&self) -> &'x u32 { self } fn each<'s>(&'s self) -> Box<dyn Iterator<Item = &'s u32> + 's> where 'x: 's { Box::new(std::iter::repeat_n(*self, 3)) } }
    fn lent<'x>(from: &(dyn Lent<'x> + Sync + 'x)) -> (&'x u32, u32) { (from.get(), from.each().sum()) }
    trait Filled<const N: usize, T: ?Sized = str> where T: AsRef<[u8]> { fn fill(&self, with: &T) -> [u8; N]; }
    impl<const N: usize> Filled<N> for u8 { fn fill(&self, with: &str) -> [u8; N] { [*self + with.len() as u8; N] } }
    fn filled(from: &(dyn Filled<3> + Send + Sync)) -> [u8; 3] { from.fill("ab") }
    pub fn run() -> String {
        let (rc, arc): (Rc<dyn All + Send>, Arc<dyn All + Send + Sync>) = (Rc::new(1), Arc::new(2));
        let mut pinned: Pin<Box<dyn All + Sync>> = Box::pin(3);
        let boxed: Box<dyn All + Send + Sync> = Box::new(4);
        let (mut five, six) = (5, 6);
        *grown(&mut five) += 1;
        let numbers = [rc.counted(), arc.shared(), pinned.as_mut().pinned(), *boxed.boxed(2).grow(0), five];
        format!("{numbers:?} {:?} {:?} {:?} {:?}", taken(&7, true), taken(&7, false), lent(&&six), filled(&1))
    }
});
