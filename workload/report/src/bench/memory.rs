//! Memory against the number of threads that wait at the same time.

use super::probe;
use super::turns::{Rounds, Turns};
use crate::data::{Part, Row};
use crate::machine;
use crate::tools::{self, Peer};
use anyhow::Result;
use std::time::{Duration, Instant};

/// A peer on its way up.
struct Climber {
    peer: Peer,
    /// What the last step took a thread, and the seconds of it.
    last: Option<(f64, f64)>,
    ended: bool,
}

const NOT_REACHED: &str = "not reached";
const TIME: &str = "start, wait, end";

impl Climber {
    /// Where an interrupted run has left it.
    fn at_its_place(peer: Peer, part: &Part) -> Self {
        let own =
            |metric: &str| part.rows.iter().rev().find(|row| row.peer == peer.name && row.metric == metric);
        let last = own("memory").zip(own(TIME)).map(|(bytes, time)| (bytes.value, time.value / 1e9));
        let ended = own(NOT_REACHED).is_some();
        Self { peer, last, ended }
    }
}

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let program = tools::probe()?;
    let mut peers: Vec<Peer> = ["vthread", "tokio", "async-executor", "os-threads", "exact-os-threads"]
        .map(|name| Peer::of_probe(&program, name))
        .into();
    peers.extend(tools::foreign(part));
    let mut climbers: Vec<_> = peers.into_iter().map(|peer| Climber::at_its_place(peer, part)).collect();
    for n in [1_000, 10_000, 30_000, 100_000, 1_000_000, 10_000_000] {
        part.share(&n.to_string(), |part| {
            step(n, &mut climbers, quick, part);
            Ok(())
        })?;
    }
    Ok(())
}

/// All that have not met their limits, in turns.
fn step(n: u64, climbers: &mut [Climber], quick: bool, part: &mut Part) {
    let rounds = match n {
        ..=10_000 => 5,
        10_001..=100_000 => 3,
        _ if quick => 1,
        _ => 3,
    };
    let most_seconds = if quick { 60.0 } else { 180.0 };
    for climber in climbers.iter_mut().filter(|c| !c.ended) {
        if let Some(why) = climber.last.and_then(|last| foreseen(n, last, most_seconds)) {
            end(climber, n, &why, part);
        }
    }
    let names: Vec<String> = climbers.iter().map(|c| c.peer.name.clone()).collect();
    let mut times: Vec<_> = names.iter().map(|name| (name.clone(), vec![])).collect();
    let mut turns = Turns::new(Rounds::between(1, rounds), names);
    while let Some(i) = turns.next() {
        let climber = &mut climbers[i];
        if climber.ended {
            turns.is_out();
            continue;
        }
        // Who takes ten times as long as is to be expected of it stands still.
        let seconds = climber
            .last
            .map_or(most_seconds, |last| (20.0 + 10.0 * last.1 * n as f64).min(most_seconds * 1.5));
        let start = Instant::now();
        match probe(&climber.peer, "live", n, Duration::from_secs_f64(seconds)) {
            Ok(said) => {
                let (before, with) = said.resident.unwrap_or_default();
                let each = (with - before).max(0.0) / n as f64;
                times[i].1.push(said.wall_ns / n as f64);
                climber.last = Some((each, start.elapsed().as_secs_f64() / n as f64));
                turns.found(each);
            }
            Err(why) => {
                end(climber, n, &format!("{why:#}"), part);
                turns.is_out();
            }
        }
    }
    let rows = Row::compared("waiting", "memory", "B", &turns.samples());
    part.rows.extend(rows.into_iter().map(|row| row.at(n as f64)));
    let rows = Row::compared("waiting", TIME, "ns", &times);
    part.rows.extend(rows.into_iter().map(|row| row.at(n as f64)));
}

/// Why so many must not be tried.
fn foreseen(n: u64, (each, seconds_each): (f64, f64), most_seconds: f64) -> Option<String> {
    let (wanted, available) = (each * n as f64, machine::memory("MemAvailable:") as f64);
    let seconds = seconds_each * n as f64;
    if wanted > 0.7 * available {
        Some(format!("it would take {:.1} GB of {:.1} that are free", wanted / 1e9, available / 1e9))
    } else if seconds > most_seconds {
        Some(format!("it would take {seconds:.0} s, more than this run allows"))
    } else {
        None
    }
}

fn end(climber: &mut Climber, n: u64, why: &str, part: &mut Part) {
    climber.ended = true;
    part.rows.push(Row::once("limit", &climber.peer.name, NOT_REACHED, "threads", n as f64).note(why));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_interruption_everyone_is_where_it_was() {
        let peer = |name: &str| Peer::of_probe(std::path::Path::new("probe"), name);
        let mut part = Part::default();
        part.rows.push(Row::once("waiting", "a", "memory", "B", 500.0).at(1e3));
        part.rows.push(Row::once("waiting", "a", "memory", "B", 400.0).at(1e4));
        part.rows.push(Row::once("waiting", "a", TIME, "ns", 2e3).at(1e4));
        part.rows.push(Row::once("limit", "b", NOT_REACHED, "threads", 1e4));
        let a = Climber::at_its_place(peer("a"), &part);
        assert_eq!((a.last, a.ended), (Some((400.0, 2e-6)), false));
        assert!(Climber::at_its_place(peer("b"), &part).ended);
        assert_eq!(Climber::at_its_place(peer("c"), &part).last, None);
    }

    #[test]
    fn a_step_that_does_not_fit_is_not_tried() {
        assert_eq!(foreseen(1000, (100.0, 1e-6), 1.0), None);
        assert!(foreseen(1 << 40, (1e6, 0.0), 1.0).expect("too much").contains("GB"));
        assert!(foreseen(1000, (1.0, 1.0), 10.0).expect("too long").contains("1000 s"));
    }
}
