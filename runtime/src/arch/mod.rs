//! What differs between processors: how a stack is entered, left and recognised.

mod x86_64;
mod x86_64_bytes;
mod x86_64_pins;

#[cfg(test)]
mod tests;

pub(crate) use x86_64::*;
pub(crate) use x86_64_bytes::tune;
pub(crate) use x86_64_pins::{pins, set_pins};
