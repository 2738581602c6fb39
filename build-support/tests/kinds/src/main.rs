//! The binary of a package that has a library as well.
fn main() {
    kinds::assert_sized("binary");
}

#[test]
fn of_the_binary() {
    kinds::assert_sized("binary test");
}
