//! The short lock of everything that vthreads wait for: free of atomic operations for the carrier that it belongs to.
//!
//! # Protocol
//!
//! Most channels, semaphores and handles are used by vthreads of one carrier alone, which never are inside of the lock at the same
//! time: nobody parks there. So the first carrier that locks becomes the *owner*, and enters by plain loads and stores. The
//! first other thread that comes takes that right away, for ever; from then on everybody uses an ordinary mutex.
//!
//! ```text
//! UNOWNED --first carrier, compare-exchange--> its id --another thread, under the mutex--> SHARED
//!    \-----------------any other thread, or where it does not pay-----------------------------^
//!
//! owner:    held = true;  (compiler fence)  owner == me?  inside;  held = false
//!                                             no: held = false, mutex
//! another:  lock mutex;  owner = SHARED;  BARRIER on all threads of the process;  wait until held == false;  inside
//! ```
//!
//! This is Dekker's handshake with the cost moved to the side that is rare: `membarrier(2)` makes every running thread of the process execute a
//! full barrier. If the owner's second look at `owner` came before that barrier, then so did `held = true`, and the other one sees it
//! and waits for the release of `held`; if it came after it, the owner sees SHARED, and goes to the mutex, which the other
//! one holds until it is done. (Dice, Moir, Scherer, "Quickly reacquirable locks", 2003; as in the biased locks of Java.)
//!
//! An owner is a carrier by the id of its [`Remote`](super::remote), not a thread: when a remote is used again, by another thread, the
//! first carrier has ended, and the list of spare remotes orders the two.
//!
//! Where ownership is taken away too often, nobody is made an owner; nor where the kernel has no such barrier.
//!
//! In a child made by `fork` while another thread was inside, that thread is not there, and will not leave. Who comes to the lock of such an
//! owner ends the process and says why. The mutex of a lock that is shared hangs then, as all mutexes do after a fork.

#[cfg(vthread_native)]
pub(crate) mod bias;
#[cfg(vthread_native)]
mod owned;

use crate::facade::{AtomicBool, AtomicU32, Mutex, MutexGuard, Ordering::Release};
use core::cell::UnsafeCell;
use core::fmt;
use core::ops::{Deref, DerefMut};
#[cfg(vthread_native)]
pub(crate) use owned::Owned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::PoisonError;

/// Whoever comes first decides.
const UNOWNED: u32 = u32::MAX;
/// Everybody uses the mutex.
const SHARED: u32 = u32::MAX - 1;

/// See the module.
pub(crate) struct Lock<S> {
    raw: Raw,
    state: UnsafeCell<S>,
}

#[cfg(not(vthread_native))]
impl<S> Lock<S> {
    pub(crate) const fn of_this_carrier(state: S) -> Self {
        Self::shared(state)
    }
}

/// A lock without what it guards, so that code about it need not be generic.
pub(crate) struct Raw {
    owner: AtomicU32,
    held: AtomicBool,
    shared: Mutex<()>,
}

// SAFETY: whoever is inside uses the state alone: see the protocol.
unsafe impl<S: Send> Sync for Lock<S> {}
// SAFETY: as above.
unsafe impl<S: Send> Send for Lock<S> {}
// As std's: what users keep in here is changed where nothing of theirs can panic.
impl<S> UnwindSafe for Lock<S> {}
impl<S> RefUnwindSafe for Lock<S> {}

impl<S> Lock<S> {
    pub(crate) const fn new(state: S) -> Self {
        Self::of(if cfg!(vthread_native) { UNOWNED } else { SHARED }, state)
    }

    const fn of(owner: u32, state: S) -> Self {
        let raw = Raw { owner: AtomicU32::new(owner), held: AtomicBool::new(false), shared: Mutex::new(()) };
        Self { raw, state: UnsafeCell::new(state) }
    }

    /// For what other threads will use as well.
    pub(crate) const fn shared(state: S) -> Self {
        Self::of(SHARED, state)
    }

    #[inline(always)]
    pub(crate) fn lock(&self) -> Guard<'_, S> {
        Guard { raw: self.raw.lock(), state: &self.state }
    }
}

impl Raw {
    fn lock_shared(&self) -> MutexGuard<'_, ()> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline(always)]
    pub(in crate::sched) fn lock(&self) -> RawGuard<'_> {
        #[cfg(vthread_native)]
        if self.enter_as_owner(bias::id()) {
            return RawGuard { of: self, shared: None };
        }
        self.lock_slowly()
    }

    #[cfg(not(vthread_native))]
    fn lock_slowly(&self) -> RawGuard<'_> {
        RawGuard { of: self, shared: Some(self.lock_shared()) }
    }
}

/// Inside.
pub(crate) struct Guard<'a, S> {
    raw: RawGuard<'a>,
    state: &'a UnsafeCell<S>,
}

/// Inside of a lock, whatever it guards.
pub(crate) struct RawGuard<'a> {
    of: &'a Raw,
    /// `None`: as its owner.
    shared: Option<MutexGuard<'a, ()>>,
}

impl<'a, S> Guard<'a, S> {
    /// The lock is held on, and the pointer is valid as long.
    #[inline(always)]
    pub(crate) fn into_raw(self) -> (RawGuard<'a>, *mut S) {
        (self.raw, self.state.get())
    }
}

impl<'a> RawGuard<'a> {
    /// Of what it is inside.
    pub(in crate::sched) fn lock(&self) -> &'a Raw {
        self.of
    }
}

impl<S> Deref for Guard<'_, S> {
    type Target = S;

    #[inline(always)]
    fn deref(&self) -> &S {
        // SAFETY: this guard is inside, where nobody else is.
        unsafe { &*self.state.get() }
    }
}

impl<S> DerefMut for Guard<'_, S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut S {
        // SAFETY: as above.
        unsafe { &mut *self.state.get() }
    }
}

impl Drop for RawGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.shared.take() {
            None => self.of.held.store(false, Release),
            Some(guard) => leave_shared(guard),
        }
    }
}

#[inline(never)]
fn leave_shared(guard: MutexGuard<'_, ()>) {
    drop(guard);
}

impl<S> fmt::Debug for Lock<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(vthread_native)]
    use std::sync::Barrier;
    use std::thread;

    /// Two threads, the first of which is the owner for a while.
    #[cfg(vthread_native)]
    #[test]
    fn ownership_is_taken_away_in_the_midst_of_use() {
        bias::set_id(1_000_000);
        if bias::id() == 0 {
            return;
        }
        // Few enough that it goes on to pay.
        for round in 0..150_u64 {
            let (lock, start) = (Lock::new(0_u64), Barrier::new(2));
            *lock.lock() += 1;
            assert_eq!(lock.raw.owner.load(std::sync::atomic::Ordering::SeqCst), 1_000_000);
            thread::scope(|s| {
                s.spawn(|| {
                    start.wait();
                    (0..round % 50).for_each(|_| std::hint::spin_loop());
                    (0..100).for_each(|_| *lock.lock() += 1);
                });
                start.wait();
                for _ in 0..1000 {
                    let mut count = lock.lock();
                    // Not one instruction, so that being in here together shows.
                    let before = std::hint::black_box(*count);
                    *count = before + 1;
                }
            });
            assert_eq!(*lock.lock(), 1101);
            assert_eq!(lock.raw.owner.load(std::sync::atomic::Ordering::SeqCst), SHARED);
        }
        bias::set_id(0);
    }

    /// A thread that asks for a lock of another carrier's leaves that one inside.
    #[cfg(vthread_native)]
    #[test]
    fn who_is_not_the_owner_does_not_say_that_the_owner_has_left() {
        bias::set_id(1_000_002);
        if bias::id() == 0 {
            return;
        }
        let lock = Lock::new(0_u64);
        let inside = lock.lock();
        thread::scope(|s| {
            s.spawn(|| {
                bias::set_id(1_000_003);
                assert!(lock.lock_as_owner().is_none());
                bias::set_id(0);
            });
        });
        assert!(lock.raw.held.load(std::sync::atomic::Ordering::SeqCst));
        assert!(lock.lock_as_owner().is_none(), "nor can it come in twice");
        assert!(lock.raw.held.load(std::sync::atomic::Ordering::SeqCst));
        drop(inside);
        bias::set_id(0);
    }

    /// A thread forks while another one is inside as the owner: the child neither hangs nor goes in.
    #[cfg(vthread_native)]
    #[test]
    fn who_was_left_behind_by_a_fork_is_not_waited_for() {
        bias::set_id(1_000_001);
        if bias::id() == 0 {
            return;
        }
        let lock = Lock::new(0_u64);
        let inside = lock.lock();
        let status = thread::scope(|s| {
            let fork = || {
                // SAFETY: the child calls what takes no lock that another thread may hold, but for the message.
                unsafe {
                    match libc::fork() {
                        0 => {
                            // Not for ever.
                            libc::alarm(20);
                            drop(lock.lock());
                            libc::_exit(1)
                        }
                        child => {
                            let mut status = 0;
                            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                            status
                        }
                    }
                }
            };
            s.spawn(fork).join().expect("no panic")
        });
        drop(inside);
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGABRT, "status {status:#x}");
        // The parent's is as it was.
        assert_eq!(*lock.lock(), 0);
        bias::set_id(0);
    }

    #[test]
    fn threads_exclude_each_other() {
        let lock = Lock::new(0);
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| (0..1000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 4000);
    }
}
