//! The closure of a vthread, between its stack's beginning and its result.

use super::{RAISES, is_cancelled, raise_cancelled};
use crate::call::hop;
use crate::carrier;
use crate::fatal::dispose;
use core::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls the closure of the running vthread, and drops the vthread's locals.
///
/// The closure comes by way of `take`, so that there is one copy of it on the stack, and nothing is kept there over the call that can be
/// found again.
#[inline(always)]
pub(crate) fn run_closure<T, F: FnOnce() -> T>(take: impl FnOnce() -> F) -> std::thread::Result<T> {
    let outcome = ManuallyDrop::new(catch_unwind(AssertUnwindSafe(|| {
        // Who was cancelled before does not start.
        if RAISES && is_cancelled() {
            // Dropped by the unwinding: a destructor that waits is not left in the middle.
            hop(move || {
                let _closure = take();
                raise_cancelled()
            });
        }
        if const { size_of::<F>() == size_of::<fn()>() } {
            // It may be one.
            let closure = take();
            crate::__before_call!();
            return closure();
        }
        take()()
    })));
    let root = carrier::mounted();
    // SAFETY: this is the vthread.
    let Some(locals) = root.and_then(|root| unsafe { root.task().locals_if_any() }) else {
        return ManuallyDrop::into_inner(outcome);
    };
    // A destructor of theirs that waits is not left in the middle.
    root.into_iter().for_each(carrier::Root::begins_to_end);
    hop(move || {
        let outcome = ManuallyDrop::into_inner(outcome);
        match locals.clear() {
            Err(payload) if outcome.is_ok() => Err(payload),
            Err(payload) => {
                dispose(payload);
                outcome
            }
            Ok(()) => outcome,
        }
    })
}
