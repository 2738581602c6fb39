//! The permit of a vthread: `park` takes it or waits for it, `unpark` grants it; at most one is kept.

#[cfg(vthread_native)]
use super::super::wait::{InList, wait_thin};
use super::super::wait::{Outcome, What, wait_in};
use super::Task;
#[cfg(vthread_native)]
use super::checkpoint;
use super::word::HAS_PERMIT;
#[cfg(vthread_native)]
use crate::carrier;
use core::ptr::null_mut;
use std::time::Instant;

impl Task {
    pub(crate) fn park(&self, until: Option<Instant>) {
        let state = self.lock();
        if !self.word.has(HAS_PERMIT) {
            let what = What::new(&"parks until its unpark");
            wait_in(state, |s| &mut s.parked, what, null_mut(), until, None);
            return;
        }
        self.word.clear(HAS_PERMIT);
    }

    /// [`park`](Self::park) for as long as it takes, with as little on the stack as there can be.
    #[cfg(vthread_native)]
    #[inline(always)]
    pub(crate) fn park_thin(&self, me: carrier::AtEase) {
        // SAFETY: `has_parked` takes it out of the list.
        unsafe {
            wait_thin(me, move |place| self.begin_park(place), move |place, how| self.has_parked(place, how));
        }
    }

    /// # Safety
    /// Called by `wait_thin`, with its place.
    #[cfg(vthread_native)]
    #[inline(never)]
    unsafe fn begin_park(&self, place: *mut InList) -> carrier::Next {
        checkpoint();
        let state = self.lock();
        if self.word.has(HAS_PERMIT) {
            self.word.clear(HAS_PERMIT);
            return carrier::Next::nobody();
        }
        let what = What::new(&"parks until its unpark");
        // SAFETY: the caller's promise.
        unsafe { InList::enlist(place, state, |s| &mut s.parked, what, null_mut()) }
    }

    #[cfg(vthread_native)]
    #[inline(never)]
    fn has_parked(&self, place: &InList, outcome: Outcome) {
        if outcome != Outcome::Notified {
            // SAFETY: that is its list, and the lock's.
            unsafe { place.remove_from(&mut self.lock().parked) };
        }
        checkpoint();
    }

    pub(crate) fn unpark(&self) {
        let mut state = self.lock();
        match state.parked.claim_first(Outcome::Notified) {
            Some(parked) => {
                drop(state);
                parked.wake();
            }
            None => self.word.set(HAS_PERMIT),
        }
    }
}
