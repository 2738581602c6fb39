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
    /// Few runs and small sizes: a quarter of an hour instead of about an hour.
    #[arg(long)]
    quick: bool,
    /// Go on where an earlier run of the same code was ended: what it has measured is not measured again.
    #[arg(long)]
    resume: bool,
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
    results.machine = machine::this();
    results.commit = machine::commit();
    // Before hours are spent on what cannot be written.
    render::keep(&results, &path)?;
    let stands = |name: &str| {
        let of_now = |p: &Part| p.failed.is_none() && p.is_of(&results.commit, &results.machine, args.quick);
        args.resume && results.part(name).is_some_and(of_now)
    };
    let (kept, wanted): (Vec<&Bench>, Vec<&Bench>) =
        ALL.iter().filter(|bench| names.contains(&bench.name)).partition(|bench| stands(bench.name));
    for bench in kept {
        eprintln!("{}: measured already, kept", bench.name);
    }
    if !wanted.is_empty() {
        prepare(wanted.iter().any(|bench| bench.has_foreign))?;
    }
    let mut failures = vec![];
    for bench in wanted {
        eprintln!("{}: {}", bench.name, bench.about);
        let part = in_child(bench, args);
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
    ensure!(failures.is_empty(), "failed: {}; `--resume` goes on from there", failures.join("; "));
    Ok(())
}

/// Names the benchmarks; how long each took where the repository's results are from.
pub(crate) fn list() {
    let results = Results::read(&tools::root().join(render::RESULTS)).unwrap_or_default();
    for bench in &ALL {
        println!("{:10} {}", bench.name, bench.about);
        let limits = bench.most.map(|seconds| seconds / 60);
        let took = results.part(bench.name).map(|part| {
            let run = if part.quick { "quick" } else { "whole" };
            format!("; {:.0} s, the last one, a {run} one", part.seconds)
        });
        let (quick, whole) = (limits[0], limits[1]);
        println!("{:10}   at most {quick} minutes quick, {whole} whole{}", "", took.unwrap_or_default());
    }
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
fn prepare(with_foreign: bool) -> Result<()> {
    eprintln!("building");
    tools::zork()?;
    tools::probe()?;
    tools::floor()?;
    tools::bounds()?;
    if with_foreign {
        // Whoever is missing is told of by the parts.
        tools::foreign(&mut Part::default());
    }
    Ok(())
}

/// A failure of one is no failure of the others.
fn in_child(bench: &Bench, args: &Args) -> Part {
    let (quick, start) = (args.quick, Instant::now());
    let most = Duration::from_secs(bench.most[usize::from(!quick)]);
    let blank = Part { name: bench.name.to_owned(), quick, ..Part::default() };
    let ran = || -> Result<Part> {
        // It outlives an interruption, so that the next run can go on from it.
        let file = tools::scratch("unfinished")?.join(format!("{}.json", bench.name));
        let begun = if args.resume { read(&file) } else { None };
        let (commit, here) = (machine::commit(), machine::this());
        let begun = begun.filter(|part| part.is_of(&commit, &here, quick));
        let earlier = begun.as_ref().map_or(0.0, |part| part.seconds);
        let date = machine::date();
        let part = begun.unwrap_or_else(|| Part { commit, date, machine: here, ..blank.clone() });
        if !part.done.is_empty() {
            eprintln!("{}: goes on after {}", bench.name, part.done.join(", "));
        }
        let text = serde_json::to_string(&Part { failed: None, ..part })?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(crate::ONE).arg(bench.name).arg(&file);
        if quick {
            command.arg("--quick");
        }
        let outcome = child::run_telling(&mut command, most, |line| eprintln!("{line}"))?;
        // What it had found before it failed is worth having.
        let mut part = read(&file).unwrap_or_else(|| blank.clone());
        part.failed = outcome.failure().or(part.failed);
        part.seconds = earlier + start.elapsed().as_secs_f64();
        if part.failed.is_none() {
            std::fs::remove_file(&file)?;
            part.done.clear();
        }
        Ok(part)
    };
    ran().unwrap_or_else(|why| Part { failed: Some(format!("{why:#}")), ..blank.clone() })
}

/// A part that is written, if it is whole.
fn read(file: &Path) -> Option<Part> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

/// What the child does: runs one benchmark, from where `file` says that it is, and writes what it found.
pub(crate) fn one(name: &str, file: &Path, quick: bool) -> Result<()> {
    let bench =
        ALL.iter().find(|bench| bench.name == name).with_context(|| format!("{name}: no such benchmark"))?;
    let begun = read(file).filter(|part| part.name == name && part.quick == quick);
    let mut part = begun.unwrap_or_else(|| Part { name: name.to_owned(), quick, ..Part::default() });
    part.go_on_in(file);
    let ran = (bench.run)(quick, &mut part);
    part.failed = ran.err().map(|why| format!("{why:#}"));
    part.write()
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
