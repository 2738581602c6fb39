//! Tables in Markdown.

use crate::data::Row;
use std::fmt::Write as _;

/// Three digits that mean something.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 999_500.0 {
        format!("{:.1} M", value / 1e6)
    } else if size >= 99_950.0 {
        format!("{:.0} k", value / 1e3)
    } else if size >= 99.95 || value == 0.0 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// Text that may stand in a cell.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A table with a line for each item (or size) and a column for each peer; `show` makes the cells.
pub(crate) fn pivot(rows: &[&Row], corner: &str, show: impl Fn(&Row) -> String) -> String {
    let mut peers: Vec<&str> = vec![];
    let mut lines: Vec<(String, Vec<&Row>)> = vec![];
    for row in rows {
        if !peers.contains(&row.peer.as_str()) {
            peers.push(&row.peer);
        }
        let name = row.x.map_or_else(|| row.item.clone(), number);
        match lines.iter_mut().find(|line| line.0 == name) {
            Some(line) => line.1.push(row),
            None => lines.push((name, vec![row])),
        }
    }
    let mut text = format!("| {corner} |");
    for peer in &peers {
        let _ = write!(text, " {} |", cell(peer));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(peers.len()));
    for (name, rows) in &lines {
        let _ = write!(text, "\n| {} |", cell(name));
        for peer in &peers {
            let shown = rows.iter().find(|row| row.peer == *peer).map_or_else(String::new, |row| show(row));
            let _ = write!(text, " {} |", cell(&shown));
        }
    }
    text.push('\n');
    text
}

/// The median, the quartiles if there were several runs, and the ratio.
pub(crate) fn full(row: &Row) -> String {
    let mut text = number(row.value);
    if row.runs > 1 {
        let _ = write!(text, " ({} to {})", number(row.low), number(row.high));
    }
    if let Some(ratio) = row.ratio {
        let _ = write!(text, " ×{}", number(ratio));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.123_456, 5.0, 12.34, 99.96, 1234.5, 123_456.0, 1e6, 1e7].map(number);
        assert_eq!(shown, ["0", "0.12", "5.00", "12.3", "100", "1234", "123 k", "1.0 M", "10.0 M"]);
    }

    #[test]
    fn who_did_not_do_it_has_an_empty_cell() {
        let rows = [
            Row::once("a", "x", "m", "", 1.0),
            Row::once("a", "y|z", "m", "", 2.0),
            Row::once("b", "x", "m", "", 3.0),
        ];
        let text = pivot(&rows.iter().collect::<Vec<_>>(), "item", |row| number(row.value));
        assert_eq!(text, "| item | x | y\\|z |\n|---|---|---|\n| a | 1.00 | 2.00 |\n| b | 3.00 |  |\n");
    }
}
