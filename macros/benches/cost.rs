//! What `#[vthread]` costs where nothing is concurrent, in instructions.
//!
//! The same text is compiled with and without the attribute and each kernel runs under cachegrind in a process of its own, for
//! n and 2n rounds: the difference is n rounds without the start of the process. It favours neither side: both check
//! the answer of the other. Needs valgrind; without it, it says so and measures nothing.
//!
//! `cargo bench -p vale-threads-macros`. On a chunk: `cargo run --release -p vale-threads-tests --example macro_probe`.

mod kernels;

use kernels::{KERNELS, Limit};
use std::hint::black_box;
use std::process::Command;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, kernel, form, rounds] = arguments.as_slice()
        && let (Ok(kernel), Ok(form), Ok(rounds)) =
            (kernel.parse::<usize>(), form.parse::<usize>(), rounds.parse())
    {
        black_box(KERNELS[kernel].forms[form](rounds));
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("valgrind is not installed: nothing is measured");
        return;
    }
    println!("{:<22} {:>12} {:>12} {:>8}  instructions a round", "", "ordinary", "annotated", "more");
    for (index, kernel) in KERNELS.iter().enumerate() {
        let kernels::Kernel { name, forms, rounds, limit } = kernel;
        assert_eq!(forms[0](100), forms[1](100), "{name}");
        let [ordinary, annotated] = [0, 1].map(|form| {
            let count = |rounds| instructions(index, form, rounds);
            (count(2 * rounds) - count(*rounds)) as f64 / *rounds as f64
        });
        let more = annotated - ordinary;
        println!("{name:<22} {ordinary:>12.1} {annotated:>12.1} {:>7.1}%", 100.0 * more / ordinary);
        if let Limit::VirtualCall(limit) = limit {
            println!("{:<22} {more:>34.1} instructions more a virtual call (limit: {limit})", "");
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
