//! The answers of every kind, against a naive search.

mod common;

use common::{check, with_large_stack};
use zork_corpus::{Corpus, Expected, Kind, TREE};

/// Small enough for a debug build.
fn small(kind: Kind) -> f64 {
    match kind {
        Kind::Wide => 0.002,
        Kind::Deep => 0.1,
        Kind::Flat => 0.01,
        // Large enough for a border of 8 MiB.
        Kind::Big => 0.035,
        Kind::JsonHeavy => 0.04,
        Kind::Mix => 0.03,
    }
}

fn write_and_check(kind: Kind, seed: u64, scale: f64, needle: &[u8]) -> Expected {
    let dir = tempfile::tempdir().unwrap();
    let expected = Corpus::new(kind, seed).scale(scale).needle(needle).write(dir.path()).unwrap();
    check(&dir.path().join(TREE), &expected);
    expected
}

#[test]
fn wide() {
    let expected = write_and_check(Kind::Wide, 1, small(Kind::Wide), b"zork");
    assert_eq!((expected.totals.text.files, expected.totals.directories), (400, 41));
    assert!(!expected.matches.is_empty() && expected.matches.len() < 100);
}

#[test]
fn deep() {
    let expected = write_and_check(Kind::Deep, 1, small(Kind::Deep), b"zork");
    let longest = expected.matches.iter().map(|file| file.path.len()).max();
    assert!(longest > Some(4096 + 1024), "{longest:?}");
}

#[test]
fn flat() {
    let expected = write_and_check(Kind::Flat, 1, small(Kind::Flat), b"zork");
    let totals = expected.totals;
    assert_eq!(totals.text.files + totals.json.files + totals.other.files + totals.directories, 1001);
}

#[test]
fn big() {
    let expected = write_and_check(Kind::Big, 1, small(Kind::Big), b"zork");
    assert_eq!(expected.matches.len(), 4);
}

#[test]
fn json_heavy() {
    with_large_stack(|| {
        let expected = write_and_check(Kind::JsonHeavy, 1, small(Kind::JsonHeavy), b"zork");
        assert_eq!((expected.totals.json.files, expected.errors.len()), (200, 4));
        assert!(expected.matches.len() > 20);
    });
}

#[test]
fn mix() {
    with_large_stack(|| {
        let expected = write_and_check(Kind::Mix, 1, small(Kind::Mix), b"zork");
        assert!(expected.totals.special > 15);
        assert!(expected.matches.iter().any(|file| std::str::from_utf8(&file.path).is_err()));
        assert!(expected.matches.iter().any(|file| file.path.contains(&b'\n')));
        assert!(expected.matches.iter().any(|file| file.path.len() > 4096));
        assert!(!expected.errors.is_empty());
    });
}

/// With every `step`-th of some needles: with characters that separate, that need escapes, that overlap themselves, or that are all over the filler.
fn with_odd_needles(kind: Kind, step: usize) {
    let needles = [
        "a",
        "\n",
        " ",
        "aa",
        "aba",
        "\"",
        "\\",
        "/",
        "u007",
        "name",
        "字",
        "🦀",
        "the lantern",
        "\\u007aork",
        "\u{1}",
        "-",
        "0",
    ];
    for (seed, needle) in needles.iter().enumerate().step_by(step) {
        write_and_check(kind, seed as u64, 0.001, needle.as_bytes());
    }
}

#[test]
fn any_needle_will_do_for_json() {
    with_large_stack(|| with_odd_needles(Kind::JsonHeavy, 1));
}

#[test]
fn any_needle_will_do_for_a_mix() {
    with_large_stack(|| with_odd_needles(Kind::Mix, 3));
}

#[test]
fn any_needle_will_do_for_text() {
    with_odd_needles(Kind::Wide, 1);
    with_odd_needles(Kind::Flat, 1);
}

#[test]
fn needles_that_are_no_text_will_do_for_text() {
    for needle in [&b"\xff\0"[..], b"\0", b"\xc3"] {
        write_and_check(Kind::Wide, 1, 0.001, needle);
    }
    write_and_check(Kind::Big, 1, 0.001, b"a\0");
}

#[test]
fn at_large_scale() {
    // At full scale it takes gigabytes, and minutes without --release.
    let factor = if std::env::var_os("VTHREAD_LONG_TESTS").is_some() { 1.0 } else { 0.02 };
    with_large_stack(move || {
        for kind in Kind::ALL {
            // The naive search reads whole files: 2 GiB of holes are enough for it.
            write_and_check(kind, 3, factor * if kind == Kind::Big { 0.25 } else { 1.0 }, b"zork");
        }
    });
}
