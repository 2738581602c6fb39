//! A thread for each directory, as many at a time as the machine can make use of; when all are taken, a directory waits with
//! the thread that found it. What kind of thread is another file's choice.

use super::{processors, workers};
use crate::behaviour::{Task, Tasks, Worker};
use crate::search::Search;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Threads for each processor: while one waits for the disk, another computes.
const PER_PROCESSOR: usize = 4;

/// Starts threads that end before `'scope` does.
pub(super) trait Start<'scope>: Copy + Send + 'scope {
    /// Runs `f` on a thread of its own.
    fn start<F: FnOnce() + Send + 'scope>(self, f: F) -> io::Result<()>;
}

/// How many threads there may be at a time.
pub(super) fn threads(search: &Search) -> usize {
    workers(search, search.threads.unwrap_or(PER_PROCESSOR * processors()))
}

/// What all threads of one search share.
#[derive(Clone, Copy)]
pub(super) struct Pool<'env, S> {
    pub(super) start: S,
    pub(super) search: &'env Arc<Search>,
    pub(super) most: usize,
    /// Threads at work; the one that calls [`Pool::search_all`] is among them.
    pub(super) alive: &'env AtomicUsize,
}

/// What one thread still has to do itself.
struct Mine<'p, 'env, S> {
    pool: &'p Pool<'env, S>,
    waiting: VecDeque<Task>,
}

impl<'scope, 'env: 'scope, S: Start<'scope>> Pool<'env, S> {
    /// Searches all roots, on this thread and others. Returns when this thread has nothing left to do.
    pub(super) fn search_all(&self) {
        for root in 0..self.search.roots.len() {
            self.search.counts.task_made();
            self.work(Task::Root(root));
        }
        // From here on this thread only waits for the others.
        self.alive.fetch_sub(1, Relaxed);
    }

    /// Starts a thread for `task`, or gives it back if there are enough.
    fn try_start(&self, task: Task) -> Result<(), Task> {
        if self.alive.fetch_add(1, Relaxed) >= self.most {
            self.alive.fetch_sub(1, Relaxed);
            return Err(task);
        }
        let pool = *self;
        // The task must survive if no thread can be had, so it does not move into the closure until there is one.
        let (hand_over, take) = std::sync::mpsc::sync_channel(1);
        let started = self.start.start(move || {
            if let Ok(task) = take.recv() {
                pool.work(task);
            }
            pool.alive.fetch_sub(1, Relaxed);
        });
        if started.is_ok() {
            return hand_over.send(task).map_err(|lost| lost.0);
        }
        self.alive.fetch_sub(1, Relaxed);
        Err(task)
    }

    #[inline(never)]
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

impl<'scope, 'env: 'scope, S: Start<'scope>> Tasks for Mine<'_, 'env, S> {
    fn spawn(&mut self, task: Task) {
        self.pool.search.counts.task_made();
        if let Err(task) = self.pool.try_start(task) {
            self.waiting.push_back(task);
        }
    }

    fn wanted(&mut self) -> bool {
        if self.pool.alive.load(Relaxed) >= self.pool.most {
            return false;
        }
        let Some(oldest) = self.waiting.pop_front() else { return true };
        if let Err(task) = self.pool.try_start(oldest) {
            self.waiting.push_front(task);
        }
        false
    }

    fn parallel(&self) -> bool {
        self.pool.most > 1
    }
}
