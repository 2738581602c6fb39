//! What favours us, and where we lose: the first is said by us, the second by the figures.

use super::table::number;
use crate::data::{Results, Row};

/// What a reader should hold against the figures.
pub(crate) const BIAS: [&str; 11] = [
    "Peers run as their documentation shows, on one processor where we use one carrier; only OS threads use all. Several would hide more of what they do.",
    "Threads that wait keep almost nothing on their stacks: good for everyone whose stacks grow, and for async/await, whose futures are \
     then smallest. Deeper stacks cost us what was proved for them, goroutines a power of two, Java a copy of the frames.",
    "What vthreads of one carrier share is locked without atomic operations until another thread comes. Tokio's and `may`'s channels are made for several \
     threads and take atomic operations always: on one processor that favours us. Between two, see `wake`, what is `across`, and the speed-up of `fan-out`.",
    "The entries that wait in the memory benchmark are tiny. Those of a whole program take several times as much: see Bounds.",
    "All loops of the single operations are hot: that favours small code and data, so us.",
    "Rust programs are built ahead of time for the processors' common denominator, as cargo does by default. Java runs each item once before it is timed.",
    "`may` has channels without bounds only, tokio, async-channel and the crate `vthread` none without room: their ping-pong is the nearest that they have.",
    "Memory is `VmRSS` and page tables of the process. The kernel's own memory for threads of the system (about 23 kB each) is not in it: that favours OS threads.",
    "The floor of the goals opens, reads and closes one file after the other; our engines do that with sixteen together, which is worth an eighth where files are \
     small. `floor, 16 at a time` does it too, and is what a search really costs at least.",
    "`rg` and `grep` search less (texts alone, no JSON) and also look for other things; start-up is in all times of the search. Peaks of memory \
     cannot be below the 2 MB of the process that starts the program. `rg` 15 resolves the path of each directory (`readlink` of each of its parts), which is \
     nearly all of its time on `deep`; `rg` 13 did not, and took about what `grep` takes.",
    "Instructions are counted by cachegrind, which knows neither caches nor speculation: they say what is done, not how fast. What threads of the system do \
     beside a peer's one worker is in its count. Go and Java are not counted: threads of theirs that collect, schedule and (Java) \
     compile beside the work would be in the count, as much of them as chance has it, and doubling the work does not double it.",
];

/// A comparison that a peer wins by more than a twentieth: part, what, by whom, its share of ours.
pub(crate) fn losses(results: &Results) -> Vec<String> {
    let mut losses = vec![];
    for part in &results.parts {
        let compared = |row: &&Row| match part.name.as_str() {
            "micro" | "growth" => !row.peer.starts_with("plain"),
            "memory" => true,
            "search" => matches!(row.metric.as_str(), "wall" | "cold wall" | "peak memory"),
            _ => false,
        };
        for row in part.rows.iter().filter(compared).filter(|row| row.ratio.is_some_and(|r| r < 0.95)) {
            let at = row.x.map_or_else(String::new, |x| format!(" at {}", number(x)));
            let ratio = row.ratio.map_or_else(String::new, number);
            losses.push(format!(
                "{}, {}{at}: {} needs {ratio} of our {}",
                part.name, row.item, row.peer, row.metric
            ));
        }
    }
    losses
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_peer_that_wins_is_named() {
        let losses = super::losses(&crate::render::example::results());
        assert!(losses.contains(&"micro, yield: may needs 0.80 of our time".to_owned()), "{losses:?}");
        assert!(
            losses.iter().any(|l| l.starts_with("memory, waiting at 1000: tokio needs 0.93")),
            "{losses:?}"
        );
        assert!(!losses.iter().any(|l| l.contains("rg")), "{losses:?}");
    }
}
