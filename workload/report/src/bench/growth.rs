//! Cost as work grows: tasks at the same time, those that wait, depth of recursion, width of a directory.

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
    sizes("tasks", &tasks, &[1_000, 10_000, 100_000, 1_000_000][..most], quick, part);
    let random = with(&["vthread", "boxed futures", "tokio"], &["go"]);
    sizes("random wake", &random, &[1_000, 10_000, 100_000, 1_000_000], quick, part);
    let depth = with(&["vthread", "plain", "tokio"], &["go"]);
    sizes("depth", &depth, &[10, 100, 1_000, 10_000, 50_000], quick, part);
    width(quick, part)
}

/// Nanoseconds for each of so many.
fn sizes(item: &str, peers: &[Peer], sizes: &[u64], quick: bool, part: &mut Part) {
    let rounds = if quick { 3 } else { 11 };
    let mut able: Vec<&Peer> = peers.iter().collect();
    for &n in sizes {
        let mut samples: Vec<(String, Vec<f64>)> = peers.iter().map(|p| (p.name.clone(), vec![])).collect();
        for _ in 0..rounds {
            able.retain(|peer| match probe(peer, item, n, Duration::from_secs(30)) {
                Ok(said) => {
                    if let Some(own) = samples.iter_mut().find(|s| s.0 == peer.name) {
                        own.1.push(said.wall_ns / n as f64);
                    }
                    true
                }
                Err(why) => {
                    part.missing(&format!("{item} by {} from {n} on", peer.name), format!("{why:#}"));
                    false
                }
            });
        }
        part.rows
            .extend(Row::compared(item, "time each", "ns", &samples).into_iter().map(|r| r.at(n as f64)));
        part.checkpoint();
    }
}

fn width(quick: bool, part: &mut Part) -> Result<()> {
    let scales: &[f64] = if quick { &[0.01, 0.05, 0.2] } else { &[0.01, 0.05, 0.2, 1.0] };
    let searchers = search::searchers(part)?;
    for &scale in scales {
        let corpus = search::corpus(Kind::Flat, scale)?;
        let samples = search::walls(&searchers, &corpus, if quick { 3 } else { 11 }, part);
        let per_file: Vec<_> = samples
            .into_iter()
            .map(|(name, seconds)| (name, seconds.iter().map(|s| s * 1e6 / corpus.files()).collect()))
            .collect();
        let rows = Row::compared("width", "time a file", "us", &per_file);
        part.rows.extend(rows.into_iter().map(|row| row.at(corpus.files())));
    }
    Ok(())
}
