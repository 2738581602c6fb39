//! Where chunks come from: the policy, and the region that it must stay inside.

mod arena;
mod heap;
mod pool;
#[cfg(all(test, vthread_native))]
mod tests;

pub use arena::Arena;
pub use heap::Heap;
pub use pool::Pool;

use core::ptr::NonNull;

/// The range of addresses that all chunks lie in, as an allocator sees it.
#[derive(Debug)]
pub struct Region(());

impl Region {
    /// The process's region, which must be reserved.
    #[cfg_attr(not(vthread_native), expect(dead_code, reason = "no chunks there"))]
    pub(crate) const fn handle() -> Self {
        Self(())
    }

    /// `len` bytes, rounded up to whole pages, at a multiple of 2 MiB if they are at least as long. They are readable and
    /// writable and cost memory only where they are touched. `None`: the region or the system's memory is used up.
    pub fn take(&self, len: usize) -> Option<NonNull<u8>> {
        let page = vale_threads_abi::PAGE as usize;
        let len = len.checked_next_multiple_of(page)?;
        let align = if len >= crate::region::SLAB { crate::region::SLAB } else { page };
        crate::region::take(len, align).ok().and_then(NonNull::new)
    }

    /// Gives memory back to the region, and its pages to the system.
    ///
    /// # Safety
    /// `at` and `len` are what a call of [`take`](Self::take) gave and got, or whole pages of that, and nothing uses them any
    /// more.
    pub unsafe fn give_back(&self, at: NonNull<u8>, len: usize) {
        let len = len.next_multiple_of(vale_threads_abi::PAGE as usize);
        // SAFETY: the caller's promise.
        unsafe { crate::region::give(at.as_ptr(), len) };
    }
}

/// A policy for the memory of chunks. Each thread that runs vthreads has an allocator of its own, so none needs locks.
///
/// It is called off the chunks, on an ordinary large stack, and must not park.
///
/// # Panics
/// No method may panic: carriers call them between vthreads, with nothing in place that a panic could end in. If one does, the process
/// ends with a message.
///
/// # Safety
/// Every address that `allocate` gives is a multiple of 16, and `size` bytes from there lie inside memory that came from
/// [`Region::take`] and was not given back, are readable and writable, and overlap nothing that is allocated. They stay so until
/// `deallocate` gets them. The same holds for each chunk of `allocate_run`, which gives one at least and as many as it was asked for at
/// most.
pub unsafe trait StackAllocator {
    /// The lowest address of `size` free bytes, or `None` if there is no memory. `size` is a multiple of 16 and at most
    /// 64 KiB.
    fn allocate(&mut self, region: &Region, size: usize) -> Option<NonNull<u8>>;

    /// Up to `most` chunks at once that lie side by side: the lowest address, and how many there are. Each of them is a chunk of its
    /// own and comes back alone.
    ///
    /// Asked of allocators that [allow free lists](Self::allows_free_lists) when a list is empty; the more a thread uses, the more
    /// it asks for. One chunk, if it is not overridden.
    fn allocate_run(&mut self, region: &Region, size: usize, most: usize) -> Option<(NonNull<u8>, usize)> {
        debug_assert!(most > 0);
        self.allocate(region, size).map(|chunk| (chunk, 1))
    }

    /// Takes a chunk back.
    ///
    /// # Safety
    /// `chunk` came from `allocate` or `allocate_run` of this allocator with the same `size`, and nobody uses it any more.
    unsafe fn deallocate(&mut self, region: &Region, chunk: NonNull<u8>, size: usize);

    /// May freed chunks wait in the thread's free lists, to be used again without asking? They come to
    /// `deallocate` only when the lists are trimmed. That is what makes a call onto a chunk cheap.
    fn allows_free_lists(&self) -> bool {
        false
    }

    /// Gives memory that is not used back to the region, as far as that is worth while. `all`: the thread stops running
    /// vthreads, so nothing is worth keeping.
    fn trim(&mut self, _region: &Region, _all: bool) {}
}
