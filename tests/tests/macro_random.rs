//! Random programs, which the build script writes (`build/random.rs`): with `#[vthread]` they give the same numbers as without, plain, in a
//! vthread, and in one whose chunks each end at an inaccessible page.

mod finished;

use vthread::{Builder, Mode};

/// What a program gives.
type Numbers = Vec<u64>;

/// One program in its forms.
struct Program {
    number: u64,
    ordinary: fn() -> Numbers,
    plain: fn() -> Numbers,
    /// In a vthread; first, whether it began on a chunk.
    concurrent: fn(Builder) -> vthread::Result<(i64, Numbers)>,
}

#[allow(warnings, clippy::all, clippy::pedantic, reason = "nobody writes them")]
mod programs {
    use super::Program;
    use vthread::__private::current;
    include!(concat!(env!("OUT_DIR"), "/random.rs"));
}

#[test]
fn random_programs_agree() {
    let mut on_chunks = 0;
    for Program { number, ordinary, plain, concurrent } in programs::PROGRAMS {
        let want = ordinary();
        assert_eq!(plain(), want, "program {number}, plain");
        for mode in [Mode::Exact, Mode::Guarded] {
            let (on_chunk, got) = concurrent(Builder::new().stacks(mode)).expect("stacks");
            assert_eq!(got, want, "program {number}, in a vthread, {mode:?}");
            on_chunks += on_chunk;
        }
    }
    // One that has no bound runs on an ordinary stack.
    let all = 2 * programs::PROGRAMS.len() as i64;
    assert!(2 * on_chunks >= all, "{on_chunks} of {all} ran on chunks");
}

#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "the machine code is x86-64's")]
fn their_stacks_are_what_the_finished_program_needs() {
    // None of their methods need be small.
    drop(finished::callers_in_place(&std::env::current_exe().expect("a path")));
}
