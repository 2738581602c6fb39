//! The context switch: from one stack to another.
//! How a stack looks that has been left, or that nobody has been on yet, is drawn in `x86_64`.

use super::x86_64::Entry;
use core::arch::{asm, naked_asm};
use vale_threads_abi as abi;

/// A parked vthread: where it goes on lies at this address, its rbp in the word above.
pub(crate) type Parked = *mut u8;

/// Outermost frame of a vthread: unwinders and debuggers stop here. Entered by a jump: rdx = top of its stack, r8 = entry,
/// rdi = its argument.
///
/// # Safety
/// Entered so, once for each stack; the stack is free and large enough for the entry, which never returns.
// SAFETY: it returns nowhere, so there are no registers that it would have to keep.
#[unsafe(naked)]
unsafe extern "C-unwind" fn root() {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_undefined rip",
        "mov rsp, rdx",
        // Not a call: the entry never returns, and a processor that keeps returns in a stack of its own would predict every
        // one wrongly that follows in whoever goes on.
        "lea rax, [rip + 2f]",
        "push rax",
        "jmp r8",
        "2: ud2",
        ".cfi_endproc",
    )
}

// Every register is declared as changed, so that the compiler saves what is live and no more (Dolan, Muralidharan and
// Gregg, "Compiler support for lightweight context switching", 2013). rbx can be had only as the fourth of reg_abcd, with
// the other three named. rbp cannot be named at all: it is pushed. Never `nostack`, or LLVM puts locals into the red
// zone that is pushed over. MXCSR and the x87 control word are the thread's, not the vthread's.
//
// `save` is in whichever register the compiler likes: often that is rbp, the one that keeps what it holds, and then nobody has to copy it. It
// is used before rbp changes, and after rax does, so that rax is no `lateout`.
//
// Who leaves loads the other's rbp, before rsp, from the address that it has in a register. By a `pop` behind the jump it is as many
// instructions, but a round trip took 1.7 to 1.9 times as long: such a load, relative to an rsp that has just been exchanged, waits for
// the push of a switch before. Handlers of signals do not run on a chunk, and elsewhere leave 128 bytes below rsp alone, so the place to go
// on at can still be read when rsp is above it.
macro_rules! switch_asm {
    ($($text:expr),+ ; $($operand:tt)*) => {
        asm!($($text,)+ $($operand)*
            out("rax") _, lateout("rcx") _, lateout("rsi") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
            lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
            lateout("xmm0") _, lateout("xmm1") _, lateout("xmm2") _, lateout("xmm3") _,
            lateout("xmm4") _, lateout("xmm5") _, lateout("xmm6") _, lateout("xmm7") _,
            lateout("xmm8") _, lateout("xmm9") _, lateout("xmm10") _, lateout("xmm11") _,
            lateout("xmm12") _, lateout("xmm13") _, lateout("xmm14") _, lateout("xmm15") _,
            lateout("zmm16") _, lateout("zmm17") _, lateout("zmm18") _, lateout("zmm19") _,
            lateout("zmm20") _, lateout("zmm21") _, lateout("zmm22") _, lateout("zmm23") _,
            lateout("zmm24") _, lateout("zmm25") _, lateout("zmm26") _, lateout("zmm27") _,
            lateout("zmm28") _, lateout("zmm29") _, lateout("zmm30") _, lateout("zmm31") _,
            lateout("k0") _, lateout("k1") _, lateout("k2") _, lateout("k3") _,
            lateout("k4") _, lateout("k5") _, lateout("k6") _, lateout("k7") _,
            lateout("mm0") _, lateout("mm1") _, lateout("mm2") _, lateout("mm3") _,
            lateout("mm4") _, lateout("mm5") _, lateout("mm6") _, lateout("mm7") _,
            lateout("st(0)") _, lateout("st(1)") _, lateout("st(2)") _, lateout("st(3)") _,
            lateout("st(4)") _, lateout("st(5)") _, lateout("st(6)") _, lateout("st(7)") _,
        )
    };
}

/// Goes on with `to`; `*save` becomes the caller, parked.
///
/// # Safety
/// `to` was saved by `switch` or `enter` on this OS thread and has not gone on since. Whoever takes `*save` keeps to the same.
/// The caller must not rely on a `&mut` to anything that others can reach in the meantime.
#[inline(always)]
pub(crate) unsafe fn switch(to: Parked, save: *mut Parked) {
    // SAFETY: what `to` points to is a stack that waits at its own label 2, with its rbp above; every register that the
    // code there needs was saved by the compiler.
    unsafe {
        switch_asm!(
            "push rbp",
            // Where this stack goes on. The push makes it one word with the saved stack pointer: 8 bytes a parked vthread.
            "lea rax, [rip + 2f]",
            "push rax",
            "mov [{save}], rsp",
            // The other's; see above.
            "3: mov rbp, [rdx + 8]",
            // Leaves this stack. Both words are dropped from the other by the same instruction.
            "lea rsp, [rdx + 16]",
            "jmp [rdx]",
            "2:",
            abi::record!(6, "3b", "2b", "16", "0", ""),
            "/* rbx: {0} */";
            lateout(reg_abcd) _, save = in(reg) save, inlateout("rdx") to => _, lateout("r8") _, lateout("rdi") _,
        );
    }
}

/// Starts `entry(argument)` on a fresh stack that ends at `top`; `*save` becomes the caller, parked. The entry never returns.
///
/// # Safety
/// As for [`switch`]; `top` is a multiple of 16 and ends a free stack that is large enough for `entry`.
#[inline(always)]
pub(crate) unsafe fn enter(top: *mut u8, save: *mut Parked, entry: Entry, argument: *mut u8) {
    // SAFETY: the caller's promise; the caller's stack is left as by `switch`.
    unsafe {
        switch_asm!(
            "push rbp",
            "lea rax, [rip + 2f]",
            "push rax",
            "mov [{save}], rsp",
            // The end of the chain of frame pointers.
            "3: xor ebp, ebp",
            "jmp {root}",
            "2:",
            abi::record!(6, "3b", "2b", "16", "0", ""),
            "/* rbx: {0} */";
            lateout(reg_abcd) _, save = in(reg) save, root = sym root, inlateout("rdx") top => _,
            inlateout("r8") entry => _, inlateout("rdi") argument => _,
        );
    }
}

/// Goes on with `to` and leaves this stack for good.
///
/// # Safety
/// As for [`switch`]; nothing on this stack is needed any more.
// Inlined: a call that never returns would be one return too many to a processor that predicts them.
#[inline(always)]
pub(crate) unsafe fn jump(to: Parked) -> ! {
    // SAFETY: the caller's promise: nothing on this stack is needed any more, and `to` is as in `switch`.
    unsafe {
        asm!(
            "3: mov rbp, [rdi + 8]",
            "lea rsp, [rdi + 16]",
            "jmp [rdi]",
            abi::record!(6, "3b", "0", "0", "0", ""),
            in("rdi") to,
            options(noreturn),
        )
    }
}
