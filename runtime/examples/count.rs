//! Does one thing of the benchmark so many times, to be counted: the difference between two runs is the cost.
//!
//! ```text
//! valgrind --tool=cachegrind --cache-sim=no target/release/examples/count switch/vthread 20000
//! ```

#[cfg(vthread_native)]
#[path = "../benches/work/mod.rs"]
mod work;

#[cfg(vthread_native)]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let item = arguments.first().and_then(|name| work::ITEMS.iter().find(|item| item.0 == name));
    let (Some(item), Some(Ok(n))) = (item, arguments.get(1).map(|n| n.parse())) else {
        eprintln!("usage: count NAME N; names: {:?}", work::ITEMS.map(|item| item.0));
        return std::process::ExitCode::from(2);
    };
    assert_eq!(item.1(n), n, "the answer of {}", item.0);
    std::process::ExitCode::SUCCESS
}

#[cfg(not(vthread_native))]
fn main() {}
