//! One permit, for whoever comes.

use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{Outcome, WaitList, What, wait_in};
use core::ptr::null_mut;
use std::time::{Duration, Instant};

/// A permit that anybody grants and anybody takes; [`park`](crate::park) without a name. As tokio's.
///
/// ```
/// let notify = vthread::sync::Notify::new();
/// notify.notify_one();
/// notify.wait();
/// ```
#[derive(Debug)]
pub struct Notify(Lock<State>);

#[derive(Debug)]
struct State {
    has_permit: bool,
    waiting: WaitList,
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

impl Notify {
    /// Without the permit.
    #[must_use]
    pub const fn new() -> Self {
        Self(Lock::new(State { has_permit: false, waiting: WaitList::new() }))
    }

    fn lock(&self) -> Guard<'_, State> {
        self.0.lock()
    }

    /// Lets the first that waits go on, or else the next that comes. At most one permit is kept.
    pub fn notify_one(&self) {
        let first = {
            let mut state = self.lock();
            let first = state.waiting.claim_first(Outcome::Notified);
            state.has_permit |= first.is_none();
            first
        };
        drop(first);
    }

    /// Lets all go on that wait now.
    pub fn notify_all(&self) {
        let all = self.lock().waiting.claim_all(Outcome::Notified);
        drop(all);
    }

    /// Takes the permit. Waits for it.
    pub fn wait(&self) {
        self.wait_until(None);
    }

    /// The same, for so long at most. `false`: not by then.
    pub fn wait_timeout(&self, most: Duration) -> bool {
        self.wait_until(Instant::now().checked_add(most))
    }

    fn wait_until(&self, until: Option<Instant>) -> bool {
        checkpoint();
        let mut state = self.lock();
        if core::mem::take(&mut state.has_permit) {
            return true;
        }
        let what = What::of(&"waits for the notification", self);
        let outcome = wait_in(state, |s| &mut s.waiting, what, null_mut(), until, None);
        raise_if_cancelled(outcome);
        outcome == Outcome::Notified
    }
}
