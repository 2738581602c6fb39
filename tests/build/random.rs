//! Random programs of functions, methods, traits, trait objects and closures that call one another, each twice: as it is and with
//! `#[vthread]`. They are written before the tests are compiled, so that one compilation holds them and the test: `tests/macro_random.rs`.
//!
//! `VTHREAD_SEED` chooses another run, `VTHREAD_PROGRAMS` how many there are in it; a failure names the program.

use std::fmt::Write;

/// In one run, if nobody says how many.
const PROGRAMS: u64 = 24;
const FUNCTIONS: u64 = 6;
const TYPES: u64 = 3;

/// Steele, Lea, Flood 2014, "splitmix64".
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// One call, an expression of type `u64`. `n` is the fuel that is left: it falls with every call, so every program ends.
fn call(r: &mut Random, argument: &str) -> String {
    let (f, t, c) = (r.below(FUNCTIONS), r.below(TYPES), r.below(100));
    match r.below(13) {
        0 | 1 => format!("f{f}(n - 1, {argument})"),
        2 => format!("self::inner::g{}(n - 1, {argument})", r.below(2)),
        3 => format!("S{t}({c}).work(n - 1, {argument})"),
        4 => format!("<S{t} as Work>::work(&S{t}({c}), n - 1, {argument})"),
        5 => format!("object({t}, {c}).work(n - 1, {argument})"),
        6 => format!("{{ let o: &dyn Work = &S{t}({c}); o.again(n - 1, {argument}) }}"),
        7 => format!("generic(&S{t}({c}), n - 1, {argument})"),
        8 => format!("apply(&|y| f{f}(n - 1, y ^ {c}), {argument})"),
        9 => format!(
            "[1u64, {c}].iter().map(|y| f{f}(n - 1, y.wrapping_add({argument}))).fold(0, u64::wrapping_add)"
        ),
        10 => format!("S{t}::make({c}).own(n - 1, {argument})"),
        11 => format!("format!(\"{{}}\", f{f}(n - 1, {argument})).len() as u64"),
        _ => format!("{{ let p: fn(u32, u64) -> u64 = f{f}; p(n - 1, {argument}) }}"),
    }
}

/// A body: at most two calls, so that fuel 5 means at most a few hundred.
fn body(r: &mut Random) -> String {
    let (a, shift) = (call(r, "x"), r.below(60));
    let more = match r.below(5) {
        0 => "a".to_owned(),
        1 => format!("a ^ {}", call(r, "a")),
        2 => format!("match a % 3 {{ 0 => {}, 1 if x > 5 => a, _ => x }}", call(r, "a")),
        3 => format!("{{ let b = |y: u64| y.rotate_left({shift}); b({}) }}", call(r, "a")),
        _ => format!("if a & 1 == 0 {{ {} }} else {{ a.wrapping_mul(31) }}", call(r, "a")),
    };
    format!("if n == 0 {{ return x.wrapping_mul({}); }} let a = {a}; {more}", r.below(1000) + 1)
}

fn program(r: &mut Random) -> String {
    let mut text = String::new();
    let function = |text: &mut String, head: &str, body: &str| {
        let _ = writeln!(text, "    {head}(n: u32, x: u64) -> u64 {{ {body} }}");
    };
    for f in 0..FUNCTIONS {
        function(&mut text, &format!("pub fn f{f}"), &body(r));
    }
    let _ = writeln!(text, "    mod inner {{ use super::*;");
    for g in 0..2 {
        let body = body(r).replace("self::inner::", "self::");
        function(&mut text, &format!("pub fn g{g}"), &body);
    }
    let again = body(r);
    let _ = writeln!(
        text,
        "    }}\n    pub trait Work {{ fn work(&self, n: u32, x: u64) -> u64; fn again(&self, n: u32, x: u64) -> u64 {{ let first = \
         if n == 0 {{ x }} else {{ self.work(n - 1, x) }}; first ^ {{ {again} }} }} }}"
    );
    for t in 0..TYPES {
        let (work, own) = (body(r), body(r));
        let _ = writeln!(
            text,
            "    pub struct S{t}(pub u64);\n    impl Work for S{t} {{ fn work(&self, n: u32, x: u64) -> u64 {{ let x = x ^ self.0; {work} }} }}\n    \
             impl S{t} {{ fn make(c: u64) -> Self {{ S{t}(c) }} fn own(&self, n: u32, x: u64) -> u64 {{ let x = x.wrapping_add(self.0); {own} }} }}"
        );
    }
    let boxes: Vec<_> = (0..TYPES).map(|t| format!("{t} => Box::new(S{t}(c)), ")).collect();
    let boxes = boxes.concat();
    let _ = writeln!(
        text,
        "    fn object(t: u64, c: u64) -> Box<dyn Work> {{ match t {{ {boxes} _ => unreachable!() }} }}\n    \
         fn generic<T: Work + ?Sized>(t: &T, n: u32, x: u64) -> u64 {{ t.work(n, x) }}\n    \
         fn apply(f: &dyn Fn(u64) -> u64, x: u64) -> u64 {{ f(x) }}\n    \
         pub fn run() -> Vec<u64> {{ (0..{FUNCTIONS}u64).map(|i| match i {{ 0 => f0(5, 7), 1 => f1(4, 1), 2 => f2(3, 2), 3 => f3(5, 3), 4 => f4(2, 9), _ => f5(5, 11) }}).collect() }}"
    );
    text
}

/// The programs, and `PROGRAMS`: each in its forms.
pub fn source() -> String {
    let number = |name: &str| {
        println!("cargo:rerun-if-env-changed={name}");
        std::env::var(name).ok().and_then(|s| s.parse::<u64>().ok())
    };
    let seed = number("VTHREAD_SEED").unwrap_or(2026);
    let programs = number("VTHREAD_PROGRAMS").unwrap_or(PROGRAMS).max(1);
    let mut source = format!("// Seed {seed}.\n");
    let mut list = String::new();
    for p in 0..programs {
        let text = program(&mut Random(seed.wrapping_add(p)));
        let _ = write!(source, "mod o{p} {{\n{text}}}\n#[vthread::vthread]\nmod v{p} {{\n{text}}}\n");
        // Each enters the vthread by a call that the link step can follow.
        let _ = write!(
            list,
            "Program {{ number: {p}, ordinary: o{p}::run, plain: v{p}::run, concurrent: |b| b.run(|| (current(), v{p}::run())) }}, "
        );
    }
    let _ = writeln!(source, "pub const PROGRAMS: &[Program] = &[{list}];");
    source
}
