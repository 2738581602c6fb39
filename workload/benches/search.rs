//! The engines against each other and against ripgrep, on generated corpora with a hot cache.
//!
//! ```text
//! cargo bench -p zork --bench search                              all corpora at a tenth of their size
//! cargo bench -p zork --bench search -- wide --scale 1 --runs 11  one, at full size
//! cargo bench -p zork --bench search -- wide --syscalls           with system calls counted (strace; slow for `tokio`)
//! cargo bench -p zork --bench search -- wide --cold               with the files' bytes put out of memory before each run
//! ```
//!
//! **What is measured**: whole processes, from start to end: wall time, processor time (user and system), peak memory.
//! Everybody runs once before (the cache is hot then), and then in turns, A B C A B C, so that what disturbs the machine
//! disturbs all alike. Medians, and the quartiles as spread. Ratios are against the default engine: above 1 is slower.
//!
//! **The floor** is a hand-written loop on two threads without any of what makes a search right elsewhere than here (see
//! `search_parts/floor.rs`). **Cold** runs begin with every file's bytes out of memory (`posix_fadvise`) and all metadata in it; `rg` is run with 32
//! threads, too, because it waits for one file per thread. Where a virtual disk keeps its own cache, cold is only colder.
//!
//! **Answers are asserted**, in every run, against what the generator planted.
//!
//! **Bias**: `rg -uuu -l -g '*.txt'` does less than the engines (no JSON) and more (it looks for binary data and byte order marks,
//! and prints sorted out by its own rules). It stops reading a binary file where it finds a NUL; `-a` is given to it, so that it
//! answers as we do; it decodes UTF-16 and stops at `PATH_MAX`, and the table counts where its answers differ for that. On corpora with JSON its answer is compared on texts alone, and its time has no JSON in it. Start-up costs
//! are in all figures: at small scales they are most of it.

#[path = "search_parts/cold.rs"]
mod cold;
#[path = "search_parts/floor.rs"]
mod floor;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use zork_corpus::{Corpus, Expected, Kind, TREE};

/// Somebody who searches.
struct Peer {
    name: String,
    program: PathBuf,
    args: Vec<String>,
    /// Whether it finds JSON too.
    json: bool,
}

/// One run.
#[derive(Clone, Copy)]
struct Run {
    wall: f64,
    cpu: f64,
}

struct Options {
    kinds: Vec<Kind>,
    scale: f64,
    runs: usize,
    syscalls: bool,
    cold: bool,
}

/// With this argument alone, this program is the floor.
const FLOOR: &str = "--floor";

fn main() {
    if std::env::args().nth(1).is_some_and(|arg| arg == FLOOR) {
        return floor::run();
    }
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(what) => {
            eprintln!("search: {what}\nusage: search [KIND]... [--scale F] [--runs N] [--syscalls] [--cold]");
            std::process::exit(2);
        }
    };
    let peers = peers(options.cold);
    for &kind in &options.kinds {
        let dir =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", kind.name(), options.scale));
        let expected = match Corpus::new(kind, 1).scale(options.scale).write(&dir) {
            Ok(expected) => expected,
            Err(error) => {
                eprintln!("search: {error}");
                std::process::exit(2);
            }
        };
        compare(kind, &options, &peers, &dir.join(TREE), &expected);
    }
}

fn options(args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { kinds: vec![], scale: 0.1, runs: 7, syscalls: false, cold: false };
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--bench" => {}
            "--syscalls" => options.syscalls = true,
            "--cold" => options.cold = true,
            "--scale" => options.scale = value()?.parse().map_err(|_| "--scale wants a number")?,
            "--runs" => options.runs = value()?.parse().map_err(|_| "--runs wants a number")?,
            name => match Kind::ALL.into_iter().find(|k| k.name() == name) {
                Some(kind) => options.kinds.push(kind),
                None => return Err(format!("{name}: no such corpus")),
            },
        }
    }
    if options.kinds.is_empty() {
        options.kinds = Kind::ALL.to_vec();
    }
    if options.runs == 0 {
        return Err("--runs wants at least 1".into());
    }
    Ok(options)
}

fn peers(cold: bool) -> Vec<Peer> {
    let engine = |name: &str| Peer {
        name: name.into(),
        program: env!("CARGO_BIN_EXE_zork").into(),
        args: vec!["-0".into(), "--engine".into(), name.into()],
        json: true,
    };
    let mut peers: Vec<_> = zork::engine::ENGINES.iter().map(|e| engine(e.name())).collect();
    peers.push(Peer {
        name: "floor".into(),
        program: std::env::current_exe().expect("this program"),
        args: vec![FLOOR.into()],
        json: true,
    });
    let rg = Command::new("rg").arg("--version").stderr(Stdio::null()).output();
    if let Ok(version) = rg {
        let version = String::from_utf8_lossy(&version.stdout);
        println!("ripgrep: {}", version.lines().next().unwrap_or("?"));
        let args = ["-uuu", "-a", "-l", "-0", "-g", "*.txt", "zork"];
        let rg = |name: &str, more: &[&str]| Peer {
            name: name.into(),
            program: "rg".into(),
            args: more.iter().chain(&args).map(|arg| (*arg).into()).collect(),
            json: false,
        };
        peers.push(rg("rg", &[]));
        if cold {
            peers.push(rg("rg -j32", &["-j32"]));
        }
    } else {
        println!(
            "ripgrep: missing; install it (cargo install ripgrep, or the package of your system) to compare"
        );
    }
    peers
}

fn compare(kind: Kind, options: &Options, peers: &[Peer], tree: &Path, expected: &Expected) {
    let answer = |json: bool| -> BTreeSet<Vec<u8>> {
        let paths = expected.matches.iter().map(|m| m.path.clone());
        paths.filter(|p| json || p.ends_with(b".txt")).collect()
    };
    let (all, texts) = (answer(true), answer(false));
    // Who does not search JSON has nothing to do where there is nothing else.
    let peers: Vec<_> = peers.iter().filter(|p| p.json || !texts.is_empty()).collect();
    let mut runs = vec![vec![]; peers.len()];
    let mut differs = vec![0; peers.len()];
    if options.cold {
        cold::settle();
    }
    for round in 0..=options.runs {
        for (number, (peer, runs)) in peers.iter().zip(&mut runs).enumerate() {
            if options.cold {
                cold::evict(tree);
            }
            let (run, found) = search(peer, tree);
            let wanted = if peer.json { &all } else { &texts };
            // ripgrep stops at PATH_MAX, and decodes UTF-16: where its answer differs, the table says so.
            assert!(
                !peer.json || found == *wanted,
                "{} on {}: {} paths, {} expected",
                peer.name,
                kind.name(),
                found.len(),
                wanted.len()
            );
            differs[number] = found.symmetric_difference(wanted).count();
            if round > 0 {
                runs.push(run);
            }
        }
    }
    let (text, json) = (&expected.totals.text, &expected.totals.json);
    let heat = if options.cold { "cold" } else { "hot" };
    println!(
        "\n### {}, {heat}: {} texts, {} JSON, {} directories, {:.0} MB, {} runs\n",
        kind.name(),
        text.files,
        json.files,
        expected.totals.directories,
        (text.bytes + json.bytes) as f64 / 1e6,
        options.runs
    );
    println!(
        "| engine | wall ms | quartiles | / default | CPU ms | peak MB | other answers | syscalls a file |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let base = median(&runs[0], |r| r.wall);
    for ((peer, runs), differs) in peers.iter().zip(&runs).zip(differs) {
        let wall = median(runs, |r| r.wall);
        let files = text.files + if peer.json { json.files } else { 0 };
        println!(
            "| {} | {:.1} | {:.1} to {:.1} | {:.2} | {:.1} | {:.1} | {} | {} |",
            peer.name,
            wall * 1e3,
            quantile(runs, 0.25, |r| r.wall) * 1e3,
            quantile(runs, 0.75, |r| r.wall) * 1e3,
            wall / base,
            median(runs, |r| r.cpu) * 1e3,
            peak_mb(peer, tree),
            differs,
            if options.syscalls { syscalls(peer, tree, files) } else { "-".into() },
        );
    }
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    quantile(runs, 0.5, of)
}

fn quantile(runs: &[Run], part: f64, of: impl Fn(&Run) -> f64) -> f64 {
    let mut all: Vec<f64> = runs.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[((all.len() - 1) as f64 * part).round() as usize]
}

/// Runs `peer` in `tree`; returns what it took and the paths it found.
fn search(peer: &Peer, tree: &Path) -> (Run, BTreeSet<Vec<u8>>) {
    let start = Instant::now();
    let child = Command::new(&peer.program)
        .args(&peer.args)
        .current_dir(tree)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap_or_else(|e| panic!("{}: {e}", peer.name));
    let mut out = vec![];
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_end(&mut out).unwrap_or_else(|e| panic!("{}: {e}", peer.name));
    }
    let usage = wait(&mut child);
    let run = Run { wall: start.elapsed().as_secs_f64(), ..usage };
    let found = out.split(|b| *b == 0).filter(|l| !l.is_empty()).map(<[u8]>::to_vec);
    (run, found.collect())
}

/// Waits for the child and says what it used.
fn wait(child: &mut std::process::Child) -> Run {
    let mut status = 0;
    // SAFETY: all zeroes is a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the child is ours and nobody else waits for it; both pointers are to live variables.
    let waited = unsafe { libc::wait4(child.id() as i32, &raw mut status, 0, &raw mut usage) };
    assert_eq!(waited, child.id() as i32, "wait4");
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    Run {
        wall: 0.0,
        // Not its `ru_maxrss`: that starts with the memory of the process which forked.
        cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
    }
}

/// The most memory that `peer` has at one time, looked at every millisecond, in a run of its own.
fn peak_mb(peer: &Peer, tree: &Path) -> f64 {
    let child = Command::new(&peer.program)
        .args(&peer.args)
        .current_dir(tree)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap_or_else(|e| panic!("{}: {e}", peer.name));
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while let Ok(None) = child.try_wait() {
        let now = std::fs::read_to_string(&status).unwrap_or_default();
        let line = now.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().strip_suffix(" kB")).and_then(|l| l.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    peak as f64 * 1024.0 / 1e6
}

/// System calls for each file that is searched, by strace; "?" without it.
fn syscalls(peer: &Peer, tree: &Path, files: u64) -> String {
    let log = std::env::temp_dir().join(format!("zork-strace-{}", std::process::id()));
    let ran = Command::new("strace")
        .args([OsStr::new("-f"), OsStr::new("-c"), OsStr::new("-o"), log.as_os_str()])
        .arg(&peer.program)
        .args(&peer.args)
        .current_dir(tree)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let counts = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    // "100.00    0.123456           1     12345       67 total"
    let total = counts.lines().rev().find(|l| l.ends_with("total"));
    let calls = total.and_then(|l| l.split_whitespace().nth(3)).and_then(|n| n.parse::<f64>().ok());
    match (ran, calls) {
        (Ok(_), Some(calls)) => format!("{:.2}", calls / files.max(1) as f64),
        _ => "?".into(),
    }
}
