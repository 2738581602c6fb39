//! A value that changes, and those who want to know.

use super::RecvError;
use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{Outcome, WaitList, What, wait_in};
use crate::select::{Arm, Place};
use core::fmt;
use core::ptr::null_mut;
use std::sync::Arc;

/// A value of which receivers see the latest, not every one.
///
/// ```
/// vthread::run(|| {
///     let (sender, mut receiver) = vthread::channel::watch::channel(1);
///     assert_eq!(*receiver.latest(), 1);
///     vthread::spawn(move || (2..=9).for_each(|n| sender.send(n)));
///     while *receiver.recv().unwrap() != 9 {}
///     assert!(receiver.recv().is_err());
/// });
/// ```
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let state = State { value: Arc::new(value), version: 0, senders: 1, waiting: WaitList::new() };
    let shared = Arc::new(Lock::new(state));
    (Sender(shared.clone()), Receiver { shared, seen: 0 })
}

struct State<T> {
    value: Arc<T>,
    version: u64,
    senders: usize,
    waiting: WaitList,
}

fn lock<T>(shared: &Lock<State<T>>) -> Guard<'_, State<T>> {
    shared.lock()
}

/// Changes the value.
pub struct Sender<T>(Arc<Lock<State<T>>>);

/// Sees the value.
pub struct Receiver<T> {
    shared: Arc<Lock<State<T>>>,
    seen: u64,
}

impl<T> Sender<T> {
    /// Puts another value there.
    pub fn send(&self, value: T) {
        let value = Arc::new(value);
        let mut state = lock(&self.0);
        let old = core::mem::replace(&mut state.value, value);
        state.version += 1;
        let waiting = state.waiting.claim_all(Outcome::Notified);
        drop(state);
        drop(waiting);
        drop(old);
    }

    /// The value as it is.
    pub fn latest(&self) -> Arc<T> {
        lock(&self.0).value.clone()
    }

    /// One more that sees the value, and takes it for news.
    pub fn subscribe(&self) -> Receiver<T> {
        let seen = lock(&self.0).version.wrapping_sub(1);
        Receiver { shared: self.0.clone(), seen }
    }
}

impl<T> Receiver<T> {
    /// The value as it is, seen before or not.
    pub fn latest(&self) -> Arc<T> {
        lock(&self.shared).value.clone()
    }

    /// Waits until there is a value that this receiver has not got from here, and gives the latest.
    ///
    /// # Errors
    /// When there will be none, because there is no sender any more.
    ///
    /// # Panics
    /// With [`Cancelled`](crate::Cancelled), if that is what happens.
    pub fn recv(&mut self) -> Result<Arc<T>, RecvError> {
        checkpoint();
        loop {
            let state = lock(&self.shared);
            if state.version != self.seen {
                self.seen = state.version;
                return Ok(state.value.clone());
            }
            if state.senders == 0 {
                return Err(RecvError);
            }
            let what = What::of(&"waits for a change of the watch", &*self.shared);
            let outcome = wait_in(state, |s| &mut s.waiting, what, null_mut(), None, None);
            raise_if_cancelled(outcome);
        }
    }
}

/// See [`Arm`].
#[doc(hidden)]
pub struct WatchArm<'a, T> {
    receiver: &'a mut Receiver<T>,
    output: Option<Arc<T>>,
}

impl<T> Receiver<T> {
    #[doc(hidden)]
    pub fn __recv_arm(&mut self) -> WatchArm<'_, T> {
        WatchArm { receiver: self, output: None }
    }
}

impl<T> Arm for WatchArm<'_, T> {
    type Output = Result<Arc<T>, RecvError>;

    fn try_now(&mut self) -> bool {
        let state = lock(&self.receiver.shared);
        if state.version == self.receiver.seen {
            return state.senders == 0;
        }
        self.receiver.seen = state.version;
        self.output = Some(state.value.clone());
        true
    }

    fn slot(&self) -> *mut () {
        null_mut()
    }

    unsafe fn enlist(&self, place: &Place) -> bool {
        let mut state = lock(&self.receiver.shared);
        let wait = state.version == self.receiver.seen && state.senders > 0;
        if wait {
            // SAFETY: the caller's promise.
            unsafe { state.waiting.push(&place.0) };
        }
        wait
    }

    unsafe fn withdraw(&self, place: &Place) {
        // SAFETY: the caller's promise.
        unsafe { lock(&self.receiver.shared).waiting.remove(&place.0) };
    }

    fn settle(&mut self, _: bool) {
        self.try_now();
    }

    fn output(self) -> Self::Output {
        self.output.ok_or(RecvError)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        lock(&self.0).senders += 1;
        Self(self.0.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.senders -= 1;
        if state.senders == 0 {
            let waiting = state.waiting.claim_all(Outcome::Closed);
            drop(state);
            drop(waiting);
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
