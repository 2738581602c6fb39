//! The hot paths take no more instructions than they did: counted by cachegrind, so that a slow-down shows without a clock. Nor does a vthread
//! that waits take more memory: `waiting`, in bytes, everything included.
//!
//! The counts are pinned in `hot_paths.txt` beside this file. Whoever changes them on purpose, or compiles with another
//! compiler, writes them anew:
//!
//! ```text
//! VTHREAD_PIN=1 cargo test -p vale-threads-tests --test hot_paths
//! ```
//!
//! What is counted is `zork-probe`, in release: it does one thing N times. The difference of two runs is the cost of one, and
//! start-up drops out of it.

mod finished;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};
use object::{Object, ObjectSection, ObjectSymbol};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Not a descent: what goes deeper than ever needs memory, and where there is a valgrind it is told of that.
const ITEMS: [&str; 10] =
    ["switch", "yield", "call", "small call", "hop", "format", "ping-pong", "call-reply", "stream", "spawn"];

const PINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hot_paths.txt");

/// Of a count. Code that is laid out otherwise may need a move more or less.
const TOLERANCE: f64 = 0.03;

/// Of many that wait at a time: with fewer, what is there once for all of them shows.
const WAITING: u64 = 300_000;

/// What is wrong with `counts`, item by item; empty if nothing is.
fn slower(pins: &[(String, f64)], counts: &[(&str, f64)]) -> String {
    let mut wrong = String::new();
    for (item, count) in counts {
        match pins.iter().find(|pin| pin.0 == *item) {
            Some((_, pin)) if *count > pin * (1.0 + TOLERANCE) + 1.0 => {
                let _ = writeln!(wrong, "{item}: {count:.1} instructions or bytes, pinned are {pin:.1}");
            }
            Some((_, pin)) if *count < pin * (1.0 - TOLERANCE) - 1.0 => {
                eprintln!("{item}: {count:.1}, pinned are {pin:.1}: fewer, pin them");
            }
            Some(_) => {}
            None => {
                let _ = writeln!(wrong, "{item}: {count:.1}, and nothing is pinned");
            }
        }
    }
    wrong
}

/// `ITEM COUNT`, a line each; lines with `#` are comments.
fn parse(text: &str) -> Vec<(String, f64)> {
    let line = |line: &str| {
        let (item, count) = line.rsplit_once(' ')?;
        Some((item.to_owned(), count.trim().parse().ok()?))
    };
    text.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
}

/// The probe, built as its users would: for release, without peers.
fn probe() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hot-paths");
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "build",
        "--quiet",
        "--release",
        "-p",
        "zork-probe",
        "--no-default-features",
        "--target-dir",
    ]);
    // Flags for tests, for example of coverage, are not what is measured.
    command.arg(&target).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(built.status.success(), "zork-probe: {}", String::from_utf8_lossy(&built.stderr));
    target.join("release/zork-probe")
}

/// Instructions of doing it `n` times, start-up included.
fn instructions(probe: &Path, item: &str, n: u32) -> f64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command.arg(probe).args(["vthread", item, &n.to_string()]);
    let output = command.output().unwrap_or_else(|error| {
        panic!("valgrind counts the instructions, and cannot be run ({error}): install it, as .ci/run does")
    });
    let (said, answer) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{item}: {said}");
    assert_eq!(answer.split(' ').nth(1), Some(&*n.to_string()), "the answer of {item}");
    let line = said.lines().find(|line| line.contains("I ") && line.contains("refs:"));
    let count = line.and_then(|line| line.rsplit(':').next()?.trim().replace(',', "").parse().ok());
    count.unwrap_or_else(|| panic!("valgrind printed no count: {said}"))
}

/// Bytes of memory that one of many vthreads takes which wait for a permit.
fn bytes_of_a_wait(probe: &Path) -> f64 {
    let output = Command::new(probe).args(["vthread", "live", &WAITING.to_string()]).output();
    let said = String::from_utf8(output.expect("the probe runs").stdout).expect("digits");
    let numbers: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [WAITING, _, before, with] = numbers[..] else { panic!("zork-probe said {said}") };
    (with - before) as f64 / WAITING as f64
}

#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "counts are those of x86-64")]
fn hot_paths_take_no_more_instructions_than_pinned() {
    let probe = probe();
    let cost = |item: &'static str| {
        let [few, many] = [800, 4000].map(|n| instructions(&probe, item, n));
        (item, (many - few) / 3200.0)
    };
    let mut counts = ITEMS.map(cost).to_vec();
    counts.push(("waiting", bytes_of_a_wait(&probe)));
    if std::env::var_os("VTHREAD_PIN").is_some() {
        let mut text = String::from(
            "# Instructions of each hot path, and bytes of a vthread that waits, written by `VTHREAD_PIN=1`: see hot_paths.rs.\n",
        );
        for (item, count) in counts {
            let _ = writeln!(text, "{item} {count:.1}");
        }
        std::fs::write(PINS, text).expect("the pins are written");
        return;
    }
    let pins = parse(&std::fs::read_to_string(PINS).expect("hot_paths.txt is beside this file"));
    let wrong = slower(&pins, &counts);
    assert!(
        wrong.is_empty(),
        "slower than pinned; if that is meant, run this test with VTHREAD_PIN=1\n{wrong}"
    );
}

/// The compiler has it go through a slot, which takes a cycle of twelve and no instruction more; the link step names it.
#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "the machine code is x86-64's")]
fn a_wrapper_goes_onto_its_chunk_directly() {
    let (assembly, _) = function_of_probe("__morestack");
    let (_, wrapper) = function_of_probe("__chunk_work");
    let leaves: Vec<_> =
        wrapper.iter().filter(|i| i.is_jmp_near()).map(Instruction::near_branch_target).collect();
    assert!(leaves.contains(&assembly), "no jump to {assembly:#x}: {leaves:x?}");
}

/// What is small is not entered on a chunk at all: the first branch of its wrapper leads to where it is called in place, wherever that is.
#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "the machine code is x86-64's")]
fn what_is_small_is_called_in_place() {
    let (entry, _) = function_of_probe("__enter_small_work");
    let (_, wrapper) = function_of_probe("__chunk_small_work");
    let jump = wrapper.iter().find(|i| i.flow_control() != FlowControl::Next).expect("a branch");
    assert_eq!(jump.flow_control(), FlowControl::UnconditionalBranch, "{wrapper:?}");
    let there = wrapper.iter().skip_while(|i| i.ip() != jump.near_branch_target());
    let mut leaves = there.skip_while(|i| i.flow_control() == FlowControl::Next);
    assert_eq!(leaves.next().map(Instruction::near_branch_target), Some(entry), "{wrapper:?}");
    // What needs more is not.
    let (_, wrapper) = function_of_probe("__chunk_work");
    let jump = wrapper.iter().find(|i| i.flow_control() != FlowControl::Next).expect("a branch");
    assert_eq!(jump.flow_control(), FlowControl::ConditionalBranch, "{wrapper:?}");
}

/// What the link step wrote is what an analysis of the finished program finds, with what is called in place by now.
#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "the machine code is x86-64's")]
fn the_finished_program_needs_what_was_written() {
    let in_place = finished::callers_in_place(&probe());
    assert!(in_place.iter().any(|name| name.contains("__chunk_small_work")), "{in_place:?}");
    assert!(!in_place.iter().any(|name| name.contains("__chunk_work")), "{in_place:?}");
}

/// Where the probe's only function with a symbol like this begins, and its instructions.
fn function_of_probe(part: &str) -> (u64, Vec<Instruction>) {
    let bytes = std::fs::read(probe()).expect("the probe");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let symbol = file.symbols().find(|s| s.size() > 0 && s.name().is_ok_and(|n| n.contains(part)));
    let symbol = symbol.unwrap_or_else(|| panic!("the probe has no {part}"));
    let section = symbol.section_index().and_then(|i| file.section_by_index(i).ok()).expect("a section");
    let code = section.data_range(symbol.address(), symbol.size()).expect("readable").expect("code");
    let decoder = Decoder::with_ip(64, code, symbol.address(), DecoderOptions::NONE);
    (symbol.address(), decoder.into_iter().collect())
}

#[test]
fn the_gate_closes() {
    let pins = parse("# comment\nswitch 22.0\nyield 100.0\n");
    assert_eq!(slower(&pins, &[("switch", 22.0), ("yield", 103.0)]), "");
    assert_eq!(slower(&pins, &[("switch", 10.0)]), "", "faster is no fault");
    assert!(
        slower(&pins, &[("yield", 105.0)]).contains("yield: 105.0 instructions or bytes, pinned are 100.0")
    );
    assert!(slower(&pins, &[("hop", 1.0)]).contains("nothing is pinned"));
}
