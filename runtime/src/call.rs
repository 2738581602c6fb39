//! Calls from one stack to another: onto a chunk, and off it.

use crate::arch::{self, Entry};
use crate::chunk::{self, List};
use crate::stacks;
use core::arch::asm;
use core::mem::{ManuallyDrop, MaybeUninit};
use vale_threads_abi as abi;

/// Something that can be entered on another stack and wants a bound there.
pub(crate) trait Enter {
    /// Bytes that the runtime keeps at the top of the chunk.
    const RESERVE: u32 = 0;
    /// `flags` of the entry's record.
    const FLAGS: u32 = 0;

    /// # Safety
    /// `argument` is what the implementor says.
    unsafe extern "C-unwind" fn enter(argument: *mut u8);
}

/// The size that the link step wrote for `E::enter`, and its address. Both come from one piece of assembly, because the
/// record speaks of the address that it loads: another codegen unit may have a copy of its own.
#[inline(always)]
pub(crate) fn entry_of<E: Enter>() -> (u32, Entry) {
    let (size, entry): (u32, *const ());
    // SAFETY: puts two constants into registers.
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "the pointer is an output")]
    unsafe {
        asm!(
            "mov {n:e}, {unpatched}",
            "771:",
            "lea {p}, [rip + {f}]",
            // Whoever has an entry needs the hop stubs, which nothing else refers to before the link step has run.
            ".reloc ., R_X86_64_NONE, __morestack",
            abi::record!(1, "771b - 4", "{f}", "{reserve}", "{flags}", ""),
            n = out(reg) size,
            p = out(reg) entry,
            f = sym E::enter,
            unpatched = const abi::UNPATCHED,
            reserve = const E::RESERVE,
            flags = const E::FLAGS,
            options(pure, nomem, nostack, preserves_flags),
        );
        (size, core::mem::transmute::<*const (), Entry>(entry))
    }
}

/// Argument block on the caller's stack.
#[repr(C)]
pub(crate) struct Slot<F, R> {
    /// Top of the chunk that [`arch::call_taking`] took, once it has; written and read through the block's address alone.
    chunk: MaybeUninit<*mut u8>,
    value: Value<F, R>,
}

/// The closure, then its result.
union Value<F, R> {
    closure: ManuallyDrop<F>,
    result: ManuallyDrop<R>,
}

/// Runs the closure in a [`Slot`].
pub(crate) struct RunSlot<F, R>(core::marker::PhantomData<(F, R)>);

impl<F: FnOnce() -> R, R> Enter for RunSlot<F, R> {
    #[inline(never)]
    unsafe extern "C-unwind" fn enter(argument: *mut u8) {
        let slot = argument.cast::<Slot<F, R>>();
        // SAFETY: `slot` holds the closure, and its owner takes the result only if this returns.
        unsafe {
            let closure = ManuallyDrop::take(&mut (*slot).value.closure);
            (*slot).value.result = ManuallyDrop::new(closure());
        }
    }
}

/// The same for an entry that must be proved.
struct ExactSlot<F, R>(core::marker::PhantomData<(F, R)>);

impl<F: FnOnce() -> R, R> Enter for ExactSlot<F, R> {
    const FLAGS: u32 = abi::flags::EXACT;

    #[inline(never)]
    unsafe extern "C-unwind" fn enter(argument: *mut u8) {
        // SAFETY: the promise is the same.
        unsafe { RunSlot::<F, R>::enter(argument) };
    }
}

impl<F: FnOnce() -> R, R> Slot<F, R> {
    #[inline(always)]
    pub(crate) fn new(closure: F) -> Self {
        Self { chunk: MaybeUninit::uninit(), value: Value { closure: ManuallyDrop::new(closure) } }
    }

    #[inline(always)]
    pub(crate) fn as_argument(&mut self) -> *mut u8 {
        (&raw mut *self).cast()
    }

    /// # Safety
    /// The entry has returned.
    #[inline(always)]
    pub(crate) unsafe fn into_result(self) -> R {
        // SAFETY: then it has left its result here.
        unsafe { ManuallyDrop::into_inner(self.value.result) }
    }
}

/// Calls `f` on a fresh chunk of the size that was proved for it, if the caller is on a chunk; otherwise plainly, because
/// only returning and unwinding lead back from an ordinary stack to a chunk.
///
/// A result of more than a few words is copied twice: to the caller's block, and from there.
///
/// # Panics
/// When no memory is left for the chunk. What `f` panics with passes through.
#[inline(always)]
pub fn on_chunk<F: FnOnce() -> R, R>(f: F) -> R {
    on_chunk_of::<RunSlot<F, R>, F, R>(f)
}

/// [`on_chunk`] for `#[vthread(exact)]`: the link step refuses an `f` that it cannot prove a bound for.
#[inline(always)]
pub fn on_chunk_exact<F: FnOnce() -> R, R>(f: F) -> R {
    on_chunk_of::<ExactSlot<F, R>, F, R>(f)
}

/// `E` is entered with a [`Slot`] that holds the closure, and leaves the result there.
#[inline(always)]
fn on_chunk_of<E: Enter, F: FnOnce() -> R, R>(f: F) -> R {
    let (size, entry) = entry_of::<E>();
    // SAFETY: the link step wrote the size that was proved for `entry`, which wants such a slot.
    unsafe { on_chunk_for(size, entry, f) }
}

/// # Safety
/// `entry` takes a [`Slot`] that holds the closure, leaves the result there, and `size` bytes are enough for it.
#[inline(always)]
unsafe fn on_chunk_for<F: FnOnce() -> R, R>(size: u32, entry: Entry, f: F) -> R {
    let mut slot = Slot::<F, R>::new(f);
    let argument = slot.as_argument();
    if arch::on_chunk_now() {
        // SAFETY: on a chunk this thread has lists; the caller's promise.
        unsafe { call_on_fresh(size, entry, argument, core::any::type_name::<F>()) };
    } else {
        plain_call(argument, entry);
    }
    // SAFETY: it has returned.
    unsafe { slot.into_result() }
}

/// Gives the chunk back that the slot names, where the entry was left by unwinding. Nothing of it is held in registers: what
/// returns pays nothing for it.
struct GiveBack {
    size: u32,
    /// Begins with the chunk's top.
    slot: *const *mut u8,
}

impl Drop for GiveBack {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: `call_on_fresh` made this, on this thread; the chunk has been left, and the slot still names it.
        unsafe { chunk::push(&*arch::list_of(self.size).cast::<List>(), self.slot.read()) };
    }
}

/// Calls `entry` on the first chunk of the list for `size`, or on one that the slow path finds.
///
/// # Safety
/// On a chunk. `argument` is the slot that `entry` wants, and `size` bytes are enough for it.
#[inline(always)]
unsafe fn call_on_fresh(size: u32, entry: Entry, argument: *mut u8, name: &'static str) {
    // One comparison finds sizes without a list, unproved entries and the unpatched value.
    if size <= abi::LARGEST_CHUNK {
        // SAFETY: on a chunk this thread has lists, with an element for every such size.
        let (list, first) = unsafe {
            let list = arch::list_of(size);
            (list, (*list.cast::<List>()).get())
        };
        if !first.is_null() {
            let guard = GiveBack { size, slot: argument.cast() };
            // SAFETY: the first of a list is free and of its size; a slot begins with the word for its top.
            unsafe { arch::call_taking(argument, entry, list, first) };
            core::mem::forget(guard);
            return;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { call_slowly(size, entry, argument, name) }
}

/// # Safety
/// As for [`call_on_fresh`].
#[cold]
#[inline(never)]
unsafe fn call_slowly(size: u32, entry: Entry, argument: *mut u8, name: &'static str) {
    let chunk = stacks::take_slowly(size, name);
    // SAFETY: the chunk is free and large enough; the caller's promise.
    unsafe { arch::call_on(argument, entry, chunk.top()) };
}

/// [`on_chunk`] with another size than the link step wrote; for tests and benchmarks without it.
///
/// # Safety
/// So many bytes are enough for `f`: nothing proves that.
#[inline(always)]
pub unsafe fn on_chunk_sized<F: FnOnce() -> R, R>(size: u32, f: F) -> R {
    // SAFETY: the caller's promise.
    unsafe { on_chunk_for(size, RunSlot::<F, R>::enter, f) }
}

#[cold]
#[inline(always)]
fn plain_call(argument: *mut u8, entry: Entry) {
    crate::__plain_only!();
    // SAFETY: `on_chunk` and `hop` pass an entry and the slot that it wants.
    unsafe { entry(argument) }
}

/// Calls `f` on an ordinary large stack, if the caller is on a chunk; otherwise plainly.
///
/// The link step does this by itself to calls that have no bound. Here it is for calls that have one, but a large one, and are rare: a
/// buffer on the stack, a table that is built once. What `f` needs then no longer counts for the chunks of its callers. `vthread-bounds FILE`
/// shows the chain of calls that a chunk's size comes from. Costs a few nanoseconds.
///
/// `f` may wait; the vthread then keeps the large stack while it waits.
///
/// ```no_run
/// # fn build_table() -> Vec<u8> { Vec::new() }
/// let table = vthread::hop(build_table);
/// ```
///
/// # Panics
/// When `f` does.
#[inline(always)]
pub fn hop<F: FnOnce() -> R, R>(f: F) -> R {
    let mut slot = Slot::<F, R>::new(f);
    let entry: Entry = RunSlot::<F, R>::enter;
    if arch::on_chunk_now() {
        // SAFETY: on a chunk a hop stack is installed and empty: whatever ran on it has returned, or has detached it.
        unsafe { arch::call_on(slot.as_argument(), entry, arch::hop_top()) };
    } else {
        plain_call(slot.as_argument(), entry);
    }
    // SAFETY: it has returned.
    unsafe { slot.into_result() }
}

/// The context word for code that does not get it as an argument: bit 0 says whether the caller is on a chunk. It is read from
/// the stack pointer, so it is never stale.
#[inline(always)]
pub fn current() -> i64 {
    i64::from(arch::on_chunk_now())
}
