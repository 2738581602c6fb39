//! Vthread functions that call themselves or each other without a wrapper.
use std::hint::black_box;
use vale_threads_abi as abi;

#[inline(never)]
extern "C" fn __vt_walk(n: u64) -> u64 {
    if n == 0 { 0 } else { black_box(__vt_walk(black_box(n - 1))) + 1 }
}

#[inline(never)]
extern "C" fn __vt_even(n: u64) -> u64 {
    if n == 0 { 1 } else { black_box(__vt_odd(black_box(n - 1))) }
}

#[inline(never)]
extern "C" fn __vt_odd(n: u64) -> u64 {
    if n == 0 { 0 } else { black_box(__vt_even(black_box(n - 1))) }
}

/// A record of jumps at an instruction that is none says nothing.
#[inline(never)]
extern "C" fn __vt_marked(n: u64) -> u64 {
    if n == 0 {
        return 0;
    }
    // SAFETY: a nop.
    unsafe { core::arch::asm!("771: nop", abi::record!("11", "771b", "0", "0", "0", "")) };
    black_box(__vt_marked(black_box(n - 1))) + 1
}

/// Nor one of plain paths at anything but a nop of one byte: such a place may be where the linker has left the record of code that it dropped.
#[inline(never)]
extern "C" fn __vt_misplaced(n: u64) -> u64 {
    if n == 0 {
        return 0;
    }
    // SAFETY: a nop of three bytes.
    unsafe { core::arch::asm!("771: nop dword ptr [rax]", abi::record!("4", "771b", "0", "0", "0", "")) };
    black_box(__vt_misplaced(black_box(n - 1))) + 1
}

macro_rules! entry {
    ($f:path, $name:literal) => {{
        let (size, f): (u32, *const ());
        // SAFETY: two constants are put into registers.
        unsafe {
            core::arch::asm!(
                "mov {n:e}, 0x7ffffa10",
                "771:",
                "lea {p}, [rip + {f}]",
                abi::record!("1", "771b - 4", "{f}", "16", "0", $name),
                n = out(reg) size,
                p = out(reg) f,
                f = sym $f,
            );
        }
        println!("{size} {f:?} {}", $f(3));
    }};
}

fn main() {
    entry!(__vt_walk, "recursive::main::__vt_walk");
    entry!(__vt_marked, "recursive::main::__vt_marked");
    entry!(__vt_misplaced, "recursive::main::__vt_misplaced");
    entry!(__vt_even, "recursive::main::__vt_even");
}
