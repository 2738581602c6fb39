//! Clocks, and the memory of this process.

use crate::Done;
use std::time::Instant;

/// Processor time of this process so far.
fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a live variable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Times what gives the answer.
pub(crate) fn timed(f: impl FnOnce() -> u64) -> Done {
    let (start, cpu) = (Instant::now(), cpu_ns());
    let answer = f();
    Done { answer, wall_ns: start.elapsed().as_nanos() as u64, cpu_ns: cpu_ns() - cpu, resident: None }
}

/// Bytes of memory that this process has now, page tables included: with many small stacks they count.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    field("VmRSS:") + field("VmPTE:")
}
