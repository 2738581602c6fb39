//! The bytes of a task's stack and its flags, in one word: words of their own would be sixteen bytes more of every vthread.

use crate::facade::{AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// Set once, after the result is there.
pub(super) const HAS_ENDED: u32 = 1;
/// To park.
pub(super) const HAS_PERMIT: u32 = 2;
/// Nobody will take the result.
pub(super) const IS_UNWANTED: u32 = 4;
/// Sizes have none of them.
pub(super) const FLAGS: u32 = HAS_ENDED | HAS_PERMIT | IS_UNWANTED;

/// Flags are written under the lock of the task's state, the size before anybody else knows the task.
pub(super) struct Word(AtomicU32);

impl Word {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[inline(always)]
    pub(super) fn size(&self) -> u32 {
        self.0.load(Relaxed) & !FLAGS
    }

    #[inline(always)]
    pub(super) fn set_size(&self, size: u32) {
        debug_assert!(size & FLAGS == 0, "no size that the link step writes");
        self.0.store(size, Relaxed);
    }

    /// Under the lock.
    #[inline(always)]
    pub(super) fn has(&self, flag: u32) -> bool {
        self.0.load(Relaxed) & flag != 0
    }

    /// Without the lock as well: who sees it sees what was done before.
    #[inline(always)]
    pub(super) fn has_ended(&self) -> bool {
        self.0.load(Acquire) & HAS_ENDED != 0
    }

    /// Under the lock, so nobody else writes between the two.
    #[inline(always)]
    pub(super) fn set(&self, flag: u32) {
        self.0.store(self.0.load(Relaxed) | flag, Release);
    }

    /// As [`set`](Self::set). Not of what has ended.
    #[inline(always)]
    pub(super) fn clear(&self, flag: u32) {
        self.0.store(self.0.load(Relaxed) & !flag, Release);
    }
}
