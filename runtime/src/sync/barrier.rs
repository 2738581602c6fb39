//! Going on together.

use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{Outcome, WaitList, What, wait_in};
use core::ptr::null_mut;

/// A place where so many must have come before they go on.
///
/// ```
/// let barrier = vthread::sync::Barrier::new(3);
/// vthread::run(|| {
///     vthread::scope(|s| {
///         let last = [(); 3].map(|()| s.spawn(|| barrier.wait()));
///         assert_eq!(last.into_iter().filter_map(|h| h.join().ok()).filter(|&last| last).count(), 1);
///     })
/// });
/// ```
#[derive(Debug)]
pub struct Barrier {
    size: usize,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    here: usize,
    /// How often they went on.
    rounds: u64,
    waiting: WaitList,
}

impl Barrier {
    /// For so many. One goes on at once, and so does everybody with none.
    #[must_use]
    pub const fn new(size: usize) -> Self {
        Self { size, state: Lock::new(State { here: 0, rounds: 0, waiting: WaitList::new() }) }
    }

    fn lock(&self) -> Guard<'_, State> {
        self.state.lock()
    }

    /// Waits until all are here. `true` for the one that came last.
    pub fn wait(&self) -> bool {
        checkpoint();
        let mut state = self.lock();
        state.here += 1;
        if state.here >= self.size {
            state.here = 0;
            state.rounds += 1;
            let all = state.waiting.claim_all(Outcome::Notified);
            drop(state);
            drop(all);
            return true;
        }
        let round = state.rounds;
        let what = What::of(&"waits at the barrier", self);
        let outcome = wait_in(state, |s| &mut s.waiting, what, null_mut(), None, None);
        if outcome == Outcome::Cancelled {
            let mut state = self.lock();
            // If the others have gone on meanwhile, they have counted us.
            if state.rounds == round {
                state.here -= 1;
            }
        }
        raise_if_cancelled(outcome);
        false
    }
}
