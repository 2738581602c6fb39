//! The benchmarks. Each fills a [`Part`]; what it cannot measure it notes there.

mod ablations;
mod bounds;
mod build;
mod growth;
mod memory;
mod micro;
mod scaling;
mod search;
mod turns;

use crate::child;
use crate::data::Part;
use crate::tools::Peer;
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;

/// A benchmark.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(bool, &mut Part) -> Result<()>,
    /// Seconds after which it is ended, quick and whole: several times what it takes on a quiet machine.
    pub(crate) most: [u64; 2],
    /// Whether peers outside of the workspace take part.
    pub(crate) has_foreign: bool,
}

pub(crate) const ALL: [Bench; 8] = [
    Bench {
        name: "search",
        about: "the search: all engines, rg, grep; hot and cold; time, memory, system calls",
        run: search::run,
        most: [900, 7200],
        has_foreign: false,
    },
    Bench {
        name: "memory",
        about: "memory of many threads that wait, a thousand to ten million",
        run: memory::run,
        most: [900, 3600],
        has_foreign: true,
    },
    Bench {
        name: "micro",
        about: "switch, yield, spawn, calls, hops, channels, wake-ups, timers",
        run: micro::run,
        most: [600, 3600],
        has_foreign: true,
    },
    Bench {
        name: "growth",
        about: "cost as tasks, depth and width grow",
        run: growth::run,
        most: [600, 3600],
        has_foreign: true,
    },
    Bench {
        name: "build",
        about: "time and size of a build with and without the link step",
        run: build::run,
        most: [600, 1800],
        has_foreign: false,
    },
    Bench {
        name: "bounds",
        about: "how tight the bounds are, and how large",
        run: bounds::run,
        most: [300, 300],
        has_foreign: false,
    },
    Bench {
        name: "ablations",
        about: "what each design decision is worth",
        run: ablations::run,
        most: [300, 1200],
        has_foreign: false,
    },
    Bench {
        name: "scaling",
        about: "one processor against two, and a model of more",
        run: scaling::run,
        most: [600, 3600],
        has_foreign: true,
    },
];

/// What a program that speaks as `zork-probe` does has said.
#[derive(Clone, Copy, Debug)]
struct Said {
    wall_ns: f64,
    cpu_ns: f64,
    /// Before, and with all of them waiting.
    resident: Option<(f64, f64)>,
}

/// Lets the peer do the item `n` times, and checks that it did.
fn probe(peer: &Peer, item: &str, n: u64, most: Duration) -> Result<Said> {
    let text = child::run(&mut peer.command(item, n), most)?
        .text()
        .with_context(|| format!("{} {item}", peer.name))?;
    let (said, answer) = parse(&text).with_context(|| format!("{} {item} {n} said {text:?}", peer.name))?;
    ensure!(answer == n, "{} {item}: the answer is {answer}, and should be {n}", peer.name);
    Ok(said)
}

/// `ok ANSWER WALL CPU` or `ok ANSWER WALL BEFORE WITH`.
fn parse(text: &str) -> Option<(Said, u64)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |i: usize| words.get(i)?.parse::<f64>().ok();
    let answer = words.get(1)?.parse().ok()?;
    let said = match words.len() {
        4 => Said { wall_ns: number(2)?, cpu_ns: number(3)?, resident: None },
        5 => Said { wall_ns: number(2)?, cpu_ns: 0.0, resident: Some((number(3)?, number(4)?)) },
        _ => return None,
    };
    (words[0] == "ok").then_some((said, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_fit_the_command_line() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|bench| bench.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn what_probes_say_is_read() {
        let (said, answer) = parse("ok 800 1000 900\n").expect("time");
        assert_eq!((answer, said.wall_ns as u64, said.cpu_ns as u64, said.resident), (800, 1000, 900, None));
        let (said, _) = parse("ok 800 1000 5 6\n").expect("memory");
        assert_eq!(said.resident, Some((5.0, 6.0)));
        assert!(parse("ok 800\n").is_none() && parse("no 1 2 3\n").is_none() && parse("").is_none());
    }
}
