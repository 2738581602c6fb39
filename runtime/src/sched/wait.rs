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

use super::remote::Remote;
use crate::arch::Parked;
use crate::call::hop;
use crate::carrier;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomPinned;
use core::mem::ManuallyDrop;
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

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

/// What somebody waits for, in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct What {
    pub(crate) action: &'static str,
    /// Id of a vthread, or address of a thing; 0: neither.
    pub(crate) object: usize,
}

impl What {
    pub(crate) fn of<T>(action: &'static str, thing: &T) -> Self {
        Self { action, object: core::ptr::from_ref(thing).addr() }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object {
            0 => f.write_str(self.action),
            // Ids are counted, addresses are not that small.
            id @ ..0x1_0000_0000 => write!(f, "{} {id}", self.action),
            address => write!(f, "{} at {address:#x}", self.action),
        }
    }
}

enum Who {
    Vthread {
        home: &'static Remote,
        parked: Cell<Parked>,
    },
    /// What threads do is hopped to, so that it makes no vthread's stack larger.
    Thread {
        thread: ManuallyDrop<Thread>,
        woken: AtomicBool,
    },
}

/// One who waits. In the frame of the wait.
pub(crate) struct Waiting {
    state: AtomicU8,
    who: Who,
    pub(crate) what: What,
    /// May a cancellation end this wait?
    pub(crate) cancellable: bool,
    /// Is it for the kernel? A cancellation asks it to hurry.
    pub(crate) is_operation: bool,
    /// Is there no other list than the one?
    is_in_one_list: bool,
    /// Of whoever was pushed before; the inbox's.
    pub(super) next_in_inbox: Cell<*mut Waiting>,
}

impl Waiting {
    /// # Panics
    /// Where this stack cannot be left: off the chunks without a hop stack left, or while panicking when std's count of
    /// panics was not found.
    #[inline(always)]
    pub(crate) fn new(what: What) -> Self {
        let home = carrier::prepare_to_park(false);
        Self::by(what, home, !thread::panicking())
    }

    /// For a wait that nothing else may end.
    ///
    /// # Panics
    /// As [`new`](Self::new), but the cap on hop stacks does not count.
    pub(crate) fn to_the_end(what: What) -> Self {
        Self::by(what, carrier::prepare_to_park(true), false)
    }

    #[inline(always)]
    fn by(what: What, home: Option<&'static Remote>, cancellable: bool) -> Self {
        let who = match home {
            Some(home) => Who::Vthread { home, parked: Cell::new(null_mut()) },
            None => hop(|| Who::Thread {
                thread: ManuallyDrop::new(thread::current()),
                woken: AtomicBool::new(false),
            }),
        };
        let next_in_inbox = Cell::new(null_mut());
        Self {
            state: AtomicU8::new(WAITING),
            who,
            what,
            cancellable,
            is_operation: false,
            is_in_one_list: false,
            next_in_inbox,
        }
    }

    /// For an operation of the carrier's `io_uring`; see [`crate::io`].
    pub(crate) fn of_an_operation(mut self) -> Self {
        self.is_operation = true;
        self
    }

    /// `true`: the caller, and nobody else, makes it go on.
    #[inline]
    pub(crate) fn claim(&self, outcome: Outcome) -> bool {
        self.state.compare_exchange(WAITING, outcome as u8, AcqRel, Acquire).is_ok()
    }

    /// The same, by who holds the lock of a list that it is in, and has seen under it that it is not claimed.
    #[inline]
    fn claim_listed(&self, outcome: Outcome) -> bool {
        if self.is_in_one_list
            && let Who::Vthread { home, .. } = &self.who
            && carrier::is_home(home)
        {
            // Others that may claim it: who holds the list's lock, which is us, and its carrier, on whose thread we are.
            self.state.store(outcome as u8, Release);
            return true;
        }
        self.claim(outcome)
    }

    #[inline]
    fn is_claimed(&self) -> bool {
        self.state.load(Acquire) != WAITING
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

    /// Where the carrier finds the stack of a vthread that waits.
    pub(crate) fn parked(&self) -> Parked {
        match &self.who {
            Who::Vthread { parked, .. } => parked.get(),
            Who::Thread { .. } => null_mut(),
        }
    }

    /// Waits until somebody has claimed this, or until then.
    #[inline]
    pub(crate) fn wait(&self, until: Option<Instant>) -> Outcome {
        self.wait_into(until, None)
    }

    /// The same; a vthread leaves for the one that was claimed.
    #[inline(always)]
    pub(crate) fn wait_into(&self, until: Option<Instant>, next: Option<Claimed>) -> Outcome {
        match &self.who {
            Who::Vthread { parked, .. } => {
                let next = next.and_then(Claimed::into_local);
                // SAFETY: whoever resumes from there has claimed it, which happens once.
                unsafe { carrier::park_waiting(self, parked.as_ptr(), until, next) };
            }
            Who::Thread { woken, .. } => {
                drop(next);
                hop(|| self.wait_as_a_thread(woken, until));
            }
        }
        self.outcome()
    }

    #[cold]
    fn wait_as_a_thread(&self, woken: &AtomicBool, until: Option<Instant>) {
        #[cfg(not(vthread_native))]
        let _known = carrier::KnownToWait::new(self);
        while !woken.load(Acquire) {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                // Who has claimed it instead will say so at once.
                None => thread::park(),
                Some(left) if left.is_zero() => {
                    if self.claim(Outcome::TimedOut) {
                        return;
                    }
                    thread::yield_now();
                }
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}

impl Waiting {
    /// An ordinary thread's, that the caller has claimed. It is not touched afterwards.
    pub(crate) fn wake_thread(&self) {
        if let Who::Thread { thread, woken } = &self.who {
            hop(|| {
                let thread = Thread::clone(thread);
                woken.store(true, Release);
                thread.unpark();
            });
        }
    }
}

impl Drop for Waiting {
    #[inline]
    fn drop(&mut self) {
        if let Who::Thread { thread, .. } = &mut self.who {
            // SAFETY: dropped once, here.
            hop(|| unsafe { ManuallyDrop::drop(thread) });
        }
    }
}

/// A waiter's place in a list.
pub(crate) struct Link {
    waiting: *const Waiting,
    /// Where a value goes to or comes from; the list's users know its type.
    slot: *mut (),
    is_linked: Cell<bool>,
    was_claimed_here: Cell<bool>,
    previous: Cell<*const Link>,
    next: Cell<*const Link>,
    _pinned: PhantomPinned,
}

impl Link {
    #[inline(always)]
    pub(crate) fn new(waiting: &Waiting, slot: *mut ()) -> Self {
        Self {
            waiting,
            slot,
            is_linked: Cell::new(false),
            was_claimed_here: Cell::new(false),
            previous: Cell::new(null()),
            next: Cell::new(null()),
            _pinned: PhantomPinned,
        }
    }

    /// Through the list that this link was in. Known to the waiter, who may have links in others, when it goes on.
    pub(crate) fn was_claimed_here(&self) -> bool {
        self.was_claimed_here.get()
    }
}

/// Those who wait for a thing, first come, first served. Under the thing's lock.
#[derive(Debug)]
pub(crate) struct WaitList {
    first: *const Link,
    last: *const Link,
}

// SAFETY: links are other threads' memory that is touched under the list's lock only; see the protocol.
unsafe impl Send for WaitList {}

impl WaitList {
    pub(crate) const fn new() -> Self {
        Self { first: null(), last: null() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Does anybody wait but the owner of that link?
    pub(crate) fn has_other_than(&self, link: &Link) -> bool {
        let mut next = self.first;
        // SAFETY: links in the list and their waiters are valid.
        while let Some(other) = unsafe { next.as_ref() } {
            // SAFETY: as above.
            if other.waiting != link.waiting && !unsafe { &*other.waiting }.is_claimed() {
                return true;
            }
            next = other.next.get();
        }
        false
    }

    /// # Safety
    /// Link and waiter stay where they are until the link was taken out: by a claim through this list, or by
    /// [`remove`](Self::remove).
    #[inline]
    pub(crate) unsafe fn push(&mut self, link: &Link) {
        link.is_linked.set(true);
        link.previous.set(self.last);
        link.next.set(null());
        // SAFETY: links in the list are valid.
        match unsafe { self.last.as_ref() } {
            Some(last) => last.next.set(link),
            None => self.first = link,
        }
        self.last = link;
    }

    /// Takes it out, if it is in.
    ///
    /// # Safety
    /// It was pushed onto this list or onto none.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, link: &Link) {
        if !link.is_linked.replace(false) {
            return;
        }
        let (previous, next) = (link.previous.get(), link.next.get());
        // SAFETY: links in the list are valid.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => self.first = next,
            }
            match next.as_ref() {
                Some(next) => next.previous.set(previous),
                None => self.last = previous,
            }
        }
    }

    /// Claims the first that nobody else has claimed.
    #[inline]
    pub(crate) fn claim_first(&mut self, outcome: Outcome) -> Option<Claimed> {
        self.claim_first_if(outcome, |_| true)
    }

    /// The same, if its slot is right; nobody goes before the first.
    #[inline]
    pub(crate) fn claim_first_if(
        &mut self,
        outcome: Outcome,
        is_right: impl Fn(*mut ()) -> bool,
    ) -> Option<Claimed> {
        // SAFETY: links in the list and their waiters are valid.
        while let Some(link) = unsafe { self.first.as_ref() } {
            // SAFETY: as above.
            let waiting = unsafe { &*link.waiting };
            if waiting.is_claimed() {
                // SAFETY: it is in this list. Its owner has no need for its place any more.
                unsafe { self.remove(link) };
            } else if !is_right(link.slot) {
                return None;
            } else if waiting.claim_listed(outcome) {
                link.was_claimed_here.set(true);
                // SAFETY: as above.
                unsafe { self.remove(link) };
                return Some(Claimed { waiting, slot: link.slot });
            }
        }
        None
    }

    /// Claims all. They are woken when the result is used up or dropped, which should be after the lock.
    #[inline]
    pub(crate) fn claim_all(&mut self, outcome: Outcome) -> ClaimedAll {
        let mut all = ClaimedAll::new();
        while let Some(claimed) = self.claim_first(outcome) {
            all.push(claimed);
        }
        all
    }
}

/// A waiter that goes on when this is used or dropped, and not before.
pub(crate) struct Claimed {
    waiting: *const Waiting,
    slot: *mut (),
}

impl Claimed {
    #[inline]
    pub(crate) fn slot(&self) -> *mut () {
        self.slot
    }

    fn into_waiting(self) -> *const Waiting {
        ManuallyDrop::new(self).waiting
    }

    /// Makes it go on, some time.
    #[inline]
    pub(crate) fn wake(self) {
        drop(self);
    }

    /// Its stack, if it is a vthread of this carrier, for the caller to go on with. Otherwise it is woken.
    #[inline]
    fn into_local(self) -> Option<Parked> {
        // SAFETY: claimed, so it stays until it goes on.
        if let Who::Vthread { home, parked } = unsafe { &(*self.waiting).who }
            && carrier::is_home(home)
        {
            let parked = parked.get();
            core::mem::forget(self);
            return Some(parked);
        }
        None
    }

    /// Switches straight into it, if it is a vthread of this carrier and the caller is a vthread whose stack can be left;
    /// otherwise wakes it.
    #[inline]
    pub(crate) fn hand_over(self) {
        if carrier::can_hand_over()
            && let Some(parked) = self.into_local()
        {
            // SAFETY: claimed by us, so it is resumed once.
            unsafe { carrier::yield_to(parked) };
        }
    }
}

impl Drop for Claimed {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: claimed, so it stays until the push or the store below.
        let waiting = unsafe { &*self.waiting };
        match &waiting.who {
            Who::Vthread { home, parked } => {
                if !carrier::make_ready(home, parked) {
                    // SAFETY: claimed by us, and its carrier's.
                    unsafe { home.push(waiting) };
                }
            }
            Who::Thread { .. } => waiting.wake_thread(),
        }
    }
}

/// Several waiters, in order; they are woken when it is dropped.
pub(crate) struct ClaimedAll {
    first: *mut Waiting,
    last: *mut Waiting,
}

impl ClaimedAll {
    pub(crate) const fn new() -> Self {
        Self { first: null_mut(), last: null_mut() }
    }

    pub(crate) fn push(&mut self, claimed: Claimed) {
        let waiting = claimed.into_waiting().cast_mut();
        // SAFETY: those claimed are ours until they are woken.
        unsafe {
            (*waiting).next_in_inbox.set(null_mut());
            match self.last.as_ref() {
                Some(last) => last.next_in_inbox.set(waiting),
                None => self.first = waiting,
            }
        }
        self.last = waiting;
    }

    pub(crate) fn wake(self) {
        drop(self);
    }
}

impl Drop for ClaimedAll {
    fn drop(&mut self) {
        // SAFETY: claimed, so each stays until it is woken, and its link to the next is read before that.
        while let Some(waiting) = unsafe { self.first.as_ref() } {
            self.first = waiting.next_in_inbox.get();
            drop(Claimed { waiting, slot: null_mut() });
        }
    }
}

/// Waits in a list of the thing that `guard` locks, until somebody claims the waiter there, until then, or until
/// the vthread is cancelled. A vthread leaves for `next`.
///
/// # Panics
/// As [`Waiting::new`].
#[inline]
pub(crate) fn wait_in<S>(
    lock: &Mutex<S>,
    mut guard: MutexGuard<'_, S>,
    list: impl Fn(&mut S) -> &mut WaitList,
    what: What,
    slot: *mut (),
    until: Option<Instant>,
    next: Option<Claimed>,
) -> Outcome {
    let mut waiting = Waiting::new(what);
    waiting.is_in_one_list = true;
    let link = Link::new(&waiting, slot);
    // SAFETY: both stay in this frame, which ends when the link was taken out: by whoever claimed it through the list, or
    // below. Nothing in between unwinds.
    unsafe { list(&mut guard).push(&link) };
    drop(guard);
    let outcome = waiting.wait_into(until, next);
    if matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
        let mut guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: this is its list.
        unsafe { list(&mut guard).remove(&link) };
    }
    outcome
}
