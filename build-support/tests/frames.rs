//! Frames against LLVM's own sizes and against unwind tables, in programs of all kinds. Prints the table of docs/frames.md:
//! `cargo test -p vale-threads-build --test frames -- --nocapture`; with `VTHREAD_LONG_TESTS=1` the expensive programs too.

#[path = "common/build.rs"]
mod build;

use build::{Build, target_folder};
use iced_x86::{Decoder, DecoderOptions, Mnemonic, Register};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vale_threads_build::frames::{self, Frame, Place};
use vale_threads_build::functions::{Function, display_name};
use vale_threads_build::program::Loaded;

const SIZES: &str = "-Zemit-stack-sizes";

/// What LLVM says about the frames of its functions: address and bytes.
fn stack_sizes(data: &[u8]) -> Vec<(u64, u64)> {
    let mut sizes = Vec::new();
    let mut rest = data;
    while let Some((address, tail)) = rest.split_first_chunk::<8>() {
        let mut size = 0;
        let mut used = 0;
        for (index, byte) in tail.iter().enumerate() {
            size |= u64::from(byte & 0x7f) << (7 * index);
            used = index + 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        sizes.push((u64::from_le_bytes(*address), size));
        rest = &tail[used..];
    }
    sizes
}

/// Why a frame of ours is larger than LLVM's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Larger {
    /// `and rsp, -N`: neither what it takes nor the rounding of what lies below it to N is in LLVM's number.
    Realigned,
    /// Arguments are pushed for a call: they are not in LLVM's number.
    Pushed,
    /// Assembly in the function pushes: LLVM does not read it.
    Assembly,
    /// Something else.
    Other,
}

/// What a comparison found.
#[derive(Default)]
struct Found {
    equal: u64,
    larger: BTreeMap<Larger, u64>,
    others: Vec<String>,
    /// Functions that the analysis does not follow.
    unknown: Vec<String>,
    /// Instructions where rsp is what the unwind table says.
    agreeing: u64,
    /// Where the table says it late: nothing is called there.
    late: u64,
    disagreeing: Vec<String>,
}

impl Found {
    fn compared(&self) -> u64 {
        self.equal + self.larger.values().sum::<u64>()
    }

    fn of(&self, why: Larger) -> u64 {
        self.larger.get(&why).copied().unwrap_or(0)
    }
}

/// The functions of whose names `counts` says so.
fn compare(executable: &Path, counts: impl Fn(&str) -> bool) -> Found {
    let data = std::fs::read(executable).expect("readable");
    let loaded = Loaded::read(&data).expect("an executable");
    let section = loaded.image.section(".stack_sizes").expect("LLVM's sizes");
    let mut found = Found::default();
    let mut theirs: BTreeMap<u64, u64> = BTreeMap::new();
    for (address, size) in stack_sizes(section.data) {
        // Functions that the linker folded into one have each their entry.
        let most = theirs.entry(address).or_default();
        *most = size.max(*most);
    }
    for (address, theirs) in theirs {
        let Some(function) = loaded.functions.at(address) else { continue };
        let name = display_name(&loaded.image, address);
        if !counts(&name) {
            continue;
        }
        let frame = frames::analyse_points(loaded.program(), function, Place::Anywhere);
        if !frame.problems.is_empty() {
            found.unknown.push(format!("{name}: {}", frame.problems[0]));
            continue;
        }
        assert!(frame.frame >= theirs, "{name}: ours {}, LLVM's {theirs}", frame.frame);
        if frame.frame == theirs {
            found.equal += 1;
        } else {
            let why = why_larger(&loaded, function, &frame, theirs);
            *found.larger.entry(why).or_default() += 1;
            if why == Larger::Other {
                found.others.push(format!("{name}: {} and {theirs}", frame.frame));
            }
        }
        check_rows(&loaded, function, &frame, &name, &mut found);
    }
    found
}

/// Looks at the instructions: LLVM's number is right for a function that neither realigns nor pushes for calls. Where the difference is
/// pushes, its code must rest at the very depth that LLVM says, and nothing
/// that begins above may go below.
fn why_larger(loaded: &Loaded<'_>, function: &Function, frame: &Frame, theirs: u64) -> Larger {
    let length = (function.end - function.start) as usize;
    let code = loaded.image.bytes(function.start, length).expect("it was analysed");
    let depths: BTreeMap<u64, i64> = frame.points.iter().copied().collect();
    let (mut pushed, mut alignment, mut rests, mut moves_below) = (0_u64, 0_u64, false, false);
    for instruction in &mut Decoder::with_ip(64, code, function.start, DecoderOptions::NONE) {
        let Some(depth) = depths.get(&instruction.ip()).map(|lowest| -lowest as u64) else { continue };
        let of_rsp = instruction.op0_register() == Register::RSP;
        match instruction.mnemonic() {
            Mnemonic::And if of_rsp => alignment = (instruction.immediate(1) as i64).unsigned_abs(),
            // The first pushes save registers, and LLVM counts them.
            Mnemonic::Push => pushed += if depth >= theirs { 8 } else { 0 },
            // Large arguments are stored, not pushed, and with an odd number of them there is a gap in front.
            Mnemonic::Sub if of_rsp && depth >= theirs => pushed += instruction.immediate(1),
            Mnemonic::Sub if of_rsp => moves_below |= depth + instruction.immediate(1) > theirs,
            _ => rests |= depth == theirs,
        }
    }
    let by = frame.frame - theirs;
    // What it takes at first makes a multiple of 16 of it; then the padding; then the rounding of what lies below.
    let rounded = frame.padding..frame.padding + 16 + alignment + pushed;
    match (alignment, pushed) {
        (1.., _) if rounded.contains(&by) => Larger::Realigned,
        (0, 8..) if by <= pushed && rests && !moves_below => Larger::Pushed,
        _ if loaded.records.any_in(function.start..function.end) => Larger::Assembly,
        _ => Larger::Other,
    }
}

/// Each instruction's rsp is what the unwind table says.
fn check_rows(loaded: &Loaded<'_>, function: &Function, frame: &Frame, name: &str, found: &mut Found) {
    // Pushes in inline assembly are not in the tables.
    if loaded.records.switches(function.start) {
        return;
    }
    let calls: Vec<u64> = frame.sites.iter().map(|s| s.at).collect();
    for row in loaded.functions.rows(function) {
        let Some(offset) = row.rsp_offset else { continue };
        for (at, lowest) in frame.points.iter().filter(|(at, _)| row.range.contains(at)) {
            if *lowest == 8 - offset {
                found.agreeing += 1;
            } else if !calls.contains(at) {
                // A `push` or an `add rsp, N` moved up, its note left behind: nobody unwinds from there.
                found.late += 1;
            } else {
                found.disagreeing.push(format!("{name} at {at:#x}: {lowest}, the table says {}", 8 - offset));
            }
        }
    }
}

/// Compares, prints the line of the docs, and demands what the docs promise.
fn check(name: &str, profile: &str, executable: &Path) {
    demand(name, &compare_and_print(name, profile, executable, |_| true));
}

fn demand(name: &str, found: &Found) {
    assert!(
        found.compared() > 100 && found.agreeing > 10_000,
        "{name}: {}, {}",
        found.compared(),
        found.agreeing
    );
    assert!(found.equal * 100 >= found.compared() * 97, "{name}: {:?}", found.larger);
    assert!(found.late * 10_000 <= found.agreeing, "{name}: {} of {}", found.late, found.agreeing);
    assert!(found.unknown.len() as u64 * 100 <= found.compared(), "{name}: {:?}", found.unknown);
}

/// Of those functions; however many are equal, each that is larger has its reason.
fn compare_and_print(name: &str, profile: &str, executable: &Path, counts: impl Fn(&str) -> bool) -> Found {
    let found = compare(executable, counts);
    println!(
        "| {name}, {profile} | {} | {:.2} % | {} | {} | {} | {} | {} | {} | {} |",
        found.compared(),
        100.0 * found.equal as f64 / found.compared() as f64,
        found.of(Larger::Realigned),
        found.of(Larger::Pushed),
        found.of(Larger::Assembly),
        found.of(Larger::Other),
        found.unknown.len(),
        found.agreeing,
        found.late,
    );
    assert!(found.others.is_empty(), "{name}: {:?}", found.others);
    assert!(found.disagreeing.is_empty(), "{name}: {:?}", found.disagreeing);
    if !found.unknown.is_empty() {
        println!("not followed in {name}, {profile}: {:#?}", found.unknown);
    }
    found
}

fn profile(release: bool) -> &'static str {
    if release { "release" } else { "dev" }
}

/// Of the everyday functions, those that are there to pass arguments on the stack.
const PASSING: [&str; 2] = ["fixture::arguments::", "fixture::everyday::foreign"];

#[test]
fn of_the_everyday_functions() {
    for release in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let way = Build { flags: SIZES, release, ..Build::default() };
        let executable = way.executable("fixture", folder.path());
        let on_the_stack = |name: &str| PASSING.iter().any(|part| name.contains(part));
        let (name, profile) = ("everyday functions", profile(release));
        demand(name, &compare_and_print(name, profile, &executable, |name| !on_the_stack(name)));
        let found = compare_and_print("stack arguments on purpose", profile, &executable, on_the_stack);
        assert!(found.compared() >= 20, "{}", found.compared());
    }
}

/// A package from crates.io, as its users install it.
fn installed(package: &str, executable: &str, release: bool) -> PathBuf {
    let root = target_folder().join("installed").join(profile(release));
    let way =
        Build { flags: SIZES, release: false, config: &["profile.release.strip=false"], ..Build::default() };
    let mut cargo = way.with("install");
    cargo.args(["--locked", "--no-track", "--force", package, "--root"]).arg(&root);
    if !release {
        cargo.arg("--debug");
    }
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    root.join("bin").join(executable)
}

#[test]
fn of_a_program_from_crates_io() {
    check("hexyl 0.17.0", "dev", &installed("hexyl@0.17.0", "hexyl", false));
}

/// Expensive to build. Long: set `VTHREAD_LONG_TESTS=1`.
#[test]
fn of_large_programs() {
    if std::env::var_os("VTHREAD_LONG_TESTS").is_none() {
        return;
    }
    check("hexyl 0.17.0", "release", &installed("hexyl@0.17.0", "hexyl", true));
    for release in [false, true] {
        check("vthread-bounds", profile(release), &ours(".", "vthread-bounds", release));
        check("zork", profile(release), &ours("../workload", "zork", release));
        check("ripgrep 15.2.0", profile(release), &installed("ripgrep@15.2.0", "rg", release));
    }
}

/// A program of this workspace.
fn ours(package: &str, executable: &str, release: bool) -> PathBuf {
    let way = Build { flags: SIZES, release, ..Build::default() };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(package).join("Cargo.toml");
    let output = way
        .with("build")
        .args(["--bin", executable, "--manifest-path"])
        .arg(manifest)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    way.made(executable)
}
