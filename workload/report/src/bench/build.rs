//! What the link step costs: the same objects are linked with it and without.

use super::turns::{Rounds, Turns};
use crate::child;
use crate::data::{Part, Row};
use crate::tools;
use anyhow::{Context as _, Result, ensure};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

const MOST: Duration = Duration::from_mins(10);

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    for (package, binary) in [("zork-probe", "zork-probe"), ("zork", "zork")] {
        let rounds = if quick { 5 } else { 15 };
        part.share(binary, |part| links(package, binary, rounds, part).with_context(|| binary.to_owned()))?;
    }
    part.share("rebuild", |part| rebuild(Rounds::exactly(if quick { 2 } else { 5 }), part))
}

/// Links the program again and again.
fn links(package: &str, binary: &str, rounds: usize, part: &mut Part) -> Result<()> {
    tools::build(package, binary)?;
    // Once more the last crate, so that its objects are kept and its command line is printed.
    let mut command = tools::cargo();
    command.args(["rustc", "--release", "-p", package, "--bin", binary, "--target-dir"]).arg(tools::target());
    // A flag that changes nothing makes cargo print the command line each time.
    let unique = format!("-Cmetadata=report{}", std::process::id());
    command.args(["--", "-C", "save-temps", "--print", "link-args", &unique]);
    let said = child::run(&mut command, MOST)?.text().context("cargo rustc --print link-args")?;
    let line = said
        .lines()
        .find(|line| line.contains("\"-wrapper\""))
        .context("rustc printed no command with -wrapper")?;
    let out = tempfile::tempdir()?;
    let ways = [("with the link step", Way::With), ("without", Way::Without)].map(|(name, way)| {
        let output = out.path().join(name.replace(' ', "-"));
        let script = rewritten(line, &output, &way);
        (name, script, output)
    });
    let mut samples = ways.each_ref().map(|(name, ..)| ((*name).to_owned(), vec![]));
    let log = out.path().join("log");
    for round in 0..=rounds {
        for ((_, script, _), (_, times)) in ways.iter().zip(&mut samples) {
            let script = script.as_deref().context("the link command has no -o or no -wrapper")?;
            let mut command = Command::new("sh");
            command.args(["-c", script]).env("VTHREAD_LINK_LOG", &log).current_dir(tools::root());
            let start = Instant::now();
            child::run(&mut command, MOST)?.text().context("linking again")?;
            if round > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    part.rows.extend(Row::compared(binary, "link time", "ms", &samples));
    for (name, _, output) in &ways {
        let size = |path: &Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.len() as f64 / 1e3);
        part.rows.push(Row::once(binary, name, "size", "kB", size(output)?));
        let stripped = output.with_extension("stripped");
        let done = Command::new("strip").arg("-o").arg(&stripped).arg(output).status();
        if done.is_ok_and(|status| status.success()) {
            part.rows.push(Row::once(binary, name, "size stripped", "kB", size(&stripped)?));
        }
    }
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let steps: Vec<f64> = text.lines().filter_map(step_us).map(|us| us / 1e3).collect();
    if let Some(summary) = crate::stats::summary(&steps) {
        part.rows.push(Row::of(binary, "with the link step", "of this the step", "ms", summary));
    }
    if let Some(line) = text.lines().find(|line| line.contains("linked in")) {
        let said = line.split_once(": linked in").map_or(line, |(_, after)| after);
        part.rows.push(Row::once(binary, "with the link step", "log", "", steps.len() as f64).note(said));
    }
    Ok(())
}

enum Way {
    With,
    Without,
}

/// The command line that rustc printed, with another output; without the step if so wanted.
fn rewritten(line: &str, output: &Path, way: &Way) -> Option<String> {
    let (before, after) = line.split_once("\"-o\" \"")?;
    let (_, rest) = after.split_once('"')?;
    let line = format!("{before}\"-o\" \"{}\"{rest}", output.display());
    match way {
        Way::With => Some(line),
        Way::Without => {
            let (before, after) = line.split_once("\"-wrapper\" \"")?;
            let (_, rest) = after.split_once('"')?;
            // The step defines it; programs that it has not seen do not link.
            Some(format!(
                "{before}\"-Wl,--defsym=__vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step=0\"{rest}"
            ))
        }
    }
}

/// `PATH: linked in 63889 us, step 186769 us, 37 entries, ..`
fn step_us(line: &str) -> Option<f64> {
    let (_, after) = line.split_once(", step ")?;
    after.split(' ').next()?.parse().ok()
}

/// What a programmer waits for after a change of one file: compiling the last crate, and the link with the step and without.
fn rebuild(rounds: Rounds, part: &mut Part) -> Result<()> {
    let main: PathBuf = tools::root().join("workload/report/probe/src/main.rs");
    let scratch = tempfile::tempdir()?;
    let (without, log) = (scratch.path().join("cc"), scratch.path().join("log"));
    std::fs::write(&without, WITHOUT_STEP)?;
    std::fs::set_permissions(&without, Permissions::from_mode(0o755))?;
    let ways = [("with the link step", Path::new("cc")), ("without", &without)];
    let mut turns = Turns::new(rounds, ways.map(|way| way.0.to_owned()));
    while let Some(i) = turns.next() {
        std::fs::File::options().append(true).open(&main)?.set_modified(SystemTime::now())?;
        std::fs::write(&log, "")?;
        let mut command = tools::cargo();
        command.args(["rustc", "--release", "-p", "zork-probe", "--bin", "zork-probe", "--target-dir"]);
        command.arg(tools::target()).arg("--").arg(format!("-Clinker={}", ways[i].1.display()));
        let start = Instant::now();
        child::run(command.env("VTHREAD_LINK_LOG", &log), MOST)?.text().context("cargo rustc")?;
        turns.found(start.elapsed().as_secs_f64() * 1e3);
        let has_stepped = !std::fs::read_to_string(&log)?.is_empty();
        ensure!(has_stepped == (i == 0), "rebuilt {}, and the log of the step says otherwise", ways[i].0);
    }
    part.rows.extend(Row::compared("zork-probe", "rebuild after a change", "ms", &turns.samples()));
    // What lies there now may be without sizes: nobody must find it.
    tools::probe().map(drop)
}

/// The compiler driver, without the option that makes it run the step around the linker.
const WITHOUT_STEP: &str = r#"#!/bin/sh
skip=
for argument; do
    shift
    case $skip$argument in
    -wrapper) skip=yes ;;
    yes*) skip= ;;
    *) set -- "$@" "$argument" ;;
    esac
done
exec cc "$@" -Wl,--defsym=__vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step=0
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_rewritten() {
        let line = r#"LC_ALL="C" "cc" "-m64" "a.o" "-o" "/t/x" "-wrapper" "/t/build-script" "-pie""#;
        let out = Path::new("/tmp/y");
        assert_eq!(
            rewritten(line, out, &Way::With).as_deref(),
            Some(r#"LC_ALL="C" "cc" "-m64" "a.o" "-o" "/tmp/y" "-wrapper" "/t/build-script" "-pie""#)
        );
        let without = rewritten(line, out, &Way::Without).expect("it has a wrapper");
        assert!(
            !without.contains("wrapper") && without.contains("--defsym") && without.ends_with("\"-pie\"")
        );
        assert_eq!(rewritten("\"cc\" \"a.o\"", out, &Way::With), None);
    }

    #[test]
    fn the_log_is_read() {
        assert_eq!(step_us("/x: linked in 63889 us, step 186769 us, 37 entries"), Some(186_769.0));
        assert_eq!(step_us("  f: bound 8, size 64"), None);
    }
}
