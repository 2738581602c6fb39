//! References to tasks, and tasks that are used again.
//!
//! As an `Arc`, but for two things: who has the only reference gives it up without an atomic operation, and a carrier keeps some tasks
//! for its next spawns, so that most of those allocate nothing.

use super::task::Task;
use crate::call::hop;
use crate::facade::{AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};
use crate::scope::ScopeState;
use core::cell::Cell;
use core::ops::Deref;
use core::ptr::{self, NonNull, null_mut};
use std::sync::Arc;

/// One reference of several.
pub(crate) struct TaskRef(NonNull<Task>);

/// How many references a task has, and [`HAD_OTHERS`].
pub(super) struct Count(AtomicU32);

/// There were others than the vthread's and its handle's. Set before there are, and never taken back.
const HAD_OTHERS: u32 = 1 << 31;

impl Count {
    #[inline(always)]
    pub(super) const fn of_two() -> Self {
        Self(AtomicU32::new(2))
    }

    /// For the vthread, where its handle cannot be used meanwhile. `false`: not done.
    #[cfg(vthread_native)]
    #[inline(always)]
    pub(super) fn give_up_one_of_two(&self) -> bool {
        // Who made others did so as the vthread, or with the handle, which has come here since: what they did is seen.
        let can = self.0.load(Relaxed) & HAD_OTHERS == 0;
        if can {
            self.0.store(1, Relaxed);
        }
        can
    }
}

// SAFETY: as an `Arc`: a task is both itself.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

/// A thread keeps so many at most.
const MOST: usize = 1024;

/// Of this thread: tasks that are dropped, but not freed. The first word of each leads to the next.
struct Spare {
    first: Cell<*mut Task>,
    count: Cell<usize>,
}

thread_local! {
    static SPARE: Spare = const { Spare { first: Cell::new(null_mut()), count: Cell::new(0) } };
}

/// This thread's. Its uses are not closures: what those capture has a place on the stack of the vthread that calls.
#[inline(always)]
fn spare<'a>() -> &'a Spare {
    // SAFETY: without a destructor it lives as long as its thread. Our callers use it at once, and no vthread leaves its thread.
    SPARE.with(|spare| unsafe { &*ptr::from_ref(spare) })
}

impl TaskRef {
    /// A new task with its two references: the vthread's and a handle's. `is_local`: its carrier alone will use it, as far as is
    /// known.
    #[inline(always)]
    pub(crate) fn new(name: Option<Box<str>>, scope: Option<Arc<ScopeState>>, is_local: bool) -> [Self; 2] {
        let spare = spare();
        let mut place = spare.first.get();
        if place.is_null() {
            place = hop(|| Box::into_raw(Box::<Task>::new_uninit()).cast::<Task>());
        } else {
            // SAFETY: spare ones are ours, and begin with the next.
            spare.first.set(unsafe { place.cast::<*mut Task>().read() });
            spare.count.set(spare.count.get() - 1);
        }
        // SAFETY: room for a task, and ours.
        unsafe {
            Task::init(place, name, scope, is_local);
            let place = NonNull::new_unchecked(place);
            [Self(place), Self(place)]
        }
    }

    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *const Task {
        self.0.as_ptr()
    }

    /// Keeps the reference.
    #[inline(always)]
    pub(crate) fn into_raw(self) -> *const Task {
        let task = self.0.as_ptr();
        core::mem::forget(self);
        task
    }

    /// # Safety
    /// It came from [`into_raw`](Self::into_raw), once.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(task: *const Task) -> Self {
        // SAFETY: not null; the caller's promise.
        unsafe { Self(NonNull::new_unchecked(task.cast_mut())) }
    }

    /// Drops a reference. By value: what is dropped in place has an address, and a place on the stack of the vthread that ends.
    ///
    /// # Safety
    /// It came from [`into_raw`](Self::into_raw), once.
    #[inline(always)]
    pub(crate) unsafe fn give_up(task: *const Task) {
        // SAFETY: the caller's promise: it stays as long as there are references.
        unsafe {
            // Nobody makes a second reference of the only one while we drop it.
            let count = &(*task).count.0;
            let now = count.load(Acquire);
            if now != 1 && now != 1 | HAD_OTHERS {
                if count.fetch_sub(1, Release) & !HAD_OTHERS != 1 {
                    return;
                }
                fence(Acquire);
            }
            if !(*task).has_something_to_drop() && Self::keep(task.cast_mut()) {
                return;
            }
            Self::free(task.cast_mut());
        }
    }

    /// One more.
    ///
    /// # Safety
    /// Somebody else has a reference.
    pub(crate) unsafe fn share(task: *const Task) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let count = &(*task).count.0;
            if count.load(Relaxed) & HAD_OTHERS == 0 {
                count.fetch_or(HAD_OTHERS, Relaxed);
            }
            if count.fetch_add(1, Relaxed) & !HAD_OTHERS > HAD_OTHERS / 2 {
                // Only by forgetting handles without end.
                std::process::abort();
            }
            Self::from_raw(task)
        }
    }

    /// Keeps the memory of a task, if there is not too much of that.
    ///
    /// # Safety
    /// The last reference goes. `task` has no name, no scope, nothing that has to be dropped (any more).
    #[inline(always)]
    unsafe fn keep(task: *mut Task) -> bool {
        let spare = spare();
        if spare.count.get() >= MOST || !super::may_keep_tasks() {
            return false;
        }
        // SAFETY: ours alone, and larger than a word.
        unsafe { task.cast::<*mut Task>().write(spare.first.get()) };
        spare.first.set(task);
        spare.count.set(spare.count.get() + 1);
        true
    }

    /// # Safety
    /// The last reference goes.
    #[cold]
    #[inline(never)]
    unsafe fn free(task: *mut Task) {
        // SAFETY: boxed in `new`, and ours alone. No code of the user's runs before the block is done with: it could ask for the
        // running vthread, which may be this one.
        hop(|| unsafe {
            let scope = (*task).take_for_the_end();
            ptr::drop_in_place(task);
            if !Self::keep(task) {
                drop(Box::from_raw(task.cast::<core::mem::MaybeUninit<Task>>()));
            }
            drop(scope);
        });
    }
}

/// Frees what this thread keeps: it is no carrier any more.
pub(crate) fn free_spare() {
    let spare = spare();
    spare.count.set(0);
    let mut first = spare.first.replace(null_mut());
    while !first.is_null() {
        let task = first;
        // SAFETY: spare ones are ours, boxed in `new`, and begin with the next.
        unsafe {
            first = task.cast::<*mut Task>().read();
            drop(Box::from_raw(task.cast::<core::mem::MaybeUninit<Task>>()));
        }
    }
}

impl Deref for TaskRef {
    type Target = Task;

    #[inline(always)]
    fn deref(&self) -> &Task {
        // SAFETY: it stays as long as there are references.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        // SAFETY: this is one.
        unsafe { Self::share(self.as_ptr()) }
    }
}

impl Drop for TaskRef {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: not used any more.
        unsafe { Self::give_up(self.as_ptr()) };
    }
}
