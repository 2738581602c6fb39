//! Memory against the number of threads that wait at the same time.

use super::probe;
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

pub(super) fn run(quick: bool, part: &mut Part) -> Result<()> {
    let program = tools::probe()?;
    let mut peers: Vec<Peer> = ["vthread", "tokio", "async-executor", "os-threads", "exact-os-threads"]
        .map(|name| Peer::of_probe(&program, name))
        .into();
    peers.extend(tools::foreign(part));
    let mut climbers: Vec<_> =
        peers.into_iter().map(|peer| Climber { peer, last: None, ended: false }).collect();
    for n in [1_000, 10_000, 30_000, 100_000, 1_000_000, 10_000_000] {
        step(n, &mut climbers, quick, part);
        part.checkpoint();
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
    let (most_seconds, mut bytes) = (if quick { 60.0 } else { 240.0 }, vec![vec![]; climbers.len()]);
    let mut times = bytes.clone();
    for climber in climbers.iter_mut().filter(|c| !c.ended) {
        if let Some(why) = climber.last.and_then(|last| foreseen(n, last, most_seconds)) {
            end(climber, n, &why, part);
        }
    }
    for _ in 0..rounds {
        for ((climber, bytes), times) in climbers.iter_mut().zip(&mut bytes).zip(&mut times) {
            if climber.ended {
                continue;
            }
            let start = Instant::now();
            match probe(&climber.peer, "live", n, Duration::from_secs_f64(most_seconds * 1.5)) {
                Ok(said) => {
                    let (before, with) = said.resident.unwrap_or_default();
                    let each = (with - before).max(0.0) / n as f64;
                    bytes.push(each);
                    times.push(said.wall_ns / n as f64);
                    climber.last = Some((each, start.elapsed().as_secs_f64() / n as f64));
                }
                Err(why) => end(climber, n, &format!("{why:#}"), part),
            }
        }
    }
    let names = climbers.iter().map(|c| c.peer.name.clone());
    let with_names = |values: Vec<Vec<f64>>| names.clone().zip(values).collect::<Vec<_>>();
    let rows = Row::compared("waiting", "memory", "B", &with_names(bytes));
    part.rows.extend(rows.into_iter().map(|row| row.at(n as f64)));
    let rows = Row::compared("waiting", "start, wait, end", "ns", &with_names(times));
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
    part.rows.push(Row::once("limit", &climber.peer.name, "not reached", "threads", n as f64).note(why));
}

#[cfg(test)]
mod tests {
    use super::foreseen;

    #[test]
    fn a_step_that_does_not_fit_is_not_tried() {
        assert_eq!(foreseen(1000, (100.0, 1e-6), 1.0), None);
        assert!(foreseen(1 << 40, (1e6, 0.0), 1.0).expect("too much").contains("GB"));
        assert!(foreseen(1000, (1.0, 1.0), 10.0).expect("too long").contains("1000 s"));
    }
}
