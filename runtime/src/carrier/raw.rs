//! The bare context switch, for benchmarks: what it costs without queues, hop stacks and counts.

/// A stack that waits to go on.
pub type Parked = *mut u8;

/// A function that is entered on a stack of its own.
pub type Entry = unsafe extern "C-unwind" fn(*mut u8);

/// Goes on with `to`; `*save` becomes the caller.
///
/// # Safety
/// `to` was saved by [`switch`] or [`enter`] on this OS thread and has not gone on since.
#[inline(always)]
pub unsafe fn switch(to: Parked, save: *mut Parked) {
    // SAFETY: the caller's promise.
    unsafe { crate::arch::switch(to, save) }
}

/// Starts `entry(argument)`, which never returns, on a stack that ends at `top`; `*save` becomes the caller.
///
/// # Safety
/// The stack is free, large enough and ends at a multiple of 16.
#[inline(always)]
pub unsafe fn enter(top: *mut u8, save: *mut Parked, entry: Entry, argument: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { crate::arch::enter(top, save, entry, argument) }
}

/// Goes on with `to`, and gives it the caller; gives who came back. No memory is touched but the stacks.
///
/// # Safety
/// As for [`switch`]; `to` came from here or [`enter_exchanging`], and so does what whoever resumes the caller passes.
#[inline(always)]
pub unsafe fn exchange(to: Parked) -> Parked {
    // SAFETY: the caller's promise.
    unsafe { crate::arch::exchange(to) }
}

/// Starts `entry`, which never returns, with the caller as its argument; gives who came back.
///
/// # Safety
/// As for [`enter`] and [`exchange`].
#[inline(always)]
pub unsafe fn enter_exchanging(top: *mut u8, entry: Entry) -> Parked {
    // SAFETY: the caller's promise.
    unsafe { crate::arch::enter_exchanging(top, entry) }
}
