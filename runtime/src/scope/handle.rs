//! Handles of vthreads: the one right to the result.

use super::child::drop_result;
use crate::call::hop;
#[cfg(vthread_native)]
use crate::carrier;
use crate::fatal::never_unwinding;
use crate::sched::task::{Task, Vthread};
use crate::sched::task_ref::TaskRef;
use crate::select::{Arm, Place};
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::task::Waker;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// The one right to the result.
pub(super) struct Inner<T> {
    pub(super) task: TaskRef,
    /// May be sent and shared where a `T` may be sent.
    pub(super) _result: PhantomData<Mutex<T>>,
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        if hop(|| self.task.leave_result()) {
            // SAFETY: the vthread has ended, and this is the one handle, which has not taken it.
            unsafe { drop_result::<T>(&self.task) };
        }
    }
}

impl<T> Inner<T> {
    /// # Safety
    /// The vthread has ended.
    #[inline(always)]
    unsafe fn take(self) -> thread::Result<T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: read once: `this` is not dropped.
        let task = unsafe { core::ptr::read(&raw const this.task) };
        // SAFETY: by the caller's promise, the result is there. The vthread did not drop it, because this handle was there.
        unsafe { task.room.take::<thread::Result<T>>() }
    }

    // Not inlined: a switch in the user's function, beside whatever that calls through pointers, is not always proved. The return that
    // follows the switch is predicted rightly where nobody but the joined one has run.
    #[inline(never)]
    fn join(self) -> thread::Result<T> {
        // Nothing to be dropped in here while it waits: that would be code for unwinding.
        let this = ManuallyDrop::new(self);
        #[cfg(vthread_native)]
        if this.task.join_here() {
            // SAFETY: it has ended.
            return unsafe { ManuallyDrop::into_inner(this).take() };
        }
        ManuallyDrop::into_inner(this).join_however()
    }

    #[cold]
    #[inline(never)]
    fn join_however(self) -> thread::Result<T> {
        #[cfg(vthread_native)]
        if let Some(me) = carrier::me_at_ease() {
            self.task.join_thin(me);
            // SAFETY: that returns when it has ended, or unwinds.
            return unsafe { self.take() };
        }
        hop(|| while !self.task.join(None) {});
        // SAFETY: it has ended.
        unsafe { self.take() }
    }

    fn join_timeout(self, most: Duration) -> Result<thread::Result<T>, Self> {
        // SAFETY: it has ended, where that says so.
        if self.task.join(Instant::now().checked_add(most)) { Ok(unsafe { self.take() }) } else { Err(self) }
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
        /// Waits until it has ended. Gives its result, or what it panicked with: [`Cancelled`](crate::Cancelled) if it was cancelled, an
        /// [`Error`](crate::Error) if there was no stack for it.
        ///
        /// # Errors
        /// When it panicked, or has not run.
        ///
        /// # Panics
        /// When the caller is cancelled, or waits for itself.
        #[inline(always)]
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
    pub(super) inner: Inner<T>,
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
        // SAFETY: it has ended.
        unsafe { self.inner.take() }
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

/// [`JoinHandle`] of a vthread in a [`scope`](crate::scope()).
pub struct ScopedJoinHandle<'scope, T> {
    pub(super) inner: Inner<T>,
    pub(super) _scope: PhantomData<&'scope mut &'scope ()>,
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
