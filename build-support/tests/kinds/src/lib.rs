//! What the link step wrote into the program that this is part of.
//!
//! ```
//! kinds::assert_sized("doctest");
//! ```

use vale_threads_abi as abi;

#[inline(never)]
extern "C" fn leaf(n: u64) -> u64 {
    n.wrapping_add(1)
}

/// Panics unless the link step gave the entry a size.
#[inline(never)]
pub fn assert_sized(kind: &str) {
    let (size, f): (u32, *const ());
    // SAFETY: two constants are put into registers.
    unsafe {
        core::arch::asm!(
            "mov {n:e}, 0x7ffffa10",
            "771:",
            "lea {p}, [rip + {f}]",
            abi::record!("1", "771b - 4", "{f}", "16", "0", ""),
            n = out(reg) size,
            p = out(reg) f,
            f = sym leaf,
        );
    }
    assert!(!f.is_null() && leaf(1) == 2);
    assert!((16..4096).contains(&size), "{kind}: {size:#x}");
    println!("sized: {kind}");
}

#[test]
fn of_the_library() {
    assert_sized("library test");
}
