//! Scheduling above a carrier's switches: who waits for what, and how those who wait are found again.

pub(crate) mod deadlock;
pub(crate) mod latch;
pub(crate) mod remote;
pub(crate) mod starts;
pub(crate) mod task;
pub(crate) mod timers;
pub(crate) mod wait;
