//! Calls between stacks where there is one stack a thread: plain calls.

/// Calls `f`.
#[inline(always)]
pub fn on_chunk<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}

/// Calls `f`.
#[inline(always)]
pub fn on_chunk_exact<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}

/// Calls `f`.
#[inline(always)]
pub fn with_room<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}

/// What a function that `#[vthread]` writes is entered with: the first word leads to the arguments.
pub type Word = *mut u8;

/// What it returns: nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Pair(u8);

/// Where it leaves its result.
#[derive(Debug)]
pub struct Answer<A, R>(*mut Slot<A, R>);

/// The arguments, then the result.
struct Slot<A, R>(Option<A>, Option<R>);

/// Calls a function that `#[vthread]` writes.
///
/// # Safety
/// `entry` calls [`entered`] first and [`give`] last, both for `A` and `R` but for their lifetimes.
#[inline(always)]
#[allow(clippy::missing_panics_doc, reason = "none, where its safety is kept")]
pub unsafe fn enter_on_chunk<A, R>(
    entry: unsafe extern "C-unwind" fn(Word, Word, Word) -> Pair,
    arguments: A,
) -> R {
    let mut slot = Slot::<A, R>(Some(arguments), None);
    // SAFETY: it wants the slot.
    unsafe { entry((&raw mut slot).cast(), core::ptr::null_mut(), core::ptr::null_mut()) };
    slot.1.expect("it has left its result")
}

/// The arguments of a function that was entered by [`enter_on_chunk`], and where its result goes.
///
/// # Safety
/// Once in each activation, with its words.
#[inline(always)]
#[allow(clippy::missing_panics_doc, reason = "none, where its safety is kept")]
pub unsafe fn entered<A, R>(a: Word, _: Word, _: Word) -> (Answer<A, R>, A) {
    let slot: *mut Slot<A, R> = a.cast();
    // SAFETY: the slot of this activation.
    let arguments = unsafe { (*slot).0.take() };
    (Answer(slot), arguments.expect("they are taken once"))
}

/// Leaves the result of such a function, and gives what it returns.
///
/// # Safety
/// In the activation whose `answer` it is, at its end.
#[inline(always)]
#[allow(clippy::needless_pass_by_value, reason = "a result is given once")]
pub unsafe fn give<A, R>(answer: Answer<A, R>, result: R) -> Pair {
    // SAFETY: the slot lives until the function has returned.
    unsafe { (*answer.0).1 = Some(result) };
    Pair(0)
}

/// Calls `f`. Where vthreads have chunks of a proved size, it is carried out on an ordinary large stack.
#[inline(always)]
pub fn hop<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}

/// [`current`].
#[inline(always)]
pub fn current_here() -> i64 {
    0
}

/// The context word: never on a chunk.
#[inline(always)]
pub fn current() -> i64 {
    0
}
