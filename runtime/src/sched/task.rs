//! What is known of a vthread by others: its name, its permit, whether it has ended.

use super::lock::{Guard, Lock};
use super::room::Room;
use super::task_ref::{Count, TaskRef};
#[cfg(vthread_native)]
use super::wait::wait_in_owned;
use super::wait::{Link, Outcome, WaitList, What, wait_alone, wait_in};
use crate::call::hop;
use crate::carrier;
use crate::error::Error;
use crate::fatal::dispose;
use crate::local::Locals;
use crate::scope::ScopeState;
use core::cell::{Cell, UnsafeCell};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::null_mut;
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release,
};
use core::task::Waker;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shared by a vthread, its handles, and the scope that it belongs to.
///
/// 120 bytes, which is what common allocators give for 128: there may be millions.
pub(crate) struct Task {
    pub(super) count: Count,
    pub(crate) id: u64,
    pub(crate) scope: Option<Arc<ScopeState>>,
    /// Bytes of its stack.
    pub(crate) size: Cell<u32>,
    /// Written once, under the lock of `state`, after the result.
    has_ended: AtomicBool,
    /// Under the lock of `state`, as all three that follow: a word there would take eight bytes.
    has_permit: AtomicBool,
    /// Nobody will take the result.
    is_unwanted: AtomicBool,
    state: Lock<State>,
    /// What most do not have.
    rare: Rarely,
    /// How it is started; see [`Start`](crate::carrier).
    pub(crate) entry: Cell<Option<Entry>>,
    /// What else the type of its body knows.
    pub(crate) about: Cell<Option<About>>,
    /// Its body until it starts, then its result; see [`Start`](crate::carrier) and [`scope`](mod@crate::scope).
    pub(crate) room: Room,
}

const _: () = assert!(size_of::<Task>() <= 120);

/// The first function on its stack.
pub(crate) type Entry = unsafe extern "C-unwind" fn(*mut u8);

/// With an error, it is what a vthread ends with that could not be started: the body is in the task's room. Gives the type of its closure, and what `Body::fail` answers.
pub(crate) type About = unsafe fn(Option<(&Task, Error)>) -> (&'static str, bool);

/// Null until it is needed: by who makes the task, by the vthread itself, or under the lock of the task's state.
struct Rarely(AtomicPtr<Rare>);

#[derive(Default)]
struct Rare {
    name: Option<Box<str>>,
    /// The vthread's own; see `locals`.
    locals: Locals,
    /// Under the lock of the task's state: the last that polled its handle. There is one handle.
    awaiting: UnsafeCell<Option<Waker>>,
}

impl Rarely {
    fn new(name: Option<Box<str>>) -> Self {
        Self(AtomicPtr::new(name.map_or(null_mut(), |name| {
            hop(|| Box::into_raw(Box::new(Rare { name: Some(name), ..Rare::default() })))
        })))
    }

    #[inline(always)]
    fn get(&self) -> Option<&Rare> {
        // SAFETY: boxed below or above, and dropped with this.
        unsafe { self.0.load(Acquire).as_ref() }
    }

    fn make(&self) -> &Rare {
        hop(|| {
            if self.get().is_none() {
                let made = Box::into_raw(Box::default());
                if self.0.compare_exchange(null_mut(), made, AcqRel, Acquire).is_err() {
                    // SAFETY: nobody has seen it.
                    drop(unsafe { Box::from_raw(made) });
                }
            }
            // SAFETY: it is there now, and stays.
            unsafe { &*self.0.load(Acquire) }
        })
    }
}

impl Drop for Rarely {
    fn drop(&mut self) {
        let rare = *self.0.get_mut();
        if !rare.is_null() {
            // SAFETY: boxed, and nobody refers to the task any more.
            drop(unsafe { Box::from_raw(rare) });
        }
    }
}

/// What is left to be done by a vthread that has ended.
#[derive(Clone, Copy)]
pub(crate) struct Ended {
    /// Nobody wants the result: it is to be dropped.
    pub(crate) is_unwanted: bool,
    /// The vthread has still its reference to the task.
    pub(crate) has_reference: bool,
}

struct State {
    /// The vthread itself, in `park`.
    parked: WaitList,
    joining: WaitList,
}

// SAFETY: `locals` are the vthread's own (see `locals`), and forgotten by who drops the task; `size`, `entry` and `about` are whoever's the task is who starts
// it; `room` asks its users for what is needed; all else is shared by itself.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

impl Task {
    /// Makes it in `place`, without a copy. With two references: the vthread's, and a handle's. `is_local`: its carrier alone will use
    /// it, as far as is known.
    ///
    /// # Safety
    /// There is room for a task.
    #[inline(always)]
    pub(super) unsafe fn init(
        place: *mut Self,
        name: Option<Box<str>>,
        scope: Option<Arc<ScopeState>>,
        is_local: bool,
    ) {
        let state = State { parked: WaitList::new(), joining: WaitList::new() };
        // SAFETY: the caller's promise; these are all fields but the room, which may be anything.
        unsafe {
            (&raw mut (*place).count).write(Count::of_two());
            (&raw mut (*place).id).write(next_id());
            (&raw mut (*place).scope).write(scope);
            (&raw mut (*place).size).write(Cell::new(0));
            (&raw mut (*place).has_ended).write(AtomicBool::new(false));
            (&raw mut (*place).has_permit).write(AtomicBool::new(false));
            (&raw mut (*place).is_unwanted).write(AtomicBool::new(false));
            let lock = if is_local { Lock::of_this_carrier(state) } else { Lock::shared(state) };
            (&raw mut (*place).state).write(lock);
            (&raw mut (*place).rare).write(Rarely::new(name));
            (&raw mut (*place).entry).write(Cell::new(None));
            (&raw mut (*place).about).write(Cell::new(None));
        }
    }

    /// The type of its closure.
    pub(crate) fn closure_name(&self) -> &'static str {
        // SAFETY: without an error it may always be called.
        self.about.get().map_or("a vthread", |about| unsafe { about(None).0 })
    }

    /// When nobody refers to it any more.
    #[inline(always)]
    pub(super) fn has_something_to_drop(&self) -> bool {
        self.scope.is_some() || self.rare.get().is_some()
    }

    /// Called by a handle that does not take the result. `true`: it is there, and the caller shall drop it; otherwise the vthread
    /// does.
    pub(crate) fn leave_result(&self) -> bool {
        let _state = self.lock();
        self.is_unwanted.store(true, Relaxed);
        self.has_ended()
    }

    fn lock(&self) -> Guard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.rare.get()?.name.as_deref()
    }

    /// # Safety
    /// Called by the vthread itself, which is on one OS thread all its life.
    pub(crate) unsafe fn locals(&self) -> &Locals {
        // By the caller's promise, they are not shared with another thread.
        &self.rare.get().unwrap_or_else(|| self.rare.make()).locals
    }

    /// # Safety
    /// What may run the user's code when it is dropped, out of a task whose last reference goes.
    pub(super) fn take_for_the_end(&mut self) -> Option<Arc<ScopeState>> {
        // SAFETY: ours, if there is any.
        if let Some(rare) = unsafe { self.rare.0.get_mut().as_mut() } {
            rare.locals.forget();
        }
        self.scope.take()
    }

    /// As [`locals`](Self::locals).
    unsafe fn locals_if_any(&self) -> Option<&Locals> {
        self.rare.get().map(|rare| &rare.locals)
    }

    pub(crate) fn in_cancelled_scope(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.is_cancelled())
    }

    fn park(&self, until: Option<Instant>) {
        let state = self.lock();
        if !self.has_permit.load(Relaxed) {
            let what = What::new(&"parks until its unpark");
            wait_in(state, |s| &mut s.parked, what, null_mut(), until, None);
            return;
        }
        self.has_permit.store(false, Relaxed);
    }

    fn unpark(&self) {
        let mut state = self.lock();
        match state.parked.claim_first(Outcome::Notified) {
            Some(parked) => {
                drop(state);
                parked.wake();
            }
            None => self.has_permit.store(true, Relaxed),
        }
    }

    /// Under the lock.
    #[cfg(vthread_native)]
    #[inline(always)]
    fn nobody_awaits(&self) -> bool {
        // SAFETY: under the lock.
        self.rare.get().is_none_or(|rare| unsafe { (*rare.awaiting.get()).is_none() })
    }

    /// Called by the vthread: says that it has ended.
    #[inline(always)]
    pub(crate) fn end(&self) -> Ended {
        #[cfg(vthread_native)]
        if let Some(me) = carrier::me()
            && let Some(mut state) = self.state.lock_as_owner()
            && self.nobody_awaits()
            && !state.joining.has_several()
        {
            // SAFETY: the lock's list, as its owner.
            let joiner = unsafe { state.joining.claim_first_here() };
            if state.joining.is_empty() {
                self.has_ended.store(true, Release);
                let is_unwanted = self.is_unwanted.load(Relaxed);
                drop(state);
                let mut has_reference = true;
                if let Some(joiner) = joiner {
                    // The handle is in the frame of that one, who goes on here, later. If nobody else ever had a reference, then
                    // ours can go without an atomic operation.
                    has_reference = !self.count.give_up_one_of_two();
                    me.make_ready(joiner.into_parked());
                }
                return Ended { is_unwanted, has_reference };
            }
        }
        Ended { is_unwanted: hop(|| self.end_however()), has_reference: true }
    }

    #[inline(never)]
    fn end_however(&self) -> bool {
        let mut state = self.lock();
        self.has_ended.store(true, Release);
        let joining = state.joining.claim_all(Outcome::Notified);
        // SAFETY: under the lock.
        let awaiting = self.rare.get().and_then(|rare| unsafe { (*rare.awaiting.get()).take() });
        let is_unwanted = self.is_unwanted.load(Relaxed);
        drop(state);
        joining.wake();
        // A waker is somebody else's code. Its panic has been reported, and must not keep the scope from ending.
        if let Some(waker) = awaiting {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        is_unwanted
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
        let (waker, rare) = (waker.clone(), self.rare.make());
        let state = self.lock();
        if self.has_ended() {
            return true;
        }
        // SAFETY: under the lock.
        let former = unsafe { (*rare.awaiting.get()).replace(waker) };
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
        let what = What::of_vthread(&"waits for the end of vthread", self.id);
        wait_in(state, |s| &mut s.joining, what, null_mut(), until, None) == Outcome::Notified
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

    /// [`join`](Self::join) where that is simple. `None`: not done.
    #[cfg(vthread_native)]
    #[inline(always)]
    fn join_here(&self) -> Option<Outcome> {
        let me = carrier::me().filter(|me| !me.is_cancelled())?;
        let ease = me.at_ease()?;
        let state = self.state.lock_as_owner()?;
        if self.has_ended() {
            return Some(Outcome::Notified);
        }
        let what = What::of_vthread(&"waits for the end of vthread", self.id);
        // SAFETY: nobody is to go on instead, and it is not cancelled.
        Some(unsafe { wait_in_owned::<true, _>(ease, state, |s| &mut s.joining, what, null_mut(), None) })
    }

    /// Waits until it has ended. `false`: it had not, then.
    pub(crate) fn join(&self, until: Option<Instant>) -> bool {
        self.assert_is_not_mine();
        if self.has_ended() {
            return true;
        }
        #[cfg(vthread_native)]
        if until.is_none()
            && let Some(outcome) = self.join_here()
        {
            raise_if_cancelled(outcome);
            return outcome == Outcome::Notified;
        }
        checkpoint();
        let state = self.lock();
        if self.has_ended() {
            return true;
        }
        let what = What::of_vthread(&"waits for the end of vthread", self.id);
        let outcome = wait_in(state, |s| &mut s.joining, what, null_mut(), until, None);
        raise_if_cancelled(outcome);
        outcome == Outcome::Notified
    }
}

/// Unique in the process. A thread takes many at a time.
#[inline(always)]
fn next_id() -> u64 {
    const MANY: u64 = 256;
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    thread_local!(static LAST: Cell<u64> = const { Cell::new(0) });
    LAST.with(|last| {
        let id = match last.get() {
            id if id.is_multiple_of(MANY) => TAKEN.fetch_add(MANY, Relaxed) + 1,
            id => id + 1,
        };
        last.set(id);
        id
    })
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

/// Calls the closure of the running vthread, and drops the vthread's locals.
///
/// The closure comes by way of `take`, so that there is one copy of it on the stack, and nothing is kept there over the call that can be
/// found again.
#[inline(always)]
pub(crate) fn run_closure<T, F: FnOnce() -> T>(take: impl FnOnce() -> F) -> std::thread::Result<T> {
    let outcome = ManuallyDrop::new(catch_unwind(AssertUnwindSafe(|| {
        // Who was cancelled before does not start.
        if RAISES && is_cancelled() {
            // Dropped by the unwinding: a destructor that waits is not left in the middle.
            hop(move || {
                let _closure = take();
                raise_cancelled()
            });
        }
        take()()
    })));
    let root = carrier::mounted();
    // SAFETY: this is the vthread.
    let Some(locals) = root.and_then(|root| unsafe { root.task().locals_if_any() }) else {
        return ManuallyDrop::into_inner(outcome);
    };
    // A destructor of theirs that waits is not left in the middle.
    root.into_iter().for_each(carrier::Root::begins_to_end);
    hop(move || {
        let outcome = ManuallyDrop::into_inner(outcome);
        match locals.clear() {
            Err(payload) if outcome.is_ok() => Err(payload),
            Err(payload) => {
                dispose(payload);
                outcome
            }
            Ok(()) => outcome,
        }
    })
}

/// Where a vthread sees that it was cancelled: every call that may park or yields has one, even where it needs not wait.
///
/// # Panics
/// With [`Cancelled`] then, unless it panics already. Where panics abort the program, [`is_cancelled`] must be asked instead.
#[inline]
pub fn checkpoint() {
    if RAISES && carrier::me().is_some_and(carrier::Me::raises) && !std::thread::panicking() {
        raise_cancelled();
    }
}

/// Was this vthread cancelled? Its destructors may go on and wait all the same.
#[inline]
pub fn is_cancelled() -> bool {
    carrier::me().is_some_and(carrier::Me::is_cancelled)
}

/// A handle to a vthread: who it is, and its permit.
#[derive(Clone)]
pub struct Vthread(pub(crate) TaskRef);

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
    raise_if_cancelled(wait_alone(What::new(&"sleeps"), until));
}

/// Lets every vthread of this carrier that is ready go first, and those that have not started when their turn comes. On an
/// ordinary thread, [`std::thread::yield_now`].
///
/// # Panics
/// As [`park`].
#[inline(always)]
pub fn yield_now() {
    let Some(me) = carrier::me() else { return std::thread::yield_now() };
    if me.is_cancelled() {
        checkpoint();
    }
    match me.at_ease() {
        Some(me) => me.yield_now(),
        None => hop(carrier::yield_however),
    }
    if me.is_cancelled() {
        checkpoint();
    }
}
