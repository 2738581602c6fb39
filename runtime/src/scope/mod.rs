//! Starting vthreads, and not going on before they have ended.

mod child;
mod handle;
mod state;

use crate::allocator::StackAllocator;
use crate::call::hop;
use crate::carrier::{self, Where};
use crate::config::MakeAllocator;
use crate::sched::task::checkpoint;
use child::start;
pub(crate) use child::start_in;
pub use child::{spawn, spawn_local};
use core::fmt;
use core::marker::PhantomData;
pub use handle::{JoinHandle, ScopedJoinHandle};
pub(crate) use state::ScopeState;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

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
/// [`Cancelled`](crate::Cancelled), if the caller was cancelled.
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
    /// that may park or yields, panic with [`Cancelled`](crate::Cancelled). Destructors run and may wait. Nothing is killed: a vthread that
    /// does neither goes on. Those that have not started will not. With `panic = "abort"` nothing panics: waits go on, and a vthread
    /// has to ask [`is_cancelled`](crate::is_cancelled).
    ///
    /// Takes time with the number of all vthreads that wait.
    pub fn cancel(&self) {
        self.state.cancel();
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
