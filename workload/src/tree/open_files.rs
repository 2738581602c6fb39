//! The budget of open files. Directories that still have children to open are *held*, so that the children can be
//! opened relative to them; when too many are, the one held longest is closed, and opened again if it is needed.
//!
//! ```text
//! limit = what the process may open, less what it has open, less a margin
//!       = 4 per worker (a directory it lists, one it opens again, a file, a huge file it shares)
//!       + at most 16 per worker for files that it opens before their turn
//!       + at most `cap` held directories, of which the former may take half
//! ```

use super::{Dir, errno};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, FileType, OFlags, fstat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, getrlimit};
use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Open files that one worker may need at a time, besides held directories.
const PER_WORKER: usize = 4;
/// More held directories than this never pay.
const MOST: usize = 1024;
/// Left for libraries that open a file now and then.
const MARGIN: usize = 6;
/// Entries of the queue of held directories before it is looked which of them are of use.
const fn scan_above(cap: usize) -> usize {
    2 * cap + 64
}

/// How long to wait for another process or thread to close a file when the system says that there are too many.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for who has a lease on a file (`F_SETLEASE`: a file server), of which an open that does not block says `EAGAIN`.
/// The kernel takes it away after 45 seconds (`/proc/sys/fs/lease-break-time`).
pub(crate) const LEASED: Duration = Duration::from_mins(1);
/// How often it is tried again meanwhile.
pub(crate) const LOOKS_AGAIN: Duration = Duration::from_millis(2);

/// The limit on open files leaves no room for even one worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{limit} more open files are not enough: the search needs at least {least} (see `ulimit -n` and --max-open-files)"
)]
pub struct TooFewFiles {
    /// How many files the search could open.
    pub limit: usize,
    /// How many it needs at least.
    pub least: usize,
}

/// A file that is open to be read.
#[derive(Debug)]
pub struct OpenFile {
    /// Its descriptor.
    pub fd: OwnedFd,
    /// Whether a short read tells its end: it is on the mount of the directory that it was found in, and there one does.
    pub short_read_is_end: bool,
}

impl OpenFile {
    /// What was opened in a directory. `local`: a short read tells the end of a file on that one's mount. A link, or something that is mounted on the
    /// name, may lead to another. `open`: on that mount alone, with `EXDEV` otherwise; or wherever it is.
    #[inline]
    pub(crate) fn of(
        local: bool,
        mut open: impl FnMut(Reach) -> Result<OwnedFd, Errno>,
    ) -> Result<Self, Errno> {
        if local {
            match open(Reach::Mount) {
                Err(Errno::XDEV) => {}
                opened => return opened.map(|fd| Self { fd, short_read_is_end: true }),
            }
        }
        open(Reach::Anywhere).map(|fd| Self { fd, short_read_is_end: false })
    }
}

/// How far the path of what is opened may lead.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    /// On the mount of its directory.
    Mount,
    Anywhere,
}

/// Opens by a path that leads so far, and waits if need be.
#[inline]
fn open_within(reach: Reach, base: BorrowedFd<'_>, name: &CStr, flags: i32) -> io::Result<OwnedFd> {
    match reach {
        Reach::Mount => vthread::io::open_in_mount(base, name, flags, 0),
        Reach::Anywhere => vthread::io::open_at(base, name, flags, 0),
    }
}

/// How many files the search may have open, and which directories it holds.
#[derive(Debug)]
pub struct OpenFiles {
    limit: usize,
    cap: AtomicUsize,
    early: AtomicUsize,
    held_now: AtomicUsize,
    held: Mutex<VecDeque<Weak<Dir>>>,
    /// Whether no file has been met that another user owns.
    all_are_ours: AtomicBool,
    /// Whether nobody wants what is waited for any more.
    is_in_vain: AtomicBool,
}

impl OpenFiles {
    /// Finds the limit: `wanted`, but never more than the process may open.
    ///
    /// # Errors
    /// [`TooFewFiles`] if that leaves no room for one worker.
    pub fn new(wanted: Option<usize>) -> Result<Self, TooFewFiles> {
        let may = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |n| n as usize);
        // The listing counts the descriptor that it is made with, too: one more for the margin.
        let has = std::fs::read_dir("/proc/self/fd").map_or(16, Iterator::count);
        let limit = may.saturating_sub(has + MARGIN).min(wanted.unwrap_or(MOST + 64));
        let least = PER_WORKER + 1;
        if limit < least {
            return Err(TooFewFiles { limit, least });
        }
        let files = Self {
            limit,
            cap: AtomicUsize::new(1),
            early: AtomicUsize::new(0),
            held_now: AtomicUsize::new(0),
            held: Mutex::default(),
            all_are_ours: AtomicBool::new(true),
            is_in_vain: AtomicBool::new(false),
        };
        files.grow_table(has);
        Ok(files)
    }

    /// Grows the kernel's table of descriptors while this process has one thread: later the kernel would have to wait for
    /// all processors to have let go of the old table, a millisecond or more each time.
    fn grow_table(&self, has: usize) {
        if let Ok(last) = i32::try_from(has + self.limit) {
            // Just an attempt: without it the search is slower, not wrong.
            drop(fcntl_dupfd_cloexec(rustix::stdio::stderr(), last));
        }
    }

    /// How many files may be open besides those that were open at the start.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Makes room for `wanted` workers, or for as many as there is room for: at least one. Returns how many.
    pub fn share_among(&self, wanted: usize) -> usize {
        let workers = wanted.clamp(1, (self.limit - 1) / PER_WORKER);
        self.cap.store((self.limit - PER_WORKER * workers).min(MOST), Relaxed);
        workers
    }

    /// Makes room for files that each of so many workers opens before their turn: at most `most`. After [`share_among`](Self::share_among).
    pub fn share_early(&self, workers: usize, most: usize) {
        let cap = self.cap.load(Relaxed);
        let each = most.min(cap / 2 / workers.max(1));
        self.early.store(each, Relaxed);
        self.cap.store(cap - each * workers, Relaxed);
    }

    /// How many files a worker may open before their turn.
    pub fn early(&self) -> usize {
        self.early.load(Relaxed)
    }

    /// How to open a file that is only read, so that its access time stays what it is: to write down for every file that it was looked
    /// at would be most of the work where they are new, and a wait for a disk where their inodes are not in memory. The kernel allows that to
    /// owners and to root alone (`EPERM`); once it has refused it nobody asks again.
    pub fn without_a_trace(&self, flags: OFlags) -> OFlags {
        let may = self.all_are_ours.load(Relaxed) && !flags.contains(OFlags::PATH);
        if may { flags | OFlags::NOATIME } else { flags }
    }

    /// From here on nobody waits for a file: the search is over.
    pub(crate) fn wait_no_more(&self) {
        self.is_in_vain.store(true, Relaxed);
    }

    /// Opens `path` relative to `base`, [`without_a_trace`](Self::without_a_trace). If there are too many open files, held directories are closed for it, and if
    /// that does not help it waits: nothing is lost because much is open, nor because somebody has a lease on a file.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn open(&self, base: BorrowedFd<'_>, path: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.open_by(flags, |flags| vthread::io::open_at(base, path, flags, 0))
    }

    /// [`open`](Self::open) for a file in a directory; `local` as in `OpenFile::of`.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn open_file(
        &self,
        base: BorrowedFd<'_>,
        name: &CStr,
        flags: OFlags,
        local: bool,
    ) -> Result<OpenFile, Errno> {
        OpenFile::of(local, |reach| self.open_by(flags, |flags| open_within(reach, base, name, flags)))
    }

    fn open_by(&self, flags: OFlags, open: impl Fn(i32) -> io::Result<OwnedFd>) -> Result<OwnedFd, Errno> {
        let mut since = None;
        loop {
            let asked = self.without_a_trace(flags);
            let opened = open(asked.bits().cast_signed()).map_err(|error| errno(&error));
            match opened {
                Err(Errno::PERM) if asked != flags => self.all_are_ours.store(false, Relaxed),
                Err(Errno::MFILE | Errno::NFILE) if self.close_held(0) > 0 => {}
                Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::AGAIN)) => {
                    let patience = if errno == Errno::AGAIN { LEASED } else { PATIENCE };
                    let is_in_vain = self.is_in_vain.load(Relaxed);
                    if is_in_vain || since.get_or_insert_with(Instant::now).elapsed() > patience {
                        return opened;
                    }
                    vthread::sleep(LOOKS_AGAIN);
                }
                _ => return opened,
            }
        }
    }

    /// [`open_file`](Self::open_file), if that can be done at once.
    ///
    /// # Errors
    /// As `openat(2)`.
    #[inline]
    pub fn open_now(
        &self,
        base: BorrowedFd<'_>,
        name: &CStr,
        flags: OFlags,
        local: bool,
    ) -> Result<OpenFile, Errno> {
        let flags = self.without_a_trace(flags).bits().cast_signed();
        OpenFile::of(local, |reach| open_within(reach, base, name, flags).map_err(|error| errno(&error)))
    }

    /// Opens a path of any length relative to `base`, in pieces that the kernel accepts.
    ///
    /// # Errors
    /// As `openat(2)`; `EINVAL` if the path holds a NUL.
    pub fn open_long(&self, base: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        /// `PATH_MAX`, with the NUL.
        const LONGEST: usize = 4096;
        let piece = |bytes: &[u8]| std::ffi::CString::new(bytes).map_err(|_| Errno::INVAL);
        let mut reached: Option<OwnedFd> = None;
        let mut rest = path;
        loop {
            let from = reached.as_ref().map_or(base, AsFd::as_fd);
            if rest.len() < LONGEST {
                return self.open(from, &piece(rest)?, flags);
            }
            let cut = rest[..LONGEST - 1].iter().rposition(|b| *b == b'/').ok_or(Errno::NAMETOOLONG)?;
            let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            // The slash is kept with the first part, which may be the root directory.
            let next = self.open(from, &piece(&rest[..=cut])?, through)?;
            reached = Some(next);
            // A later piece must not begin at the root.
            let slashes = rest[cut..].iter().take_while(|b| **b == b'/').count();
            rest = &rest[cut + slashes..];
        }
    }

    /// What is at the end of `path`, symbolic links followed, without opening it for anything.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn type_of_path(&self, path: &[u8]) -> Result<FileType, Errno> {
        let file = self.open_long(CWD, path, OFlags::PATH | OFlags::CLOEXEC)?;
        Ok(FileType::from_raw_mode(fstat(&file)?.st_mode))
    }

    /// One more is held. To be said before anybody can close it: the number must not fall below zero.
    pub(super) fn count_held(&self) {
        self.held_now.fetch_add(1, Relaxed);
    }

    /// Takes `dir`, which is counted, among those that may be closed, and closes others if there are too many.
    pub(super) fn hold(&self, dir: Weak<Dir>) {
        let cap = self.cap.load(Relaxed);
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.push_back(dir);
            // Those that are of no use any more stay in the queue for a while, also where names below them keep them alive: that all of these go leaves
            // about `cap`, so as many are taken in before the next scan, and it costs nothing that grows with the tree.
            if held.len() > scan_above(cap) {
                held.retain(|dir| dir.upgrade().is_some_and(|dir| dir.is_of_use()));
            }
        }
        if self.held_now.load(Relaxed) > cap {
            self.close_held(cap);
        }
    }

    /// A held directory has been closed.
    pub(super) fn released(&self) {
        self.held_now.fetch_sub(1, Relaxed);
    }

    /// Closes the directories held longest until at most `keep` are left; returns how many were closed.
    fn close_held(&self, keep: usize) -> usize {
        let mut closed = 0;
        while self.held_now.load(Relaxed) > keep {
            let oldest = self.held.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match oldest {
                None => break,
                Some(weak) => closed += usize::from(weak.upgrade().is_some_and(|dir| dir.close_for_now())),
            }
        }
        closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::DirUse;
    use std::sync::Arc;

    #[test]
    fn a_chain_of_directories_leaves_no_more_in_the_queue_than_may_be_held() {
        let top = tempfile::tempdir().expect("a directory");
        let files = Arc::new(OpenFiles::new(Some(50)).expect("a test may open as many"));
        files.share_among(1);
        let cap = files.cap.load(Relaxed);
        let in_queue = || files.held.lock().expect("no panic").len();
        let path = std::ffi::CString::new(top.path().as_os_str().as_encoded_bytes()).expect("no NUL");
        let mut here = DirUse::open_root(&files, &path, true).expect("a start");
        let (mut before, mut scans, mut scanned) = (0, 0, 0);
        for _ in 0..10_000 {
            // As who finds a directory keeps the one above it, until that is open. The names above live on.
            let above = here.keep();
            here = above.open_child(c".", false).expect("a directory is its own child here");
            let now = in_queue();
            if now <= before {
                (scans, scanned) = (scans + 1, scanned + before + 1);
            }
            assert!(now <= scan_above(cap), "{now} in the queue");
            before = now;
        }
        // Each has looked at about three times as many entries as came in since the one before.
        assert!(scans > 0 && scanned <= 3 * 10_000, "{scanned} looked at in {scans} scans");
    }

    #[test]
    fn files_that_are_opened_early_take_at_most_half_of_what_is_left_for_directories() {
        for (limit, workers, early, cap) in
            [(100, 2, 16, 60), (20, 2, 3, 6), (5, 1, 0, 1), (1088, 98, 3, 402)]
        {
            let files = OpenFiles::new(Some(limit)).expect("a test may open as many");
            // What the process may open decides where that is less.
            if files.limit() == limit {
                assert_eq!(files.share_among(workers), workers);
                files.share_early(workers, 16);
                assert_eq!((files.early(), files.cap.load(Relaxed)), (early, cap), "{limit} for {workers}");
            }
        }
    }
}
