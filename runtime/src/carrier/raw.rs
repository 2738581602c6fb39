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
