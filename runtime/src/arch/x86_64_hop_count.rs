//! Counting hops, where somebody wants to know.
//!
//! A stub is too short to count for those who do not ask. For those who do, who are few and not in a hurry, the stubs are
//! exchanged in memory (for the assembly in `x86_64`), before there is the first chunk: until then no stub gets as far as the bytes that change.
//!
//! ```text
//! stub:   region test; jae callee             the same
//!         push rbp                            call __vthread_count_hop --> the three, and the counter
//!         mov rbp, rsp                        nop <----------------------- jmp back
//!         mov rsp, fs:[hop top]
//!         arguments, call, leave, ret         the same
//! ```
//!
//! They are written through `/proc/self/mem`, as a debugger sets breakpoints: no page is ever writable and executable. Where the
//! system forbids that, nothing is counted.

use super::call_on;
use core::arch::asm;
use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

// SAFETY: symbols of the assembly. Nobody calls them from here: their addresses are used.
unsafe extern "C" {
    /// The first byte behind the stubs.
    fn __vthread_count_hop();
    fn __vthread_count_call_on();
}

static COUNTS: AtomicBool = AtomicBool::new(false);

/// `push rbp`, `mov rbp, rsp`, and `mov rsp, fs:[..]` up to its displacement: in nobody's code but the stubs'.
const MOVE_OVER: [u8; 9] = [0x55, 0x48, 0x89, 0xe5, 0x64, 0x48, 0x8b, 0x24, 0x25];
/// With the displacement.
const LEN: usize = 13;
/// `jmp rel32`
const JUMP: u8 = 0xe9;
/// `call rel32`
const CALL: u8 = 0xe8;
/// `nop`, as long as what remains.
const NOP: [u8; 8] = [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];

/// The displacement of a jump that ends at `end`.
fn displacement(end: usize, to: usize) -> [u8; 4] {
    // The code of one executable is never larger than two gigabytes, or the linker would have said so.
    (to.wrapping_sub(end) as i32).to_le_bytes()
}

/// Has the stubs count from now on, if the system lets them be changed.
///
/// # Safety
/// There is no chunk yet, and none is made before this returns.
pub(crate) unsafe fn count_hops() {
    if !COUNTS.load(Relaxed) {
        // SAFETY: the caller's promise.
        COUNTS.store(unsafe { exchange() }.is_ok(), Relaxed);
    }
}

/// Before this thread has its first chunk: if the stubs were exchanged, on whatever processor, this one must not go on with what it had fetched
/// of them (Intel SDM volume 3A, 9.1.3, "Handling Self- and Cross-Modifying Code": an instruction that serializes, here CPUID).
pub(crate) fn fetch_stubs_again() {
    if COUNTS.load(Relaxed) {
        __cpuid(0);
    }
}

/// # Safety
/// As [`count_hops`].
unsafe fn exchange() -> io::Result<()> {
    let call_on = call_on as *const () as usize;
    let len = __vthread_count_hop as *const () as usize - call_on;
    // SAFETY: code of this program, from one symbol of a section to another one. Copied before it changes.
    let before = unsafe { core::slice::from_raw_parts(call_on as *const u8, len) }.to_vec();
    let mut after = before.clone();
    if before[0] != JUMP {
        return Err(io::ErrorKind::Unsupported.into());
    }
    after[1..5].copy_from_slice(&displacement(call_on + 5, __vthread_count_call_on as *const () as usize));
    let mut at = 5;
    while at + LEN <= len {
        if before[at..].starts_with(&MOVE_OVER) {
            let call = displacement(call_on + at + 5, __vthread_count_hop as *const () as usize);
            after[at] = CALL;
            after[at + 1..at + 5].copy_from_slice(&call);
            after[at + 5..at + LEN].copy_from_slice(&NOP);
            at += LEN;
        } else {
            at += 1;
        }
    }
    let memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
    write(&memory, &after, &before, call_on)
}

/// All of it or nothing.
fn write(memory: &File, after: &[u8], before: &[u8], at: usize) -> io::Result<()> {
    match memory.write_at(after, at as u64) {
        Ok(n) if n == after.len() => Ok(()),
        Ok(n) if memory.write_at(&before[..n], at as u64).is_ok_and(|back| back == n) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        Ok(_) => crate::fatal::fatal(format_args!("the hop stubs were changed in part")),
        Err(error) => Err(error),
    }
}

/// How many hops this thread has made since they are counted.
pub(crate) fn hops() -> u64 {
    let v;
    // SAFETY: reads this thread's own variable.
    unsafe {
        asm!("mov {}, qword ptr fs:[__vthread_hops@tpoff]", out(reg) v, options(nostack, preserves_flags, readonly));
    }
    v
}
