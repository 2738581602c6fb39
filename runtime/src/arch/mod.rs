//! What differs between processors: how a stack is entered, left and recognised.

mod x86_64;
mod x86_64_bytes;
mod x86_64_hop_count;

#[cfg(test)]
mod tests;

// Generated code compares with it.
pub use x86_64::REGION;
pub(crate) use x86_64::*;
pub(crate) use x86_64_bytes::tune;
pub(crate) use x86_64_hop_count::{count_hops, hops};
