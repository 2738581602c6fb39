//! The JSON matcher against the naive reader of its tests: the same occurrences, and an error at the same byte, with
//! all instructions and in windows of any size.
//!
//! An input's first byte says which needle, its second how large the windows are; the others are the document.
#![no_main]

#[path = "../../src/matcher/json/tests/reference.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;
use std::ops::ControlFlow::Continue;
use zork::matcher::json::Backend;
use zork::matcher::{Detail, Found, JsonMatcher, Matcher, Needle, Progress};

const NEEDLES: [&str; 8] = ["zork", "z", "zz", "é", "\u{1D11E}", "a/b", "\n", "\"\\"];

fuzz_target!(|input: &[u8]| {
    let [which, step, document @ ..] = input else { return };
    // The naive reader is recursive.
    let document = &document[..document.len().min(8192)];
    let needle = NEEDLES[usize::from(*which) % NEEDLES.len()].as_bytes();
    let (expected, error) = reference::search(document, needle);
    let error = error.map(|place| reference::line_and_column(document, place));
    for backend in Backend::all() {
        for step in [usize::from(*step).max(1), document.len().max(1)] {
            let needle = Needle::new(needle).expect("not empty");
            let mut matcher = JsonMatcher::with_backend(&needle, Detail::Locations, backend);
            let (mut to, mut found, mut result) = (0, vec![], Ok(()));
            while result.is_ok() {
                let from = to;
                to = document.len().min(from + step);
                let mut on = |f: Found<'_>| {
                    found.push((f.line, f.column, f.pointer.map(str::to_owned)));
                    Continue(())
                };
                match matcher.scan(&document[from..to], to == document.len(), &mut on) {
                    Ok(progress) => assert_eq!(progress, Progress::Consumed(to - from)),
                    Err(malformed) => result = Err((malformed.line, malformed.column)),
                }
                if to == document.len() {
                    break;
                }
            }
            assert_eq!(result.err(), error, "{backend:?}, windows of {step}");
            let expected: Vec<_> = expected
                .iter()
                .map(|(place, pointer)| {
                    let (line, column) = reference::line_and_column(document, *place);
                    (line, column, Some(pointer.clone()))
                })
                .collect();
            assert_eq!(found, expected, "{backend:?}, windows of {step}");
        }
    }
});
