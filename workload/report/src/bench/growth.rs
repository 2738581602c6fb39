//! Cost as work grows: tasks at the same time, those that wait, depth of recursion, width of a directory.

use super::turns::{Rounds, Turns};
use super::{probe, search};
use crate::data::{Part, Row};
use crate::tools::{self, Peer};
use anyhow::Result;
use std::time::Duration;
use zork_corpus::Kind;

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let program = tools::probe()?;
    let foreign = tools::foreign(part);
    let with = |names: &[&str], others: &[&str]| {
        let mut peers: Vec<Peer> = names.iter().map(|name| Peer::of_probe(&program, name)).collect();
        peers.extend(foreign.iter().filter(|p| others.contains(&p.name.as_str())).cloned());
        peers
    };
    let tasks =
        with(&["vthread", "tokio", "async-executor", "rayon"], &["go", "java", "may", "crate vthread"]);
    let most = if quick { 3 } else { 4 };
    sizes("tasks", &tasks, &[1_000, 10_000, 100_000, 1_000_000][..most], quick, part)?;
    let random = with(&["vthread", "boxed futures", "tokio"], &["go"]);
    sizes("random wake", &random, &[1_000, 10_000, 100_000, 1_000_000], quick, part)?;
    let depth = with(&["vthread", "plain", "tokio"], &["go"]);
    sizes("depth", &depth, &[10, 100, 1_000, 10_000, 50_000], quick, part)?;
    width(quick, part)
}

fn rounds(quick: bool) -> Rounds {
    if quick { Rounds::exactly(3) } else { Rounds::between(3, 21) }
}

/// Nanoseconds for each of so many.
fn sizes(item: &str, peers: &[Peer], sizes: &[u64], quick: bool, part: &mut Part) -> Result<()> {
    // Who could not do fewer is not asked for more: nor after an interruption.
    let failed = |peer: &Peer, part: &Part| {
        let what = format!("{item} by {} from ", peer.name);
        part.missing.iter().any(|missing| missing.what.starts_with(&what))
    };
    for &n in sizes {
        part.share(&format!("{item} {n}"), |part| {
            let able: Vec<&Peer> = peers.iter().filter(|peer| !failed(peer, part)).collect();
            let mut turns = Turns::new(rounds(quick), able.iter().map(|peer| peer.name.clone()));
            while let Some(i) = turns.next() {
                match probe(able[i], item, n, Duration::from_secs(30)) {
                    Ok(said) => turns.found(said.wall_ns / n as f64),
                    Err(why) => {
                        part.missing(&format!("{item} by {} from {n} on", able[i].name), format!("{why:#}"));
                        turns.is_out();
                    }
                }
            }
            let rows = Row::compared(item, "time each", "ns", &turns.samples());
            part.rows.extend(rows.into_iter().map(|row| row.at(n as f64)));
            Ok(())
        })?;
    }
    Ok(())
}

fn width(quick: bool, part: &mut Part) -> Result<()> {
    let scales: &[f64] = if quick { &[0.01, 0.05, 0.2] } else { &[0.01, 0.05, 0.2, 1.0] };
    let searchers = search::searchers(part)?;
    for &scale in scales {
        part.share(&format!("width {scale}"), |part| {
            let corpus = search::corpus(Kind::Flat, scale)?;
            let samples = search::walls(&searchers, &corpus, rounds(quick), part)?;
            let each = |seconds: Vec<f64>| seconds.iter().map(|s| s * 1e6 / corpus.files()).collect();
            let per_file: Vec<_> = samples.into_iter().map(|(name, s)| (name, each(s))).collect();
            let rows = Row::compared("width", "time a file", "us", &per_file);
            part.rows.extend(rows.into_iter().map(|row| row.at(corpus.files())));
            Ok(())
        })?;
    }
    Ok(())
}
