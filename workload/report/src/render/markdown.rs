//! `BENCHMARKS.md`.

use super::table::{cell, full, pivot};
use super::{favours, goals};
use crate::data::{Machine, Part, Results, Row};
use std::fmt::Write as _;

/// The whole page. `drawn`: names of the pictures that there are.
pub(crate) fn benchmarks(results: &Results, drawn: &[String]) -> String {
    let mut text = String::from(
        "# Benchmarks\n\nWritten by `cargo run --release -p zork-report -- all` (about an hour; `--quick` for a quarter of an hour of it; `--resume` goes on where one was \
         ended); every figure, and how many runs it is of, is in [docs/results.json](docs/results.json). Peers run in turns, A B A B, and every answer \
         is checked. A cell is the median, the quartiles in parentheses, and × the ratio to the first column, taken within rounds: above 1 is more than \
         ours. A whole run repeats each comparison until the ratio is known to ±3 % (95 % confidence, five rounds at least), but at most 21 times (31 for \
         single operations, 9 with cold files), and a peer that has taken 20 seconds of it runs no more, once it has run three times (single operations: nine; memory: \
         once): who takes long is run seldom. With nothing in memory everyone runs three times. A quick run does everything a few times, on smaller trees. \
         Compare ratios, not times of different machines.\n",
    );
    let _ = write!(text, "\n## Where\n\n{}.\n\n", place(&results.machine));
    text.push_str("| part | run | commit | begun | seconds |\n|---|---|---|---|---|\n");
    for part in &results.parts {
        let run = if part.quick { "quick" } else { "whole" };
        let commit = if part.commit.is_empty() { &results.commit } else { &part.commit };
        let (name, date, seconds) = (&part.name, &part.date, part.seconds);
        let _ = writeln!(text, "| {name} | {run} | {} | {date} | {seconds:.0} |", cell(commit));
    }
    text.push('\n');
    for (name, version) in &results.versions {
        let _ = writeln!(text, "- {name}: {version}");
    }
    text.push_str("\n## What to hold against it\n\n");
    for bias in favours::BIAS {
        let _ = writeln!(text, "- {bias}");
    }
    text.push_str("\n## Goals\n\nSet before anything was built, from proofs that did less than the whole does. Ours for one of the peer's.\n\n");
    text.push_str(&goals::table(results));
    text.push_str("\n## Where we lose\n\n");
    let losses = favours::losses(results);
    if losses.is_empty() {
        text.push_str("Nowhere in this run.\n");
    }
    for loss in &losses {
        let _ = writeln!(text, "- {}", cell(loss));
    }
    missing(results, &mut text);
    for part in &results.parts {
        section(part, &results.machine, drawn, &mut text);
    }
    text
}

/// A machine, in a line.
fn place(machine: &Machine) -> String {
    let Machine { processor, cores, memory_gib, kernel, file_system } = machine;
    format!("{processor}, {cores} processors, {memory_gib:.0} GiB, Linux {kernel}, {file_system}")
}

fn missing(results: &Results, text: &mut String) {
    text.push_str("\n## What is missing\n\n");
    let mut lines: Vec<String> = vec![];
    for part in &results.parts {
        if let Some(why) = &part.failed {
            lines.push(format!("- **{} failed**: {}", part.name, cell(why)));
        }
        lines.extend(
            part.missing.iter().map(|m| format!("- {}: {}: {}", part.name, cell(&m.what), cell(&m.why))),
        );
    }
    if lines.is_empty() {
        lines.push("Nothing.".to_owned());
    }
    for line in &lines {
        let _ = writeln!(text, "{line}");
    }
}

/// What a part is called, and what it tells.
fn heading(name: &str) -> (&str, &str) {
    match name {
        "search" => (
            "The search",
            "Whole processes, from start to end; the first column is the default engine. `floor`: a hand-written loop on two threads that knows its \
                 corpora and gives up at the first error; it opens, reads and closes one file after the other, and `floor, 16 at a time` sixteen together, as all engines but `tokio` do. Where nothing is said of cold, all is in memory: right before each run the floor reads it, in nobody's time, because \
                 a kernel may put away within seconds what nobody uses, and a run that it had to fetch something for is made again, three times at most. Cold: the bytes of files are out of memory, names and inodes in it. All cold: nothing is in memory.",
        ),
        "memory" => (
            "Memory of threads that wait",
            "Each waits for a permit of a semaphore (or what is nearest), has passed nothing yet, and gets it in the end.",
        ),
        "micro" => (
            "Single operations",
            "`switch`: to another stack and back; ours stores who is parked in memory, where others find it, as the scheduler does, a coroutine's handle is \
             where the compiler keeps it. `yield`: two take turns. `spawn`: and join. `ping-pong`, `call-reply`: a value there and one \
             back. `stream`: by a channel with room for 64. `wake`: between a virtual and an ordinary thread, there and back. `.. across`: the same \
             as without, with one side on another thread of the system: ours on a second carrier; tokio's on a current-thread runtime each, because tasks of one runtime \
             move to whoever wakes them; Go's with one goroutine locked to a thread. `timer`: a sleep of a \
             millisecond, a hundred at a time, processor time. `call`: a virtual call of what has room for sixteen words on its stack and uses four (ours on a fresh chunk, `plain` the same code with flag 0, tokio a \
             boxed future). `small call`: of what uses one (ours in place). `hop`: a call carried out on the hop stack. `format`: a number, with the hops that it needs. These, the calls, `hop` and the switches never wait: their time is the processor's.",
        ),
        "growth" => (
            "As work grows",
            "`tasks`: all are started, then all joined. `random wake`: so many wait, and are woken one after the other in random order; `boxed futures` are \
             polled in that order by a loop, without a queue or wakers. `depth`: recursion; `plain` without virtual threads. `width`: files in one directory.",
        ),
        "build" => (
            "What the link step costs",
            "The same objects, linked with it and without; and what a programmer waits for after a change of one file, compiling the last crate in release and \
             linking it. The step writes in place, so the sizes are the same; what it needs is in both: the runtime's \
             pools of stubs take about 120 kB of every program.",
        ),
        "bounds" => (
            "Bounds",
            "What `vthread-bounds` proves, and what painted stacks show to have been used by the few entries that run here. A function is unknown if anything that it \
             calls is: an entry is not, because such calls hop. How near bounds are to what about a hundred everyday functions use: \
             [build-support/docs/reality.md](build-support/docs/reality.md); frames beside LLVM's: [build-support/docs/frames.md](build-support/docs/frames.md).",
        ),
        "ablations" => ("What each decision is worth", "The first column is what is done."),
        "scaling" => (
            "Scaling",
            "Measured on one and on two processors; `fan-out`: 10,000 tasks of about 10 microseconds each, on one and on two carriers or workers. **What is beyond two is a model** (the universal scalability law through the measured point, if \
             all that is lost is serial work, and if all is coherence), not a measurement.",
        ),
        other => (other, ""),
    }
}

fn section(part: &Part, machine: &Machine, drawn: &[String], text: &mut String) {
    let (title, about) = heading(&part.name);
    let run = if part.quick { ", a quick run" } else { "" };
    let _ = write!(text, "\n## {title}\n\n{about} ({:.0} s{run})\n", part.seconds);
    if part.machine != *machine && part.machine != Machine::default() {
        let _ = write!(text, "\n**Measured elsewhere**: {}.\n", place(&part.machine));
    }
    if drawn.contains(&part.name) {
        let _ = write!(text, "\n![{title}](docs/plots/{}.svg)\n", part.name);
    }
    if let Some(why) = &part.failed {
        let _ = write!(text, "\nFailed: {}\n", cell(why));
    }
    // A table for each thing that is measured; where sizes vary, for each item too.
    let mut tables: Vec<(String, Vec<&Row>)> = vec![];
    for row in part.rows.iter().filter(|row| row.metric != "log") {
        let unit = if row.unit.is_empty() { String::new() } else { format!(", {}", row.unit) };
        let name = if row.x.is_some() || part.name == "bounds" {
            format!("{}: {}{unit}", row.item, row.metric)
        } else {
            format!("{}{unit}", row.metric)
        };
        match tables.iter_mut().find(|table| table.0 == name) {
            Some(table) => table.1.push(row),
            None => tables.push((name, vec![row])),
        }
    }
    for (name, rows) in &tables {
        let _ = write!(text, "\n### {name}\n\n");
        let corner = if rows.iter().any(|row| row.x.is_some()) { "number" } else { "" };
        if part.name == "bounds" {
            // Many peers, one line: the other way round reads better.
            text.push_str("| | |\n|---|---|\n");
            for row in rows {
                let _ = writeln!(text, "| {} | {} |", cell(&row.peer), full(row));
            }
        } else {
            text.push_str(&pivot(rows, corner, full));
        }
        let notes = rows.iter().filter(|row| !row.note.is_empty());
        let mut said: Vec<String> = notes.map(|row| format!("{}: {}", row.peer, row.note)).collect();
        said.dedup();
        if name.contains("model") {
            said.clear();
        }
        for note in &said {
            let _ = write!(text, "\n- {}", cell(note));
        }
        if !said.is_empty() {
            text.push('\n');
        }
    }
    for row in part.rows.iter().filter(|row| row.metric == "log") {
        let _ =
            write!(text, "\n`{}`: linked in {}.\n", row.item, cell(row.note.trim().trim_end_matches('.')));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_everything() {
        let text = benchmarks(&crate::render::example::results(), &["memory".to_owned()]);
        for wanted in [
            "Zilog Z80, 2 processors, 24 GiB",
            "| search | quick | 0123456789ab |  | 0 |",
            "| micro | whole | ba9876543210 | 2026-01-02 03:04 UTC | 60 |",
            "**Measured elsewhere**: Motorola 68000, 1 processors",
            "- rustc: rustc 1.95.0",
            "- micro: java: no javac \\| at all",
            "- **build failed**: it fell over",
            "![Memory of threads that wait](docs/plots/memory.svg)",
            "### wall, ms\n\n|  | tokio-batched | vthread | rg |",
            "| wide | 100 (95.0 to 105) ×1.00 |",
            "×1.68",
            "### waiting: memory, B\n\n| number | vthread | tokio | go |",
        ] {
            assert!(text.contains(wanted), "{wanted}\n---\n{text}");
        }
        assert!(!text.contains("plots/search"), "no picture that was not drawn");
    }
}
