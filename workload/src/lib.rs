//! The search program `zork`: a library, so that benchmarks and tests can use its parts.

pub mod matcher;
