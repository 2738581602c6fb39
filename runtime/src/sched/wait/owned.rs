//! Waits in a list whose lock the vthread's carrier owns, and claims there: by plain accesses.

use super::super::lock::{Owned, Raw};
use super::claimed::Claimed;
use super::in_list::{list_in, withdraw};
use super::{Link, Outcome, WAITING, WaitList, Waiting, What};
use crate::arch::Parked;
use crate::carrier;
use crate::facade::{Ordering::Acquire, Ordering::Release};
use core::mem::ManuallyDrop;

/// [`wait_in`] for a vthread at ease, in a list whose lock its carrier owns, for as long as it takes. `STARTS`: when nothing is
/// ready it starts another vthread itself.
///
/// # Safety
/// `next` was claimed by the caller, and waits on this carrier. The vthread is not cancelled.
#[inline(always)]
pub(crate) unsafe fn wait_in_owned<const STARTS: bool, S>(
    me: carrier::AtEase,
    guard: Owned<'_, S>,
    list: impl FnOnce(&mut S) -> &mut WaitList,
    what: What,
    slot: *mut (),
    next: Option<Parked>,
) -> Outcome {
    let (lock, state) = guard.into_raw();
    // SAFETY: the guard, which was all that leads to the state, was inside. So this is the lock's list, under the lock; the caller's promise.
    unsafe {
        let list = list_in(state, list);
        wait_owned::<STARTS>(me, lock, list, what, slot, next)
    }
}

/// # Safety
/// This carrier is inside of the lock as its owner, and `list` is one of what it guards. `next` is as above. The vthread is not cancelled.
// Inlined up to the code of users: after a switch a processor predicts no return rightly, and a yield took four times as long
// with one in it.
#[inline(always)]
unsafe fn wait_owned<const STARTS: bool>(
    me: carrier::AtEase,
    lock: &Raw,
    list: *mut WaitList,
    what: What,
    slot: *mut (),
    next: Option<Parked>,
) -> Outcome {
    // A vthread's has nothing to drop.
    let waiting = ManuallyDrop::new(Waiting::of_vthread(what, me.home(), true, true));
    let link = Link::new(&waiting, slot);
    // SAFETY: as in `wait`, and the caller's promise.
    unsafe {
        (*list).push(&link);
        lock.leave_as_owner();
        me.park_uncancelled::<STARTS>(&waiting, waiting.parked_place().as_ptr(), next);
    }
    if waiting.was_notified() {
        return Outcome::Notified;
    }
    let outcome = waiting.outcome();
    if matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
        // SAFETY: that is its list, and the lock's.
        unsafe { withdraw(lock, list, &link) };
    }
    outcome
}

/// One that was claimed by its own carrier.
pub(crate) struct ClaimedHere(Claimed);

impl ClaimedHere {
    #[inline(always)]
    pub(crate) fn slot(&self) -> *mut () {
        self.0.slot
    }

    /// Its stack, for the caller to go on with, once.
    #[inline(always)]
    pub(crate) fn into_parked(self) -> Parked {
        // SAFETY: claimed, so it stays until it goes on.
        let parked = unsafe { (*self.0.waiting).parked_place().get() };
        core::mem::forget(self);
        parked
    }

    /// The same, for whoever may not be able to.
    pub(crate) fn into_claimed(self) -> Claimed {
        self.0
    }
}

impl WaitList {
    /// Claims the first, if it is a vthread that waits here alone, and nobody has claimed it: by plain accesses. Otherwise nothing
    /// happens.
    ///
    /// # Safety
    /// The list's lock is this carrier's, which is inside as its owner.
    #[inline(always)]
    pub(crate) unsafe fn claim_first_here(&mut self) -> Option<ClaimedHere> {
        // SAFETY: links in the list and their waiters are valid.
        let link = unsafe { self.first.as_ref()? };
        // SAFETY: as above.
        let waiting = unsafe { &*link.waiting };
        if waiting.state.load(Acquire) != WAITING || !waiting.is_in_one_list {
            return None;
        }
        // Whoever came into a list whose lock is still ours came on this carrier. As this is its only list, nobody else claims it.
        debug_assert!(waiting.home.is_some_and(carrier::is_home));
        waiting.state.store(Outcome::Notified as u8, Release);
        let last = link.previous.get();
        self.first = link.next.get();
        // SAFETY: as above.
        if let Some(next) = unsafe { self.first.as_ref() } {
            next.previous.set(last);
        }
        // The link itself keeps what it says: who waits in one list and was notified does not look at it again.
        Some(ClaimedHere(Claimed { waiting, slot: link.slot }))
    }

    /// The same, if nobody else waits here.
    ///
    /// # Errors
    /// When somebody does who was not claimed so: nothing has happened then.
    ///
    /// # Safety
    /// As [`claim_first_here`](Self::claim_first_here).
    #[inline(always)]
    pub(crate) unsafe fn claim_only_here(&mut self) -> Result<Option<ClaimedHere>, ()> {
        // SAFETY: links in the list are valid.
        let Some(link) = (unsafe { self.first.as_ref() }) else { return Ok(None) };
        if !link.next.get().is_null() {
            return Err(());
        }
        // SAFETY: the caller's promise.
        unsafe { self.claim_first_here() }.map(Some).ok_or(())
    }
}
