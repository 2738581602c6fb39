//! Taking and giving back a chunk. What every call onto a chunk executes of it is in assembly (`arch::call_on_fresh`).
//!
//! ```text
//! lists[size / 16] --> top of a free chunk         in use
//!                      top - 8: next free  ---->     top - 8: the entry's frames
//! ```
//!
//! A [`Chunk`] knows the list that it goes back to. Whatever needs more than a push (own mappings, painted stacks,
//! other allocators) was lent by the slow path with the list `returned` instead, which the slow path empties
//! the next time it runs. So all of that costs the fast path nothing.

use core::cell::Cell;
use vale_threads_abi as abi;

/// One list for every size with a class; index 0 stays empty.
pub(crate) const CLASSES: usize = (abi::LARGEST_CHUNK / abi::CLASS_STEP) as usize + 1;

/// How far a size is shifted to the right to give the distance of its list from the first, in bytes.
pub(crate) const TO_LIST: u32 = {
    assert!(abi::CLASS_STEP.is_power_of_two() && abi::CLASS_STEP as usize >= size_of::<List>());
    abi::CLASS_STEP.trailing_zeros() - size_of::<List>().trailing_zeros()
};

/// Head of a list of free chunks: the top of the first, or null. The next one's top lies in the 8 bytes below a top.
pub(crate) type List = Cell<*mut u8>;

/// Removes the first chunk of a list.
///
/// # Safety
/// The list's chunks are free: nobody else uses their memory.
#[inline(always)]
pub(crate) unsafe fn pop(list: &List) -> Option<*mut u8> {
    let top = list.get();
    if top.is_null() {
        return None;
    }
    // SAFETY: a free chunk is at least `CLASS_STEP` bytes long and holds the next top in its last word.
    list.set(unsafe { top.cast::<*mut u8>().sub(1).read() });
    Some(top)
}

/// Puts a chunk onto a list.
///
/// # Safety
/// `top` ends a chunk that nobody uses any more.
#[inline(always)]
pub(crate) unsafe fn push(list: &List, top: *mut u8) {
    // SAFETY: the chunk is ours, and long enough for a word.
    unsafe { top.cast::<*mut u8>().sub(1).write(list.get()) };
    list.set(top);
}

/// How many chunks are in a list.
///
/// # Safety
/// As for [`pop`].
pub(crate) unsafe fn count(list: &List) -> usize {
    let mut top = list.get();
    let mut count = 0;
    while !top.is_null() {
        count += 1;
        // SAFETY: as in `pop`.
        top = unsafe { top.cast::<*mut u8>().sub(1).read() };
    }
    count
}

/// A chunk in use. It goes back when this is dropped, which must happen on another stack: on the caller's, so that leaving
/// the chunk by unwinding frees it as well.
#[derive(Debug)]
pub(crate) struct Chunk {
    top: *mut u8,
    list: *const List,
}

impl Chunk {
    /// A chunk that was lent by the slow path.
    ///
    /// # Safety
    /// `top` ends a stack that is free and fit for `list`, which outlives it.
    pub(crate) unsafe fn lent(top: *mut u8, list: &List) -> Self {
        Self { top, list }
    }

    /// Top and list, for [`lent`](Self::lent) to make it whole again.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (*mut u8, *const List) {
        let parts = (self.top, self.list);
        core::mem::forget(self);
        parts
    }

    /// Does it go back to that one?
    pub(crate) fn is_of(&self, list: *const List) -> bool {
        core::ptr::eq(self.list, list)
    }

    /// Above its highest byte; a multiple of 16.
    #[cfg(test)]
    #[inline(always)]
    pub(crate) fn top(&self) -> *mut u8 {
        self.top
    }
}

impl Drop for Chunk {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: whoever held this used the chunk alone and has left it. The list outlives it (see `lent`).
        unsafe { push(&*self.list, self.top) }
    }
}
