//! What all vthreads of one search share: how many are at work, and how one starts another.

use super::walk;
use crate::behaviour::{Entry, LISTING, Task, Tasks, Tools};
use crate::output::Problem;
use crate::search::{Root, Search};
use crate::tree::{DirUse, Kind, Names, errno};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use vthread::Scope;

/// See the module.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) search: Arc<Search>,
    /// Walks that may be under way, one a carrier, and are. One that has not started counts.
    most: usize,
    walking: AtomicUsize,
    /// Walks that have not started.
    offered: AtomicUsize,
    /// Files that may still be waited for.
    late: AtomicUsize,
    /// Kept for the next one, with their buffers.
    tools: Mutex<Vec<(Box<Tools>, Listing)>>,
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
    /// For so many carriers, which may wait for so many files.
    pub(super) fn new(search: &Arc<Search>, most: usize, late: usize) -> Self {
        Self {
            search: Arc::clone(search),
            most,
            walking: AtomicUsize::new(1),
            offered: AtomicUsize::new(1),
            late: AtomicUsize::new(late),
            tools: Mutex::default(),
        }
    }

    /// Searches all that waits in `first`, on as many carriers as there are. Called on a vthread.
    pub(super) fn search_all(&self, first: VecDeque<Task>) {
        vthread::scope(|scope| self.walk(scope, first));
    }

    /// What a vthread does that walks. It is counted already.
    fn walk<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, waiting: VecDeque<Task>) {
        /// Also when it panics: nobody else would get its place.
        struct Ended<'a>(&'a AtomicUsize);

        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, AcqRel);
            }
        }

        let _ended = Ended(&self.walking);
        self.offered.fetch_sub(1, AcqRel);
        walk::walk(&mut Job { crew: self, scope, waiting });
    }

    /// Gives a share to whichever carrier has nothing to do. The caller has counted it as walking.
    #[inline(never)]
    fn give<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, share: VecDeque<Task>) {
        self.offered.fetch_add(1, AcqRel);
        drop(scope.spawn(move || self.walk(scope, share)));
    }

    /// Whether a share waits for a carrier. Who yields now gets it back.
    pub(super) fn has_offered(&self) -> bool {
        self.offered.load(Relaxed) > 0
    }

    /// Whether one more file may be waited for; then it counts.
    pub(super) fn may_wait(&self) -> bool {
        self.late.fetch_update(AcqRel, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Starts a vthread for a file that has to be waited for.
    #[inline(never)]
    pub(super) fn wait_for<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, mut file: Late) {
        drop(scope.spawn_local(move || {
            walk::late(&mut Job { crew: self, scope, waiting: VecDeque::new() }, &mut file);
        }));
    }

    pub(super) fn late_ended(&self) {
        self.late.fetch_add(1, AcqRel);
    }

    #[inline(never)]
    pub(super) fn take_tools(&self) -> (Box<Tools>, Listing) {
        let kept = self.tools.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // Making them needs more stack than all the rest, and happens once a carrier: it shall not count for every vthread.
        kept.unwrap_or_else(|| (vthread::hop(|| Box::new(Tools::new(&self.search))), Listing::new()))
    }

    #[inline(never)]
    pub(super) fn keep_tools(&self, tools: Box<Tools>, listing: Listing) {
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
        let is_directory = matches!(task, Task::Directory(_));
        self.waiting.push_back(task);
        // A walk's only directory stays with it. Of a chain of directories another carrier would get each in turn, and this one the next.
        if !is_directory || self.waiting.len() > 1 {
            self.wanted();
        }
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
        crew.give(self.scope, older);
        false
    }

    fn parallel(&self) -> bool {
        self.crew.most > 1
    }
}
