//! Where no vthread may park: while a lazy `thread_local!` is being initialised.
//!
//! std takes such a thread-local for initialised once its initialiser has returned, and relies on it that nobody on the same OS thread can have
//! a reference to the value until then. If the initialiser parked, another vthread of the carrier would initialise the same one and park with
//! a reference, and the first would then replace the value that it refers to. So the link step leads the functions of std that
//! run initialisers (`pin` in its rules) through a stub here: it counts who is inside, and off its chunks, where such a function is
//! always carried out, a vthread asks before it parks.
//!
//! ```text
//! function:  jmp stub          stub:  lea r11, [rip + moved]
//! rest:      ...                      jmp __vthread_initialise
//!                              moved: the first instructions of the function
//!                                     jmp rest
//! ```

use core::arch::{asm, global_asm};
use core::ffi::{c_int, c_void};
use vale_threads_abi as abi;

global_asm!(
    ".pushsection .tbss.vthread_pins, \"awT\", @nobits",
    // How many initialisers this thread is in. Local-exec: this is linked into executables only.
    ".globl __vthread_pins",
    ".hidden __vthread_pins",
    ".type __vthread_pins, @object",
    ".p2align 3",
    "__vthread_pins: .skip 8",
    ".size __vthread_pins, 8",
    ".popsection",
    ".pushsection .text.vthread_pins, \"ax\", @progbits",
    // r11 = where the function goes on. It is free at a call of what LLVM compiled; all other registers are the function's, as is the result.
    ".globl __vthread_initialise",
    ".hidden __vthread_initialise",
    ".type __vthread_initialise, @function",
    ".p2align 4",
    "__vthread_initialise:",
    ".cfi_startproc",
    // Who leaves by unwinding leaves too.
    ".cfi_personality 0x1b, {unpin}",
    // Aligned as the ABI wants it before a call. These functions have no arguments on the stack.
    "sub rsp, 8",
    ".cfi_def_cfa_offset 16",
    "inc qword ptr fs:[__vthread_pins@tpoff]",
    "call r11",
    "dec qword ptr fs:[__vthread_pins@tpoff]",
    "add rsp, 8",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size __vthread_initialise, . - __vthread_initialise",
    ".p2align 4",
    "774:",
    ".cfi_startproc",
    ".rept 256",
    "lea r11, [rip + 2f]",
    // jmp, in bytes: an assembler would choose its length itself.
    ".byte 0xe9",
    ".long __vthread_initialise - . - 4",
    // For what is moved here; as long as it is not filled, nothing reaches it.
    "2: .skip 36, 0xcc",
    ".endr",
    ".cfi_endproc",
    "775:",
    abi::record!(12, "774b", "775b", "48", "12", ""),
    ".popsection",
    unpin = sym unpin,
);

/// What an unwinder asks at each frame of `__vthread_initialise`: see `give_back` of `__morestack`.
///
/// # Safety
/// Called by an unwinder, for frames of that function alone.
unsafe extern "C" fn unpin(
    _version: c_int,
    actions: c_int,
    _class: u64,
    _exception: *mut c_void,
    _context: *mut c_void,
) -> c_int {
    /// `_UA_CLEANUP_PHASE`, also of a forced unwinding.
    const CLEANUP: c_int = 2;
    /// `_URC_CONTINUE_UNWIND`.
    const GO_ON: c_int = 8;
    if actions & CLEANUP != 0 {
        // SAFETY: the frame that is left has counted itself, and counts down nowhere else.
        unsafe { set_pins(pins() - 1) };
    }
    GO_ON
}

/// How many initialisers of thread-locals this thread is in.
#[inline(always)]
pub(crate) fn pins() -> usize {
    let v;
    // SAFETY: reads this thread's own variable.
    unsafe {
        asm!("mov {}, qword ptr fs:[__vthread_pins@tpoff]", out(reg) v,
            options(nostack, preserves_flags, readonly));
    }
    v
}

/// Sets that number.
///
/// # Safety
/// Initialisers that are not counted any more are counted again before they return, or cannot return while a vthread of this thread
/// is parked in them.
pub(crate) unsafe fn set_pins(pins: usize) {
    // SAFETY: writes this thread's own variable; what it means is the caller's promise.
    unsafe {
        asm!("mov qword ptr fs:[__vthread_pins@tpoff], {}", in(reg) pins, options(nostack, preserves_flags));
    }
}
