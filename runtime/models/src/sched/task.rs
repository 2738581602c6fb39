//! Nobody is cancelled but by the model itself.

use super::task_ref::Count;
use super::wait::Outcome;
use crate::scope::ScopeState;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::Arc;

/// What is referred to. Its flag is no step of the model.
pub(crate) struct Task {
    /// Of what the spare ones begin with.
    _link: *mut Self,
    pub(super) count: Count,
    is_alive: AtomicBool,
    scope: Option<Arc<ScopeState>>,
}

impl Task {
    /// # Safety
    /// `place` has room for a task, and is the caller's.
    pub(super) unsafe fn init(
        place: *mut Self,
        _: Option<Box<str>>,
        scope: Option<Arc<ScopeState>>,
        _: bool,
    ) {
        let count = Count::of_two();
        let task = Self { _link: core::ptr::null_mut(), count, is_alive: AtomicBool::new(true), scope };
        // SAFETY: the caller's promise.
        unsafe { place.write(task) };
    }

    pub(super) fn has_something_to_drop(&self) -> bool {
        self.scope.is_some()
    }

    pub(super) fn take_for_the_end(&mut self) -> Option<Arc<ScopeState>> {
        assert!(self.is_alive.swap(false, SeqCst), "freed twice");
        let scope = self.scope.take();
        if let Some(scope) = &scope {
            scope.one_ended();
        }
        scope
    }

    pub(crate) fn look(&self) {
        assert!(self.is_alive.load(SeqCst), "used after it was freed");
    }

    /// What a vthread does at its end whose joiner waits on its carrier. `true`: it has still its reference.
    pub(crate) fn end_here(&self) -> bool {
        !self.count.give_up_one_of_two()
    }
}

pub(crate) fn checkpoint() {}

pub(crate) fn raise_if_cancelled(outcome: Outcome) {
    assert_ne!(outcome, Outcome::Cancelled);
}

/// What nobody panics with here.
pub(crate) struct Cancelled;
