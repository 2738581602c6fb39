//! No signal handler runs on a chunk: every handler of the process is installed with `SA_ONSTACK`.
//!
//! The executable defines the C library's functions that install handlers. It comes first when names are looked up, so
//! libraries of every language bind to these definitions, from the first constructor on. They end in glibc's
//! `__sigaction`, so that they need no lookup themselves and stay safe to call anywhere.
//!
//! Blocking signals on carriers instead would change what children inherit and blind profilers.
//!
//! Not covered: libraries loaded with `RTLD_DEEPBIND` and raw system calls. [`sweep`] finds what they installed.
//! A handler that swaps stacks itself, or scans the one it interrupted for pointers, will not find what it expects.

use crate::{alt_stack, arch, sys};
use core::cell::Cell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use libc::{SA_ONSTACK, SIG_DFL, SIG_ERR, SIG_IGN, c_int, c_void, sigaction as Action, sighandler_t};
use vale_threads_abi::PAGE;

const SIG_HOLD: sighandler_t = 2;

/// Linux has signals 1 to 64. 32 and 33 are glibc's own, which its functions hide.
const SIGNALS: core::ops::RangeInclusive<c_int> = 1..=64;

// SAFETY: glibc's own name of `sigaction`, of the same type.
unsafe extern "C" {
    fn __sigaction(signal: c_int, act: *const Action, old: *mut Action) -> c_int;
}

/// Signals for which `siginterrupt(signal, 1)` was called: `signal` has to honour that.
static INTERRUPTING: AtomicU64 = AtomicU64::new(0);

fn is_handler(handler: sighandler_t) -> bool {
    handler != SIG_DFL && handler != SIG_IGN
}

fn bit(signal: c_int) -> u64 {
    1u64.checked_shl((signal - 1) as u32).unwrap_or(0)
}

fn no_action() -> Action {
    // SAFETY: a C struct of integers, a set of bits and an optional function; zeros are its defaults.
    unsafe { core::mem::zeroed() }
}

/// As in `sigaction(2)`; a handler runs on the alternate stack, where the thread has one.
///
/// # Safety
/// As for the C library's.
// SAFETY: of the name: it is there to take the place of the C library's, and does what that does, of the same type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigaction(signal: c_int, act: *const Action, old: *mut Action) -> c_int {
    // SAFETY: the caller's promises are the callee's.
    unsafe {
        if act.is_null() || !is_handler((*act).sa_sigaction) {
            return __sigaction(signal, act, old);
        }
        let mut forced = *act;
        forced.sa_flags |= SA_ONSTACK;
        __sigaction(signal, &raw const forced, old)
    }
}

fn install(signal: c_int, handler: sighandler_t, flags: c_int) -> sighandler_t {
    if handler == SIG_ERR {
        // SAFETY: this thread's own variable.
        unsafe { *libc::__errno_location() = libc::EINVAL };
        return SIG_ERR;
    }
    let (mut act, mut old) = (no_action(), no_action());
    act.sa_sigaction = handler;
    act.sa_flags = flags;
    // SAFETY: both are ours; what the handler does is its installer's promise.
    match unsafe { sigaction(signal, &raw const act, &raw mut old) } {
        0 => old.sa_sigaction,
        _ => SIG_ERR,
    }
}

/// As in `signal(3)`, with BSD semantics.
// SAFETY: as for `sigaction`.
#[unsafe(no_mangle)]
pub extern "C" fn signal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    let interrupts = INTERRUPTING.load(Relaxed) & bit(signal) != 0;
    install(signal, handler, if interrupts { 0 } else { libc::SA_RESTART })
}

/// As in `bsd_signal(3)`.
// SAFETY: as for `sigaction`.
#[unsafe(no_mangle)]
pub extern "C" fn bsd_signal(number: c_int, handler: sighandler_t) -> sighandler_t {
    signal(number, handler)
}

/// Another name of `signal`.
// SAFETY: as for `sigaction`.
#[unsafe(no_mangle)]
pub extern "C" fn ssignal(number: c_int, handler: sighandler_t) -> sighandler_t {
    signal(number, handler)
}

/// System V semantics: what `signal` becomes in C that asks for ISO C or X/Open alone.
// SAFETY: as for `sigaction`.
#[unsafe(no_mangle)]
pub extern "C" fn __sysv_signal(number: c_int, handler: sighandler_t) -> sighandler_t {
    install(number, handler, libc::SA_RESETHAND | libc::SA_NODEFER)
}

/// As in `sysv_signal(3)`.
// SAFETY: as for `sigaction`.
#[unsafe(no_mangle)]
pub extern "C" fn sysv_signal(number: c_int, handler: sighandler_t) -> sighandler_t {
    __sysv_signal(number, handler)
}

/// As in `siginterrupt(3)`.
// SAFETY: as for `sigaction`.
#[unsafe(no_mangle)]
pub extern "C" fn siginterrupt(number: c_int, interrupt: c_int) -> c_int {
    let mut act = no_action();
    // SAFETY: only reads.
    if unsafe { sigaction(number, core::ptr::null(), &raw mut act) } != 0 {
        return -1;
    }
    if interrupt == 0 {
        INTERRUPTING.fetch_and(!bit(number), Relaxed);
        act.sa_flags |= libc::SA_RESTART;
    } else {
        INTERRUPTING.fetch_or(bit(number), Relaxed);
        act.sa_flags &= !libc::SA_RESTART;
    }
    // SAFETY: what was installed, with another flag.
    unsafe { sigaction(number, &raw const act, null_mut()) }
}

/// As in `sigset(3)`.
// SAFETY: as for `sigaction`.
#[unsafe(no_mangle)]
pub extern "C" fn sigset(number: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: sets of bits of ours, and the calling thread's mask, which is what this function is for.
    unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        let mut before: libc::sigset_t = core::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        if libc::sigaddset(&raw mut set, number) != 0 {
            return SIG_ERR;
        }
        let was_held = |before: &libc::sigset_t| libc::sigismember(before, number) == 1;
        if handler == SIG_HOLD {
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before);
            if was_held(&before) {
                return SIG_HOLD;
            }
            let mut now = no_action();
            return match sigaction(number, core::ptr::null(), &raw mut now) {
                0 => now.sa_sigaction,
                _ => SIG_ERR,
            };
        }
        let old = install(number, handler, 0);
        if old == SIG_ERR {
            return SIG_ERR;
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, &raw mut before);
        if was_held(&before) { SIG_HOLD } else { old }
    }
}

/// The kernel's own form of a signal action.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct KernelAction {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

/// Exchanges an action by system call; without `new`, only reads.
fn kernel_action(number: c_int, new: Option<&KernelAction>) -> KernelAction {
    let mut old = KernelAction::default();
    let new = new.map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: both structs are ours and have the kernel's layout; the last argument is the size of its masks.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, number, new, &raw mut old, 8usize) };
    old
}

/// Adds `SA_ONSTACK` to handlers that were installed behind our back. Gives the set of signals that needed it, signal 1 in
/// the lowest bit.
///
/// It reads before it writes, so a sweep that finds nothing changes nothing. A handler that is installed between reading and
/// writing would be lost; what was there at the write is put back.
pub fn sweep() -> u64 {
    let mut repaired = 0;
    for number in SIGNALS {
        let mut action = kernel_action(number, None);
        while is_handler(action.handler) && action.flags & SA_ONSTACK as u64 == 0 {
            let forced = KernelAction { flags: action.flags | SA_ONSTACK as u64, ..action };
            let before = kernel_action(number, Some(&forced));
            repaired |= bit(number);
            if before.handler == action.handler {
                break;
            }
            action = before;
        }
    }
    repaired
}

// --- alternate stacks ---------------------------------------------------------------------------------------------

thread_local! {
    /// The stack given to this thread in place of those that were too small: its mapping, guard included; null if none.
    static GROWN: Cell<*mut u8> = const { Cell::new(null_mut()) };
    /// Somebody was told where that is, and may put it back.
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
    /// What this thread has in place of none or of too small a one, as long as it runs vthreads.
    static KEPT: Cell<libc::stack_t> = const { Cell::new(NONE) };
}

const NONE: libc::stack_t = libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };

/// The least that handlers get that we force onto an alternate stack: as much as on a carrier, so that a thread that becomes one needs no
/// other. Only what is used costs memory. std's own stacks leave a handler 8,631 bytes, and 439 once the thread has used AMX.
fn least() -> usize {
    alt_stack::bytes().max(64 << 10)
}

const GUARD: usize = PAGE as usize;

/// # Safety
/// Both are null or valid, and what is installed stays as long as it is.
unsafe fn kernel_sigaltstack(new: *const libc::stack_t, old: *mut libc::stack_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { libc::syscall(libc::SYS_sigaltstack, new, old) as c_int }
}

/// As in `sigaltstack(2)`; a thread that asks for a small stack (as std does) gets a larger one until it disables it. A thread that runs
/// vthreads always has one: there, who disables what is installed, or asks for a small one, gets the thread's own.
///
/// Whoever asks for what was installed before may put it back later, so that stays mapped: a thread that ends without having
/// done so leaves it behind.
///
/// # Safety
/// As for the C library's.
// SAFETY: of the name, as for `sigaction`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigaltstack(new: *const libc::stack_t, old: *mut libc::stack_t) -> c_int {
    // SAFETY: null or readable, by contract.
    let result = match unsafe { new.as_ref() } {
        Some(stack) if !arch::lists().is_null() && (is_off(stack) || stack.ss_size < least()) => {
            // Without one, handlers would run on chunks.
            let own = libc::stack_t { ss_flags: stack.ss_flags & !libc::SS_DISABLE, ..KEPT.get() };
            // SAFETY: the thread's own, which stays; `old` by contract.
            unsafe { kernel_sigaltstack(&raw const own, old) }
        }
        // SAFETY: by contract, here and below.
        Some(stack) if is_off(stack) => unsafe { disable(new, old) },
        Some(stack) if stack.ss_size < least() => {
            // SAFETY: as above.
            unsafe { grow(stack, old).unwrap_or_else(|| kernel_sigaltstack(new, old)) }
        }
        // SAFETY: as above.
        _ => unsafe { kernel_sigaltstack(new, old) },
    };
    // SAFETY: null or writable, by contract, and written by a call that did not fail.
    if result == 0 && unsafe { old.as_ref() }.is_some_and(is_grown) {
        IS_TOLD.set(true);
    }
    result
}

/// Is it what this thread got in place of a smaller one?
fn is_grown(stack: &libc::stack_t) -> bool {
    let grown = GROWN.get();
    !grown.is_null() && stack.ss_sp == usable(grown)
}

fn is_off(stack: &libc::stack_t) -> bool {
    stack.ss_flags & libc::SS_DISABLE != 0
}

/// Says what this thread is to have as long as it runs vthreads; it has it already. Gives what was said before.
pub(crate) fn keep(stack: libc::stack_t) -> libc::stack_t {
    KEPT.replace(stack)
}

/// Makes this the thread's as it is: what a carrier found when it installed its own, or what belongs to an exact thread's memory.
pub(crate) fn set_alternate_stack(stack: &libc::stack_t) -> bool {
    // SAFETY: a valid one; that it stays is its owners' care: it goes when it is not in force any more.
    unsafe { kernel_sigaltstack(core::ptr::from_ref(stack), null_mut()) == 0 }
}

/// Unmaps the larger stack, if it is the one that is disabled and nobody was told of it.
///
/// # Safety
/// As for [`sigaltstack`].
unsafe fn disable(new: *const libc::stack_t, old: *mut libc::stack_t) -> c_int {
    let mut before = libc::stack_t { ss_sp: null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: by contract; it installs nothing.
    let result = unsafe { kernel_sigaltstack(new, &raw mut before) };
    if result != 0 {
        return result;
    }
    // SAFETY: null or writable, by contract.
    if let Some(old) = unsafe { old.as_mut() } {
        *old = before;
        return result;
    }
    // Another one may have been installed by who will put this one back.
    if is_grown(&before) && !IS_TOLD.get() {
        // SAFETY: mapped by `grow`, no longer in use, and as nobody was told where it is, nobody can install it again.
        let _ = unsafe { sys::unmap(GROWN.replace(null_mut()), least() + GUARD) };
    }
    result
}

/// Installs the thread's larger stack in place of `stack`. `None`: there is no memory for it.
///
/// # Safety
/// As for [`sigaltstack`].
unsafe fn grow(stack: &libc::stack_t, old: *mut libc::stack_t) -> Option<c_int> {
    let had = GROWN.get();
    // One serves all that ask one after the other: only one can be in force.
    let base = if had.is_null() { sys::map_stack(least() + GUARD, GUARD).ok()?.as_ptr() } else { had };
    let grown = libc::stack_t { ss_sp: usable(base), ss_flags: stack.ss_flags, ss_size: least() };
    // SAFETY: mapped, and unmapped only by `disable`; `old` by contract.
    let result = unsafe { kernel_sigaltstack(&raw const grown, old) };
    if result == 0 {
        GROWN.set(base);
    } else if had.is_null() {
        // SAFETY: mapped just now, and refused.
        let _ = unsafe { sys::unmap(base, least() + GUARD) };
    }
    Some(result)
}

/// What handlers use of a mapping: all but its guard.
fn usable(base: *mut u8) -> *mut c_void {
    base.wrapping_add(GUARD).cast()
}

/// This thread's alternate stack, if it is one that was given to it in place of a smaller one, and no handler runs on it.
pub(crate) fn grown_stack() -> Option<libc::stack_t> {
    let mut now = NONE;
    // Who asks for a large one after it was given one has that.
    // SAFETY: only asks.
    let asks = |now: &mut libc::stack_t| unsafe { kernel_sigaltstack(core::ptr::null(), now) == 0 };
    let is_in_force = !GROWN.get().is_null() && asks(&mut now) && is_grown(&now);
    (is_in_force && now.ss_flags & libc::SS_ONSTACK == 0).then_some(now)
}
