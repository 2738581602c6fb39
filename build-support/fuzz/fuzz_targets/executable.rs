//! Any bytes as an executable: an error or a result. Give it real ones as a corpus.
#![no_main]

#[path = "../harness.rs"]
#[allow(dead_code, reason = "each target uses its part")]
mod harness;

libfuzzer_sys::fuzz_target!(|data: &[u8]| harness::executable(data));
