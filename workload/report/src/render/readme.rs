//! The tables and the picture of `README.md`.

use super::table::{number, pivot};
use crate::data::{Results, Row};
use std::fmt::Write as _;

/// Between these two lines everything is ours.
pub(crate) const BEGIN: &str = "<!-- results -->";
pub(crate) const END: &str = "<!-- /results -->";

/// The text with `fragment` between its markers; `None` if it has no such pair.
pub(crate) fn replaced(text: &str, fragment: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{fragment}{END}{after}"))
}

/// What there is of the single operations, in this order; the others are in `BENCHMARKS.md`.
const OPERATIONS: [&str; 7] = ["yield", "spawn", "ping-pong", "stream", "wake", "call", "switch"];

/// Other shapes of peers that have a column in `BENCHMARKS.md` alone.
const LEFT_OUT: [&str; 8] = [
    "plain",
    "plain with malloc",
    "exact-os-threads",
    "crate vthread",
    "vale-threads",
    "sequential",
    "grep",
    "rg -j32",
];

/// Two tables, as the search has other peers than the operations, and one picture.
pub(crate) fn fragment(results: &Results, drawn: &[String]) -> String {
    let of = |name: &str| results.part(name).map(|part| part.rows.as_slice()).unwrap_or_default();
    let named = |row: &Row, item: String| Row { item, x: None, ..row.clone() };
    let time = |item: &str| {
        let rows = of("micro").iter().filter(|row| row.metric == "time" && row.item == item);
        rows.map(|row| named(row, format!("{}, ns", row.item))).collect::<Vec<_>>()
    };
    let mut operations: Vec<Row> = OPERATIONS.into_iter().flat_map(time).collect();
    let waiting = of("memory").iter().filter(|row| row.metric == "memory" && row.x == Some(100_000.0));
    operations.extend(waiting.map(|row| named(row, "one of 100,000 that wait, bytes".into())));
    let hot = of("search").iter().filter(|row| row.metric == "wall");
    let search: Vec<Row> = hot.map(|row| named(row, format!("search of `{}`, ms", row.item))).collect();
    let mut text = String::new();
    if !operations.is_empty() || !search.is_empty() {
        let _ = writeln!(
            text,
            "Medians, and × the ratio to ours, on {} processors{}. [BENCHMARKS.md](BENCHMARKS.md) has all others, and where we lose. \
             `floor` is a hand-written loop of the calls that a search needs, one file after the other, or sixteen together, as ours does it; `rg` searches texts alone.\n",
            results.machine.cores,
            run(results)
        );
    }
    for rows in [operations, search] {
        let shown: Vec<&Row> = rows.iter().filter(|row| !LEFT_OUT.contains(&row.peer.as_str())).collect();
        if !shown.is_empty() {
            let table = pivot(&shown, "", |row| match row.ratio {
                Some(ratio) if row.peer != "vthread" => format!("{} ×{}", number(row.value), number(ratio)),
                _ => number(row.value),
            });
            let _ = writeln!(text, "{table}");
        }
    }
    if drawn.iter().any(|name| name == "memory") {
        text.push_str("![Memory against the number of threads that wait](docs/plots/memory.svg)\n");
    }
    text
}

/// What kind of run it is of.
fn run(results: &Results) -> &'static str {
    let shown = || results.parts.iter().filter(|p| ["micro", "memory", "search"].contains(&&*p.name));
    match (shown().all(|part| part.quick), shown().any(|part| part.quick)) {
        (true, _) => ", of a quick run",
        (false, true) => ", partly of a quick run",
        (false, false) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = replaced(&text, "new\n").expect("markers");
        assert_eq!(once, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(replaced(&once, "new\n").as_deref(), Some(&once[..]));
        assert_eq!(replaced("no markers", "new"), None);
        assert_eq!(replaced(&format!("{END} {BEGIN}"), "new"), None);
    }

    #[test]
    fn the_fragment_has_table_and_picture() {
        let text = fragment(&crate::render::example::results(), &["memory".into()]);
        assert!(text.contains("| yield, ns | 5.00 | 100 ×20.0 | 4.00 ×0.80 |"), "{text}");
        assert!(text.contains("wait, bytes | 500 | 464 ×0.93"), "{text}");
        assert!(text.contains("search of `wide`, ms") && text.contains("partly of a quick run"), "{text}");
        let nothing = fragment(&Results::default(), &[]);
        assert!(nothing.is_empty(), "no table without figures: {nothing}");
        assert!(text.contains("(docs/plots/memory.svg)"));
    }
}
