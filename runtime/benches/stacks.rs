//! What switches, calls onto chunks and hops cost, beside what they are to be compared with.
//!
//! It favours none: peers are used as their documentation shows, in the same process and in turn, round after round; times are
//! medians, ratios the medians of the rounds' ratios. Nothing here waits, so times are this process's on the processor: on a machine
//! that others use too, a clock would tell of them. All caches are hot, which favours everything that touches much
//! memory. Every answer is checked. Each item counts the loop around it and, where it has one, its vthread, whose start and end take a
//! fifth of a millisecond: a tenth of a nanosecond of each of two million.
//!
//! ```text
//! stacks [--test] [--instructions] [--json PATH]
//! ```
//!
//! With `--instructions` valgrind counts them too, which is exact where times are not; `--json` implies it.
#![allow(missing_docs, reason = "a program")]

#[cfg(not(vthread_native))]
fn main() {}

#[cfg(vthread_native)]
mod sites;
#[cfg(vthread_native)]
mod work;

#[cfg(vthread_native)]
fn main() -> std::process::ExitCode {
    native::main()
}

#[cfg(vthread_native)]
mod native {
    use crate::{sites, work};
    use serde_json::{Value, json};
    use std::process::{Command, ExitCode};

    /// Two items that do the same, ours first, and what is hoped of the ratio of their times.
    struct Row {
        name: &'static str,
        ours: &'static str,
        peer: &'static str,
        goal: Option<f64>,
    }

    const fn row(name: &'static str, ours: &'static str, peer: &'static str, goal: Option<f64>) -> Row {
        Row { name, ours, peer, goal }
    }

    const ROWS: [Row; 12] = [
        row("switch and back", "switch/vthread", "switch/corosensei", Some(0.55)),
        row("virtual call on a chunk", "call/fresh chunk, dyn", "call/plain dyn", Some(2.0)),
        // What is left for the chunk itself.
        row(
            "virtual call on a chunk, two calls",
            "call/fresh chunk, dyn",
            "call/plain dyn, and another in it",
            None,
        ),
        row("call on a chunk, call that mallocs", "call/fresh chunk", "call/malloc and free", Some(0.25)),
        row("call on a chunk, boxed async call", "call/fresh chunk", "call/boxed async", Some(0.2)),
        row("hop, call on a chunk", "hop/on a chunk", "call/fresh chunk", Some(1.5)),
        row("flag 0, plain call", "call/fresh chunk, off the chunks", "call/plain dyn", None),
        row("flag 1, flag 0", "call/fresh chunk, dyn", "call/fresh chunk, off the chunks", None),
        row("chunks of a pool, of a malloc", "call/fresh chunk", "call/fresh chunk of a heap", None),
        row("calls merged, a chunk each", "four calls/one chunk", "four calls/a chunk each", None),
        row("4 KiB by a hop, by a large stack", "4 KiB of stack/hop", "4 KiB of stack/large stack", None),
        row("4 KiB by a hop, by a chunk", "4 KiB of stack/hop", "4 KiB of stack/chunk", None),
    ];

    fn item(name: &str) -> fn(u64) -> u64 {
        work::ITEMS.iter().find(|item| item.0 == name).unwrap_or_else(|| panic!("no item {name}")).1
    }

    /// Nanoseconds of each of so many.
    fn time(name: &str, count: u64) -> f64 {
        let item = item(name);
        let start = processor_time();
        let answer = item(count);
        let time = processor_time() - start;
        assert_eq!(answer, count, "the answer of {name}");
        time / count as f64
    }

    /// Nanoseconds that this process has had of the processors.
    fn processor_time() -> f64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a live variable; every Linux has this clock.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    }

    fn median(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    /// Instructions of each, by valgrind: what another ten thousand cost. `None`: it is not installed.
    fn instructions(name: &str) -> Option<f64> {
        const COUNT: u64 = 10_000;
        let run = |count: u64| {
            let mut valgrind = Command::new("valgrind");
            valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
            valgrind.arg(std::env::current_exe().ok()?).args(["--item", name, &count.to_string()]);
            let out = valgrind.output().ok()?;
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            assert!(out.status.success(), "{name}: {said}");
            let line = said.lines().find(|line| line.contains("I ") && line.contains("refs:"))?;
            line.rsplit(' ').next()?.replace(',', "").parse::<f64>().ok()
        };
        Some((run(2 * COUNT)? - run(COUNT)?) / COUNT as f64)
    }

    struct Options {
        rounds: usize,
        count: u64,
        instructions: bool,
        json: Option<String>,
    }

    fn measure(row: &Row, options: &Options) -> Value {
        let (mut ours, mut peer, mut ratios) = (vec![], vec![], vec![]);
        for _ in 0..options.rounds {
            let pair = [row.ours, row.peer].map(|name| time(name, options.count));
            ours.push(pair[0]);
            peer.push(pair[1]);
            ratios.push(pair[0] / pair[1]);
        }
        let [ours, peer, ratio] = [ours, peer, ratios].map(median);
        let counts = options.instructions.then(|| [row.ours, row.peer].map(instructions));
        let [own_count, peer_count] = counts.unwrap_or_default();
        let count_ratio = own_count.zip(peer_count).map(|(own, peer)| own / peer);
        println!(
            "{:<36} {ours:8.2} ns, {peer:8.2} ns: {ratio:6.3}{}{}",
            row.name,
            row.goal.map_or_else(String::new, |goal| format!(" (goal {goal})")),
            own_count.zip(peer_count).map_or_else(String::new, |(own, peer)| format!(
                "; {own:.1} and {peer:.1} instructions: {:.3}",
                own / peer
            )),
        );
        json!({
            "name": row.name, "item": row.ours, "value": ours, "unit": "ns", "peer": row.peer, "peer_value": peer,
            "ratio": ratio, "goal": row.goal, "instructions": own_count, "peer_instructions": peer_count,
            "instruction_ratio": count_ratio,
        })
    }

    /// What each place in this program that switches keeps on its stack meanwhile.
    fn switch_sites() -> Value {
        let exe = std::env::current_exe().and_then(std::fs::read).expect("this executable");
        let mut saved: Vec<usize> = sites::find(&exe).iter().map(|site| site.saved).collect();
        saved.sort_unstable();
        let (least, middle, most) = (saved[0], saved[saved.len() / 2], saved[saved.len() - 1]);
        println!(
            "{:<36} {least} to {most} bytes, median {middle}, {} sites",
            "saved by a switch",
            saved.len()
        );
        json!({
            "name": "saved by a switch", "value": middle, "unit": "bytes", "least": least, "most": most,
            "sites": saved.len(), "peer": "swapstack's paper: 8 to 80", "ratio": null, "instructions": null,
        })
    }

    pub fn main() -> ExitCode {
        let mut options = Options { rounds: 21, count: 2_000_000, instructions: false, json: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--test" => (options.rounds, options.count) = (1, 1000),
                "--instructions" => options.instructions = true,
                "--json" => {
                    let Some(path) = arguments.next() else {
                        eprintln!("stacks: --json wants a path");
                        return ExitCode::from(2);
                    };
                    (options.instructions, options.json) = (true, Some(path));
                }
                // For valgrind.
                "--item" => {
                    let (name, count) = (arguments.next(), arguments.next());
                    let count = count.and_then(|count| count.parse().ok()).unwrap_or(1000);
                    assert_eq!(item(&name.unwrap_or_default())(count), count);
                    return ExitCode::SUCCESS;
                }
                // What cargo passes, and a filter, which means nothing here.
                _ => {}
            }
        }
        let mut rows: Vec<Value> = ROWS.iter().map(|row| measure(row, &options)).collect();
        rows.push(switch_sites());
        if let Some(path) = options.json {
            let text = format!("{:#}\n", json!({ "benchmark": "stacks", "rows": rows }));
            if let Err(error) = std::fs::write(&path, text) {
                eprintln!("stacks: {path}: {error}");
                return ExitCode::FAILURE;
            }
        }
        ExitCode::SUCCESS
    }
}
