//! Tables and pictures of results. Nothing here measures.

mod favours;
mod goals;
mod markdown;
mod plots;
mod readme;
mod table;

use crate::data::Results;
use anyhow::{Context as _, Result};
use std::path::Path;

/// Where the results are kept, below the directory of a report.
pub(crate) const RESULTS: &str = "docs/results.json";

/// Writes `BENCHMARKS.md`, `docs/plots/*`, and the part of `README.md` between its markers, if it has them.
pub(crate) fn all(results: &Results, directory: &Path) -> Result<()> {
    let plots = directory.join("docs/plots");
    std::fs::create_dir_all(&plots).with_context(|| format!("cannot make {}", plots.display()))?;
    let drawn = plots::all(results, &plots)?;
    write(&directory.join("BENCHMARKS.md"), &markdown::benchmarks(results, &drawn))?;
    let readme = directory.join("README.md");
    if let Ok(text) = std::fs::read_to_string(&readme) {
        match readme::replaced(&text, &readme::fragment(results, &drawn)) {
            Some(text) => write(&readme, &text)?,
            None => eprintln!(
                "{}: no markers {} and {}: left as it is",
                readme.display(),
                readme::BEGIN,
                readme::END
            ),
        }
    }
    Ok(())
}

/// Writes the results themselves.
pub(crate) fn keep(results: &Results, path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    write(path, &(serde_json::to_string_pretty(results)? + "\n"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
pub(crate) mod example {
    use crate::data::{Machine, Missing, Part, Results, Row};

    /// Something of each part.
    pub(crate) fn results() -> Results {
        let series = |values: &[(&str, f64)]| -> Vec<(String, Vec<f64>)> {
            values.iter().map(|(n, v)| ((*n).to_owned(), vec![*v, *v * 1.1, *v * 0.9])).collect()
        };
        let part =
            |name: &str, rows: Vec<Row>| Part { name: name.into(), rows, quick: true, ..Part::default() };
        let mut search = Row::compared(
            "wide",
            "wall",
            "ms",
            &series(&[("tokio-batched", 100.0), ("vthread", 110.0), ("rg", 168.0)]),
        );
        search.extend(Row::compared(
            "wide",
            "peak memory",
            "MB",
            &series(&[("tokio-batched", 4.0), ("vthread", 3.0), ("rg", 7.0)]),
        ));
        let micro = Row::compared(
            "yield",
            "time",
            "ns",
            &series(&[("vthread", 5.0), ("tokio", 100.0), ("may", 4.0)]),
        );
        let counts = Row::once("yield", "vthread", "instructions", "", 40.0);
        let memory = [1e3, 1e4, 1e5].into_iter().flat_map(|n| {
            let rows = Row::compared(
                "waiting",
                "memory",
                "B",
                &series(&[("vthread", 500.0), ("tokio", 464.0), ("go", 2700.0)]),
            );
            rows.into_iter().map(move |row| row.at(n))
        });
        let growth = [10.0, 100.0].into_iter().flat_map(|n| {
            let rows =
                Row::compared("tasks", "time each", "ns", &series(&[("vthread", 50.0), ("go", 200.0)]));
            rows.into_iter().map(move |row| row.at(n))
        });
        let mut micro = part("micro", micro.into_iter().chain([counts]).collect());
        micro.missing.push(Missing { what: "java".into(), why: "no javac | at all".into() });
        micro.quick = false;
        micro.seconds = 60.0;
        micro.commit = "ba9876543210".into();
        micro.date = "2026-01-02 03:04 UTC".into();
        micro.machine = Machine { processor: "Motorola 68000".into(), cores: 1, ..Machine::default() };
        Results {
            machine: Machine {
                processor: "Zilog Z80".into(),
                cores: 2,
                memory_gib: 24.0,
                kernel: "6.1".into(),
                file_system: "ext4".into(),
            },
            versions: vec![("rustc".into(), "rustc 1.95.0".into())],
            commit: "0123456789ab".into(),
            parts: vec![
                part("search", search),
                part("memory", memory.collect()),
                micro,
                part("growth", growth.collect()),
                Part { failed: Some("it fell over".into()), ..part("build", vec![]) },
            ],
        }
    }

    #[test]
    fn a_report_is_rendered_and_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let readme = dir.path().join("README.md");
        std::fs::write(&readme, "# Hello\n<!-- results -->\nold\n<!-- /results -->\nend\n").expect("written");
        super::keep(&results(), &dir.path().join(super::RESULTS)).expect("kept");
        let kept = Results::read(&dir.path().join(super::RESULTS)).expect("read");
        super::all(&kept, dir.path()).expect("rendered");
        let first = std::fs::read_to_string(&readme).expect("read");
        assert!(
            first.starts_with("# Hello\n<!-- results -->\n") && first.ends_with("<!-- /results -->\nend\n")
        );
        assert!(!first.contains("old") && first.contains("docs/plots/"), "{first}");
        for name in ["memory", "micro", "search"] {
            let svg = std::fs::read_to_string(dir.path().join(format!("docs/plots/{name}.svg")))
                .expect("a picture");
            assert!(svg.contains("tokio"), "{name} names who is compared");
            let png = std::fs::read(dir.path().join(format!("docs/plots/{name}.png"))).expect("a picture");
            assert!(png.starts_with(b"\x89PNG") && png.len() > 5_000, "{name}: {} bytes", png.len());
        }
        let text = std::fs::read_to_string(dir.path().join("BENCHMARKS.md")).expect("read");
        super::all(&kept, dir.path()).expect("rendered again");
        assert_eq!(std::fs::read_to_string(dir.path().join("BENCHMARKS.md")).expect("read"), text);
        assert_eq!(std::fs::read_to_string(&readme).expect("read"), first);
    }
}
