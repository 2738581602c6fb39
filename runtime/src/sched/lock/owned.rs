//! The side of the owner, and how ownership is taken away.

use super::{Lock, Raw, RawGuard, SHARED, UNOWNED, bias};
use crate::call::hop;
use crate::facade::{
    Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
    compiler_fence, yield_now,
};
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

/// Inside, as its owner.
pub(crate) struct Owned<'a, S>(&'a Lock<S>);

impl<S> Lock<S> {
    /// For what the running carrier alone will use, as far as it knows.
    #[inline(always)]
    pub(crate) fn of_this_carrier(state: S) -> Self {
        Self::of(Self::owner_here(), state)
    }

    /// Whose it is at first.
    #[inline(always)]
    fn owner_here() -> u32 {
        match bias::id() {
            0 => SHARED,
            me if bias::grant() => me,
            _ => SHARED,
        }
    }

    /// `None`: this carrier does not own it (yet), or is inside.
    #[inline(always)]
    pub(crate) fn lock_as_owner(&self) -> Option<Owned<'_, S>> {
        // Not by `then_some`, which makes one first: what is dropped says that the owner has left, whoever drops it.
        if self.raw.enter_as_owner(bias::id()) { Some(Owned(self)) } else { None }
    }
}

impl<'a, S> Owned<'a, S> {
    /// The lock is held on, until [`Raw::leave_as_owner`], and the pointer is valid as long.
    #[inline(always)]
    pub(crate) fn into_raw(self) -> (&'a Raw, *mut S) {
        let this = ManuallyDrop::new(self);
        (&this.0.raw, this.0.state.get())
    }
}

impl<S> Deref for Owned<'_, S> {
    type Target = S;

    #[inline(always)]
    fn deref(&self) -> &S {
        // SAFETY: inside, where nobody else is.
        unsafe { &*self.0.state.get() }
    }
}

impl<S> DerefMut for Owned<'_, S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut S {
        // SAFETY: as above.
        unsafe { &mut *self.0.state.get() }
    }
}

impl<S> Drop for Owned<'_, S> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.raw.held.store(false, Release);
    }
}

impl Raw {
    /// `false`: it belongs to somebody else, or is held.
    #[inline(always)]
    pub(super) fn enter_as_owner(&self, me: u32) -> bool {
        // To be inside already would take an allocator that uses the very thing that allocates: then it is a deadlock, not
        // undefined behaviour.
        if self.owner.load(Relaxed) != me || self.held.load(Relaxed) {
            return false;
        }
        self.held.store(true, Relaxed);
        compiler_fence(SeqCst);
        if self.owner.load(Relaxed) == me {
            return true;
        }
        self.held.store(false, Release);
        false
    }

    /// # Safety
    /// This carrier is inside as its owner, by an [`Owned`] that was taken apart.
    #[inline(always)]
    pub(crate) unsafe fn leave_as_owner(&self) {
        self.held.store(false, Release);
    }

    /// On a stack where what the mutex and the kernel need is no vthread's.
    #[cold]
    #[inline(never)]
    pub(super) fn lock_slowly(&self) -> RawGuard<'_> {
        hop(|| self.lock_however())
    }

    fn lock_however(&self) -> RawGuard<'_> {
        let me = bias::id();
        loop {
            match self.owner.load(Acquire) {
                SHARED => return RawGuard { of: self, shared: Some(self.lock_shared()) },
                UNOWNED => {
                    let owner = if me != 0 && bias::grant() { me } else { SHARED };
                    // Whoever was quicker decides.
                    let _ = self.owner.compare_exchange(UNOWNED, owner, AcqRel, Acquire);
                }
                owner if owner == me => {
                    if self.enter_as_owner(me) {
                        return RawGuard { of: self, shared: None };
                    }
                    bias::assert_not_held_by_us(self.owner.load(Relaxed) == me);
                }
                _ => return self.take_away(),
            }
        }
    }

    /// Enters, and nobody is the owner any more.
    fn take_away(&self) -> RawGuard<'_> {
        let shared = self.lock_shared();
        // Somebody else may have been quicker.
        let owner = self.owner.load(Acquire);
        if owner != SHARED {
            self.owner.store(SHARED, SeqCst);
            bias::barrier_on_all_threads();
            // Its owner is inside for some instructions, if it is not suspended there.
            while self.held.load(Acquire) {
                bias::assert_is_alive(owner);
                yield_now();
            }
            bias::taken_away();
        }
        RawGuard { of: self, shared: Some(shared) }
    }
}
