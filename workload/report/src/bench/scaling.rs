//! One processor against two, and what a model makes of it for more. The model is no measurement.

use super::probe;
use super::search;
use super::turns::Rounds;
use crate::data::{Part, Row};
use crate::stats;
use crate::tools::{self, Peer};
use anyhow::Result;
use std::time::Duration;
use zork_corpus::Kind;

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        part.missing("scaling", "this machine has one processor");
        return Ok(());
    }
    part.share("fan-out", |part| fan_out(quick, part))?;
    let (scale, rounds) = if quick { (0.1, Rounds::exactly(3)) } else { (0.3, Rounds::between(3, 21)) };
    let searchers = search::searchers(part)?;
    for kind in [Kind::Wide, Kind::JsonHeavy] {
        for searcher in searchers.iter().filter(|s| s.name != "sequential") {
            part.share(&format!("{} {}", kind.name(), searcher.name), |part| {
                let tree = search::corpus(kind, scale)?;
                let pair = [1, 2].map(|processors| searcher.on(processors));
                let samples = search::walls(&pair, &tree, rounds, part)?;
                let [(_, one), (_, two)] = &samples[..] else { return Ok(()) };
                if let Some(speed_up) = stats::ratio(one, two) {
                    rows(kind.name(), &searcher.name, speed_up, part);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Independent work, started by one task, on one carrier or worker and on two.
fn fan_out(quick: bool, part: &mut Part) -> Result<()> {
    let program = tools::probe()?;
    let mut peers: Vec<Peer> =
        ["vthread", "tokio", "rayon"].map(|name| Peer::of_probe(&program, name)).into();
    peers.extend(tools::foreign(part).into_iter().filter(|peer| peer.name == "go"));
    let mut samples: Vec<_> = peers.iter().map(|_| [vec![], vec![]]).collect();
    for _ in 0..if quick { 7 } else { 31 } {
        for (peer, samples) in peers.iter().zip(&mut samples) {
            for (item, samples) in ["fan-out 1", "fan-out 2"].into_iter().zip(samples) {
                match probe(peer, item, 10_000, Duration::from_secs(30)) {
                    Ok(said) => samples.push(said.wall_ns),
                    Err(why) => part.missing(&format!("{item} by {}", peer.name), format!("{why:#}")),
                }
            }
        }
    }
    for (peer, [one, two]) in peers.iter().zip(&samples) {
        if let Some(speed_up) = stats::ratio(one, two) {
            part.rows.push(Row::once("fan-out", &peer.name, "speed-up on two", "", speed_up));
        }
    }
    Ok(())
}

/// The measured speed-up, and curves of the universal scalability law through it: if all that is lost were serial work (Amdahl),
/// and if all were lost to keeping processors coherent. Where more processors would really be is between.
fn rows(corpus: &str, name: &str, speed_up: f64, part: &mut Part) {
    part.rows.push(Row::once(corpus, name, "speed-up on two", "", speed_up));
    let serial = stats::karp_flatt(speed_up, 2.0);
    part.rows.push(Row::once(corpus, name, "serial share", "", serial));
    // Of 2 / (1 + 2 kappa) = speed-up.
    let kappa = ((2.0 / speed_up - 1.0) / 2.0).max(0.0);
    for p in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0] {
        let curves = [
            ("model, all serial", stats::usl(p, serial, 0.0)),
            ("model, all coherence", stats::usl(p, 0.0, kappa)),
        ];
        for (metric, value) in curves {
            part.rows
                .push(Row::once(corpus, name, metric, "", value).at(p).note("a model, not a measurement"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_curves_go_through_what_was_measured() {
        let mut part = Part::default();
        rows("wide", "x", 1.6, &mut part);
        let at_two = part.rows.iter().filter(|r| r.x == Some(2.0));
        assert_eq!(at_two.clone().count(), 2);
        assert!(at_two.clone().all(|r| (r.value - 1.6).abs() < 1e-9));
        let at_64: Vec<_> = part.rows.iter().filter(|r| r.x == Some(64.0)).map(|r| r.value).collect();
        assert!(at_64[0] < 4.0 && at_64[1] < at_64[0], "{at_64:?}");
    }
}
