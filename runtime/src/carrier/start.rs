//! How a vthread starts and ends.

use super::{Carrier, Group, Payload, Root, carrier, mounted, not_on_a_vthread};
use crate::arch;
use crate::call::{Enter, entry_of, hop};
use crate::chunk::Chunk;
use crate::error::Error;
use crate::sched::task::{self, Task};
use crate::{hop_stack, stacks};
use core::cell::Cell;
use core::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a vthread does. Neither of its two unwinds.
pub(crate) trait Body {
    /// On its stack.
    fn run(self);
    /// Off it, because it will never have one.
    fn fail(self, error: Error);
}

/// Which carrier may start a vthread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// The spawner's.
    Here,
    /// Any of the runtime.
    Anywhere,
}

// SAFETY: only starts of bodies that are `Send` are published: the promise of `Carrier::spawn` and of `inject`. The chunk is
// there only while it starts.
unsafe impl Send for Start {}

/// A vthread that has not started: no stack yet.
pub(crate) struct Start {
    size: u32,
    entry: arch::Entry,
    /// [`Body::fail`].
    fail: unsafe fn(&Task, Error),
    /// With the body in its room.
    task: Arc<Task>,
    /// Set when it starts.
    chunk: Option<Chunk>,
}

/// First frame of a vthread that does `B`.
struct First<B>(core::marker::PhantomData<B>);

impl<B: Body> Enter for First<B> {
    const RESERVE: u32 = size_of::<Root>() as u32;

    /// `argument`: the [`Start`], which is valid until the first switch.
    #[inline(never)]
    unsafe extern "C-unwind" fn enter(argument: *mut u8) {
        // SAFETY: the loop waits with it in its frame; the body was put there as a `B`, for us. The record has the task's
        // reference, and lives.
        let (body, chunk) = unsafe {
            let start = &mut *argument.cast::<Start>();
            (start.task.room.take::<B>(), start.chunk.take())
        };
        body.run();
        ended(chunk)
    }
}

fn ended(chunk: Option<Chunk>) -> ! {
    let (Some(carrier), Some(root)) = (carrier(), mounted()) else { std::process::abort() };
    carrier.forget_root(root);
    hop(|| {
        // SAFETY: the reference that `start` put there.
        drop(unsafe { Arc::from_raw(root.task) });
    });
    hop_stack::check_empty();
    carrier.live.set(carrier.live.get() - 1);
    carrier.mounted.set(core::ptr::null());
    stacks::scoped::ended();
    // We are still on it, but nobody takes it before we have left: the lists are this thread's. Its top word, which the
    // list writes, belongs to the root record, which nobody reads any more.
    drop(chunk);
    // SAFETY: the loop or another stack waits, and nothing on this one is needed any more.
    unsafe { arch::jump(carrier.next()) }
}

/// A closure whose panic is the carrier's to tell of.
struct Plain<F>(F);

impl<F: FnOnce()> Body for Plain<F> {
    fn run(self) {
        let Some(root) = mounted() else { return };
        // Nothing may have to be dropped on the chunk: what that needs has no bound.
        let outcome = ManuallyDrop::new(task::run_closure(root.task(), self.0));
        if outcome.is_err() {
            hop(move || ManuallyDrop::into_inner(outcome).err().into_iter().for_each(escaped));
        }
    }

    fn fail(self, error: Error) {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(self)));
        escaped(Box::new(error));
        dropped.err().into_iter().for_each(escaped);
    }
}

fn escaped(payload: Payload) {
    if let Some(carrier) = carrier() {
        hop(|| carrier.escaped.borrow_mut().push(payload));
    }
}

impl Start {
    fn new<B: Body>(body: B, task: Arc<Task>) -> Self {
        unsafe fn fail<B: Body>(task: &Task, error: Error) {
            // SAFETY: put there as a `B` below, and not used.
            let body = unsafe { task.room.take::<B>() };
            body.fail(error);
        }
        let (size, entry) = entry_of::<First<B>>();
        // SAFETY: a task is started once, and nothing else is there before.
        unsafe { task.room.put(body) };
        Self { size, entry, fail: fail::<B>, task, chunk: None }
    }

    /// With another size than the link step wrote.
    #[cfg(feature = "unpatched-stand-in")]
    fn sized(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    pub(super) fn fail(self, error: Error) {
        // SAFETY: it has not started.
        unsafe { (self.fail)(&self.task, error) };
    }
}

impl Carrier {
    /// # Safety
    /// The body does not outlive what it borrows: the caller does not return before it has ended. What starts
    /// [`Anywhere`](Where::Anywhere) is `Send`.
    pub(super) unsafe fn spawn<B: Body>(&self, body: B, task: Arc<Task>, place: Where) {
        hop(|| {
            let start = Start::new(body, task);
            match &self.member {
                Some(member) if place == Where::Anywhere => member.publish(start),
                _ => self.starts.borrow_mut().push_back(start),
            }
        });
    }

    fn remember_root(&self, root: &Root) {
        let first = self.roots.replace(root);
        root.next.set(first);
        // SAFETY: those in the list live.
        if let Some(first) = unsafe { first.as_ref() } {
            first.previous.set(root);
        }
    }

    fn forget_root(&self, root: &Root) {
        let (previous, next) = (root.previous.get(), root.next.get());
        // SAFETY: as above.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => self.roots.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.previous.set(previous);
            }
        }
    }

    /// Runs the start on a fresh stack, until it leaves. Without memory for one, the error is what it ends with.
    pub(super) fn start(&self, start: Start) {
        if let Some(make) = start.task.scope.as_ref().and_then(|scope| scope.allocator.as_ref()) {
            if let Err(error) = stacks::scoped::mount_new(make) {
                return start.fail(error);
            }
            self.leaves_to_the_loop();
        }
        let mut chunk = match stacks::take_for_start(start.size, start.task.entry) {
            Ok(chunk) => chunk,
            Err(error) => {
                stacks::scoped::ended();
                stacks::scoped::unmount();
                return start.fail(error);
            }
        };
        self.live.set(self.live.get() + 1);
        let mut numbers = self.numbers.get();
        numbers.started += 1;
        numbers.most_alive = numbers.most_alive.max(self.live.get());
        self.numbers.set(numbers);
        let root = chunk.top().cast::<Root>().wrapping_sub(1);
        let mut start = ManuallyDrop::new(start);
        // SAFETY: the chunk has room for the record and, below it, for the entry; the entry takes closure and chunk out of
        // `start` before it switches back here. The loop runs on none of the stacks that `in_loop` resumes.
        unsafe {
            root.write(Root {
                task: Arc::into_raw(core::ptr::read(&raw const start.task)),
                waiting: Cell::new(core::ptr::null()),
                previous: Cell::new(core::ptr::null()),
                next: Cell::new(core::ptr::null()),
            });
            self.remember_root(&*root);
            if self.is_cancelled((*root).task()) {
                (*root).task().cancel();
            }
            self.mounted.set(root);
            start.chunk = Some(core::ptr::read(&raw mut chunk));
            core::mem::forget(chunk);
            let argument = (&raw mut *start).cast();
            arch::enter(root.cast(), self.in_loop.as_ptr(), start.entry, argument);
        }
        self.mounted.set(core::ptr::null());
        stacks::scoped::unmount();
    }
}

/// Starts a vthread on this carrier, later.
///
/// # Panics
/// Outside of a runtime.
pub fn spawn<F: FnOnce() + 'static>(closure: F) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    let task = hop(|| Arc::new(Task::new(core::any::type_name::<F>(), None, None)));
    // SAFETY: it borrows nothing that ends.
    unsafe { carrier.spawn(Plain(closure), task, Where::Here) };
}

/// Starts a body, later.
///
/// # Safety
/// It does not outlive what it borrows. What starts [`Anywhere`](Where::Anywhere) is `Send`.
pub(crate) unsafe fn start_later<B: Body>(body: B, task: Arc<Task>, place: Where) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    // SAFETY: the caller's promise.
    unsafe { carrier.spawn(body, task, place) };
}

/// Starts a body on some carrier of the group, later.
///
/// # Safety
/// It is `Send`, and does not outlive what it borrows.
pub(crate) unsafe fn inject<B: Body>(group: &Group, body: B, task: Arc<Task>) {
    group.inject(Start::new(body, task));
}

/// # Panics
/// Where no vthread can be started.
pub(crate) fn assert_is_carrier() {
    assert!(carrier().is_some(), "vthread: this thread runs no vthreads: spawn inside of vthread::run");
}

/// [`spawn`] on a stack of so many bytes, or of an unproved entry; for tests without the link step.
///
/// # Safety
/// The stack is large enough for the closure: nothing proves that.
#[cfg(feature = "unpatched-stand-in")]
pub unsafe fn spawn_sized<F: FnOnce() + 'static>(size: u32, closure: F) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    hop(|| {
        let task = Arc::new(Task::new(core::any::type_name::<F>(), None, None));
        carrier.starts.borrow_mut().push_back(Start::new(Plain(closure), task).sized(size));
    });
}
