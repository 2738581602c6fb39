//! The stacks of a thread where there are no chunks.

/// Has no effect on this system.
pub fn trim() {}
