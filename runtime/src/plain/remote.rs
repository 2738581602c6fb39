//! The carrier of another thread, where vthreads have no carriers.

use super::wait::Waiting;

/// There is none.
#[derive(Debug)]
pub(crate) enum Remote {}

impl Remote {
    /// # Safety
    /// None: it cannot be called.
    pub(crate) unsafe fn push(&self, _waiting: *const Waiting) {
        match *self {}
    }
}
