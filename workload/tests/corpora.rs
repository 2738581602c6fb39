//! Every engine, on every generated corpus, gives the answers that the generator planted: every match with its line, column
//! and pointer, and every malformed file with the place of its fault.

mod support;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use support::{for_each_engine, long_tests, zork};
use zork_corpus::{Corpus, Kind, TREE};

/// Path, line, column, pointer.
type Place = (Vec<u8>, u64, u64, Option<String>);

fn path(object: &Value) -> Vec<u8> {
    match (&object["path"]["text"], &object["path"]["bytes"]) {
        (Value::String(text), _) => text.clone().into_bytes(),
        (_, Value::String(bytes)) => BASE64_STANDARD.decode(bytes).expect("base64"),
        _ => panic!("no path in {object}"),
    }
}

fn number(object: &Value, key: &str) -> u64 {
    object[key].as_u64().unwrap_or_else(|| panic!("no {key} in {object}"))
}

fn check(kind: Kind, scale: f64, needle: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let corpus = Corpus::new(kind, 11).scale(scale).needle(needle);
    let expected = corpus.write(dir.path()).expect("a corpus");
    let mut places: Vec<Place> = expected
        .matches
        .iter()
        .flat_map(|m| m.at.iter().map(|at| (m.path.clone(), at.line, at.column, at.pointer.clone())))
        .collect();
    places.sort();
    let mut faults: Vec<_> = expected.errors.iter().map(|e| (e.path.clone(), e.line, e.column)).collect();
    faults.sort();
    assert!(!places.is_empty(), "a corpus without matches shows nothing");

    for_each_engine(|engine| {
        let tree = dir.path().join(TREE);
        let ended = zork(engine).args(["--json", "-n", "--stats", "--needle", needle]).within(&tree).run();
        assert_eq!(ended.code(), if faults.is_empty() { 0 } else { 2 }, "{}", kind.name());
        let (mut found, mut errors) = (vec![], vec![]);
        let lines = ended.json();
        for object in &lines {
            match object["type"].as_str() {
                Some("match") => found.push((
                    path(object),
                    number(object, "line"),
                    number(object, "column"),
                    object["pointer"].as_str().map(str::to_owned),
                )),
                Some("error") => {
                    errors.push((path(object), number(object, "line"), number(object, "column")));
                }
                Some("summary") => {
                    assert_eq!(number(object, "matches"), expected.occurrences());
                    assert_eq!(number(object, "files_matched"), expected.matches.len() as u64);
                    assert_eq!(number(object, "directories"), expected.totals.directories);
                    assert_eq!(number(object, "text_files"), expected.totals.text.files);
                    assert_eq!(number(object, "json_files"), expected.totals.json.files);
                    assert_eq!(number(object, "errors"), faults.len() as u64);
                }
                _ => panic!("unknown: {object}"),
            }
        }
        found.sort();
        errors.sort();
        // Not `assert_eq!` of the whole: a difference in thousands of places is best shown by the first.
        assert_eq!(found.len(), places.len(), "{}: matches", kind.name());
        for (found, place) in found.iter().zip(&places) {
            assert_eq!(found, place, "{}", kind.name());
        }
        assert_eq!(errors, faults, "{}", kind.name());

        let files = zork(engine).args(["-0", "--needle", needle]).within(&tree).run();
        let mut files: Vec<_> = files.stdout.split(|b| *b == 0).filter(|p| !p.is_empty()).collect();
        files.sort_unstable();
        let matching: Vec<_> = expected.matches.iter().map(|m| m.path.as_slice()).collect();
        assert_eq!(files, matching, "{}", kind.name());
    });
}

fn scale(short: f64, long: f64) -> f64 {
    if long_tests() { long } else { short }
}

#[test]
fn wide() {
    check(Kind::Wide, scale(0.005, 0.1), "zork");
}

#[test]
fn deep() {
    check(Kind::Deep, scale(0.05, 1.0), "zork");
}

#[test]
fn flat() {
    check(Kind::Flat, scale(0.02, 1.0), "zork");
}

#[test]
fn big() {
    check(Kind::Big, scale(0.1, 0.5), "zork");
}

#[test]
fn json_heavy() {
    check(Kind::JsonHeavy, scale(0.02, 0.3), "zork");
}

#[test]
fn mix() {
    check(Kind::Mix, scale(0.03, 0.3), "zork");
}

#[test]
fn mix_with_a_needle_that_json_may_escape() {
    check(Kind::Mix, 0.03, "a/\"b\\é😀");
}
