//! Random programs on proved stacks.

#[path = "../../macros/tests/random.rs"]
mod random;
