//! What most vthreads do not have: a name, locals, a future of their end.

use crate::call::hop;
use crate::facade::{AtomicPtr, Ordering::AcqRel, Ordering::Acquire};
use crate::local::Locals;
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::task::Waker;

/// Null until it is needed: by who makes the task, by the vthread itself, or under the lock of the task's state.
pub(super) struct Rarely(pub(super) AtomicPtr<Rare>);

#[derive(Default)]
pub(super) struct Rare {
    pub(super) name: Option<Box<str>>,
    /// The vthread's own; see `locals`.
    pub(super) locals: Locals,
    /// Under the lock of the task's state: the last that polled its handle. There is one handle.
    pub(super) awaiting: UnsafeCell<Option<Waker>>,
}

impl Rarely {
    #[inline(always)]
    pub(super) fn new(name: Option<Box<str>>) -> Self {
        Self(AtomicPtr::new(name.map_or(null_mut(), Self::named)))
    }

    #[cold]
    #[inline(never)]
    fn named(name: Box<str>) -> *mut Rare {
        hop(|| Box::into_raw(Box::new(Rare { name: Some(name), ..Rare::default() })))
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Option<&Rare> {
        // SAFETY: boxed below or above, and dropped with this.
        unsafe { self.0.load(Acquire).as_ref() }
    }

    pub(super) fn make(&self) -> &Rare {
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
