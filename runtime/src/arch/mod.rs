//! What differs between processors: how a stack is entered, left and recognised.

mod x86_64;
mod x86_64_bytes;
mod x86_64_hop_count;
mod x86_64_pins;
mod x86_64_switch;
mod x86_64_words;

#[cfg(test)]
mod tests;

// Generated code compares with the one, and its functions are entered with the others.
pub(crate) use x86_64::*;
pub use x86_64::{Pair, REGION, Word};
pub(crate) use x86_64_bytes::tune;
pub(crate) use x86_64_hop_count::{count_hops, fetch_stubs_again, hops};
pub(crate) use x86_64_pins::{pins, set_pins};
pub(crate) use x86_64_switch::*;
pub(crate) use x86_64_words::*;
