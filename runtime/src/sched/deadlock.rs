//! When everything waits and nothing is left that could end it.

use core::fmt::Write;

/// What to do when all vthreads of a runtime wait, none of them for a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenStuck {
    /// If the process has no other thread that could wake one, it is a deadlock: the waits are cancelled, and
    /// [`Builder::run`](crate::Builder::run) gives [`Error::Deadlock`](crate::Error::Deadlock) with who waits for what.
    /// Otherwise the runtime sleeps.
    #[default]
    Judge,
    /// It is a deadlock: no other thread wakes vthreads of this runtime.
    Report,
    /// Another thread will wake one: sleep.
    Sleep,
}

impl WhenStuck {
    /// `threads`: those that wait, and those that wait for them.
    pub(crate) fn is_deadlock(self, threads: usize) -> bool {
        match self {
            Self::Judge => has_only(threads),
            Self::Report => true,
            Self::Sleep => false,
        }
    }
}

/// Has the process no other threads? Those do not count that the kernel has made for a ring's operations: they stay, and wake nobody.
fn has_only(threads: usize) -> bool {
    /// `PF_IO_WORKER`.
    const OF_THE_KERNEL: u32 = 0x10;
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return false };
    let tasks: Vec<_> = tasks.filter_map(Result::ok).collect();
    let is_the_kernels = |task: &std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok();
        // The name, in parentheses, may hold anything; then a letter, and five numbers.
        let flags = stat.as_ref().and_then(|s| s.rsplit_once(") ")?.1.split(' ').nth(6)?.parse().ok());
        flags.is_some_and(|flags: u32| flags & OF_THE_KERNEL != 0)
    };
    match tasks.len().checked_sub(threads) {
        None => false,
        Some(0) => true,
        Some(more) => tasks.iter().filter(|task| is_the_kernels(task)).count() == more,
    }
}

/// One line for each that waits, up to a number.
pub(crate) struct Report {
    text: String,
    left_out: usize,
    lines: usize,
}

const LINES: usize = 100;

impl Report {
    pub(crate) fn new() -> Self {
        Self { text: String::new(), left_out: 0, lines: 0 }
    }

    pub(crate) fn add(&mut self, task: &super::task::Task, what: super::wait::What) {
        if self.lines == LINES {
            self.left_out += 1;
            return;
        }
        self.lines += 1;
        let name = task.name().unwrap_or_else(|| task.closure_name());
        let _ = write!(self.text, "\n  vthread {} ({name}) {what}", task.id);
    }

    pub(crate) fn finish(mut self) -> String {
        if self.left_out > 0 {
            let _ = write!(self.text, "\n  and {} more", self.left_out);
        }
        self.text
    }
}
