//! Vthreads where each has an OS thread of its own: who they are, and how a cancellation finds them.
//!
//! The waits of [`sched`](crate::sched) are those of ordinary threads then; nothing here switches stacks.

use crate::arch::Parked;
use crate::error::{Error, Result};
use crate::sched::remote::Remote;
use crate::sched::task::{self, Task};
use crate::sched::task_ref::TaskRef;
use crate::sched::wait::{Outcome, Waiting};
use core::any::Any;
use core::cell::Cell;
use core::ptr::null;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// What a vthread panicked with.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What a vthread does. Neither of its two unwinds.
pub(crate) trait Body {
    /// The type of its closure.
    #[allow(dead_code, reason = "carriers tell it in their reports")]
    fn name() -> &'static str;
    /// On its thread; it is in the room of the task of the running vthread.
    ///
    /// # Safety
    /// It is there, and nobody else takes it.
    unsafe fn run() -> bool;
    /// Elsewhere, because it will never have one.
    fn fail(self, task: &Task, error: Error) -> bool;
}

/// Which thread may run a vthread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// The spawner's.
    Here,
    /// One of its own.
    Anywhere,
}

/// A vthread that runs.
pub(crate) struct Root {
    task: TaskRef,
    session: Arc<Session>,
    is_cancelled: AtomicBool,
    /// Its locals are dropped: nothing is raised there any more.
    is_ending: AtomicBool,
    /// What it waits at, if it does.
    waiting: Mutex<WaitsAt>,
}

struct WaitsAt(*const Waiting);

// SAFETY: the pointer is used under its lock only, by any thread; a `Waiting` may be claimed by any thread.
unsafe impl Send for WaitsAt {}

impl Root {
    pub(crate) fn task(&self) -> &Task {
        &self.task
    }

    /// Was it asked to end?
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(SeqCst)
    }

    fn raises(&self) -> bool {
        self.is_cancelled() && !self.is_ending.load(SeqCst)
    }

    /// Its closure has been left, and what it still does is done to the end.
    pub(crate) fn begins_to_end(&self) {
        self.is_ending.store(true, SeqCst);
    }

    pub(crate) fn share_task(&self) -> TaskRef {
        self.task.clone()
    }

    fn lock(&self) -> MutexGuard<'_, WaitsAt> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends its wait, if a cancellation may. Its task knows already.
    fn cancel_wait(&self) {
        let waits_at = self.lock();
        // SAFETY: who waits there takes it away, under this lock, before its frame ends.
        if let Some(waiting) = unsafe { waits_at.0.as_ref() }
            && task::RAISES
            && waiting.cancellable
            && !self.is_ending.load(SeqCst)
            && waiting.claim(Outcome::Cancelled)
        {
            waiting.wake_thread();
        }
    }
}

/// All vthreads that run, by their ids.
static ROOTS: LazyLock<Mutex<HashMap<u64, Arc<Root>>>> = LazyLock::new(Mutex::default);

fn roots() -> MutexGuard<'static, HashMap<u64, Arc<Root>>> {
    ROOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static MOUNTED: Cell<*const Root> = const { Cell::new(null()) };
}

/// The vthread that runs on this thread.
pub(crate) fn mounted() -> Option<&'static Root> {
    // SAFETY: `as_vthread` keeps it while the pointer is set, and the vthread, which alone asks, does not outlive that.
    unsafe { MOUNTED.get().as_ref() }
}

/// Calls `f` as that vthread, on this thread.
fn as_vthread<R>(task: TaskRef, session: Arc<Session>, f: impl FnOnce() -> R) -> R {
    let root = Arc::new(Root {
        task,
        session,
        is_cancelled: AtomicBool::new(false),
        is_ending: AtomicBool::new(false),
        waiting: Mutex::new(WaitsAt(null())),
    });
    // Who cancels its scope from here on finds it; who did so before is seen here.
    roots().insert(root.task.id, root.clone());
    if root.task.in_cancelled_scope() || root.session.cancelled.load(SeqCst) {
        root.is_cancelled.store(true, SeqCst);
    }
    let before = MOUNTED.replace(&raw const *root);
    let result = f();
    MOUNTED.set(before);
    roots().remove(&root.task.id);
    result
}

/// An ordinary thread waits: its vthread may be cancelled meanwhile. For the time of this value.
pub(crate) struct KnownToWait;

impl KnownToWait {
    pub(crate) fn new(waiting: &Waiting) -> Self {
        if let Some(root) = mounted() {
            root.lock().0 = waiting;
            if root.is_cancelled() {
                root.cancel_wait();
            }
        }
        Self
    }
}

impl Drop for KnownToWait {
    fn drop(&mut self) {
        if let Some(root) = mounted() {
            root.lock().0 = null();
        }
    }
}

/// A scope was cancelled: whoever belongs to it must hear of it.
pub(crate) fn cancel_everywhere() {
    let all: Vec<_> = roots().values().cloned().collect();
    for root in all.iter().filter(|root| root.task.in_cancelled_scope()) {
        root.is_cancelled.store(true, SeqCst);
        root.cancel_wait();
    }
}

/// One call of `run`, and what was spawned there.
#[derive(Default)]
pub(crate) struct Session {
    live: Mutex<usize>,
    ended: Condvar,
    cancelled: AtomicBool,
}

/// What a vthread is started in.
pub(crate) type Group = Arc<Session>;

impl Session {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all have ended.
    pub(crate) fn wait(&self) {
        let mut live = self.lock();
        while *live > 0 {
            live = self.ended.wait(live).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Is this one of its vthreads?
    pub(crate) fn runs_us(&self) -> bool {
        mounted().is_some_and(|root| core::ptr::eq(Arc::as_ptr(&root.session), self))
    }

    /// Cancels all that have not ended.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, SeqCst);
        let all: Vec<_> = roots().values().cloned().collect();
        for root in all.iter().filter(|root| core::ptr::eq(Arc::as_ptr(&root.session), self)) {
            root.is_cancelled.store(true, SeqCst);
            root.cancel_wait();
        }
    }

    /// Runs `f` as a vthread on this thread, and returns when all that was spawned has ended.
    pub(crate) fn run<F: FnOnce() -> R, R>(f: F) -> Result<R> {
        if mounted().is_some() {
            return Err(Error::AlreadyACarrier);
        }
        let [task, _] = TaskRef::new(None, None, false);
        let session = Arc::new(Self::default());
        let result = as_vthread(task.clone(), session.clone(), || task::run_closure(move || f));
        session.wait();
        Ok(result.unwrap_or_else(|payload| resume_unwind(payload)))
    }
}

/// Runs a body as the vthread that is mounted.
fn run<B: Body>(body: B) {
    let Some(root) = mounted() else { not_on_a_vthread() };
    // SAFETY: nothing else is put there before it has ended.
    unsafe {
        root.task().room.put(body);
        B::run();
    }
}

/// The body of the running vthread.
///
/// # Safety
/// It is in its task's room as a `B`, and nobody else takes it.
pub(crate) unsafe fn take_body<B: Body>() -> B {
    let Some(root) = mounted() else { not_on_a_vthread() };
    // SAFETY: the caller's promise.
    unsafe { root.task().room.take::<B>() }
}

/// A body on its way to its thread.
struct Travels<B>(B);

// SAFETY: `inject`'s caller promises that it may.
unsafe impl<B> Send for Travels<B> {}

/// Starts a body on a thread of its own, or runs it here and now: where it must not go to another thread there is no
/// other way.
///
/// # Safety
/// It does not outlive what it borrows. What starts [`Anywhere`](Where::Anywhere) is `Send`.
pub(crate) unsafe fn start_later<B: Body>(body: B, task: TaskRef, place: Where) {
    let Some(root) = mounted() else { not_on_a_vthread() };
    match place {
        Where::Here => {
            as_vthread(task.clone(), root.session.clone(), || run(body));
        }
        // SAFETY: the caller's promise.
        Where::Anywhere => unsafe { inject(&root.session, body, task) },
    }
}

/// Starts a body on a thread of its own.
///
/// # Safety
/// It is `Send`, and does not outlive what it borrows.
#[allow(clippy::needless_pass_by_value, reason = "as on carriers, which keep it")]
pub(crate) unsafe fn inject<B: Body>(group: &Group, body: B, task: TaskRef) {
    let session = group.clone();
    *session.lock() += 1;
    let body = Arc::new(Mutex::new(Some(Travels(body))));
    let take = |body: &Mutex<Option<Travels<B>>>| body.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut builder = thread::Builder::new();
    if let Some(name) = task.name().filter(|name| !name.contains('\0')) {
        builder = builder.name(name.to_owned());
    }
    let (for_thread, its_session, its_task) = (body.clone(), session.clone(), task.clone());
    let run = move || {
        if let Some(Travels(body)) = take(&for_thread) {
            // The last that refers to the body's type, which may borrow, goes before the body.
            drop(for_thread);
            as_vthread(its_task.clone(), its_session.clone(), || run(body));
        }
        *its_session.lock() -= 1;
        its_session.ended.notify_all();
    };
    // SAFETY: the body ends before what it borrows, by the caller's promise; nothing else borrows.
    if let Err(error) = unsafe { builder.spawn_unchecked(run) } {
        if let Some(Travels(body)) = take(&body) {
            body.fail(&task, Error::NoThread(error));
        }
        *session.lock() -= 1;
    }
}

/// Will nothing but this thread's carrier use it? There is none.
///
/// # Panics
/// Where no vthread can be started.
pub(crate) fn stays_here(_: Where) -> bool {
    if mounted().is_none() {
        not_on_a_vthread();
    }
    false
}

#[cold]
fn not_on_a_vthread() -> ! {
    panic!(
        "vthread: this thread runs no vthreads: spawn inside of vthread::run, or of a `main` with #[vthread::main] or a test with #[vthread::test]"
    )
}

/// The vthread that runs.
#[derive(Clone, Copy)]
pub(crate) struct Me(&'static Root);

/// `None`: this is no vthread.
pub(crate) fn me() -> Option<Me> {
    mounted().map(Me)
}

impl Me {
    pub(crate) fn is_cancelled(self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) fn raises(self) -> bool {
        self.0.raises()
    }

    /// Who cancels tells it at once.
    #[allow(clippy::unused_self, reason = "as on carriers")]
    pub(crate) fn has_news(self) -> bool {
        false
    }

    #[allow(clippy::unused_self, reason = "as on carriers")]
    pub(crate) fn at_ease(self) -> Option<AtEase> {
        None
    }
}

/// There is nothing to be heard.
pub(crate) fn hear_of_cancellation() {}

pub(crate) fn yield_however() {
    thread::yield_now();
}

// What only vthreads with carriers do.

/// One that could leave its stack: there is none.
pub(crate) enum AtEase {}

pub(crate) fn me_at_ease() -> Option<AtEase> {
    None
}

impl AtEase {
    /// # Safety
    /// None: it cannot be called.
    pub(crate) unsafe fn yield_to(&self, _: Parked) {
        match *self {}
    }

    pub(crate) fn yield_now(&self) {
        match *self {}
    }
}

pub(crate) fn prepare_to_park(_whatever: bool) -> Option<&'static Remote> {
    None
}

/// # Safety
/// None: nobody waits so.
pub(crate) unsafe fn park_waiting(_: &Waiting, _: *mut Parked, _: Option<Instant>, _: Option<Parked>) {}

pub(crate) fn is_home(home: &'static Remote) -> bool {
    match *home {}
}

pub(crate) fn make_ready(home: &'static Remote, _: &Cell<Parked>) -> bool {
    match *home {}
}

pub(crate) fn can_hand_over() -> bool {
    false
}

/// # Safety
/// None: nobody can.
pub(crate) unsafe fn yield_to(to: Parked) {
    debug_assert!(to.is_null(), "no stack waits to be gone on with");
}
