//! `zork-report corpus`, as it is typed.

use std::{
    fs,
    process::{Command, Output},
};
use tempfile::tempdir;
use zork_corpus::{EXPECTED, Expected, Kind};

fn report(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zork-report")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The arguments are refused, with `reason` on standard error and nothing on standard output.
fn refused(args: &[&str], reason: &str) {
    let output = report(args);
    assert!(!output.status.success(), "{args:?}");
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains(reason), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("panicked"));
}

#[test]
fn every_kind_is_written_and_summed_up() {
    for kind in Kind::ALL {
        let dir = tempdir().unwrap();
        let path = dir.path().join("corpus");
        let shown = path.to_str().unwrap();
        let output =
            report(&["corpus", kind.name(), shown, "--scale", "0.001", "--seed", "5", "--needle", "-xyzzy"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "no bar in a pipe");
        let expected = Expected::read(&path.join(EXPECTED)).unwrap();
        assert_eq!((expected.kind, expected.seed, &expected.needle[..]), (kind, 5, &b"-xyzzy"[..]));
        let times = format!("\"-xyzzy\" in {} files", expected.matches.len());
        assert!(text(&output.stdout).contains(&times), "{}", text(&output.stdout));
    }
}

#[test]
fn another_corpus_needs_force() {
    let dir = tempdir().unwrap();
    let shown = dir.path().to_str().unwrap();
    let wide = ["corpus", "wide", shown, "--scale", "0.0001"];
    assert!(report(&wide).status.success());
    // The same again is no harm.
    assert!(report(&wide).status.success());
    let deep = ["corpus", "deep", shown, "--scale", "0.0001"];
    refused(&deep, "already holds the corpus wide (seed 1, scale 0.0001, needle \"zork\", generator 1)");
    assert!(report(&[&deep[..], &["--force"]].concat()).status.success());
    assert_eq!(Expected::read(&dir.path().join(EXPECTED)).unwrap().kind, Kind::Deep);
}

#[test]
fn bad_input_is_explained() {
    let dir = tempdir().unwrap();
    let shown = dir.path().to_str().unwrap();
    refused(&["corpus", "tall", shown], "possible values: wide, deep, flat, big, json-heavy, mix");
    refused(&["corpus", "wide"], "<DIR>");
    refused(&["corpus", "wide", shown, "--needle", ""], "the needle is empty");
    refused(&["corpus", "wide", shown, "--scale", "0"], "scale 0: must be above 0");
    refused(&["corpus", "wide", shown, "--scale", "NaN"], "scale NaN: must be above 0");
    refused(&["corpus", "wide", shown, "--seed", "x"], "invalid digit");
    refused(&["corpus", "wide", "/dev/null/x"], "cannot make /dev/null/x");
    fs::write(dir.path().join("own.txt"), "mine").unwrap();
    refused(&["corpus", "wide", shown, "--force"], "give a new or empty directory");
    assert_eq!(fs::read(dir.path().join("own.txt")).unwrap(), b"mine");
}
