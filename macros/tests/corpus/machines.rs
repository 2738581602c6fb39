//! Interpreters, simulations, registries: programs of many small objects that call one another.

program!(event_simulation {
    use std::cmp::Reverse;
    use std::collections::{BinaryHeap, VecDeque};
    trait Event { fn happen(self: Box<Self>, shop: &mut Shop); fn name(&self) -> &'static str; }
    #[derive(Default)] pub struct Shop { now: u32, order: u32, due: BinaryHeap<Reverse<(u32, u32)>>, events: Vec<Option<Box<dyn Event>>>, queue: VecDeque<u32>, busy: bool, log: Vec<String> }
    struct Arrives(u32); struct Leaves(u32);
    impl Event for Arrives {
        fn happen(self: Box<Self>, shop: &mut Shop) { shop.queue.push_back(self.0); if self.0 < 4 { shop.after(2, Box::new(Arrives(self.0 + 1))); } shop.serve(); }
        fn name(&self) -> &'static str { "arrives" }
    }
    impl Event for Leaves { fn happen(self: Box<Self>, shop: &mut Shop) { shop.busy = false; shop.serve(); } fn name(&self) -> &'static str { "leaves" } }
    impl Shop {
        fn after(&mut self, delay: u32, e: Box<dyn Event>) { self.due.push(Reverse((self.now + delay, self.order))); self.order += 1; self.events.push(Some(e)); }
        fn serve(&mut self) { if self.busy { return; } if let Some(c) = self.queue.pop_front() { self.busy = true; self.after(3, Box::new(Leaves(c))); } }
        fn simulate(mut self) -> Vec<String> { while let Some(Reverse((at, i))) = self.due.pop() { self.now = at; let Some(e) = self.events[i as usize].take() else { continue }; self.log.push(format!("{at}{}", e.name())); e.happen(&mut self); } self.log }
    }
    pub fn run() -> String { let mut s = Shop::default(); s.after(1, Box::new(Arrives(1))); s.simulate().join(" ") }
});

program!(plugin_registry {
    use std::any::Any;
    use std::collections::BTreeMap;
    trait Plugin: Any { fn apply(&self, text: &str) -> String; fn as_any(&self) -> &dyn Any; fn as_any_mut(&mut self) -> &mut dyn Any; fn into_any(self: Box<Self>) -> Box<dyn Any>; }
    #[derive(Debug)] struct Upper; #[derive(Debug)] struct Repeat { times: usize } struct Chain(Vec<Box<dyn Plugin>>);
    impl Plugin for Upper { fn apply(&self, t: &str) -> String { t.to_uppercase() } fn as_any(&self) -> &dyn Any { self } fn as_any_mut(&mut self) -> &mut dyn Any { self } fn into_any(self: Box<Self>) -> Box<dyn Any> { self } }
    impl Plugin for Repeat { fn apply(&self, t: &str) -> String { t.repeat(self.times) } fn as_any(&self) -> &dyn Any { self } fn as_any_mut(&mut self) -> &mut dyn Any { self } fn into_any(self: Box<Self>) -> Box<dyn Any> { self } }
    impl Plugin for Chain { fn apply(&self, t: &str) -> String { self.0.iter().fold(t.to_string(), |t, p| p.apply(&t)) } fn as_any(&self) -> &dyn Any { self } fn as_any_mut(&mut self) -> &mut dyn Any { self } fn into_any(self: Box<Self>) -> Box<dyn Any> { self } }
    type Make = fn(&[&str]) -> Result<Box<dyn Plugin>, String>;
    #[derive(Default)] struct Registry { makers: BTreeMap<&'static str, Make> }
    impl Registry {
        fn with(mut self, name: &'static str, make: Make) -> Self { self.makers.insert(name, make); self }
        fn load(&self, line: &str) -> Result<Box<dyn Plugin>, String> { let mut words = line.split(' '); let name = words.next().unwrap_or_default(); let rest: Vec<&str> = words.collect(); self.makers.get(name).ok_or_else(|| format!("no plugin {name}"))?(&rest) }
        fn chain(&self, text: &str) -> Result<Chain, String> { text.split(';').map(|l| self.load(l)).collect::<Result<_, _>>().map(Chain) }
    }
    fn repeat(args: &[&str]) -> Result<Box<dyn Plugin>, String> { let [n] = args else { return Err(format!("repeat takes one argument, not {}", args.len())) }; Ok(Box::new(Repeat { times: n.parse().map_err(|_| format!("not a number: {n}"))? })) }
    pub fn run() -> String {
        let r = Registry::default().with("upper", |_| Ok(Box::new(Upper))).with("repeat", repeat);
        let results = ["upper;repeat 2", "repeat", "repeat x", "lower"].map(|t| r.chain(t).map(|c| c.apply("ab")));
        let mut c = r.chain("repeat 1;upper").unwrap_or(Chain(vec![]));
        if let Some(p) = c.0[0].as_any_mut().downcast_mut::<Repeat>() { p.times += 2; }
        let kinds: Vec<bool> = c.0.iter().map(|p| p.as_any().is::<Upper>()).collect();
        let text = c.apply("x");
        let first = c.0.remove(0).into_any().downcast::<Repeat>().map(|r| r.times);
        format!("{results:?} {kinds:?} {text} {:?}", first.ok())
    }
});

program!(forth {
    use std::collections::HashMap;
    #[derive(Clone)] enum Op { Push(i64), Call(String), If(Vec<Op>, Vec<Op>), Native(fn(&mut Vec<i64>) -> Result<(), String>) }
    #[derive(Default)] struct Forth { stack: Vec<i64>, words: HashMap<String, Vec<Op>> }
    fn pop(s: &mut Vec<i64>) -> Result<i64, String> { s.pop().ok_or_else(|| "underflow".to_string()) }
    fn two(s: &mut Vec<i64>, f: impl FnOnce(i64, i64) -> Option<i64>) -> Result<(), String> { let (b, a) = (pop(s)?, pop(s)?); s.push(f(a, b).ok_or("arithmetic")?); Ok(()) }
    fn dup(s: &mut Vec<i64>) -> Result<(), String> { let a = pop(s)?; s.extend([a, a]); Ok(()) }
    fn native(w: &str) -> Option<Op> { Some(Op::Native(match w { "+" => |s| two(s, i64::checked_add), "-" => |s| two(s, i64::checked_sub), "*" => |s| two(s, i64::checked_mul), "/" => |s| two(s, i64::checked_div), "<" => |s| two(s, |a, b| Some(i64::from(a < b))), "dup" => dup, "drop" => |s| pop(s).map(drop), "swap" => |s| { let (b, a) = (pop(s)?, pop(s)?); s.push(b); s.push(a); Ok(()) }, _ => return None })) }
    fn compile<'a>(tokens: &mut impl Iterator<Item = &'a str>, until: &[&str]) -> Result<(Vec<Op>, String), String> {
        let mut ops = vec![];
        while let Some(t) = tokens.next() {
            if until.contains(&t) { return Ok((ops, t.into())); }
            ops.push(match t { "if" => { let (yes, end) = block(tokens, &["else", "then"])?; let no = if end == "else" { block(tokens, &["then"])?.0 } else { vec![] }; Op::If(yes, no) } t => t.parse().map(Op::Push).ok().or_else(|| native(t)).unwrap_or_else(|| Op::Call(t.into())) });
        }
        if until.is_empty() { Ok((ops, String::new())) } else { Err(format!("no {}", until.join(" or "))) }
    }
    fn block<'a>(tokens: &mut dyn Iterator<Item = &'a str>, until: &[&str]) -> Result<(Vec<Op>, String), String> { let mut tokens = tokens; compile(&mut tokens, until) }
    impl Forth {
        fn define(&mut self, name: &str, text: &str) -> Result<(), String> { let (ops, _) = block(&mut text.split_whitespace(), &[])?; self.words.insert(name.into(), ops); Ok(()) }
        fn execute(&mut self, ops: &[Op]) -> Result<(), String> { for op in ops { match op { Op::Push(n) => self.stack.push(*n), Op::Native(f) => f(&mut self.stack)?, Op::If(y, n) => { let which = if pop(&mut self.stack)? != 0 { y } else { n }; self.execute(which)? } Op::Call(w) => { let ops = self.words.get(w).cloned().ok_or_else(|| format!("unknown {w}"))?; self.execute(&ops)? } } } Ok(()) }
        fn line(&mut self, text: &str) -> Result<Vec<i64>, String> { let (ops, _) = block(&mut text.split_whitespace(), &[])?; self.execute(&ops)?; Ok(std::mem::take(&mut self.stack)) }
    }
    pub fn run() -> String { let mut f = Forth::default(); let d = [f.define("fac", "dup 2 < if drop 1 else dup 1 - fac * then"), f.define("sq", "dup *"), f.define("bad", "if 1")]; let r = ["5 fac 3 sq", "1 0 /", "+", "nope", "10 fac 2 swap"].map(|l| { let r = f.line(l); f.stack.clear(); r }); format!("{d:?} {r:?}") }
});

program!(visitor {
    trait Visitor { fn number(&mut self, n: i64); fn binary(&mut self, op: char, l: &dyn Node, r: &dyn Node); fn negated(&mut self, e: &dyn Node) { e.accept_node(self.erased()); } fn erased(&mut self) -> &mut dyn Visitor; }
    trait Node { fn accept_node(&self, v: &mut dyn Visitor); }
    struct Num(i64); struct Bin(char, Box<dyn Node>, Box<dyn Node>); struct Neg(Box<dyn Node>);
    impl Node for Num { fn accept_node(&self, v: &mut dyn Visitor) { v.number(self.0) } }
    impl Node for Bin { fn accept_node(&self, v: &mut dyn Visitor) { v.binary(self.0, &*self.1, self.2.as_ref()) } }
    impl Node for Neg { fn accept_node(&self, v: &mut dyn Visitor) { v.negated(&*self.0) } }
    #[derive(Default)] struct Show(String); #[derive(Default)] struct Eval(Vec<i64>); #[derive(Default)] struct Depth { now: u32, most: u32 }
    impl Visitor for Show { fn number(&mut self, n: i64) { self.0 += &n.to_string(); } fn binary(&mut self, op: char, l: &dyn Node, r: &dyn Node) { self.0.push('('); l.accept_node(self); self.0.push(op); r.accept_node(self); self.0.push(')'); } fn negated(&mut self, e: &dyn Node) { self.0.push('-'); e.accept_node(self); } fn erased(&mut self) -> &mut dyn Visitor { self } }
    impl Visitor for Eval { fn number(&mut self, n: i64) { self.0.push(n); } fn binary(&mut self, op: char, l: &dyn Node, r: &dyn Node) { l.accept_node(self); r.accept_node(self); let (b, a) = (self.0.pop().unwrap(), self.0.pop().unwrap()); self.0.push(match op { '+' => a + b, '*' => a * b, _ => a - b }); } fn negated(&mut self, e: &dyn Node) { e.accept_node(self); let n = self.0.pop().unwrap(); self.0.push(-n); } fn erased(&mut self) -> &mut dyn Visitor { self } }
    impl Visitor for Depth { fn number(&mut self, _: i64) { self.most = self.most.max(self.now); } fn binary(&mut self, _: char, l: &dyn Node, r: &dyn Node) { self.now += 1; for n in [l, r] { n.accept_node(self); } self.now -= 1; } fn erased(&mut self) -> &mut dyn Visitor { self } }
    fn bin(op: char, l: impl Node + 'static, r: impl Node + 'static) -> Bin { Bin(op, Box::new(l), Box::new(r)) }
    pub fn run() -> String { let e = bin('+', Num(1), bin('*', Neg(Box::new(bin('-', Num(2), Num(5)))), Num(4))); let (mut s, mut v, mut d) = (Show::default(), Eval::default(), Depth::default()); let all: [&mut dyn Visitor; 3] = [&mut s, &mut v, &mut d]; for visitor in all { e.accept_node(visitor); } format!("{} {:?} {}", s.0, v.0, d.most) }
});

program!(turing {
    use std::collections::{BTreeMap, HashMap};
    #[derive(Clone, Copy)] enum Go { Left, Right }
    type Rules = HashMap<(char, u8), (u8, Go, char)>;
    struct Machine<'r> { rules: &'r Rules, tape: BTreeMap<i32, u8>, at: i32, state: char }
    impl Iterator for Machine<'_> { type Item = char; fn next(&mut self) -> Option<char> { let read = *self.tape.get(&self.at).unwrap_or(&0); let &(write, go, state) = self.rules.get(&(self.state, read))?; self.write(write); self.at += step(go); self.state = state; Some(state) } }
    impl Machine<'_> { fn write(&mut self, v: u8) { self.tape.insert(self.at, v); } fn ones(&self) -> usize { self.tape.values().filter(|v| **v == 1).count() } }
    fn step(go: Go) -> i32 { match go { Go::Left => -1, Go::Right => 1 } }
    fn rules(text: &str) -> Option<Rules> { text.split(' ').map(|r| { let [s, read, write, go, to] = *r.as_bytes() else { return None }; Some(((s as char, read - b'0'), (write - b'0', match go { b'L' => Go::Left, b'R' => Go::Right, _ => return None }, to as char))) }).collect() }
    pub fn run() -> String { let r = rules("A01RB A11LC B01LA B11RB C01LB C11RH").unwrap(); let mut m = Machine { rules: &r, tape: BTreeMap::new(), at: 0, state: 'A' }; let path: String = m.by_ref().collect(); format!("{path} {} {}", m.ones(), rules("A0").is_none()) }
});

program!(layout {
    trait Block { fn width(&self) -> usize; fn lines(&self, width: usize) -> Vec<String>; fn framed(self) -> Frame where Self: Sized + 'static { Frame(Box::new(self)) } }
    struct Text(&'static str); struct Frame(Box<dyn Block>); struct Column(Vec<Box<dyn Block>>); struct Row(Vec<Box<dyn Block>>);
    fn wrap(words: &[&str], width: usize) -> Vec<String> { let mut line = String::new(); for (i, w) in words.iter().enumerate() { if !line.is_empty() && line.len() + 1 + w.len() > width { let mut all = vec![line]; all.extend(wrap(&words[i..], width)); return all; } if !line.is_empty() { line.push(' '); } line += w; } vec![line] }
    impl Block for Text { fn width(&self) -> usize { self.0.split(' ').map(str::len).max().unwrap_or(0) } fn lines(&self, width: usize) -> Vec<String> { wrap(&self.0.split(' ').collect::<Vec<_>>(), width).into_iter().map(|l| format!("{l:<width$}")).collect() } }
    impl Block for Frame { fn width(&self) -> usize { self.0.width() + 2 } fn lines(&self, width: usize) -> Vec<String> { let edge = format!("+{}+", "-".repeat(width - 2)); std::iter::once(edge.clone()).chain(self.0.lines(width - 2).into_iter().map(|l| format!("|{l}|"))).chain([edge]).collect() } }
    impl Block for Column { fn width(&self) -> usize { self.0.iter().map(|b| b.width()).max().unwrap_or(0) } fn lines(&self, width: usize) -> Vec<String> { self.0.iter().flat_map(|b| b.lines(width)).collect() } }
    impl Block for Row {
        fn width(&self) -> usize { self.0.iter().map(|b| b.width()).sum() }
        fn lines(&self, width: usize) -> Vec<String> { let extra = (width - self.width()) / self.0.len().max(1); let parts: Vec<(usize, Vec<String>)> = self.0.iter().map(|b| { let w = b.width() + extra; (w, b.lines(w)) }).collect(); let height = parts.iter().map(|(_, l)| l.len()).max().unwrap_or(0); (0..height).map(|i| parts.iter().map(|(w, l)| l.get(i).cloned().unwrap_or_else(|| " ".repeat(*w))).collect()).collect() }
    }
    pub fn run() -> String { let page = Column(vec![Box::new(Text("the quick brown fox jumps").framed()), Box::new(Row(vec![Box::new(Text("left side").framed().framed()), Box::new(Text("right"))]))]); page.lines(page.width() + 4).join("\n") }
});

program!(traffic_states {
    trait State { fn next(self: Box<Self>, input: char) -> Box<dyn State>; fn name(&self) -> String; fn done(&self) -> bool { false } }
    struct Locked { tries: u32 } struct Open { coins: u32 } struct Alarm;
    impl State for Locked { fn next(self: Box<Self>, c: char) -> Box<dyn State> { match c { 'c' => Box::new(Open { coins: 1 }), 'p' if self.tries == 2 => Box::new(Alarm), 'p' => Box::new(Locked { tries: self.tries + 1 }), _ => self } } fn name(&self) -> String { format!("L{}", self.tries) } }
    impl State for Open { fn next(mut self: Box<Self>, c: char) -> Box<dyn State> { match c { 'c' => { self.coins += 1; self } 'p' if self.coins > 1 => Box::new(Open { coins: self.coins - 1 }), 'p' => Box::new(Locked { tries: 0 }), _ => self } } fn name(&self) -> String { format!("O{}", self.coins) } }
    impl State for Alarm { fn next(self: Box<Self>, _: char) -> Box<dyn State> { self } fn name(&self) -> String { "!".into() } fn done(&self) -> bool { true } }
    fn drive(mut s: Box<dyn State>, input: &str) -> String { let mut names = vec![s.name()]; for c in input.chars() { if s.done() { break; } s = s.next(c); names.push(s.name()); } names.join(",") }
    fn deep(s: Box<dyn State>, input: &[char]) -> String { match input { [] => s.name(), [c, rest @ ..] => deep(s.next(*c), rest) } }
    pub fn run() -> String { format!("{} {} {}", drive(Box::new(Locked { tries: 0 }), "pccpppx"), drive(Box::new(Locked { tries: 0 }), "pppc"), deep(Box::new(Open { coins: 3 }), &['p', 'p', 'p', 'p'])) }
});

program!(unification {
    use std::collections::BTreeMap;
    #[derive(Debug, Clone, PartialEq)] enum Type { Var(u32), Con(&'static str, Vec<Type>) }
    #[derive(Debug, PartialEq)] enum Mismatch { Different(String, String), Infinite(u32) }
    #[derive(Default)] struct Solver { bound: BTreeMap<u32, Type>, fresh: u32 }
    enum Term { Name(&'static str), Fun(&'static str, Box<Term>), App(Box<Term>, Box<Term>), Int }
    impl Type { fn arrow(a: Type, b: Type) -> Type { Type::Con("->", vec![a, b]) } fn show(&self) -> String { match self { Type::Var(n) => format!("t{n}"), Type::Con("->", ab) => format!("({}->{})", ab[0].show(), ab[1].show()), Type::Con(n, _) => (*n).into() } } }
    impl Solver {
        fn new_var(&mut self) -> Type { self.fresh += 1; Type::Var(self.fresh) }
        fn resolve(&self, t: &Type) -> Type { match t { Type::Var(v) => self.bound.get(v).map_or_else(|| t.clone(), |t| self.resolve(t)), Type::Con(n, of) => Type::Con(n, of.iter().map(|t| self.resolve(t)).collect()) } }
        fn occurs(&self, v: u32, t: &Type) -> bool { match t { Type::Var(w) => v == *w, Type::Con(_, of) => of.iter().any(|t| self.occurs(v, t)) } }
        fn unify(&mut self, a: &Type, b: &Type) -> Result<(), Mismatch> {
            match (self.resolve(a), self.resolve(b)) {
                (Type::Var(v), Type::Var(w)) if v == w => Ok(()),
                (Type::Var(v), t) | (t, Type::Var(v)) => if self.occurs(v, &t) { Err(Mismatch::Infinite(v)) } else { self.bound.insert(v, t); Ok(()) },
                (Type::Con(n, x), Type::Con(m, y)) if n == m && x.len() == y.len() => x.iter().zip(&y).try_for_each(|(x, y)| self.unify(x, y)),
                (a, b) => Err(Mismatch::Different(a.show(), b.show())),
            }
        }
        fn infer(&mut self, term: &Term, env: &mut Vec<(&'static str, Type)>) -> Result<Type, Mismatch> {
            Ok(match term {
                Term::Int => Type::Con("Int", vec![]),
                Term::Name(n) => match env.iter().rev().find(|(m, _)| m == n) { Some((_, t)) => t.clone(), None => self.new_var() },
                Term::Fun(n, body) => { let a = self.new_var(); env.push((n, a.clone())); let b = self.infer(body, env); env.pop(); Type::arrow(a, b?) }
                Term::App(f, x) => { let (f, x, r) = (self.infer(f, env)?, self.infer(x, env)?, self.new_var()); self.unify(&f, &Type::arrow(x, r.clone()))?; r }
            })
        }
    }
    fn fun(n: &'static str, b: Term) -> Term { Term::Fun(n, Box::new(b)) }
    fn app(f: Term, x: Term) -> Term { Term::App(Box::new(f), Box::new(x)) }
    fn check(t: Term) -> Result<String, Mismatch> { let mut s = Solver::default(); let t = s.infer(&t, &mut vec![])?; Ok(s.resolve(&t).show()) }
    pub fn run() -> String { use Term::*; format!("{:?} {:?} {:?} {:?}", check(fun("x", Name("x"))), check(fun("f", fun("g", fun("x", app(Name("f"), app(Name("g"), Name("x"))))))), check(fun("x", app(Name("x"), Name("x")))), check(app(Int, Int))) }
});

program!(garbage_collector {
    trait Trace { fn edges(&self, visit: &mut dyn FnMut(usize)); fn finalise(&mut self) -> Option<String> { None } }
    struct Leaf(&'static str); struct Pair(usize, usize); struct Many(Vec<usize>);
    impl Trace for Leaf { fn edges(&self, _: &mut dyn FnMut(usize)) {} fn finalise(&mut self) -> Option<String> { Some(std::mem::take(&mut self.0).to_string()) } }
    impl Trace for Pair { fn edges(&self, visit: &mut dyn FnMut(usize)) { visit(self.0); visit(self.1); } }
    impl Trace for Many { fn edges(&self, visit: &mut dyn FnMut(usize)) { self.0.iter().copied().for_each(|i| visit(i)); } }
    #[derive(Default)] struct Heap { cells: Vec<Option<Box<dyn Trace>>>, marked: Vec<bool> }
    impl Heap {
        fn add(&mut self, t: impl Trace + 'static) -> usize { let free = self.cells.iter().position(Option::is_none); match free { Some(i) => { self.cells[i] = Some(Box::new(t)); i } None => { self.cells.push(Some(Box::new(t))); self.marked.push(false); self.cells.len() - 1 } } }
        fn mark(cells: &[Option<Box<dyn Trace>>], marked: &mut [bool], at: usize) { if std::mem::replace(&mut marked[at], true) { return; } if let Some(c) = &cells[at] { c.edges(&mut |to| Self::mark(cells, marked, to)); } }
        fn collect_garbage(&mut self, roots: &[usize]) -> Vec<String> { self.marked.fill(false); for r in roots { Self::mark(&self.cells, &mut self.marked, *r); } let mut said = vec![]; for (cell, live) in self.cells.iter_mut().zip(&self.marked) { if !live && let Some(mut dead) = cell.take() { said.extend(dead.finalise()); } } said }
        fn live(&self) -> usize { self.cells.iter().flatten().count() }
    }
    pub fn run() -> String { let mut h = Heap::default(); let a = h.add(Leaf("a")); let b = h.add(Leaf("b")); let p = h.add(Pair(a, 3)); let q = h.add(Pair(p, p)); let m = h.add(Many(vec![b, q])); let first = h.collect_garbage(&[q]); let reused = h.add(Leaf("c")); format!("{first:?} {} {m} {reused} {:?} {}", h.live(), h.collect_garbage(&[]), h.live()) }
});

program!(markup {
    #[derive(Debug, PartialEq)] enum Item { Text(String), Strong(Vec<Item>), Emphasis(Vec<Item>), Link { text: Vec<Item>, to: String } }
    struct Cursor<'s> { rest: &'s str }
    impl<'s> Cursor<'s> {
        fn eat(&mut self, t: &str) -> bool { match self.rest.strip_prefix(t) { Some(r) => { self.rest = r; true } None => false } }
        fn until(&mut self, stop: char) -> Option<&'s str> { let (a, b) = self.rest.split_once(stop)?; self.rest = b; Some(a) }
        fn items(&mut self, end: &str) -> Option<Vec<Item>> {
            let mut all: Vec<Item> = vec![];
            loop {
                if end.is_empty() && self.rest.is_empty() || !end.is_empty() && self.eat(end) { return Some(all); }
                let before = self.rest;
                let item = 'item: {
                    for (mark, wrap) in [("**", Item::Strong as fn(Vec<Item>) -> Item), ("*", Item::Emphasis)] { if self.eat(mark) { break 'item self.items(mark).map(wrap); } }
                    if self.eat("[") { break 'item self.link(); }
                    None
                };
                match item { Some(i) => all.push(i), None => { self.rest = before; let mut chars = self.rest.chars(); let c = chars.next()?; self.rest = chars.as_str(); if let Some(Item::Text(t)) = all.last_mut() { t.push(c); } else { all.push(Item::Text(c.into())); } } }
            }
        }
        fn link(&mut self) -> Option<Item> { let text = self.items("]")?; if !self.eat("(") { return None; } Some(Item::Link { text, to: self.until(')')?.into() }) }
    }
    fn html(items: &[Item]) -> String { items.iter().map(|i| match i { Item::Text(t) => t.clone(), Item::Strong(i) => format!("<b>{}</b>", html(i)), Item::Emphasis(i) => format!("<i>{}</i>", html(i)), Item::Link { text, to } => format!("<a {to}>{}</a>", html(text)) }).collect() }
    pub fn run() -> String { ["plain", "a **b *c* d** e", "[x *y*](z) [no] (k)", "*open", "**a*b"].map(|s| html(&Cursor { rest: s }.items("").unwrap_or_default())).join("|") }
});

program!(higher_ranked {
    struct Table { rows: Vec<(String, u32)> }
    impl Table {
        fn best<F>(&self, key: F) -> Option<&str> where F: for<'a> Fn(&'a (String, u32)) -> &'a u32 { self.rows.iter().max_by_key(|r| *key(r)).map(|r| r.0.as_str()) }
        fn each(&mut self, f: &mut dyn for<'a> FnMut(&'a mut (String, u32)) -> &'a str) -> Vec<String> { self.rows.iter_mut().map(|r| f(r).to_string()).collect() }
        fn with<R>(&self, f: impl for<'a> FnOnce(&'a Self, &'a str) -> R) -> R { let local = String::from("local"); f(self, &local) }
    }
    trait Pick { fn pick<'a>(&self, a: &'a str, b: &'a str) -> &'a str; }
    impl<F: for<'a> Fn(&'a str, &'a str) -> &'a str> Pick for F { fn pick<'a>(&self, a: &'a str, b: &'a str) -> &'a str { self(a, b) } }
    fn longer<'a>(a: &'a str, b: &'a str) -> &'a str { if a.len() >= b.len() { a } else { b } }
    fn choose(p: &dyn Pick, of: &[&str]) -> String { of.iter().fold(String::new(), |best, s| p.pick(&best, s).to_string()) }
    fn compose<A, B, C>(f: impl Fn(A) -> B, g: impl Fn(B) -> C) -> impl Fn(A) -> C { move |a| g(f(a)) }
    fn boxed(n: u32) -> Box<dyn Fn(u32) -> Box<dyn Fn(u32) -> u32>> { Box::new(move |a| Box::new(move |b| bump(n) * a + b)) }
    fn bump(n: u32) -> u32 { n + 1 }
    pub fn run() -> String { let mut t = Table { rows: vec![("a".into(), 3), ("bcd".into(), 9), ("ef".into(), 5)] }; let best = t.best(|r| &r.1).map(String::from); let each = t.each(&mut |r| { r.1 = bump(r.1); &r.0 }); format!("{best:?} {each:?} {:?} {} {} {} {}", t.with(|t, s| (t.rows[0].1, s.len())), choose(&longer, &["x", "yyy", "zz"]), compose(bump, |n| format!("<{}>", bump(n)))(1), compose(bump, bump)(5), boxed(1)(10)(3)) }
});

program!(undo_stack {
    use std::cell::RefCell;
    use std::rc::{Rc, Weak};
    trait Command { fn apply(&mut self, doc: &mut String) -> bool; fn revert(&mut self, doc: &mut String); }
    struct Insert { at: usize, text: String } struct Delete { from: usize, len: usize, old: Option<String> } struct Group(Vec<Box<dyn Command + Send>>);
    impl Command for Insert { fn apply(&mut self, d: &mut String) -> bool { if self.at > d.len() { return false; } d.insert_str(self.at, &self.text); true } fn revert(&mut self, d: &mut String) { d.replace_range(self.at..self.at + self.text.len(), ""); } }
    impl Command for Delete { fn apply(&mut self, d: &mut String) -> bool { let Some(old) = d.get(self.from..self.from + self.len) else { return false }; self.old = Some(old.to_string()); d.replace_range(self.from..self.from + self.len, ""); true } fn revert(&mut self, d: &mut String) { if let Some(old) = self.old.take() { d.insert_str(self.from, &old); } } }
    impl Command for Group { fn apply(&mut self, d: &mut String) -> bool { for i in 0..self.0.len() { if !self.0[i].apply(d) { self.0[..i].iter_mut().rev().for_each(|c| c.revert(d)); return false; } } true } fn revert(&mut self, d: &mut String) { for c in self.0.iter_mut().rev() { c.revert(d); } } }
    trait Watcher { fn changed(&self, text: &str); }
    struct Lengths(RefCell<Vec<usize>>);
    impl Watcher for Lengths { fn changed(&self, t: &str) { self.0.borrow_mut().push(t.len()); } }
    #[derive(Default)] struct Editor { doc: String, done: Vec<Box<dyn Command + Send>>, undone: Vec<Box<dyn Command + Send>>, watchers: Vec<Weak<dyn Watcher>> }
    impl Editor {
        fn tell(&mut self) { self.watchers.retain(|w| w.strong_count() > 0); for w in self.watchers.iter().filter_map(Weak::upgrade) { w.changed(&self.doc); } }
        fn perform(&mut self, mut c: Box<dyn Command + Send>) -> bool { let did = c.apply(&mut self.doc); if did { self.done.push(c); self.undone.clear(); self.tell(); } did }
        fn undo(&mut self) -> bool { let Some(mut c) = self.done.pop() else { return false }; c.revert(&mut self.doc); self.undone.push(c); self.tell(); true }
        fn redo(&mut self) -> bool { let Some(mut c) = self.undone.pop() else { return false }; c.apply(&mut self.doc); self.done.push(c); self.tell(); true }
    }
    pub fn run() -> String { let mut e = Editor::default(); let w = Rc::new(Lengths(RefCell::default())); let as_watcher: Rc<dyn Watcher> = w.clone(); e.watchers.push(Rc::downgrade(&as_watcher)); let mut log = vec![e.perform(Box::new(Insert { at: 0, text: "hello world".into() })), e.perform(Box::new(Delete { from: 20, len: 1, old: None })), e.perform(Box::new(Group(vec![Box::new(Delete { from: 0, len: 6, old: None }), Box::new(Insert { at: 5, text: "!".into() })])))]; let a = e.doc.clone(); log.push(e.perform(Box::new(Group(vec![Box::new(Insert { at: 0, text: "x".into() }), Box::new(Insert { at: 99, text: "y".into() })])))); let b = e.doc.clone(); log.extend([e.undo(), e.redo(), e.undo(), e.undo(), e.undo()]); drop(as_watcher); format!("{a} {b} {:?} {log:?} {:?}", e.doc, w.0.borrow()) }
});

program!(lazy_streams {
    use std::rc::Rc;
    type Tail = Rc<dyn Fn() -> Stream>;
    #[derive(Clone)] enum Stream { Empty, Cell(u64, Tail) }
    impl Stream {
        fn from(n: u64) -> Stream { Stream::Cell(n, Rc::new(move || Stream::from(n + 1))) }
        fn map(self, f: fn(u64) -> u64) -> Stream { match self { Stream::Empty => Stream::Empty, Stream::Cell(h, t) => Stream::Cell(f(h), Rc::new(move || t().map(f))) } }
        fn keep(self, p: Rc<dyn Fn(u64) -> bool>) -> Stream { match self { Stream::Empty => Stream::Empty, Stream::Cell(h, t) if p(h) => Stream::Cell(h, Rc::new(move || t().keep(p.clone()))), Stream::Cell(_, t) => t().keep(p) } }
        fn first(&self, n: usize) -> Vec<u64> { match (n, self) { (0, _) | (_, Stream::Empty) => vec![], (n, Stream::Cell(h, t)) => { let mut v = vec![*h]; v.extend(t().first(n - 1)); v } } }
        fn merge(self, o: Stream) -> Stream { match (self, o) { (Stream::Empty, s) | (s, Stream::Empty) => s, (Stream::Cell(a, ta), Stream::Cell(b, tb)) if a <= b => Stream::Cell(a, Rc::new(move || ta().merge(Stream::Cell(b, tb.clone())))), (a, Stream::Cell(b, tb)) => Stream::Cell(b, Rc::new(move || tb().merge(a.clone()))) } }
        fn sieve(self) -> Stream { match self { Stream::Empty => Stream::Empty, Stream::Cell(p, t) => Stream::Cell(p, Rc::new(move || t().keep(Rc::new(move |n| n % p != 0)).sieve())) } }
    }
    fn square(n: u64) -> u64 { n * n }
    pub fn run() -> String { format!("{:?} {:?} {:?}", Stream::from(2).sieve().first(8), Stream::from(1).map(square).merge(Stream::from(3).map(|n| n * 3)).first(7), Stream::Empty.merge(Stream::from(7)).first(2)) }
});
