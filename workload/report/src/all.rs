//! Runs benchmarks, each in a process of its own, and writes the report.

use crate::bench::{ALL, Bench};
use crate::child;
use crate::data::{Part, Results};
use crate::{machine, render, tools};
use anyhow::{Context as _, Result, ensure};
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How to run and where to write.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Few runs and small sizes: minutes instead of hours.
    #[arg(long)]
    quick: bool,
    /// Directory for `BENCHMARKS.md`, `docs/results.json`, `docs/plots`, and a `README.md` with markers; the repository without it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs those benchmarks; others keep the results that they have.
pub(crate) fn run(args: &Args, names: &[&str]) -> Result<()> {
    let directory = args.out.clone().unwrap_or_else(tools::root);
    let path = directory.join(render::RESULTS);
    let mut results = if path.is_file() { Results::read(&path)? } else { Results::default() };
    results.parts.retain(|part| ALL.iter().any(|bench| bench.name == part.name));
    prepare()?;
    results.machine = machine::this();
    results.commit = machine::commit();
    let mut failures = vec![];
    for bench in ALL.iter().filter(|bench| names.contains(&bench.name)) {
        eprintln!("{}: {}", bench.name, bench.about);
        let part = in_child(bench, args.quick);
        let shown = part.failed.clone().unwrap_or_else(|| format!("{} figures", part.rows.len()));
        eprintln!("{}: {shown}, {:.0} s", bench.name, part.seconds);
        part.missing.iter().for_each(|m| eprintln!("{}: missing: {}: {}", bench.name, m.what, m.why));
        failures.extend(part.failed.as_ref().map(|why| format!("{}: {why}", bench.name)));
        results.replace(part);
        results.parts.sort_by_key(|part| ALL.iter().position(|bench| bench.name == part.name));
        results.versions = versions(&results);
        // What comes later may fail or be ended.
        render::keep(&results, &path)?;
    }
    render::all(&results, &directory)?;
    eprintln!("written: {} and BENCHMARKS.md beside it", path.display());
    ensure!(failures.is_empty(), "failed: {}", failures.join("; "));
    Ok(())
}

/// Renders results that exist.
pub(crate) fn render(from: &Path, out: Option<&Path>) -> Result<()> {
    let results = Results::read(from)?;
    let directory = out.map_or_else(tools::root, Path::to_owned);
    let path = directory.join(render::RESULTS);
    if std::fs::canonicalize(from).ok() != std::fs::canonicalize(&path).ok() {
        render::keep(&results, &path)?;
    }
    render::all(&results, &directory)
}

/// Builds what benchmarks measure, so that no time of theirs goes there.
fn prepare() -> Result<()> {
    eprintln!("building");
    tools::zork()?;
    tools::probe()?;
    tools::floor()?;
    tools::bounds()?;
    let mut part = Part::default();
    tools::foreign(&mut part);
    Ok(())
}

/// A failure of one is no failure of the others.
fn in_child(bench: &Bench, quick: bool) -> Part {
    let start = Instant::now();
    let most = Duration::from_secs(bench.most[usize::from(!quick)]);
    let ran = || -> Result<Part> {
        let file = tempfile::NamedTempFile::new()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("one").arg(bench.name).arg(file.path());
        if quick {
            command.arg("--quick");
        }
        let outcome = child::run(&mut command, most)?;
        // What it had found before it failed is worth having.
        let text = std::fs::read_to_string(file.path())?;
        let mut part: Part = serde_json::from_str(&text).unwrap_or_default();
        part.failed = outcome.failure().or(part.failed);
        Ok(part)
    };
    let part = ran().unwrap_or_else(|why| Part { failed: Some(format!("{why:#}")), ..Part::default() });
    Part { name: bench.name.to_owned(), quick, seconds: start.elapsed().as_secs_f64(), ..part }
}

/// What the child does: runs one benchmark and writes what it found.
pub(crate) fn one(name: &str, file: &Path, quick: bool) -> Result<()> {
    let bench =
        ALL.iter().find(|bench| bench.name == name).with_context(|| format!("{name}: no such benchmark"))?;
    let mut part = Part { name: name.to_owned(), file: Some(file.to_owned()), ..Part::default() };
    let ran = (bench.run)(quick, &mut part);
    part.failed = ran.err().map(|why| format!("{why:#}"));
    std::fs::write(file, serde_json::to_string(&part)?)?;
    Ok(())
}

/// Of everything that took part.
fn versions(results: &Results) -> Vec<(String, String)> {
    let lock = std::fs::read_to_string(tools::root().join("Cargo.lock")).unwrap_or_default();
    let mut all = vec![];
    all.extend(machine::version("rustc", &["--version"]).map(|version| ("rustc".to_owned(), version)));
    for package in ["tokio", "async-executor", "rayon", "corosensei"] {
        all.extend(tools::locked(&lock, package).map(|version| (package.to_owned(), version)));
    }
    for version in results.parts.iter().flat_map(|part| &part.versions) {
        if !all.contains(version) {
            all.push(version.clone());
        }
    }
    all
}
