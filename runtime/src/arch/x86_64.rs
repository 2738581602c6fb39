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
use core::arch::{asm, global_asm, naked_asm};
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
pub(crate) type Word = MaybeUninit<*mut u8>;

/// A result in registers.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pair(pub(crate) Word, pub(crate) Word);

/// The address of a function of up to three [`Word`]s that gives a [`Pair`] or nothing: of an [`Entry`] too.
pub(crate) type Callee = *const ();

/// The head of every hop stub, 17 bytes: flags say "below" if rsp is on a chunk. r10 and r11 are free at a call; rax and the
/// argument registers are not.
macro_rules! region_test {
    () => {
        "mov r10, rsp
        sub r10, qword ptr [rip + {region}]
        cmp r10, qword ptr [rip + {region} + 8]
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
    // The list: eight bytes for each class of 64.
    "shr ecx, 3",
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
    "shl ecx, 3",
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
    // Where hops are counted (see `x86_64_hop_count`) stubs jump here, with the way back in r11, which is free at a call as r10 is. It
    // does what they would have done, and `inc`: the flags of the region test have been used.
    ".globl __vthread_count_hop",
    ".hidden __vthread_count_hop",
    ".type __vthread_count_hop, @function",
    "__vthread_count_hop:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "inc qword ptr fs:[__vthread_hops@tpoff]",
    "mov rsp, qword ptr fs:[__vthread_hop_top@tpoff]",
    "jmp r11",
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
    ".popsection",
    region = sym REGION,
    largest = const abi::LARGEST_CHUNK,
    give_back = sym give_back,
    take_slowly = sym stacks::take_slowly,
);

// The unwinder that std links.
unsafe extern "C-unwind" {
    /// The value of a register in a frame that is being unwound.
    fn _Unwind_GetGR(context: *mut c_void, register: c_int) -> usize;
    /// What rsp is there when the call that is being left has returned.
    fn _Unwind_GetCFA(context: *mut c_void) -> usize;
}

/// What an unwinder asks at each frame of `__morestack` that takes a chunk (Itanium C++ ABI, "Exception handling", 1.6: a personality
/// routine). The search for a handler goes on whatever this says; on the way to it, the chunk has been left and goes back.
/// Nobody can take it before the handler or the next cleanup has its registers, some of which may have been saved there.
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

unsafe extern "C-unwind" {
    /// Calls `entry(a, b, c)` with rsp = `top`, which leads back by unwinding as by returning.
    ///
    /// # Safety
    /// `top` ends a stack that nothing else uses until this returns or unwinds, is a multiple of 16, and has room for the
    /// entry. The arguments are what `entry` wants; the result holds nothing that `entry` does not leave.
    #[link_name = "__vthread_call_on"]
    pub(crate) fn call_on(a: Word, b: Word, c: Word, top: *mut u8, entry: Callee) -> Pair;
}

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

/// The stack pointer.
#[inline(always)]
pub(crate) fn rsp() -> usize {
    let v: usize;
    // SAFETY: reads a register. Not `pure`, because the value is another one on another stack.
    unsafe { asm!("mov {}, rsp", out(reg) v, options(nomem, nostack, preserves_flags)) };
    v
}

/// Is the caller on a chunk?
///
/// A range needs two comparisons. These need no register and nothing before them; off the chunks, where most other stacks lie
/// above the region, the first decides.
#[inline(always)]
pub(crate) fn on_chunk_now() -> bool {
    // SAFETY: reads two words that are only written atomically, before there is a chunk. Not `pure`, because rsp is another one
    // on another stack.
    unsafe {
        asm!(
            "cmp rsp, qword ptr [rip + {region} + 16]",
            "jae {off}",
            "cmp rsp, qword ptr [rip + {region}]",
            "jb {off}",
            region = sym REGION,
            off = label { return false },
            options(readonly, nostack),
        );
    }
    true
}

/// [`on_chunk_now`] as a number, for code that is inlined into loops: the compiler may ask once for a whole activation of a function,
/// and need not ask where nothing depends on it.
#[inline(always)]
pub(crate) fn on_chunk_here() -> i64 {
    let on_chunk: i64;
    // SAFETY: `pure` and `nomem`, because within one activation the answer is always the same: its frame stays where it is (a switch
    // comes back to the stack that it left), and both words were written before there was a chunk, so what an earlier look
    // would have said of this frame is true now.
    unsafe {
        asm!(
            // Before the comparisons, whose flags it would change.
            "xor {on_chunk:e}, {on_chunk:e}",
            "cmp rsp, qword ptr [rip + {region} + 16]",
            "jae 2f",
            "cmp rsp, qword ptr [rip + {region}]",
            "setae {on_chunk:l}",
            "2:",
            on_chunk = out(reg) on_chunk,
            region = sym REGION,
            options(pure, nomem, nostack),
        );
    }
    on_chunk
}

/// The address of this thread's free list for chunks of `size` bytes.
///
/// # Safety
/// This thread has free lists, and one for that size.
#[inline(always)]
pub(crate) unsafe fn list_of(size: u32) -> *const u8 {
    const { assert!(abi::CLASS_STEP == 64 && size_of::<*mut u8>() == 8, "the shift below") };
    let list;
    // SAFETY: computes an address from this thread's own variable. In assembly, because the compiler would first load the
    // variable's offset, and mask the shift.
    unsafe {
        asm!(
            "shr {size:e}, 3",
            "add {size}, qword ptr fs:[__vthread_lists@tpoff]",
            size = inlateout(reg) u64::from(size) => list,
            options(pure, readonly, nostack),
        );
    }
    list
}

/// This thread's free lists; null where no vthread runs.
#[inline(always)]
pub(crate) fn lists() -> *const u8 {
    let v;
    // SAFETY: reads this thread's own variable.
    unsafe {
        asm!("mov {}, qword ptr fs:[__vthread_lists@tpoff]", out(reg) v,
            options(nostack, preserves_flags, readonly));
    }
    v
}

/// Sets this thread's free lists.
///
/// # Safety
/// They stay until others are set, which happens only while no chunk is in use on this thread, or where those of before are
/// empty and stay so.
pub(crate) unsafe fn set_lists(lists: *const u8) {
    // SAFETY: writes this thread's own variable; what it means is the caller's promise.
    unsafe {
        asm!("mov qword ptr fs:[__vthread_lists@tpoff], {}", in(reg) lists, options(nostack, preserves_flags));
    }
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

/// A parked vthread: where it goes on lies at this address, its rbp in the word above.
pub(crate) type Parked = *mut u8;

/// Outermost frame of a vthread: unwinders and debuggers stop here. Entered by a jump: rdx = top of its stack, r8 = entry,
/// rdi = its argument.
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
macro_rules! switch_asm {
    ($($text:expr),+ ; $($operand:tt)*) => {
        asm!($($text,)+ $($operand)*
            lateout("rax") _, lateout("rsi") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
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
            "mov [rcx], rsp",
            // Leaves this stack. The place to go on at is dropped from the other by the same instruction.
            "3: lea rsp, [rdx + 8]",
            "jmp [rdx]",
            "2: pop rbp",
            abi::record!(6, "3b", "2b", "8", "0", ""),
            "/* rbx: {0} */";
            lateout(reg_abcd) _, inlateout("rdx") to => _, inlateout("rcx") save => _,
            lateout("r8") _, lateout("rdi") _,
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
            "mov [rcx], rsp",
            // The end of the chain of frame pointers.
            "xor ebp, ebp",
            "3: jmp {root}",
            "2: pop rbp",
            abi::record!(6, "3b", "2b", "8", "0", ""),
            "/* rbx: {0} */";
            lateout(reg_abcd) _, root = sym root, inlateout("rdx") top => _, inlateout("rcx") save => _,
            inlateout("r8") entry => _, inlateout("rdi") argument => _,
        );
    }
}

/// Goes on with `to`, and gives it the caller, parked; gives who came back, parked. Two stacks that pass control to and fro need
/// no memory for it, as two coroutines do: the form that a bare switch is to be compared by. The runtime's own vthreads are
/// found by others, so [`switch`] stores them.
///
/// # Safety
/// As for [`switch`]; `to` waits in `exchange` or [`enter_exchanging`], and so does whoever goes on with the caller.
#[inline(always)]
pub(crate) unsafe fn exchange(to: Parked) -> Parked {
    let from;
    // SAFETY: as in `switch`.
    unsafe {
        switch_asm!(
            "push rbp",
            "lea rax, [rip + 2f]",
            "push rax",
            "mov rcx, rdx",
            // The caller, for the one that goes on.
            "mov rdx, rsp",
            "3: lea rsp, [rcx + 8]",
            "jmp [rcx]",
            "2: pop rbp",
            abi::record!(6, "3b", "2b", "8", "0", ""),
            "/* rbx: {0} */";
            lateout(reg_abcd) _, inlateout("rdx") to => from, lateout("rcx") _, lateout("r8") _, lateout("rdi") _,
        );
    }
    from
}

/// [`enter`] for an entry that uses [`exchange`]: its argument is the caller, parked.
///
/// # Safety
/// As for [`enter`] and [`exchange`].
#[inline(always)]
pub(crate) unsafe fn enter_exchanging(top: *mut u8, entry: Entry) -> Parked {
    let from;
    // SAFETY: as in `enter`.
    unsafe {
        switch_asm!(
            "push rbp",
            "lea rax, [rip + 2f]",
            "push rax",
            "mov rdi, rsp",
            // The end of the chain of frame pointers.
            "xor ebp, ebp",
            "3: jmp {root}",
            "2: pop rbp",
            abi::record!(6, "3b", "2b", "8", "0", ""),
            "/* rbx: {0} */";
            lateout(reg_abcd) _, root = sym root, inlateout("rdx") top => from, lateout("rcx") _,
            inlateout("r8") entry => _, lateout("rdi") _,
        );
    }
    from
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
            "3: lea rsp, [rdi + 8]",
            "jmp [rdi]",
            abi::record!(6, "3b", "0", "0", "0", ""),
            in("rdi") to,
            options(noreturn),
        )
    }
}

/// Base of this thread's control block; the executable's thread-locals lie below it.
pub(crate) fn thread_pointer() -> usize {
    let v;
    // SAFETY: the ABI keeps the thread pointer there.
    unsafe { asm!("mov {}, qword ptr fs:[0]", out(reg) v, options(nostack, preserves_flags, readonly)) };
    v
}

/// Offset from the thread pointer of std's count of panics in progress, as the link step wrote it;
/// [`abi::UNPATCHED`] if it did not.
pub(crate) fn panic_count_offset() -> u32 {
    let v;
    // SAFETY: loads a constant.
    unsafe {
        asm!(
            "mov {v:e}, {unpatched}",
            "771:",
            abi::record!(10, "771b - 4", "0", "0", "0", "LOCAL_PANIC_COUNT"),
            v = out(reg) v,
            unpatched = const abi::UNPATCHED,
            options(nomem, nostack, preserves_flags),
        );
    }
    v
}

/// Asks valgrind, if it runs this program: a request and two arguments. Otherwise nothing happens and the answer is 0.
pub(crate) fn valgrind_request(request: [usize; 3]) -> usize {
    let words = [request[0], request[1], request[2], 0, 0, 0];
    let mut answer = 0usize;
    // SAFETY: rotations of rdi by 3 + 13 + 61 + 51 = 2 * 64 bits change nothing, nor does exchanging a register with itself. Valgrind takes
    // this sequence, which no compiler makes, for a request: rax = the words, rdx = the answer.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}
