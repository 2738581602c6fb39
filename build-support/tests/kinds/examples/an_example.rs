//! Run, and tested.
fn main() {
    kinds::assert_sized("example");
}

#[test]
fn of_the_example() {
    kinds::assert_sized("example test");
}
