//! Programs of packages of their own, built with unusual profiles, or without what a package needs.
//!
//! What runs while they are built (the link step among it) is built once for all; for each profile only the runtime, what it depends on and a
//! few lines are.
#![cfg(vthread_native)]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// One build at a time: they share a directory.
static BUILDING: Mutex<()> = Mutex::new(());

/// How to build a program.
#[derive(Clone, Copy, Default)]
struct Way<'a> {
    flags: &'a str,
    release: bool,
    config: &'a [&'a str],
    /// For the program alone.
    link_arg: Option<&'a str>,
}

impl Way<'_> {
    /// Builds a program below `programs`. Gives its path, of a copy that the next build leaves alone, or what cargo said.
    fn build(&self, program: &str, copy: &str) -> Result<PathBuf, String> {
        let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(program);
        let mut cargo = Command::new(env!("CARGO"));
        // With a target named, flags are not those of what runs here.
        cargo
            .args(["rustc", "--quiet", "--target", TARGET, "--manifest-path"])
            .arg(manifest.join("Cargo.toml"));
        cargo.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", self.flags);
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
        // The same for all, so that it is there once.
        cargo.env("CARGO_PROFILE_DEV_BUILD_OVERRIDE_DEBUG", "false");
        cargo.env("CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_DEBUG", "false");
        if self.release {
            cargo.arg("--release");
        }
        for config in self.config {
            cargo.args(["--config", config]);
        }
        if let Some(argument) = self.link_arg {
            cargo.args(["--", "-C"]).arg(format!("link-arg={argument}"));
        }
        let out = cargo.output().expect("cargo runs");
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        let folder = target.join(TARGET).join(if self.release { "release" } else { "debug" });
        let copied = target.join(format!("{copy}.out"));
        std::fs::copy(folder.join(program), &copied).expect("it was built");
        Ok(copied)
    }
}

fn run(program: &Path, argument: &str) -> Output {
    Command::new(program).arg(argument).env("RUST_BACKTRACE", "0").output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// It computes, switches with vector registers in use, hops, and unwinds.
fn works(name: &str, way: Way<'_>) {
    let program = way.build("profile", name).unwrap_or_else(|said| panic!("{name}: {said}"));
    let out = run(&program, "work");
    assert!(out.status.success(), "{name}: {}", text(&out.stderr));
    assert_eq!(text(&out.stdout), "42 100\n", "{name}");
    let out = run(&program, "initialise");
    assert_eq!(text(&out.stdout), "refused\n", "{name}: {}", text(&out.stderr));
    let out = run(&program, "panic");
    let said = text(&out.stderr);
    assert!(said.contains("a panic on a chunk"), "{name}: {said}");
    // The panic went through both stacks, and out of `run`.
    assert_eq!((out.status.code(), text(&out.stdout).as_str()), (Some(101), "dropped\n"), "{name}: {said}");
}

#[test]
fn without_optimisation_and_with_a_frame_pointer_everywhere() {
    works("debug", Way { flags: "-Cforce-frame-pointers=yes", ..Way::default() });
}

#[test]
fn with_all_instructions_of_this_processor_and_frame_pointers() {
    let flags = "-Ctarget-cpu=native -Cforce-frame-pointers=yes";
    works("native", Way { flags, release: true, ..Way::default() });
}

#[test]
fn with_link_time_optimisation() {
    let config = ["profile.release.lto=\"fat\"", "profile.release.codegen-units=1"];
    works("fat", Way { release: true, config: &config, ..Way::default() });
    works("thin", Way { release: true, config: &["profile.release.lto=\"thin\""], ..Way::default() });
}

#[test]
fn where_panics_abort_vthreads_run_and_a_panic_says_why_it_ends_the_process() {
    let way = Way { release: true, config: &["profile.release.panic=\"abort\""], ..Way::default() };
    let program = way.build("profile", "abort").expect("it is built");
    let out = run(&program, "work");
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(text(&out.stdout), "42 100\n");
    let out = run(&program, "panic");
    let said = text(&out.stderr);
    assert!(said.contains("a panic on a chunk"), "{said}");
    assert_eq!((out.status.signal(), text(&out.stdout).as_str()), (Some(libc::SIGABRT), ""), "{said}");
}

#[test]
fn a_package_without_the_build_script_is_told_what_to_add() {
    let said = Way::default().build("forgot", "forgot").expect_err("it does not link");
    assert!(
        said.contains("__vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step"),
        "{said}"
    );
}

#[test]
fn an_executable_that_was_linked_by_hand_says_what_to_do() {
    let missing =
        "-Wl,--defsym=__vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step=0";
    let way = Way { link_arg: Some(missing), ..Way::default() };
    let program = way.build("forgot", "by_hand").expect("it links");
    let out = run(&program, "");
    let said = text(&out.stderr);
    assert!(said.contains("vthread: the link step has not sized"), "{said}");
    assert!(said.contains("build.rs") && said.contains("link_step()"), "{said}");
    assert_eq!((out.status.signal(), text(&out.stdout).as_str()), (Some(libc::SIGABRT), ""), "{said}");
}
