//! `#[vthread::main]`; and this program was linked by the link step, or its chunks would have no proved sizes.

use std::process::ExitCode;

#[vthread::vthread(exact)]
fn depth(n: u32) -> u32 {
    if n == 0 { 0 } else { 1 + depth(n - 1) }
}

#[vthread::main]
fn main() -> ExitCode {
    let before = vthread::__private::chunks_taken();
    let right = depth(30) == 30 && vthread::__private::current() == 1;
    // Chunks of a known size come from the free lists; all others are counted.
    let quick = vthread::__private::chunks_taken() == before;
    if right && quick { ExitCode::SUCCESS } else { ExitCode::from(1 + u8::from(right)) }
}
