//! The end of a vthread, and those who wait for it.

#[cfg(vthread_native)]
use super::super::wait::{InList, wait_in_owned, wait_thin};
use super::super::wait::{Link, Outcome, What, wait_in};
use super::word::{HAS_ENDED, IS_UNWANTED};
use super::{Task, checkpoint, raise_if_cancelled};
use crate::call::hop;
use crate::carrier;
use crate::fatal::dispose;
use core::ptr::null_mut;
use core::task::Waker;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// What is left to be done by a vthread that has ended.
#[derive(Clone, Copy)]
pub(crate) struct Ended {
    /// Nobody wants the result: it is to be dropped.
    pub(crate) is_unwanted: bool,
    /// The vthread has still its reference to the task.
    pub(crate) has_reference: bool,
}

impl Task {
    /// Under the lock.
    #[cfg(vthread_native)]
    #[inline(always)]
    fn nobody_awaits(&self) -> bool {
        // SAFETY: under the lock.
        self.rare.get().is_none_or(|rare| unsafe { (*rare.awaiting.get()).is_none() })
    }

    /// Called by the vthread: says that it has ended.
    #[inline(always)]
    pub(crate) fn end(&self) -> Ended {
        #[cfg(vthread_native)]
        if let Some(me) = carrier::me()
            && let Some(mut state) = self.state.lock_as_owner()
            && self.nobody_awaits()
            // SAFETY: the lock's list, as its owner.
            && let Ok(joiner) = unsafe { state.joining.claim_only_here() }
        {
            self.word.set(HAS_ENDED);
            let Some(joiner) = joiner else {
                return Ended { is_unwanted: self.word.has(IS_UNWANTED), has_reference: true };
            };
            drop(state);
            // The handle is in the frame of that one, who wants the result, and goes on here, later. If nobody else ever had a
            // reference, then ours can go without an atomic operation.
            let has_reference = !self.count.give_up_one_of_two();
            me.make_ready(joiner.into_parked());
            return Ended { is_unwanted: false, has_reference };
        }
        Ended { is_unwanted: hop(|| self.end_however()), has_reference: true }
    }

    #[inline(never)]
    fn end_however(&self) -> bool {
        let mut state = self.lock();
        self.word.set(HAS_ENDED);
        let joining = state.joining.claim_all(Outcome::Notified);
        // SAFETY: under the lock.
        let awaiting = self.rare.get().and_then(|rare| unsafe { (*rare.awaiting.get()).take() });
        let is_unwanted = self.word.has(IS_UNWANTED);
        drop(state);
        joining.wake();
        // A waker is somebody else's code. Its panic has been reported, and must not keep the scope from ending.
        if let Some(waker) = awaiting {
            dispose(catch_unwind(AssertUnwindSafe(|| waker.wake())).err());
        }
        is_unwanted
    }

    /// Called by a handle that does not take the result. `true`: it is there, and the caller shall drop it; otherwise the vthread
    /// does.
    pub(crate) fn leave_result(&self) -> bool {
        let _state = self.lock();
        self.word.set(IS_UNWANTED);
        self.has_ended()
    }

    /// Puts a link into the list of those who wait for its end, unless it has ended.
    ///
    /// # Safety
    /// As [`WaitList::push`].
    pub(crate) unsafe fn enlist_joiner(&self, link: &Link) -> bool {
        let mut state = self.lock();
        let wait = !self.has_ended();
        if wait {
            // SAFETY: the caller's promise.
            unsafe { state.joining.push(link) };
        }
        wait
    }

    /// # Safety
    /// As [`WaitList::remove`].
    pub(crate) unsafe fn withdraw_joiner(&self, link: &Link) {
        // SAFETY: the caller's promise.
        unsafe { self.lock().joining.remove(link) };
    }

    /// If it has not ended, `waker` is woken when it does.
    pub(crate) fn has_ended_or_wakes(&self, waker: &Waker) -> bool {
        let (waker, rare) = (waker.clone(), self.rare.make());
        let state = self.lock();
        if self.has_ended() {
            return true;
        }
        // SAFETY: under the lock.
        let former = unsafe { (*rare.awaiting.get()).replace(waker) };
        drop(state);
        drop(former);
        false
    }

    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.word.has_ended()
    }

    /// Waits until it has ended, whatever else happens. `false`: it had not, then. For a thread that is no vthread.
    pub(crate) fn wait_for_end(&self, until: Option<Instant>) -> bool {
        let state = self.lock();
        if self.has_ended() {
            return true;
        }
        let what = What::of_the_end_of(self.id);
        wait_in(state, |s| &mut s.joining, what, null_mut(), until, None) == Outcome::Notified
    }

    /// # Panics
    /// When the vthread that this is calls.
    pub(crate) fn assert_is_not_mine(&self) {
        assert!(
            carrier::mounted().is_none_or(|root| !core::ptr::eq(root.task(), self)),
            "vthread: vthread {} waits for its own end",
            self.id
        );
    }

    /// [`join`](Self::join) where that is simple. `false`: not done, or cancelled. Does not unwind.
    #[cfg(vthread_native)]
    #[inline(always)]
    pub(crate) fn join_here(&self) -> bool {
        if self.has_ended() {
            return true;
        }
        let Some(me) = carrier::me().filter(|me| !me.is_cancelled() && !me.is_of(self)) else { return false };
        let Some(ease) = me.at_ease() else { return false };
        // Whoever ends elsewhere takes the lock away before it says so: as its owner we need not look again.
        let Some(state) = self.state.lock_as_owner() else { return false };
        let what = What::of_the_end_of(self.id);
        // SAFETY: nobody is to go on instead, and it is not cancelled.
        let outcome =
            unsafe { wait_in_owned::<true, _>(ease, state, |s| &mut s.joining, what, null_mut(), None) };
        outcome == Outcome::Notified
    }

    /// [`join`](Self::join) for as long as it takes, with as little on the stack as there can be.
    #[cfg(vthread_native)]
    #[inline(always)]
    pub(crate) fn join_thin(&self, me: carrier::AtEase) {
        // SAFETY: `has_joined` takes it out of the list.
        unsafe {
            wait_thin(me, move |place| self.begin_join(place), move |place, how| self.has_joined(place, how));
        }
    }

    /// # Safety
    /// Called by `wait_thin`, with its place.
    #[cfg(vthread_native)]
    #[inline(never)]
    unsafe fn begin_join(&self, place: *mut InList) -> carrier::Next {
        self.assert_is_not_mine();
        checkpoint();
        let state = self.lock();
        if self.has_ended() {
            return carrier::Next::nobody();
        }
        let what = What::of_the_end_of(self.id);
        // SAFETY: the caller's promise.
        unsafe { InList::enlist(place, state, |s| &mut s.joining, what, null_mut()) }
    }

    #[cfg(vthread_native)]
    #[inline(never)]
    fn has_joined(&self, place: &InList, outcome: Outcome) {
        if outcome != Outcome::Notified {
            // SAFETY: that is its list, and the lock's.
            unsafe { place.remove_from(&mut self.lock().joining) };
            raise_if_cancelled(outcome);
        }
    }

    /// Waits until it has ended. `false`: it had not, then.
    pub(crate) fn join(&self, until: Option<Instant>) -> bool {
        self.assert_is_not_mine();
        if self.has_ended() {
            return true;
        }
        checkpoint();
        let state = self.lock();
        if self.has_ended() {
            return true;
        }
        let what = What::of_the_end_of(self.id);
        let outcome = wait_in(state, |s| &mut s.joining, what, null_mut(), until, None);
        raise_if_cancelled(outcome);
        outcome == Outcome::Notified
    }
}
