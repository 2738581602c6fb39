//! Waiters that somebody has claimed: how they are made to go on.

use super::Waiting;
use crate::arch::Parked;
use crate::call::hop;
use crate::carrier;
use core::mem::ManuallyDrop;
use core::ptr::null_mut;

/// A waiter that goes on when this is used or dropped, and not before.
pub(crate) struct Claimed {
    pub(super) waiting: *const Waiting,
    pub(super) slot: *mut (),
}

impl Claimed {
    #[inline]
    pub(crate) fn slot(&self) -> *mut () {
        self.slot
    }

    pub(super) fn into_waiting(self) -> *const Waiting {
        ManuallyDrop::new(self).waiting
    }

    /// Makes it go on, some time.
    #[inline]
    pub(crate) fn wake(self) {
        drop(self);
    }

    /// Its stack, if it is a vthread of this carrier, for the caller to go on with. Otherwise it is woken.
    #[inline]
    pub(super) fn into_local(self) -> Option<Parked> {
        // SAFETY: claimed, so it stays until it goes on.
        let waiting = unsafe { &*self.waiting };
        if let Some(home) = waiting.home
            && carrier::is_home(home)
        {
            core::mem::forget(self);
            return Some(waiting.parked_place().get());
        }
        hop(|| drop(self));
        None
    }

    /// Switches straight into it, if it is a vthread of this carrier and the caller is a vthread whose stack can be left;
    /// otherwise wakes it.
    #[inline(always)]
    pub(crate) fn hand_over(self) {
        let Some(me) = carrier::me_at_ease() else { return hop(|| self.hand_over_however()) };
        if let Some(parked) = self.into_local() {
            // SAFETY: claimed by us, so it is resumed once.
            unsafe { me.yield_to(parked) };
        }
    }

    /// The same, for ordinary threads, and for vthreads that panic or are off their chunks.
    #[cold]
    fn hand_over_however(self) {
        if carrier::can_hand_over()
            && let Some(parked) = self.into_local()
        {
            // SAFETY: claimed by us, so it is resumed once.
            unsafe { carrier::yield_to(parked) };
        }
    }
}

impl Drop for Claimed {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: claimed, so it stays until the push or the store below.
        let waiting = unsafe { &*self.waiting };
        match waiting.home {
            Some(home) => {
                if !carrier::make_ready(home, waiting.parked_place()) {
                    // SAFETY: claimed by us, and its carrier's.
                    unsafe { home.push(waiting) };
                }
            }
            None => waiting.wake_thread(),
        }
    }
}

/// Several waiters, in order; they are woken when it is dropped.
pub(crate) struct ClaimedAll {
    first: *mut Waiting,
    last: *mut Waiting,
}

impl ClaimedAll {
    pub(crate) const fn new() -> Self {
        Self { first: null_mut(), last: null_mut() }
    }

    pub(crate) fn push(&mut self, claimed: Claimed) {
        let waiting = claimed.into_waiting().cast_mut();
        // SAFETY: those claimed are ours until they are woken.
        unsafe {
            (*waiting).set_next(null_mut());
            match self.last.as_ref() {
                Some(last) => last.set_next(waiting),
                None => self.first = waiting,
            }
        }
        self.last = waiting;
    }

    pub(crate) fn wake(self) {
        drop(self);
    }
}

impl Drop for ClaimedAll {
    fn drop(&mut self) {
        // SAFETY: claimed, so each stays until it is woken, and its link to the next is read before that.
        while let Some(waiting) = unsafe { self.first.as_ref() } {
            self.first = waiting.next();
            drop(Claimed { waiting, slot: null_mut() });
        }
    }
}
