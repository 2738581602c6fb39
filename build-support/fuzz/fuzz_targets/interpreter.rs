//! Any bytes as the code of functions that begin at some of them.
#![no_main]

#[path = "../harness/code.rs"]
mod code;

libfuzzer_sys::fuzz_target!(|data: &[u8]| code::code(data));
