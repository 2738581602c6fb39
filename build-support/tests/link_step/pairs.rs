//! Every way to build together with every other: a table in which each pair of choices stands at least once.

use crate::build::Build;
use crate::{ALL, check, check_panics, fixture, targets};
use std::collections::BTreeSet;

/// The choices, and the values of each. What is to be relinked is compiled incrementally, which goes with no LTO.
const CHOICES: [(&str, &[&str]); 9] = [
    ("profile", &["dev", "release"]),
    ("lto", &["off", "thin", "fat"]),
    ("codegen-units", &["1", "16"]),
    ("place", &["anywhere", "fixed"]),
    ("panic", &["unwind", "abort"]),
    ("strip", &["none", "debuginfo", "symbols"]),
    ("relink", &["no", "yes"]),
    ("linker", &["lld", "bfd"]),
    ("relro", &["full", "off"]),
];

#[rustfmt::skip]
const WAYS: [[&str; 9]; 10] = [
    ["dev",     "thin", "1",  "anywhere", "unwind", "debuginfo", "no",  "lld", "full"],
    ["dev",     "off",  "16", "fixed",    "abort",  "symbols",   "yes", "bfd", "full"],
    ["release", "fat",  "1",  "fixed",    "abort",  "none",      "no",  "lld", "full"],
    ["release", "off",  "16", "anywhere", "unwind", "debuginfo", "no",  "bfd", "full"],
    ["dev",     "off",  "1",  "anywhere", "unwind", "none",      "yes", "lld", "full"],
    ["dev",     "fat",  "1",  "anywhere", "unwind", "symbols",   "no",  "bfd", "full"],
    ["release", "thin", "16", "fixed",    "abort",  "none",      "no",  "bfd", "off"],
    ["dev",     "fat",  "16", "fixed",    "unwind", "debuginfo", "no",  "lld", "off"],
    ["release", "off",  "16", "anywhere", "abort",  "debuginfo", "yes", "bfd", "off"],
    ["release", "thin", "1",  "anywhere", "abort",  "symbols",   "no",  "lld", "off"],
];

/// Of [`ALL`], those that need the crates that the fixture does without here, and those that panic.
pub const WITH_LIBRARIES: usize = 6;
const PANICKING: usize = 11;

#[test]
fn the_table_has_every_pair() {
    let mut there = BTreeSet::new();
    for way in WAYS {
        for (a, x) in way.into_iter().enumerate() {
            assert!(CHOICES[a].1.contains(&x), "{x}");
            there.extend(way.into_iter().enumerate().map(|(b, y)| ((a, x), (b, y))));
        }
    }
    for (a, (_, values)) in CHOICES.iter().enumerate() {
        for (b, (_, others)) in CHOICES.iter().enumerate().skip(a + 1) {
            for (x, y) in values.iter().flat_map(|x| others.iter().map(move |y| (*x, *y))) {
                let impossible = y == "yes" && ["thin", "fat"].contains(&x);
                assert!(impossible || there.contains(&((a, x), (b, y))), "{x} with {y}");
            }
        }
    }
}

/// The options that this way stands for.
struct Options {
    flags: String,
    config: Vec<String>,
}

fn options([profile, lto, units, place, panic, strip, relink, linker, relro]: [&str; 9]) -> Options {
    let text = |key: &str, value: &str| format!("profile.{profile}.{key}=\"{value}\"");
    let mut config = vec![text("lto", lto), text("panic", panic), text("strip", strip)];
    config.push(format!("profile.{profile}.codegen-units={units}"));
    config.push(format!("profile.{profile}.incremental={}", relink == "yes"));
    // Of the link step itself nothing changes, or it would be built anew each time.
    config.push(format!("profile.{profile}.build-override.strip=\"none\""));
    config.push(format!("profile.{profile}.build-override.incremental=false"));
    let mut flags = Vec::new();
    flags.extend((place == "fixed").then_some("-Crelocation-model=static"));
    flags.extend((linker == "bfd").then_some("-Clinker-features=-lld"));
    flags.extend((relro == "off").then_some("-Crelro-level=off"));
    Options { flags: flags.join(" "), config }
}

/// In each way the fixture runs on chunks of exactly its bounds; incrementally built ones again after a change.
#[test]
fn every_pair_of_ways_to_build() {
    let folder = tempfile::tempdir().expect("a folder");
    for way in WAYS {
        let Options { flags, config } = options(way);
        let config: Vec<&str> = config.iter().map(String::as_str).collect();
        let [profile, .., panic, strip, relink, _] = way;
        let unwinds = panic == "unwind";
        let run = ALL - WITH_LIBRARIES - if unwinds { 0 } else { PANICKING };
        let texts: &[&str] =
            if relink == "yes" { &["one text", "another, longer text"] } else { &["some text"] };
        for text in texts {
            let settings = Build {
                flags: &flags,
                release: profile == "release",
                config: &config,
                options: &["--no-default-features"],
                variables: &[("VTHREAD_FIXTURE_TEXT", text)],
            };
            let built = fixture(&settings, folder.path());
            let data = std::fs::read(&built.executable).expect("readable");
            assert!(data.windows(text.len()).any(|w| w == text.as_bytes()), "not built anew");
            check(&built, &way.join(" "), run, 75);
            if unwinds && strip != "symbols" {
                check_panics(&built);
            }
        }
    }
}

/// All kinds of targets in the same ways. Long: set `VTHREAD_LONG_TESTS=1`.
#[test]
fn every_kind_of_target_in_every_way() {
    if std::env::var_os("VTHREAD_LONG_TESTS").is_none() {
        return;
    }
    for way in WAYS {
        let Options { flags, config } = options(way);
        let config: Vec<&str> = config.iter().map(String::as_str).collect();
        let settings =
            Build { flags: &flags, release: way[0] == "release", config: &config, ..Build::default() };
        targets::every_kind(&settings);
    }
}
