//! Run by `cargo bench`, and by `cargo test --benches`.
fn main() {
    kinds::assert_sized("bench");
}
