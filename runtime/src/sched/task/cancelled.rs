//! How a vthread hears that it was cancelled.

use super::super::wait::Outcome;
use crate::call::hop;
use crate::carrier;
use core::fmt;
use std::panic::resume_unwind;

/// What a vthread ends with that was cancelled: its waits panic with this, without a message.
///
/// ```
/// let payload = vthread::run(|| {
///     vthread::scope(|s| {
///         let child = s.spawn(|| vthread::park());
///         s.cancel();
///         child.join().unwrap_err()
///     })
/// });
/// assert!(payload.is::<vthread::Cancelled>());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled(());

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the vthread was cancelled")
    }
}

impl std::error::Error for Cancelled {}

#[cold]
#[inline(never)]
pub(crate) fn raise_cancelled() -> ! {
    hop(|| resume_unwind(Box::new(Cancelled(()))))
}

#[inline]
pub(crate) fn raise_if_cancelled(outcome: Outcome) {
    if outcome == Outcome::Cancelled {
        raise_cancelled();
    }
}

/// Can a cancellation unwind? Elsewhere a vthread must ask.
pub(crate) const RAISES: bool = cfg!(panic = "unwind");

/// Where a vthread sees that it was cancelled: every call that may park or yields has one, even where it needs not wait.
///
/// # Panics
/// With [`Cancelled`] then, unless it panics already. Where panics abort the program, [`is_cancelled`] must be asked instead.
#[inline]
pub fn checkpoint() {
    if RAISES && me_with_news().is_some_and(carrier::Me::raises) && !std::thread::panicking() {
        raise_cancelled();
    }
}

/// Was this vthread cancelled? Its destructors may go on and wait all the same.
#[inline]
pub fn is_cancelled() -> bool {
    me_with_news().is_some_and(carrier::Me::is_cancelled)
}

/// The vthread that runs, which knows whether it was cancelled: its carrier tells it else only when its loop comes to that, and a vthread that never
/// waits never lets it.
#[inline]
fn me_with_news() -> Option<carrier::Me> {
    let me = carrier::me()?;
    if me.has_news() {
        hear();
    }
    Some(me)
}

#[cold]
#[inline(never)]
fn hear() {
    hop(carrier::hear_of_cancellation);
}
