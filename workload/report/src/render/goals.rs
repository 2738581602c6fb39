//! What was to be reached, and what is: a line each, met or not.

use super::table::number;
use crate::data::Results;
use std::fmt::Write as _;

/// A figure of ours, alone or for one of a peer's.
#[derive(Clone, Copy)]
struct Figure {
    part: &'static str,
    item: &'static str,
    metric: &'static str,
    x: Option<f64>,
    peer: Option<&'static str>,
}

impl Figure {
    const fn new(part: &'static str, item: &'static str, metric: &'static str) -> Self {
        Self { part, item, metric, x: None, peer: None }
    }

    const fn at(self, x: f64) -> Self {
        Self { x: Some(x), ..self }
    }

    const fn per(self, peer: &'static str) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// `None` where it was not measured.
    fn value(self, results: &Results) -> Option<f64> {
        let rows = &results.part(self.part)?.rows;
        let row = |peer: &str| {
            rows.iter().find(|row| {
                row.item == self.item && row.metric == self.metric && row.x == self.x && row.peer == peer
            })
        };
        let ours = row("vthread")?;
        let Some(peer) = self.peer else { return Some(ours.value) };
        let theirs = row(peer)?;
        // Within rounds, where there were rounds.
        Some(theirs.ratio.map_or(ours.value / theirs.value, |ratio| 1.0 / ratio))
    }
}

/// Ours to theirs.
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}
use Bound::{AtLeast, AtMost};

/// What, which figure, the goal, and what keeps us from it where it is missed.
struct Goal(&'static str, Figure, Bound, &'static str);

const fn time(item: &'static str, peer: &'static str) -> Figure {
    Figure::new("micro", item, "time").per(peer)
}

const fn hot(corpus: &'static str, peer: &'static str) -> Figure {
    Figure::new("search", corpus, "wall").per(peer)
}

const fn cold(corpus: &'static str, peer: &'static str) -> Figure {
    Figure::new("search", corpus, "cold wall").per(peer)
}

const fn peak(corpus: &'static str) -> Figure {
    Figure::new("search", corpus, "peak memory")
}

const fn waiting(n: f64) -> Figure {
    Figure::new("memory", "waiting", "memory").at(n)
}

const SWITCH: &str = "seven instructions each way, the rest is the loop; rbp and the handle are stored and loaded again, and the processor foresees that or waits for it, by where code and stacks lie (ARCHITECTURE.md has the forms that were tried)";
const MESSAGE: &str = "{ping-pong / 2} instructions a message, {switch / 2} of them the switch; a send and a receive each check for cancellation, panics, other carriers and closed ends, and put into a list who waits for what, so that any thread may come and a deadlock can be told of";
const SPAWN: &str = "{spawn} instructions, none of them atomic; when they were looked at one by one, of 408, 80 make and queue a task, 90 wait for its end, 60 give it a stack, 128 run it, keep its result, wake and give the stack back, 50 hand the result over and keep the task for the next; the bound leaves some 100 for all of it";
const WAITING: &str = "registers, record, wait and closure are 184 bytes on the stack, what it needs when it goes on and the deepest call of its end 56, which makes a chunk of 240, and a task that may outlive it keeps 104";
const CALL: &str = "the stack is changed back after the callee, so there are two calls and two returns where a plain virtual call has one, and these are most of it; a chunk adds a cycle or two (ARCHITECTURE.md)";
const FLOOR: &str = "the floor makes the same calls; what else we do (names apart from descriptors, their budget, signals, a command line, two carriers started) is many small parts (ARCHITECTURE.md has them, measured)";
const POOL: &str = "the kernel does four fifths of the work, the same for everyone";
const COLD: &str = "both wait for the disk: what a file costs our processors is not what is short (`cold processor`), but how many are waited for at a time (ARCHITECTURE.md)";

const GOALS: &[Goal] = &[
    Goal("switch, time for corosensei's", time("switch", "corosensei"), AtMost(0.55), SWITCH),
    Goal(
        "switch, instructions for corosensei's",
        Figure::new("micro", "switch", "instructions").per("corosensei"),
        AtMost(0.65),
        SWITCH,
    ),
    Goal("yield, time for tokio's", time("yield", "tokio"), AtMost(0.05), MESSAGE),
    Goal("ping-pong, time for tokio's", time("ping-pong", "tokio"), AtMost(0.04), MESSAGE),
    Goal("ping-pong, time for Go's", time("ping-pong", "go"), AtMost(0.03), MESSAGE),
    Goal("spawn, run, join: time for tokio's", time("spawn", "tokio"), AtMost(0.06), SPAWN),
    Goal("spawn, run, join: time for rayon's", time("spawn", "rayon"), AtMost(0.2), SPAWN),
    Goal(
        "wake from a thread of the system, time for tokio's",
        time("wake", "tokio"),
        AtMost(1.0),
        "both are a futex",
    ),
    Goal("call on a fresh chunk, time for a plain virtual call's", time("call", "plain"), AtMost(2.0), CALL),
    Goal(
        "call on a fresh chunk, time for a call's with malloc",
        time("call", "plain with malloc"),
        AtMost(0.25),
        CALL,
    ),
    Goal("call on a fresh chunk, time for a boxed future's", time("call", "tokio"), AtMost(0.2), CALL),
    Goal("a million waiting, memory for tokio's", waiting(1e6).per("tokio"), AtMost(0.5), WAITING),
    Goal("ten million waiting, bytes each", waiting(1e7), AtMost(270.0), WAITING),
    Goal(
        "a million woken in random order, time for boxed futures'",
        Figure::new("growth", "random wake", "time each").at(1e6).per("boxed futures"),
        AtMost(1.0),
        "five lines of memory that are in no cache: task, stack twice, a neighbour in the carrier's list, the allocator's header; a future is one. Who is woken next is not known before: to prefetch the stacks of the queue took 114 ns instead of 116",
    ),
    Goal(
        "fan-out, speed-up by a second carrier",
        Figure::new("scaling", "fan-out", "speed-up on two"),
        AtLeast(1.8),
        "starts are made by one vthread",
    ),
    Goal("wide, time for the floor's", hot("wide", "floor"), AtMost(1.05), FLOOR),
    Goal("flat, time for the floor's", hot("flat", "floor"), AtMost(1.05), FLOOR),
    Goal("deep, time for the floor's", hot("deep", "floor"), AtMost(1.05), FLOOR),
    Goal("mix, time for the floor's", hot("mix", "floor"), AtMost(1.05), FLOOR),
    Goal("json-heavy, time for the floor's", hot("json-heavy", "floor"), AtMost(1.05), FLOOR),
    Goal("wide, time for tokio's", hot("wide", "tokio"), AtMost(1.0 / 6.0), POOL),
    Goal("mix, time for tokio's", hot("mix", "tokio"), AtMost(0.2), POOL),
    Goal("wide, time for tokio-batched's", hot("wide", "tokio-batched"), AtMost(1.0 / 1.15), POOL),
    Goal("wide, time for os-threads'", hot("wide", "os-threads"), AtMost(1.0 / 1.15), POOL),
    Goal("wide, time for rg's", hot("wide", "rg"), AtMost(1.0 / 1.4), POOL),
    Goal("big, time for rg's", hot("big", "rg"), AtMost(1.0 / 1.2), POOL),
    Goal("wide, cold, time for tokio's", cold("wide", "tokio"), AtMost(1.0 / 1.7), COLD),
    Goal("wide, cold, time for rg -j32's", cold("wide", "rg -j32"), AtMost(1.0 / 1.3), COLD),
    Goal("wide, cold, time for rg's", cold("wide", "rg"), AtMost(1.0 / 3.0), COLD),
    Goal("wide, peak memory, MB", peak("wide"), AtMost(8.0), POOL),
    Goal("deep, peak memory, MB", peak("deep"), AtMost(8.0), POOL),
    Goal("json-heavy, peak memory, MB", peak("json-heavy"), AtMost(8.0), POOL),
    Goal(
        "wide, peak memory for tokio's",
        peak("wide").per("tokio"),
        AtMost(1.0 / 30.0),
        "four of our five megabytes are pages of the executable and its libraries (ARCHITECTURE.md)",
    ),
];

/// A table. What was not measured is left out.
pub(super) fn table(results: &Results) -> String {
    let mut text = String::from("| goal | bound | reached | |\n|---|---|---|---|\n");
    for Goal(what, figure, bound, why) in GOALS {
        let Some(value) = figure.value(results) else { continue };
        let (bound, is_met) = match bound {
            AtMost(bound) => (format!("≤ {}", number(*bound)), value <= *bound),
            AtLeast(bound) => (format!("≥ {}", number(*bound)), value >= *bound),
        };
        let verdict = if is_met { "met".to_owned() } else { format!("missed: {}", counted(why, results)) };
        let _ = writeln!(text, "| {what} | {bound} | {} | {verdict} |", number(value));
    }
    text
}

/// The text with the instructions of the operations that it names in braces.
fn counted(text: &str, results: &Results) -> String {
    let of = |item| Figure::new("micro", item, "instructions").value(results);
    let counts = [
        ("{ping-pong / 2}", of("ping-pong").map(|n| n / 2.0)),
        ("{switch / 2}", of("switch").map(|n| n / 2.0)),
        ("{spawn}", of("spawn")),
    ];
    counts.into_iter().fold(text.to_owned(), |text, (name, count)| {
        text.replace(name, &count.map_or_else(|| "(not counted)".to_owned(), |n| format!("{n:.0}")))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_come_from_the_results() {
        let mut results = crate::render::example::results();
        let text = super::counted(super::MESSAGE, &results);
        assert!(text.starts_with("(not counted) instructions"), "{text}");
        let count = |(item, n)| crate::data::Row::once(item, "vthread", "instructions", "", n);
        let micro = results.parts.iter_mut().find(|part| part.name == "micro").expect("micro");
        micro.rows.extend([("ping-pong", 350.0), ("switch", 22.0), ("spawn", 400.0)].map(count));
        let text = super::counted(super::MESSAGE, &results);
        assert!(text.starts_with("175 instructions a message, 11 of them"), "{text}");
    }

    #[test]
    fn a_goal_is_met_or_says_why_not() {
        let text = super::table(&crate::render::example::results());
        // Ours 5, tokio's 100; ours 110, rg's 168.
        assert!(text.contains("| yield, time for tokio's | ≤ 0.05 | 0.05 | met |"), "{text}");
        assert!(text.contains("| wide, time for rg's | ≤ 0.71 | "), "{text}");
        assert!(!text.contains('{'), "all counts are filled in: {text}");
        assert!(!text.contains("corosensei"), "who was not measured has no line: {text}");
    }
}
