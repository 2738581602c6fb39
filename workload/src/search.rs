//! One search: what is looked for, where, and what has been found so far. Shared by all workers of an engine.

use crate::matcher::{Detail, Found, Needle};
use crate::output::{Output, Problem, Says, Summary, Vthreads};
use crate::tree::{DirUse, OpenFiles, Visits};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use std::ffi::CString;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// A path that the search begins at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    /// Where it is.
    pub path: CString,
    /// Whether the path is to be printed in front of what is found.
    pub shown: bool,
}

/// What all workers share.
#[derive(Debug)]
pub struct Search {
    /// What is looked for.
    pub needle: Needle,
    /// How much is to be known of each match.
    pub detail: Detail,
    /// Whether the first match ends it all.
    pub quiet: bool,
    /// Whether symbolic links are followed.
    pub follow: bool,
    /// Threads to use, if the user said so.
    pub threads: Option<usize>,
    /// Where to begin.
    pub roots: Vec<Root>,
    /// How many files may be open.
    pub files: Arc<OpenFiles>,
    /// Where matches and errors go.
    pub output: Output,
    /// What was done so far.
    pub counts: Counts,
    /// Whether it goes on, and since when.
    pub run: Run,
}

/// What a search did so far. Workers add to it after each task, not after each file.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of `Summary`")]
pub struct Counts {
    pub text_files: AtomicU64,
    pub json_files: AtomicU64,
    pub directories: AtomicU64,
    pub bytes: AtomicU64,
    pub files_matched: AtomicU64,
    pub matches: AtomicU64,
    pub errors: AtomicU64,
    pub vanished: AtomicU64,
    pub most_tasks: AtomicU64,
    /// How often directories were listed by way of symbolic links.
    pub visits: Visits,
    /// Whether somebody wants to know what slows a search to count.
    pub in_detail: bool,
    /// Set by an engine that has them, at its end.
    pub vthreads: OnceLock<Vthreads>,
    /// Set by an engine that used fewer threads than it would have.
    pub threads: OnceLock<usize>,
    tasks: AtomicU64,
}

impl Counts {
    /// Nothing was done so far.
    pub fn new(in_detail: bool) -> Self {
        Self { in_detail, ..Self::default() }
    }

    /// Whether nobody has heard anything of the search yet.
    pub fn is_untouched(&self) -> bool {
        [&self.directories, &self.files_matched, &self.errors]
            .into_iter()
            .all(|count| count.load(Relaxed) == 0)
    }

    /// A task more is alive.
    pub fn task_made(&self) {
        let now = self.tasks.fetch_add(1, Relaxed) + 1;
        if now > self.most_tasks.load(Relaxed) {
            self.most_tasks.fetch_max(now, Relaxed);
        }
    }

    /// A task less is alive.
    pub fn task_done(&self) {
        self.tasks.fetch_sub(1, Relaxed);
    }
}

/// Whether a search goes on, and since when.
#[derive(Debug)]
pub struct Run {
    stop: AtomicBool,
    started: Instant,
}

impl Run {
    /// The clock runs from here.
    pub fn start() -> Self {
        Self { stop: AtomicBool::new(false), started: Instant::now() }
    }
}

impl Search {
    /// Whether nothing more needs to be searched.
    pub fn is_stopped(&self) -> bool {
        let is_stopped = self.run.stop.load(Relaxed) || self.output.is_closed();
        if is_stopped {
            // Nor does who waits.
            self.files.wait_no_more();
        }
        is_stopped
    }

    /// Reports that something could not be searched. The search goes on. What was waited for until the search was over is none.
    pub fn problem(&self, path: &[u8], problem: &Problem) {
        let was_waited_for =
            matches!(problem, Problem::System(Errno::AGAIN | Errno::BUSY | Errno::MFILE | Errno::NFILE));
        if was_waited_for && self.is_stopped() {
            return;
        }
        self.counts.errors.fetch_add(1, Relaxed);
        self.output.problem(path, problem);
    }

    /// Whether the directory is to be listed: it is, unless links have led to it before.
    ///
    /// # Errors
    /// As [`DirUse::is_to_be_listed`].
    pub fn is_to_be_listed(&self, dir: &DirUse) -> Result<bool, Errno> {
        if self.follow { dir.is_to_be_listed(&self.counts.visits) } else { Ok(true) }
    }

    /// What was done, now that it is done, by so many threads if the engine has not said how many they were.
    pub fn summary(&self, engine: &'static str, threads: usize) -> Summary {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let counts = &self.counts;
        Summary {
            engine,
            threads: counts.threads.get().copied().unwrap_or(threads),
            text_files: counts.text_files.load(Relaxed),
            json_files: counts.json_files.load(Relaxed),
            directories: counts.directories.load(Relaxed),
            bytes: counts.bytes.load(Relaxed),
            files_matched: counts.files_matched.load(Relaxed),
            matches: counts.matches.load(Relaxed),
            errors: counts.errors.load(Relaxed),
            vanished: counts.vanished.load(Relaxed),
            most_tasks: counts.most_tasks.load(Relaxed),
            vthreads: counts.vthreads.get().copied(),
            wall_seconds: self.run.started.elapsed().as_secs_f64(),
            cpu_seconds: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            peak_rss_bytes: crate::output::peak_rss(),
        }
    }
}

/// What is found in one file, on its way to the output.
pub struct FileReport<'a> {
    search: &'a Search,
    make_path: &'a (dyn Fn() -> Vec<u8> + Sync),
    /// Made at the first match: most files have none.
    path: Option<Vec<u8>>,
    /// Lines that belong together are written together.
    lines: Vec<u8>,
    count: u64,
}

/// Lines of one file that are kept together at most.
const TOGETHER: usize = 64 << 10;

impl<'a> FileReport<'a> {
    /// A report about the file whose path `make_path` makes.
    pub fn new(search: &'a Search, make_path: &'a (dyn Fn() -> Vec<u8> + Sync)) -> Self {
        Self { search, make_path, path: None, lines: vec![], count: 0 }
    }

    /// One match. `Break` if no more is wanted from anywhere.
    pub fn found(&mut self, found: Found<'_>) -> ControlFlow<()> {
        self.count += 1;
        let format = self.search.output.format();
        if format.says == Says::Locations {
            let path = self.path.get_or_insert_with(self.make_path);
            format.location(path, &found, &mut self.lines);
            if self.lines.len() > TOGETHER {
                self.search.output.write(path, &self.lines);
                self.lines.clear();
            }
        } else if self.count == 1 && format.says == Says::Path {
            let path = self.path.get_or_insert_with(self.make_path);
            format.path(path, &mut self.lines);
            self.search.output.write(path, &self.lines);
            self.lines.clear();
        }
        if self.search.quiet {
            self.search.run.stop.store(true, Relaxed);
        }
        if self.search.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// So many matches whose places are not known.
    pub fn found_many(&mut self, count: u64) {
        if count > 0 {
            // The first is reported, the rest are counted.
            let _ = self.found(Found { line: 0, column: 0, pointer: None });
            self.count += count - 1;
        }
    }

    /// The file is searched, to its end or as far as it could be.
    #[inline]
    pub fn finish(self) {
        if self.count > 0 {
            self.say();
        }
    }

    fn say(mut self) {
        let format = self.search.output.format();
        if format.says == Says::Count {
            let path = self.path.get_or_insert_with(self.make_path);
            format.count(path, self.count, &mut self.lines);
        }
        if let (Some(path), false) = (&self.path, self.lines.is_empty()) {
            self.search.output.write(path, &self.lines);
        }
        let counts = &self.search.counts;
        counts.files_matched.fetch_add(1, Relaxed);
        counts.matches.fetch_add(self.count, Relaxed);
    }
}
