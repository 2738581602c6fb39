//! Vthreads with a result: how they are spawned, and what they leave when they end.

use super::handle::Inner;
use super::{JoinHandle, ScopeState};
use crate::call::hop;
use crate::carrier::{self, Body, Group, Where};
use crate::error::Error;
use crate::fatal::dispose;
use crate::sched::task::{self, Ended, Task};
use crate::sched::task_ref::TaskRef;
use core::any::type_name;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

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
        // SAFETY: the running vthread's, whose body has left its place.
        unsafe { end(carrier::mounted().unwrap_unchecked().task(), outcome) }
    }

    fn fail(self, task: &Task, error: Error) -> bool {
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(self.closure)));
        // SAFETY: the body was taken from there.
        unsafe { end::<T>(task, ManuallyDrop::new(Err(dropped.err().unwrap_or_else(|| Box::new(error))))) }
    }
}

/// The last thing that touches what the vthread has borrowed is `child_ended`. `true`: the vthread has still its reference.
///
/// # Safety
/// The vthread is a [`Child`] of this result. Called once, when the body was taken from the task's room.
#[inline(always)]
unsafe fn end<T>(task: &Task, outcome: ManuallyDrop<thread::Result<T>>) -> bool {
    // SAFETY: the caller's promise, and nobody looks at it before `Task::end`.
    unsafe { task.room.put(outcome) };
    let Ended { is_unwanted, has_reference } = task.end();
    // Without our reference the task stays as long as we do not leave: the joiner is on this carrier.
    if is_unwanted || task.scope.is_some() {
        // SAFETY: it is there, and `Task::end` has told who drops it.
        hop(move || unsafe { tell_scope::<T>(task, is_unwanted) });
    }
    has_reference
}

/// # Safety
/// Called once. If the result is unwanted, as for [`drop_result`].
#[inline(never)]
unsafe fn tell_scope<T>(task: &Task, is_unwanted: bool) {
    // A destructor of it that waits is not left in the middle. Who could not be started is told of while others run.
    if is_unwanted
        && let Some(root) = carrier::mounted()
        && core::ptr::eq(root.task(), task)
    {
        root.begins_to_end();
    }
    // Where nobody wants the result it is dropped here, which may panic.
    // SAFETY: the caller's promise.
    let drop_it = || unsafe { drop_result::<T>(task) };
    let dropped = catch_unwind(AssertUnwindSafe(|| is_unwanted.then(drop_it)));
    match (&task.scope, dropped) {
        (Some(scope), Err(payload)) => scope.panicked(payload),
        // It may panic as well when it is dropped, and below us is the end of the stack.
        (None, Err(payload)) => dispose(payload),
        (_, Ok(_)) => {}
    }
    if let Some(scope) = &task.scope {
        scope.child_ended();
    }
}

/// Nobody has taken the result, and nobody will. A panic that nobody has seen goes to the scope.
///
/// # Safety
/// The vthread has put it there, as a `T`'s; the caller is the one whom `Task` has told to drop it.
pub(super) unsafe fn drop_result<T>(task: &Task) {
    // SAFETY: the caller's promise.
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
pub(super) unsafe fn start<F: FnOnce() -> T, T>(
    name: Option<Box<str>>,
    scope: Option<&Arc<ScopeState>>,
    place: Where,
    f: F,
) -> Inner<T> {
    let is_local = carrier::stays_here(place);
    let [task, its] = TaskRef::new(name, scope.cloned(), is_local);
    if let Some(scope) = scope {
        scope.child_begins();
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
