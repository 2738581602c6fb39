//! One thread, one task after the other.

use super::{Engine, workers};
use crate::behaviour::{Task, Tasks, Worker};
use crate::search::Search;
use std::sync::Arc;

/// See the module.
#[derive(Debug)]
pub struct Sequential;

/// Tasks that wait; the newest is next, so that few wait at a time.
struct Stack<'a> {
    search: &'a Search,
    tasks: Vec<Task>,
}

impl Tasks for Stack<'_> {
    fn spawn(&mut self, task: Task) {
        self.search.counts.task_made();
        self.tasks.push(task);
    }

    fn wanted(&mut self) -> bool {
        false
    }

    fn parallel(&self) -> bool {
        false
    }
}

impl Engine for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }

    fn about(&self) -> &'static str {
        "one thread, blocking calls"
    }

    fn threads(&self, _: &Search) -> usize {
        1
    }

    fn run(&self, search: &Arc<Search>) -> std::io::Result<()> {
        workers(search, 1);
        let mut worker = Worker::new(search);
        let mut stack = Stack { search, tasks: vec![] };
        for root in 0..search.roots.len() {
            stack.spawn(Task::Root(root));
            while let Some(task) = stack.tasks.pop() {
                worker.run(task, &mut stack);
                search.counts.task_done();
            }
        }
        Ok(())
    }
}
