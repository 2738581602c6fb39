//! What all vthreads of one search share: how many are at work, and how one starts another.

use super::place::Place;
use super::walk;
use crate::behaviour::{Entry, LISTING, Looks, Rest, Subdirectory, Task, Tasks, Tools};
use crate::output::Problem;
use crate::search::{Root, Search};
use crate::tree::{DirUse, Kind, Names, OpenFile, errno};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, RawDir, SeekFrom, fstat, seek, statat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::CString;
use std::hint::spin_loop;
use std::mem::MaybeUninit;
use std::sync::atomic::{
    AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vthread::Scope;
use vthread::io::Habit;

/// See the module.
pub(super) struct Crew {
    pub(super) search: Arc<Search>,
    pub(super) behaviours: walk::Behaviours,
    /// Walks that may be under way, one a carrier, and are. One that has not started counts.
    most: usize,
    walking: AtomicUsize,
    /// Walks that have not started.
    offered: AtomicUsize,
    /// Walks that have nothing left to do, are still counted in `walking`, and that nobody has taken a share for.
    hungry: AtomicUsize,
    /// Shares for hungry walks, and how many they are.
    handed: Mutex<Vec<VecDeque<Task>>>,
    handed_now: AtomicUsize,
    /// Nanoseconds that the next hungry walk waits.
    patience: AtomicU64,
    /// Files and directories that may still be waited for.
    late: AtomicUsize,
    /// Vthreads that may still be started for directories that have to be waited for.
    ahead: AtomicUsize,
    /// Kept for the next one, with their buffers and with what was learned of reads.
    tools: Mutex<Vec<(Box<Tools>, Listing, Habit)>>,
}

/// What a walk reads a directory with.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<MaybeUninit<u8>>,
    pub(super) names: Names,
}

/// Who gets a share.
#[derive(Clone, Copy, Debug)]
enum Taker {
    /// A walk that [`Crew::take_hungry`] has taken.
    Hungry,
    /// One that has not started, and is counted as walking.
    New,
}

/// A file whose bytes are not in memory.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) dir: DirUse,
    pub(super) name: CString,
    pub(super) kind: Kind,
    pub(super) follow: bool,
    pub(super) looks: Looks,
    /// Open already.
    pub(super) open: Option<OpenFile>,
    /// Whether it begins as soon as a read has found that it would wait: to try once more then is in vain.
    pub(super) at_once: bool,
}

impl Late {
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry { dir: Some(&self.dir), at: None, name: &self.name, follow: self.follow, looks: self.looks }
    }
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
            behaviours: walk::Behaviours::new(),
            most,
            walking: AtomicUsize::new(1),
            offered: AtomicUsize::new(1),
            hungry: AtomicUsize::new(0),
            handed: Mutex::default(),
            handed_now: AtomicUsize::new(0),
            patience: AtomicU64::new(PATIENCE),
            late: AtomicUsize::new(late),
            ahead: AtomicUsize::new(AHEAD),
            tools: Mutex::default(),
        }
    }

    /// Searches what waits in `first` on this thread: all of it, or so much of it. Gives what is left.
    pub(super) fn search_here(&self, first: VecDeque<Task>, so_much: Option<usize>) -> VecDeque<Task> {
        let mut job = Job { crew: self, scope: None, waiting: first, is_busy: false, left: so_much };
        walk::alone(&mut job);
        job.waiting
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
        walk::walk(&mut Job { crew: self, scope: Some(scope), waiting, is_busy: false, left: None });
    }

    /// Finds somebody for a share: a walk that stands ready for it, or one that is started for it.
    fn taker(&self) -> Option<Taker> {
        if self.take_hungry() {
            return Some(Taker::Hungry);
        }
        let is_one_more = self.walking.fetch_add(1, AcqRel) < self.most;
        if !is_one_more {
            self.walking.fetch_sub(1, AcqRel);
        }
        is_one_more.then_some(Taker::New)
    }

    fn give_to<'scope>(&'scope self, taker: Taker, scope: &'scope Scope<'scope, '_>, share: VecDeque<Task>) {
        match taker {
            Taker::Hungry => self.hand(share),
            Taker::New => self.give(scope, share),
        }
    }

    /// Gives a share to whichever carrier has nothing to do. The caller has counted it as walking.
    #[inline(never)]
    fn give<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, share: VecDeque<Task>) {
        self.offered.fetch_add(1, AcqRel);
        drop(scope.spawn(move || self.walk(scope, share)));
    }

    /// Whether a walk stands ready for a share: what it is given begins at once.
    fn is_hungry(&self) -> bool {
        self.hungry.load(Relaxed) > 0
    }

    /// One hungry walk less, if there is one. Who took it away gives it a share; a walk that took itself away ends.
    fn take_hungry(&self) -> bool {
        self.hungry.fetch_update(AcqRel, Relaxed, |hungry| hungry.checked_sub(1)).is_ok()
    }

    /// Gives a share to a walk that [`take_hungry`](Self::take_hungry) has taken.
    #[inline(never)]
    fn hand(&self, share: VecDeque<Task>) {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).push(share);
        self.handed_now.fetch_add(1, Release);
    }

    fn take_handed(&self) -> Option<VecDeque<Task>> {
        if self.handed_now.load(Acquire) == 0 {
            return None;
        }
        let share = self.handed.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        self.handed_now.fetch_sub(1, Relaxed);
        Some(share)
    }

    /// What a walk does that has nothing left: it looks out for a share for a short time, because to end, and to be started again by
    /// another carrier, takes longer than most shares are away. Where none came in time, as when other programs have the processor that the
    /// other carrier wants, the next one waits half as long. `None`: there is none; the walk is to end.
    #[inline(never)]
    pub(super) fn next_share(&self) -> Option<VecDeque<Task>> {
        let hungry = self.hungry.fetch_add(1, AcqRel) + 1;
        let (since, patience) = (Instant::now(), Duration::from_nanos(self.patience.load(Relaxed)));
        let mut gives_up = hungry >= self.walking.load(Relaxed) || self.search.is_stopped();
        loop {
            if let Some(share) = self.take_handed() {
                self.patience.store(PATIENCE, Relaxed);
                return Some(share);
            }
            // Whose place was taken gets a share, whatever the time.
            if gives_up && self.take_hungry() {
                self.patience.store((patience.as_nanos() as u64 / 2).max(LEAST_PATIENCE), Relaxed);
                return None;
            }
            for _ in 0..LOOKS_AROUND {
                if self.handed_now.load(Relaxed) > 0 {
                    break;
                }
                spin_loop();
            }
            if self.handed_now.load(Relaxed) == 0 {
                if !self.take_hungry() {
                    // A share is on its way.
                    vthread::yield_now();
                } else if !self.let_others_run() {
                    return None;
                }
            }
            gives_up = since.elapsed() > patience || self.hungry.load(Relaxed) >= self.walking.load(Relaxed);
        }
    }

    /// Others of this carrier may have got what they waited for, and one may be a walk: while it runs here, another carrier has nothing to do and shall get
    /// its shares, so a hungry walk that has taken itself away does not count meanwhile. Returns whether it is hungry again; if not, others have its place.
    fn let_others_run(&self) -> bool {
        /// Also when it is cancelled: who ends a walk takes it away once more.
        struct Away<'a>(&'a AtomicUsize);

        impl Drop for Away<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, AcqRel);
            }
        }

        self.walking.fetch_sub(1, AcqRel);
        let away = Away(&self.walking);
        vthread::yield_now();
        drop(away);
        let has_place = self.walking.load(Acquire) <= self.most;
        if has_place {
            self.hungry.fetch_add(1, AcqRel);
        }
        has_place
    }

    /// Whether a share waits for a carrier. Who yields now gets it back.
    pub(super) fn has_offered(&self) -> bool {
        self.offered.load(Relaxed) > 0
    }

    /// The right to wait for one more file, if there is one left.
    pub(super) fn may_wait(&self) -> Option<Place<'_>> {
        Place::one_of(&self.late)
    }

    /// Starts a vthread for a file that has to be waited for.
    #[inline(never)]
    pub(super) fn wait_for<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        place: Place<'scope>,
        mut file: Late,
    ) {
        drop(scope.spawn_local(move || {
            let _place = place;
            let mut job =
                Job { crew: self, scope: Some(scope), waiting: VecDeque::new(), is_busy: false, left: None };
            walk::late(&mut job, &mut file);
        }));
    }

    /// The right to wait for one more directory, if there is one left.
    pub(super) fn may_look_ahead(&self) -> Option<[Place<'_>; 2]> {
        Some([Place::one_of(&self.ahead)?, self.may_wait()?])
    }

    /// Starts a vthread for a directory that has to be waited for.
    #[inline(never)]
    pub(super) fn look_ahead<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        places: [Place<'scope>; 2],
        found: Subdirectory,
    ) {
        drop(scope.spawn_local(move || {
            let _places = places;
            let mut job =
                Job { crew: self, scope: Some(scope), waiting: VecDeque::new(), is_busy: false, left: None };
            walk::ahead(&mut job, &found);
        }));
    }

    #[inline(never)]
    pub(super) fn take_tools(&self) -> (Box<Tools>, Listing, Habit) {
        let kept = self.tools.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some((tools, listing, mut habit)) = kept {
            habit.forget_waits();
            return (tools, listing, habit);
        }
        // Making them needs more stack than all the rest, and happens once a carrier: it shall not count for every vthread.
        (vthread::hop(|| Box::new(Tools::new(&self.search))), Listing::new(), Habit::default())
    }

    #[inline(never)]
    pub(super) fn keep_tools(&self, tools: Box<Tools>, listing: Listing, habit: Habit) {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner).push((tools, listing, habit));
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

/// Opens a directory that is not in memory, and brings its names there, and the inodes of its files, while the vthread waits. No ring lists
/// directories, and each open that it leaves to the kernel's threads costs more than to look at a file among others does on one of ours.
#[inline(never)]
pub(super) fn open_ahead(search: &Search, found: &Subdirectory) -> Result<DirUse, Errno> {
    let Subdirectory { parent, name, follow, .. } = found;
    let opened = vthread::try_blocking(|| {
        let dir = parent.open_child(name, *follow)?;
        let is_as_new = look_at(search, &*dir.descriptor()?);
        // Nothing of what was listed shall be missing.
        if is_as_new { Ok(dir) } else { parent.open_child(name, *follow) }
    });
    // There is no thread: the carrier waits itself.
    opened.unwrap_or_else(|_| parent.open_child(name, *follow))
}

/// Lists the beginning of a directory, and looks at the files there; whoever searches them does all of it again. Errors are for that one.
/// Returns whether its listing begins at the beginning again: not every file system can do that.
fn look_at(search: &Search, dir: &OwnedFd) -> bool {
    if search.is_stopped() {
        return true;
    }
    let mut room = [MaybeUninit::uninit(); LOOKED_AT];
    let mut entries = RawDir::new(dir, &mut room);
    // Directories in it can be waited for at once, which is what takes time in a chain of them. Where links are not counted (btrfs), there seem to
    // be none.
    let has_directories = fstat(dir).is_ok_and(|status| status.st_nlink > 2);
    while let Some(Ok(entry)) = entries.next() {
        let (name, file_type) = (entry.file_name(), entry.file_type());
        if !has_directories && matches!(Kind::of(file_type, name.to_bytes()), Some(Kind::Text | Kind::Json)) {
            let _ = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
        }
        if entries.is_buffer_empty() || search.is_stopped() {
            break;
        }
    }
    seek(dir, SeekFrom::Start(0)).is_ok()
}

/// Vthreads at a time for directories that have to be waited for. With 32 or 64 of them nothing was faster, and each has its own buffers.
const AHEAD: usize = 16;
/// Bytes of their listings that are looked at ahead: some hundred names.
const LOOKED_AT: usize = 8 << 10;

/// How long a walk that has nothing left waits for a share before it ends, in nanoseconds. To rouse a carrier that sleeps takes about as long.
const PATIENCE: u64 = 50_000;
const LEAST_PATIENCE: u64 = 3_000;
/// How often it looks before it lets others of its carrier run.
const LOOKS_AROUND: u32 = 128;

/// Bytes that are waited for at first: all of most files.
const START: usize = 16 << 10;

/// Opens a file if it is not open, and reads its beginning. Waits.
#[inline(never)]
pub(super) fn read_start(
    search: &Search,
    file: &mut Late,
) -> Result<(OpenFile, Result<Vec<u8>, Errno>), Errno> {
    let is_open = file.open.is_some();
    let open = match file.open.take() {
        Some(open) => open,
        None => file.entry().open(search)?,
    };
    let mut start = vec![0; START];
    let read = if is_open && file.at_once {
        vthread::io::read_after_try(&open.fd, &mut start)
    } else {
        vthread::io::read(&open.fd, &mut start)
    };
    let start = read.map_err(|error| errno(&error)).map(|n| {
        start.truncate(n);
        start
    });
    Ok((open, start))
}

/// What one vthread still has to do itself, and a way to start others.
pub(super) struct Job<'scope, 'env> {
    pub(super) crew: &'scope Crew,
    /// Of its vthread, if it is one.
    pub(super) scope: Option<&'scope Scope<'scope, 'env>>,
    pub(super) waiting: VecDeque<Task>,
    /// Whether there is more to do than what waits: the rest of a directory.
    pub(super) is_busy: bool,
    /// How much it does before it leaves the rest to others, if it does so at all: directories, files and [`PIECE`]s of these.
    pub(super) left: Option<usize>,
}

/// Bytes of a file that take about as long as to open one.
pub(super) const PIECE: usize = 16 << 10;

impl Job<'_, '_> {
    /// Whether this is what is done before there are carriers.
    pub(super) fn is_first(&self) -> bool {
        self.left.is_some()
    }

    /// Whether it leaves what there is to others from here on.
    pub(super) fn is_leaving(&self) -> bool {
        self.left == Some(0)
    }

    /// So much has been done.
    pub(super) fn has_done(&mut self, much: usize) {
        self.left = self.left.map(|left| left.saturating_sub(much));
    }

    /// Has a walk that has nothing to do join in a listing: while one asks for the next names, the other searches those that it has got. It is not left
    /// waiting here for somebody, as its descriptor stays open.
    #[inline(never)]
    pub(super) fn share_rest(&mut self, dir: &DirUse, rest: &Arc<Rest>) {
        let (crew, Some(scope)) = (self.crew, self.scope) else { return };
        if let Some(taker) = crew.taker() {
            crew.search.counts.task_made();
            crew.give_to(taker, scope, VecDeque::from([Task::Rest(dir.keep(), Arc::clone(rest))]));
        }
    }

    /// Leaves this to others, and all that comes after it.
    pub(super) fn leave(&mut self, task: Task) {
        self.left = Some(0);
        self.spawn(task);
    }
}

impl Tasks for Job<'_, '_> {
    fn spawn(&mut self, task: Task) {
        self.crew.search.counts.task_made();
        let is_directory = matches!(task, Task::Directory(_));
        self.waiting.push_back(task);
        // A walk's only directory stays with it: of a chain of directories another carrier would have to be roused for each in turn, and this
        // one for the next. But if another walk looks out for one, and there are files to be searched here meanwhile, it goes there.
        if !is_directory || self.waiting.len() > 1 || self.is_busy && self.crew.is_hungry() {
            self.wanted();
        }
    }

    fn wanted(&mut self) -> bool {
        let (crew, Some(scope)) = (self.crew, self.scope) else { return false };
        if !crew.is_hungry() && crew.walking.load(Relaxed) >= crew.most {
            return false;
        }
        if self.waiting.is_empty() {
            return true;
        }
        if let Some(taker) = crew.taker() {
            // The older ones have most below them.
            let older = self.waiting.drain(..self.waiting.len().div_ceil(2)).collect();
            crew.give_to(taker, scope, older);
        }
        false
    }

    fn parallel(&self) -> bool {
        self.crew.most > 1
    }
}
