//! Parts of a tree, made side by side.

use crate::{Error, part::Part};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

/// More threads than this only wait for the file system.
const MOST_THREADS: usize = 8;

/// Makes parts number 0 to `parts` - 1 with all cores, and puts them together in that order.
pub(crate) fn in_parallel(
    parts: u64,
    make: impl Fn(u64) -> Result<Part, Error> + Sync,
) -> Result<Part, Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let worker = || {
        let mut done = vec![];
        while !failed.load(Relaxed) {
            let number = next.fetch_add(1, Relaxed);
            if number >= parts {
                break;
            }
            match make(number) {
                Ok(part) => done.push((number, part)),
                Err(error) => {
                    failed.store(true, Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(done)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        running
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut done = vec![];
    for result in results {
        done.extend(result?);
    }
    done.sort_by_key(|(number, _)| *number);
    let mut whole = Part::default();
    for (_, part) in done {
        whole.add(part);
    }
    Ok(whole)
}
