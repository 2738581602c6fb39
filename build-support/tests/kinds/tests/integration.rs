#[test]
fn of_the_package() {
    kinds::assert_sized("integration test");
}
