//! Waiting: one protocol for everything that vthreads and ordinary threads wait for.
//!
//! # Protocol
//!
//! Who waits has a [`Waiting`] in its frame, and a [`Link`] for each thing that it waits for, in that thing's [`WaitList`].
//! A list belongs to a short lock of the thing; links are put in and taken out under it.
//!
//! ```text
//!                       claim: one compare-exchange, WAITING -> outcome
//!   not WAITING  <----------------------------------------------------------   WAITING
//!                       by a list's lock holder: Notified, Closed
//!                       by the own carrier:      TimedOut, Cancelled
//! ```
//!
//! Where the carrier itself holds the lock of the only list, nobody else can claim, and a store is enough.
//!
//! 1. Exactly one claim succeeds. Whoever made it, and nobody else, makes the waiter go on, once ([`Claimed::wake`]): until
//!    then it stays where it is, so the claimer may fill its slot, with or without the lock.
//! 2. A vthread that goes on finds its parked stack pointer used only by its own carrier: local claimers push it onto
//!    the ready queue, others hand the waiter to the carrier's [inbox](super::remote), which is emptied where no vthread runs.
//!    So it does not matter whether the waiter has left its stack yet when it is claimed.
//! 3. A claim through a list removes the link. Who was claimed otherwise takes its links out itself, under the lock,
//!    before its frame ends: nobody else knows of them then, because a list is looked at under its lock only.
//! 4. Between publishing a link and [`Waiting::wait`] nothing may fail, so [`Waiting::new`] makes sure that
//!    this stack can be left.
//!
//! An ordinary thread waits by `std::thread::park`; the claimer takes a handle of the thread before it says so.

mod alone;
mod claimed;
mod in_list;
mod list;
#[cfg(vthread_native)]
mod owned;
#[cfg(vthread_native)]
mod thin;
mod what;

use super::remote::Remote;
use crate::arch::Parked;
use crate::call::hop;
use crate::carrier;
use crate::facade::{
    AtomicBool, AtomicPtr, AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release, Thread, current, panicking, park, park_timeout, yield_now,
};
pub(crate) use alone::wait_alone;
pub(crate) use claimed::{Claimed, ClaimedAll};
use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::ptr::null_mut;
pub(crate) use in_list::wait_in;
pub(crate) use list::{Link, WaitList};
#[cfg(vthread_native)]
pub(crate) use owned::wait_in_owned;
use std::time::Instant;
#[cfg(vthread_native)]
pub(crate) use thin::{InList, wait_thin};
pub(crate) use what::What;

const WAITING: u8 = 0;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    /// What was waited for has happened.
    Notified = 1,
    /// It never will.
    Closed,
    TimedOut,
    /// The scope of the vthread was cancelled, or the runtime found a deadlock.
    Cancelled,
}

/// How the waiter is made to go on.
union Who {
    /// Of a vthread: its stack.
    parked: ManuallyDrop<Cell<Parked>>,
    /// What threads do is hopped to, so that it makes no vthread's stack larger.
    thread: ManuallyDrop<Thread>,
}

/// One who waits. In the frame of the wait.
pub(crate) struct Waiting {
    state: AtomicU8,
    /// May a cancellation end this wait?
    pub(crate) cancellable: bool,
    /// Is it for the kernel? A cancellation asks it to hurry.
    pub(crate) is_operation: bool,
    /// And is it still to be asked? Not where it is waited for while a panic unwinds: nobody would hear of it, and a destructor's write would fail.
    hurries: AtomicBool,
    /// Is it a vthread's, and is there no other list than the one?
    is_in_one_list: bool,
    /// Of a thread.
    woken: AtomicBool,
    /// Of a vthread: its carrier's. `None`: an ordinary thread waits.
    home: Option<&'static Remote>,
    who: Who,
    action: &'static &'static str,
    /// Until it is claimed, what `action` is about: a word here would be one in every wait. Then whoever was pushed before; the inbox's.
    next_or_object: AtomicPtr<Waiting>,
}

impl Waiting {
    /// # Panics
    /// Where this stack cannot be left: off the chunks without a hop stack left, or while panicking when std's count of
    /// panics was not found.
    pub(crate) fn new(what: What) -> Self {
        let home = carrier::prepare_to_park(false);
        Self::by(what, home, !panicking())
    }

    /// For a wait that nothing else may end.
    ///
    /// # Panics
    /// As [`new`](Self::new), but the cap on hop stacks does not count.
    pub(crate) fn to_the_end(what: What) -> Self {
        Self::by(what, carrier::prepare_to_park(true), false)
    }

    fn by(what: What, home: Option<&'static Remote>, cancellable: bool) -> Self {
        match home {
            Some(home) => Self::of_vthread(what, home, cancellable, false),
            None => hop(|| Self::of_thread(what, cancellable)),
        }
    }

    #[inline(always)]
    fn of_vthread(what: What, home: &'static Remote, cancellable: bool, is_in_one_list: bool) -> Self {
        Self {
            state: AtomicU8::new(WAITING),
            cancellable,
            is_operation: false,
            hurries: AtomicBool::new(false),
            is_in_one_list,
            woken: AtomicBool::new(false),
            home: Some(home),
            who: Who { parked: ManuallyDrop::new(Cell::new(null_mut())) },
            action: what.action,
            next_or_object: AtomicPtr::new(core::ptr::without_provenance_mut(what.object)),
        }
    }

    fn of_thread(what: What, cancellable: bool) -> Self {
        Self {
            state: AtomicU8::new(WAITING),
            cancellable,
            is_operation: false,
            hurries: AtomicBool::new(false),
            is_in_one_list: false,
            woken: AtomicBool::new(false),
            home: None,
            who: Who { thread: ManuallyDrop::new(current()) },
            action: what.action,
            next_or_object: AtomicPtr::new(core::ptr::without_provenance_mut(what.object)),
        }
    }

    /// For an operation of the carrier's `io_uring`; see [`crate::io`].
    pub(crate) fn of_an_operation(mut self) -> Self {
        self.is_operation = true;
        self.hurries = AtomicBool::new(!panicking());
        self
    }

    /// Is the kernel to be asked to hurry? Once.
    pub(crate) fn take_hurry(&self) -> bool {
        self.hurries.swap(false, Relaxed)
    }

    /// `true`: the caller, and nobody else, makes it go on.
    #[inline]
    pub(crate) fn claim(&self, outcome: Outcome) -> bool {
        self.state.compare_exchange(WAITING, outcome as u8, AcqRel, Acquire).is_ok()
    }

    /// The same, by who holds the lock of a list that it is in, and has seen under it that it is not claimed.
    #[inline(always)]
    fn claim_listed(&self, outcome: Outcome) -> bool {
        if self.is_in_one_list
            && let Some(home) = self.home
            && carrier::is_home(home)
        {
            // Others that may claim it: who holds the list's lock, which is us, and its carrier, on whose thread we are.
            self.state.store(outcome as u8, Release);
            return true;
        }
        self.claim(outcome)
    }

    #[inline]
    pub(crate) fn is_claimed(&self) -> bool {
        self.state.load(Acquire) != WAITING
    }

    /// The common outcome.
    #[inline(always)]
    fn was_notified(&self) -> bool {
        self.state.load(Acquire) == Outcome::Notified as u8
    }

    #[inline]
    fn outcome(&self) -> Outcome {
        match self.state.load(Acquire) {
            1 => Outcome::Notified,
            2 => Outcome::Closed,
            3 => Outcome::TimedOut,
            4 => Outcome::Cancelled,
            _ => {
                debug_assert!(false, "went on without having been claimed");
                Outcome::Notified
            }
        }
    }

    pub(crate) fn what(&self) -> What {
        // A thread that claims it now may have written the word already: then the object is missing or wrong.
        let object = if self.is_claimed() { 0 } else { self.next_or_object.load(Relaxed).addr() };
        What { action: self.action, object }
    }

    /// Of whoever has claimed it.
    pub(super) fn set_next(&self, next: *mut Waiting) {
        self.next_or_object.store(next, Relaxed);
    }

    /// What was [set](Self::set_next).
    pub(super) fn next(&self) -> *mut Waiting {
        self.next_or_object.load(Relaxed)
    }

    /// Where the carrier finds the stack of a vthread that waits.
    #[inline(always)]
    fn parked_place(&self) -> &Cell<Parked> {
        debug_assert!(self.home.is_some());
        // SAFETY: our callers have seen that it is a vthread's.
        unsafe { &self.who.parked }
    }

    /// Its stack, if it is a vthread that waits.
    pub(crate) fn parked(&self) -> Parked {
        if self.home.is_some() { self.parked_place().get() } else { null_mut() }
    }

    /// Waits until somebody has claimed this, or until then.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Outcome {
        self.wait_into(until, None)
    }

    /// The same; a vthread leaves for the one that was claimed.
    fn wait_into(&self, until: Option<Instant>, next: Option<Claimed>) -> Outcome {
        if self.home.is_some() {
            let next = next.and_then(Claimed::into_local);
            // SAFETY: whoever resumes from there has claimed it, which happens once.
            unsafe { carrier::park_waiting(self, self.parked_place().as_ptr(), until, next) };
        } else {
            drop(next);
            hop(|| self.wait_as_a_thread(until));
        }
        self.outcome()
    }

    #[cold]
    fn wait_as_a_thread(&self, until: Option<Instant>) {
        #[cfg(not(vthread_native))]
        let _known = carrier::KnownToWait::new(self);
        while !self.woken.load(Acquire) {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                // Who has claimed it instead will say so at once.
                None => park(),
                Some(left) if left.is_zero() => {
                    if self.claim(Outcome::TimedOut) {
                        return;
                    }
                    yield_now();
                }
                Some(left) => park_timeout(left),
            }
        }
    }

    /// An ordinary thread's, that the caller has claimed. It is not touched afterwards.
    pub(crate) fn wake_thread(&self) {
        if self.home.is_none() {
            hop(|| {
                // SAFETY: a thread's, and it stays until it is said to be woken.
                let thread = unsafe { Thread::clone(&self.who.thread) };
                self.woken.store(true, Release);
                thread.unpark();
            });
        }
    }
}

impl Drop for Waiting {
    #[inline]
    fn drop(&mut self) {
        if self.home.is_none() {
            // SAFETY: a thread's, dropped once, here.
            hop(|| unsafe { ManuallyDrop::drop(&mut self.who.thread) });
        }
    }
}
