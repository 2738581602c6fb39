//! Ordinary Rust with and without `#[vthread]`: the same text twice, and the same answer plain, in a vthread, and in one whose
//! chunks each end at an inaccessible page.

/// Declares a program and its test. The program's `run` gives what is compared.
macro_rules! program {
    ($name:ident { $($body:tt)* }) => {
        mod $name {
            #[allow(dead_code, unused_qualifications, clippy::all, clippy::pedantic)]
            mod ordinary {
                $($body)*
            }

            #[vthread::vthread]
            #[allow(dead_code, unused_qualifications, clippy::all, clippy::pedantic)]
            mod annotated {
                $($body)*
            }

            #[test]
            fn agrees() {
                crate::agrees(ordinary::run, annotated::run);
            }
        }
    };
}

#[path = "macro_corpus/calls.rs"]
mod calls;
#[path = "macro_corpus/closures.rs"]
mod closures;
#[path = "macro_corpus/generics.rs"]
mod generics;
#[path = "macro_corpus/objects.rs"]
mod objects;
#[path = "macro_corpus/programs.rs"]
mod programs;
#[path = "macro_corpus/recursion.rs"]
mod recursion;
#[path = "macro_corpus/syntax.rs"]
mod syntax;

fn agrees(ordinary: fn() -> String, annotated: fn() -> String) {
    let want = ordinary();
    assert_eq!(annotated(), want, "plain");
    assert_eq!(vthread::run(annotated), want, "in a vthread");
    let guarded = vthread::Builder::new().stacks(vthread::Mode::Guarded).run(annotated);
    assert_eq!(guarded.expect("stacks"), want, "on guarded chunks");
}
