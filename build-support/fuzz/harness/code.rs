//! What is done with bytes that are taken for code by the fuzz target `interpreter` and by the bounded, repeatable runs in `tests/damaged.rs`: nothing may panic, or take for ever.

#[path = "../../tests/random/elf.rs"]
mod elf;

use vale_threads_build::frames::{self, Place};
use vale_threads_build::program::Loaded;

/// These bytes as code. The first says how many functions there are, the next where they begin.
pub fn code(data: &[u8]) {
    const BASE: u64 = 0x40_0000;
    let Some((count, rest)) = data.split_first() else { return };
    let count = usize::from(count % 8).min(rest.len());
    let (starts, code) = rest.split_at(count);
    let mut starts: Vec<u64> =
        starts.iter().map(|s| u64::from(*s)).filter(|s| *s < code.len() as u64).collect();
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([code.len() as u64]);
    let functions: Vec<(u64, u64)> =
        starts.iter().zip(ends).map(|(start, end)| (BASE + start, end - start)).collect();
    let file = elf::executable(code, BASE, &functions, &[]);
    let Ok(loaded) = Loaded::read(&file) else { return };
    for function in loaded.functions.iter() {
        for place in [Place::Anywhere, Place::OnChunk, Place::InPlace] {
            let frame = frames::analyse_points(loaded.program(), function, place);
            // What has no problem has been followed: to a way out, to a call, or for ever in a circle.
            assert!(!frame.points.is_empty() || !frame.problems.is_empty(), "neither followed nor unknown");
        }
    }
    let _ = loaded.every_function();
}
