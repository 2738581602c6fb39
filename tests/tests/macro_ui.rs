//! What the compiler says about code that `#[vthread]` cannot take, and programs of trybuild's own project.
//!
//! That project has no build script. Its cargo reads the linker from the environment, and the build script of this package is
//! one.

#[test]
fn messages() {
    // SAFETY: the only test of this process, so no other thread reads the environment.
    unsafe {
        std::env::set_var("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", env!("VTHREAD_LINK_STEP"));
    }
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/macro_pass/*.rs");
    cases.compile_fail("tests/ui/macro_fail/*.rs");
}
