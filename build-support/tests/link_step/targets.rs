//! The link step in every kind of target, in links that run at once, and with clang as the driver.

use crate::build::Build;
use std::collections::BTreeSet;
use std::process::Command;

fn run(mut command: Command) -> String {
    let output = command.output().expect("it runs");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

fn kinds(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.trim().split_once("sized: ").map(|(_, kind)| kind)).collect()
}

/// Library test, binary and its test, integration test, doctest, example and its test, bench: linked at the same time where
/// cargo can, all into one log.
#[test]
fn every_kind_of_target_and_links_at_once() {
    every_kind(&Build::default());
}

/// The same, built in this way.
pub fn every_kind(way: &Build<'_>) {
    let folder = tempfile::tempdir().expect("a folder");
    // Whatever was linked before has left no line in this log.
    run({
        let mut clean = way.command("clean", "kinds", folder.path());
        clean.args(["--package", "kinds"]);
        clean
    });
    let cargo = |verb: &str, arguments: &[&str]| {
        let mut cargo = way.command(verb, "kinds", folder.path());
        cargo.args(["--jobs", "4"]).args(arguments);
        cargo
    };
    let tested = run(cargo("test", &["--all-targets", "--", "--nocapture"]));
    let tested = tested + &run(cargo("test", &["--doc", "--", "--nocapture"]));
    let ran = run(cargo("run", &["--bin", "kinds"])) + &run(cargo("run", &["--example", "an_example"]));
    let all: BTreeSet<&str> = kinds(&tested).union(&kinds(&ran)).copied().collect();
    for kind in
        ["library test", "binary test", "integration test", "example test", "bench", "binary", "example"]
    {
        assert!(all.contains(kind), "{kind} is missing: {all:?}");
    }
    // What a doctest prints is not shown, and it fails if it is not sized.
    assert!(tested.contains("1 passed"), "{tested}");

    // Links that ran at once: each has whole lines, and all its entries follow it.
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    let mut linked = BTreeSet::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        let (path, rest) = line.split_once(": linked in ").unwrap_or_else(|| panic!("{line}\n{log}"));
        assert!(
            rest.contains(", 1 entries, ") && rest.ends_with("functions call entries in place"),
            "{line}"
        );
        while let Some(entry) = lines.next_if(|line| line.starts_with("  ")) {
            assert!(entry.contains("no function is called") || entry.contains("bound "), "{entry}");
        }
        linked.insert(path.to_owned());
    }
    assert!(linked.len() >= 8, "{linked:?}");
}

/// clang has no `-wrapper`: the step is its linker. Long, because not every machine has clang: set `VTHREAD_LONG_TESTS=1`.
#[test]
fn clang_as_the_driver() {
    if std::env::var_os("VTHREAD_LONG_TESTS").is_none() {
        return;
    }
    let there = Command::new("clang").arg("--version").output();
    assert!(there.is_ok(), "this test needs clang: apt-get install clang");
    let folder = tempfile::tempdir().expect("a folder");
    for flags in ["", "-Crelocation-model=static"] {
        let way = Build { flags, ..Build::default() };
        let mut cargo = way.command("run", "kinds", folder.path());
        cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "clang").args(["--bin", "kinds"]);
        assert!(kinds(&run(cargo)).contains("binary"), "{flags}");
    }
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert_eq!(log.matches("linked in").count(), 2, "{log}");
}
