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
            if !line.blocking.is_empty() {
                let _ = writeln!(text, "             can block its carrier in {}", line.blocking.join(", "));
            }
            if !line.switches.is_empty() {
                let _ = writeln!(
                    text,
                    "             can be switched away from at {} places",
                    line.switches.len()
                );
            }
        }
    }
    section(
        &mut text,
        "carried out on a big stack",
        report.hopped.iter().map(|(name, why)| format!("{name}: {why}")),
    );
    section(&mut text, "imports carried out there", report.imports.iter().cloned());
    section(&mut text, "of these, can block a whole carrier", report.blocking.iter().cloned());
    section(
        &mut text,
        "can park on a big stack, which they keep meanwhile",
        report.parks.iter().map(|path| path.join(" -> ")),
    );
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
        let source = link.source.as_ref().map_or_else(String::new, |source| format!("  ({source})"));
        let _ = writeln!(text, "             {:>7}  {}{source}", link.bytes, link.name);
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

/// How many bounds there are from one power of two up to the next: `(from, below, count)`.
pub fn buckets(report: &Report) -> Vec<(u64, u64, usize)> {
    let known: Vec<u64> = known(report).collect();
    let most = known.iter().max().copied().unwrap_or(0);
    let (mut from, mut below) = (0, 16);
    let mut found = Vec::new();
    while from <= most {
        let count = known.iter().filter(|b| (from..below).contains(*b)).count();
        if count > 0 {
            found.push((from, below, count));
        }
        from = below;
        below = below.saturating_mul(2);
    }
    found
}

fn known(report: &Report) -> impl Iterator<Item = u64> + '_ {
    report.lines.iter().filter(|l| !matches!(l.certainty, Certainty::Unknown(_))).map(|l| l.bytes)
}

/// How many functions have bounds of which size, and how many have none.
pub fn histogram(report: &Report) -> String {
    let mut text = String::from("\nbounds:\n");
    let known = known(report).count();
    for (from, below, count) in buckets(report) {
        let bar = "#".repeat((60 * count).div_ceil(known));
        let _ = writeln!(text, "  {from:>8} to {:>8}  {count:>7}  {bar}", below - 1);
    }
    let exact = report.lines.iter().filter(|l| l.certainty == Certainty::Exact).count();
    let unknown = report.lines.len() - known;
    let _ = writeln!(text, "  {exact} exact, {} at most, {unknown} unknown", known - exact);
    text
}
