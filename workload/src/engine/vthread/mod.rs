//! The search on virtual threads. It is written as one would write it anyway (`walk`), with `#[vthread]` on top.
//!
//! ```text
//! alone           no vthread yet: the first files, by the same functions on the calling thread. What is left goes to
//! walk            a vthread for a part of the tree: lists directories, searches files while they are in memory
//!  ├──> walk      another, with the older half of what is left, when a carrier has nothing to do: that one steals it
//!  ├──> late      a vthread for each file whose bytes have to come from the disk: many wait at a time, on this carrier
//!  └──> ahead     a vthread for each directory that has to come from the disk, a few at a time, and what is in it
//! ```
//!
//! Nothing here waits on an OS thread, and no vthread's stack is larger than was proved.
//!
//! What is found and not yet searched is a list in the walk, not a call in a call: a walk that returns from each directory before it
//! opens the next holds few descriptors, its list can be halved for another carrier, and a path of 140 KB takes no stack.

mod crew;
mod file;
mod place;
mod walk;

use super::{Engine, processors};
use crate::behaviour::{EARLY, Task};
use crate::output::Vthreads;
use crate::search::Search;
use crew::Crew;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use vthread::{Runtime, Stats, WhenStuck};

/// See the module.
#[derive(Debug)]
pub struct Vthread;

/// Files that are waited for at a time, if as many may be open. Disks of today want hundreds (ARCHITECTURE.md has figures); each is some 20 KB.
const LATE: usize = 384;
/// Descriptors of a carrier's `io_uring` and its bell.
const PER_CARRIER: usize = 2;
/// [`OpenFiles::share_among`](crate::tree::OpenFiles::share_among) counts in workers of so many files.
const PER_WORKER: usize = 4;

/// Directories, files and pieces of 16 KB that are searched on the calling thread before carriers are started. To start them takes about as long:
/// some 0.3 ms. `--threads` starts them at once. For tests of what only they do, `ZORK_FIRST` in the environment is another number, 0 for none.
const FIRST: usize = 48;

/// Of a carrier for its chunks: two megabytes for each size that there is (`docs/bounds.md` has them).
const ADDRESSES: usize = 16 << 20;

/// How many carriers there are, and how many files they may wait for at a time.
fn room(search: &Search) -> (usize, usize) {
    let wanted = search.threads.unwrap_or_else(processors);
    let for_late = LATE.min(search.files.limit() / 2) / PER_WORKER;
    let workers = search.files.share_among(wanted.saturating_add(for_late));
    let carriers = wanted.min(workers);
    search.files.share_early(carriers, EARLY);
    (carriers, ((workers - carriers) * PER_WORKER).saturating_sub(PER_CARRIER * carriers))
}

impl Engine for Vthread {
    fn name(&self) -> &'static str {
        "vthread"
    }

    fn about(&self) -> &'static str {
        "virtual threads on a carrier per processor: one for a part of the tree, one for each file that must be waited for"
    }

    fn threads(&self, search: &Search) -> usize {
        room(search).0
    }

    fn run(&self, search: &Arc<Search>) -> io::Result<()> {
        let (carriers, late) = room(search);
        let roots = (0..search.roots.len()).rev().map(Task::Root).inspect(|_| search.counts.task_made());
        let crew = Crew::new(search, carriers, late);
        let first = first(search);
        let left = if first > 0 { crew.search_here(roots.collect(), Some(first)) } else { roots.collect() };
        if left.is_empty() {
            was_alone(search);
            return Ok(());
        }
        match start(search, carriers) {
            Ok(runtime) => search_on(runtime, &crew, left),
            // What has been begun is brought to its end.
            Err(_) if first > 0 => {
                crew.search_here(left, None);
                was_alone(search);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// The calling thread has searched it all: it was one, with no vthread.
fn was_alone(search: &Search) {
    // Only if the search is run a second time is it said already.
    let _ = search.counts.vthreads.set(Vthreads::from(&Stats::default()));
    let _ = search.counts.threads.set(1);
}

/// How much is done before there are carriers.
fn first(search: &Search) -> usize {
    let asked = || std::env::var("ZORK_FIRST").ok()?.parse().ok();
    if search.threads.is_some() { 0 } else { asked().unwrap_or(FIRST) }
}

/// Starts the carriers.
fn start(search: &Search, carriers: usize) -> io::Result<Runtime> {
    // No other thread wakes them: if all wait for each other, that is a mistake, and better said than slept through.
    let runtime = Runtime::builder().carriers(carriers).when_stuck(WhenStuck::Report);
    // A walk runs until nobody is idle, which may be long.
    let runtime = runtime.report_blocked_after(Duration::MAX).count_chunks(search.counts.in_detail).build();
    let runtime = runtime.map_err(io::Error::other)?;
    // Too few of them would be noticed when half of the search is done.
    let (has, needs) = (vthread::stats().region_reserved, carriers * ADDRESSES);
    if has < needs {
        let error = format!("addresses for stacks: {has} bytes of {needs} that are needed (see `ulimit -v`)");
        return Err(io::Error::new(io::ErrorKind::OutOfMemory, error));
    }
    Ok(runtime)
}

fn search_on(runtime: Runtime, crew: &Crew, left: VecDeque<Task>) -> io::Result<()> {
    let ran = runtime.run(|| crew.search_all(left));
    let stats = runtime.finish();
    // Only if the search is run a second time are there some already.
    let _ = crew.search.counts.vthreads.set(Vthreads::from(&stats));
    ran.map_err(io::Error::other)
}
