//! Calls that block, where each vthread has an OS thread of its own: plain calls.

use crate::sched::task::checkpoint;

/// Calls `f`, which may block long.
///
/// # Panics
/// With what `f` panics with, and with [`Cancelled`](crate::Cancelled), if the vthread was cancelled before or meanwhile.
pub fn blocking<F: FnOnce() -> R + Send, R: Send>(f: F) -> R {
    checkpoint();
    let result = f();
    checkpoint();
    result
}

/// [`blocking`]; here nothing prevents it.
///
/// # Errors
/// None.
///
/// # Panics
/// As `blocking`.
pub fn try_blocking<F: FnOnce() -> R + Send, R: Send>(f: F) -> std::io::Result<R> {
    Ok(blocking(f))
}
