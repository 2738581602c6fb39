//! What each decision is worth: the same work with it and without.

use super::probe;
use super::turns::{Rounds, Turns};
use crate::data::{Part, Row};
use crate::tools::{self, Peer};
use anyhow::Result;
use std::time::Duration;

/// Question, unit, number of things, and the ways: what they are called, the peer and the item of the probe. The first is what we do.
type Question = (&'static str, u64, &'static [(&'static str, &'static str, &'static str)]);

const TIMES: [Question; 6] = [
    (
        "where chunks come from: a virtual call",
        200_000,
        &[
            ("pool", "vthread", "call"),
            ("arena", "vthread", "call arena"),
            ("malloc", "vthread", "call heap"),
        ],
    ),
    (
        "where chunks come from: a level of recursion",
        20_000,
        &[("pool", "vthread", "depth"), ("malloc", "vthread", "depth heap")],
    ),
    (
        "one chunk for eight calls",
        800_000,
        &[
            ("merged", "vthread", "merged"),
            ("a chunk each", "vthread", "unmerged"),
            ("no vthread", "plain", "merged"),
        ],
    ),
    (
        "calls without a bound: formatting a number",
        80_000,
        &[
            ("hop", "vthread", "format"),
            ("large stack", "vthread", "format large"),
            ("no vthread", "plain", "format"),
        ],
    ),
    (
        "the context word: a virtual call",
        800_000,
        &[
            ("flag 1, on a chunk", "vthread", "call"),
            ("flag 0", "plain", "call"),
            ("no attribute", "plain", "bare call"),
        ],
    ),
    (
        "the context word: a level of recursion",
        20_000,
        &[("flag 1, on a chunk", "vthread", "depth"), ("flag 0", "plain", "depth")],
    ),
];

const MEMORY: [Question; 2] = [
    (
        "where chunks come from: a waiting thread",
        100_000,
        &[("pool", "vthread", "live"), ("malloc", "vthread", "live heap")],
    ),
    (
        "calls without a bound: a waiting thread",
        10_000,
        &[("hop", "vthread", "live"), ("large stack", "vthread", "live large")],
    ),
];

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let program = tools::probe()?;
    let rounds = if quick { Rounds::exactly(7) } else { Rounds::between(9, 31) };
    for (questions, is_memory) in [(&TIMES[..], false), (&MEMORY[..], true)] {
        for (question, n, ways) in questions {
            let mut turns = Turns::new(rounds, ways.iter().map(|way| way.0.to_owned()));
            while let Some(i) = turns.next() {
                let (way, peer, item) = ways[i];
                match probe(&Peer::of_probe(&program, peer), item, *n, Duration::from_secs(30)) {
                    Ok(said) if is_memory => {
                        let (before, with) = said.resident.unwrap_or_default();
                        turns.found((with - before) / *n as f64);
                    }
                    Ok(said) => turns.found(said.wall_ns / *n as f64),
                    Err(why) => {
                        part.missing(&format!("{question}: {way}"), format!("{why:#}"));
                        turns.is_out();
                    }
                }
            }
            let (metric, unit) = if is_memory { ("memory", "B") } else { ("time", "ns") };
            part.rows.extend(Row::compared(question, metric, unit, &turns.samples()));
        }
    }
    Ok(())
}
