//! Something that happens once, and is waited for whatever else happens.

use super::lock::{Guard, Lock};
use super::wait::{Link, Outcome, WaitList, Waiting, What};
use core::ptr::null_mut;

/// See the module.
pub(crate) struct Latch(Lock<State>);

struct State {
    is_set: bool,
    waiting: WaitList,
}

impl Latch {
    pub(crate) const fn new() -> Self {
        Self(Lock::new(State { is_set: false, waiting: WaitList::new() }))
    }

    fn lock(&self) -> Guard<'_, State> {
        self.0.lock()
    }

    pub(crate) fn set(&self) {
        let mut state = self.lock();
        state.is_set = true;
        let waiting = state.waiting.claim_all(Outcome::Notified);
        drop(state);
        drop(waiting);
    }

    /// Has whoever sets it make that waiter go on, too.
    ///
    /// # Safety
    /// Link and waiter stay where they are until it was set, or until [`withdraw`](Self::withdraw). It is not set yet.
    #[cfg(vthread_native)]
    pub(crate) unsafe fn announce(&self, link: &Link) {
        // SAFETY: the caller's promise.
        unsafe { self.lock().waiting.push(link) };
    }

    /// Takes back that it was announced.
    ///
    /// # Safety
    /// It was announced here.
    #[cfg(vthread_native)]
    pub(crate) unsafe fn withdraw(&self, link: &Link) {
        // SAFETY: the caller's promise.
        unsafe { self.lock().waiting.remove(link) };
    }

    /// Waits until it is set.
    ///
    /// # Panics
    /// As [`Waiting::to_the_end`], and then it may not be set.
    pub(crate) fn wait(&self, what: What) {
        while !self.lock().is_set {
            let waiting = Waiting::to_the_end(what);
            let link = Link::new(&waiting, null_mut());
            let mut state = self.lock();
            if !state.is_set {
                // SAFETY: no timeout and no cancellation ends this wait, only a claim through the list.
                unsafe { state.waiting.push(&link) };
                drop(state);
                waiting.wait(None);
            }
        }
    }
}
