//! What `#[vthread]` costs where nothing is concurrent, in instructions.
//!
//! The same text is compiled with and without the attribute and each kernel runs under cachegrind in a process of its own, for
//! n and 2n rounds: the difference is n rounds without the start of the process. It favours neither side: both check
//! the answer of the other. Needs valgrind; without it, it says so and measures nothing.
//!
//! `cargo bench -p vale-threads-macros`

use std::hint::black_box;
use std::process::Command;

macro_rules! twice {
    ($($body:tt)*) => {
        #[allow(unused_qualifications)]
        mod ordinary {
            $($body)*
        }

        #[vthread::vthread]
        #[allow(unused_qualifications)]
        mod annotated {
            $($body)*
        }
    };
}

twice! {
    use std::hint::black_box;

    #[inline(never)]
    fn leaf(n: u64) -> u64 { black_box(n) * 3 + 1 }
    #[inline(never)]
    fn middle(n: u64) -> u64 { leaf(n) ^ leaf(n + 1) }
    pub fn calls(n: u64) -> u64 { (0..n).fold(0, |s, i| s + middle(i)) }

    #[inline(never)]
    fn fibonacci(n: u64) -> u64 { if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) } }
    pub fn recursion(n: u64) -> u64 { (0..n).map(|i| fibonacci(black_box(8) + (i & 1))).sum() }

    #[inline(never)]
    fn even(n: u64) -> bool { if n == 0 { true } else { odd(black_box(n) - 1) } }
    #[inline(never)]
    fn odd(n: u64) -> bool { if n == 0 { false } else { even(black_box(n) - 1) } }
    pub fn mutual(n: u64) -> u64 { (0..n).map(|i| u64::from(even(20 + i % 2))).sum() }

    pub fn closures(n: u64) -> u64 {
        let values: Vec<u64> = (0..64).collect();
        (0..n).map(|i| values.iter().map(|v| leaf(v + i)).filter(|v| !leaf(*v).is_multiple_of(3)).sum::<u64>()).sum()
    }

    enum Expr { Number(u64), Add(Box<Expr>, Box<Expr>), Twice(Box<Expr>) }
    impl Expr {
        #[inline(never)]
        fn eval(&self) -> u64 {
            match self {
                Expr::Number(n) => *n,
                Expr::Add(a, b) => a.eval() + b.eval(),
                Expr::Twice(a) => 2 * a.eval(),
            }
        }
        fn full(depth: u64) -> Expr {
            if depth == 0 { Expr::Number(depth + 5) } else { Expr::Add(Box::new(Expr::full(depth - 1)), Box::new(Expr::Twice(Box::new(Expr::full(depth - 1))))) }
        }
    }
    pub fn tree(n: u64) -> u64 { let e = Expr::full(6); (0..n).map(|i| black_box(&e).eval() ^ i).sum() }

    trait Shape { fn area(&self, scale: u64) -> u64; }
    struct Square(u64);
    struct Strip(u64, u64);
    impl Shape for Square { fn area(&self, scale: u64) -> u64 { self.0 * self.0 * scale } }
    impl Shape for Strip { fn area(&self, scale: u64) -> u64 { self.0 * self.1 + scale } }
    pub fn objects(n: u64) -> u64 {
        let all: Vec<Box<dyn Shape>> = black_box(vec![Box::new(Square(3)), Box::new(Strip(2, 5))]);
        (0..n).map(|i| all[(i % 2) as usize].area(i)).sum()
    }
}

type Kernel = fn(u64) -> u64;

/// Name, both forms, rounds, and virtual calls in a round: those may cost seven instructions each, all else 5 %.
const KERNELS: &[(&str, [Kernel; 2], u64, u64)] = &[
    ("calls", [ordinary::calls, annotated::calls], 20_000, 0),
    ("recursion", [ordinary::recursion, annotated::recursion], 500, 0),
    ("mutual recursion", [ordinary::mutual, annotated::mutual], 2_000, 0),
    ("closures", [ordinary::closures, annotated::closures], 500, 0),
    ("tree of boxes", [ordinary::tree, annotated::tree], 500, 0),
    ("trait objects", [ordinary::objects, annotated::objects], 20_000, 1),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, kernel, form, rounds] = arguments.as_slice()
        && let (Ok(kernel), Ok(form), Ok(rounds)) =
            (kernel.parse::<usize>(), form.parse::<usize>(), rounds.parse())
    {
        black_box(KERNELS[kernel].1[form](rounds));
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("valgrind is not installed: nothing is measured");
        return;
    }
    println!("{:<18} {:>12} {:>12} {:>8}  instructions a round", "", "ordinary", "annotated", "more");
    for (index, (name, forms, rounds, virtual_calls)) in KERNELS.iter().enumerate() {
        assert_eq!(forms[0](100), forms[1](100), "{name}");
        let [ordinary, annotated] = [0, 1].map(|form| {
            let count = |rounds| instructions(index, form, rounds);
            (count(2 * rounds) - count(*rounds)) as f64 / *rounds as f64
        });
        let more = annotated - ordinary;
        println!("{name:<18} {ordinary:>12.1} {annotated:>12.1} {:>7.1}%", 100.0 * more / ordinary);
        if *virtual_calls > 0 {
            println!(
                "{:<18} {:>34.1} instructions more a virtual call (goal: 7)",
                "",
                more / *virtual_calls as f64
            );
        }
    }
}

/// Instructions of a process that runs one kernel.
fn instructions(kernel: usize, form: usize, rounds: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("a path"))
        .args([kernel.to_string(), form.to_string(), rounds.to_string()])
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|l| l.contains("refs:")).unwrap_or_else(|| panic!("no count in:\n{text}"));
    let digits: String =
        line.rsplit(':').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|e| panic!("{line}: {e}"))
}
