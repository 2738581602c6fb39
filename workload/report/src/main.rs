//! Makes the corpora. Nothing is here yet.
fn main() {}
