//! Settings that change the code: instructions of this processor alone.
//!
//! It builds the runtime again, so it is a long test.
#![cfg(vthread_link_step)]

use std::path::Path;
use std::process::{Command, Output};

fn is_long() -> bool {
    std::env::var_os("VTHREAD_LONG_TESTS").is_some_and(|v| v == "1")
}

/// Builds the runtime's example `profile` with these flags, and runs it.
fn run(flags: &str, config: &str, argument: &str) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    // One directory for all: what they share is built once.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("profiles");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "-p",
        "vale-threads",
        "--example",
        "profile",
        "--config",
        config,
    ]);
    cargo.arg("--target-dir").arg(target).args(["--", argument]).current_dir(root);
    cargo.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS").output().expect("cargo")
}

fn runs(flags: &str, config: &str) {
    let out = run(flags, config, "work");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && String::from_utf8_lossy(&out.stdout).contains("42 100"), "{said}");
}

#[test]
fn with_all_instructions_of_this_processor_vthreads_run() {
    if is_long() {
        runs("-Ctarget-cpu=native", "profile.release.opt-level=3");
    }
}
