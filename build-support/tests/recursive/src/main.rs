//! A vthread function that calls itself without a wrapper.
use std::hint::black_box;
use vale_threads_abi as abi;

#[inline(never)]
extern "C" fn __vt_walk(n: u64) -> u64 {
    if n == 0 { 0 } else { black_box(__vt_walk(black_box(n - 1))) + 1 }
}

fn main() {
    let (size, f): (u32, *const ());
    // SAFETY: two constants are put into registers.
    unsafe {
        core::arch::asm!(
            "mov {n:e}, 0x7ffffff1",
            "771:",
            "lea {p}, [rip + {f}]",
            abi::record!("1", "771b - 4", "{f}", "16", "0", "recursive::main::__vt_walk"),
            n = out(reg) size,
            p = out(reg) f,
            f = sym __vt_walk,
        );
    }
    println!("{size} {f:?} {}", __vt_walk(3));
}
