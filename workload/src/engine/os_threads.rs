//! A thread for each directory, as many at a time as the machine can make use of; when all are taken, a directory waits with
//! the thread that found it.

use super::{Engine, processors};
use crate::behaviour::{Task, Tasks, Worker};
use crate::search::Search;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{Builder, Scope};

/// See the module.
#[derive(Debug)]
pub struct OsThreads;

/// Threads for each processor: while one waits for the disk, another computes.
const PER_PROCESSOR: usize = 4;
/// A worker's frames are small; the default of 2 MiB would only cost address space.
const STACK: usize = 256 << 10;

/// What all threads of one search share.
struct Pool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    search: &'env Arc<Search>,
    most: usize,
    alive: &'env AtomicUsize,
}

/// What one thread still has to do itself.
struct Mine<'p, 'scope, 'env> {
    pool: &'p Pool<'scope, 'env>,
    waiting: VecDeque<Task>,
}

impl Pool<'_, '_> {
    /// Starts a thread for `task`, or gives it back if there are enough.
    fn start(&self, task: Task) -> Result<(), Task> {
        if self.alive.fetch_add(1, Relaxed) >= self.most {
            self.alive.fetch_sub(1, Relaxed);
            return Err(task);
        }
        let pool = Pool { ..*self };
        // The task must survive if no thread can be had, so it does not move into the closure until there is one.
        let (hand_over, take) = std::sync::mpsc::sync_channel(1);
        let thread = Builder::new().stack_size(STACK).spawn_scoped(self.scope, move || {
            if let Ok(task) = take.recv() {
                pool.work(task);
            }
            pool.alive.fetch_sub(1, Relaxed);
        });
        if thread.is_ok() {
            return hand_over.send(task).map_err(|lost| lost.0);
        }
        self.alive.fetch_sub(1, Relaxed);
        Err(task)
    }

    fn work(&self, first: Task) {
        let mut worker = Worker::new(self.search);
        let mut mine = Mine { pool: self, waiting: VecDeque::from([first]) };
        // The newest first, so that few wait at a time; others get the oldest, which have most below them.
        while let Some(task) = mine.waiting.pop_back() {
            mine.wanted();
            worker.run(task, &mut mine);
            self.search.counts.task_done();
        }
    }
}

impl Tasks for Mine<'_, '_, '_> {
    fn spawn(&mut self, task: Task) {
        self.pool.search.counts.task_made();
        if let Err(task) = self.pool.start(task) {
            self.waiting.push_back(task);
        }
    }

    fn wanted(&mut self) -> bool {
        if self.pool.alive.load(Relaxed) >= self.pool.most {
            return false;
        }
        let Some(oldest) = self.waiting.pop_front() else { return true };
        if let Err(task) = self.pool.start(oldest) {
            self.waiting.push_front(task);
        }
        false
    }

    fn parallel(&self) -> bool {
        self.pool.most > 1
    }
}

impl Engine for OsThreads {
    fn name(&self) -> &'static str {
        "os-threads"
    }

    fn about(&self) -> &'static str {
        "a thread for each directory, within a cap of a few per processor; blocking calls"
    }

    fn threads(&self, search: &Search) -> usize {
        search.files.share_among(search.threads.unwrap_or(PER_PROCESSOR * processors()))
    }

    fn run(&self, search: &Arc<Search>) -> std::io::Result<()> {
        let (most, alive) = (self.threads(search), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            // This thread works too, and is counted.
            alive.fetch_add(1, Relaxed);
            let pool = Pool { scope, search, most, alive: &alive };
            for root in 0..search.roots.len() {
                search.counts.task_made();
                pool.work(Task::Root(root));
            }
        });
        Ok(())
    }
}
