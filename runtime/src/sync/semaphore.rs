//! Permits. Mutexes and read-write locks are made of them.

use crate::call::hop;
#[cfg(vthread_native)]
use crate::carrier;
use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{ClaimedAll, Outcome, WaitList, What, wait_in};
#[cfg(vthread_native)]
use crate::sched::wait::{InList, wait_thin};
use core::ptr::without_provenance_mut;
use std::time::{Duration, Instant};

/// A number of permits, to be taken and given back.
///
/// ```
/// use vthread::sync::Semaphore;
/// let two = Semaphore::new(2);
/// let first = two.acquire(1);
/// let second = two.try_acquire(1).unwrap();
/// assert!(two.try_acquire(1).is_none());
/// drop(first);
/// assert!(two.try_acquire(1).is_some());
/// # drop(second);
/// ```
#[derive(Debug)]
pub struct Semaphore(Lock<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// The slot of each is the number that it wants.
    waiting: WaitList,
}

/// What somebody waits for, as a constant: it would be one word more on the way.
pub(super) const PERMITS: usize = 0;
pub(super) const MUTEX: usize = 1;
pub(super) const READING: usize = 2;
pub(super) const WRITING: usize = 3;
static ACTIONS: [&str; 4] = [
    "waits for permits of the semaphore",
    "waits for the mutex",
    "waits to read the lock",
    "waits to write the lock",
];

impl State {
    /// If they are free, and nobody waits.
    #[inline(always)]
    fn take(&mut self, permits: usize) -> bool {
        let free = self.free >= permits && self.waiting.is_empty();
        if free {
            self.free -= permits;
        }
        free
    }

    /// Gives what is free to those who wait, in their order; a large wish is not passed over.
    fn serve(&mut self) -> ClaimedAll {
        let mut served = ClaimedAll::new();
        while let Some(next) = self.waiting.claim_first_if(Outcome::Notified, |slot| slot.addr() <= self.free)
        {
            self.free -= next.slot().addr();
            served.push(next);
        }
        served
    }
}

impl Semaphore {
    /// With so many permits.
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self(Lock::new(State { free: permits, waiting: WaitList::new() }))
    }

    fn lock(&self) -> Guard<'_, State> {
        self.0.lock()
    }

    /// Takes so many permits, all at once. Waits for them.
    #[inline(always)]
    pub fn acquire(&self, permits: usize) -> Permits<'_> {
        self.take::<PERMITS>(permits);
        Permits { of: self, count: permits }
    }

    /// Takes so many permits, and waits for so long at most.
    pub fn acquire_timeout(&self, permits: usize, most: Duration) -> Option<Permits<'_>> {
        let until = Instant::now().checked_add(most);
        self.take_until::<PERMITS>(permits, until).then(|| Permits { of: self, count: permits })
    }

    /// Takes so many permits if they are free and nobody waits.
    pub fn try_acquire(&self, permits: usize) -> Option<Permits<'_>> {
        self.try_take(permits).then(|| Permits { of: self, count: permits })
    }

    /// Adds permits.
    #[inline]
    pub fn release(&self, permits: usize) {
        #[cfg(vthread_native)]
        if let Some(mut state) = self.0.lock_as_owner()
            && state.waiting.is_empty()
        {
            state.free = state.free.saturating_add(permits);
            return;
        }
        hop(move || self.release_to_others(permits));
    }

    #[inline(never)]
    fn release_to_others(&self, permits: usize) {
        let mut state = self.lock();
        state.free = state.free.saturating_add(permits);
        let served = state.serve();
        drop(state);
        drop(served);
    }

    /// Permits that are free.
    pub fn available(&self) -> usize {
        self.lock().free
    }

    pub(super) fn try_take(&self, permits: usize) -> bool {
        self.lock().take(permits)
    }

    fn what<const ACTION: usize>(&self) -> What {
        What::of(&ACTIONS[ACTION], self)
    }

    /// Waits for them. Inlined up to the code of users: on a vthread's stack is only what it waits in, and no frames of functions that
    /// keep registers for it.
    #[inline(always)]
    pub(super) fn take<const ACTION: usize>(&self, permits: usize) {
        #[cfg(vthread_native)]
        if let Some(me) = carrier::me_at_ease() {
            if !me.is_cancelled()
                && !me.has_news()
                && let Some(mut state) = self.0.lock_as_owner()
                && state.take(permits)
            {
                return;
            }
            // SAFETY: `has_waited` takes it out of the list.
            unsafe {
                wait_thin(
                    me,
                    move |place| self.enlist::<ACTION>(permits, place),
                    move |place, outcome| self.has_waited(place, outcome),
                );
            }
            return;
        }
        hop(move || self.take_until::<ACTION>(permits, None));
    }

    /// Takes them now, or waits.
    ///
    /// # Safety
    /// Called by `wait_thin`, with its place.
    #[cfg(vthread_native)]
    #[inline(never)]
    unsafe fn enlist<const ACTION: usize>(&self, permits: usize, place: *mut InList) -> carrier::Next {
        checkpoint();
        let mut state = self.lock();
        if state.take(permits) {
            return carrier::Next::nobody();
        }
        let slot = without_provenance_mut(permits);
        // SAFETY: the caller's promise.
        unsafe { InList::enlist(place, state, |s| &mut s.waiting, self.what::<ACTION>(), slot) }
    }

    #[cfg(vthread_native)]
    #[inline(never)]
    fn has_waited(&self, place: &InList, outcome: Outcome) {
        if outcome != Outcome::Notified {
            // SAFETY: that is its list, and the lock's.
            unsafe { place.remove_from(&mut self.lock().waiting) };
            self.has_given_up(outcome);
        }
    }

    /// `false`: not by then.
    #[inline(never)]
    pub(super) fn take_until<const ACTION: usize>(&self, permits: usize, until: Option<Instant>) -> bool {
        checkpoint();
        let mut state = self.lock();
        if state.take(permits) {
            return true;
        }
        let slot = without_provenance_mut(permits);
        let outcome = wait_in(state, |s| &mut s.waiting, self.what::<ACTION>(), slot, until, None);
        outcome == Outcome::Notified || self.has_given_up(outcome)
    }

    /// Does not return if the vthread is cancelled.
    #[cold]
    #[inline(never)]
    fn has_given_up(&self, outcome: Outcome) -> bool {
        // Those behind may have waited for us alone.
        hop(|| drop(self.lock().serve()));
        raise_if_cancelled(outcome);
        false
    }
}

/// Permits that were taken. They go back when this is dropped.
#[derive(Debug)]
#[must_use = "they go back at once"]
pub struct Permits<'a> {
    of: &'a Semaphore,
    count: usize,
}

impl Permits<'_> {
    /// Keeps them for ever.
    pub fn forget(self) {
        core::mem::forget(self);
    }
}

impl Drop for Permits<'_> {
    fn drop(&mut self) {
        self.of.release(self.count);
    }
}
