//! See the runtime's `facade`: the same names, behind which shuttle decides who runs.

pub(crate) use crate::ring::Bell;
use core::cell::Cell;
pub(crate) use core::sync::atomic::compiler_fence;
use shuttle::sync::Condvar;
pub(crate) use shuttle::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
pub(crate) use shuttle::thread::{Thread, current, park, yield_now};
use std::time::{Duration, Instant};

shuttle::thread_local! {
    static OWNER: Cell<u32> = Cell::new(0);
}

pub(crate) fn owner() -> u32 {
    OWNER.with(Cell::get)
}

pub(crate) fn set_owner(id: u32) {
    OWNER.with(|owner| owner.set(id));
}

/// Each order begins anew, and all are to have owners: what the orders before took away does not count.
pub(crate) const OWNERS_ALWAYS_PAY: bool = true;

/// Where all steps are in one order, a barrier is a step: not a yield, after which others would always go first.
pub(crate) fn membarrier(_: libc::c_int) -> bool {
    static STEP: AtomicBool = AtomicBool::new(true);
    STEP.load(Ordering::SeqCst)
}

pub(crate) fn panicking() -> bool {
    false
}

/// Models have no time.
pub(crate) fn park_timeout(_: Duration) {
    yield_now();
}

/// One queue for all words: who is woken for nothing looks again.
static FUTEX: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

pub(crate) fn futex_wait(word: &AtomicU32, value: u32, _: Option<Instant>) {
    let queue = FUTEX.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if word.load(Ordering::SeqCst) == value {
        drop(FUTEX.1.wait(queue));
    }
}

pub(crate) fn futex_wake(_: &AtomicU32) {
    drop(FUTEX.0.lock());
    FUTEX.1.notify_all();
}
