//! For the terminal.

use super::{Certainty, Line, Report, Written};
use std::fmt::Write as _;

/// A line for each entry or function, then what is carried out elsewhere.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let with_sizes = report.lines.iter().any(|l| l.written.is_some());
    let size_heading = if with_sizes { "    chunk" } else { "" };
    let _ = writeln!(text, "    bytes           {size_heading}  function");
    for line in &report.lines {
        let (sign, why) = match &line.certainty {
            Certainty::Exact => ("exact", None),
            Certainty::AtMost => ("at most", None),
            Certainty::Unknown(why) => ("unknown", Some(why)),
        };
        let bytes = if why.is_some() { format!(">= {}", line.bytes) } else { line.bytes.to_string() };
        let _ = write!(text, "{bytes:>9}  {sign:<9}");
        if with_sizes {
            let _ = write!(text, "{:>9}", size(line));
        }
        let _ = writeln!(text, "  {}", line.name);
        if let Some(why) = why {
            let _ = writeln!(text, "             {why}");
        }
        if with_sizes {
            text.push_str(&chain(line));
        }
    }
    section(
        &mut text,
        "carried out on a big stack",
        report.hopped.iter().map(|(name, why)| format!("{name}: {why}")),
    );
    section(&mut text, "imports carried out there", report.imports.iter().cloned());
    section(&mut text, "of these, can block a whole carrier", report.blocking.iter().cloned());
    text
}

fn size(line: &Line) -> String {
    match line.written {
        Some(Written::Size(size)) => size.to_string(),
        Some(Written::Unproved) => "guarded".to_owned(),
        Some(Written::Unpatched) => "unwritten".to_owned(),
        None => String::new(),
    }
}

/// The chain of calls that needs most, one function a line.
pub fn chain(line: &Line) -> String {
    let mut text = String::new();
    for link in &line.chain {
        let _ = writeln!(text, "             {:>7}  {}", link.bytes, link.name);
    }
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = writeln!(text, "\n{title}:");
        lines.for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
}

/// How many functions have bounds of which size, and how many have none.
pub fn histogram(report: &Report) -> String {
    let mut text = String::from("\nbounds:\n");
    let known: Vec<u64> = report
        .lines
        .iter()
        .filter(|l| !matches!(l.certainty, Certainty::Unknown(_)))
        .map(|l| l.bytes)
        .collect();
    let most = known.iter().max().copied().unwrap_or(0);
    let mut from = 0;
    let mut to = 16;
    while from <= most {
        let count = known.iter().filter(|b| (from..to).contains(*b)).count();
        if count > 0 {
            let bar = "#".repeat((60 * count).div_ceil(known.len()));
            let _ = writeln!(text, "  {from:>8} to {:>8}  {count:>7}  {bar}", to - 1);
        }
        from = to;
        to *= 2;
    }
    let exact = report.lines.iter().filter(|l| l.certainty == Certainty::Exact).count();
    let unknown = report.lines.len() - known.len();
    let _ = writeln!(text, "  {exact} exact, {} at most, {unknown} unknown", known.len() - exact);
    text
}
