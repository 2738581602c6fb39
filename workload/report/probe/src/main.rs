//! Does one thing so many times, and says how long it took.
//!
//! ```text
//! zork-probe PEER ITEM N          ok ANSWER WALL_NS CPU_NS
//! zork-probe PEER live N          ok ANSWER WALL_NS RSS_BEFORE RSS_WITH     so many wait at the same time
//! zork-probe vthread painted N    one line an entry: its size and how deep it went
//! zork-probe list                 PEER ITEM, a line each
//! ```
//! The answer is right if and only if everything was done. Start-up is in no time; it drops out of counts of instructions by the
//! difference of two runs. The programs below `peers/` speak the same.

#[cfg(feature = "peers")]
mod async_peer;
#[cfg(feature = "peers")]
mod corosensei_peer;
mod futures_peer;
mod os_peer;
mod ours;
#[cfg(feature = "peers")]
mod rayon_peer;
#[cfg(feature = "peers")]
mod smol_peer;
mod usage;
mod work;

use std::process::ExitCode;

/// What was done, and the time it took.
struct Done {
    answer: u64,
    wall_ns: u64,
    cpu_ns: u64,
    /// Bytes before and while all of them waited.
    resident: Option<(u64, u64)>,
}

/// Does something `n` times.
type Item = (&'static str, fn(u64) -> Done);

/// Whose items.
type Peer = (&'static str, &'static [Item]);

const PEERS: &[Peer] = &[
    ("vthread", ours::ITEMS),
    ("plain", work::ITEMS),
    ("plain with malloc", work::WITH_MALLOC),
    ("os-threads", os_peer::STD),
    ("exact-os-threads", os_peer::EXACT),
    ("boxed futures", futures_peer::ITEMS),
    #[cfg(feature = "peers")]
    ("tokio", async_peer::ITEMS),
    #[cfg(feature = "peers")]
    ("tokio, 2 workers", async_peer::TWO),
    #[cfg(feature = "peers")]
    ("async-executor", smol_peer::ITEMS),
    #[cfg(feature = "peers")]
    ("rayon", rayon_peer::ITEMS),
    #[cfg(feature = "peers")]
    ("corosensei", corosensei_peer::ITEMS),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["list"] => {
            for (peer, items) in PEERS {
                items.iter().for_each(|(item, _)| println!("{peer} {item}"));
            }
            ExitCode::SUCCESS
        }
        ["vthread", "painted", n] => n.parse().map_or_else(|_| usage(), ours::painted),
        [peer, item, n] => match (find(peer, item), n.parse()) {
            (Some(item), Ok(n)) => {
                print(&item(n));
                ExitCode::SUCCESS
            }
            _ => usage(),
        },
        _ => usage(),
    }
}

fn find(peer: &str, item: &str) -> Option<fn(u64) -> Done> {
    let (_, items) = PEERS.iter().find(|p| p.0 == peer)?;
    items.iter().find(|i| i.0 == item).map(|i| i.1)
}

fn usage() -> ExitCode {
    eprintln!("usage: zork-probe PEER ITEM N, or list; `zork-probe list` shows peers and items");
    ExitCode::from(2)
}

fn print(done: &Done) {
    let Done { answer, wall_ns, cpu_ns, resident } = done;
    match resident {
        Some((before, with)) => println!("ok {answer} {wall_ns} {before} {with}"),
        None => println!("ok {answer} {wall_ns} {cpu_ns}"),
    }
}
