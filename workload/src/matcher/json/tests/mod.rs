//! The matcher against three others: `serde_json`, a naive reader, and itself with other windows and instructions.

mod documents;
mod oracle;
mod reference;

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::ControlFlow::{Break, Continue};

/// Line, column and pointer of each occurrence, and the error.
type Answer = (Vec<(u64, u64, Option<String>)>, Option<Malformed>);

/// Shows `bytes` in windows of these many new bytes, again and again.
fn scan(matcher: &mut JsonMatcher, bytes: &[u8], steps: &[usize]) -> Answer {
    matcher.start();
    let (mut from, mut to, mut found) = (0, 0, vec![]);
    for step in steps.iter().cycle() {
        to = bytes.len().min(to + step);
        let mut on = |f: super::super::Found<'_>| {
            found.push((f.line, f.column, f.pointer.map(str::to_owned)));
            Continue(())
        };
        match matcher.scan(&bytes[from..to], to == bytes.len(), &mut on) {
            Err(malformed) => return (found, Some(malformed)),
            Ok(Progress::Finished) => panic!("nobody said so"),
            Ok(Progress::Consumed(n)) => {
                assert_eq!(n, to - from);
                from += n;
            }
        }
        if to == bytes.len() {
            break;
        }
    }
    (found, None)
}

fn search(needle: &[u8], detail: Detail, bytes: &[u8]) -> Answer {
    scan(&mut JsonMatcher::new(&Needle::new(needle).expect("not empty"), detail), bytes, &[usize::MAX >> 1])
}

/// How many occurrences there are in a document that is well-formed.
fn count(needle: &str, document: &str) -> usize {
    let (found, error) = search(needle.as_bytes(), Detail::Count, document.as_bytes());
    assert_eq!(error, None, "{document}");
    found.len()
}

/// Line, column and message for one that is not.
fn error(document: impl AsRef<[u8]>) -> String {
    let (_, error) = search(b"zork", Detail::First, document.as_ref());
    error.map_or_else(|| "well-formed".to_owned(), |error| error.to_string())
}

#[test]
fn strings_are_decoded() {
    assert_eq!(count("zork", r#""z\u006frk""#), 1);
    assert_eq!(count("zork", r#""\\u007aork""#), 0);
    assert_eq!(count("zork", r#"{"zork":"zork","zork":["zorkzork"],"k":"ZORK"}"#), 3);
    assert_eq!(count("a/b\n\"\\", r#"["a\/b\n\"\\", "a\u002Fb\u000a\u0022\u005c"]"#), 2);
    assert_eq!(count("𝄞", r#"["\uD834\uDD1E", "\ud834\uDD1e", "𝄞", "\uD834", "\uDD1E", "\uDD1E\uD834"]"#), 3);
    assert_eq!(count("zork", r#"["zo\uD834rk", "z\uDD1Eork", "\uD834zork"]"#), 1);
    assert_eq!(count("true", r#"[true, "true", 1]"#), 1);
}

#[test]
fn occurrences_do_not_overlap() {
    assert_eq!(count("aa", r#"["aaaaa", "a", "\u0061\u0061a\u0061"]"#), 4);
}

#[test]
fn needles_that_are_not_utf8_are_never_found() {
    let (found, error) = search(b"\xED\xA0\xB4", Detail::Count, br#""\uD834""#);
    assert_eq!((found.len(), error), (0, None));
    let (found, error) = search(b"\x9E", Detail::Count, "\"𝄞\"".as_bytes());
    assert_eq!((found.len(), error), (0, None));
}

#[test]
fn locations_are_exact() {
    let document = "{\"a\": [1,\n \"x\\u007aork\", {\"b/~\": \"é zork zork\"}],\n\"\": \"z\\u006Frk\"}";
    let (found, error) = search(b"zork", Detail::Locations, document.as_bytes());
    let found: Vec<_> = found.iter().map(|(l, c, p)| (*l, *c, p.as_deref().unwrap_or("none"))).collect();
    assert_eq!(error, None);
    assert_eq!(found, [(2, 4, "/a/1"), (2, 28, "/a/2/b~1~0"), (2, 33, "/a/2/b~1~0"), (3, 6, "/")]);
    assert_eq!(search(b"zork", Detail::Locations, b"\"zork\"").0, [(1, 2, Some(String::new()))]);
    // Half a surrogate pair in a key.
    let (found, _) = search(b"zork", Detail::Locations, br#"{"\uDC00k\uD834":"zork"}"#);
    assert_eq!(found, [(1, 19, Some("/\u{FFFD}k\u{FFFD}".to_owned()))]);
}

#[test]
fn malformed_files_are_told_where_and_what() {
    assert_eq!(error(""), "1:1: expected a value, but the file ends");
    assert_eq!(error("\u{FEFF}"), "1:4: expected a value, but the file ends");
    assert_eq!(error("\n [1,\n2,]"), "3:3: expected a value");
    assert_eq!(error("[1 2]"), "1:4: expected `,` or `]`");
    assert_eq!(error("[01]"), "1:3: expected `,` or `]`");
    assert_eq!(error("[1.]"), "1:4: expected a digit in the number");
    assert_eq!(error("[-]"), "1:3: expected a digit in the number");
    assert_eq!(error("[1e]"), "1:4: expected a digit or a sign in the number's exponent");
    assert_eq!(error("[.5]"), "1:2: expected a value or `]`");
    assert_eq!(error("[1e5x]"), "1:5: expected `,` or `]`");
    assert_eq!(error("[tru]"), "1:5: expected `true`");
    assert_eq!(error("[nullx]"), "1:6: expected `,` or `]`");
    assert_eq!(error("{1:2}"), "1:2: expected a key in quotes or `}`");
    assert_eq!(error("{\"a\" 2}"), "1:6: expected `:`");
    assert_eq!(error("{\"a\":2,}"), "1:8: expected a key in quotes");
    assert_eq!(error("{\"a\":2]"), "1:7: expected `,` or `}`");
    assert_eq!(error("[] []"), "1:4: expected nothing more behind the document");
    assert_eq!(error("[\"a\nb\"]"), "1:4: expected an escape instead of a control character");
    assert_eq!(error(r#"["\x"]"#), "1:4: expected one of `\"\\/bfnrtu` behind the backslash");
    assert_eq!(error(r#"["\u12G4"]"#), "1:7: expected four hexadecimal digits behind `\\u`");
    assert_eq!(error(r#"["\u1"]"#), "1:6: expected four hexadecimal digits behind `\\u`");
    assert_eq!(error("[\"abc"), "1:6: expected the string's closing `\"`, but the file ends");
    assert_eq!(error("[12\"ab\"]"), "1:4: expected `,` or `]`");
    assert_eq!(error("[\x0C]"), "1:2: expected a value or `]`");
    assert_eq!(error(b"[\"\xFF\"]"), "1:3: expected UTF-8");
    assert_eq!(error(b"[\"\xE2\x82\"]"), "1:5: expected the rest of a UTF-8 character");
    assert_eq!(error(b"\xEF\xBB["), "1:3: expected the rest of a UTF-8 byte order mark");
    assert_eq!(error("'"), "1:1: expected a value");
}

#[test]
fn what_was_found_before_an_error_counts() {
    for document in ["[\"zork\" \"zork\"]", "\"zork", "[\"zork\\x zork\"]", "[\"zork\", \"\x01\", \"zork\"]"]
    {
        let (found, error) = search(b"zork", Detail::Count, document.as_bytes());
        assert_eq!(found.len(), 1, "{document}");
        assert!(error.is_some());
    }
}

#[test]
fn first_reports_once_and_still_reads_on() {
    let (found, error) = search(b"zork", Detail::First, b"[\"zork zork\", \"zork\", \"z\\u006Frk\"]");
    assert_eq!((found, error), (vec![(0, 0, None)], None));
    let (found, error) = search(b"zork", Detail::First, b"[\"zork\", \"zork\"] x");
    assert_eq!((found.len(), error.map(|e| e.column)), (1, Some(18)));
}

#[test]
fn nobody_need_listen_to_the_end() {
    for detail in [Detail::First, Detail::Count, Detail::Locations] {
        let mut matcher = JsonMatcher::new(&Needle::new(b"zork").expect("not empty"), detail);
        let mut reports = 0;
        let mut on = |_: super::super::Found<'_>| {
            reports += 1;
            Break(())
        };
        let progress = matcher.scan(b"[\"zork zork\", \"zork\"] x", true, &mut on);
        assert_eq!((progress, reports), (Ok(Progress::Finished), 1));
        assert_eq!(scan(&mut matcher, b"\"zork\"", &[9]).0.len(), 1, "it can be used again");
    }
}

/// What `serde_json` refuses and this accepts, on purpose: the module's text says why.
#[test]
fn differences_from_serde_json() {
    let deep = "[".repeat(200_000) + "\"zork\"" + &"]".repeat(200_000);
    for document in ["\u{FEFF}\"zork\"", "\"zork\\uD800\"", "[\"zork\", 1e999]", &deep] {
        assert!(oracle::strings(document.as_bytes()).is_err());
        assert_eq!(count("zork", document), 1);
    }
    // Only one byte order mark, and only at the beginning.
    assert_eq!(error("\u{FEFF}\u{FEFF}1"), "1:4: expected a value");
    assert_eq!(error("[\u{FEFF}1]"), "1:2: expected a value or `]`");
}

#[test]
fn numbers_and_strings_may_be_longer_than_any_window() {
    let digits = "7".repeat(300_000);
    let text = "é\\n".repeat(100_000);
    let document = format!("[-{digits}.{digits}e-{digits}, \"{text}zork\"]");
    for steps in [&[1][..], &[4096], &[70_000], &[usize::MAX >> 1]] {
        let needle = Needle::new(b"zork").expect("not empty");
        let mut matcher = JsonMatcher::new(&needle, Detail::Locations);
        let (found, error) = scan(&mut matcher, document.as_bytes(), steps);
        assert_eq!(error, None);
        assert_eq!(found, [(1, document.len() as u64 - 5, Some("/1".to_owned()))]);
    }
}

#[test]
fn long_pointers_are_cut_at_a_level() {
    let located = |document: &str| {
        let (found, error) = search(b"zork", Detail::Locations, document.as_bytes());
        assert_eq!(error, None);
        found.into_iter().map(|(_, _, pointer)| pointer.expect("JSON has pointers")).collect::<Vec<_>>()
    };
    let key = "k".repeat(MAX_POINTER - 3);
    let inner = "[\"zork\"]";
    assert_eq!(located(&format!("{{\"{key}\":{inner}}}")), [format!("/{key}/0")]);
    assert_eq!(
        located(&format!("{{\"{key}x\":{inner},\"b\":\"zork\"}}")),
        [format!("/{key}x/…"), "/b".to_owned()]
    );
    assert_eq!(located(&format!("{{\"a\":{{\"{key}{key}\":{inner}}}}}")), ["/a/…"]);
    let deep = MAX_POINTER / 2;
    let document = format!("{}\"zork\"{},\"zork\"]", "[".repeat(deep + 3), "]".repeat(deep + 2));
    assert_eq!(located(&document), ["/0".repeat(deep) + "/…", "/1".to_owned()]);
}

fn details() -> impl Strategy<Value = Detail> {
    prop_oneof![Just(Detail::First), Just(Detail::Count), Just(Detail::Locations)]
}

/// What the naive reader expects.
fn expected(needle: &[u8], detail: Detail, bytes: &[u8]) -> (Answer, bool) {
    let (found, error) = reference::search(bytes, needle);
    let mut found: Vec<_> = found
        .into_iter()
        .map(|(place, pointer)| {
            let (line, column) = reference::line_and_column(bytes, place);
            if detail == Detail::Locations { (line, column, Some(pointer)) } else { (0, 0, None) }
        })
        .collect();
    if detail == Detail::First {
        found.truncate(1);
    }
    let error = error.map(|place| {
        let (line, column) = reference::line_and_column(bytes, place);
        Malformed { line, column, what: String::new() }
    });
    let is_error = error.is_some();
    ((found, error), is_error)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Occurrences, pointers and errors, with all instructions, in any windows.
    #[test]
    fn agrees_with_the_reference(
        bytes in documents::nearly(),
        needle in documents::needle(),
        detail in details(),
        steps in vec(1usize..90, 1..8),
    ) {
        let (mut expected, _) = expected(&needle, detail, &bytes);
        let mut messages = vec![];
        for backend in Backend::all() {
            let needle = Needle::new(&needle).expect("not empty");
            let mut matcher = JsonMatcher::with_backend(&needle, detail, backend);
            for steps in [&[usize::MAX >> 1][..], &steps, &[1]] {
                let mut answer = scan(&mut matcher, &bytes, steps);
                messages.push(answer.1.as_mut().map(|error| std::mem::take(&mut error.what)));
                prop_assert_eq!(&answer, &expected, "{:?} {:?}", backend, steps);
            }
        }
        messages.dedup();
        prop_assert_eq!(messages.len(), 1, "one message: {:?}", messages);
        expected.0.clear();
    }

    /// Nothing that was read before makes a difference.
    #[test]
    fn a_matcher_can_be_used_again(
        first in documents::nearly(),
        second in documents::nearly(),
        needle in documents::needle(),
        detail in details(),
        step in 1usize..200,
    ) {
        let needle = Needle::new(&needle).expect("not empty");
        let mut used = JsonMatcher::new(&needle, detail);
        scan(&mut used, &first, &[step]);
        let answer = scan(&mut used, &second, &[step]);
        prop_assert_eq!(answer, scan(&mut JsonMatcher::new(&needle, detail), &second, &[step]));
    }

    /// What `serde_json` accepts is accepted and has as many occurrences, at the same pointers; what it refuses is
    /// refused, but for the differences that the module's text lists.
    #[test]
    fn agrees_with_serde_json(bytes in documents::nearly(), needle in documents::needle()) {
        let (found, error) = search(&needle, Detail::Locations, &bytes);
        match oracle::strings(&bytes) {
            Ok(strings) => {
                prop_assert_eq!(error, None);
                let mut expected = vec![];
                if let Ok(needle) = std::str::from_utf8(&needle) {
                    for (pointer, text) in strings {
                        expected.extend(text.matches(needle).map(|_| pointer.clone()));
                    }
                }
                let pointers: Vec<_> = found.into_iter().filter_map(|(_, _, pointer)| pointer).collect();
                prop_assert_eq!(pointers, expected);
            }
            Err(refusal) if error.is_none() => {
                let refusal = refusal.to_string();
                let known = refusal.starts_with("lone leading surrogate")
                    || refusal.starts_with("unexpected end of hex escape")
                    || refusal.starts_with("number out of range")
                    || bytes.starts_with("\u{FEFF}".as_bytes());
                prop_assert!(known, "{}", refusal);
            }
            Err(_) => {}
        }
    }
}
