//! How a vthread starts and ends.

use super::{Carrier, Group, LENT, Payload, Root, carrier, mounted, not_on_a_vthread};
use crate::arch;
use crate::call::{Enter, entry_of, hop};
use crate::chunk::Chunk;
use crate::error::Error;
use crate::ring::Ring;
use crate::sched::task::{self, About, Task};
use crate::sched::task_ref::TaskRef;
use crate::{hop_stack, stacks};
use core::cell::Cell;
use core::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use vale_threads_abi as abi;

/// What a vthread does. Neither of its two unwinds.
pub(crate) trait Body {
    /// The type of its closure.
    fn name() -> &'static str;
    /// On its stack; it is in the room of the task of the running vthread. `false`: the reference to the task that the vthread has is given up
    /// already.
    ///
    /// # Safety
    /// It is there, and nobody else takes it.
    unsafe fn run() -> bool;
    /// Off it, because it will never have one. The answer is as of `run`.
    fn fail(self, task: &Task, error: Error) -> bool;
}

/// Which carrier may start a vthread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// The spawner's.
    Here,
    /// Any of the runtime.
    Anywhere,
}

// SAFETY: only starts of bodies that are `Send` are published: the promise of `Carrier::spawn` and of `inject`.
unsafe impl Send for Start {}

/// A vthread that has not started: no stack yet, but its body in the task's room.
pub(crate) struct Start(TaskRef);

/// First frame of a vthread that does `B`.
struct First<B>(core::marker::PhantomData<B>);

impl<B: Body> Enter for First<B> {
    const RESERVE: u32 = {
        assert!(size_of::<Root>().is_multiple_of(16), "stacks are aligned");
        size_of::<Root>() as u32
    };

    /// Without an argument: the stack would keep it until the end.
    #[inline(never)]
    unsafe extern "C-unwind" fn enter(_: *mut u8) {
        // SAFETY: the body was put there as a `B`, for us; this is the running vthread.
        unsafe {
            let has_reference = B::run();
            ended(has_reference)
        }
    }
}

impl<B: Body> First<B> {
    const ABOUT: &'static About = &About { entry: <Self as Enter>::enter, name: B::name, fail: Self::fail };

    /// # Safety
    /// The task has not started: the body is in its room.
    unsafe fn fail(task: &Task, error: Error) -> bool {
        // SAFETY: put there as a `B` by `Start::new`, and not used.
        let body = unsafe { task.room.take::<B>() };
        body.fail(task, error)
    }
}

/// The body of the running vthread.
///
/// # Safety
/// One runs. It is in its task's room as a `B`, and nobody else takes it.
#[inline(always)]
pub(crate) unsafe fn take_body<B: Body>() -> B {
    // SAFETY: the caller's promise: a vthread runs. Its record has a reference of the task, and lives.
    unsafe {
        let place = &mounted().unwrap_unchecked().task().room;
        let body = place.take::<B>();
        // For the watchdog, which must not call anything.
        place.note(B::name());
        body
    }
}

/// # Safety
/// Called by a vthread that has run its body.
#[inline(always)]
unsafe fn ended(has_reference: bool) -> ! {
    // SAFETY: called by the running vthread, on its carrier.
    let (carrier, root) = unsafe { (carrier().unwrap_unchecked(), mounted().unwrap_unchecked()) };
    // While the task is there, and the stacks of its scope, if it has some, are installed.
    // SAFETY: `prepare` has noted which of the two it came from.
    let list =
        unsafe { if root.has(LENT) { stacks::list_of_lent() } else { stacks::list_of(root.task().size()) } };
    carrier.forget_root(root);
    if has_reference {
        // SAFETY: the reference that `prepare` put there.
        unsafe { TaskRef::give_up(root.task) };
    }
    hop_stack::check_empty();
    carrier.live.set(carrier.live.get() - 1);
    carrier.mounted.set(core::ptr::null());
    stacks::scoped::ended();
    // We are still on it, but nobody takes it before we have left: the lists are this thread's. Its top word, which the
    // list writes, belongs to the root record, which nobody reads any more.
    let top = core::ptr::from_ref(root).wrapping_add(1).cast_mut().cast();
    // SAFETY: that is where `prepare` put the record, and the list is the one that it came with. It stays: `scoped::ended` drops nothing.
    drop(unsafe { Chunk::lent(top, &*list) });
    // SAFETY: the loop or another stack waits, and nothing on this one is needed any more.
    unsafe { arch::jump(carrier.next()) }
}

/// A closure whose panic is the carrier's to tell of.
struct Plain<F>(F);

impl<F: FnOnce()> Body for Plain<F> {
    fn name() -> &'static str {
        core::any::type_name::<F>()
    }

    #[inline(always)]
    unsafe fn run() -> bool {
        // Nothing may have to be dropped on the chunk: what that needs has no bound.
        // SAFETY: the caller's promise.
        let outcome = ManuallyDrop::new(task::run_closure(|| unsafe { take_body::<Self>() }.0));
        if outcome.is_err() {
            hop(move || ManuallyDrop::into_inner(outcome).err().into_iter().for_each(escaped));
        }
        true
    }

    fn fail(self, _: &Task, error: Error) -> bool {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(self)));
        escaped(Box::new(error));
        dropped.err().into_iter().for_each(escaped);
        true
    }
}

fn escaped(payload: Payload) {
    if let Some(carrier) = carrier() {
        hop(|| carrier.escaped.borrow_mut().push(payload));
    }
}

impl Start {
    /// `task` is new.
    #[inline(always)]
    fn new<B: Body>(body: B, task: TaskRef) -> Self {
        let (size, entry) = entry_of::<First<B>>();
        // The size is of the function at that address. Should the compiler ever have made two of one, the other is unproved.
        let size = if core::ptr::fn_addr_eq(entry, First::<B>::ABOUT.entry) { size } else { abi::UNPROVED };
        // SAFETY: a task is started once, and nothing else is there before.
        unsafe { task.room.put(body) };
        task.set_size(size);
        task.about.set(Some(First::<B>::ABOUT));
        Self(task)
    }

    /// With another size than the link step wrote.
    fn sized(self, size: u32) -> Self {
        self.0.set_size(size);
        self
    }

    pub(super) fn fail(self, error: Error) {
        let Some(about) = self.0.about.get() else { return };
        // SAFETY: it has not started.
        let has_reference = unsafe { (about.fail)(&self.0, error) };
        if !has_reference {
            // Its joiner, on this carrier, has the only one.
            core::mem::forget(self);
        }
    }

    /// As a word.
    #[inline(always)]
    fn into_word(self) -> *mut u8 {
        self.0.into_raw().cast_mut().cast()
    }

    /// # Safety
    /// It came from [`into_word`](Self::into_word), once.
    #[inline(always)]
    unsafe fn from_word(word: *mut u8) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { TaskRef::from_raw(word.cast::<Task>()) })
    }
}

/// Starts of one carrier.
pub(super) struct OwnStarts(Ring);

impl OwnStarts {
    pub(super) fn new() -> Self {
        Self(Ring::new())
    }

    #[inline(always)]
    fn push(&self, start: Start) {
        self.0.push(start.into_word());
    }

    #[inline(always)]
    pub(super) fn pop(&self) -> Option<Start> {
        // SAFETY: `push` put it there.
        self.0.pop().map(|word| unsafe { Start::from_word(word) })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A vthread that can be entered.
pub(super) struct Ready {
    pub(super) top: *mut u8,
    pub(super) entry: arch::Entry,
    pub(super) argument: *mut u8,
}

impl Carrier {
    /// # Safety
    /// The body does not outlive what it borrows: the caller does not return before it has ended. What starts
    /// [`Anywhere`](Where::Anywhere) is `Send`.
    #[inline(always)]
    pub(super) unsafe fn spawn<B: Body>(&self, body: B, task: TaskRef, place: Where) {
        let start = Start::new(body, task);
        match &self.member {
            Some(member) if place == Where::Anywhere => hop(|| member.publish(start)),
            _ => self.starts.push(start),
        }
    }

    fn remember_root(&self, root: &Root) {
        let first = self.roots.replace(root);
        root.next.set(first);
        // SAFETY: those in the list live.
        if let Some(first) = unsafe { first.as_ref() } {
            first.set_previous(root);
        }
    }

    fn forget_root(&self, root: &Root) {
        let (previous, next) = (root.previous(), root.next.get());
        // SAFETY: as above.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => self.roots.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.set_previous(previous);
            }
        }
    }

    /// Runs the start on a fresh stack, until it leaves. Without memory for one, the error is what it ends with.
    pub(super) fn start(&self, start: Start) {
        if let Some(make) = start.0.scope.as_ref().and_then(|scope| scope.allocator.as_ref()) {
            if let Err(error) = stacks::scoped::mount_new(make) {
                return start.fail(error);
            }
            self.leaves_to_the_loop();
        }
        let size = start.0.size();
        let chunk = match stacks::take_for_start(size, start.0.closure_name()) {
            Ok(chunk) => chunk,
            Err(error) => {
                stacks::scoped::ended();
                stacks::scoped::unmount();
                return start.fail(error);
            }
        };
        // SAFETY: such a size has a list.
        let is_listed = size <= abi::LARGEST_CHUNK && chunk.is_of(unsafe { stacks::list_of(size) });
        let ready = self.prepare(start, chunk, if is_listed { 0 } else { LENT });
        // SAFETY: it is entered once, now. The loop runs on none of the stacks that `in_loop` resumes.
        unsafe { arch::enter(ready.top, self.in_loop.as_ptr(), ready.entry, ready.argument) };
        self.mounted.set(core::ptr::null());
        stacks::scoped::unmount();
    }

    /// The next of the own starts, if nothing is ready, and it needs no more than a free chunk of its size. It is mounted already.
    #[inline(always)]
    pub(super) fn start_for_want_of_others(&self) -> Option<Ready> {
        let budget = self.budget.get();
        if budget == 0 || !self.ready.is_empty() {
            return None;
        }
        let first = self.starts.0.first()?;
        // SAFETY: `push` put it there, and it holds a reference.
        let task = unsafe { &*first.cast::<Task>() };
        if task.scope.as_ref().is_some_and(|scope| scope.allocator.is_some()) {
            return None;
        }
        let chunk = stacks::take_free(task.size())?;
        self.starts.0.skip_first();
        self.budget.set(budget - 1);
        // SAFETY: as above, and it is taken once.
        Some(self.prepare(unsafe { Start::from_word(first) }, chunk, 0))
    }

    /// The vthread is mounted, and is to be entered. `flags`: [`LENT`], if the chunk is.
    #[inline(always)]
    fn prepare(&self, start: Start, chunk: Chunk, flags: usize) -> Ready {
        let live = self.live.get() + 1;
        self.live.set(live);
        if live > self.numbers.most_alive.get() {
            self.numbers.most_alive.set(live);
        }
        self.numbers.started.set(self.numbers.started.get() + 1);
        let (top, list) = chunk.into_parts();
        let root = top.cast::<Root>().wrapping_sub(1);
        // SAFETY: the chunk has room for the record and, below it, for the entry.
        let root = unsafe {
            root.write(Root {
                task: start.0.into_raw(),
                waiting: Cell::new(core::ptr::null()),
                previous: Cell::new(core::ptr::without_provenance(flags)),
                next: Cell::new(core::ptr::null()),
            });
            &*root
        };
        self.remember_root(root);
        if self.is_cancelled(root.task()) {
            root.cancel();
        }
        self.mounted.set(root);
        // Asked for here, it is no value that has to be kept.
        let entry = root.entry();
        Ready { top: core::ptr::from_ref(root).cast_mut().cast(), entry, argument: list.cast_mut().cast() }
    }
}

/// Starts a vthread on this carrier, later.
///
/// # Panics
/// Outside of a runtime.
pub fn spawn<F: FnOnce() + 'static>(closure: F) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    let [task, _] = TaskRef::new(None, None, true);
    // SAFETY: it borrows nothing that ends.
    unsafe { carrier.spawn(Plain(closure), task, Where::Here) };
}

/// Is what starts there for this carrier alone?
///
/// # Panics
/// Where no vthread can be started.
#[inline(always)]
pub(crate) fn stays_here(place: Where) -> bool {
    let Some(carrier) = carrier() else { runs_no_vthreads() };
    place == Where::Here || carrier.member.is_none()
}

#[cold]
#[inline(never)]
fn runs_no_vthreads() -> ! {
    panic!(
        "vthread: this thread runs no vthreads: spawn inside of vthread::run, or of a `main` with #[vthread::main] or a test with #[vthread::test]"
    )
}

/// Starts a body, later.
///
/// # Safety
/// It does not outlive what it borrows. What starts [`Anywhere`](Where::Anywhere) is `Send`.
#[inline(always)]
pub(crate) unsafe fn start_later<B: Body>(body: B, task: TaskRef, place: Where) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    // SAFETY: the caller's promise.
    unsafe { carrier.spawn(body, task, place) };
}

/// Starts a body on some carrier of the group, later.
///
/// # Safety
/// It is `Send`, and does not outlive what it borrows.
pub(crate) unsafe fn inject<B: Body>(group: &Group, body: B, task: TaskRef) {
    group.inject(Start::new(body, task));
}

/// [`spawn`] on a stack of so many bytes, or of an unproved entry; for tests without the link step.
///
/// # Safety
/// The stack is large enough for the closure: nothing proves that.
pub unsafe fn spawn_sized<F: FnOnce() + 'static>(size: u32, closure: F) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    let [task, _] = TaskRef::new(None, None, true);
    // As the link step writes them.
    let size = size.next_multiple_of(abi::CLASS_STEP);
    carrier.starts.push(Start::new(Plain(closure), task).sized(size));
}
