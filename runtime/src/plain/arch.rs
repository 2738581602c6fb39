//! What the scheduler names of stacks, where nobody switches between them.

/// A stack that waits: there is none.
pub(crate) type Parked = *mut u8;
