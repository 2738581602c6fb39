//! Any bytes as an executable: an error or a result. Give it real ones as a corpus.
#![no_main]

#[path = "../harness/executable.rs"]
mod executable;

libfuzzer_sys::fuzz_target!(|data: &[u8]| executable::executable(data));
