//! Ordinary Rust with and without `#[vthread]`: the same text twice, and the same answer plain, in a vthread, and in one whose
//! chunks each end at an inaccessible page.
//!
//! Here the runtime's stand-in gives every entry a chunk; `tests/tests/macro_corpus.rs` runs the same under the link step.

/// Declares a program and its test. The program's `run` gives what is compared. The unsafe code in some reads what the same line, or
/// the one above it, owns.
macro_rules! program {
    ($name:ident { $($body:tt)* }) => {
        mod $name {
            #[allow(dead_code, unused_qualifications, clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]
            mod ordinary {
                $($body)*
            }

            #[vthread::vthread]
            #[allow(dead_code, unused_qualifications, clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]
            mod annotated {
                $($body)*
            }

            #[test]
            fn agrees() {
                super::super::agrees(ordinary::run, annotated::run);
            }
        }
    };
}

#[path = "corpus/calls.rs"]
mod calls;
#[path = "corpus/closures.rs"]
mod closures;
#[path = "corpus/conditions.rs"]
mod conditions;
#[path = "corpus/crates.rs"]
mod crates;
#[path = "corpus/everyday.rs"]
mod everyday;
#[path = "corpus/features.rs"]
mod features;
#[path = "corpus/generics.rs"]
mod generics;
#[path = "corpus/idioms.rs"]
mod idioms;
#[path = "corpus/items.rs"]
mod items;
#[path = "corpus/languages.rs"]
mod languages;
#[path = "corpus/left_out.rs"]
mod left_out;
#[path = "corpus/libraries.rs"]
mod libraries;
#[path = "corpus/machines.rs"]
mod machines;
#[path = "corpus/made.rs"]
mod made;
#[path = "corpus/made_of.rs"]
mod made_of;
#[path = "corpus/numbers.rs"]
mod numbers;
#[path = "corpus/objects.rs"]
mod objects;
#[path = "corpus/others.rs"]
mod others;
#[path = "corpus/positions.rs"]
mod positions;
#[path = "corpus/programs.rs"]
mod programs;
#[path = "corpus/recursion.rs"]
mod recursion;
#[path = "corpus/services.rs"]
mod services;
#[path = "corpus/solvers.rs"]
mod solvers;
#[path = "corpus/structures.rs"]
mod structures;
#[path = "corpus/styles.rs"]
mod styles;
#[path = "corpus/surface.rs"]
mod surface;
#[path = "corpus/syntax.rs"]
mod syntax;
#[path = "corpus/unusual.rs"]
mod unusual;

fn agrees(ordinary: impl Fn() -> String, annotated: impl Fn() -> String) {
    let want = ordinary();
    assert_eq!(annotated(), want, "plain");
    assert_eq!(vthread::run(|| on_a_chunk(&annotated)), want, "in a vthread");
    let guarded = vthread::Builder::new().stacks(vthread::Mode::Guarded).run(|| on_a_chunk(&annotated));
    assert_eq!(guarded.expect("stacks"), want, "on guarded chunks");
}

/// Without the link step every entry has a chunk; with it, an entry that has no bound has an ordinary stack.
fn on_a_chunk(annotated: &impl Fn() -> String) -> String {
    if cfg!(not(vthread_link_step)) {
        let has_chunks = cfg!(all(target_arch = "x86_64", target_os = "linux", not(vthread_plain)));
        assert_eq!(vthread::__private::current(), i64::from(has_chunks));
    }
    annotated()
}
