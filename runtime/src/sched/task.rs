//! What is known of a vthread by others: its name, its permit, whether it has ended.

use super::room::Room;
use super::wait::{Link, Outcome, WaitList, Waiting, What, wait_in};
use crate::call::hop;
use crate::carrier;
use crate::local::Locals;
use crate::scope::ScopeState;
use core::cell::UnsafeCell;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::null_mut;
use core::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release,
};
use core::task::Waker;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shared by a vthread, its handles, and the scope that it belongs to.
pub(crate) struct Task {
    pub(crate) id: u64,
    name: Option<Box<str>>,
    /// The type of its closure.
    pub(crate) entry: &'static str,
    pub(crate) scope: Option<Arc<ScopeState>>,
    cancelled: AtomicBool,
    /// Written once, under the lock of `state`, after the result.
    has_ended: AtomicBool,
    state: Mutex<State>,
    locals: UnsafeCell<Locals>,
    /// Its body until it starts, then its result; see [`Start`](crate::carrier) and [`scope`](mod@crate::scope).
    pub(crate) room: Room,
    /// Of the vthread and its handle, those that may yet want the result; the last drops it.
    wants_result: AtomicU8,
}

struct State {
    has_permit: bool,
    /// The vthread itself, in `park`.
    parked: WaitList,
    joining: WaitList,
    /// The last that polled its handle: there is one handle.
    awaiting: Option<Waker>,
}

// SAFETY: `locals` are the vthread's own (see `locals`), and empty when it has ended; `room` asks its users for what is
// needed; all else is shared by itself.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

impl Task {
    pub(crate) fn new(entry: &'static str, name: Option<Box<str>>, scope: Option<Arc<ScopeState>>) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self {
            id: LAST.fetch_add(1, Relaxed) + 1,
            name,
            entry,
            scope,
            cancelled: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            state: Mutex::new(State {
                has_permit: false,
                parked: WaitList::new(),
                joining: WaitList::new(),
                awaiting: None,
            }),
            locals: UnsafeCell::new(Locals::new()),
            room: Room::new(),
            wants_result: AtomicU8::new(2),
        }
    }

    /// Called by the vthread, which has left its result, and by a handle that does not take it. `true`: by the last of the two,
    /// who shall drop it.
    pub(crate) fn leaves_result(&self) -> bool {
        self.wants_result.fetch_sub(1, AcqRel) == 1
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// # Safety
    /// Called by the vthread itself, which is on one OS thread all its life.
    pub(crate) unsafe fn locals(&self) -> &Locals {
        // SAFETY: `Locals` is not shared with another thread, by the caller's promise.
        unsafe { &*self.locals.get() }
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    pub(crate) fn in_cancelled_scope(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.is_cancelled())
    }

    fn park(&self, until: Option<Instant>) {
        let mut state = self.lock();
        if !core::mem::take(&mut state.has_permit) {
            let what = What { action: "parks until its unpark", object: 0 };
            wait_in(&self.state, state, |s| &mut s.parked, what, null_mut(), until, None);
        }
    }

    fn unpark(&self) {
        let mut state = self.lock();
        match state.parked.claim_first(Outcome::Notified) {
            Some(parked) => {
                drop(state);
                parked.wake();
            }
            None => state.has_permit = true,
        }
    }

    /// Says that it has ended.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        self.has_ended.store(true, Release);
        let joining = state.joining.claim_all(Outcome::Notified);
        let awaiting = state.awaiting.take();
        drop(state);
        joining.wake();
        // A waker is somebody else's code. Its panic has been reported, and must not keep the scope from ending.
        if let Some(waker) = awaiting {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    /// Puts a link into the list of those who wait for its end, unless it has ended.
    ///
    /// # Safety
    /// As [`WaitList::push`].
    pub(crate) unsafe fn enlist_joiner(&self, link: &Link) -> bool {
        let mut state = self.lock();
        let wait = !self.has_ended();
        if wait {
            // SAFETY: the caller's promise.
            unsafe { state.joining.push(link) };
        }
        wait
    }

    /// # Safety
    /// As [`WaitList::remove`].
    pub(crate) unsafe fn withdraw_joiner(&self, link: &Link) {
        // SAFETY: the caller's promise.
        unsafe { self.lock().joining.remove(link) };
    }

    /// If it has not ended, `waker` is woken when it does.
    pub(crate) fn has_ended_or_wakes(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = self.lock();
        if self.has_ended() {
            return true;
        }
        let former = state.awaiting.replace(waker);
        drop(state);
        drop(former);
        false
    }

    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Acquire)
    }

    /// Waits until it has ended, whatever else happens. `false`: it had not, then. For a thread that is no vthread.
    pub(crate) fn wait_for_end(&self, until: Option<Instant>) -> bool {
        let state = self.lock();
        if self.has_ended() {
            return true;
        }
        let what = What { action: "waits for the end of vthread", object: self.id as usize };
        wait_in(&self.state, state, |s| &mut s.joining, what, null_mut(), until, None) == Outcome::Notified
    }

    /// # Panics
    /// When the vthread that this is calls.
    pub(crate) fn assert_is_not_mine(&self) {
        assert!(
            carrier::mounted().is_none_or(|root| !core::ptr::eq(root.task(), self)),
            "vthread: vthread {} waits for its own end",
            self.id
        );
    }

    /// Waits until it has ended. `false`: it had not, then.
    pub(crate) fn join(&self, until: Option<Instant>) -> bool {
        self.assert_is_not_mine();
        if self.has_ended() {
            return true;
        }
        checkpoint();
        let state = self.lock();
        if self.has_ended() {
            return true;
        }
        let what = What { action: "waits for the end of vthread", object: self.id as usize };
        let outcome = wait_in(&self.state, state, |s| &mut s.joining, what, null_mut(), until, None);
        raise_if_cancelled(outcome);
        outcome == Outcome::Notified
    }
}

/// What a vthread ends with that was cancelled: its waits panic with this, without a message.
///
/// ```
/// let payload = vthread::run(|| {
///     vthread::scope(|s| {
///         let child = s.spawn(|| vthread::park());
///         s.cancel();
///         child.join().unwrap_err()
///     })
/// });
/// assert!(payload.is::<vthread::Cancelled>());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled(());

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the vthread was cancelled")
    }
}

impl std::error::Error for Cancelled {}

#[cold]
#[inline(never)]
pub(crate) fn raise_cancelled() -> ! {
    hop(|| resume_unwind(Box::new(Cancelled(()))))
}

#[inline]
pub(crate) fn raise_if_cancelled(outcome: Outcome) {
    if outcome == Outcome::Cancelled {
        raise_cancelled();
    }
}

/// Can a cancellation unwind? Elsewhere a vthread must ask.
pub(crate) const RAISES: bool = cfg!(panic = "unwind");

/// Calls a vthread's closure, and drops the vthread's locals.
#[inline(always)]
pub(crate) fn run_closure<T>(task: &Task, closure: impl FnOnce() -> T) -> std::thread::Result<T> {
    let outcome = ManuallyDrop::new(catch_unwind(AssertUnwindSafe(|| {
        // Who was cancelled before does not start.
        checkpoint();
        closure()
    })));
    // SAFETY: this is the vthread.
    let locals = unsafe { task.locals() };
    if locals.is_empty() {
        return ManuallyDrop::into_inner(outcome);
    }
    hop(move || {
        let outcome = ManuallyDrop::into_inner(outcome);
        match catch_unwind(AssertUnwindSafe(|| locals.clear())) {
            Err(payload) if outcome.is_ok() => Err(payload),
            _ => outcome,
        }
    })
}

/// Where a vthread sees that it was cancelled: every call that may park or yields has one, even where it needs not wait.
///
/// # Panics
/// With [`Cancelled`] then, unless it panics already. Where panics abort the program, [`is_cancelled`] must be asked instead.
#[inline]
pub fn checkpoint() {
    if RAISES
        && carrier::mounted().is_some_and(|root| root.task().is_cancelled())
        && !std::thread::panicking()
    {
        raise_cancelled();
    }
}

/// Was this vthread cancelled? Its destructors may go on and wait all the same.
pub fn is_cancelled() -> bool {
    carrier::mounted().is_some_and(|root| root.task().is_cancelled())
}

/// A handle to a vthread: who it is, and its permit.
#[derive(Clone)]
pub struct Vthread(pub(crate) Arc<Task>);

impl Vthread {
    /// Unique in the process.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// As it was spawned with.
    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// Grants the permit that the vthread's next [`park`] takes, or that it waits for. At most one is kept.
    pub fn unpark(&self) {
        self.0.unpark();
    }
}

impl fmt::Debug for Vthread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vthread").field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The vthread that calls; `None` on an ordinary thread.
pub fn current() -> Option<Vthread> {
    carrier::mounted().map(|root| Vthread(root.share_task()))
}

/// Waits for this vthread's permit, and takes it. On an ordinary thread, [`std::thread::park`].
///
/// Unlike there, it returns for no other reason.
///
/// # Panics
/// With [`Cancelled`], if that is what happens; off the chunks when no hop stack is left.
pub fn park() {
    park_until(None);
}

/// The same, for so long at most.
///
/// # Panics
/// As [`park`].
pub fn park_timeout(most: Duration) {
    park_until(Instant::now().checked_add(most));
}

fn park_until(until: Option<Instant>) {
    let Some(root) = carrier::mounted() else {
        return match until {
            None => std::thread::park(),
            Some(until) => std::thread::park_timeout(until.saturating_duration_since(Instant::now())),
        };
    };
    checkpoint();
    root.task().park(until);
    checkpoint();
}

/// Lets others run, for at least so long. On an ordinary thread, [`std::thread::sleep`].
///
/// # Panics
/// As [`park`].
pub fn sleep(least: Duration) {
    let until = Instant::now().checked_add(least);
    if carrier::mounted().is_none() {
        return std::thread::sleep(least);
    }
    checkpoint();
    let outcome = Waiting::new(What { action: "sleeps", object: 0 }).wait(until);
    raise_if_cancelled(outcome);
}

/// Lets every vthread of this carrier that is ready go first, and those that have not started when their turn comes. On an
/// ordinary thread, [`std::thread::yield_now`].
///
/// # Panics
/// As [`park`].
#[inline]
pub fn yield_now() {
    let Some(root) = carrier::mounted() else { return std::thread::yield_now() };
    if root.task().is_cancelled() {
        checkpoint();
    }
    carrier::yield_now();
    if root.task().is_cancelled() {
        checkpoint();
    }
}
