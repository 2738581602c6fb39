//! The search on all corpora: all engines, the floor, rg and grep; hot, with cold files (the bytes of files are out of memory, names and
//! inodes in it), and with nothing in memory.

use super::turns::{Rounds, Turns};
use crate::child::{self, Usage};
use crate::cold;
use crate::data::{Part, Row};
use crate::tools;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use zork_corpus::{Corpus, Expected, Kind, TREE};

/// Of a search. Who hangs must not take the time of all others.
const MOST: Duration = Duration::from_mins(1);

/// Of one whose system calls are counted.
const MOST_COUNTED: Duration = Duration::from_mins(2);

/// Somebody who searches.
#[derive(Clone)]
pub(super) struct Searcher {
    pub(super) name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    /// Does it search JSON values, and must its answer be right?
    ours: bool,
}

impl Searcher {
    /// The same, kept to so many processors.
    pub(super) fn on(&self, processors: usize) -> Self {
        let last = processors.max(1) - 1;
        let pinned = [format!("0-{last}").into(), self.program.clone().into_os_string()];
        let mut arguments: Vec<OsString> = vec!["-c".into()];
        arguments.extend(pinned);
        arguments.extend(self.arguments.iter().cloned());
        Self {
            name: format!("{} on {processors}", self.name),
            program: "taskset".into(),
            arguments,
            ours: self.ours,
        }
    }
}

/// A tree and what is to be found in it.
pub(super) struct Tree {
    pub(super) kind: Kind,
    root: PathBuf,
    expected: Expected,
}

impl Tree {
    pub(super) fn files(&self) -> f64 {
        (self.expected.totals.text.files + self.expected.totals.json.files) as f64
    }

    fn answer(&self, with_json: bool) -> BTreeSet<Vec<u8>> {
        let paths = self.expected.matches.iter().map(|m| m.path.clone());
        paths.filter(|path| with_json || path.ends_with(b".txt")).collect()
    }
}

/// All engines, the default first, and the programs that people use.
pub(super) fn searchers(part: &mut Part) -> Result<Vec<Searcher>> {
    let zork = tools::zork()?;
    let mut searchers: Vec<_> = engines(&zork)?
        .into_iter()
        .map(|name| Searcher {
            arguments: ["-0", "--engine", &name].map(OsString::from).into(),
            name,
            program: zork.clone(),
            ours: true,
        })
        .collect();
    let floors: [(&str, &[&str]); 2] = [("floor", &[]), ("floor, 16 at a time", &["16"])];
    for (name, arguments) in floors {
        let arguments = arguments.iter().map(OsString::from).collect();
        searchers.push(Searcher { name: name.into(), program: tools::floor()?, arguments, ours: true });
    }
    let peers: [(&str, &str, &[&str]); 2] = [
        ("rg", "ripgrep", &["-uuu", "-a", "-l", "-0", "-g", "*.txt", "zork"]),
        ("grep", "grep", &["-r", "-a", "-F", "-l", "-Z", "--include=*.txt", "zork", "."]),
    ];
    for (name, package, arguments) in peers {
        if let Some(program) = tools::system(name, package, part) {
            let arguments = arguments.iter().map(OsString::from).collect();
            searchers.push(Searcher { name: name.to_owned(), program, arguments, ours: false });
        }
    }
    Ok(searchers)
}

/// Who is measured with cold files: `rg` waits for one file a thread, so that more threads than processors are its best.
fn cold_searchers(mut searchers: Vec<Searcher>) -> Vec<Searcher> {
    let rg = searchers.iter().find(|s| s.name == "rg");
    let many = rg.map(|rg| {
        let arguments = [OsString::from("-j32")].into_iter().chain(rg.arguments.iter().cloned()).collect();
        Searcher { name: "rg -j32".into(), program: rg.program.clone(), arguments, ours: false }
    });
    searchers.extend(many);
    searchers
}

/// What `--list-engines` names.
fn engines(zork: &Path) -> Result<Vec<String>> {
    let list =
        child::run(Command::new(zork).arg("--list-engines"), MOST)?.text().context("zork --list-engines")?;
    let names: Vec<_> = list.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_owned).collect();
    ensure!(!names.is_empty(), "zork lists no engines");
    Ok(names)
}

/// Makes it, or finds it made.
pub(super) fn corpus(kind: Kind, scale: f64) -> Result<Tree> {
    let dir = tools::scratch(&format!("{}-{scale}", kind.name()))?;
    let expected = Corpus::new(kind, 1).scale(scale).write(&dir)?;
    // Writing a tree can hold up a disk for a minute: the first one that reads it is not to wait for that.
    sync()?;
    Ok(Tree { kind, root: dir.join(TREE), expected })
}

/// Searches once, and checks the answer. Gives what it took, and by how many paths a peer's answer differs.
fn search(searcher: &Searcher, tree: &Tree, wanted: &BTreeSet<Vec<u8>>) -> Result<(Usage, usize)> {
    let (outcome, usage) = child::measured(&searcher.program, &searcher.arguments, &tree.root, MOST)?;
    ensure!(!outcome.timed_out, "{}", outcome.failure().unwrap_or_default());
    let paths = outcome.stdout.split(|b| *b == 0).filter(|path| !path.is_empty());
    let found: BTreeSet<_> = paths.map(|path| path.strip_prefix(b"./").unwrap_or(path).to_vec()).collect();
    let differs = found.symmetric_difference(wanted).count();
    ensure!(
        differs == 0 || !searcher.ours,
        "the answer is wrong: {} paths, {} expected, {differs} differ; {}",
        found.len(),
        wanted.len(),
        outcome.stderr.lines().last().unwrap_or("")
    );
    Ok((usage, differs))
}

/// Seconds of wall time, in turns, with all in memory, after one run of each to warm up.
pub(super) fn walls(
    searchers: &[Searcher],
    tree: &Tree,
    rounds: Rounds,
    part: &mut Part,
) -> Result<Vec<(String, Vec<f64>)>> {
    let all = in_turns(searchers, tree, rounds, part, &Before::Warm(tools::floor()?));
    Ok(all.into_iter().map(|s| (s.name, s.usages.iter().map(|u| u.wall).collect())).collect())
}

/// What is done before each search, and is in no time.
enum Before {
    /// All is read, by the floor: a kernel may put away within seconds what nobody uses, and not all searchers before this one read all.
    Warm(PathBuf),
    /// Files are put out of memory.
    Evict,
    /// So is everything else.
    DropCaches,
}

impl Before {
    fn prepare(&self, tree: &Tree) -> Result<()> {
        match self {
            Self::Warm(floor) => {
                let outcome = child::run(Command::new(floor).current_dir(&tree.root), MOST)?;
                ensure!(!outcome.timed_out, "floor: {}", outcome.failure().unwrap_or_default());
                Ok(())
            }
            Self::Evict => {
                cold::evict(&tree.root);
                Ok(())
            }
            Self::DropCaches => drop_caches(),
        }
    }
}

/// So often a search is made again for which the kernel had something to read, although all was to be in memory.
const AGAIN: usize = 3;

struct Samples {
    name: String,
    usages: Vec<Usage>,
    differs: usize,
}

/// Runs them in turns. Who fails is noted and left out.
fn in_turns(
    searchers: &[Searcher],
    tree: &Tree,
    rounds: Rounds,
    part: &mut Part,
    before: &Before,
) -> Vec<Samples> {
    let (all, texts) = (tree.answer(true), tree.answer(false));
    let hot = matches!(before, Before::Warm(_));
    let once = |searcher: &Searcher, part: &mut Part| {
        let wanted = if searcher.ours { &all } else { &texts };
        let try_once = || before.prepare(tree).and_then(|()| search(searcher, tree, wanted));
        let mut ran = try_once();
        for _ in 0..AGAIN {
            if hot && ran.as_ref().is_ok_and(|(usage, _)| usage.blocks_read > 0) {
                ran = try_once();
            }
        }
        let name = || format!("{} on {}", searcher.name, tree.kind.name());
        ran.map_err(|why| part.missing(&name(), format!("{why:#}"))).ok()
    };
    // Who does not search JSON has nothing to do where there is nothing else.
    let mut able: Vec<_> = searchers.iter().filter(|s| s.ours || !texts.is_empty()).collect();
    able.retain(|searcher| !hot || once(searcher, part).is_some());
    let new = |s: &&Searcher| Samples { name: s.name.clone(), usages: vec![], differs: 0 };
    let mut samples: Vec<_> = able.iter().map(new).collect();
    let mut turns = Turns::new(rounds, able.iter().map(|s| s.name.clone()));
    while let Some(i) = turns.next() {
        match once(able[i], part) {
            Some((usage, differs)) => {
                samples[i].differs = differs;
                samples[i].usages.push(usage);
                turns.found(usage.wall);
            }
            None => turns.is_out(),
        }
    }
    samples.retain(|own| !own.usages.is_empty());
    samples
}

/// Of the corpus of few large files: what is measured of it shall be the reading.
const BIG_ENOUGH: f64 = 0.5;

/// Rounds with everything in memory, without the files, without anything.
struct Plan {
    scale: f64,
    counted: f64,
    hot: Rounds,
    cold: Rounds,
    all_cold: Option<Rounds>,
}

const QUICK: Plan =
    Plan { scale: 0.1, counted: 0.01, hot: Rounds::exactly(7), cold: Rounds::exactly(3), all_cold: None };
const WHOLE: Plan = Plan {
    scale: 1.0,
    counted: 0.03,
    hot: Rounds::between(3, 21),
    cold: Rounds::between(3, 9),
    all_cold: Some(Rounds::exactly(3)),
};

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let plan = if quick { QUICK } else { WHOLE };
    let searchers = searchers(part)?;
    let strace = tools::system("strace", "strace", part).is_some();
    for kind in Kind::ALL {
        // A tenth of `big` is read in the time that a process takes to start.
        let scale = if kind == Kind::Big { plan.scale.max(BIG_ENOUGH) } else { plan.scale };
        if strace {
            part.share(&format!("{} counted", kind.name()), |part| {
                // Each call of `tokio` costs a hundred times more under strace: a small tree says as much a file.
                counted(&searchers, &corpus(kind, plan.counted)?, part);
                Ok(())
            })?;
        }
        part.share(&format!("{} hot", kind.name()), |part| hot(&searchers, kind, scale, plan.hot, part))?;
        part.share(&format!("{} cold", kind.name()), |part| {
            cold(&cold_searchers(searchers.clone()), &corpus(kind, scale)?, plan.cold, part);
            Ok(())
        })?;
        if let Some(rounds) = plan.all_cold {
            part.share(&format!("{} all cold", kind.name()), |part| {
                all_cold(&cold_searchers(searchers.clone()), &corpus(kind, scale)?, rounds, part);
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn hot(searchers: &[Searcher], kind: Kind, scale: f64, rounds: Rounds, part: &mut Part) -> Result<()> {
    let tree = corpus(kind, scale)?;
    part.rows.push(Row::once(kind.name(), "corpus", "files", "", tree.files()));
    let bytes = (tree.expected.totals.text.bytes + tree.expected.totals.json.bytes) as f64;
    part.rows.push(Row::once(kind.name(), "corpus", "bytes", "B", bytes));
    let samples = in_turns(searchers, &tree, rounds, part, &Before::Warm(tools::floor()?));
    rows(kind, "", &samples, part);
    Ok(())
}

fn cold(searchers: &[Searcher], tree: &Tree, rounds: Rounds, part: &mut Part) {
    // What has not reached the disk cannot be put out of memory.
    cold::settle();
    let samples = in_turns(searchers, tree, rounds, part, &Before::Evict);
    rows(tree.kind, "cold ", &samples, part);
}

fn rows(kind: Kind, prefix: &str, samples: &[Samples], part: &mut Part) {
    let of = |f: fn(&Usage) -> f64| -> Vec<_> {
        samples.iter().map(|s| (s.name.clone(), s.usages.iter().map(f).collect())).collect()
    };
    let mut add = |metric: &str, unit: &str, samples: &[(String, Vec<f64>)]| {
        part.rows.extend(Row::compared(kind.name(), &format!("{prefix}{metric}"), unit, samples));
    };
    add("wall", "ms", &of(|u| u.wall * 1e3));
    add("processor", "ms", &of(|u| u.cpu * 1e3));
    if prefix.is_empty() {
        add("peak memory", "MB", &of(|u| u.peak_bytes / 1e6));
    }
    for own in samples.iter().filter(|own| prefix.is_empty() && own.differs > 0) {
        let note = "it answers otherwise: paths beyond PATH_MAX, UTF-16, or special files";
        part.rows
            .push(Row::once(kind.name(), &own.name, "other answers", "paths", own.differs as f64).note(note));
    }
}

/// With nothing in memory, directories and inodes neither.
fn all_cold(searchers: &[Searcher], tree: &Tree, rounds: Rounds, part: &mut Part) {
    match drop_caches() {
        Ok(()) => {
            let samples = in_turns(searchers, tree, rounds, part, &Before::DropCaches);
            rows(tree.kind, "all cold ", &samples, part);
        }
        Err(why) => part.missing("searches with nothing in memory", format!("{why:#}")),
    }
}

/// Asks the kernel to forget files and directories.
fn drop_caches() -> Result<()> {
    sync()?;
    std::fs::write("/proc/sys/vm/drop_caches", "3").context("cannot drop caches (that needs root)")
}

/// All that was written goes to the disk.
fn sync() -> Result<()> {
    let sync = Command::new("sync").status().context("sync")?;
    ensure!(sync.success(), "sync failed");
    Ok(())
}

/// System calls a file, of everybody who has files to search.
fn counted(searchers: &[Searcher], tree: &Tree, part: &mut Part) {
    let has_texts = !tree.answer(false).is_empty();
    searchers.iter().filter(|s| s.ours || has_texts).for_each(|searcher| syscalls(searcher, tree, part));
}

fn syscalls(searcher: &Searcher, tree: &Tree, part: &mut Part) {
    let counted = || -> Result<f64> {
        let log = tempfile::NamedTempFile::new()?;
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-o"]).arg(log.path()).arg(&searcher.program).args(&searcher.arguments);
        let outcome = child::run(command.current_dir(&tree.root), MOST_COUNTED)?;
        ensure!(!outcome.timed_out, "{}", outcome.failure().unwrap_or_default());
        let counts = std::fs::read_to_string(log.path())?;
        total(&counts).with_context(|| format!("strace counted nothing: {}", outcome.stderr))
    };
    match counted() {
        Ok(calls) => {
            let row =
                Row::once(tree.kind.name(), &searcher.name, "system calls a file", "", calls / tree.files());
            part.rows.push(row);
        }
        Err(why) => {
            part.missing(
                &format!("system calls of {} on {}", searcher.name, tree.kind.name()),
                format!("{why:#}"),
            );
        }
    }
}

/// `100.00    0.123456           1     12345       67 total`
fn total(counts: &str) -> Option<f64> {
    let line = counts.lines().rev().find(|line| line.ends_with("total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_strace_is_read() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n------ ----\n 99.0 0.1 1 700 read\n\
                     100.00    0.123456           1     12345       67 total\n";
        assert_eq!(total(table), Some(12345.0));
        assert_eq!(total("strace: nothing\n"), None);
    }
}
