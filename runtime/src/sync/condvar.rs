//! Waiting for a change of what a mutex guards.

use super::MutexGuard;
use crate::sched::lock::Lock;
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{Outcome, WaitList, What, wait_in};
use core::ptr::null_mut;
use std::time::{Duration, Instant};

/// A place to wait at for a change of what a [`Mutex`](super::Mutex) guards.
///
/// ```
/// use vthread::sync::{Condvar, Mutex};
/// let (ready, changed) = (Mutex::new(false), Condvar::new());
/// vthread::run(|| {
///     vthread::scope(|s| {
///         s.spawn(|| {
///             *ready.lock() = true;
///             changed.notify_one();
///         });
///         let ready = changed.wait_while(ready.lock(), |ready| !*ready);
///         assert!(*ready);
///     })
/// });
/// ```
#[derive(Debug)]
pub struct Condvar(Lock<WaitList>);

/// Everybody was notified: there is nobody left to pass it on to.
const ALL_NOTIFIED: Outcome = Outcome::Closed;

/// Notifies another one instead, when it is dropped.
struct PassesOn<'a>(Option<&'a Condvar>);

impl Drop for PassesOn<'_> {
    fn drop(&mut self) {
        if let Some(condvar) = self.0 {
            condvar.notify_one();
        }
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl Condvar {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self(Lock::new(WaitList::new()))
    }

    /// Gives the mutex back, waits for a notification, and waits for the mutex again. It does not return for any other reason. Who is cancelled
    /// before it has the mutex leaves the notification to another one.
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.wait_until(guard, None).0
    }

    /// The same, for so long at most. `false`: there was no notification by then.
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        most: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        self.wait_until(guard, Instant::now().checked_add(most))
    }

    /// Waits as long as that holds.
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut holds: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while holds(&mut guard) {
            guard = self.wait(guard);
        }
        guard
    }

    fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        until: Option<Instant>,
    ) -> (MutexGuard<'a, T>, bool) {
        checkpoint();
        let mutex = guard.mutex();
        let list = self.0.lock();
        // Who gets the mutex now cannot notify before we are in the list.
        drop(guard);
        let what = What::of(&"waits for the condition", self);
        let outcome = wait_in(list, |list| list, what, null_mut(), until, None);
        raise_if_cancelled(outcome);
        // Who is cancelled while it waits for the mutex has had the notification for nothing.
        let passes_on = PassesOn(if outcome == Outcome::Notified { Some(self) } else { None });
        let guard = mutex.lock();
        core::mem::forget(passes_on);
        (guard, outcome != Outcome::TimedOut)
    }

    /// Lets the first go on that waits now.
    pub fn notify_one(&self) {
        let first = self.0.lock().claim_first(Outcome::Notified);
        drop(first);
    }

    /// Lets all go on that wait now.
    pub fn notify_all(&self) {
        let all = self.0.lock().claim_all(ALL_NOTIFIED);
        drop(all);
    }
}
