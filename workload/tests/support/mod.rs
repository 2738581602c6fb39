//! What the tests of the program share: trees to search ([`Tree`]), and the program run over them ([`zork`]).
#![allow(dead_code, reason = "each test file uses its part of it")]

mod run;
mod tree;

#[allow(unused_imports, reason = "each test file uses its part of it")]
pub use run::{
    Ended, Zork, engines, for_each_engine, for_each_engine_and_beginning, for_each_engine_and_stacks, zork,
};
#[allow(unused_imports, reason = "each test file uses its part of it")]
pub use tree::{Tree, write_at};

/// Whether the tests that take long are wanted, too.
pub fn long_tests() -> bool {
    std::env::var_os("VTHREAD_LONG_TESTS").is_some_and(|v| v == "1")
}

/// Paths, one a line, in the order of their bytes.
pub fn sorted<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut sorted: Vec<String> = paths.into_iter().map(ToOwned::to_owned).collect();
    sorted.sort();
    sorted
}
