//! All assembly for x86-64, except the byte functions.
//!
//! # The states of a stack
//!
//! Addresses grow upwards in every drawing; `top` is the first byte above a stack and a multiple of 16.
//!
//! ```text
//! A chunk that is free                 A chunk that a wrapper calls on
//!
//! top ->  +------------------+         caller's stack          top ->  +------------------+
//!         | next free chunk  |         | return into wrapper |         | return into      |
//!         +------------------+         | caller's rbp        | <- rbp  |   __morestack    |
//!         | anything         |         +---------------------+         | entry's frames   | <- rsp
//!
//! A vthread that is parked             A vthread that is new: only its start record; `enter` gives it a chunk
//!
//!         | live values      |         top ->  +------------------+
//!         | rbp              |                 | root record      |
//! Sp ->   | where to resume  |                 +------------------+ <- rsp, rbp = 0, jumps to `root`
//!
//! A hop: a call made on a chunk, carried out on the carrier's installed hop stack
//!
//! chunk                                hop_top ->  +------------------+
//! | stack arguments      |                         | copied arguments |
//! | return into caller   |                         | return into      |
//! | caller's rbp         | <- rbp                  |   __morestack    |
//! +----------------------+                         | callee's frames  | <- rsp
//! ```
//!
//! An unwinder or debugger crosses from one stack to another in a frame of `__morestack` alone, by its rbp: gdb accepts
//! a caller at a lower address only from a function of that name, so one symbol of that name spans every
//! instruction that calls onto another stack.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use vale_threads_abi as abi;

/// Where the region of all chunks lies. `len` is 0 until it is reserved, so that no address is in it.
#[repr(C)]
pub(crate) struct RegionWords {
    pub(crate) base: AtomicUsize,
    pub(crate) len: AtomicUsize,
}

/// Read by every region test. Written once, before the first chunk exists.
pub(crate) static REGION: RegionWords = RegionWords { base: AtomicUsize::new(0), len: AtomicUsize::new(0) };

/// A function that is called on another stack with the address of its argument block.
pub(crate) type Entry = unsafe extern "C-unwind" fn(*mut u8);

global_asm!(
    // The carrier's installed hop stack. Local-exec: this is linked into executables only.
    ".pushsection .tbss.vthread_hop_top, \"awT\", @nobits",
    ".globl __vthread_hop_top",
    ".hidden __vthread_hop_top",
    ".type __vthread_hop_top, @object",
    ".p2align 3",
    "__vthread_hop_top: .skip 8",
    ".size __vthread_hop_top, 8",
    ".popsection",
    ".pushsection .text.vthread_stacks, \"ax\", @progbits",
    ".globl __morestack",
    ".hidden __morestack",
    ".type __morestack, @function",
    ".p2align 6",
    // rdi = argument, rsi = entry, rdx = top of the other stack.
    "__morestack:",
    ".cfi_startproc",
    // rbp is the one register that survives the entry and finds the way back, for us and for unwinders.
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    // Aligned as the ABI wants it before a call.
    "mov rsp, rdx",
    "771: call rsi",
    abi::record!(5, "771b", "0", "0", "0", ""),
    // rsp = rbp, and the caller's rbp back.
    "leave",
    ".cfi_def_cfa rsp, 8",
    ".cfi_restore rbp",
    "ret",
    ".cfi_endproc",
    ".size __morestack, . - __morestack",
    ".popsection",
);

unsafe extern "C-unwind" {
    /// Calls `entry(argument)` with rsp = `top`, which leads back by unwinding as by returning.
    ///
    /// # Safety
    /// `top` ends a stack that nothing else uses until this returns or unwinds, is a multiple of 16, and has room for the
    /// entry. `argument` is what `entry` wants.
    #[link_name = "__morestack"]
    pub(crate) fn call_on(argument: *mut u8, entry: Entry, top: *mut u8);
}

/// The stack pointer.
#[inline(always)]
pub(crate) fn rsp() -> usize {
    let v: usize;
    // SAFETY: reads a register. Not `pure`, because the value is another one on another stack.
    unsafe { asm!("mov {}, rsp", out(reg) v, options(nomem, nostack, preserves_flags)) };
    v
}

/// Is the caller on a chunk?
#[inline(always)]
pub(crate) fn on_chunk_now() -> bool {
    rsp().wrapping_sub(REGION.base.load(Relaxed)) < REGION.len.load(Relaxed)
}

/// Top of this thread's installed hop stack; null where no vthread can run.
#[inline(always)]
pub(crate) fn hop_top() -> *mut u8 {
    let v;
    // SAFETY: reads this thread's own variable.
    unsafe {
        asm!("mov {}, qword ptr fs:[__vthread_hop_top@tpoff]", out(reg) v,
            options(nostack, preserves_flags, readonly));
    }
    v
}

/// Installs a hop stack.
///
/// # Safety
/// `top` is the top of an empty stack, or null where no chunk is in use on this thread; whoever has frames on the stack
/// installed so far keeps it.
#[inline(always)]
pub(crate) unsafe fn set_hop_top(top: *mut u8) {
    // SAFETY: writes this thread's own variable; what it means is the caller's promise.
    unsafe {
        asm!("mov qword ptr fs:[__vthread_hop_top@tpoff], {}", in(reg) top, options(nostack, preserves_flags));
    }
}
