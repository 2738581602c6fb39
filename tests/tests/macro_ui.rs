//! What the compiler says about code that `#[vthread]` cannot take, and programs of trybuild's own project.
//!
//! Until the link step exists, passing cases link by the runtime's stand-in: trybuild's project inherits the feature.

#[test]
fn messages() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/macro_pass/*.rs");
    cases.compile_fail("tests/ui/macro_fail/*.rs");
}
