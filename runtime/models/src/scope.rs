//! The models of scopes.

#[path = "../../src/scope/state.rs"]
mod state;

use crate::carrier::here;
use shuttle::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use shuttle::thread;
pub(crate) use state::ScopeState;
use std::sync::Arc;

impl ScopeState {
    /// Of a task that has ended in it, as far as a model of tasks knows.
    pub(crate) fn with_children(running: usize) -> Arc<Self> {
        let scope = Self::new(None);
        (0..running).for_each(|_| scope.child_begins());
        scope
    }

    pub(crate) fn one_ended(&self) {
        self.child_ended();
    }

    pub(crate) fn running(&self) -> usize {
        self.lock().running
    }
}

/// Children on other threads, one of which begins a child of its own, panic, end, and see that they were cancelled: the owner goes on when the last has
/// ended, not before, whether it is a vthread or not; what they borrow is there till then; the first panic is kept.
pub fn scope(owner_is_a_vthread: bool) {
    let owner = || {
        let scope = ScopeState::new(None);
        let borrowed = Arc::new((AtomicBool::new(true), AtomicU32::new(0)));
        let child = |panics: bool, spawns: bool| {
            scope.child_begins();
            let (scope, borrowed) = (scope.clone(), borrowed.clone());
            move || end_of_a_child(&scope, &borrowed, panics, spawns)
        };
        let mut threads = vec![thread::spawn(child(true, false)), thread::spawn(child(false, true))];
        threads.push(thread::spawn({
            let scope = scope.clone();
            move || scope.cancel()
        }));
        scope.wait_for_children();
        borrowed.0.store(false, SeqCst);
        assert_eq!((scope.running(), borrowed.1.load(SeqCst)), (0, 3), "not all have ended");
        assert!(scope.lock().panic.take().is_some_and(|payload| payload.is::<u32>()), "the panic was lost");
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert!(scope.is_cancelled());
    };
    if owner_is_a_vthread {
        here::run(vec![Box::new(owner)])();
    } else {
        owner();
    }
}

fn end_of_a_child(
    scope: &Arc<ScopeState>,
    borrowed: &Arc<(AtomicBool, AtomicU32)>,
    panics: bool,
    spawns: bool,
) {
    let grandchild = spawns.then(|| {
        scope.child_begins();
        let (scope, borrowed) = (scope.clone(), borrowed.clone());
        thread::spawn(move || end_of_a_child(&scope, &borrowed, false, false))
    });
    // Seen or not: it may come later.
    let _ = scope.is_cancelled();
    assert!(borrowed.0.load(SeqCst), "the owner did not wait");
    borrowed.1.fetch_add(1, SeqCst);
    if panics {
        scope.panicked(Box::new(7_u32));
    }
    scope.child_ended();
    // A thread of the model, no part of the scope any more.
    if let Some(grandchild) = grandchild {
        grandchild.join().expect("no panic");
    }
}
