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

#[cfg(vthread_native)]
use super::lock::Owned;
use super::lock::{Guard, Raw, RawGuard};
use super::remote::Remote;
#[cfg(vthread_native)]
use super::timers::Timer;
use crate::arch::Parked;
use crate::call::hop;
use crate::carrier;
use crate::facade::{
    AtomicBool, AtomicPtr, AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release, Thread, current, panicking, park, park_timeout, yield_now,
};
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomPinned;
use core::mem::ManuallyDrop;
#[cfg(vthread_native)]
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};
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
    /// One word: it is in the frame of every wait.
    action: &'static &'static str,
    /// Id of a vthread, or address of a thing; 0: neither.
    object: usize,
}

impl What {
    #[inline(always)]
    pub(crate) const fn new(action: &'static &'static str) -> Self {
        Self { action, object: 0 }
    }

    #[inline(always)]
    pub(crate) const fn of_vthread(action: &'static &'static str, id: u64) -> Self {
        Self { action, object: id as usize }
    }

    #[inline(always)]
    pub(crate) fn of<T>(action: &'static &'static str, thing: &T) -> Self {
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
        self
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

/// Instead of a link's address. Two words less in the frame of every wait than words that say it.
const NOWHERE: *const Link = core::ptr::without_provenance(1);

/// A waiter's place in a list.
pub(crate) struct Link {
    waiting: *const Waiting,
    /// Where a value goes to or comes from; the list's users know its type.
    slot: *mut (),
    /// Of the first, the last. [`NOWHERE`]: it is in no list.
    previous: Cell<*const Link>,
    /// [`NOWHERE`]: it was claimed through its list.
    next: Cell<*const Link>,
    _pinned: PhantomPinned,
}

impl Link {
    #[inline(always)]
    pub(crate) fn new(waiting: &Waiting, slot: *mut ()) -> Self {
        Self { waiting, slot, previous: Cell::new(NOWHERE), next: Cell::new(null()), _pinned: PhantomPinned }
    }

    /// Through the list that this link was in. Known to the waiter, who may have links in others, when it goes on.
    pub(crate) fn was_claimed_here(&self) -> bool {
        self.next.get() == NOWHERE
    }
}

/// Those who wait for a thing, first come, first served. Under the thing's lock. One word: the last is the first's `previous`.
#[derive(Debug)]
pub(crate) struct WaitList {
    first: *const Link,
}

// SAFETY: links are other threads' memory that is touched under the list's lock only; see the protocol.
unsafe impl Send for WaitList {}

impl WaitList {
    pub(crate) const fn new() -> Self {
        Self { first: null() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    #[cfg(vthread_native)]
    pub(crate) fn has_several(&self) -> bool {
        // SAFETY: links in the list are valid.
        unsafe { self.first.as_ref() }.is_some_and(|first| !first.next.get().is_null())
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
        link.next.set(null());
        // SAFETY: links in the list are valid.
        if let Some(first) = unsafe { self.first.as_ref() } {
            let last = first.previous.replace(link);
            link.previous.set(last);
            // SAFETY: as above.
            unsafe { (*last).next.set(link) };
        } else {
            link.previous.set(link);
            self.first = link;
        }
    }

    /// Takes it out, if it is in.
    ///
    /// # Safety
    /// It was pushed onto this list or onto none.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, link: &Link) {
        if link.previous.get() == NOWHERE {
            return;
        }
        let (previous, next) = (link.previous.replace(NOWHERE), link.next.get());
        let is_first = core::ptr::eq(self.first, link);
        if is_first {
            self.first = next;
        }
        // SAFETY: links in the list are valid.
        unsafe {
            if !is_first {
                (*previous).next.set(next);
            }
            // Of the last, the first has to know.
            if let Some(after) = if next.is_null() { self.first } else { next }.as_ref() {
                after.previous.set(previous);
            }
        }
    }

    /// Claims the first that nobody else has claimed.
    #[inline(always)]
    pub(crate) fn claim_first(&mut self, outcome: Outcome) -> Option<Claimed> {
        self.claim_first_if(outcome, |_| true)
    }

    /// The same, if its slot is right; nobody goes before the first.
    #[inline(always)]
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
                // Its owner has no need for its place any more.
                self.remove_first(link);
            } else if !is_right(link.slot) {
                return None;
            } else if waiting.claim_listed(outcome) {
                self.remove_first(link);
                link.next.set(NOWHERE);
                return Some(Claimed { waiting, slot: link.slot });
            }
        }
        None
    }

    #[inline(always)]
    fn remove_first(&mut self, first: &Link) {
        debug_assert!(core::ptr::eq(self.first, first));
        let last = first.previous.replace(NOWHERE);
        self.first = first.next.get();
        // SAFETY: links in the list are valid.
        if let Some(next) = unsafe { self.first.as_ref() } {
            next.previous.set(last);
        }
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
        let waiting = unsafe { &*self.waiting };
        if let Some(home) = waiting.home
            && carrier::is_home(home)
        {
            core::mem::forget(self);
            return Some(waiting.parked_place().get());
        }
        hop(|| drop(self));
        None
    }

    /// Switches straight into it, if it is a vthread of this carrier and the caller is a vthread whose stack can be left;
    /// otherwise wakes it.
    #[inline(always)]
    pub(crate) fn hand_over(self) {
        let Some(me) = carrier::me_at_ease() else { return hop(|| self.hand_over_however()) };
        if let Some(parked) = self.into_local() {
            // SAFETY: claimed by us, so it is resumed once.
            unsafe { me.yield_to(parked) };
        }
    }

    /// The same, for ordinary threads, and for vthreads that panic or are off their chunks.
    #[cold]
    fn hand_over_however(self) {
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
        match waiting.home {
            Some(home) => {
                if !carrier::make_ready(home, waiting.parked_place()) {
                    // SAFETY: claimed by us, and its carrier's.
                    unsafe { home.push(waiting) };
                }
            }
            None => waiting.wake_thread(),
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
            (*waiting).set_next(null_mut());
            match self.last.as_ref() {
                Some(last) => last.set_next(waiting),
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
            self.first = waiting.next();
            drop(Claimed { waiting, slot: null_mut() });
        }
    }
}

/// Waits in no list: until then, or until the vthread is cancelled.
///
/// # Panics
/// As [`Waiting::new`].
pub(crate) fn wait_alone(what: What, until: Option<Instant>) -> Outcome {
    #[cfg(vthread_native)]
    if let Some(me) = carrier::me_at_ease() {
        return wait_alone_at_ease(me, what, until);
    }
    hop(move || Waiting::new(what).wait(until))
}

/// A vthread that waits for a time.
#[cfg(vthread_native)]
struct Alone {
    waiting: ManuallyDrop<Waiting>,
    timer: Option<Timer>,
}

#[cfg(vthread_native)]
#[inline(always)]
fn wait_alone_at_ease(me: carrier::AtEase, what: What, until: Option<Instant>) -> Outcome {
    let root = me.root();
    // A vthread's has nothing to drop.
    let alone = Alone {
        waiting: ManuallyDrop::new(Waiting::of_vthread(what, me.home(), true, true)),
        timer: until.map(Timer::new),
    };
    let alone = &alone;
    let next = hop(move || carrier::begin_wait(&alone.waiting, alone.timer.as_ref(), None));
    if !next.is_nobody() {
        // SAFETY: at ease; whoever resumes from there has claimed it, which happens once.
        unsafe { me.leave_for(next, alone.waiting.parked_place().as_ptr()) };
    }
    hop(move || {
        carrier::end_wait(root, alone.timer.as_ref());
        alone.waiting.outcome()
    })
}

/// A vthread that waits in one list. In the frame of the wait, and nowhere else while it does.
#[cfg(vthread_native)]
pub(crate) struct InList {
    waiting: Waiting,
    link: Link,
}

#[cfg(vthread_native)]
impl InList {
    /// Makes it in `place`, and puts it into a list of what `guard` locks. The running vthread then leaves for what this gives.
    ///
    /// # Panics
    /// With [`Cancelled`](super::task::Cancelled), if that is what happened.
    ///
    /// # Safety
    /// There is room. It stays there until the vthread goes on, and then until the link was taken out. Called by [`wait_thin`].
    #[inline(always)]
    pub(crate) unsafe fn enlist<S>(
        place: *mut Self,
        guard: Guard<'_, S>,
        list: impl FnOnce(&mut S) -> &mut WaitList,
        what: What,
        slot: *mut (),
    ) -> carrier::Next {
        // Who is cancelled would not leave.
        super::task::checkpoint();
        let (guard, state) = guard.into_raw();
        let list = list_in(state, list);
        // SAFETY: the caller's promise. The guard locks the list. Nothing from here on unwinds or lets others run once it is in the list.
        unsafe {
            (&raw mut (*place).waiting).write(Waiting::of_vthread(what, carrier::home(), true, true));
            (&raw mut (*place).link).write(Link::new(&(*place).waiting, slot));
            (*list).push(&(*place).link);
            drop(guard);
            carrier::begin_wait(&(*place).waiting, None, None)
        }
    }

    /// Takes it out of its list, if it is in.
    ///
    /// # Safety
    /// That is its list, under its lock.
    pub(crate) unsafe fn remove_from(&self, list: &mut WaitList) {
        // SAFETY: the caller's promise.
        unsafe { list.remove(&self.link) };
    }
}

/// Waits in one list, for as long as it takes, with as little on the vthread's stack as there can be: what it waits in and what its
/// caller has. `begin` looks whether it has to wait, and if so [enlists](InList::enlist) itself and gives what is to go on; `end` is told how the
/// wait has ended, and takes the link out unless it was notified. Both are hopped to.
///
/// # Safety
/// `end` does that.
#[cfg(vthread_native)]
#[inline(always)]
pub(crate) unsafe fn wait_thin(
    me: carrier::AtEase,
    begin: impl FnOnce(*mut InList) -> carrier::Next,
    end: impl FnOnce(&InList, Outcome),
) {
    let mut place = MaybeUninit::<InList>::uninit();
    let place = place.as_mut_ptr();
    let root = me.root();
    let next = hop(move || begin(place));
    if next.is_nobody() {
        return;
    }
    // SAFETY: at ease. `begin` has made what is there; whoever resumes from there has claimed it, which happens once.
    unsafe { me.leave_for(next, (*place).waiting.parked_place().as_ptr()) };
    hop(move || {
        carrier::end_wait(root, None);
        // SAFETY: as above. A vthread's has nothing to drop.
        let place = unsafe { &*place };
        end(place, place.waiting.outcome());
    });
}

/// The pointer to a list, as one that stays valid when the state is borrowed anew, under the lock, later.
#[inline(always)]
fn list_in<S>(state: *mut S, list: impl FnOnce(&mut S) -> &mut WaitList) -> *mut WaitList {
    // SAFETY: our callers hold the state's lock, and have no reference into it.
    let list: *mut WaitList = list(unsafe { &mut *state });
    state.cast::<u8>().wrapping_add(list.addr() - state.addr()).cast()
}

/// Waits in a list of the thing that `guard` locks, until somebody claims the waiter there, until then, or until
/// the vthread is cancelled. A vthread leaves for `next`.
///
/// # Panics
/// As [`Waiting::new`].
#[inline]
pub(crate) fn wait_in<S>(
    guard: Guard<'_, S>,
    list: impl FnOnce(&mut S) -> &mut WaitList,
    what: What,
    slot: *mut (),
    until: Option<Instant>,
    next: Option<Claimed>,
) -> Outcome {
    let (guard, state) = guard.into_raw();
    let list = list_in(state, list);
    #[cfg(vthread_native)]
    if let Some(me) = carrier::me_at_ease() {
        return wait_in_at_ease(me, guard, list, what, slot, until, next);
    }
    // Elsewhere, so that what is rare makes nobody's stack larger; and nothing is to be dropped here.
    let wait = ManuallyDrop::new(Wait { guard, list, what, slot, until, next });
    hop(move || ManuallyDrop::into_inner(wait).wait_however())
}

/// What is in the frame of [`wait_in`], of a vthread at ease.
#[cfg(vthread_native)]
struct Waits<'a> {
    place: InList,
    timer: Option<Timer>,
    /// Until it is in the list.
    guard: Option<RawGuard<'a>>,
    lock: &'a Raw,
    list: *mut WaitList,
    /// Claimed, to go on.
    next: *const Waiting,
}

#[cfg(vthread_native)]
#[inline(always)]
fn wait_in_at_ease(
    me: carrier::AtEase,
    guard: RawGuard<'_>,
    list: *mut WaitList,
    what: What,
    slot: *mut (),
    until: Option<Instant>,
    next: Option<Claimed>,
) -> Outcome {
    let root = me.root();
    // A vthread's has nothing to drop, and the guard is dropped by `begin`.
    let mut frame = MaybeUninit::<Waits<'_>>::uninit();
    let at = frame.as_mut_ptr();
    // SAFETY: room for it; all fields are written.
    unsafe {
        (&raw mut (*at).place.waiting).write(Waiting::of_vthread(what, me.home(), true, true));
        (&raw mut (*at).place.link).write(Link::new(&(*at).place.waiting, slot));
        (&raw mut (*at).timer).write(until.map(Timer::new));
        (&raw mut (*at).lock).write(guard.lock());
        (&raw mut (*at).guard).write(Some(guard));
        (&raw mut (*at).list).write(list);
        (&raw mut (*at).next).write(next.map_or(null(), Claimed::into_waiting));
    }
    // SAFETY: it stays in this frame, which ends when the link was taken out: by whoever claimed it through the list, or by `end`.
    let next = hop(move || unsafe { Waits::begin(at) });
    if !next.is_nobody() {
        // SAFETY: at ease; whoever resumes from there has claimed it, which happens once.
        unsafe { me.leave_for(next, (*at).place.waiting.parked_place().as_ptr()) };
    }
    hop(move || {
        // SAFETY: as above; it is not used by others any more but by way of the list.
        let waits = unsafe { &*at };
        carrier::end_wait(root, waits.timer.as_ref());
        let outcome = waits.place.waiting.outcome();
        if matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
            withdraw(waits.lock, waits.list, &waits.place.link);
        }
        outcome
    })
}

#[cfg(vthread_native)]
impl Waits<'_> {
    /// # Safety
    /// `this` stays where it is until the link was taken out of the list. The vthread leaves for what this gives, if that is not nobody.
    #[inline(never)]
    unsafe fn begin(this: *mut Self) -> carrier::Next {
        // SAFETY: the caller's promise. The guard locks the list. Nothing from there on unwinds or lets others run.
        unsafe {
            (*(*this).list).push(&(*this).place.link);
            drop((*this).guard.take());
            let (next, timer) = ((*this).next.as_ref(), &(*this).timer);
            let next = next.and_then(|waiting| Claimed { waiting, slot: null_mut() }.into_local());
            carrier::begin_wait(&(*this).place.waiting, timer.as_ref(), next)
        }
    }
}

/// What [`wait_in`] was called with: the same code for whatever the lock guards.
struct Wait<'a> {
    guard: RawGuard<'a>,
    list: *mut WaitList,
    what: What,
    slot: *mut (),
    until: Option<Instant>,
    next: Option<Claimed>,
}

impl Wait<'_> {
    /// For ordinary threads, and for vthreads that panic or are off their chunks. Once.
    #[cold]
    fn wait_however(self) -> Outcome {
        let Self { guard, list, what, slot, until, next } = self;
        let mut waiting = Waiting::new(what);
        waiting.is_in_one_list = waiting.home.is_some();
        let link = Link::new(&waiting, slot);
        let lock = guard.lock();
        // SAFETY: both stay in this frame, which ends when the link was taken out: by whoever claimed it through the list,
        // or below. Nothing in between unwinds. The guard locks the list.
        unsafe { (*list).push(&link) };
        drop(guard);
        let outcome = waiting.wait_into(until, next);
        if matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
            withdraw(lock, list, &link);
        }
        outcome
    }
}

/// Takes the link out of its list.
#[cold]
#[inline(never)]
fn withdraw(lock: &Raw, list: *mut WaitList, link: &Link) {
    hop(|| {
        let _guard = lock.lock();
        // SAFETY: that is its list, and the lock's.
        unsafe { (*list).remove(link) };
    });
}

/// [`wait_in`] for a vthread at ease, in a list whose lock its carrier owns, for as long as it takes. `STARTS`: when nothing is
/// ready it starts another vthread itself.
///
/// # Safety
/// `next` was claimed by the caller, and waits on this carrier. The vthread is not cancelled.
#[cfg(vthread_native)]
#[inline(always)]
pub(crate) unsafe fn wait_in_owned<const STARTS: bool, S>(
    me: carrier::AtEase,
    guard: Owned<'_, S>,
    list: impl FnOnce(&mut S) -> &mut WaitList,
    what: What,
    slot: *mut (),
    next: Option<Parked>,
) -> Outcome {
    let (lock, state) = guard.into_raw();
    let list = list_in(state, list);
    // SAFETY: the lock's list, under the lock; the caller's promise.
    unsafe { wait_owned::<STARTS>(me, lock, list, what, slot, next) }
}

/// # Safety
/// This carrier is inside of the lock as its owner, and `list` is one of what it guards. `next` is as above. The vthread is not cancelled.
// Inlined up to the code of users: after a switch a processor predicts no return rightly, and a yield took four times as long
// with one in it.
#[cfg(vthread_native)]
#[inline(always)]
unsafe fn wait_owned<const STARTS: bool>(
    me: carrier::AtEase,
    lock: &Raw,
    list: *mut WaitList,
    what: What,
    slot: *mut (),
    next: Option<Parked>,
) -> Outcome {
    // A vthread's has nothing to drop.
    let waiting = ManuallyDrop::new(Waiting::of_vthread(what, me.home(), true, true));
    let link = Link::new(&waiting, slot);
    // SAFETY: as in `wait`, and the caller's promise.
    unsafe {
        (*list).push(&link);
        lock.leave_as_owner();
        me.park_uncancelled::<STARTS>(&waiting, waiting.parked_place().as_ptr(), next);
    }
    let outcome = waiting.outcome();
    if matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
        withdraw(lock, list, &link);
    }
    outcome
}

/// One that was claimed by its own carrier.
#[cfg(vthread_native)]
pub(crate) struct ClaimedHere(Claimed);

#[cfg(vthread_native)]
impl ClaimedHere {
    #[inline(always)]
    pub(crate) fn slot(&self) -> *mut () {
        self.0.slot
    }

    /// Its stack, for the caller to go on with, once.
    #[inline(always)]
    pub(crate) fn into_parked(self) -> Parked {
        // SAFETY: claimed, so it stays until it goes on.
        let parked = unsafe { (*self.0.waiting).parked_place().get() };
        core::mem::forget(self);
        parked
    }

    /// The same, for whoever may not be able to.
    pub(crate) fn into_claimed(self) -> Claimed {
        self.0
    }
}

#[cfg(vthread_native)]
impl WaitList {
    /// Claims the first, if it is a vthread that waits here alone, and nobody has claimed it: by plain accesses. Otherwise nothing
    /// happens.
    ///
    /// # Safety
    /// The list's lock is this carrier's, which is inside as its owner.
    #[inline(always)]
    pub(crate) unsafe fn claim_first_here(&mut self) -> Option<ClaimedHere> {
        // SAFETY: links in the list and their waiters are valid.
        let link = unsafe { self.first.as_ref()? };
        // SAFETY: as above.
        let waiting = unsafe { &*link.waiting };
        if waiting.state.load(Acquire) != WAITING || !waiting.is_in_one_list {
            return None;
        }
        // Whoever came into a list whose lock is still ours came on this carrier. As this is its only list, nobody else claims it.
        debug_assert!(waiting.home.is_some_and(carrier::is_home));
        waiting.state.store(Outcome::Notified as u8, Release);
        self.remove_first(link);
        link.next.set(NOWHERE);
        Some(ClaimedHere(Claimed { waiting, slot: link.slot }))
    }
}
