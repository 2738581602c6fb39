//! The engines: the same search by different kinds of concurrency.
//!
//! Each is one file behind the trait [`Engine`]. Those that make blocking calls share the [`crate::behaviour`]s and differ
//! in who runs which task, and when; `tokio` is written the other way round, with async functions.

mod os_threads;
mod per_directory;
mod sequential;
mod tokio;
mod tokio_batched;
mod vale_threads;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", not(vthread_plain)))]
mod vthread;

pub use os_threads::OsThreads;
pub use sequential::Sequential;
pub use tokio::Tokio;
pub use tokio_batched::TokioBatched;
pub use vale_threads::ValeThreads;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", not(vthread_plain)))]
pub use vthread::Vthread;

use crate::behaviour::EARLY;
use crate::search::Search;
use std::hint::black_box;
use std::sync::{Arc, Mutex, OnceLock};
use std::{io, thread};

/// Bytes of addresses that there must be for a thread: its stack, which has 2 MiB, and more for what is made besides.
const ROOM: usize = 8 << 20;

/// A kind of concurrency that can search.
pub trait Engine: Sync {
    /// What `--engine` calls it.
    fn name(&self) -> &'static str;

    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// How many threads it uses for this search.
    fn threads(&self, search: &Search) -> usize;

    /// Searches everything; returns when all is done.
    ///
    /// # Errors
    /// If the engine itself cannot start. What goes wrong with single files is reported, and the search goes on.
    fn run(&self, search: &Arc<Search>) -> io::Result<()>;
}

/// All engines, the default first.
pub const ENGINES: &[&dyn Engine] = &[
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", not(vthread_plain)))]
    &Vthread,
    &TokioBatched,
    &Tokio,
    &OsThreads,
    &ValeThreads,
    &Sequential,
];

/// The engine of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Engine> {
    ENGINES.iter().copied().find(|e| e.name() == name)
}

/// How many workers of `wanted` there is room for, with files that each opens before their turn.
fn workers(search: &Search, wanted: usize) -> usize {
    let workers = search.files.share_among(wanted);
    search.files.share_early(workers, EARLY);
    workers
}

/// Makes sure that the system gives so many threads at a time, because tokio panics where it does not, and std where there is no
/// memory for what it makes in each. One more is asked for: the program starts others meanwhile.
fn threads_can_be_had(count: usize) -> io::Result<()> {
    let no_thread = |error: io::Error| io::Error::new(error.kind(), format!("no OS thread: {error}"));
    let gate = Mutex::new(());
    let closed = gate.lock();
    thread::scope(|s| {
        let wait = || drop(gate.lock());
        let has_room = || -> io::Result<()> {
            let mut room = Vec::<u8>::new();
            room.try_reserve_exact(ROOM)?;
            drop(black_box(room));
            Ok(())
        };
        let start = |_| has_room().and_then(|()| thread::Builder::new().spawn_scoped(s, wait));
        let threads = (0..=count).map(start).collect::<io::Result<Vec<_>>>().map_err(no_thread)?;
        has_room().map_err(no_thread)?;
        drop(closed);
        // A scope only waits until they have done their work. Who is joined has ended, and its stack is there for the next one.
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        Ok(())
    })
}

/// How many processors this process may use. To find out takes a dozen files: once is enough.
pub(crate) fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}
