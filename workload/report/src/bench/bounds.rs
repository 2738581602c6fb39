//! How tight the bounds are: against what was really used; and how they are distributed.

use crate::child;
use crate::data::{Part, Row};
use crate::stats;
use crate::tools;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const MOST: Duration = Duration::from_mins(2);

pub(super) fn run(_quick: bool, part: &mut Part) -> Result<()> {
    let tool = tools::bounds()?;
    for (name, program) in [("zork", tools::zork()?), ("zork-probe", tools::probe()?)] {
        let entries = report(&tool, &program, &[])?;
        part.rows.extend(certainty(name, "entries", &entries));
        part.rows.extend(chunks(name, &entries));
        let functions = report(&tool, &program, &["--all"])?;
        part.rows.extend(certainty(name, "functions", &functions));
        part.rows.extend(histogram(name, &functions));
    }
    part.rows.extend(tightness(&tools::probe()?)?);
    Ok(())
}

/// The lines that `vthread-bounds --json` prints.
fn report(tool: &Path, program: &Path, options: &[&str]) -> Result<Vec<Value>> {
    let mut command = Command::new(tool);
    let text = child::run(command.arg("--json").args(options).arg(program), MOST)?.text()?;
    let report: Value = serde_json::from_str(&text).context("vthread-bounds printed no JSON")?;
    report["functions"].as_array().cloned().context("vthread-bounds: no functions")
}

fn certainty(name: &str, what: &str, lines: &[Value]) -> Vec<Row> {
    let count = |certainty: &str| lines.iter().filter(|line| line["certainty"] == certainty).count() as f64;
    let row = |certainty| Row::once(name, certainty, what, "", count(certainty));
    ["exact", "at most", "unknown"].map(row).into()
}

/// Entries by the chunk that they get.
fn chunks(name: &str, lines: &[Value]) -> Vec<Row> {
    let sized: Vec<f64> = lines.iter().filter_map(|line| line["chunk"].as_f64()).collect();
    let guarded = lines.iter().filter(|line| line["chunk"] == "guarded").count() as f64;
    let mut rows = vec![Row::once(name, "large guarded stack", "entries by chunk", "", guarded)];
    rows.extend(classes(name, "entries by chunk", &sized));
    rows.extend(stats::summary(&sized).map(|summary| Row::of(name, "all", "chunk", "B", summary)));
    rows
}

fn histogram(name: &str, lines: &[Value]) -> Vec<Row> {
    let known = lines.iter().filter(|line| line["certainty"] != "unknown");
    let bytes: Vec<f64> = known.filter_map(|line| line["bytes"].as_f64()).collect();
    classes(name, "functions by bound", &bytes)
}

/// How many are at most 64, 128, 256 .. bytes.
fn classes(name: &str, metric: &str, sizes: &[f64]) -> Vec<Row> {
    let (mut rows, mut low, mut high) = (vec![], 0.0, 64.0);
    while sizes.iter().any(|size| *size > low) {
        let count = sizes.iter().filter(|size| **size > low && **size <= high).count() as f64;
        rows.push(Row::once(name, &format!("{low:.0} to {high:.0}"), metric, "", count).at(high));
        (low, high) = (high, high * 2.0);
    }
    rows
}

/// Sizes that were given against what painted stacks show to have been used, over all entries that ran.
fn tightness(probe: &Path) -> Result<Vec<Row>> {
    let text = child::run(Command::new(probe).args(["vthread", "painted", "400"]), MOST)?.text()?;
    let entries = painted(&text);
    ensure!(!entries.is_empty(), "no stack was measured: {text:?}");
    for (size, used, name) in &entries {
        ensure!(used <= size, "{name} was given {size} bytes and used {used}: the bound is wrong");
    }
    // What has no proof got a large stack: nothing to compare.
    let proved = entries.iter().filter(|entry| entry.0 < 256.0 * 1024.0);
    let rows = proved.clone().flat_map(|(size, used, name)| {
        [Row::once("painted", name, "size", "B", *size), Row::once("painted", name, "used", "B", *used)]
    });
    let mut rows: Vec<_> = rows.collect();
    let shares: Vec<f64> = proved.map(|(size, used, _)| 100.0 * used / size).collect();
    rows.extend(stats::summary(&shares).map(|share| Row::of("painted", "all", "used of size", "%", share)));
    Ok(rows)
}

/// `SIZE USED COUNT NAME`, a line each.
fn painted(text: &str) -> Vec<(f64, f64, String)> {
    let line = |line: &str| {
        let mut words = line.splitn(4, ' ');
        let (size, used) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next()?;
        Some((size, used, words.next()?.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_fall_into_classes() {
        let rows = classes("x", "m", &[8.0, 64.0, 65.0, 600.0]);
        let counts: Vec<_> = rows.iter().map(|r| (r.peer.as_str(), r.value as u32)).collect();
        assert_eq!(
            counts,
            [("0 to 64", 2), ("64 to 128", 1), ("128 to 256", 0), ("256 to 512", 0), ("512 to 1024", 1)]
        );
    }

    #[test]
    fn reports_are_counted() {
        let lines = [
            json!({"certainty": "exact", "bytes": 100, "chunk": 128}),
            json!({"certainty": "unknown", "bytes": 40, "chunk": "guarded"}),
        ];
        let rows = certainty("x", "entries", &lines);
        assert_eq!(rows.iter().map(|r| r.value as u32).collect::<Vec<_>>(), [1, 0, 1]);
        let rows = chunks("x", &lines);
        assert_eq!(rows[0].value as u32, 1);
        assert!(rows.iter().any(|r| r.metric == "chunk" && r.value as u32 == 128));
        assert!(histogram("x", &lines).iter().map(|r| r.value as u32).sum::<u32>() == 1);
    }

    #[test]
    fn painted_stacks_are_read() {
        assert_eq!(painted("448 272 1 a::b<c d>\nnoise\n"), [(448.0, 272.0, "a::b<c d>".to_owned())]);
    }
}
