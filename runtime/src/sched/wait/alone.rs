//! Waits in no list: for a time.

#[cfg(vthread_native)]
use super::super::timers::Timer;
use super::{Outcome, Waiting, What};
use crate::call::hop;
#[cfg(vthread_native)]
use crate::carrier;
#[cfg(vthread_native)]
use core::mem::ManuallyDrop;
use std::time::Instant;

/// Waits in no list: until then, or until the vthread is cancelled.
///
/// # Panics
/// As [`Waiting::new`].
pub(crate) fn wait_alone(what: What, until: Option<Instant>) -> Outcome {
    #[cfg(vthread_native)]
    if let Some(me) = carrier::me_at_ease() {
        return wait_alone_at_ease(me, what, until);
    }
    hop(move || Waiting::new(what).wait(until))
}

/// A vthread that waits for a time.
#[cfg(vthread_native)]
struct Alone {
    waiting: ManuallyDrop<Waiting>,
    timer: Option<Timer>,
}

#[cfg(vthread_native)]
#[inline(always)]
fn wait_alone_at_ease(me: carrier::AtEase, what: What, until: Option<Instant>) -> Outcome {
    let root = me.root();
    // A vthread's has nothing to drop.
    let alone = Alone {
        waiting: ManuallyDrop::new(Waiting::of_vthread(what, me.home(), true, true)),
        timer: until.map(Timer::new),
    };
    let alone = &alone;
    let next = hop(move || carrier::begin_wait(&alone.waiting, alone.timer.as_ref(), None));
    if !next.is_nobody() {
        // SAFETY: at ease; whoever resumes from there has claimed it, which happens once.
        unsafe { me.leave_for(next, alone.waiting.parked_place().as_ptr()) };
    }
    hop(move || {
        carrier::end_wait(root, alone.timer.as_ref());
        alone.waiting.outcome()
    })
}
