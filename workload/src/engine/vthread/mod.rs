//! The search on virtual threads. It is written as one would write it anyway (`walk`), with `#[vthread]` on top.
//!
//! ```text
//! carrier ──> walk          a vthread for a part of the tree: lists directories, searches files while they are in memory
//!              │  └> walk   another, with the older half of what is left, when a carrier has nothing to do
//!              └> late      a vthread for each file whose bytes have to come from the disk: many wait at a time
//! ```
//!
//! Nothing here waits on an OS thread, and no vthread's stack is larger than was proved.

mod crew;
mod walk;

use super::{Engine, processors};
use crate::behaviour::Task;
use crate::search::Search;
use crew::Crew;
use std::io;
use std::sync::Arc;
use vthread::WhenStuck;

/// See the module.
#[derive(Debug)]
pub struct Vthread;

/// Files that are waited for at a time, if as many may be open.
const LATE: usize = 128;
/// Descriptors of a carrier's `io_uring` and its bell.
const PER_CARRIER: usize = 2;
/// [`OpenFiles::share_among`](crate::tree::OpenFiles::share_among) counts in workers of so many files.
const PER_WORKER: usize = 4;

/// Bytes of the stack of a carrier's own loop; vthreads have theirs.
const STACK: usize = 256 << 10;

/// How many carriers there are, and how many files they may wait for at a time.
fn room(search: &Search) -> (usize, usize) {
    let wanted = search.threads.unwrap_or_else(processors);
    let for_late = LATE.min(search.files.limit() / 2) / PER_WORKER;
    let workers = search.files.share_among(wanted.saturating_add(for_late));
    let carriers = wanted.min(workers);
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
        let crew = Crew::new(search, carriers, late, roots.collect());
        let ran = std::thread::scope(|threads| {
            for _ in 1..carriers {
                // Without it, the others do its work.
                let builder = std::thread::Builder::new().name("zork-carrier".into()).stack_size(STACK);
                drop(builder.spawn_scoped(threads, || carrier(&crew)));
            }
            carrier(&crew)
        });
        // Only if the search is run a second time are there some already.
        let _ = search.counts.vthreads.set(crew.vthreads());
        ran
    }
}

/// Runs vthreads on this OS thread until the search is done.
fn carrier(crew: &Crew) -> io::Result<()> {
    /// If this carrier panics, the others shall not wait for it.
    struct Finish<'a>(&'a Crew);

    impl Drop for Finish<'_> {
        fn drop(&mut self) {
            self.0.finish();
        }
    }

    let _finish = Finish(crew);
    let run = vthread::Builder::new().when_stuck(WhenStuck::Sleep).run(|| crew.carry());
    run.map_err(io::Error::other)
}
