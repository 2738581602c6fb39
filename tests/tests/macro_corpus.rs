//! The programs of `macros/tests/corpus.rs` on proved stacks: that this links says that no recursion was left without a wrapper.

#[path = "../../macros/tests/corpus.rs"]
mod corpus;
