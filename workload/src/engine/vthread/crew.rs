//! What all vthreads of one search share: who is at work, and what waits for whom.

use super::walk;
use crate::behaviour::{Entry, LISTING, Task, Tasks, Tools};
use crate::output::{Problem, Vthreads};
use crate::search::{Root, Search};
use crate::tree::{DirUse, Kind, Names, errno};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vthread::Scope;
use vthread::sync::Semaphore;

/// See the module.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) search: Arc<Search>,
    /// Walks that may be under way, one a carrier, and are. A share that waits for its carrier counts.
    most: usize,
    walking: AtomicUsize,
    /// Walks, and vthreads that wait for a file: when there is none, all is done.
    busy: AtomicUsize,
    /// Shares of the tree that wait for a carrier, each with a permit.
    shares: Mutex<Vec<VecDeque<Task>>>,
    permits: Semaphore,
    is_done: AtomicBool,
    /// Files that may still be waited for.
    late: AtomicUsize,
    most_late: usize,
    /// The fewest that there were left.
    least_late: AtomicUsize,
    numbers: Mutex<Vthreads>,
    /// Kept for the next one, with their buffers.
    tools: Mutex<Vec<(Tools, Listing)>>,
}

/// What a walk reads a directory with.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<MaybeUninit<u8>>,
    pub(super) names: Names,
}

/// A file whose bytes are not in memory.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) dir: DirUse,
    pub(super) name: CString,
    pub(super) kind: Kind,
    pub(super) follow: bool,
    /// Open already.
    pub(super) fd: Option<OwnedFd>,
}

impl Listing {
    fn new() -> Self {
        Self { entries: vec![MaybeUninit::uninit(); LISTING], names: Names::default() }
    }
}

impl Crew {
    /// For so many carriers, which may wait for so many files. `first` is the first share.
    pub(super) fn new(search: &Arc<Search>, most: usize, late: usize, first: VecDeque<Task>) -> Self {
        Self {
            search: Arc::clone(search),
            most,
            walking: AtomicUsize::new(1),
            busy: AtomicUsize::new(1),
            shares: Mutex::new(vec![first]),
            permits: Semaphore::new(1),
            is_done: AtomicBool::new(false),
            late: AtomicUsize::new(late),
            most_late: late,
            least_late: AtomicUsize::new(late),
            numbers: Mutex::default(),
            tools: Mutex::default(),
        }
    }

    /// What a carrier does: walks through one share after the other. Returns when all is done.
    pub(super) fn carry(&self) {
        vthread::scope(|scope| {
            loop {
                self.permits.acquire(1).forget();
                let share = self.shares.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(waiting) = share else { break };
                walk::walk(&mut Job { crew: self, scope, waiting });
                self.walking.fetch_sub(1, AcqRel);
                self.one_ended();
            }
        });
        let (stats, mut numbers) = (vthread::stats(), self.numbers());
        numbers.spawned += 1;
        numbers.stack_bytes_taken = numbers.stack_bytes_taken.max(stats.region_taken as u64);
        numbers.hop_stacks += stats.hop_stacks.most as u64;
        numbers.detaches += stats.hop_stacks.detaches;
        numbers.operations += stats.operations.total;
        numbers.most_in_flight += stats.operations.most as u64;
    }

    fn numbers(&self) -> MutexGuard<'_, Vthreads> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the vthreads amounted to, now that all is done.
    pub(super) fn vthreads(&self) -> Vthreads {
        let late = self.most_late - self.least_late.load(Relaxed);
        Vthreads { most_alive: (self.most + late) as u64, ..*self.numbers() }
    }

    /// Gives a share to whichever carrier has nothing to do. The caller has counted it as walking.
    fn give(&self, share: VecDeque<Task>) {
        self.busy.fetch_add(1, AcqRel);
        self.shares.lock().unwrap_or_else(PoisonError::into_inner).push(share);
        self.permits.release(1);
    }

    fn one_ended(&self) {
        if self.busy.fetch_sub(1, AcqRel) == 1 {
            self.finish();
        }
    }

    /// Lets all carriers go: there is nothing left to do, or one of them has panicked.
    pub(super) fn finish(&self) {
        if !self.is_done.swap(true, AcqRel) {
            self.permits.release(self.most);
        }
    }

    /// Whether one more file may be waited for; then it counts.
    pub(super) fn may_wait(&self) -> bool {
        let before = self.late.fetch_update(AcqRel, Relaxed, |left| left.checked_sub(1));
        if let Ok(left) = before {
            self.least_late.fetch_min(left - 1, Relaxed);
        }
        before.is_ok()
    }

    /// Starts a vthread for a file that has to be waited for.
    #[inline(never)]
    pub(super) fn wait_for<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, mut file: Late) {
        self.busy.fetch_add(1, AcqRel);
        self.numbers().spawned += 1;
        drop(scope.spawn_local(move || {
            walk::late(&mut Job { crew: self, scope, waiting: VecDeque::new() }, &mut file);
        }));
    }

    pub(super) fn late_ended(&self) {
        self.late.fetch_add(1, AcqRel);
        self.one_ended();
    }

    #[inline(never)]
    pub(super) fn take_tools(&self) -> (Tools, Listing) {
        let kept = self.tools.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| (Tools::new(&self.search), Listing::new()))
    }

    #[inline(never)]
    pub(super) fn keep_tools(&self, tools: Tools, listing: Listing) {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner).push((tools, listing));
    }
}

/// What the user named, as far as it is something to be searched; a directory is open.
#[inline(never)]
pub(super) fn root_of(search: &Search, root: &Root) -> Result<(Kind, Option<DirUse>), Problem> {
    let path = root.path.to_bytes();
    // Looked at before it is opened: opening a device may do something.
    match Kind::of(search.files.type_of_path(path)?, path) {
        Some(Kind::Directory) => {
            let dir = DirUse::open_root(&search.files, &root.path, root.shown)?;
            Ok((Kind::Directory, Some(dir)))
        }
        Some(kind) => Ok((kind, None)),
        None => Err(Problem::NotSearched("not a directory, .txt or .json file")),
    }
}

/// Opens an entry of `dir` if that needs no waiting: `EAGAIN`.
#[inline(never)]
pub(super) fn try_open(dir: &DirUse, entry: &Entry<'_>) -> Result<OwnedFd, Errno> {
    let flags = entry.flags().bits().cast_signed();
    vthread::io::try_open_at(&*dir.descriptor()?, entry.name, flags, 0).map_err(|error| errno(&error))
}

/// Bytes that are waited for at first: all of most files.
const START: usize = 16 << 10;

/// Opens a file if it is not open, and reads its beginning. Waits.
#[inline(never)]
pub(super) fn read_start(
    search: &Search,
    file: &mut Late,
) -> Result<(OwnedFd, Result<Vec<u8>, Errno>), Errno> {
    let entry = Entry { dir: Some(&file.dir), name: &file.name, follow: file.follow };
    let fd = match file.fd.take() {
        Some(fd) => fd,
        None => entry.open(search)?,
    };
    let mut start = vec![0; START];
    let read = vthread::io::read(&fd, &mut start);
    let start = read.map_err(|error| errno(&error)).map(|n| {
        start.truncate(n);
        start
    });
    Ok((fd, start))
}

/// What one vthread still has to do itself, and a way to start others.
pub(super) struct Job<'scope, 'env> {
    pub(super) crew: &'scope Crew,
    pub(super) scope: &'scope Scope<'scope, 'env>,
    pub(super) waiting: VecDeque<Task>,
}

impl Tasks for Job<'_, '_> {
    fn spawn(&mut self, task: Task) {
        self.crew.search.counts.task_made();
        self.waiting.push_back(task);
        self.wanted();
    }

    fn wanted(&mut self) -> bool {
        let crew = self.crew;
        if crew.walking.load(Relaxed) >= crew.most {
            return false;
        }
        if self.waiting.is_empty() {
            return true;
        }
        if crew.walking.fetch_add(1, AcqRel) >= crew.most {
            crew.walking.fetch_sub(1, AcqRel);
            return false;
        }
        // The older ones have most below them.
        let older = self.waiting.drain(..self.waiting.len().div_ceil(2)).collect();
        crew.give(older);
        false
    }

    fn parallel(&self) -> bool {
        self.crew.most > 1
    }
}
