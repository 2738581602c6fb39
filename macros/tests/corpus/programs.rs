//! Whole small programs.

program!(calculator {
    #[derive(Debug, Clone, PartialEq)] enum Token { Num(f64), Op(char), Open, Close, Name(String) }
    struct Lexer<'s> { chars: std::iter::Peekable<std::str::Chars<'s>> }
    impl<'s> Lexer<'s> {
        fn new(s: &'s str) -> Self { Lexer { chars: s.chars().peekable() } }
        fn take(&mut self, f: impl Fn(char) -> bool) -> String { let mut s = String::new(); while let Some(c) = self.chars.next_if(|c| f(*c)) { s.push(c); } s }
        fn token(&mut self) -> Result<Option<Token>, String> {
            self.take(char::is_whitespace);
            let Some(&c) = self.chars.peek() else { return Ok(None) };
            Ok(Some(match c {
                '0'..='9' | '.' => { let t = self.take(|c| c.is_ascii_digit() || c == '.'); Token::Num(t.parse().map_err(|_| format!("number {t}"))?) }
                'a'..='z' => Token::Name(self.take(char::is_alphanumeric)),
                '(' => { self.chars.next(); Token::Open } ')' => { self.chars.next(); Token::Close }
                '+' | '-' | '*' | '/' | '^' => { self.chars.next(); Token::Op(c) }
                other => return Err(format!("char {other}")),
            }))
        }
        fn all(mut self) -> Result<Vec<Token>, String> { let mut v = vec![]; while let Some(t) = self.token()? { v.push(t); } Ok(v) }
    }
    struct Parser { tokens: Vec<Token>, at: usize }
    impl Parser {
        fn peek(&self) -> Option<&Token> { self.tokens.get(self.at) }
        fn next(&mut self) -> Option<Token> { let t = self.peek().cloned(); self.at += 1; t }
        fn op(&mut self, of: &str) -> Option<char> { match self.peek() { Some(Token::Op(c)) if of.contains(*c) => { let c = *c; self.at += 1; Some(c) } _ => None } }
        fn sum(&mut self) -> Result<f64, String> { let mut v = self.product()?; while let Some(op) = self.op("+-") { let r = self.product()?; if op == '+' { v += r } else { v -= r } } Ok(v) }
        fn product(&mut self) -> Result<f64, String> { let mut v = self.power()?; while let Some(op) = self.op("*/") { let r = self.power()?; if op == '*' { v *= r } else if r == 0.0 { return Err("division".into()) } else { v /= r } } Ok(v) }
        fn power(&mut self) -> Result<f64, String> { let base = self.unary()?; if self.op("^").is_some() { Ok(base.powf(self.power()?)) } else { Ok(base) } }
        fn unary(&mut self) -> Result<f64, String> { if self.op("-").is_some() { Ok(-self.unary()?) } else { self.atom() } }
        fn atom(&mut self) -> Result<f64, String> {
            match self.next() {
                Some(Token::Num(n)) => Ok(n),
                Some(Token::Name(n)) if self.peek() == Some(&Token::Open) => { self.next(); let v = self.sum()?; self.close()?; function(&n, v) }
                Some(Token::Name(n)) => constant(&n),
                Some(Token::Open) => { let v = self.sum()?; self.close().map(|()| v) }
                other => Err(format!("unexpected {other:?}")),
            }
        }
        fn close(&mut self) -> Result<(), String> { match self.next() { Some(Token::Close) => Ok(()), other => Err(format!("wanted ), got {other:?}")) } }
    }
    fn function(name: &str, v: f64) -> Result<f64, String> { match name { "sqrt" => Ok(v.sqrt()), "abs" => Ok(v.abs()), _ => Err(format!("function {name}")) } }
    fn constant(name: &str) -> Result<f64, String> { match name { "pi" => Ok(3.0), _ => Err(format!("name {name}")) } }
    fn evaluate(s: &str) -> Result<f64, String> { let mut p = Parser { tokens: Lexer::new(s).all()?, at: 0 }; let v = p.sum()?; match p.peek() { None => Ok(v), Some(t) => Err(format!("left {t:?}")) } }
    pub fn run() -> String { ["1+2*3", "(1+2)*3", "2^3^2", "--4", "sqrt(16)+abs(-1)*pi", "1/0", "(1", "1 $ 2", "f(1)", "1 2"].map(|s| format!("{:?}", evaluate(s))).join(" ") }
});

program!(json {
    #[derive(Debug, Clone, PartialEq)] pub enum Json { Null, Bool(bool), Number(f64), Text(String), List(Vec<Json>), Object(Vec<(String, Json)>) }
    struct Reader<'a> { s: &'a [u8], at: usize }
    type Read<T> = Result<T, usize>;
    impl Reader<'_> {
        fn skip(&mut self) { while self.s.get(self.at).is_some_and(u8::is_ascii_whitespace) { self.at += 1; } }
        fn expect(&mut self, t: &str) -> Read<()> { if self.s[self.at..].starts_with(t.as_bytes()) { self.at += t.len(); Ok(()) } else { Err(self.at) } }
        fn value(&mut self) -> Read<Json> {
            self.skip();
            let v = match self.s.get(self.at).ok_or(self.at)? {
                b'n' => { self.expect("null")?; Json::Null } b't' => { self.expect("true")?; Json::Bool(true) } b'f' => { self.expect("false")?; Json::Bool(false) }
                b'"' => Json::Text(self.text()?),
                b'[' => Json::List(self.sequence(b']', |r| r.value())?),
                b'{' => Json::Object(self.sequence(b'}', Self::member)?),
                _ => self.number()?,
            };
            self.skip();
            Ok(v)
        }
        fn member(&mut self) -> Read<(String, Json)> { self.skip(); let k = self.text()?; self.skip(); self.expect(":")?; Ok((k, self.value()?)) }
        fn sequence<T>(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
            self.at += 1; self.skip();
            let mut all = vec![];
            if self.s.get(self.at) == Some(&end) { self.at += 1; return Ok(all); }
            loop { all.push(item(self)?); match self.s.get(self.at) { Some(b',') => self.at += 1, Some(c) if *c == end => { self.at += 1; return Ok(all); } _ => return Err(self.at) } }
        }
        fn text(&mut self) -> Read<String> { self.expect("\"")?; let start = self.at; while *self.s.get(self.at).ok_or(self.at)? != b'"' { self.at += 1; } self.at += 1; String::from_utf8(self.s[start..self.at - 1].to_vec()).map_err(|_| start) }
        fn number(&mut self) -> Read<Json> { let start = self.at; while self.s.get(self.at).is_some_and(|c| c.is_ascii_digit() || b"+-.e".contains(c)) { self.at += 1; } std::str::from_utf8(&self.s[start..self.at]).ok().and_then(|t| t.parse().ok()).map(Json::Number).ok_or(start) }
    }
    impl Json {
        fn parse(s: &str) -> Read<Json> { let mut r = Reader { s: s.as_bytes(), at: 0 }; let v = r.value()?; if r.at == s.len() { Ok(v) } else { Err(r.at) } }
        fn depth(&self) -> usize { match self { Json::List(l) => 1 + l.iter().map(Json::depth).max().unwrap_or(0), Json::Object(o) => 1 + o.iter().map(|(_, v)| v.depth()).max().unwrap_or(0), _ => 0 } }
        fn write(&self, out: &mut String) { match self { Json::Null => out.push_str("null"), Json::Bool(b) => out.push_str(&b.to_string()), Json::Number(n) => out.push_str(&n.to_string()), Json::Text(t) => { out.push('"'); out.push_str(t); out.push('"') }
            Json::List(l) => { out.push('['); for (i, v) in l.iter().enumerate() { if i > 0 { out.push(','); } v.write(out); } out.push(']') }
            Json::Object(o) => { out.push('{'); for (i, (k, v)) in o.iter().enumerate() { if i > 0 { out.push(','); } Json::Text(k.clone()).write(out); out.push(':'); v.write(out); } out.push('}') } } }
        fn path(&self, path: &[&str]) -> Option<&Json> { match (path, self) { ([], v) => Some(v), ([k, rest @ ..], Json::Object(o)) => o.iter().find(|(n, _)| n == k)?.1.path(rest), ([k, rest @ ..], Json::List(l)) => l.get(k.parse::<usize>().ok()?)?.path(rest), _ => None } }
    }
    impl std::fmt::Display for Json { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { let mut s = String::new(); self.write(&mut s); f.pad(&s) } }
    pub fn run() -> String {
        let j = Json::parse(r#" {"a": [1, 2.5, {"b": null}], "c": "text", "d": [true, false, []]} "#).unwrap();
        let bad: Vec<_> = ["", "[1,", "{\"a\" 1}", "nul", "1 2"].iter().map(|s| Json::parse(s)).collect();
        format!("{j} {} {:?} {:?} {bad:?}", j.depth(), j.path(&["a", "2", "b"]), j.path(&["d", "9"]))
    }
});

program!(lisp {
    use std::collections::HashMap;
    use std::rc::Rc;
    #[derive(Clone)] enum Value { Int(i64), Sym(String), List(Rc<Vec<Value>>), Native(fn(&[Value]) -> Result<Value, String>), Lambda(Rc<(Vec<String>, Value, Env)>) }
    #[derive(Clone, Default)] struct Env { vars: HashMap<String, Value>, outer: Option<Rc<Env>> }
    impl Env {
        fn get(&self, n: &str) -> Option<Value> { self.vars.get(n).cloned().or_else(|| self.outer.as_ref().and_then(|o| o.get(n))) }
        fn child(&self) -> Env { Env { vars: HashMap::new(), outer: Some(Rc::new(self.clone())) } }
    }
    fn read(tokens: &mut std::vec::IntoIter<String>) -> Result<Value, String> {
        match tokens.next().ok_or("end")?.as_str() {
            "(" => { let mut v = vec![]; while tokens.as_slice().first().ok_or("open")? != ")" { v.push(read(tokens)?); } tokens.next(); Ok(Value::List(Rc::new(v))) }
            ")" => Err("close".into()),
            t => Ok(t.parse().map(Value::Int).unwrap_or_else(|_| Value::Sym(t.into()))),
        }
    }
    fn tokens(s: &str) -> std::vec::IntoIter<String> { s.replace('(', " ( ").replace(')', " ) ").split_whitespace().map(String::from).collect::<Vec<_>>().into_iter() }
    fn eval(v: &Value, env: &mut Env) -> Result<Value, String> {
        match v {
            Value::Sym(s) => env.get(s).ok_or_else(|| format!("unbound {s}")),
            Value::List(l) => match l.as_slice() {
                [Value::Sym(s), c, a, b] if s == "if" => if truthy(&eval(c, env)?) { eval(a, env) } else { eval(b, env) },
                [Value::Sym(s), Value::Sym(n), e] if s == "define" => { let v = eval(e, env)?; env.vars.insert(n.clone(), v.clone()); Ok(v) }
                [Value::Sym(s), Value::List(ps), body] if s == "lambda" => Ok(Value::Lambda(Rc::new((ps.iter().map(show).collect(), body.clone(), env.child())))),
                [f, args @ ..] => { let f = eval(f, env)?; let args = args.iter().map(|a| eval(a, env)).collect::<Result<Vec<_>, _>>()?; apply(&f, args, env) }
                [] => Ok(v.clone()),
            },
            other => Ok(other.clone()),
        }
    }
    fn apply(f: &Value, args: Vec<Value>, env: &Env) -> Result<Value, String> {
        match f { Value::Native(n) => n(&args), Value::Lambda(l) => { let (ps, body, closed) = &**l; let mut inner = closed.clone(); inner.outer = Some(Rc::new(Env { vars: closed.vars.clone(), outer: Some(Rc::new(env.clone())) })); inner.vars.extend(ps.iter().cloned().zip(args)); eval(body, &mut inner) } other => Err(format!("not a function: {}", show(other))) }
    }
    fn truthy(v: &Value) -> bool { !matches!(v, Value::Int(0)) }
    fn show(v: &Value) -> String { match v { Value::Int(n) => n.to_string(), Value::Sym(s) => s.clone(), Value::List(l) => format!("({})", l.iter().map(show).collect::<Vec<_>>().join(" ")), _ => "#f".into() } }
    fn ints(args: &[Value]) -> Result<Vec<i64>, String> { args.iter().map(|a| match a { Value::Int(n) => Ok(*n), other => Err(format!("not a number: {}", show(other))) }).collect() }
    fn add(a: &[Value]) -> Result<Value, String> { Ok(Value::Int(ints(a)?.iter().sum())) }
    fn less(a: &[Value]) -> Result<Value, String> { let v = ints(a)?; Ok(Value::Int(i64::from(v[0] < v[1]))) }
    fn program(s: &str) -> Result<String, String> {
        let mut env = Env::default();
        for (n, f) in [("+", add as fn(&[Value]) -> Result<Value, String>), ("<", less)] { env.vars.insert(n.into(), Value::Native(f)); }
        let mut t = tokens(s);
        let mut last = Value::Int(0);
        while t.len() > 0 { last = eval(&read(&mut t)?, &mut env)?; }
        Ok(show(&last))
    }
    pub fn run() -> String { ["(+ 1 2 (+ 3 4))", "(define f (lambda (n) (if (< n 2) n (+ (f (+ n -1)) (f (+ n -2)))))) (f 9)", "((lambda (x y) (+ x y)) 2 3)", "(q)", "(+ 1 x)", "(+ 1", "(1 2)"].map(|s| format!("{:?}", program(s))).join(" ") }
});

program!(bank {
    use std::collections::BTreeMap;
    #[derive(Debug, Clone, PartialEq)] enum Failure { NoAccount(u32), TooLittle { have: i64, need: i64 }, Frozen }
    trait Rule { fn check(&self, account: &Account, amount: i64) -> Result<(), Failure>; }
    #[derive(Debug, Default, Clone)] pub struct Account { balance: i64, frozen: bool, log: Vec<String> }
    struct Enough; struct NotFrozen; struct Both(Box<dyn Rule>, Box<dyn Rule>);
    impl Rule for Enough { fn check(&self, a: &Account, n: i64) -> Result<(), Failure> { if a.balance < n { Err(Failure::TooLittle { have: a.balance, need: n }) } else { Ok(()) } } }
    impl Rule for NotFrozen { fn check(&self, a: &Account, _: i64) -> Result<(), Failure> { if a.frozen { Err(Failure::Frozen) } else { Ok(()) } } }
    impl Rule for Both { fn check(&self, a: &Account, n: i64) -> Result<(), Failure> { self.0.check(a, n)?; self.1.check(a, n) } }
    impl Account { fn change(&mut self, by: i64) -> i64 { self.balance += by; self.log.push(format!("{by:+}")); self.balance } }
    struct Bank { accounts: BTreeMap<u32, Account>, rule: Box<dyn Rule> }
    impl Bank {
        fn account(&mut self, id: u32) -> Result<&mut Account, Failure> { self.accounts.get_mut(&id).ok_or(Failure::NoAccount(id)) }
        fn transfer(&mut self, from: u32, to: u32, n: i64) -> Result<(i64, i64), Failure> {
            self.account(to)?;
            let source = self.accounts.get(&from).ok_or(Failure::NoAccount(from))?;
            self.rule.check(source, n)?;
            Ok((self.account(from)?.change(-n), self.account(to)?.change(n)))
        }
    }
    pub fn run() -> String {
        let mut b = Bank { accounts: (1..=3).map(|i| (i, Account { balance: 100, frozen: i == 3, ..Account::default() })).collect(), rule: Box::new(Both(Box::new(NotFrozen), Box::new(Enough))) };
        let r: Vec<_> = [(1, 2, 30), (2, 1, 500), (3, 1, 1), (1, 9, 1), (9, 1, 1), (2, 3, 130)].map(|(f, t, n)| b.transfer(f, t, n)).into();
        format!("{r:?} {:?}", b.accounts)
    }
});

program!(files {
    #[derive(Debug)] enum Entry { File { name: String, size: u64 }, Dir { name: String, entries: Vec<Entry> } }
    trait Sink { fn file(&mut self, path: &str, size: u64); fn dir(&mut self, path: &str) -> bool { !path.ends_with(".git") } }
    impl Entry {
        fn file(name: &str, size: u64) -> Entry { Entry::File { name: name.into(), size } }
        fn dir(name: &str, entries: Vec<Entry>) -> Entry { Entry::Dir { name: name.into(), entries } }
        fn size(&self) -> u64 { match self { Entry::File { size, .. } => *size, Entry::Dir { entries, .. } => entries.iter().map(|e| e.size()).sum() } }
        fn walk(&self, prefix: &str, sink: &mut dyn Sink) {
            match self {
                Entry::File { name, size } => sink.file(&join(prefix, name), *size),
                Entry::Dir { name, entries } => { let path = join(prefix, name); if sink.dir(&path) { for e in entries { e.walk(&path, sink); } } }
            }
        }
        fn find(&self, f: &dyn Fn(&Entry) -> bool) -> Option<&Entry> { if f(self) { return Some(self); } match self { Entry::Dir { entries, .. } => entries.iter().find_map(|e| e.find(f)), Entry::File { .. } => None } }
        fn rename(&mut self, f: &mut impl FnMut(&mut String)) { match self { Entry::File { name, .. } => f(name), Entry::Dir { name, entries } => { f(name); entries.iter_mut().for_each(|e| e.rename(f)); } } }
    }
    fn join(a: &str, b: &str) -> String { if a.is_empty() { b.to_string() } else { format!("{a}/{b}") } }
    struct Listing(Vec<String>); struct Largest<'a>(&'a mut Option<(String, u64)>);
    impl Sink for Listing { fn file(&mut self, p: &str, n: u64) { self.0.push(format!("{p}:{n}")); } }
    impl Sink for Largest<'_> { fn file(&mut self, p: &str, n: u64) { if self.0.as_ref().is_none_or(|(_, m)| *m < n) { *self.0 = Some((p.to_string(), n)); } } fn dir(&mut self, _: &str) -> bool { true } }
    pub fn run() -> String {
        let mut root = Entry::dir("r", vec![Entry::file("a", 3), Entry::dir("s", vec![Entry::file("b", 9), Entry::dir(".git", vec![Entry::file("c", 50)])])]);
        let (mut l, mut top) = (Listing(vec![]), None);
        root.walk("", &mut l);
        root.walk("", &mut Largest(&mut top));
        let found = root.find(&|e| e.size() == 9).map(Entry::size);
        root.rename(&mut |n| n.make_ascii_uppercase());
        format!("{:?} {top:?} {} {found:?} {root:?}", l.0, root.size())
    }
});

program!(game_of_life {
    #[derive(Clone, PartialEq)] struct World { w: usize, h: usize, alive: Vec<bool> }
    impl World {
        fn parse(s: &str) -> World { let rows: Vec<&str> = s.split('/').collect(); World { w: rows[0].len(), h: rows.len(), alive: rows.iter().flat_map(|r| r.chars().map(|c| c == '#')).collect() } }
        fn at(&self, r: isize, c: isize) -> bool { let (h, w) = (self.h as isize, self.w as isize); self.alive[(r.rem_euclid(h) * w + c.rem_euclid(w)) as usize] }
        fn neighbours(&self, r: isize, c: isize) -> usize { (-1..=1).flat_map(|dr| (-1..=1).map(move |dc| (dr, dc))).filter(|d| *d != (0, 0)).filter(|(dr, dc)| self.at(r + dr, c + dc)).count() }
        fn step(&self) -> World { let alive = (0..self.h as isize).flat_map(|r| (0..self.w as isize).map(move |c| (r, c))).map(|(r, c)| matches!((self.at(r, c), self.neighbours(r, c)), (true, 2 | 3) | (false, 3))).collect(); World { alive, ..*self } }
        fn run_for(self, n: u32) -> World { if n == 0 { self } else { self.step().run_for(n - 1) } }
    }
    impl std::fmt::Display for World { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { for (i, a) in self.alive.iter().enumerate() { if i > 0 && i % self.w == 0 { f.write_str("/")?; } f.write_str(if *a { "#" } else { "." })?; } Ok(()) } }
    pub fn run() -> String { let w = World::parse(".#.../..#../###../...../....."); format!("{} {}", w.step(), w.clone().run_for(20) == w) }
});

program!(huffman {
    use std::collections::{BTreeMap, BinaryHeap};
    use std::cmp::Reverse;
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord)] enum Tree { Leaf(char), Node(Box<Tree>, Box<Tree>) }
    fn build(text: &str) -> Option<Tree> {
        let mut counts: BTreeMap<char, u32> = BTreeMap::new();
        text.chars().for_each(|c| *counts.entry(c).or_default() += 1);
        let mut heap: BinaryHeap<Reverse<(u32, Tree)>> = counts.into_iter().map(|(c, n)| Reverse((n, Tree::Leaf(c)))).collect();
        loop { let Reverse((n, a)) = heap.pop()?; match heap.pop() { None => return Some(a), Some(Reverse((m, b))) => heap.push(Reverse((n + m, Tree::Node(Box::new(a), Box::new(b))))) } }
    }
    impl Tree {
        fn codes(&self, prefix: String, into: &mut BTreeMap<char, String>) { match self { Tree::Leaf(c) => { into.insert(*c, prefix); } Tree::Node(a, b) => { a.codes(format!("{prefix}0"), into); b.codes(format!("{prefix}1"), into); } } }
        fn decode(&self, bits: &str) -> String { let mut out = String::new(); let mut at = self; for bit in bits.chars() { at = match at { Tree::Node(a, b) => if bit == '0' { a } else { b }, leaf => leaf }; if let Tree::Leaf(c) = at { out.push(*c); at = self; } } out }
    }
    fn encode(text: &str, codes: &BTreeMap<char, String>) -> String { text.chars().map(|c| codes[&c].as_str()).collect() }
    pub fn run() -> String { let text = "abracadabra"; let t = build(text).unwrap(); let mut codes = BTreeMap::new(); t.codes(String::new(), &mut codes); let bits = encode(text, &codes); format!("{} {} {:?}", bits.len(), t.decode(&bits), build("")) }
});

program!(regex {
    #[derive(Debug, Clone)] enum Re { Char(char), Any, Seq(Vec<Re>), Or(Box<Re>, Box<Re>), Star(Box<Re>), Opt(Box<Re>) }
    fn parse_or(s: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Re { let left = parse_seq(s); if s.next_if_eq(&'|').is_some() { Re::Or(Box::new(left), Box::new(parse_or(s))) } else { left } }
    fn parse_seq(s: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Re { let mut v = vec![]; while let Some(c) = s.peek() { if "|)".contains(*c) { break; } v.push(parse_post(s)); } Re::Seq(v) }
    fn parse_post(s: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Re { let mut r = parse_atom(s); loop { r = match s.peek() { Some('*') => Re::Star(Box::new(r)), Some('?') => Re::Opt(Box::new(r)), _ => return r }; s.next(); } }
    fn parse_atom(s: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Re { match s.next() { Some('(') => { let r = parse_or(s); s.next(); r } Some('.') => Re::Any, Some(c) => Re::Char(c), None => Re::Seq(vec![]) } }
    fn step(re: &Re, text: &[char], k: &mut dyn FnMut(&[char]) -> bool) -> bool {
        match re {
            Re::Char(c) => text.first() == Some(c) && k(&text[1..]),
            Re::Any => !text.is_empty() && k(&text[1..]),
            Re::Seq(v) => match v.split_first() { None => k(text), Some((first, rest)) => step(first, text, &mut |t| step(&Re::Seq(rest.to_vec()), t, k)) },
            Re::Or(a, b) => step(a, text, k) || step(b, text, k),
            Re::Star(r) => step(r, text, &mut |t| t.len() < text.len() && step(re, t, k)) || k(text),
            Re::Opt(r) => step(r, text, k) || k(text),
        }
    }
    fn matches(re: &str, text: &str) -> bool { let re = parse_or(&mut re.chars().peekable()); let t: Vec<char> = text.chars().collect(); step(&re, &t, &mut |rest| rest.is_empty()) }
    pub fn run() -> String { [("a*b", "aaab"), ("a*b", "aac"), ("(ab|cd)*e?", "abcdab"), ("(ab|cd)*e?", "abcde"), (".*x.", "abxc"), (".*x.", "abx"), ("", ""), ("a?a?aa", "aa")].map(|(r, t)| matches(r, t)).map(|b| u8::from(b).to_string()).join("") }
});

program!(virtual_machine {
    #[derive(Debug, Clone)] enum Op { Push(i64), Add, Mul, Dup, Jz(usize), Jmp(usize), Call(usize), Ret, Print, Load(usize), Store(usize), Halt }
    trait Device { fn write(&mut self, v: i64); fn cycles(&self) -> u64 { 0 } }
    #[derive(Default)] struct Screen { text: String, writes: u64 }
    impl Device for Screen { fn write(&mut self, v: i64) { self.writes += 1; self.text += &format!("{v};"); } fn cycles(&self) -> u64 { self.writes * 10 } }
    struct Vm<'d> { stack: Vec<i64>, frames: Vec<usize>, memory: [i64; 4], at: usize, device: &'d mut dyn Device, steps: u64 }
    impl<'d> Vm<'d> {
        fn new(device: &'d mut dyn Device) -> Self { Vm { stack: vec![], frames: vec![], memory: [0; 4], at: 0, device, steps: 0 } }
        fn pop(&mut self) -> Result<i64, String> { self.stack.pop().ok_or_else(|| format!("empty at {}", self.at)) }
        fn binary(&mut self, f: impl Fn(i64, i64) -> i64) -> Result<(), String> { let (b, a) = (self.pop()?, self.pop()?); self.stack.push(f(a, b)); Ok(()) }
        fn step(&mut self, code: &[Op]) -> Result<bool, String> {
            let op = code.get(self.at).ok_or("off the end")?.clone();
            self.at += 1;
            self.steps += 1;
            match op {
                Op::Push(n) => self.stack.push(n), Op::Add => self.binary(|a, b| a + b)?, Op::Mul => self.binary(|a, b| a * b)?,
                Op::Dup => { let v = self.pop()?; self.stack.extend([v, v]); } Op::Jz(to) => if self.pop()? == 0 { self.at = to; }, Op::Jmp(to) => self.at = to,
                Op::Call(to) => { self.frames.push(self.at); self.at = to; } Op::Ret => match self.frames.pop() { Some(at) => self.at = at, None => return Ok(false) },
                Op::Print => { let v = self.pop()?; self.device.write(v); } Op::Load(i) => self.stack.push(self.memory[i]), Op::Store(i) => self.memory[i] = self.pop()?, Op::Halt => return Ok(false),
            }
            Ok(self.steps < 1000)
        }
        fn run(&mut self, code: &[Op]) -> Result<u64, String> { while self.step(code)? {} Ok(self.steps) }
    }
    fn countdown(n: i64) -> Vec<Op> { vec![Op::Push(n), Op::Store(0), Op::Load(0), Op::Jz(10), Op::Load(0), Op::Call(11), Op::Load(0), Op::Push(-1), Op::Add, Op::Jmp(1), Op::Halt, Op::Dup, Op::Mul, Op::Print, Op::Ret] }
    pub fn run() -> String { let mut s = Screen::default(); let steps = Vm::new(&mut s).run(&countdown(4)); let bad = Vm::new(&mut Screen::default()).run(&[Op::Add]); let forever = Vm::new(&mut Screen::default()).run(&[Op::Jmp(0)]); format!("{steps:?} {} {} {bad:?} {forever:?}", s.text, s.cycles()) }
});

program!(text_tools {
    use std::collections::BTreeMap;
    fn words(s: &str) -> impl Iterator<Item = String> + '_ { s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(normalise) }
    fn normalise(w: &str) -> String { w.to_lowercase() }
    fn frequencies(s: &str) -> BTreeMap<String, usize> { words(s).fold(BTreeMap::new(), |mut m, w| { *m.entry(w).or_insert(0) += 1; m }) }
    fn top(s: &str, n: usize) -> Vec<(usize, String)> { let mut all: Vec<_> = frequencies(s).into_iter().map(|(w, n)| (n, w)).collect(); all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1))); all.truncate(n); all }
    fn wrap(s: &str, width: usize) -> Vec<String> { s.split(' ').fold(vec![], |mut lines: Vec<String>, w| { match lines.last_mut() { Some(l) if l.len() + w.len() < width => { l.push(' '); l.push_str(w) } _ => lines.push(w.to_string()) } lines }) }
    fn distance(a: &[char], b: &[char]) -> usize { match (a, b) { ([], r) | (r, []) => r.len(), ([x, xs @ ..], [y, ys @ ..]) if x == y => distance(xs, ys), ([_, xs @ ..], [_, ys @ ..]) => 1 + distance(xs, b).min(distance(a, ys)).min(distance(xs, ys)) } }
    fn edit(a: &str, b: &str) -> usize { let v = |s: &str| s.chars().collect::<Vec<_>>(); distance(&v(a), &v(b)) }
    fn caesar(s: &str, by: u8) -> String { s.chars().map(|c| rotate(c, by)).collect() }
    fn rotate(c: char, by: u8) -> char { match c { 'a'..='z' => (((c as u8 - b'a') + by) % 26 + b'a') as char, 'A'..='Z' => rotate(c.to_ascii_lowercase(), by).to_ascii_uppercase(), _ => c } }
    fn roman(n: u32) -> String { const V: [(u32, &str); 7] = [(100, "C"), (90, "XC"), (50, "L"), (10, "X"), (9, "IX"), (5, "V"), (1, "I")]; V.iter().find(|(v, _)| *v <= n).map_or(String::new(), |(v, t)| format!("{t}{}", roman(n - v))) }
    fn balanced(s: &str) -> bool { fn close(s: &mut std::str::Chars<'_>, end: Option<char>) -> bool { loop { match s.next() { None => return end.is_none(), Some('(') => if !close(s, Some(')')) { return false }, Some('[') => if !close(s, Some(']')) { return false }, Some(c @ (')' | ']')) => return end == Some(c), _ => {} } } } close(&mut s.chars(), None) }
    pub fn run() -> String { let t = "The cat and the hat and THE end"; format!("{:?} {:?} {} {} {:?} {:?}", top(t, 2), wrap(t, 12), edit("kitten", "sitting"), caesar("Hello, World", 3), [4, 97, 144].map(roman), ["(a[b])", "(]", "(()"].map(balanced)) }
});
