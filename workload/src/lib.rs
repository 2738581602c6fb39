//! The search program `zork`: a library, so that benchmarks and tests can use its parts.
//!
//! ```text
//! cli -> run -> engine (one file each) -> behaviour (text, JSON, directory; blocking calls) -> tree (descriptors)
//!                                      -> matcher (the same for all)                        -> output
//! ```
#![deny(unsafe_code)]

pub mod behaviour;
pub mod cli;
pub mod engine;
pub mod matcher;
pub mod output;
pub mod run;
pub mod search;
pub mod tree;
