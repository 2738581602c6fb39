//! What single operations cost.

use super::probe;
use crate::cachegrind;
use crate::data::{Part, Row};
use crate::tools::{self, Peer};
use anyhow::Result;
use std::time::Duration;

/// Item, and which of the peers in the probe do it. Ours is the first.
const ITEMS: [(&str, &[&str]); 12] = [
    ("switch", &["vthread", "corosensei"]),
    ("switch-stored", &["vthread"]),
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
    ("timer", &["vthread", "tokio", "os-threads"]),
    ("call", &["vthread", "plain", "plain with malloc", "tokio"]),
    ("hop", &["vthread", "plain"]),
    ("format", &["vthread", "plain"]),
];

/// Which items those outside of the workspace do.
fn does(peer: &str, item: &str) -> bool {
    match item {
        "yield" | "spawn" | "ping-pong" | "call-reply" | "stream" | "timer" => true,
        "wake" => peer == "go",
        _ => false,
    }
}

const MOST: Duration = Duration::from_secs(30);

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let program = tools::probe()?;
    let valgrind = tools::system("valgrind", "valgrind", part);
    let foreign = tools::foreign(part);
    for (item, names) in ITEMS {
        let mut peers: Vec<Peer> = names.iter().map(|name| Peer::of_probe(&program, name)).collect();
        peers.extend(foreign.iter().filter(|p| does(&p.name, item)).cloned());
        let rows = times(item, &peers, quick, part);
        part.rows.extend(rows);
        part.checkpoint();
        if valgrind.is_none() || matches!(item, "wake" | "timer") {
            continue;
        }
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
    Ok(())
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
    let (rounds, target_ns) = if quick { (7, 15e6) } else { (31, 60e6) };
    let metric = if item == "timer" { "processor time" } else { "time" };
    let cost = |peer: &Peer, n: u64| {
        let said = probe(peer, of_probe(&peer.name, item), n, MOST)?;
        // Who sleeps takes no time of the processor: that is what a timer costs. What one thread does that never waits takes the same
        // by both clocks, unless others use the machine too.
        let of_processor = matches!(item, "timer" | "switch" | "switch-stored" | "call" | "hop" | "format");
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
    let mut samples: Vec<(String, Vec<f64>)> = able.iter().map(|(p, _)| (p.name.clone(), vec![])).collect();
    for _ in 0..rounds {
        for ((peer, n), (_, samples)) in able.iter().zip(&mut samples) {
            match cost(peer, *n) {
                Ok(ns) => samples.push(ns),
                Err(why) => missing.missing(&format!("a run of {item} by {}", peer.name), format!("{why:#}")),
            }
        }
    }
    Row::compared(item, metric, "ns", &samples)
}
