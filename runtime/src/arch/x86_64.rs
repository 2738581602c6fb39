//! Calls onto other stacks: chunks, hop stacks, any stack; and every state that a stack can be in.
//!
//! The rest of the assembly: the context switch (`x86_64_switch`), what one instruction does (`x86_64_words`), initialisers of
//! thread-locals (`x86_64_pins`), `memcpy` and its relatives (`x86_64_bytes`).
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
//! The same with the chunk taken on the way (`call_on_fresh`): the list is kept below the caller's rbp
//!
//! caller's stack                       top ->  +------------------+
//! | return into wrapper |                      | return into      |
//! | caller's rbp        | <- rbp               |   __morestack    |
//! | its list            |                      | entry's frames   | <- rsp
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

use crate::chunk::{self, List};
use crate::stacks;
use core::arch::global_asm;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicUsize;
use vale_threads_abi as abi;

/// Where the region of all chunks lies. `len` and `end` are 0 until it is reserved, so that no address is in it.
#[repr(C)]
pub struct RegionWords {
    pub(crate) base: AtomicUsize,
    pub(crate) len: AtomicUsize,
    /// `base + len`.
    pub(crate) end: AtomicUsize,
}

/// Read by every region test. Written once, before the first chunk exists.
pub static REGION: RegionWords =
    RegionWords { base: AtomicUsize::new(0), len: AtomicUsize::new(0), end: AtomicUsize::new(0) };

/// A function that is called on another stack with the address of its argument block.
pub(crate) type Entry = unsafe extern "C-unwind" fn(*mut u8);

/// What one register takes of an argument or a result. A pointer by type, so that addresses among it stay what they are.
pub type Word = MaybeUninit<*mut u8>;

/// A result in registers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pair(pub(crate) Word, pub(crate) Word);

/// The address of a function of up to three [`Word`]s that gives a [`Pair`] or nothing: of an [`Entry`] too.
pub(crate) type Callee = *const ();

/// The head of every hop stub, 17 bytes: flags say "below" if rsp is on a chunk. It uses no register, not even one that every call may
/// change: where gcc knows the callee (`-fipa-ra`) it keeps values in those that the callee leaves alone, in r10 and r11 too.
///
/// Off the chunks both comparisons say "not below": the first if rsp is at or above the end, and then `jae` goes over the second, which has its
/// operands the other way round. At the very base, where it would be wrong, rsp cannot be: the return address into the caller is on the chunk.
/// The prefix (ds) is ignored, and makes 17 bytes of 16.
macro_rules! region_test {
    () => {
        "cmp rsp, qword ptr [rip + {region} + 16]
        .byte 0x73, 8
        .byte 0x3e
        cmp qword ptr [rip + {region}], rsp
        "
    };
}

/// The middle of every hop stub: onto the hop stack, with a copy of the words of stack arguments.
macro_rules! move_over {
    ($words:literal) => {
        concat!(
            // As in `__morestack`: rbp finds the way back.
            "push rbp
            .cfi_def_cfa_offset 16
            .cfi_offset rbp, -16
            mov rbp, rsp
            .cfi_def_cfa_register rbp
            mov rsp, qword ptr fs:[__vthread_hop_top@tpoff]
            .set .Lvthread_word, ",
            $words,
            "
            .rept ",
            $words,
            // push qword ptr [rbp + 16 + 8 * word], in three bytes each: the last word first, as a caller does. Their
            // number is even, so that the callee finds its stack aligned.
            "
            .set .Lvthread_word, .Lvthread_word - 1
            .byte 0xff, 0x75, 16 + 8 * .Lvthread_word
            .endr
            "
        )
    };
}

/// The end of every hop stub. The next stub of the same group starts with the state that this leaves.
macro_rules! move_back {
    () => {
        "leave
        .cfi_def_cfa rsp, 8
        .cfi_restore rbp
        ret
        "
    };
}

/// A pool of stubs that hop to functions of the executable: `count` of them, `size` bytes each. The call's opcode is at
/// offset `call` = 36 + 3 * words. Eight share an FDE, which keeps `.eh_frame` small and unwinding fast.
///
/// Jump and call are spelled in bytes: an assembler would choose their lengths itself.
macro_rules! hop_direct {
    ($count:literal, $words:literal, $size:literal, $call:literal) => {
        concat!(
            ".p2align 6
            774:
            .rept ",
            $count,
            " / 8
            .cfi_startproc
            .rept 8
            ",
            region_test!(),
            // Off the chunks: jae target, a plain tail call.
            ".byte 0x0f, 0x83
            .long .Lvthread_unfilled - . - 4
            ",
            move_over!($words),
            // call target
            ".byte 0xe8
            .long .Lvthread_unfilled - . - 4
            ",
            move_back!(),
            // Up to the size of the stub.
            ".p2align 4, 0xcc
            .endr
            .cfi_endproc
            .endr
            775:
            .set .Lvthread_flags, ",
            $words,
            " | (19 << 8) | ((",
            $call,
            " + 1) << 16)
            ",
            abi::record!(7, "774b", "775b", $size, ".Lvthread_flags", ""),
            "\n"
        )
    };
}

/// A pool of stubs that hop to imports: `count` of them, `size` bytes each, through a table of slots.
macro_rules! hop_import {
    ($count:literal, $words:literal, $size:literal) => {
        concat!(
            ".p2align 6
            774:
            .set .Lvthread_stub, 0
            .rept ",
            $count,
            " / 8
            .cfi_startproc
            .rept 8
            ",
            region_test!(),
            // On a chunk: over the jump. jb +6; off the chunks: jmp qword ptr [rip + slot].
            ".byte 0x72, 6
            .byte 0xff, 0x25
            .long 775f + 8 * .Lvthread_stub - . - 4
            ",
            move_over!($words),
            // call qword ptr [rip + slot]
            ".byte 0xff, 0x15
            .long 775f + 8 * .Lvthread_stub - . - 4
            ",
            move_back!(),
            // Up to the size of the stub.
            ".p2align 4, 0xcc
            .set .Lvthread_stub, .Lvthread_stub + 1
            .endr
            .cfi_endproc
            .endr
            .pushsection .data.rel.ro.vthread_slots, \"aw\", @progbits
            .p2align 3
            775:
            .set .Lvthread_stub, 0
            .rept ",
            $count,
            "
            .quad 774b + ",
            $size,
            " * .Lvthread_stub
            .set .Lvthread_stub, .Lvthread_stub + 1
            .endr
            .popsection
            .set .Lvthread_flags, ",
            $words,
            " | (",
            $count,
            " << 8)
            ",
            abi::record!(8, "774b", "775b", $size, ".Lvthread_flags", ""),
            "\n"
        )
    };
}

global_asm!(
    // The carrier's installed hop stack. Local-exec: this is linked into executables only.
    ".pushsection .tbss.vthread_hop_top, \"awT\", @nobits",
    ".globl __vthread_hop_top",
    ".hidden __vthread_hop_top",
    ".type __vthread_hop_top, @object",
    ".p2align 3",
    "__vthread_hop_top: .skip 8",
    ".size __vthread_hop_top, 8",
    // The thread's free lists (see `stacks`).
    ".globl __vthread_lists",
    ".hidden __vthread_lists",
    ".type __vthread_lists, @object",
    "__vthread_lists: .skip 8",
    ".size __vthread_lists, 8",
    // How many hops were made, where they are counted.
    ".globl __vthread_hops",
    ".hidden __vthread_hops",
    ".type __vthread_hops, @object",
    "__vthread_hops: .skip 8",
    ".size __vthread_hops, 8",
    // Used from one instruction to the next by `__vthread_count_hop`: where in a stub it goes on.
    ".globl __vthread_way_back",
    ".hidden __vthread_way_back",
    ".type __vthread_way_back, @object",
    "__vthread_way_back: .skip 8",
    ".size __vthread_way_back, 8",
    ".popsection",
    ".pushsection .text.vthread_stacks, \"ax\", @progbits",
    // The other entry of `__morestack`. A symbol in the middle of it would be the name that gdb sees.
    ".globl __vthread_call_on",
    ".hidden __vthread_call_on",
    ".type __vthread_call_on, @function",
    "__vthread_call_on:",
    ".cfi_startproc",
    "jmp .Lvthread_call_on",
    ".cfi_endproc",
    ".size __vthread_call_on, . - __vthread_call_on",
    ".globl __morestack",
    ".hidden __morestack",
    ".type __morestack, @function",
    ".p2align 6",
    // Onto the first free chunk of a size: ecx = size, r8 = entry, r9 = its name. rdi, rsi and rdx are the entry's, and so are rax and
    // rdx when it has returned: values that went through memory on their way would wait there.
    "__morestack:",
    ".cfi_startproc",
    // Who leaves by unwinding leaves no code of ours to run: the unwinder itself is told to give the chunk back. So callers need
    // neither a landing pad nor a register that is kept for it, and jump here where nothing is left for them to do.
    ".cfi_personality 0x1b, {give_back}",
    // One comparison finds sizes without a list, unproved entries and the unpatched value.
    "cmp ecx, {largest}",
    "ja 2f",
    // The list: eight bytes for each class.
    "shr ecx, {to_list}",
    "add rcx, qword ptr fs:[__vthread_lists@tpoff]",
    "mov r10, qword ptr [rcx]",
    "test r10, r10",
    "je 3f",
    // rbp is the one register that survives the entry and finds the way back, for us and for unwinders.
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    // The list, for the way back. On the caller's stack, so that it costs no bytes of the chunk.
    "push rcx",
    // The next free one becomes the first.
    "mov rax, qword ptr [r10 - 8]",
    "mov qword ptr [rcx], rax",
    // Aligned as the ABI wants it before a call.
    "mov rsp, r10",
    "4:",
    "771: call r8",
    abi::record!(5, "771b", "0", "0", "0", ""),
    // rsp is the chunk's top again, which becomes the first of its list. We are still on it, but nothing below is needed, and
    // signal handlers do not run here.
    "mov rcx, qword ptr [rbp - 8]",
    "mov rsi, qword ptr [rcx]",
    "mov qword ptr [rsp - 8], rsi",
    "mov qword ptr [rcx], rsp",
    // rsp = rbp, and the caller's rbp back.
    "leave",
    ".cfi_def_cfa rsp, 8",
    ".cfi_restore rbp",
    "ret",
    // None is free. What finds one runs on the hop stack, so that it makes no chunk larger, and knows the size again.
    "3: sub rcx, qword ptr fs:[__vthread_lists@tpoff]",
    "shl ecx, {to_list}",
    // The same frame, with no list in it yet.
    "2: push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push 0",
    "mov rsp, qword ptr fs:[__vthread_hop_top@tpoff]",
    // The entry and its arguments wait there: four words, so that the stack is aligned for the call.
    "push rdi",
    "push rsi",
    "push rdx",
    "push r8",
    "mov edi, ecx",
    "mov rsi, r9",
    "771: call {take_slowly}",
    abi::record!(5, "771b", "0", "0", "0", ""),
    // rax = top, rdx = the list that it goes back to.
    "mov r10, rax",
    "mov qword ptr [rbp - 8], rdx",
    "pop r8",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    // Before the two ways meet: the link step wants one stack pointer there.
    "mov rsp, r10",
    "jmp 4b",
    ".cfi_endproc",
    // Onto any stack: rcx = top, r8 = entry.
    ".Lvthread_call_on:",
    ".cfi_startproc",
    // As above.
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "mov rsp, rcx",
    "771: call r8",
    abi::record!(5, "771b", "0", "0", "0", ""),
    "leave",
    ".cfi_def_cfa rsp, 8",
    ".cfi_restore rbp",
    "ret",
    ".cfi_endproc",
    // The calls onto hop stacks are part of the symbol too.
    hop_direct!("1024", "0", "48", "36"),
    hop_direct!("256", "2", "64", "42"),
    hop_direct!("128", "4", "64", "48"),
    hop_direct!("64", "6", "64", "54"),
    hop_direct!("64", "8", "80", "60"),
    hop_direct!("32", "14", "96", "78"),
    hop_import!("512", "0", "48"),
    hop_import!("64", "2", "64"),
    hop_import!("16", "4", "64"),
    hop_import!("16", "8", "80"),
    // Where stubs lead that the link step has not filled: nothing reaches them.
    ".Lvthread_unfilled: ud2",
    ".size __morestack, . - __morestack",
    // Where hops are counted (see `x86_64_hop_count`) stubs call this. It does what they would have done, and `inc`: the flags of the region
    // test have been used. No other register is changed, as in the stubs.
    ".globl __vthread_count_hop",
    ".hidden __vthread_count_hop",
    ".type __vthread_count_hop, @function",
    "__vthread_count_hop:",
    ".cfi_startproc",
    // The way back into the stub lies where the stub would have saved rbp.
    ".cfi_def_cfa_offset 16",
    "xchg rbp, qword ptr [rsp]",
    ".cfi_offset rbp, -16",
    "mov qword ptr fs:[__vthread_way_back@tpoff], rbp",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "inc qword ptr fs:[__vthread_hops@tpoff]",
    "mov rsp, qword ptr fs:[__vthread_hop_top@tpoff]",
    "jmp qword ptr fs:[__vthread_way_back@tpoff]",
    ".cfi_endproc",
    ".size __vthread_count_hop, . - __vthread_count_hop",
    // In place of `__vthread_call_on`. Not every stack that is called onto is a hop stack: rcx = top.
    ".globl __vthread_count_call_on",
    ".hidden __vthread_count_call_on",
    ".type __vthread_count_call_on, @function",
    "__vthread_count_call_on:",
    ".cfi_startproc",
    "cmp rcx, qword ptr fs:[__vthread_hop_top@tpoff]",
    "jne 2f",
    "inc qword ptr fs:[__vthread_hops@tpoff]",
    "2: jmp .Lvthread_call_on",
    ".cfi_endproc",
    ".size __vthread_count_call_on, . - __vthread_count_call_on",
    // Nothing but records speak of the byte functions before the link step has run.
    ".reloc ., R_X86_64_NONE, __vthread_memmove",
    // Nor of what is led through these.
    ".reloc ., R_X86_64_NONE, __vthread_initialise",
    ".popsection",
    region = sym REGION,
    largest = const abi::LARGEST_CHUNK,
    to_list = const chunk::TO_LIST,
    give_back = sym give_back,
    take_slowly = sym stacks::take_slowly,
);

// SAFETY: as the unwinder that std links has them (Itanium C++ ABI, "Exception handling", 1.5).
unsafe extern "C-unwind" {
    /// The value of a register in a frame that is being unwound.
    fn _Unwind_GetGR(context: *mut c_void, register: c_int) -> usize;
    /// What rsp is there when the call that is being left has returned.
    fn _Unwind_GetCFA(context: *mut c_void) -> usize;
}

/// What an unwinder asks at each frame of `__morestack` that takes a chunk (Itanium C++ ABI, "Exception handling", 1.6: a personality
/// routine). The search for a handler goes on whatever this says; on the way to it, the chunk has been left and goes back.
/// Nobody can take it before the handler or the next cleanup has its registers, some of which may have been saved there.
///
/// # Safety
/// Called by an unwinder, which asks about the frame that `context` is of.
unsafe extern "C" fn give_back(
    _version: c_int,
    actions: c_int,
    _class: u64,
    _exception: *mut c_void,
    context: *mut c_void,
) -> c_int {
    /// `_UA_CLEANUP_PHASE`, also of a forced unwinding.
    const CLEANUP: c_int = 2;
    /// `_URC_CONTINUE_UNWIND`.
    const GO_ON: c_int = 8;
    /// DWARF's number.
    const RBP: c_int = 6;
    if actions & CLEANUP != 0 {
        // SAFETY: asked about a frame of `__morestack` at one of its calls, with the list below what rbp points to: none as long as
        // there is no chunk. Otherwise rsp is the chunk's top, and what was called on it has been left.
        unsafe {
            let frame = _Unwind_GetGR(context, RBP) as *const *const List;
            if let Some(list) = (*frame.sub(1)).as_ref() {
                chunk::push(list, _Unwind_GetCFA(context) as *mut u8);
            }
        }
    }
    GO_ON
}

// SAFETY: the assembly takes its arguments where the ABI has them: rdi, rsi and rdx are the entry's, rcx is the top, r8 the entry. rax and rdx come back
// as the entry leaves them.
unsafe extern "C-unwind" {
    /// Calls `entry(a, b, c)` with rsp = `top`, which leads back by unwinding as by returning.
    ///
    /// # Safety
    /// `top` ends a stack that nothing else uses until this returns or unwinds, is a multiple of 16, and has room for the
    /// entry. The arguments are what `entry` wants; the result holds nothing that `entry` does not leave.
    #[link_name = "__vthread_call_on"]
    pub(crate) fn call_on(a: Word, b: Word, c: Word, top: *mut u8, entry: Callee) -> Pair;
}

// SAFETY: as above, with the size in ecx and the name in r9.
#[expect(improper_ctypes, reason = "assembly passes the name's address on, to Rust")]
unsafe extern "C-unwind" {
    /// Takes a free chunk, calls `entry(a, b, c)` on it, and gives it back when that returns or unwinds.
    ///
    /// # Safety
    /// On a chunk, so that this thread has lists. `size` bytes are enough for the entry. The arguments are what `entry` wants; the
    /// result holds nothing that `entry` does not leave.
    #[link_name = "__morestack"]
    pub(crate) fn call_on_fresh(
        a: Word,
        b: Word,
        c: Word,
        size: u32,
        entry: Callee,
        name: fn() -> &'static str,
    ) -> Pair;
}
