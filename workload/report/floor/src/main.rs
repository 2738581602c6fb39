//! The floor: what the search costs at least. Two threads, each a loop of `getdents64`, `openat`, `read` and `close` with one
//! buffer, a shared stack of directories, and the same matchers. It knows its corpora: the files are ours (`O_NOATIME`), it follows no links, has no options, does not care
//! how many files may be open, trusts every short read, and gives up at the first error.
//!
//! ```text
//! zork-floor [N]      searches the current directory; prints the paths that match, a NUL after each.
//!                     Opens N files, reads them, and closes them, as the engines do with 16; if not said, one after the other
//! ```

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, RawDir, openat};
use rustix::io::{fcntl_dupfd_cloexec, read};
use std::ffi::{CStr, CString};
use std::io::Write;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use zork::matcher::{Detail, JsonMatcher, Matcher, Needle, Progress, TextMatcher};

const THREADS: usize = 2;
const BUFFER: usize = 128 << 10;
const LISTING: usize = 32 << 10;
/// Enough for the directories that wait for their children.
const DESCRIPTORS: i32 = 4096;

/// A directory's name, kept for as long as anything below may be printed.
struct Node {
    parent: Option<Arc<Node>>,
    name: CString,
}

struct Dir {
    node: Arc<Node>,
    fd: OwnedFd,
}

enum Work {
    Directory(Option<Arc<Dir>>, CString),
    Files(Arc<Dir>, Vec<CString>),
}

struct Shared {
    waiting: Mutex<Vec<Work>>,
    /// Waiting or under way.
    left: AtomicUsize,
}

impl Shared {
    fn push(&self, work: Work) {
        self.left.fetch_add(1, SeqCst);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }
}

struct Worker<'a> {
    shared: &'a Shared,
    text: TextMatcher,
    json: JsonMatcher,
    buffer: Vec<u8>,
    together: usize,
    opened: Vec<OwnedFd>,
}

fn main() {
    let together = std::env::args().nth(1).map_or(1, |n| n.parse().expect("a number of files"));
    // Grown later, the table of descriptors would be waited for.
    drop(fcntl_dupfd_cloexec(rustix::stdio::stderr(), DESCRIPTORS - 1));
    let shared = Shared { waiting: Mutex::default(), left: AtomicUsize::new(0) };
    shared.push(Work::Directory(None, c".".to_owned()));
    std::thread::scope(|threads| {
        for _ in 1..THREADS {
            threads.spawn(|| Worker::new(&shared, together).work());
        }
        Worker::new(&shared, together).work();
    });
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, together: usize) -> Self {
        let needle = Needle::new(b"zork").expect("not empty");
        Self {
            shared,
            text: TextMatcher::new(&needle, Detail::First),
            json: JsonMatcher::new(&needle, Detail::First),
            buffer: vec![0; BUFFER],
            together: together.max(1),
            opened: vec![],
        }
    }

    fn work(&mut self) {
        let mut listing = vec![MaybeUninit::uninit(); LISTING];
        while self.shared.left.load(SeqCst) > 0 {
            let work = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match work {
                Some(Work::Directory(parent, name)) => self.list(parent.as_ref(), name, &mut listing),
                Some(Work::Files(dir, names)) => self.files(&dir, &names),
                None => {
                    std::thread::yield_now();
                    continue;
                }
            }
            self.shared.left.fetch_sub(1, SeqCst);
        }
    }

    fn list(&mut self, parent: Option<&Arc<Dir>>, name: CString, listing: &mut [MaybeUninit<u8>]) {
        let base = parent.map_or(CWD, |dir| dir.fd.as_fd());
        let fd = open(base, &name, OFlags::DIRECTORY);
        let node = Arc::new(Node { parent: parent.map(|dir| Arc::clone(&dir.node)), name });
        let dir = Arc::new(Dir { node, fd });
        let mut entries = RawDir::new(&dir.fd, listing);
        let mut files = vec![];
        loop {
            let entry = entries.next();
            let is_end = entry.is_none();
            if let Some(entry) = entry {
                let entry = entry.expect("an entry");
                let name = entry.file_name();
                let bytes = name.to_bytes();
                match entry.file_type() {
                    FileType::Directory if bytes != b"." && bytes != b".." => {
                        self.shared.push(Work::Directory(Some(Arc::clone(&dir)), name.to_owned()));
                    }
                    FileType::RegularFile if bytes.ends_with(b".txt") || bytes.ends_with(b".json") => {
                        files.push(name.to_owned());
                    }
                    _ => {}
                }
            }
            if is_end || entries.is_buffer_empty() {
                // One directory may be all there is: half of each part of a large one is for the other thread.
                if files.len() > 64 {
                    let half = files.split_off(files.len() / 2);
                    self.shared.push(Work::Files(Arc::clone(&dir), half));
                }
                self.files(&dir, &files);
                files.clear();
            }
            if is_end {
                return;
            }
        }
    }

    fn files(&mut self, dir: &Dir, names: &[CString]) {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut opened = std::mem::take(&mut self.opened);
        for some in names.chunks(self.together) {
            opened.extend(some.iter().map(|name| open(dir.fd.as_fd(), name, flags)));
            some.iter().zip(&opened).for_each(|(name, fd)| self.file(dir, name, fd));
            opened.clear();
        }
        self.opened = opened;
    }

    fn file(&mut self, dir: &Dir, name: &CStr, fd: &OwnedFd) {
        let is_json = name.to_bytes().ends_with(b".json");
        let matcher: &mut dyn Matcher = if is_json { &mut self.json } else { &mut self.text };
        matcher.start();
        let (mut held, mut found) = (0, false);
        loop {
            let n = read(fd, &mut self.buffer[held..]).expect("a read");
            let last = held + n < self.buffer.len();
            held += n;
            let mut on = |_: zork::matcher::Found<'_>| {
                found = true;
                ControlFlow::Continue(())
            };
            match matcher.scan(&self.buffer[..held], last, &mut on) {
                Ok(Progress::Consumed(0)) if !last => self.buffer.resize(self.buffer.len() * 2, 0),
                Ok(Progress::Consumed(done)) if !last => {
                    self.buffer.copy_within(done..held, 0);
                    held -= done;
                }
                // Found, at its end, or malformed.
                _ => break,
            }
        }
        if found {
            print(&dir.node, name);
        }
    }
}

fn open(base: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> OwnedFd {
    openat(base, name, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOATIME | flags, Mode::empty())
        .expect("an open")
}

fn print(dir: &Node, name: &CStr) {
    let mut parts = vec![name.to_bytes()];
    let mut dir = Some(dir);
    while let Some(node) = dir {
        // The start is not printed.
        if node.parent.is_some() {
            parts.push(node.name.to_bytes());
        }
        dir = node.parent.as_deref();
    }
    parts.reverse();
    let mut path = parts.join(&b'/');
    path.push(0);
    std::io::stdout().lock().write_all(&path).expect("an output");
}

/// Dropping a chain of parents must not recurse.
impl Drop for Node {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(node) = parent {
            parent = Arc::into_inner(node).and_then(|mut last| last.parent.take());
        }
    }
}
