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

use crate::facade::{AtomicBool, AtomicU32, Mutex, MutexGuard, Ordering::Release};
use core::cell::UnsafeCell;
use core::fmt;
use core::ops::{Deref, DerefMut};
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
    pub(super) fn lock(&self) -> RawGuard<'_> {
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
    pub(super) fn lock(&self) -> &'a Raw {
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

/// Inside, as its owner.
#[cfg(vthread_native)]
pub(crate) struct Owned<'a, S>(&'a Lock<S>);

#[cfg(vthread_native)]
mod owned {
    use super::{Lock, Owned, Raw, RawGuard, Release, SHARED, UNOWNED, bias};
    use crate::call::hop;
    use crate::facade::{
        Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::SeqCst, compiler_fence, yield_now,
    };
    use core::mem::ManuallyDrop;
    use core::ops::{Deref, DerefMut};

    impl<S> Lock<S> {
        /// For what the running carrier alone will use, as far as it knows.
        #[inline(always)]
        pub(crate) fn of_this_carrier(state: S) -> Self {
            Self::of(Self::owner_here(), state)
        }

        /// Whose it is at first.
        #[inline(always)]
        fn owner_here() -> u32 {
            match bias::id() {
                0 => SHARED,
                me if bias::pays() => {
                    bias::granted();
                    me
                }
                _ => SHARED,
            }
        }

        /// `None`: this carrier does not own it (yet), or is inside.
        #[inline(always)]
        pub(crate) fn lock_as_owner(&self) -> Option<Owned<'_, S>> {
            self.raw.enter_as_owner(bias::id()).then_some(Owned(self))
        }
    }

    impl<'a, S> Owned<'a, S> {
        /// The lock is held on, until [`Raw::leave_as_owner`], and the pointer is valid as long.
        #[inline(always)]
        pub(crate) fn into_raw(self) -> (&'a Raw, *mut S) {
            let this = ManuallyDrop::new(self);
            (&this.0.raw, this.0.state.get())
        }
    }

    impl<S> Deref for Owned<'_, S> {
        type Target = S;

        #[inline(always)]
        fn deref(&self) -> &S {
            // SAFETY: inside, where nobody else is.
            unsafe { &*self.0.state.get() }
        }
    }

    impl<S> DerefMut for Owned<'_, S> {
        #[inline(always)]
        fn deref_mut(&mut self) -> &mut S {
            // SAFETY: as above.
            unsafe { &mut *self.0.state.get() }
        }
    }

    impl<S> Drop for Owned<'_, S> {
        #[inline(always)]
        fn drop(&mut self) {
            self.0.raw.held.store(false, Release);
        }
    }

    impl Raw {
        /// `false`: it belongs to somebody else, or is held.
        #[inline(always)]
        pub(super) fn enter_as_owner(&self, me: u32) -> bool {
            // To be inside already would take an allocator that uses the very thing that allocates: then it is a deadlock, not
            // undefined behaviour.
            if self.owner.load(Relaxed) != me || self.held.load(Relaxed) {
                return false;
            }
            self.held.store(true, Relaxed);
            compiler_fence(SeqCst);
            if self.owner.load(Relaxed) == me {
                return true;
            }
            self.held.store(false, Release);
            false
        }

        /// # Safety
        /// This carrier is inside as its owner, by an [`Owned`] that was taken apart.
        #[inline(always)]
        pub(crate) unsafe fn leave_as_owner(&self) {
            self.held.store(false, Release);
        }

        /// On a stack where what the mutex and the kernel need is no vthread's.
        #[cold]
        #[inline(never)]
        pub(super) fn lock_slowly(&self) -> RawGuard<'_> {
            hop(|| self.lock_however())
        }

        fn lock_however(&self) -> RawGuard<'_> {
            let me = bias::id();
            loop {
                match self.owner.load(Acquire) {
                    SHARED => return RawGuard { of: self, shared: Some(self.lock_shared()) },
                    UNOWNED => {
                        let owner = if me != 0 && bias::pays() { me } else { SHARED };
                        if self.owner.compare_exchange(UNOWNED, owner, AcqRel, Acquire).is_ok() && owner == me
                        {
                            bias::granted();
                        }
                    }
                    owner if owner == me => {
                        if self.enter_as_owner(me) {
                            return RawGuard { of: self, shared: None };
                        }
                        bias::assert_not_held_by_us(self.owner.load(Relaxed) == me);
                    }
                    _ => return self.take_away(),
                }
            }
        }

        /// Enters, and nobody is the owner any more.
        fn take_away(&self) -> RawGuard<'_> {
            let shared = self.lock_shared();
            // Somebody else may have been quicker.
            if self.owner.load(Acquire) != SHARED {
                self.owner.store(SHARED, SeqCst);
                bias::barrier_on_all_threads();
                // Its owner is inside for some instructions, if it is not suspended there.
                while self.held.load(Acquire) {
                    yield_now();
                }
                bias::taken_away();
            }
            RawGuard { of: self, shared: Some(shared) }
        }
    }
}

/// Who may be an owner.
#[cfg(vthread_native)]
pub(crate) mod bias {
    use crate::facade::{membarrier, owner, set_owner};
    use crate::fatal::fatal;
    use core::cell::Cell;
    // What is counted here decides nothing about the protocol.
    use core::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed, Ordering::SeqCst, fence};

    thread_local! {
        /// How many locks this thread's carriers have been made owners of.
        static GRANTED: Cell<u32> = const { Cell::new(0) };
    }

    /// Of the whole process.
    static TAKEN_AWAY: AtomicU32 = AtomicU32::new(0);

    const UNKNOWN: u8 = 0;
    const HAS_BARRIER: u8 = 1;
    const HAS_NONE: u8 = 2;
    static KERNEL: AtomicU8 = AtomicU8::new(UNKNOWN);

    /// One in so many may be taken away before the others are no longer worth it.
    const WORTH: u32 = 16;
    /// So many may always be.
    const FREE: u32 = 256;

    #[inline(always)]
    pub(crate) fn id() -> u32 {
        owner()
    }

    /// Called before `main`: to register when there are other threads takes the kernel 15 milliseconds, since it waits until all processors
    /// have noticed; for a process with one thread it is nothing.
    pub(crate) fn find_out() {
        KERNEL.store(if register() { HAS_BARRIER } else { HAS_NONE }, Relaxed);
    }

    /// This thread is a carrier with that id from now on; with 0, it is none.
    pub(crate) fn set_id(id: u32) {
        if KERNEL.load(Relaxed) == UNKNOWN {
            find_out();
        }
        // Without the barrier nobody is an owner.
        set_owner(if KERNEL.load(Relaxed) == HAS_BARRIER { id } else { 0 });
    }

    /// Is it worth while to make this thread the owner of another lock? To take one away costs microseconds.
    pub(crate) fn pays() -> bool {
        TAKEN_AWAY.load(Relaxed) <= FREE + GRANTED.get() / WORTH
    }

    pub(super) fn granted() {
        GRANTED.set(GRANTED.get().saturating_add(1));
    }

    pub(super) fn taken_away() {
        TAKEN_AWAY.fetch_add(1, Relaxed);
    }

    /// Commands of `membarrier(2)`, from `linux/membarrier.h`.
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn register() -> bool {
        membarrier(REGISTER_PRIVATE_EXPEDITED)
    }

    /// Every thread of the process executes a full barrier between the beginning and the end of this call.
    pub(super) fn barrier_on_all_threads() {
        fence(SeqCst);
        // A process made by `fork` may have to register anew.
        if !(membarrier(PRIVATE_EXPEDITED) || register() && membarrier(PRIVATE_EXPEDITED)) {
            fatal(format_args!("the kernel refuses the barrier (membarrier) that it has granted before"));
        }
        fence(SeqCst);
    }

    /// # Panics
    /// Never: it ends the process. To unwind out of an allocator is undefined.
    pub(super) fn assert_not_held_by_us(is_owner: bool) {
        if is_owner {
            fatal(format_args!(
                "a thing that vthreads wait for is used from inside of itself, by the global allocator"
            ));
        }
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
