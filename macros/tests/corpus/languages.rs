//! Languages: tokenizers, parsers, printers, interpreters, checkers.

program!(tokenizer {
    #[derive(Debug, Clone, PartialEq)] enum Token<'s> { Word(&'s str), Number(f64), Text(String), Symbol(char), End }
    #[derive(Debug, PartialEq)] enum Fault { Open(usize), Number { at: usize, text: String } }
    struct Lexer<'s> { text: &'s str, at: usize }
    impl<'s> Lexer<'s> {
        fn new(text: &'s str) -> Self { Self { text, at: 0 } }
        fn rest(&self) -> &'s str { &self.text[self.at..] }
        fn run_of(&mut self, keep: impl Fn(char) -> bool) -> &'s str { let rest = self.rest(); let end = rest.find(|c: char| !keep(c)).unwrap_or(rest.len()); self.at += end; &rest[..end] }
        fn token(&mut self) -> Result<Token<'s>, Fault> {
            self.run_of(char::is_whitespace);
            let start = self.at;
            Ok(match self.rest().chars().next() {
                None => Token::End,
                Some('#') => { self.run_of(|c| c != '\n'); return self.token(); }
                Some(c) if c.is_alphabetic() || c == '_' => Token::Word(self.run_of(|c| c.is_alphanumeric() || c == '_')),
                Some(c) if c.is_ascii_digit() => { let text = self.run_of(|c| c.is_ascii_digit() || c == '.'); Token::Number(text.parse().map_err(|_| Fault::Number { at: start, text: text.to_owned() })?) }
                Some('"') => Token::Text(self.text()?),
                Some(c) => { self.at += c.len_utf8(); Token::Symbol(c) }
            })
        }
        fn text(&mut self) -> Result<String, Fault> {
            let start = self.at;
            let mut out = String::new();
            let mut chars = self.rest().char_indices().skip(1);
            'text: loop { match chars.next() { Some((i, '"')) => { self.at += i + 1; break 'text Ok(out); } Some((_, '\\')) => match chars.next() { Some((_, 'n')) => out.push('\n'), Some((_, c)) => out.push(c), None => break 'text Err(Fault::Open(start)) }, Some((_, c)) => out.push(c), None => break 'text Err(Fault::Open(start)) } }
        }
    }
    impl<'s> Iterator for Lexer<'s> { type Item = Result<Token<'s>, Fault>; fn next(&mut self) -> Option<Self::Item> { match self.token() { Ok(Token::End) => None, Err(e) => { self.at = self.text.len(); Some(Err(e)) } other => Some(other) } } }
    pub fn run() -> String { ["let x_1 = 3.5; # note\n y", "say \"a\\\"b\\n\" + é", "1.2.3", "\"open"].map(|s| format!("{:?}", Lexer::new(s).collect::<Result<Vec<_>, _>>())).join(" ") }
});

program!(pratt_parser {
    use std::collections::HashMap;
    #[derive(Debug, Clone, PartialEq)] enum Node { Num(i64), Var(char), Un(char, Box<Node>), Bin(char, Box<Node>, Box<Node>), If(Box<[Node; 3]>) }
    struct Parser<'s> { all: std::iter::Peekable<std::str::Chars<'s>> }
    type Parsed = Result<Node, String>;
    fn power(op: char) -> Option<(u8, u8)> { Some(match op { '?' => (2, 1), '+' | '-' => (3, 4), '*' | '/' => (5, 6), '^' => (8, 7), _ => return None }) }
    impl Parser<'_> {
        fn expression(&mut self, least: u8) -> Parsed {
            let mut left = self.prefix()?;
            loop {
                let Some(op) = self.look() else { break };
                if op == '!' { self.all.next(); left = Node::Un('!', Box::new(left)); continue; }
                let Some((l, r)) = power(op) else { break };
                if l < least { break; }
                self.all.next();
                left = if op == '?' { let yes = self.expression(0)?; self.expect(':')?; let no = self.expression(r)?; Node::If(Box::new([left, yes, no])) } else { Node::Bin(op, Box::new(left), Box::new(self.expression(r)?)) };
            }
            Ok(left)
        }
        fn prefix(&mut self) -> Parsed { match self.look() { Some('(') => { self.all.next(); let e = self.expression(0)?; self.expect(')').map(|()| e) } Some('-') => { self.all.next(); Ok(Node::Un('-', Box::new(self.expression(7)?))) } Some(c @ '0'..='9') => { self.all.next(); let mut n = i64::from(c as u8 - b'0'); while let Some(d) = self.all.next_if(char::is_ascii_digit) { n = n * 10 + i64::from(d as u8 - b'0'); } Ok(Node::Num(n)) } Some(c @ 'a'..='z') => { self.all.next(); Ok(Node::Var(c)) } other => Err(format!("unexpected {other:?}")) } }
        fn look(&mut self) -> Option<char> { while self.all.next_if_eq(&' ').is_some() {} self.all.peek().copied() }
        fn expect(&mut self, c: char) -> Result<(), String> { match self.look() { Some(d) if c == d => { self.all.next(); Ok(()) } other => Err(format!("{c} expected, not {other:?}")) } }
    }
    impl Node {
        fn value(&self, of: &HashMap<char, i64>) -> Option<i64> {
            Some(match self {
                Node::Num(n) => *n,
                Node::Var(c) => *of.get(c)?,
                Node::Un('-', a) => -a.value(of)?,
                Node::Un(_, a) => (1..=a.value(of)?).product(),
                Node::Bin(op, a, b) => { let (a, b) = (a.value(of)?, b.value(of)?); match op { '+' => a + b, '-' => a - b, '*' => a * b, '/' => a.checked_div(b)?, _ => a.checked_pow(u32::try_from(b).ok()?)? } }
                Node::If(parts) => { let [c, y, n] = &**parts; if c.value(of)? != 0 { y.value(of)? } else { n.value(of)? } }
            })
        }
        fn show(&self) -> String { match self { Node::Num(n) => n.to_string(), Node::Var(c) => c.to_string(), Node::Un('!', a) => format!("{}!", a.show()), Node::Un(o, a) => format!("({o}{})", a.show()), Node::Bin(o, a, b) => format!("({} {o} {})", a.show(), b.show()), Node::If(p) => format!("({} ? {} : {})", p[0].show(), p[1].show(), p[2].show()) } }
    }
    pub fn run() -> String { let of = HashMap::from([('x', 3), ('z', 0)]); ["1+2*3^2^0", "-x^2", "z ? 1 : x ? 3! : 4", "(1+2)*-4 - 7/2", "1/z", "q", "(1", "2 $"].map(|s| { let mut p = Parser { all: s.chars().peekable() }; match p.expression(0) { Ok(e) => format!("{} = {:?}", e.show(), e.value(&of)), Err(e) => e } }).join("; ") }
});

program!(pretty_printer {
    #[derive(Clone)] enum Doc { Nil, Text(String), Line, Nest(usize, Box<Doc>), Group(Box<Doc>), Cat(Box<Doc>, Box<Doc>) }
    use Doc::*;
    impl std::ops::BitAnd for Doc { type Output = Doc; fn bitand(self, o: Doc) -> Doc { Cat(Box::new(self), Box::new(o)) } }
    impl From<&str> for Doc { fn from(s: &str) -> Doc { Text(s.into()) } }
    fn nest(n: usize, d: Doc) -> Doc { Nest(n, Box::new(d)) }
    fn group(d: Doc) -> Doc { Group(Box::new(d)) }
    fn fits(mut room: isize, mut work: Vec<(usize, bool, &Doc)>) -> bool { while let Some((i, flat, d)) = work.pop() { if room < 0 { return false; } match d { Nil => {} Text(s) => room -= s.len() as isize, Line if flat => room -= 1, Line => return true, Nest(n, d) => work.push((i + n, flat, d)), Group(d) => work.push((i, true, d)), Cat(a, b) => { work.push((i, flat, b)); work.push((i, flat, a)); } } } room >= 0 }
    fn render(width: usize, d: &Doc) -> String {
        let (mut out, mut column, mut work) = (String::new(), 0, vec![(0, false, d)]);
        while let Some((i, flat, d)) = work.pop() {
            match d { Nil => {} Text(s) => { out += s; column += s.len(); } Line if flat => { out.push(' '); column += 1; } Line => { out.push('\n'); out.extend(std::iter::repeat_n(' ', i)); column = i; } Nest(n, d) => work.push((i + n, flat, d)), Cat(a, b) => { work.push((i, flat, b)); work.push((i, flat, a)); } Group(d) => { let flat = flat || fits(width as isize - column as isize, vec![(i, true, &**d)]); work.push((i, flat, d)); } }
        }
        out
    }
    enum Sexp { Atom(&'static str), List(Vec<Sexp>) }
    trait Pretty { fn doc(&self) -> Doc; fn pretty(&self, width: usize) -> String { render(width, &self.doc()) } }
    impl Pretty for Sexp { fn doc(&self) -> Doc { match self { Sexp::Atom(s) => Doc::from(*s), Sexp::List(all) => { let inner = all.iter().map(|s| s.doc()).reduce(|a, b| a & Line & b).unwrap_or(Nil); group(Doc::from("(") & nest(1, inner) & ")".into()) } } } }
    pub fn run() -> String { use Sexp::*; let s = List(vec![Atom("define"), List(vec![Atom("f"), Atom("x")]), List(vec![Atom("if"), Atom("x"), List(vec![]), List(vec![Atom("g"), Atom("long-name"), Atom("other")])])]); let shown: &dyn Pretty = &s; [80, 30, 12].map(|w| shown.pretty(w)).join("\n--\n") }
});

program!(stack_compiler {
    use std::rc::Rc;
    #[derive(Debug, Clone)] enum Expr { Lit(i64), Add(Rc<Expr>, Rc<Expr>), Mul(Rc<Expr>, Rc<Expr>), Let(&'static str, Rc<Expr>, Rc<Expr>), Ref(&'static str) }
    #[derive(Debug, Clone, PartialEq)] enum Op { Push(i64), Add, Mul, Copy(usize), Slide }
    trait Pass { fn name(&self) -> &'static str; fn apply(&self, e: &Rc<Expr>) -> Rc<Expr>; }
    struct Fold; struct Unneeded;
    impl Pass for Fold { fn name(&self) -> &'static str { "fold" } fn apply(&self, e: &Rc<Expr>) -> Rc<Expr> { match &**e { Expr::Add(a, b) => match (&*self.apply(a), &*self.apply(b)) { (Expr::Lit(a), Expr::Lit(b)) => Expr::Lit(a + b), (a, b) => Expr::Add(a.clone().into(), b.clone().into()) }.into(), Expr::Mul(a, b) => match (&*self.apply(a), &*self.apply(b)) { (Expr::Lit(0), _) | (_, Expr::Lit(0)) => Expr::Lit(0), (Expr::Lit(a), Expr::Lit(b)) => Expr::Lit(a * b), (a, b) => Expr::Mul(a.clone().into(), b.clone().into()) }.into(), Expr::Let(n, v, b) => Expr::Let(n, self.apply(v), self.apply(b)).into(), _ => e.clone() } } }
    impl Pass for Unneeded { fn name(&self) -> &'static str { "unneeded" } fn apply(&self, e: &Rc<Expr>) -> Rc<Expr> { match &**e { Expr::Let(n, _, b) if !mentions(b, n) => self.apply(b), Expr::Let(n, v, b) => Expr::Let(n, self.apply(v), self.apply(b)).into(), Expr::Add(a, b) => Expr::Add(self.apply(a), self.apply(b)).into(), Expr::Mul(a, b) => Expr::Mul(self.apply(a), self.apply(b)).into(), _ => e.clone() } } }
    fn mentions(e: &Expr, name: &str) -> bool { match e { Expr::Ref(n) => *n == name, Expr::Lit(_) => false, Expr::Add(a, b) | Expr::Mul(a, b) => mentions(a, name) || mentions(b, name), Expr::Let(n, v, b) => mentions(v, name) || *n != name && mentions(b, name) } }
    fn compile(e: &Expr, scope: &mut Vec<Option<&'static str>>, out: &mut Vec<Op>) -> Result<(), String> {
        match e {
            Expr::Lit(n) => out.push(Op::Push(*n)),
            Expr::Ref(n) => { let at = scope.iter().rev().position(|s| *s == Some(*n)).ok_or_else(|| format!("no {n}"))?; out.push(Op::Copy(at)); }
            Expr::Add(a, b) | Expr::Mul(a, b) => { compile(a, scope, out)?; scope.push(None); let right = compile(b, scope, out); scope.pop(); right?; out.push(if matches!(e, Expr::Add(..)) { Op::Add } else { Op::Mul }); }
            Expr::Let(n, v, b) => { compile(v, scope, out)?; scope.push(Some(n)); compile(b, scope, out)?; scope.pop(); out.push(Op::Slide); }
        }
        Ok(())
    }
    fn execute(code: &[Op]) -> Option<i64> { let mut s: Vec<i64> = vec![]; for op in code { match op { Op::Push(n) => s.push(*n), Op::Copy(at) => s.push(*s.get(s.len().checked_sub(at + 1)?)?), Op::Slide => { let top = s.pop()?; *s.last_mut()? = top; } Op::Add | Op::Mul => { let (b, a) = (s.pop()?, s.pop()?); s.push(if *op == Op::Add { a + b } else { a * b }); } } } s.pop() }
    pub fn run() -> String {
        let lit = |n| Rc::new(Expr::Lit(n)); let var = |n| Rc::new(Expr::Ref(n));
        let programs = [Rc::new(Expr::Let("x", lit(5), Expr::Add(Expr::Mul(var("x"), var("x")).into(), Expr::Mul(lit(2), lit(3)).into()).into())), Rc::new(Expr::Let("y", lit(1), Expr::Mul(lit(0), var("x")).into())), Rc::new(Expr::Add(var("q"), lit(1)))];
        let passes: Vec<Box<dyn Pass>> = vec![Box::new(Fold), Box::new(Unneeded)];
        programs.iter().map(|p| { let small = passes.iter().fold(p.clone(), |e, pass| pass.apply(&e)); let mut code = vec![]; let done = compile(&small, &mut vec![], &mut code); format!("{done:?} {} {:?}", code.len(), execute(&code)) }).chain(passes.iter().map(|p| p.name().to_owned())).collect::<Vec<_>>().join("; ")
    }
});

program!(type_checker {
    use std::collections::BTreeMap;
    use std::fmt;
    #[derive(Clone, PartialEq)] enum Type { Int, Bool, Fun(Box<Type>, Box<Type>), Pair(Box<(Type, Type)>) }
    enum Term { Int(i32), Bool(bool), Var(String), Fun(String, Type, Box<Term>), Call(Box<Term>, Box<Term>), If(Box<Term>, Box<Term>, Box<Term>), Pair(Box<Term>, Box<Term>), First(Box<Term>) }
    #[derive(Debug)] enum Wrong { Unbound(String), Expected { want: String, got: String }, NotAFunction(String) }
    impl fmt::Display for Type { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { match self { Type::Int => f.write_str("int"), Type::Bool => f.write_str("bool"), Type::Fun(a, r) if matches!(**a, Type::Fun(..)) => write!(f, "({a}) -> {r}"), Type::Fun(a, r) => write!(f, "{a} -> {r}"), Type::Pair(p) => write!(f, "({}, {})", p.0, p.1) } } }
    impl fmt::Debug for Type { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) } }
    type Env = BTreeMap<String, Type>;
    fn same(want: &Type, got: Type) -> Result<Type, Wrong> { if *want == got { Ok(got) } else { Err(Wrong::Expected { want: want.to_string(), got: got.to_string() }) } }
    fn check(t: &Term, env: &Env) -> Result<Type, Wrong> {
        Ok(match t {
            Term::Int(_) => Type::Int, Term::Bool(_) => Type::Bool,
            Term::Var(n) => env.get(n).cloned().ok_or_else(|| Wrong::Unbound(n.clone()))?,
            Term::Fun(n, a, b) => { let mut inner = env.clone(); inner.insert(n.clone(), a.clone()); Type::Fun(Box::new(a.clone()), Box::new(check(b, &inner)?)) }
            Term::Call(f, a) => match check(f, env)? { Type::Fun(want, result) => { same(&want, check(a, env)?)?; *result } other => return Err(Wrong::NotAFunction(format!("{other}"))) },
            Term::If(c, y, n) => { same(&Type::Bool, check(c, env)?)?; let y = check(y, env)?; same(&y, check(n, env)?)? }
            Term::Pair(a, b) => Type::Pair(Box::new((check(a, env)?, check(b, env)?))),
            Term::First(p) => match check(p, env)? { Type::Pair(p) => p.0, other => return Err(Wrong::Expected { want: "a pair".into(), got: format!("{other:?}") }) },
        })
    }
    fn var(n: &str) -> Box<Term> { Box::new(Term::Var(n.into())) }
    pub fn run() -> String { use Term::*; let id = |t: Type| Fun("x".into(), t, var("x")); let all = [id(Type::Int), Call(Box::new(id(Type::Bool)), Box::new(Int(1))), Call(Box::new(Int(1)), Box::new(Bool(true))), If(Box::new(Bool(true)), Box::new(id(Type::Int)), Box::new(Fun("y".into(), Type::Int, Box::new(Int(2))))), First(Box::new(Pair(Box::new(Bool(false)), Box::new(Int(3))))), First(var("z")), Fun("f".into(), Type::Fun(Box::new(Type::Int), Box::new(Type::Bool)), Box::new(Call(var("f"), Box::new(Int(0)))))]; all.iter().map(|t| match check(t, &Env::new()) { Ok(t) => t.to_string(), Err(e) => format!("{e:?}") }).collect::<Vec<_>>().join("; ") }
});

program!(template_engine {
    use std::borrow::Cow;
    use std::collections::HashMap;
    enum Part<'t> { Text(&'t str), Value { name: &'t str, filters: Vec<&'t str> }, Loop { over: &'t str, body: Vec<Part<'t>> } }
    #[derive(Clone)] enum Value { One(String), Many(Vec<Value>) }
    type Filter = Box<dyn for<'a> Fn(Cow<'a, str>) -> Cow<'a, str> + Send + Sync>;
    struct Engine { filters: HashMap<&'static str, Filter> }
    fn parse<'t>(rest: &mut &'t str, inside: bool) -> Result<Vec<Part<'t>>, String> {
        let mut parts = vec![];
        while !rest.is_empty() {
            let Some(open) = rest.find("{{") else { parts.push(Part::Text(std::mem::take(rest))); break };
            if open > 0 { parts.push(Part::Text(&rest[..open])); }
            let close = rest[open..].find("}}").ok_or("unclosed")? + open;
            let tag = rest[open + 2..close].trim();
            *rest = &rest[close + 2..];
            match tag.split_once(' ') { Some(("for", over)) => parts.push(Part::Loop { over: over.trim(), body: parse(rest, true)? }), _ if tag == "end" => return if inside { Ok(parts) } else { Err("end of nothing".to_owned()) }, _ => { let mut all = tag.split('|').map(str::trim); parts.push(Part::Value { name: all.next().unwrap_or_default(), filters: all.collect() }); } }
        }
        if inside { Err("no end".into()) } else { Ok(parts) }
    }
    impl Engine {
        fn with(mut self, name: &'static str, f: impl for<'a> Fn(Cow<'a, str>) -> Cow<'a, str> + Send + Sync + 'static) -> Self { self.filters.insert(name, Box::new(f)); self }
        fn render(&self, parts: &[Part<'_>], scope: &HashMap<&str, Value>, out: &mut String) -> Result<(), String> {
            for part in parts {
                match part {
                    Part::Text(s) => out.push_str(s),
                    Part::Value { name, filters } => { let Some(Value::One(v)) = scope.get(name) else { return Err(format!("{name}?")) }; let mut text = Cow::Borrowed(v.as_str()); for f in filters { text = self.filters.get(f).ok_or_else(|| format!("no filter {f}"))?(text); } *out += &text; }
                    Part::Loop { over, body } => { let Some(Value::Many(all)) = scope.get(over) else { return Err(format!("{over} is no list")) }; for item in all { let mut inner = scope.clone(); inner.insert("it", item.clone()); self.render(body, &inner, out)?; } }
                }
            }
            Ok(())
        }
    }
    fn upper(s: Cow<'_, str>) -> Cow<'_, str> { if s.chars().any(char::is_lowercase) { Cow::Owned(s.to_uppercase()) } else { s } }
    pub fn run() -> String {
        let e = Engine { filters: HashMap::new() }.with("upper", upper).with("trim", |s| match s { Cow::Borrowed(b) => Cow::Borrowed(b.trim()), Cow::Owned(o) => Cow::Owned(o.trim().to_owned()) });
        let scope = HashMap::from([("name", Value::One(" bob ".into())), ("all", Value::Many(vec![Value::One("x".into()), Value::One("Y".into())]))]);
        ["Hi {{ name | trim | upper }}!", "{{for all}}<{{it|upper}}>{{end}} {{ name }}", "{{for all}}x", "{{nope}}", "{{name|bad}}", "{{end}}"].map(|t| { let mut out = String::new(); match parse(&mut &*t, false).and_then(|p| e.render(&p, &scope, &mut out)) { Ok(()) => out, Err(why) => format!("error: {why}") } }).join("\n")
    }
});

program!(ini_and_csv {
    use std::collections::BTreeMap;
    use std::str::FromStr;
    #[derive(Debug, Default, PartialEq)] struct Ini(BTreeMap<String, BTreeMap<String, String>>);
    #[derive(Debug)] struct Bad { line: usize, what: &'static str }
    impl FromStr for Ini {
        type Err = Bad;
        fn from_str(s: &str) -> Result<Self, Bad> {
            let (mut ini, mut section) = (Ini::default(), String::new());
            for (i, line) in s.lines().map(str::trim).enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with(';')) {
                if let Some(inner) = line.strip_prefix('[') { section = inner.strip_suffix(']').ok_or_else(|| bad(i, "unclosed section"))?.to_owned(); continue; }
                let (k, v) = line.split_once('=').ok_or_else(|| bad(i, "no ="))?;
                if ini.0.entry(section.clone()).or_default().insert(k.trim().into(), v.trim().into()).is_some() { return Err(bad(i, "twice")); }
            }
            Ok(ini)
        }
    }
    fn bad(at: usize, what: &'static str) -> Bad { Bad { line: at + 1, what } }
    impl Ini { fn value<T: FromStr>(&self, section: &str, key: &str) -> Option<T> { self.0.get(section)?.get(key)?.parse().ok() } fn or<T>(&self, at: (&str, &str), default: T) -> T where T: FromStr { self.value::<T>(at.0, at.1).unwrap_or(default) } }
    fn fields(line: &str) -> Vec<String> { let (mut all, mut field, mut quoted) = (vec![], String::new(), false); let mut chars = line.chars().peekable(); while let Some(c) = chars.next() { match c { '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'), '"' => quoted = !quoted, ',' if !quoted => all.push(std::mem::take(&mut field)), c => field.push(c) } } all.push(field); all }
    fn quoted(f: &str) -> String { if f.contains(['"', ',']) { format!("\"{}\"", f.replace('"', "\"\"")) } else { f.to_owned() } }
    pub fn run() -> String { let i: Ini = "a=1\n[s]\n; c\nport = 80\nname= x ".parse().unwrap(); let errors: Vec<String> = ["[s", "x", "a=1\na=2"].iter().map(|s| match s.parse::<Ini>() { Ok(_) => String::new(), Err(Bad { line, what }) => format!("{line}: {what}") }).collect(); let row = fields("a,\"b,\"\"c\",,d"); format!("{} {} {:?} {errors:?} {row:?} {}", i.or(("s", "port"), 0u16), i.or(("s", "name"), 7), i.value::<String>("", "a"), row.iter().map(|f| quoted(f)).collect::<Vec<_>>().join(",")) }
});

program!(brainfuck_and_mandel {
    fn jumps(code: &[u8]) -> Result<Vec<usize>, usize> { let (mut open, mut to) = (vec![], vec![0; code.len()]); for (i, c) in code.iter().enumerate() { match c { b'[' => open.push(i), b']' => { let o = open.pop().ok_or(i)?; (to[i], to[o]) = (o, i); } _ => {} } } open.pop().map_or(Ok(to), Err) }
    fn execute(code: &str, input: &mut dyn Iterator<Item = u8>, mut steps: u32) -> Result<String, String> {
        let code = code.as_bytes(); let to = jumps(code).map_err(|at| format!("unmatched at {at}"))?;
        let (mut tape, mut p, mut at, mut out) = (vec![0u8; 16], 0usize, 0, String::new());
        while let Some(op) = code.get(at) {
            steps = steps.checked_sub(1).ok_or("too long")?;
            match op { b'>' => { p += 1; if p == tape.len() { tape.push(0); } } b'<' => p = p.checked_sub(1).ok_or_else(|| "left end".to_string())?, b'+' => tape[p] = tape[p].wrapping_add(1), b'-' => tape[p] = tape[p].wrapping_sub(1), b'.' => out.push(tape[p] as char), b',' => tape[p] = input.next().unwrap_or(0), b'[' if tape[p] == 0 => at = to[at], b']' if tape[p] != 0 => at = to[at], _ => {} }
            at += 1;
        }
        Ok(out)
    }
    fn escape(x: f64, y: f64) -> u32 { fn go(c: (f64, f64), z: (f64, f64), n: u32) -> u32 { if n == 24 || z.0 * z.0 + z.1 * z.1 > 4.0 { n } else { go(c, (z.0 * z.0 - z.1 * z.1 + c.0, 2.0 * z.0 * z.1 + c.1), n + 1) } } go((x, y), (0.0, 0.0), 0) }
    fn picture() -> String { (-3..=3).map(|r| (-8..=4).map(|c| match escape(f64::from(c) / 4.0, f64::from(r) / 3.0) { 24 => '#', n if n > 6 => '+', n if n > 3 => '-', _ => ' ' }).collect::<String>()).collect::<Vec<_>>().join("|") }
    pub fn run() -> String { format!("{:?} {:?} {:?} {:?} {:?} {}", execute("++++++[>++++++++++<-]>+++++.+.", &mut std::iter::empty(), 999), execute(",[.,]", &mut b"echo".iter().copied(), 99), execute("+[]", &mut std::iter::empty(), 9), execute("]", &mut [].into_iter(), 9), execute("<", &mut [].into_iter(), 9), picture()) }
});
