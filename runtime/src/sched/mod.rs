//! Scheduling above a carrier's switches: who waits for what, and how those who wait are found again.

#![cfg_attr(
    not(vthread_native),
    allow(
        dead_code,
        reason = "where vthreads are OS threads nobody looks for deadlocks, and no stack is parked"
    )
)]

pub(crate) mod deadlock;
#[cfg(vthread_native)]
pub(crate) mod latch;
pub(crate) mod lock;
#[cfg(vthread_native)]
pub(crate) mod remote;
#[cfg(not(vthread_native))]
#[path = "../plain/remote.rs"]
pub(crate) mod remote;
pub(crate) mod room;
pub(crate) mod starts;
pub(crate) mod task;
pub(crate) mod task_ref;
#[cfg(vthread_native)]
pub(crate) mod timers;
pub(crate) mod wait;

/// Does this thread spawn vthreads, so that tasks are worth keeping?
#[inline(always)]
fn may_keep_tasks() -> bool {
    #[cfg(vthread_native)]
    return lock::bias::id() != 0;
    #[cfg(not(vthread_native))]
    false
}
