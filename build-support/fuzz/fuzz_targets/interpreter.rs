//! Any bytes as the code of functions that begin at some of them.
#![no_main]

#[path = "../harness.rs"]
#[allow(dead_code, reason = "each target uses its part")]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::code(data));
