//! Where going on would be unsound, and so would be unwinding.

use core::fmt;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Ends the process with a message. `eprintln!` would panic where standard error cannot be written.
#[cold]
pub(crate) fn fatal(what: fmt::Arguments<'_>) -> ! {
    say(what);
    std::process::abort()
}

/// A line on standard error, if it can be written.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "vthread: {what}");
}

/// Calls `f`, which must not unwind: frames that others rely on would go away. If it does, the process ends.
#[inline]
pub(crate) fn never_unwinding<R>(what: &'static str, f: impl FnOnce() -> R) -> R {
    struct Guard(&'static str);

    impl Drop for Guard {
        fn drop(&mut self) {
            fatal(format_args!("a panic in {} cannot be passed on", self.0));
        }
    }

    let guard = Guard(what);
    let result = f();
    core::mem::forget(guard);
    result
}

/// Drops something of the user's, here of all places: its own panic goes nowhere.
pub(crate) fn dispose<T>(of: T) {
    let mut outcome = catch_unwind(AssertUnwindSafe(|| drop(of)));
    // A payload may panic as well when it is dropped; the next is forgotten.
    if let Err(payload) = outcome {
        outcome = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        core::mem::forget(outcome);
    }
}
