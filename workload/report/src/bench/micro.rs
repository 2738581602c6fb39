//! What single operations cost.

use super::probe;
use super::turns::{Rounds, Turns};
use crate::cachegrind;
use crate::data::{Part, Row};
use crate::tools::{self, Peer};
use anyhow::Result;
use std::time::Duration;

/// Item, and which of the peers in the probe do it. Ours is the first.
const ITEMS: [(&str, &[&str]); 14] = [
    ("switch", &["vthread", "corosensei"]),
    ("yield", &["vthread", "tokio", "tokio, 2 workers", "async-executor", "os-threads"]),
    (
        "spawn",
        &[
            "vthread",
            "tokio",
            "tokio, 2 workers",
            "async-executor",
            "rayon",
            "os-threads",
            "exact-os-threads",
        ],
    ),
    ("ping-pong", &["vthread", "tokio", "tokio, 2 workers", "async-executor", "os-threads"]),
    ("call-reply", &["vthread", "tokio", "tokio, 2 workers", "async-executor", "os-threads"]),
    ("stream", &["vthread", "tokio", "tokio, 2 workers", "async-executor", "os-threads"]),
    ("wake", &["vthread", "tokio", "tokio, 2 workers", "os-threads"]),
    ("ping-pong across", &["vthread", "tokio", "os-threads"]),
    ("stream across", &["vthread", "tokio", "os-threads"]),
    ("timer", &["vthread", "tokio", "os-threads"]),
    ("call", &["vthread", "plain", "plain with malloc", "tokio"]),
    ("small call", &["vthread", "plain", "tokio"]),
    ("hop", &["vthread", "plain"]),
    ("format", &["vthread", "plain"]),
];

/// Whose instructions say little: they wait for each other, asleep or not.
const OF_SEVERAL_THREADS: [&str; 4] = ["wake", "ping-pong across", "stream across", "timer"];

/// Which items those outside of the workspace do.
fn does(peer: &str, item: &str) -> bool {
    match item {
        "yield" | "spawn" | "ping-pong" | "call-reply" | "stream" | "timer" => true,
        "wake" | "ping-pong across" | "stream across" => peer == "go",
        _ => false,
    }
}

const MOST: Duration = Duration::from_secs(30);

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let program = tools::probe()?;
    let valgrind = tools::system("valgrind", "valgrind", part);
    let foreign = tools::foreign(part);
    for (item, names) in ITEMS {
        part.share(item, |part| {
            let mut peers: Vec<Peer> = names.iter().map(|name| Peer::of_probe(&program, name)).collect();
            peers.extend(foreign.iter().filter(|p| does(&p.name, item)).cloned());
            let rows = times(item, &peers, quick, part);
            part.rows.extend(rows);
            if valgrind.is_some() && !OF_SEVERAL_THREADS.contains(&item) {
                counts(item, &peers, part);
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn counts(item: &str, peers: &[Peer], part: &mut Part) {
    // Where several threads of the system take part, who idles how long is chance.
    for peer in
        peers.iter().filter(|p| p.countable && !p.name.contains("threads") && !p.name.contains("workers"))
    {
        match count(peer, item) {
            Ok(count) => part.rows.push(Row::once(item, &peer.name, "instructions", "", count)),
            Err(why) => {
                part.missing(&format!("instructions of {item} by {}", peer.name), format!("{why:#}"));
            }
        }
    }
}

fn count(peer: &Peer, item: &str) -> Result<f64> {
    cachegrind::per_turn(peer.program(), |n| peer.arguments(of_probe(&peer.name, item), n), 800, 4000)
}

/// How the probe calls it.
fn of_probe<'a>(peer: &str, item: &'a str) -> &'a str {
    match (peer, item) {
        // The same loop, without the hop.
        ("plain", "hop") => "nothing",
        _ => item,
    }
}

/// Nanoseconds an operation, in turns.
fn times(item: &str, peers: &[Peer], quick: bool, missing: &mut Part) -> Vec<Row> {
    let (rounds, target_ns) = if quick { (Rounds::exactly(7), 15e6) } else { (Rounds::between(9, 31), 60e6) };
    let metric = if item == "timer" { "processor time" } else { "time" };
    let cost = |peer: &Peer, n: u64| {
        let said = probe(peer, of_probe(&peer.name, item), n, MOST)?;
        // Who sleeps takes no time of the processor: that is what a timer costs. What one thread does that never waits takes the same
        // by both clocks, unless others use the machine too.
        let of_processor = matches!(item, "timer" | "switch" | "call" | "small call" | "hop" | "format");
        Ok::<_, anyhow::Error>(if of_processor { said.cpu_ns } else { said.wall_ns } / n as f64)
    };
    let mut able = Vec::new();
    for peer in peers {
        match cost(peer, 800) {
            // Times of whole milliseconds need many runs of theirs: few are enough to sleep.
            Ok(ns) if item != "timer" => {
                let n = (target_ns / ns.max(0.1)) as u64;
                able.push((peer, n.clamp(800, 4_000_000).next_multiple_of(800)));
            }
            Ok(_) => able.push((peer, if quick { 8_000 } else { 40_000 })),
            Err(why) => missing.missing(&format!("{item} by {}", peer.name), format!("{why:#}")),
        }
    }
    let mut turns = Turns::new(rounds, able.iter().map(|(peer, _)| peer.name.clone()));
    while let Some(i) = turns.next() {
        let (peer, n) = able[i];
        match cost(peer, n) {
            Ok(ns) => turns.found(ns),
            Err(why) => {
                missing.missing(&format!("more runs of {item} by {}", peer.name), format!("{why:#}"));
                turns.is_out();
            }
        }
    }
    Row::compared(item, metric, "ns", &turns.samples())
}
