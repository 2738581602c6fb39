//! Calls from one stack to another: onto a chunk, and off it.

use crate::arch::{self, Callee, Entry, Pair, Word};
use crate::stacks::Stacks;
use crate::{carrier, hop_stack};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
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

/// The size that the link step wrote for a function, and its address. Both come from one piece of assembly, because the
/// record speaks of the address that it loads: another codegen unit may have a copy of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! __sized_entry {
    ($entry:path, $reserve:expr, $flags:expr) => {
        $crate::__sized_entry!(($entry), $reserve, $flags)
    };
    // No expression, because rust-analyzer takes none behind `sym`.
    (($($entry:tt)+), $reserve:expr, $flags:expr) => {{
        let (size, entry): (u32, *const ());
        // SAFETY: puts two constants into registers.
        #[allow(clippy::pointers_in_nomem_asm_block, reason = "the pointer is an output")]
        unsafe {
            ::core::arch::asm!(
                "mov {n:e}, {unpatched}",
                "771:",
                "lea {p}, [rip + {f}]",
                // Whoever has an entry needs the hop stubs, which nothing else refers to before the link step has run.
                ".reloc ., R_X86_64_NONE, __morestack",
                $crate::__private::abi::record!(1, "771b - 4", "{f}", "{reserve}", "{flags}", ""),
                n = out(reg) size,
                p = out(reg) entry,
                f = sym $($entry)+,
                unpatched = const $crate::__private::abi::UNPATCHED,
                reserve = const $reserve,
                flags = const $flags,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        (size, entry)
    }};
}

/// The size that the link step wrote for `E::enter`, and its address.
#[inline(always)]
pub(crate) fn entry_of<E: Enter>() -> (u32, Entry) {
    let (size, entry) = crate::__sized_entry!(E::enter, E::RESERVE, E::FLAGS);
    // SAFETY: the address of a function of that type.
    (size, unsafe { core::mem::transmute::<Callee, Entry>(entry) })
}

/// Argument block on the caller's stack: the closure, then its result.
#[repr(C)]
pub(crate) union Slot<F, R> {
    closure: ManuallyDrop<F>,
    result: ManuallyDrop<R>,
}

/// Runs the closure in a [`Slot`].
pub(crate) struct RunSlot<F, R, const FLAGS: u32 = 0>(PhantomData<(F, R)>);

impl<F: FnOnce() -> R, R, const FLAGS: u32> Enter for RunSlot<F, R, FLAGS> {
    const FLAGS: u32 = FLAGS;

    #[inline(never)]
    #[allow(clippy::ptr_as_ptr, reason = "a call of `cast` is one more function for every closure")]
    unsafe extern "C-unwind" fn enter(argument: *mut u8) {
        let slot = argument as *mut Slot<F, R>;
        // SAFETY: `slot` holds the closure, and its owner takes the result only if this returns.
        unsafe {
            let closure = ManuallyDrop::take(&mut (*slot).closure);
            (*slot).result = ManuallyDrop::new(closure());
        }
    }
}

impl<F: FnOnce() -> R, R> Slot<F, R> {
    #[inline(always)]
    pub(crate) fn new(closure: F) -> Self {
        Self { closure: ManuallyDrop::new(closure) }
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
        unsafe { ManuallyDrop::into_inner(self.result) }
    }
}

/// A closure of three words at most, as it is passed in registers.
#[repr(C)]
union Closure<F> {
    closure: ManuallyDrop<F>,
    words: [Word; 3],
}

/// Its result of two.
#[repr(C)]
union Outcome<R> {
    result: ManuallyDrop<R>,
    pair: Pair,
}

/// Do both fit into registers?
const fn fits<F, R>() -> bool {
    size_of::<F>() <= size_of::<[Word; 3]>() && size_of::<R>() <= size_of::<Pair>()
}

/// Runs a closure that is passed in registers. What it has captured and what it gives goes through no memory: a call onto a
/// chunk is so short that waiting for that would be most of it.
struct RunWords<F, R, const FLAGS: u32>(PhantomData<(F, R)>);

impl<F: FnOnce() -> R, R, const FLAGS: u32> RunWords<F, R, FLAGS> {
    /// # Safety
    /// The words are those of an `F` that nobody else has.
    #[inline(never)]
    unsafe extern "C-unwind" fn enter(a: Word, b: Word, c: Word) -> Pair {
        // SAFETY: the words are those of a closure that nobody else has.
        let closure: F = ManuallyDrop::into_inner(unsafe { Closure { words: [a, b, c] }.closure });
        let outcome = Outcome { result: ManuallyDrop::new(closure()) };
        // SAFETY: words may be uninitialised.
        unsafe { outcome.pair }
    }
}

/// `$closure: $f`, which gives an `$r`, by way of [`RunWords::enter`] or [`RunSlot::enter`], with the size and address that `$words` or
/// `$slot` gives for it.
///
/// All in one body: what is generic over a closure, the compiler makes anew for every closure, and there is one for each method of
/// each type. The functions that this would be taken apart into were most of the time that `#[vthread]` cost it.
macro_rules! call_on_chunk {
    ($f:ty, $r:ty, $closure:ident, $words:expr, $slot:expr) => {
        if const { fits::<$f, $r>() } {
            type Plain = unsafe extern "C-unwind" fn(Word, Word, Word) -> Pair;
            let (size, entry): (u32, Callee) = $words;
            // SAFETY: words may be uninitialised.
            let [a, b, c] = unsafe { Closure { closure: ManuallyDrop::new($closure) }.words };
            let pair = crate::__by_stack!(
                // SAFETY: that is its type, and these are its words.
                unsafe { core::mem::transmute::<Callee, Plain>(entry)(a, b, c) },
                // SAFETY: on a chunk this thread has lists; the link step wrote, or the caller promises, that the size is enough.
                unsafe { arch::call_on_fresh(a, b, c, size, entry, core::any::type_name::<$f>) }
            );
            // SAFETY: it has returned, with its result in the words.
            unsafe { ManuallyDrop::into_inner(Outcome { pair }.result) }
        } else {
            let (size, entry): (u32, Callee) = $slot;
            let mut slot = Slot::<$f, $r> { closure: ManuallyDrop::new($closure) };
            #[allow(clippy::ptr_as_ptr, reason = "a call of `cast` is one more function for every closure")]
            let argument = &raw mut slot as *mut u8;
            crate::__by_stack!(
                // SAFETY: that is its type, and it wants the slot.
                unsafe { core::mem::transmute::<Callee, Entry>(entry)(argument) },
                {
                    let words = [Word::new(argument), Word::uninit(), Word::uninit()];
                    // SAFETY: as above.
                    unsafe {
                        arch::call_on_fresh(
                            words[0],
                            words[1],
                            words[2],
                            size,
                            entry,
                            core::any::type_name::<$f>,
                        )
                    };
                }
            );
            // SAFETY: it has returned, and has left its result here.
            unsafe { ManuallyDrop::into_inner(slot.result) }
        }
    };
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
    call_on_chunk!(
        F,
        R,
        f,
        crate::__sized_entry!(RunWords::<F, R, 0>::enter, 0, 0),
        crate::__sized_entry!(RunSlot::<F, R, 0>::enter, 0, 0)
    )
}

/// [`on_chunk`] for `#[vthread(exact)]`: the link step refuses an `f` that it cannot prove a bound for.
#[inline(always)]
pub fn on_chunk_exact<F: FnOnce() -> R, R>(f: F) -> R {
    const EXACT: u32 = abi::flags::EXACT;
    call_on_chunk!(
        F,
        R,
        f,
        crate::__sized_entry!(RunWords::<F, R, EXACT>::enter, 0, EXACT),
        crate::__sized_entry!(RunSlot::<F, R, EXACT>::enter, 0, EXACT)
    )
}

/// Where what was entered by [`enter_on_chunk`] with arguments `A` leaves its result: in registers, or in its caller's slot.
#[derive(Debug)]
pub struct Answer<A, R>(*mut u8, PhantomData<(A, R)>);

/// Calls a function that `#[vthread]` writes as [`on_chunk`] calls a closure, or where the caller is, if the link step finds that it needs
/// little there. What is generic here is so over the types of arguments and result alone:
/// methods of a type that take and give the same share it.
///
/// # Safety
/// `here` is a function that calls [`entered`] first and [`give`] last, both for `A` and `R` but for their lifetimes, `entry` is the address of it or
/// of a copy, and `size` what the link step wrote for that.
///
/// # Panics
/// When no memory is left for the chunk. What the function panics with passes through.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
#[allow(clippy::ptr_as_ptr, reason = "a call of `cast` is one more function for all arguments")]
pub unsafe fn enter_on_chunk<A, R>(
    size: u32,
    entry: Callee,
    here: unsafe extern "C-unwind" fn(Word, Word, Word) -> Pair,
    name: fn() -> &'static str,
    arguments: A,
) -> R {
    if const { fits::<A, R>() } {
        // SAFETY: words may be uninitialised.
        let [a, b, c] = unsafe { Closure { closure: ManuallyDrop::new(arguments) }.words };
        let pair = crate::__by_stack!(
            // SAFETY: these are its words.
            in place unsafe { here(a, b, c) },
            // SAFETY: on a chunk this thread has lists; the caller promises that the size is enough.
            unsafe { arch::call_on_fresh(a, b, c, size, entry, name) }
        );
        // SAFETY: it has returned, with its result in the words.
        unsafe { ManuallyDrop::into_inner(Outcome { pair }.result) }
    } else {
        let mut slot = Slot::<A, R> { closure: ManuallyDrop::new(arguments) };
        let at = Word::new(&raw mut slot as *mut u8);
        let _: Pair = crate::__by_stack!(
            // SAFETY: it wants the slot.
            in place unsafe { here(at, Word::uninit(), Word::uninit()) },
            // SAFETY: as above.
            unsafe { arch::call_on_fresh(at, Word::uninit(), Word::uninit(), size, entry, name) }
        );
        // SAFETY: it has returned, and has left its result here.
        unsafe { ManuallyDrop::into_inner(slot.result) }
    }
}

/// The arguments of a function that was entered by [`enter_on_chunk`], and where its result goes.
///
/// # Safety
/// Once in each activation, with its words.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
#[allow(clippy::ptr_as_ptr, reason = "a call of `cast` is one more function for all arguments")]
pub unsafe fn entered<A, R>(a: Word, b: Word, c: Word) -> (Answer<A, R>, A) {
    if const { fits::<A, R>() } {
        // SAFETY: the words are arguments that nobody else has.
        let arguments = ManuallyDrop::into_inner(unsafe { Closure { words: [a, b, c] }.closure });
        (Answer(core::ptr::null_mut(), PhantomData), arguments)
    } else {
        // SAFETY: the first word is the address of the slot, which holds them, and whose owner takes the result only if the function returns.
        unsafe {
            let slot = a.assume_init();
            let arguments = ManuallyDrop::take(&mut (*(slot as *mut Slot<A, R>)).closure);
            (Answer(slot, PhantomData), arguments)
        }
    }
}

/// Leaves the result of such a function, and gives what it returns.
///
/// # Safety
/// In the activation whose `answer` it is, at its end.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
#[allow(clippy::ptr_as_ptr, reason = "a call of `cast` is one more function for all arguments")]
#[allow(clippy::needless_pass_by_value, reason = "a result is given once")]
pub unsafe fn give<A, R>(answer: Answer<A, R>, result: R) -> Pair {
    let result = ManuallyDrop::new(result);
    if const { fits::<A, R>() } {
        // SAFETY: words may be uninitialised.
        unsafe { Outcome { result }.pair }
    } else {
        // SAFETY: the slot lives until the function has returned, and the arguments have been taken.
        unsafe { (*(answer.0 as *mut Slot<A, R>)).result = result };
        Pair(Word::uninit(), Word::uninit())
    }
}

/// [`on_chunk`] with another size than the link step wrote; for tests and benchmarks without it.
///
/// # Safety
/// So many bytes are enough for `f`: nothing proves that.
#[inline(always)]
pub unsafe fn on_chunk_sized<F: FnOnce() -> R, R>(size: u32, f: F) -> R {
    call_on_chunk!(
        F,
        R,
        f,
        (size, RunWords::<F, R, 0>::enter as Callee),
        (size, RunSlot::<F, R>::enter as Callee)
    )
}

/// Enters on another stack what takes a [`Slot`].
///
/// # Safety
/// As for [`arch::call_on`].
#[inline(always)]
pub(crate) unsafe fn call_on_slot(argument: *mut u8, entry: Entry, top: *mut u8) {
    // SAFETY: the caller's promise; an entry leaves nothing as its result.
    unsafe { arch::call_on(Word::new(argument), Word::uninit(), Word::uninit(), top, entry as Callee) };
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
    if const { fits::<F, R>() } {
        // SAFETY: words may be uninitialised.
        let [a, b, c] = unsafe { Closure { closure: ManuallyDrop::new(f) }.words };
        let pair = crate::__by_stack!(
            // SAFETY: the words are the closure's.
            unsafe { RunWords::<F, R, 0>::enter(a, b, c) },
            // SAFETY: on a chunk a hop stack is installed and empty: whatever ran on it has returned, or has detached it.
            unsafe { arch::call_on(a, b, c, arch::hop_top(), RunWords::<F, R, 0>::enter as Callee) }
        );
        // SAFETY: it has returned, with its result in the words.
        unsafe { ManuallyDrop::into_inner(Outcome { pair }.result) }
    } else {
        let mut slot = Slot::<F, R>::new(f);
        let argument = slot.as_argument();
        crate::__by_stack!(
            // SAFETY: it wants the slot.
            unsafe { RunSlot::<F, R>::enter(argument) },
            // SAFETY: as above.
            unsafe { call_on_slot(argument, RunSlot::<F, R>::enter, arch::hop_top()) }
        );
        // SAFETY: it has returned.
        unsafe { slot.into_result() }
    }
}

/// Calls `f`; where a hop stack is half used, on another one, and from a large stack of a vthread without a bound, on the hop stack. For what recurses
/// by way of code that knows nothing of chunks, and so comes back off them: what that calls in between has half a hop stack at least.
///
/// # Panics
/// When `f` does, and when no hop stack is left.
#[inline(always)]
pub fn with_room<F: FnOnce() -> R, R>(f: F) -> R {
    crate::__by_stack!(
        match Room::here() {
            Room::Enough => f(),
            Room::OnHopStack => on_hop_stack(f),
            Room::OnAnother => on_another_hop_stack(f),
        },
        f()
    )
}

/// Where there is room for calls off the chunks.
enum Room {
    /// Here, or this is no vthread.
    Enough,
    /// On the installed hop stack, which is empty.
    OnHopStack,
    /// On another hop stack than the installed one, which the caller uses.
    OnAnother,
}

impl Room {
    #[inline(never)]
    fn here() -> Self {
        if carrier::mounted().is_none() {
            return Self::Enough;
        }
        if hop_stack::on_installed() {
            return if hop_stack::is_half_used() { Self::OnAnother } else { Self::Enough };
        }
        // Not on a signal stack: who was interrupted may be on the hop stack.
        match Stacks::with(|stacks| stacks.is_unproved_at(arch::rsp())) {
            Some(true) => Self::OnHopStack,
            _ => Self::Enough,
        }
    }
}

#[inline(never)]
fn on_hop_stack<F: FnOnce() -> R, R>(f: F) -> R {
    let mut slot = Slot::<F, R>::new(f);
    // SAFETY: the caller is on a stack of a vthread, no chunk, that is not the installed hop stack, which therefore is empty; it wants the slot.
    unsafe { call_on_slot(slot.as_argument(), RunSlot::<F, R>::enter, arch::hop_top()) };
    // SAFETY: it has returned.
    unsafe { slot.into_result() }
}

#[cold]
#[inline(never)]
fn on_another_hop_stack<F: FnOnce() -> R, R>(f: F) -> R {
    /// Goes back to the stack that was kept, whether `f` returns or panics.
    struct Back(Option<hop_stack::Kept>);

    impl Drop for Back {
        fn drop(&mut self) {
            if let Some(kept) = self.0.take() {
                kept.reattach();
            }
        }
    }

    let back = match hop_stack::detach() {
        Ok(kept) => Back(Some(kept)),
        Err(error) => panic!("vthread: no stack for calls that go this deep: {error}"),
    };
    // What is installed now is empty, and stays so until `back` is dropped.
    let result = on_hop_stack(f);
    drop(back);
    result
}

/// The context word for code that does not get it as an argument: bit 0 says whether the caller is on a chunk. It is read from
/// the stack pointer, so it is never stale.
#[inline(always)]
pub fn current() -> i64 {
    i64::from(arch::on_chunk_now())
}

/// [`current`] for closures and others that are mostly inlined: in a loop it is read once, and not at all where it is not needed.
#[inline(always)]
pub fn current_here() -> i64 {
    arch::on_chunk_here()
}
