//! What is asked of the processor, the kernel and the thread's own variables: where rsp is, a system call, the words that the assembly uses, and
//! valgrind.

use super::x86_64::REGION;
use crate::chunk;
use core::arch::asm;
use vale_threads_abi as abi;

/// The stack pointer.
#[inline(always)]
pub(crate) fn rsp() -> usize {
    let v: usize;
    // SAFETY: reads a register. Not `pure`, because the value is another one on another stack.
    unsafe { asm!("mov {}, rsp", out(reg) v, options(nomem, nostack, preserves_flags)) };
    v
}

/// A system call: what it gives, or the negative `errno`. libc's functions are hops on a chunk, and most of them, as soon as there are
/// threads, let the thread be cancelled (`pthread_cancel`) by two atomic operations; nobody cancels a carrier.
///
/// # Safety
/// The call is one that the kernel carries out without harm to anybody's memory, with these arguments.
#[inline(always)]
pub(crate) unsafe fn system_call(number: libc::c_long, arguments: [usize; 6]) -> isize {
    let result;
    // SAFETY: the caller's promise. The kernel keeps all registers but these three, flags included, and leaves the stack alone.
    unsafe {
        asm!(
            // Into the kernel, which finds number and arguments where its ABI has them.
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") arguments[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, preserves_flags),
        );
    }
    result
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
    crate::__current_here!()
}

/// The address of this thread's free list for chunks of `size` bytes.
///
/// # Safety
/// This thread has free lists, and one for that size.
#[inline(always)]
pub(crate) unsafe fn list_of(size: u32) -> *const u8 {
    let list;
    // SAFETY: computes an address from this thread's own variable. In assembly, because the compiler would first load the
    // variable's offset, and mask the shift.
    unsafe {
        asm!(
            "shr {size:e}, {to_list}",
            "add {size}, qword ptr fs:[__vthread_lists@tpoff]",
            size = inlateout(reg) u64::from(size) => list,
            to_list = const chunk::TO_LIST,
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
