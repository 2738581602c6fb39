//! Entries without a proof, in a package that denies them; or only that of which it is said, if it is told so.
use std::hint::black_box;
use vale_threads_abi as abi;

/// What `alloca` is.
// SAFETY: rbp, which the ABI has every function keep, is saved and given back; a byte is written to what the frame has just got.
#[unsafe(naked)]
extern "C" fn grows(bytes: u64) {
    core::arch::naked_asm!("push rbp", "mov rbp, rsp", "sub rsp, rdi", "mov byte ptr [rsp], 0", "leave", "ret")
}

/// A jump that nothing says the targets of, with something on the stack: no call that returns to the caller.
// SAFETY: `entry!` calls it with 0, with which it jumps to its own next instruction; rsp is back when it returns.
#[unsafe(naked)]
extern "C" fn jumps(to: u64) {
    core::arch::naked_asm!("sub rsp, 8", "lea rax, [rip + 2f]", "add rax, rdi", "jmp rax", "2:", "add rsp, 8", "ret")
}

#[inline(never)]
extern "C" fn through_a_pointer(n: u64) {
    let f: fn(u64) = black_box(|_| ());
    f(n);
}

#[inline(never)]
extern "C" fn into_a_library(n: u64) {
    // SAFETY: `usleep(0)` returns at once.
    unsafe extern "C" {
        fn usleep(n: u32) -> i32;
    }
    // SAFETY: as above.
    black_box(unsafe { usleep(n as u32) });
}

macro_rules! entry {
    ($f:path, $flags:literal) => {{
        let (size, f): (u32, *const ());
        // SAFETY: two constants are put into registers.
        unsafe {
            core::arch::asm!(
                "mov {n:e}, 0x7ffffa10",
                "771:",
                "lea {p}, [rip + {f}]",
                abi::record!("1", "771b - 4", "{f}", "16", $flags, ""),
                n = out(reg) size,
                p = out(reg) f,
                f = sym $f,
            );
        }
        println!("{size} {f:?}");
        $f(0);
    }};
}

fn main() {
    println!("{}", env!("MADE_BESIDE_THE_LINK_STEP"));
    entry!(grows, "0");
    entry!(jumps, "0");
    // As `#[vthread(exact)]` has it.
    entry!(through_a_pointer, "1");
    entry!(into_a_library, "0");
}
