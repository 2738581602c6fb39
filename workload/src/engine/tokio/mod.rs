//! tokio as its users write it: async functions, `tokio::fs`, a task for each directory and file, boxed recursion, a semaphore
//! that bounds what is open. Each call of the file system is handed to a blocking thread and back by tokio itself.
//!
//! Only two things are not what a tutorial shows: paths longer than `PATH_MAX` are reached through `/proc/self/fd`, and a text
//! of 32 MB or more is searched by blocking jobs.

mod directory;
mod file;
mod huge;
mod paths;

use super::{Engine, processors, threads_can_be_had};
use crate::behaviour::{self, Looks};
use crate::matcher::{JsonMatcher, TextMatcher};
use crate::output::Problem;
use crate::search::{Root, Search};
use crate::tree::Kind;
use directory::Directory;
use file::{JsonFile, TextFile};
use paths::look;
use rustix::fs::FileType;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Builder;
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
        // Those and one for blocking calls; of these it does with as many as there are.
        threads_can_be_had(self.threads(search) + 1)?;
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
    /// Whether a link leads to it, or to one above it.
    linked: bool,
    next: Option<Arc<Above>>,
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
    let (mut permit, mut looks) = (Some(permit), Looks::default());
    while !cx.search.is_stopped() {
        let looked = async {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => cx.permit().await?,
            };
            Ok::<_, io::Error>((kind(&cx, &mut place, file_type).await?, permit))
        };
        let (kind, permit) = match looked.await {
            Ok((Some(kind), permit)) => (kind, permit),
            Ok((None, _)) => break,
            Err(error) if changed(&error).is_some() => {
                cx.search.counts.vanished.fetch_add(1, Relaxed);
                break;
            }
            Err(error) => {
                cx.problem(&place.path, &error);
                break;
            }
        };
        // It is there, whatever was said.
        if let Some(errno) = looks.enough() {
            cx.problem(&place.path, &errno.into());
            break;
        }
        let Err(error) = cx.behaviours.of(kind).search(&cx, &place, permit).await else { break };
        let Some(errno) = changed(&error) else {
            cx.problem(&place.path, &error);
            break;
        };
        looks = looks.after(errno);
        file_type = FileType::Unknown;
    }
    cx.search.counts.task_done();
}

/// What the system says of something that is gone, or something else by now: to be looked at again.
fn changed(error: &io::Error) -> Option<Errno> {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error)?;
    let is_changed = matches!(
        errno,
        Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::NOTDIR | Errno::ISDIR | Errno::AGAIN
    );
    is_changed.then_some(errno)
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
                if changed(&error).is_none() || Kind::of_file_named(name).is_some() {
                    cx.problem(&place.path, &error);
                }
                return Ok(None);
            }
        };
    }
    Ok(Kind::of(file_type, name))
}
