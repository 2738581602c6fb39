//! `#[vthread::main]`, on a chunk, and not on the main thread.

use std::process::ExitCode;

#[vthread::vthread(exact)]
fn depth(n: u32) -> u32 {
    if n == 0 { 0 } else { 1 + depth(n - 1) }
}

#[vthread::main]
fn main() -> ExitCode {
    let is_elsewhere = std::thread::current().name() != Some("main");
    let right = depth(30) == 30 && vthread::__private::current() == 1 && is_elsewhere;
    ExitCode::from(u8::from(!right))
}
