//! tokio as it is fastest for files: blocking calls on its blocking threads, directory by directory, and no hand-over for
//! anything smaller. A job goes on with the directories that it finds for as long as all threads are busy; when one is
//! not, the older half of what waits becomes a job of its own.

use super::{Engine, processors, threads_can_be_had, workers};
use crate::behaviour::{Task, Tasks, Worker};
use crate::search::Search;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// See the module.
#[derive(Debug)]
pub struct TokioBatched;

/// What all jobs of one search share.
struct Shared {
    search: Arc<Search>,
    runtime: Handle,
    most: usize,
    running: AtomicUsize,
    /// Workers are kept for the next job, with their buffers.
    workers: Mutex<Vec<Worker>>,
}

/// What one job still has to do.
struct Job {
    shared: Arc<Shared>,
    waiting: VecDeque<Task>,
    /// Where each job is announced. Closed when the last one has ended.
    jobs: UnboundedSender<JoinHandle<()>>,
}

impl Job {
    /// Makes a job of `waiting`. The caller has counted it as running.
    fn start(shared: &Arc<Shared>, waiting: VecDeque<Task>, jobs: &UnboundedSender<JoinHandle<()>>) {
        let mut job = Job { shared: Arc::clone(shared), waiting, jobs: jobs.clone() };
        let handle = shared.runtime.spawn_blocking(move || job.work());
        // The receiver lives as long as the search.
        drop(jobs.send(handle));
    }

    fn work(&mut self) {
        let workers = || self.shared.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = workers().pop();
        let mut worker = kept.unwrap_or_else(|| Worker::new(&self.shared.search));
        // The newest first, so that few wait at a time; others get the oldest, which have most below them.
        while let Some(task) = self.waiting.pop_back() {
            self.wanted();
            worker.run(task, self);
            self.shared.search.counts.task_done();
        }
        self.shared.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        self.shared.running.fetch_sub(1, AcqRel);
    }
}

impl Tasks for Job {
    fn spawn(&mut self, task: Task) {
        self.shared.search.counts.task_made();
        let is_directory = matches!(task, Task::Directory(_));
        self.waiting.push_back(task);
        // A job's only directory stays with it, or a chain of directories would go to and fro.
        if !is_directory || self.waiting.len() > 1 {
            self.wanted();
        }
    }

    fn wanted(&mut self) -> bool {
        let Shared { running, most, .. } = &*self.shared;
        if running.load(Relaxed) >= *most {
            return false;
        }
        if self.waiting.is_empty() {
            return true;
        }
        if running.fetch_add(1, AcqRel) >= *most {
            running.fetch_sub(1, AcqRel);
            return false;
        }
        let older = self.waiting.drain(..self.waiting.len().div_ceil(2)).collect();
        Self::start(&self.shared, older, &self.jobs);
        false
    }

    fn parallel(&self) -> bool {
        self.shared.most > 1
    }
}

impl Engine for TokioBatched {
    fn name(&self) -> &'static str {
        "tokio-batched"
    }

    fn about(&self) -> &'static str {
        "tokio at its fastest: directories in batches on its blocking threads, shared when one is idle"
    }

    fn threads(&self, search: &Search) -> usize {
        workers(search, search.threads.unwrap_or_else(processors))
    }

    fn run(&self, search: &Arc<Search>) -> io::Result<()> {
        let most = self.threads(search);
        // It does with one.
        threads_can_be_had(1)?;
        let runtime = Builder::new_current_thread().max_blocking_threads(most).build()?;
        let shared = Arc::new(Shared {
            search: Arc::clone(search),
            runtime: runtime.handle().clone(),
            most,
            running: AtomicUsize::new(1),
            workers: Mutex::default(),
        });
        let (jobs, mut started) = unbounded_channel();
        let roots = (0..search.roots.len()).rev().map(Task::Root).inspect(|_| search.counts.task_made());
        Job::start(&shared, roots.collect(), &jobs);
        drop(jobs);
        runtime.block_on(async {
            while let Some(job) = started.recv().await {
                if let Err(failed) = job.await
                    && let Ok(panic) = failed.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                }
            }
        });
        Ok(())
    }
}
