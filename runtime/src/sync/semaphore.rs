//! Permits. Mutexes and read-write locks are made of them.

use crate::call::hop;
use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{ClaimedAll, Outcome, WaitList, What, wait_in};
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
    /// Each has the number that it wants in its slot.
    waiting: WaitList,
}

impl State {
    /// Gives what is free to those who wait, in their order; a large wish is not passed over.
    fn serve(&mut self) -> ClaimedAll {
        let mut served = ClaimedAll::new();
        // SAFETY: the slots of this list are numbers in the frames of those who wait.
        let wish = |slot: *mut ()| unsafe { slot.cast::<usize>().read() };
        while let Some(next) = self.waiting.claim_first_if(Outcome::Notified, |slot| wish(slot) <= self.free)
        {
            self.free -= wish(next.slot());
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
    pub fn acquire(&self, permits: usize) -> Permits<'_> {
        self.take(permits, None, What::of(&"waits for permits of the semaphore", self));
        Permits { of: self, count: permits }
    }

    /// Takes so many permits, and waits for so long at most.
    pub fn acquire_timeout(&self, permits: usize, most: Duration) -> Option<Permits<'_>> {
        let until = Instant::now().checked_add(most);
        let what = What::of(&"waits for permits of the semaphore", self);
        self.take(permits, until, what).then(|| Permits { of: self, count: permits })
    }

    /// Takes so many permits if they are free and nobody waits.
    pub fn try_acquire(&self, permits: usize) -> Option<Permits<'_>> {
        self.try_take(permits).then(|| Permits { of: self, count: permits })
    }

    /// Adds permits.
    pub fn release(&self, permits: usize) {
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
        let mut state = self.lock();
        let free = state.free >= permits && state.waiting.is_empty();
        if free {
            state.free -= permits;
        }
        free
    }

    /// `false`: not by then.
    #[inline(never)]
    pub(super) fn take(&self, mut permits: usize, until: Option<Instant>, what: What) -> bool {
        checkpoint();
        let mut state = self.lock();
        if state.free >= permits && state.waiting.is_empty() {
            state.free -= permits;
            return true;
        }
        let slot = (&raw mut permits).cast();
        let outcome = wait_in(state, |s| &mut s.waiting, what, slot, until, None);
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
