//! What differs between processors: how a stack is entered, left and recognised.

mod x86_64;
mod x86_64_bytes;

#[cfg(test)]
mod tests;

// Generated code compares with it.
pub use x86_64::REGION;
pub(crate) use x86_64::*;
pub(crate) use x86_64_bytes::tune;
