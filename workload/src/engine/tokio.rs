//! tokio as its users write it: async functions, `tokio::fs`, a task for each directory and file, boxed recursion, a semaphore
//! that bounds what is open. Each call of the file system is handed to a blocking thread and back by tokio itself.
//!
//! Only two things are not what a tutorial shows: paths longer than `PATH_MAX` are reached through `/proc/self/fd`, and a text
//! of 32 MB or more is searched by blocking jobs.

use super::{Engine, processors};
use crate::behaviour::{self, Task, Tasks, Tools};
use crate::matcher::{JsonMatcher, Matcher, Needle, Progress, TextMatcher};
use crate::output::Problem;
use crate::search::{FileReport, Root, Search};
use crate::tree::{Kind, READ};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// See the module.
#[derive(Debug)]
pub struct Tokio;

/// Descriptors that one permit stands for: a file, and two directories on the way to it if its path is long.
const PER_PERMIT: usize = 3;
/// More threads than this are of no use, and tokio panics if it cannot have those that it was asked for. It is also how many
/// blocking threads tokio starts at most if nobody says otherwise.
const MOST_THREADS: usize = 512;
/// How often a thing may turn out to be something else before it is left alone.
const LOOKS: u32 = 4;

impl Engine for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn about(&self) -> &'static str {
        "async/await as tokio's users write it: tokio::fs, a task for each directory and file"
    }

    fn threads(&self, search: &Search) -> usize {
        search.threads.unwrap_or_else(processors).min(MOST_THREADS)
    }

    fn run(&self, search: &Arc<Search>) -> io::Result<()> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(self.threads(search)).enable_time();
        if search.threads.is_some() {
            builder.max_blocking_threads(self.threads(search));
        }
        let runtime = builder.build()?;
        let cx = Arc::new(Context {
            search: Arc::clone(search),
            permits: Arc::new(Semaphore::new((search.files.limit() / PER_PERMIT).max(1))),
            scratch: Mutex::default(),
            behaviours: Behaviours {
                text: Box::new(TextFile),
                json: Box::new(JsonFile),
                directory: Box::new(Directory),
            },
        });
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for root in search.roots.clone() {
                tasks.spawn(named(Arc::clone(&cx), root));
            }
            join_all(tasks).await;
        });
        // Blocking jobs that help with a huge text may still be at it: the runtime waits for them.
        drop(runtime);
        Ok(())
    }
}

/// What all tasks of one search share.
struct Context {
    search: Arc<Search>,
    /// One for each file or directory that is open.
    permits: Arc<Semaphore>,
    /// Buffers and matchers that no task uses just now.
    scratch: Mutex<Vec<Scratch>>,
    behaviours: Behaviours,
}

struct Scratch {
    text: TextMatcher,
    json: JsonMatcher,
    buffer: Vec<u8>,
}

type Searched<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'a>>;

/// How one kind of thing is searched. The permit is given up as soon as nothing is open any more.
trait Behaviour: Send + Sync {
    fn search<'a>(
        &'a self,
        cx: &'a Arc<Context>,
        place: &'a Place,
        permit: OwnedSemaphorePermit,
    ) -> Searched<'a>;
}

struct Behaviours {
    text: Box<dyn Behaviour>,
    json: Box<dyn Behaviour>,
    directory: Box<dyn Behaviour>,
}

/// Something that was found.
struct Place {
    /// As it is printed; empty for the `.` that nobody typed.
    path: PathBuf,
    /// Whether it may be a symbolic link.
    follow: bool,
    /// The directories above, if loops are possible.
    above: Option<Arc<Above>>,
}

struct Above {
    identity: (u64, u64),
    above: Option<Arc<Above>>,
}

impl Context {
    async fn permit(&self) -> io::Result<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)
    }

    fn take_scratch(&self) -> Scratch {
        let kept = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| Scratch {
            text: TextMatcher::new(&self.search.needle, self.search.detail),
            json: JsonMatcher::new(&self.search.needle, self.search.detail),
            buffer: vec![],
        })
    }

    fn give_scratch(&self, mut scratch: Scratch) {
        let size = behaviour::window_size(&self.search.needle);
        scratch.buffer.truncate(size);
        scratch.buffer.shrink_to(size);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }

    fn problem(&self, path: &Path, error: &io::Error) {
        let errno = error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error);
        let path = path.as_os_str().as_bytes();
        self.search.problem(if path.is_empty() { b"." } else { path }, &Problem::System(errno));
    }
}

/// Waits for all tasks; a panic in one is a panic here.
async fn join_all(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(failed) = ended
            && let Ok(panic) = failed.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Searches what the user named.
async fn named(cx: Arc<Context>, root: Root) {
    let path = PathBuf::from(OsStr::from_bytes(root.path.to_bytes()));
    if root.path.is_empty() {
        // Below, an empty path stands for the `.` that nobody typed.
        return cx.search.problem(b"", &Errno::NOENT.into());
    }
    let looked = async {
        let permit = cx.permit().await?;
        Ok::<_, io::Error>((look(&path, true).await?, permit))
    };
    let (file_type, permit) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return cx.problem(&path, &error),
    };
    let Some(kind) = Kind::of(file_type, root.path.to_bytes()) else {
        let what = Problem::NotSearched("not a directory, .txt or .json file");
        return cx.search.problem(root.path.to_bytes(), &what);
    };
    let place = Place { path: if root.shown { path } else { PathBuf::new() }, follow: true, above: None };
    cx.search.counts.task_made();
    if let Err(error) = cx.behaviours.of(kind).search(&cx, &place, permit).await {
        cx.problem(&place.path, &error);
    }
    cx.search.counts.task_done();
}

impl Behaviours {
    fn of(&self, kind: Kind) -> &dyn Behaviour {
        match kind {
            Kind::Text => &*self.text,
            Kind::Json => &*self.json,
            Kind::Directory => &*self.directory,
        }
    }
}

/// Searches an entry of a directory, as what it is.
async fn visit(cx: Arc<Context>, mut place: Place, mut file_type: FileType, permit: OwnedSemaphorePermit) {
    let mut permit = Some(permit);
    for _ in 0..LOOKS {
        if cx.search.is_stopped() {
            return cx.search.counts.task_done();
        }
        let done = async {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => cx.permit().await?,
            };
            let Some(kind) = kind(&cx, &mut place, file_type).await? else { return Ok(()) };
            cx.behaviours.of(kind).search(&cx, &place, permit).await
        };
        match done.await {
            Ok(()) => return cx.search.counts.task_done(),
            // Gone, or something else by now: to be looked at again.
            Err(e) if is_changed(&e) => file_type = FileType::Unknown,
            Err(error) => {
                cx.problem(&place.path, &error);
                return cx.search.counts.task_done();
            }
        }
    }
    cx.search.counts.vanished.fetch_add(1, Relaxed);
    cx.search.counts.task_done();
}

fn is_changed(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(
            Errno::NOENT
                | Errno::LOOP
                | Errno::NXIO
                | Errno::NODEV
                | Errno::NOTDIR
                | Errno::ISDIR
                | Errno::AGAIN
        )
    )
}

/// What an entry is; links are followed if that is wanted. `None`: to be skipped.
async fn kind(cx: &Context, place: &mut Place, listed: FileType) -> io::Result<Option<Kind>> {
    let name = place.path.as_os_str().as_bytes();
    let mut file_type = listed;
    if file_type == FileType::Unknown {
        file_type = look(&place.path, false).await?;
    }
    place.follow = file_type == FileType::Symlink && cx.search.follow;
    if place.follow {
        file_type = match look(&place.path, true).await {
            Ok(file_type) => file_type,
            Err(error) => {
                // A link to nowhere is an error only if its name says that it should be searched.
                if !is_changed(&error) || Kind::of_file_named(name).is_some() {
                    cx.problem(&place.path, &error);
                }
                return Ok(None);
            }
        };
    }
    Ok(Kind::of(file_type, name))
}

async fn look(path: &Path, follow: bool) -> io::Result<FileType> {
    let (path, _handle) = reach(path).await?;
    let status =
        if follow { tokio::fs::metadata(path).await? } else { tokio::fs::symlink_metadata(path).await? };
    Ok(FileType::from_raw_mode(status.mode()))
}

/// A path that the kernel accepts, and the directory that must stay open for it.
async fn reach(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    /// With `/proc/self/fd/N/` in front still below `PATH_MAX`.
    const LONGEST: usize = 4000;
    let mut rest = path.as_os_str().as_bytes();
    if rest.is_empty() {
        return Ok((PathBuf::from("."), None));
    }
    let mut reached: Option<File> = None;
    loop {
        let mut here = PathBuf::new();
        if let Some(dir) = &reached {
            here.push(format!("/proc/self/fd/{}", dir.as_raw_fd()));
        }
        if rest.len() <= LONGEST {
            here.push(OsStr::from_bytes(rest));
            return Ok((here, reached));
        }
        let cut = rest[..LONGEST].iter().rposition(|b| *b == b'/');
        let cut = cut.ok_or_else(|| io::Error::from(Errno::NAMETOOLONG))?;
        here.push(OsStr::from_bytes(&rest[..=cut]));
        let through = (OFlags::PATH | OFlags::DIRECTORY).bits() as i32;
        reached = Some(OpenOptions::new().read(true).custom_flags(through).open(here).await?);
        rest = &rest[cut..];
        rest = &rest[rest.iter().take_while(|b| **b == b'/').count()..];
    }
}

async fn open(place: &Place) -> io::Result<File> {
    let flags = if place.follow { READ } else { READ | OFlags::NOFOLLOW };
    let (path, _handle) = reach(&place.path).await?;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).await
}

struct Directory;

impl Behaviour for Directory {
    fn search<'a>(
        &'a self,
        cx: &'a Arc<Context>,
        place: &'a Place,
        permit: OwnedSemaphorePermit,
    ) -> Searched<'a> {
        Box::pin(async move {
            let above = match follow_here(cx, place).await? {
                Entered::Loop => return Ok(()),
                Entered::New(above) => above,
            };
            let (entries, error) = list(place).await?;
            cx.search.counts.directories.fetch_add(1, Relaxed);
            drop(permit);
            if let Some(error) = error {
                cx.problem(&place.path, &error);
            }
            let mut tasks = JoinSet::new();
            for (name, file_type) in entries {
                if cx.search.is_stopped() {
                    break;
                }
                if !is_wanted(cx, &name, file_type) {
                    continue;
                }
                // Before the task is made, so that a large directory does not become as many tasks at once.
                let permit = cx.permit().await?;
                let child = Place { path: place.path.join(name), follow: false, above: above.clone() };
                cx.search.counts.task_made();
                tasks.spawn(visit(Arc::clone(cx), child, file_type, permit));
            }
            join_all(tasks).await;
            Ok(())
        })
    }
}

enum Entered {
    Loop,
    New(Option<Arc<Above>>),
}

/// Whether a directory that is entered is one of those above it. Only asked where links are followed.
async fn follow_here(cx: &Context, place: &Place) -> io::Result<Entered> {
    if !cx.search.follow {
        return Ok(Entered::New(None));
    }
    let (path, _handle) = reach(&place.path).await?;
    let status = tokio::fs::metadata(path).await?;
    let identity = (status.dev(), status.ino());
    let mut above = place.above.as_deref();
    while let Some(dir) = above {
        if dir.identity == identity {
            return Ok(Entered::Loop);
        }
        above = dir.above.as_deref();
    }
    Ok(Entered::New(Some(Arc::new(Above { identity, above: place.above.clone() }))))
}

type Entries = Vec<(OsString, FileType)>;

/// All entries of a directory, and what went wrong before the last.
async fn list(place: &Place) -> io::Result<(Entries, Option<io::Error>)> {
    let (path, _handle) = reach(&place.path).await?;
    let mut listing = tokio::fs::read_dir(path).await?;
    let mut entries = vec![];
    loop {
        match listing.next_entry().await {
            Ok(Some(entry)) => {
                let file_type = entry.file_type().await.map_or(FileType::Unknown, as_listed);
                entries.push((entry.file_name(), file_type));
            }
            Ok(None) => return Ok((entries, None)),
            Err(error) => return Ok((entries, Some(error))),
        }
    }
}

fn as_listed(file_type: std::fs::FileType) -> FileType {
    if file_type.is_dir() {
        FileType::Directory
    } else if file_type.is_file() {
        FileType::RegularFile
    } else if file_type.is_symlink() {
        FileType::Symlink
    } else {
        FileType::Fifo
    }
}

fn is_wanted(cx: &Context, name: &OsStr, file_type: FileType) -> bool {
    match file_type {
        FileType::Unknown => true,
        FileType::Symlink => cx.search.follow,
        file_type => Kind::of(file_type, name.as_bytes()).is_some(),
    }
}

struct TextFile;

impl Behaviour for TextFile {
    fn search<'a>(
        &'a self,
        cx: &'a Arc<Context>,
        place: &'a Place,
        permit: OwnedSemaphorePermit,
    ) -> Searched<'a> {
        Box::pin(async move {
            let file = open(place).await?;
            cx.search.counts.text_files.fetch_add(1, Relaxed);
            let mut scratch = cx.take_scratch();
            let mut window = Window::new(file, &mut scratch.buffer, &cx.search.needle);
            let read = async {
                window.fill().await?;
                if !window.ended && window.file.metadata().await?.len() >= behaviour::HUGE {
                    return Ok(true);
                }
                window.show(cx, place, &mut scratch.text).await.map(|()| false)
            };
            let read = read.await;
            let file = window.file;
            cx.give_scratch(scratch);
            if read? { search_huge(cx, place, file, permit).await } else { Ok(()) }
        })
    }
}

struct JsonFile;

impl Behaviour for JsonFile {
    fn search<'a>(
        &'a self,
        cx: &'a Arc<Context>,
        place: &'a Place,
        permit: OwnedSemaphorePermit,
    ) -> Searched<'a> {
        Box::pin(async move {
            let file = open(place).await?;
            cx.search.counts.json_files.fetch_add(1, Relaxed);
            let mut scratch = cx.take_scratch();
            let mut window = Window::new(file, &mut scratch.buffer, &cx.search.needle);
            let read = window.show(cx, place, &mut scratch.json).await;
            cx.give_scratch(scratch);
            drop(permit);
            read
        })
    }
}

/// An open file and the part of it that is in memory.
struct Window<'a> {
    file: File,
    buffer: &'a mut Vec<u8>,
    held: usize,
    ended: bool,
    bytes: u64,
}

impl<'a> Window<'a> {
    fn new(file: File, buffer: &'a mut Vec<u8>, needle: &Needle) -> Self {
        buffer.resize(behaviour::window_size(needle), 0);
        Self { file, buffer, held: 0, ended: false, bytes: 0 }
    }

    /// Reads until the window is full or the file has ended.
    async fn fill(&mut self) -> io::Result<()> {
        while !self.ended && self.held < self.buffer.len() {
            match self.file.read(&mut self.buffer[self.held..]).await {
                Ok(n) => {
                    self.held += n;
                    self.bytes += n as u64;
                    self.ended = n == 0;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Shows the file to `matcher`, and reports what it finds; that it is malformed, too.
    async fn show(&mut self, cx: &Context, place: &Place, matcher: &mut dyn Matcher) -> io::Result<()> {
        let path = || place.path.as_os_str().as_bytes().to_vec();
        let mut report = FileReport::new(&cx.search, &path);
        matcher.start();
        let read = loop {
            if let Err(error) = self.fill().await {
                break Err(error);
            }
            match matcher.scan(&self.buffer[..self.held], self.ended, &mut |found| report.found(found)) {
                Err(malformed) => {
                    cx.search.problem(&path(), &Problem::Malformed(malformed));
                    break Ok(());
                }
                Ok(Progress::Finished) => break Ok(()),
                Ok(Progress::Consumed(_)) if self.ended => break Ok(()),
                Ok(Progress::Consumed(0)) if self.held == self.buffer.len() => {
                    let doubled = self.buffer.len() * 2;
                    self.buffer.resize(doubled, 0);
                }
                Ok(Progress::Consumed(n)) => {
                    self.buffer.copy_within(n..self.held, 0);
                    self.held -= n;
                }
            }
        };
        report.finish();
        cx.search.counts.bytes.fetch_add(self.bytes, Relaxed);
        read
    }
}

/// A huge text: blocking jobs, as many as there are processors.
async fn search_huge(
    cx: &Arc<Context>,
    place: &Place,
    mut file: File,
    permit: OwnedSemaphorePermit,
) -> io::Result<()> {
    file.rewind().await?;
    let file = file.into_std().await;
    let path = place.path.as_os_str().as_bytes().to_vec();
    let search = Arc::clone(&cx.search);
    let mut jobs = Jobs { search, permit: Arc::new(permit), started: JoinSet::new() };
    let helper = Arc::clone(&jobs.search);
    let first = move || {
        let mut tools = Tools::new(&helper);
        let searched = behaviour::search_text(file.into(), false, &|| path.clone(), &mut tools, &mut jobs);
        if let Err(problem) = searched {
            helper.problem(&path, &problem);
        }
        tools.flush();
        jobs.started
    };
    let started = tokio::task::spawn_blocking(first).await.map_err(io::Error::other)?;
    join_all(started).await;
    Ok(())
}

/// Helpers of one huge text: each is a blocking job.
struct Jobs {
    search: Arc<Search>,
    /// The file is open until the last of them has ended.
    permit: Arc<OwnedSemaphorePermit>,
    started: JoinSet<()>,
}

impl Tasks for Jobs {
    fn spawn(&mut self, task: Task) {
        let Task::Share(huge) = task else { return };
        let (search, permit) = (Arc::clone(&self.search), Arc::clone(&self.permit));
        let help = move || {
            let mut tools = Tools::new(&search);
            huge.help(&mut tools, &mut Nobody);
            tools.flush();
            drop(permit);
        };
        self.started.spawn_blocking_on(help, &Handle::current());
    }

    fn wanted(&mut self) -> bool {
        false
    }

    fn parallel(&self) -> bool {
        self.search.threads != Some(1)
    }
}

/// For helpers, who find no tasks.
struct Nobody;

impl Tasks for Nobody {
    fn spawn(&mut self, _: Task) {}

    fn wanted(&mut self) -> bool {
        false
    }

    fn parallel(&self) -> bool {
        false
    }
}
