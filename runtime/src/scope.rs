//! Starting vthreads, and not going on before they have ended.

use crate::allocator::StackAllocator;
use crate::call::hop;
use crate::carrier::{self, Body, Group, Payload, Where};
use crate::config::MakeAllocator;
use crate::error::Error;
use crate::fatal::{fatal, never_unwinding};
use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{self, Cancelled, Ended, Task, Vthread, checkpoint};
use crate::sched::task_ref::TaskRef;
use crate::sched::wait::{Link, Outcome, WaitList, Waiting, What};
use crate::select::{Arm, Place};
use core::any::type_name;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use core::task::Waker;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What children and the owner of a scope share.
pub(crate) struct ScopeState {
    /// Of the vthread that opened it: a cancellation there reaches in here.
    parent: Option<Arc<ScopeState>>,
    /// Makes the allocators for the stacks of its vthreads, and of those of scopes in it; `None`: the runtime's.
    pub(crate) allocator: Option<Arc<MakeAllocator>>,
    cancelled: AtomicBool,
    children: Lock<Children>,
}

struct Children {
    running: usize,
    /// The first panic that no handle has taken.
    panic: Option<Payload>,
    /// Who waits for the last to end.
    owner: WaitList,
}

impl ScopeState {
    fn new(allocator: Option<MakeAllocator>) -> Arc<Self> {
        let parent = carrier::mounted().and_then(|root| root.task().scope.clone());
        let inherited = || parent.as_ref().and_then(|parent| parent.allocator.clone());
        Arc::new(Self {
            allocator: allocator.map(Arc::new).or_else(inherited),
            parent,
            cancelled: AtomicBool::new(false),
            children: Lock::new(Children { running: 0, panic: None, owner: WaitList::new() }),
        })
    }

    fn lock(&self) -> Guard<'_, Children> {
        self.children.lock()
    }

    /// It, or one around it.
    pub(crate) fn is_cancelled(&self) -> bool {
        let mut scope = Some(self);
        while let Some(this) = scope {
            if this.cancelled.load(SeqCst) {
                return true;
            }
            scope = this.parent.as_deref();
        }
        false
    }

    fn panicked(&self, payload: Payload) {
        if !payload.is::<Cancelled>() {
            // Another one's is dropped after the lock.
            let _second = {
                let panic = &mut self.lock().panic;
                if panic.is_none() { panic.replace(payload) } else { Some(payload) }
            };
        }
    }

    fn child_ended(&self) {
        let mut children = self.lock();
        children.running -= 1;
        if children.running == 0 {
            let owner = children.owner.claim_all(Outcome::Notified);
            drop(children);
            owner.wake();
        }
    }

    /// Never unwinds: what children borrow would go away.
    fn wait_for_children(&self) {
        while self.lock().running > 0 {
            let must = || Waiting::to_the_end(What::new(&"waits for the vthreads of its scope"));
            let Ok(waiting) = catch_unwind(must) else {
                fatal(format_args!("a scope cannot wait for its vthreads here, nor go on without them"));
            };
            let link = Link::new(&waiting, core::ptr::null_mut());
            let mut children = self.lock();
            if children.running > 0 {
                // SAFETY: no timeout and no cancellation ends this wait, only a claim through the list.
                unsafe { children.owner.push(&link) };
                drop(children);
                waiting.wait(None);
            }
        }
    }
}

/// A place to spawn vthreads in that borrow from around it; see [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    state: Arc<ScopeState>,
    /// Invariant in both, as in std: neither may shrink.
    _inside: PhantomData<&'scope mut &'scope ()>,
    _around: PhantomData<&'env mut &'env ()>,
}

/// Calls `f` with a scope, and returns when every vthread that was spawned there has ended, whatever happens to `f`, to them
/// and to their handles. As [`std::thread::scope`].
///
/// The wait at the end is not ended by a cancellation of the caller; the vthreads of the scope see that cancellation as
/// well, and the caller when they have ended.
///
/// ```
/// let words = ["to", "be", "or"];
/// let lengths = vthread::run(|| {
///     vthread::scope(|s| {
///         let handles = words.each_ref().map(|w| s.spawn(|| w.len()));
///         handles.map(|h| h.join().unwrap())
///     })
/// });
/// assert_eq!(lengths, [2, 2, 2]);
/// ```
///
/// # Panics
/// With what `f` panics with; else with what the first vthread panicked with whose handle was not joined; else with
/// [`Cancelled`], if the caller was cancelled.
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    scope_of(None, f)
}

/// [`scope`] whose vthreads have stacks from allocators of its own, and those of scopes that they open: `make` makes one for each
/// thread that starts some of them. What they keep goes back when the scope has ended and its threads have nothing to do, or
/// begin another such scope.
///
/// The caller keeps the stack that it has. Where nothing is gained by free lists, as with an [`Arena`](crate::Arena), every call
/// onto a chunk asks the allocator.
///
/// ```
/// use vthread::{Arena, scope_in};
/// let sum = vthread::run(|| {
///     // A burst: their stacks lie one after the other, and all are free when the last has ended.
///     scope_in(Arena::new, |s| {
///         let handles: Vec<_> = (0..100u64).map(|i| s.spawn(move || i)).collect();
///         handles.into_iter().map(|handle| handle.join().unwrap()).sum::<u64>()
///     })
/// });
/// assert_eq!(sum, 4950);
/// ```
///
/// # Panics
/// As [`scope`].
pub fn scope_in<'env, A, F, T>(make: impl Fn() -> A + Send + Sync + 'static, f: F) -> T
where
    A: StackAllocator + 'static,
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let make: MakeAllocator = hop(|| Arc::new(move || Box::new(make()) as _));
    scope_of(Some(make), f)
}

fn scope_of<'env, F, T>(allocator: Option<MakeAllocator>, f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    // Whether it can wait at the end must be known before there is somebody to wait for.
    let _ = carrier::prepare_to_park(true);
    let scope = Scope { state: ScopeState::new(allocator), _inside: PhantomData, _around: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    scope.state.wait_for_children();
    let panic = scope.state.lock().panic.take();
    match (result, panic) {
        (Ok(value), None) => {
            checkpoint();
            value
        }
        (Err(payload), _) | (Ok(_), Some(payload)) => resume_unwind(payload),
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Starts a vthread, soon. Its handle may be joined, dropped or forgotten.
    ///
    /// # Panics
    /// On a thread that runs no vthreads.
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.start(None, Where::Anywhere, f)
    }

    /// The same, with a name.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn).
    pub fn spawn_named<F, T>(&'scope self, name: &str, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.start(Some(name.into()), Where::Anywhere, f)
    }

    /// [`spawn`](Self::spawn) on the carrier of the caller, so that nothing needs to be `Send`.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn).
    pub fn spawn_local<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        self.start(None, Where::Here, f)
    }

    fn start<F: FnOnce() -> T, T>(
        &'scope self,
        name: Option<Box<str>>,
        place: Where,
        f: F,
    ) -> ScopedJoinHandle<'scope, T> {
        // SAFETY: it ends before `scope` returns, and `'scope` is not shorter than that. Our callers that say `Anywhere`
        // demand `Send`.
        let inner = unsafe { start(name, Some(&self.state), place, f) };
        ScopedJoinHandle { inner, _scope: PhantomData }
    }

    /// Asks all vthreads of this scope, and of scopes that they open, to end: the waits they are in, and every later call
    /// that may park or yields, panic with [`Cancelled`]. Destructors run and may wait. Nothing is killed: a vthread that
    /// does neither goes on. Those that have not started will not.
    ///
    /// Takes time with the number of all vthreads that wait.
    pub fn cancel(&self) {
        self.state.cancelled.store(true, SeqCst);
        carrier::cancel_everywhere();
    }

    /// Was it, or one around it, cancelled?
    pub fn is_cancelled(&self) -> bool {
        self.state.is_cancelled()
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("running", &self.state.lock().running).finish_non_exhaustive()
    }
}

/// Starts a vthread that belongs to no scope. [`run`](crate::run()) ends when it has ended.
///
/// # Panics
/// On a thread that runs no vthreads.
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    // SAFETY: it borrows nothing that ends, and is `Send`.
    JoinHandle { inner: unsafe { start(None, None, Where::Anywhere, f) } }
}

/// [`spawn`] on the carrier of the caller, so that nothing needs to be `Send`.
///
/// # Panics
/// As [`spawn`].
pub fn spawn_local<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    // SAFETY: it borrows nothing that ends.
    JoinHandle { inner: unsafe { start(None, None, Where::Here, f) } }
}

struct Child<F, T> {
    closure: F,
    _result: PhantomData<fn() -> T>,
}

impl<F: FnOnce() -> T, T> Body for Child<F, T> {
    fn name() -> &'static str {
        type_name::<F>()
    }

    #[inline(always)]
    unsafe fn run() -> bool {
        // Nothing may have to be dropped on the chunk: what that needs has no bound.
        // SAFETY: the caller's promise.
        let outcome =
            ManuallyDrop::new(task::run_closure(|| unsafe { carrier::take_body::<Self>() }.closure));
        // SAFETY: the running vthread's.
        end(unsafe { carrier::mounted().unwrap_unchecked() }.task(), outcome)
    }

    fn fail(self, task: &Task, error: Error) -> bool {
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(self.closure)));
        end::<T>(task, ManuallyDrop::new(Err(dropped.err().unwrap_or_else(|| Box::new(error)))))
    }
}

/// The last thing that touches what the vthread has borrowed is `child_ended`. `true`: the vthread has still its reference.
#[inline(always)]
fn end<T>(task: &Task, outcome: ManuallyDrop<thread::Result<T>>) -> bool {
    // SAFETY: the body was taken from there, and nobody looks at it before `Task::end`.
    unsafe { task.room.put(outcome) };
    let Ended { is_unwanted, has_reference } = task.end();
    // Without our reference the task stays as long as we do not leave: the joiner is on this carrier.
    if is_unwanted || task.scope.is_some() {
        hop(move || tell_scope::<T>(task, is_unwanted));
    }
    has_reference
}

#[inline(never)]
fn tell_scope<T>(task: &Task, is_unwanted: bool) {
    // A destructor of it that waits is not left in the middle. Who could not be started is told of while others run.
    if is_unwanted
        && let Some(root) = carrier::mounted()
        && core::ptr::eq(root.task(), task)
    {
        root.begins_to_end();
    }
    // Where nobody wants the result it is dropped here, which may panic.
    let dropped = catch_unwind(AssertUnwindSafe(|| is_unwanted.then(|| drop_result::<T>(task))));
    if let Some(scope) = &task.scope {
        if let Err(payload) = dropped {
            scope.panicked(payload);
        }
        scope.child_ended();
    }
}

/// Nobody has taken the result, and nobody will. A panic that nobody has seen goes to the scope.
fn drop_result<T>(task: &Task) {
    // SAFETY: the vthread has put it there; the caller is the one whom `Task` has told to drop it.
    let result = unsafe { task.room.take::<thread::Result<T>>() };
    if let Err(payload) = result
        && let Some(scope) = &task.scope
    {
        scope.panicked(payload);
    }
}

/// # Safety
/// The vthread ends before anything does that `f` and its result borrow. With a scope, its owner sees to that. What starts
/// [`Anywhere`](Where::Anywhere) is `Send`, and its result too.
#[inline(always)]
unsafe fn start<F: FnOnce() -> T, T>(
    name: Option<Box<str>>,
    scope: Option<&Arc<ScopeState>>,
    place: Where,
    f: F,
) -> Inner<T> {
    let is_local = carrier::stays_here(place);
    let [task, its] = TaskRef::new(name, scope.cloned(), is_local);
    if let Some(scope) = scope {
        scope.lock().running += 1;
    }
    let child = Child { closure: f, _result: PhantomData };
    // SAFETY: the caller's promise.
    unsafe { carrier::start_later(child, its, place) };
    Inner { task, _result: PhantomData }
}

/// From a thread that is none of the group's carriers.
///
/// # Safety
/// As [`start`]; both are `Send`.
pub(crate) unsafe fn start_in<F: FnOnce() -> T, T>(group: &Group, f: F) -> JoinHandle<T> {
    let [task, its] = TaskRef::new(None, None, false);
    let child = Child { closure: f, _result: PhantomData };
    // SAFETY: the caller's promise.
    unsafe { carrier::inject(group, child, its) };
    JoinHandle { inner: Inner { task, _result: PhantomData } }
}

/// The one right to the result.
struct Inner<T> {
    task: TaskRef,
    /// May be sent and shared where a `T` may be sent.
    _result: PhantomData<Mutex<T>>,
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        if self.task.leave_result() {
            drop_result::<T>(&self.task);
        }
    }
}

impl<T> Inner<T> {
    fn take(self) -> thread::Result<T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: read once: `this` is not dropped.
        let task = unsafe { core::ptr::read(&raw const this.task) };
        // SAFETY: it has ended, so the result is there. The vthread did not drop it, because this handle was there.
        unsafe { task.room.take::<thread::Result<T>>() }
    }

    fn join(self) -> thread::Result<T> {
        while !self.task.join(None) {}
        self.take()
    }

    fn join_timeout(self, most: Duration) -> Result<thread::Result<T>, Self> {
        if self.task.join(Instant::now().checked_add(most)) { Ok(self.take()) } else { Err(self) }
    }
}

/// The end of a vthread in a `select!`.
#[doc(hidden)]
pub struct JoinArm<'a>(&'a Task);

impl Arm for JoinArm<'_> {
    type Output = ();

    fn try_now(&mut self) -> bool {
        self.0.has_ended()
    }

    fn slot(&self) -> *mut () {
        core::ptr::null_mut()
    }

    unsafe fn enlist(&self, place: &Place) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.0.enlist_joiner(&place.0) }
    }

    unsafe fn withdraw(&self, place: &Place) {
        // SAFETY: the caller's promise.
        unsafe { self.0.withdraw_joiner(&place.0) };
    }

    fn settle(&mut self, _: bool) {}

    fn output(self) {}
}

macro_rules! handle_methods {
    () => {
        /// Waits until it has ended. Gives its result, or what it panicked with: [`Cancelled`] if it was cancelled, an
        /// [`Error`] if there was no stack for it.
        ///
        /// # Errors
        /// When it panicked, or has not run.
        ///
        /// # Panics
        /// When the caller is cancelled, or waits for itself.
        pub fn join(self) -> thread::Result<T> {
            self.inner.join()
        }

        /// Has it ended? Then [`join`](Self::join) does not wait.
        pub fn is_finished(&self) -> bool {
            self.inner.task.has_ended()
        }

        #[doc(hidden)]
        pub fn __join_arm(&self) -> JoinArm<'_> {
            self.inner.task.assert_is_not_mine();
            JoinArm(&self.inner.task)
        }

        /// If not, it will wake that when it ends.
        pub(crate) fn has_ended_or_wakes(&self, waker: &Waker) -> bool {
            self.inner.task.has_ended_or_wakes(waker)
        }

        /// Its handle for [`unpark`](Vthread::unpark).
        pub fn vthread(&self) -> Vthread {
            Vthread(self.inner.task.clone())
        }
    };
}

/// The one right to a vthread's result. Dropped, the vthread goes on.
pub struct JoinHandle<T> {
    inner: Inner<T>,
}

impl<T> JoinHandle<T> {
    handle_methods!();

    /// [`join`](Self::join) on a thread that is no vthread, calling `meanwhile` now and then. Does not unwind.
    pub(crate) fn join_outside(self, every: Duration, mut meanwhile: impl FnMut()) -> thread::Result<T> {
        never_unwinding("a thread that waits for its vthreads", || {
            while !self.inner.task.wait_for_end(Instant::now().checked_add(every)) {
                meanwhile();
            }
        });
        self.inner.take()
    }

    /// [`join`](Self::join) for so long at most.
    ///
    /// # Errors
    /// With the handle, when it has not ended by then.
    ///
    /// # Panics
    /// As [`join`](Self::join).
    pub fn join_timeout(self, most: Duration) -> Result<thread::Result<T>, Self> {
        self.inner.join_timeout(most).map_err(|inner| Self { inner })
    }
}

/// [`JoinHandle`] of a vthread in a [`scope`].
pub struct ScopedJoinHandle<'scope, T> {
    inner: Inner<T>,
    _scope: PhantomData<&'scope mut &'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    handle_methods!();

    /// [`join`](Self::join) for so long at most.
    ///
    /// # Errors
    /// With the handle, when it has not ended by then.
    ///
    /// # Panics
    /// As [`join`](Self::join).
    pub fn join_timeout(self, most: Duration) -> Result<thread::Result<T>, Self> {
        self.inner.join_timeout(most).map_err(|inner| Self { inner, _scope: PhantomData })
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.inner.task.id).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("id", &self.inner.task.id).finish_non_exhaustive()
    }
}
