//! What is done with a thing that is found, by its kind, for all engines that make blocking calls.
//!
//! ```text
//! Worker::run(Task)                     one directory, a batch of a large one, a share of a huge file, a named path
//!   for each entry: Behaviours[kind]    Box<dyn Behaviour>: text, JSON, directory
//!     -> opens, reads, shows windows to the matcher, reports
//!     -> or hands out a task: Tasks::spawn    the engine decides who runs it, and when
//! ```

#![cfg_attr(
    vthread_plain,
    allow(dead_code, unused_imports, reason = "parts of it are for the engine on virtual threads")
)]

mod directory;
mod early;
mod file;
mod huge;
mod window;
mod worker;

pub(crate) use early::EARLY;
use early::Early;
pub(crate) use file::{not_opened, not_read, search_json, search_text};
pub(crate) use huge::HUGE;
pub use huge::HugeText;
pub(crate) use window::window_size;
pub use worker::Worker;
pub(crate) use worker::{LISTING, SHARE_BYTES, SHARE_NAMES, kind_of, next_names};

use crate::matcher::{Detail, JsonMatcher, TextMatcher};
use crate::search::Search;
use crate::tree::{DirUse, Kind, Names, OpenFile, READ, errno};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use vthread::io::Habit;

/// Something that a worker does as a whole, and that any worker may do.
#[derive(Debug)]
pub enum Task {
    /// The path of this number in [`Search::roots`].
    Root(usize),
    /// A directory below another.
    Directory(Subdirectory),
    /// Some of the entries of a large directory.
    Batch(DirUse, Names),
    /// The rest of a directory, from where its listing stands, or what this worker gets of it.
    Rest(DirUse, Arc<Rest>),
    /// To help with a huge text.
    Share(Arc<HugeText>),
}

/// A listing that has been begun. Its descriptor has the place where it goes on, and stays open. Several workers may go on with it: the kernel has
/// one of them ask at a time, and gives each other names.
#[derive(Debug)]
pub struct Rest {
    fd: Arc<OwnedFd>,
    is_over: AtomicBool,
    has_failed: AtomicBool,
}

impl Rest {
    pub(crate) fn new(fd: &Arc<OwnedFd>) -> Self {
        Self { fd: Arc::clone(fd), is_over: AtomicBool::new(false), has_failed: AtomicBool::new(false) }
    }

    pub(crate) fn fd(&self) -> &Arc<OwnedFd> {
        &self.fd
    }

    /// Whether somebody has come to its end, or to where it fails.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Relaxed);
    }

    /// It has failed, which is an error even where another worker has come to its end: what was to be listed here is missing. Returns whether nobody
    /// has said so before.
    pub(crate) fn fail(&self) -> bool {
        self.end();
        !self.has_failed.swap(true, Relaxed)
    }
}

/// A directory that has been listed but not opened.
#[derive(Debug)]
pub struct Subdirectory {
    pub(crate) parent: DirUse,
    pub(crate) name: CString,
    pub(crate) follow: bool,
    pub(crate) looks: Looks,
}

/// Where a worker leaves the tasks that it finds. Each worker has its own.
pub trait Tasks {
    /// Takes a task, to be run by somebody, once.
    fn spawn(&mut self, task: Task);

    /// Whether a worker stands idle for whom there is no task. Called often: if tasks wait here, this is when one is handed over.
    fn wanted(&mut self) -> bool;

    /// Whether more than one worker may be at work at all.
    fn parallel(&self) -> bool;
}

/// How one kind of thing is searched.
pub trait Behaviour: Debug + Send {
    /// Searches `entry` now, or hands it out to be searched.
    ///
    /// # Errors
    /// [`Changed`] if it is no longer what it was listed as.
    fn search(&self, entry: &Entry<'_>, tools: &mut Tools, tasks: &mut dyn Tasks) -> Result<(), Changed>;
}

/// It is not there any more, or it is something else by now, as the system says: to be looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed(pub Errno);

/// How often a thing may turn out to be something else before that is not believed any more.
const LOOKS: u32 = 4;

/// How often a thing that is there could not be opened as what it is, and why. It may have changed in between, but there are also directories that
/// can be looked at and never opened: where a file system would be mounted, and cannot be.
#[derive(Clone, Copy, Default, Debug)]
pub struct Looks {
    count: u32,
    said: Option<Errno>,
}

impl Looks {
    /// One more, after which the system said this.
    pub(crate) fn after(self, said: Errno) -> Self {
        Self { count: self.count + 1, said: Some(said) }
    }

    /// What the system said the last time, if these were enough.
    pub(crate) fn enough(self) -> Option<Errno> {
        if self.count < LOOKS { None } else { self.said }
    }
}

/// A thing that was found, not yet opened.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The directory that it is in; `None` for what the user named.
    pub dir: Option<&'a DirUse>,
    /// That directory's descriptor, if whoever searches it has it at hand: to ask `dir` for it takes a lock, which all share that search there.
    pub at: Option<BorrowedFd<'a>>,
    /// Its name there, or the path that the user gave.
    pub name: &'a CStr,
    /// Whether it may be a symbolic link.
    pub follow: bool,
    /// How often it has been tried before.
    pub looks: Looks,
}

impl Entry<'_> {
    /// How it is opened.
    pub(crate) fn flags(&self) -> OFlags {
        if self.follow { READ } else { READ | OFlags::NOFOLLOW }
    }

    pub(crate) fn open(&self, search: &Search) -> Result<OpenFile, Errno> {
        let (files, flags) = (&search.files, self.flags());
        let Some(dir) = self.dir else {
            let fd = files.open_long(CWD, self.name.to_bytes(), flags)?;
            return Ok(OpenFile { fd, short_read_is_end: false });
        };
        let local = dir.short_read_is_end();
        match self.at {
            Some(at) => files.open_file(at, self.name, flags, local),
            None => files.open_file(dir.descriptor()?.as_fd(), self.name, flags, local),
        }
    }

    pub(crate) fn path(&self) -> Vec<u8> {
        match self.dir {
            Some(dir) => dir.path_of(self.name),
            None => self.name.to_bytes().to_vec(),
        }
    }
}

/// What each worker has for itself, to be used for one file after the other.
#[derive(Debug)]
pub struct Tools {
    pub(crate) search: Arc<Search>,
    text: TextMatcher,
    json: JsonMatcher,
    buffer: Vec<u8>,
    pub(crate) early: Early,
    pub(crate) tally: Tally,
}

impl Tools {
    /// A worker's tools for this search.
    pub fn new(search: &Arc<Search>) -> Self {
        Self {
            text: TextMatcher::new(&search.needle, search.detail),
            json: JsonMatcher::new(&search.needle, search.detail),
            buffer: vec![],
            early: Early::default(),
            tally: Tally::default(),
            search: Arc::clone(search),
        }
    }

    /// Opens a file, unless it was opened before its turn.
    fn open(&mut self, entry: &Entry<'_>) -> Result<OpenFile, Errno> {
        self.early.take().map_or_else(|| entry.open(&self.search), Ok)
    }

    /// Reads the beginning of a file, if that needs no waiting: `EAGAIN`.
    pub(crate) fn read_first(
        &mut self,
        file: BorrowedFd<'_>,
        habit: Option<&mut Habit>,
    ) -> Result<usize, Errno> {
        window::make_room(&mut self.buffer, &self.search.needle);
        let read = match habit {
            Some(habit) => habit.try_read(file, &mut self.buffer),
            None => vthread::io::try_read(file, &mut self.buffer),
        };
        read.map_err(|error| errno(&error))
    }

    /// Whether the first so many bytes that were read of a file decide all: there are no more, or it is a text, and a match in them is enough.
    pub(crate) fn first_decides(&mut self, file: BorrowedFd<'_>, first: usize, is_text: bool) -> bool {
        window::is_all(file, first, self.buffer.len())
            || is_text
                && self.search.detail == Detail::First
                && window::has_match(&mut self.text, &self.buffer[..first])
    }

    /// Takes the beginning of a file that was read elsewhere. Gives its length.
    pub(crate) fn put_first(&mut self, start: &[u8]) -> usize {
        window::make_room(&mut self.buffer, &self.search.needle);
        self.buffer[..start.len()].copy_from_slice(start);
        start.len()
    }

    /// Adds what was counted to the counts of all.
    pub(crate) fn flush(&mut self) {
        self.tally.flush(&self.search);
    }
}

/// Counted here first, because all workers share [`crate::search::Counts`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) text_files: u64,
    pub(crate) json_files: u64,
    pub(crate) directories: u64,
    pub(crate) bytes: u64,
    pub(crate) vanished: u64,
}

impl Tally {
    fn flush(&mut self, search: &Search) {
        let counts = &search.counts;
        let move_to = |from: &mut u64, to: &AtomicU64| {
            if *from > 0 {
                to.fetch_add(std::mem::take(from), Relaxed);
            }
        };
        move_to(&mut self.text_files, &counts.text_files);
        move_to(&mut self.json_files, &counts.json_files);
        move_to(&mut self.directories, &counts.directories);
        move_to(&mut self.bytes, &counts.bytes);
        move_to(&mut self.vanished, &counts.vanished);
    }
}

/// The behaviour of each kind, called through its vtable.
#[derive(Debug)]
struct Behaviours {
    text: Box<dyn Behaviour>,
    json: Box<dyn Behaviour>,
    directory: Box<dyn Behaviour>,
}

impl Behaviours {
    fn new() -> Self {
        Self {
            text: Box::new(file::TextFile),
            json: Box::new(file::JsonFile),
            directory: Box::new(directory::Directory),
        }
    }

    fn of(&self, kind: Kind) -> &dyn Behaviour {
        match kind {
            Kind::Text => &*self.text,
            Kind::Json => &*self.json,
            Kind::Directory => &*self.directory,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_that_fails_says_so_once_also_after_its_end() {
        let fd = Arc::new(OwnedFd::from(tempfile::tempfile().expect("a file")));
        let (ended, failed) = (Rest::new(&fd), Rest::new(&fd));
        assert!(!ended.is_over() && !failed.is_over());
        ended.end();
        assert!(ended.is_over());
        for rest in [ended, failed] {
            assert_eq!([rest.fail(), rest.fail()], [true, false]);
            assert!(rest.is_over());
        }
    }
}
