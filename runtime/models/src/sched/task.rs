//! Nobody is cancelled but by the model itself.

#[path = "../../../src/sched/task/end.rs"]
mod end;
#[path = "../../../src/sched/task/permit.rs"]
mod permit;
#[path = "../../../src/sched/task/rare.rs"]
mod rare;
#[path = "../../../src/sched/task/word.rs"]
mod word;

use super::lock::{Guard, Lock};
use super::task_ref::Count;
use super::wait::{Outcome, WaitList};
use crate::scope::ScopeState;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
pub(crate) use end::Ended;
use rare::Rarely;
use std::sync::Arc;
use word::Word;

/// What is referred to, and what its end needs. Its flag is no step of the model.
pub(crate) struct Task {
    /// Of what the spare ones begin with.
    _link: *mut Self,
    pub(super) count: Count,
    is_alive: AtomicBool,
    pub(crate) id: u64,
    pub(crate) scope: Option<Arc<ScopeState>>,
    word: Word,
    state: Lock<State>,
    rare: Rarely,
}

struct State {
    parked: WaitList,
    joining: WaitList,
}

// SAFETY: as the runtime's.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

impl Task {
    /// # Safety
    /// `place` has room for a task, and is the caller's.
    pub(super) unsafe fn init(
        place: *mut Self,
        name: Option<Box<str>>,
        scope: Option<Arc<ScopeState>>,
        is_local: bool,
    ) {
        let state = State { parked: WaitList::new(), joining: WaitList::new() };
        let task = Self {
            _link: core::ptr::null_mut(),
            count: Count::of_two(),
            is_alive: AtomicBool::new(true),
            id: 1,
            scope,
            word: Word::new(),
            state: if is_local { Lock::of_this_carrier(state) } else { Lock::shared(state) },
            rare: Rarely::new(name),
        };
        // SAFETY: the caller's promise.
        unsafe { place.write(task) };
    }

    pub(super) fn has_something_to_drop(&self) -> bool {
        self.scope.is_some() || self.rare.get().is_some()
    }

    pub(super) fn take_for_the_end(&mut self) -> Option<Arc<ScopeState>> {
        assert!(self.is_alive.swap(false, SeqCst), "freed twice");
        let scope = self.scope.take();
        if let Some(scope) = &scope {
            scope.one_ended();
        }
        scope
    }

    fn lock(&self) -> Guard<'_, State> {
        self.state.lock()
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

pub(crate) fn is_cancelled() -> bool {
    false
}

pub(crate) fn raise_if_cancelled(outcome: Outcome) {
    assert_ne!(outcome, Outcome::Cancelled);
}

/// What nobody panics with here.
pub(crate) struct Cancelled;
