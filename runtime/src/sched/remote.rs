//! What other threads see of a carrier: an inbox of those who shall go on, and a way to end its sleep.
//!
//! # Protocol
//!
//! *Inbox.* A vthread that waits was *claimed* (see [`wait`](super::wait)) by exactly one thread. If that thread is not its
//! carrier, it pushes the waiter here: a stack of intrusive nodes, pushed by compare-exchange, taken as a whole by one swap.
//! Nothing is ever popped singly, so there is no ABA. The carrier empties it in its loop only, where none of its vthreads
//! runs, so whoever is found here has left its stack already, however early it was pushed.
//!
//! *Sleep.* A Dekker handshake, all `SeqCst`:
//!
//! ```text
//! carrier:  sleeper = ASLEEP;  look at inbox and requests;  if both are empty: futex wait while sleeper == ASLEEP
//! others:   push or request;   if sleeper == ASLEEP and swapping it to AWAKE found ASLEEP: futex wake
//! ```
//!
//! One of the two sees the other: a wake-up is never lost, and a carrier that is busy costs others one load. While operations of
//! its `io_uring` are under way, the carrier sleeps there (`IN_RING`), and is woken by its *bell*, an eventfd.
//!
//! *Lifetime.* Remotes are never freed, only used again by later carriers, so a thread may still look at `sleeper` after the
//! vthread that it woke, and the carrier with it, have ended; the worst is a wake-up for nothing. A carrier that ends while
//! vthreads of its wait for ever never gives its remote back: their waiters may yet be pushed.

use super::wait::Waiting;
use crate::call::hop;
use crate::facade::{
    AtomicBool, AtomicPtr, AtomicU32, Bell, Mutex, Ordering::Relaxed, Ordering::SeqCst, fence, futex_wait,
    futex_wake,
};
use core::ptr::{self, null_mut};
use std::sync::{OnceLock, PoisonError};
use std::time::Instant;

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;
const IN_RING: u32 = 2;

/// See the module.
#[derive(Debug)]
pub(crate) struct Remote {
    /// Unique, and not 0: what its carrier owns [locks](super::lock) by.
    pub(crate) id: u32,
    inbox: AtomicPtr<Waiting>,
    sleeper: AtomicU32,
    /// A scope was cancelled: the carrier shall look through its vthreads.
    cancellations: AtomicBool,
    /// Never closed: who rings may come late.
    bell: OnceLock<Bell>,
}

static SPARE: Mutex<Vec<&'static Remote>> = Mutex::new(Vec::new());

impl Remote {
    /// One that no other carrier has.
    pub(crate) fn take() -> &'static Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| {
            Box::leak(Box::new(Self {
                id: LAST.fetch_add(1, SeqCst) + 1,
                inbox: AtomicPtr::new(null_mut()),
                sleeper: AtomicU32::new(AWAKE),
                cancellations: AtomicBool::new(false),
                bell: OnceLock::new(),
            }))
        })
    }

    /// For the next carrier. All vthreads of this one have ended.
    pub(crate) fn give_back(&'static self) {
        debug_assert!(self.inbox.load(SeqCst).is_null(), "somebody who has ended is to go on");
        // A request that came too late is not for the next.
        self.cancellations.store(false, SeqCst);
        SPARE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    /// Hands a claimed waiter over to its carrier.
    ///
    /// # Safety
    /// The caller has claimed it, and this is the remote of its carrier. It is not touched afterwards.
    pub(crate) unsafe fn push(&self, waiting: *const Waiting) {
        let mut head = self.inbox.load(SeqCst);
        loop {
            // SAFETY: until it is in the inbox nobody but the claimer touches it.
            unsafe { (*waiting).set_next(head) };
            match self.inbox.compare_exchange_weak(head, waiting.cast_mut(), SeqCst, SeqCst) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        self.rouse();
    }

    /// Asks the carrier to look for vthreads whose scope was cancelled.
    pub(crate) fn request_cancellations(&self) {
        self.cancellations.store(true, SeqCst);
        self.rouse();
    }

    /// Has somebody asked for that, and the carrier not looked yet?
    #[inline(always)]
    pub(crate) fn has_cancellations(&self) -> bool {
        self.cancellations.load(Relaxed)
    }

    /// Was that asked for since the last time?
    pub(crate) fn take_cancellations(&self) -> bool {
        self.cancellations.load(SeqCst) && self.cancellations.swap(false, SeqCst)
    }

    /// Ends the carrier's sleep. `false`: it does not sleep.
    pub(crate) fn rouse(&self) -> bool {
        if self.sleeper.load(SeqCst) == AWAKE {
            return false;
        }
        // Somewhere else, so that what it takes makes no vthread's stack larger.
        match self.sleeper.swap(AWAKE, SeqCst) {
            ASLEEP => hop(|| futex_wake(&self.sleeper)),
            IN_RING => hop(|| self.ring_bell()),
            _ => return false,
        }
        true
    }

    /// Does the carrier sleep, or is it about to?
    pub(crate) fn is_asleep(&self) -> bool {
        self.sleeper.load(SeqCst) != AWAKE
    }

    /// Ends the carrier's sleep, whatever has been done for that before: for who has found that it was lost.
    pub(crate) fn shake(&self) {
        self.sleeper.store(AWAKE, SeqCst);
        futex_wake(&self.sleeper);
        self.ring_bell();
    }

    /// Where the carrier is, in words.
    pub(crate) fn place(&self) -> &'static str {
        match self.sleeper.load(SeqCst) {
            ASLEEP => "asleep",
            IN_RING => "asleep in its ring",
            _ => "awake",
        }
    }

    /// What ends a sleep in a ring, silent. `None`: there is none to be had.
    pub(crate) fn bell(&self) -> Option<&Bell> {
        if self.bell.get().is_none() {
            // Only the carrier itself gets here, so it is the first.
            let _ = self.bell.set(Bell::new()?);
        }
        let bell = self.bell.get()?;
        bell.silence();
        Some(bell)
    }

    /// The same as it is, if there is one already.
    pub(crate) fn bell_if_any(&self) -> Option<&Bell> {
        self.bell.get()
    }

    fn ring_bell(&self) {
        if let Some(bell) = self.bell_if_any() {
            bell.ring();
        }
    }

    /// [`sleep`](Self::sleep), by means of `wait`, which the [`bell`](Self::bell) ends.
    pub(crate) fn sleep_elsewhere(&self, has_more: impl Fn() -> bool, wait: impl FnOnce()) {
        self.sleep_as(IN_RING, has_more, wait);
    }

    fn sleep_as(&self, sleeper: u32, has_more: impl Fn() -> bool, wait: impl FnOnce()) {
        self.sleeper.store(sleeper, SeqCst);
        // Even what others publish with weaker orders and a fence is seen.
        fence(SeqCst);
        if !self.has_news() && !has_more() {
            wait();
        }
        self.sleeper.store(AWAKE, SeqCst);
    }

    /// Takes all out of the inbox, those first that came first.
    pub(crate) fn drain(&self, mut each: impl FnMut(&Waiting)) {
        if self.inbox.load(SeqCst).is_null() {
            return;
        }
        let mut newest = self.inbox.swap(null_mut(), SeqCst).cast_const();
        let mut oldest: *const Waiting = ptr::null();
        // SAFETY: whoever is in the inbox is parked, and its waiter stays until it goes on, which only our caller can
        // bring about.
        unsafe {
            while !newest.is_null() {
                let next = (*newest).next();
                (*newest).set_next(oldest.cast_mut());
                oldest = newest;
                newest = next;
            }
            while let Some(waiting) = oldest.as_ref() {
                oldest = waiting.next();
                each(waiting);
            }
        }
    }

    /// Is there anything for the carrier?
    pub(crate) fn has_news(&self) -> bool {
        !self.inbox.load(SeqCst).is_null() || self.cancellations.load(SeqCst)
    }

    /// Sleeps until another thread has something for this carrier, or until then. `has_more` looks for news of other kinds, whose
    /// makers [`rouse`](Self::rouse) afterwards. May also return for nothing.
    pub(crate) fn sleep(&self, until: Option<Instant>, has_more: impl Fn() -> bool) {
        self.sleep_as(ASLEEP, has_more, || futex_wait(&self.sleeper, ASLEEP, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_sleep_ends_in_time_or_when_roused() {
        let remote = Remote::take();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(20) {
            remote.sleep(Some(start + Duration::from_millis(20)), || false);
        }
        for _ in 0..200 {
            std::thread::scope(|s| {
                s.spawn(|| remote.request_cancellations());
                while !remote.take_cancellations() {
                    remote.sleep(None, || false);
                }
            });
        }
        remote.give_back();
    }
}
