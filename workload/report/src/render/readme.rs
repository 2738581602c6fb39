//! The table and the picture of `README.md`.

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

/// One table of what it costs, one of the search, one picture.
pub(crate) fn fragment(results: &Results, drawn: &[String]) -> String {
    let mut text = String::new();
    if let Some(micro) = results.part("micro") {
        let left_out =
            ["plain", "plain with malloc", "tokio, 2 workers", "exact-os-threads", "crate vthread"];
        let shown = |row: &&Row| !left_out.contains(&row.peer.as_str());
        let wanted = |row: &&Row| row.metric == "time" && shown(row);
        let rows: Vec<_> = micro.rows.iter().filter(wanted).collect();
        let memory = results.part("memory").map(|part| part.rows.as_slice()).unwrap_or_default();
        let most = |row: &&Row| row.metric == "memory" && row.x == Some(100_000.0) && shown(row);
        let waiting: Vec<Row> = memory
            .iter()
            .filter(most)
            .map(|row| Row { x: None, item: "waiting, 100,000 of them: bytes each".into(), ..row.clone() })
            .collect();
        let rows: Vec<_> = rows.into_iter().chain(&waiting).collect();
        let _ = write!(
            text,
            "Nanoseconds an operation, medians, × the ratio to ours ([all figures](BENCHMARKS.md), {} processors):\n\n{}\n",
            results.machine.cores,
            pivot(&rows, "", |row| match row.ratio {
                Some(ratio) if row.peer != "vthread" => format!("{} ×{}", number(row.value), number(ratio)),
                _ => number(row.value),
            })
        );
    }
    if let Some(search) = results.part("search") {
        let rows: Vec<_> = search.rows.iter().filter(|row| row.metric == "wall").collect();
        let table = pivot(&rows, "search, ms", |row| number(row.value));
        let _ = writeln!(text, "{table}");
    }
    if drawn.iter().any(|name| name == "memory") {
        text.push_str("![Memory against the number of threads that wait](docs/plots/memory.svg)\n");
    }
    text
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
        assert!(text.contains("| yield | 5.00 | 100 ×20.0 | 4.00 ×0.80 |"), "{text}");
        assert!(text.contains("bytes each | 500 | 464 ×0.93"), "{text}");
        assert!(text.contains("(docs/plots/memory.svg)"));
    }
}
