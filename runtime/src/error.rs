//! What can go wrong before a vthread runs.

use core::fmt;
use std::io;

/// Why a vthread could not be started, or why a runtime could not go on.
///
/// Its `Debug` is the text of its `Display`, because that is what `unwrap` and a `main` that gives it show: the report of a deadlock has lines.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The region or the system's memory is used up.
    #[error("no memory for a stack of {size} bytes")]
    OutOfMemory {
        /// Bytes that were asked for.
        size: usize,
    },
    /// The closure that makes the allocators of a scope has panicked: see [`scope_in`](crate::scope_in).
    #[error("the allocator of its scope could not be made: the closure that makes it panicked")]
    NoAllocator,
    /// The addresses for all stacks could not be reserved.
    #[error("cannot reserve addresses for stacks (is `ulimit -v` too low?): {0}")]
    NoRegion(#[source] io::Error),
    /// There is no room for another hop stack.
    #[error("no memory for a hop stack: {0}")]
    NoHopStack(#[source] io::Error),
    /// There is no room for a stack of the signal handlers.
    #[error("no memory for a signal stack: {0}")]
    NoSignalStack(#[source] io::Error),
    /// All hop stacks are in use.
    #[error(
        "all {cap} hop stacks are kept by vthreads that parked off their chunks; see `Builder::hop_stacks`"
    )]
    TooManyHopStacks {
        /// The cap that was reached.
        cap: usize,
    },
    /// std would initialise the thread-local twice: see the crate's "What does not hold".
    #[error(
        "a lazy thread_local! is being initialised, and another virtual thread of this carrier could come upon it: wait for what it \
         needs before its first use, or make it a vthread_local!"
    )]
    Initialising,
    /// Something has changed to a stack that is none of this crate's.
    #[error(
        "the caller is on a stack that is not its virtual thread's (`stacker` and the like change it), where another one could overwrite what \
         lies below: wait before or after that"
    )]
    ForeignStack,
    /// Outside of a runtime.
    #[error(
        "this thread runs no vthreads: call it inside of vthread::run (which is an ordinary call on a thread of `vthread::os`)"
    )]
    NotACarrier,
    /// A runtime inside of a runtime.
    #[error("this thread runs vthreads already, or is one of `vthread::os`: call it on another thread")]
    AlreadyACarrier,
    /// Every vthread waited, and nothing was left that could wake one. Their waits were cancelled.
    #[error("deadlock: nothing can wake these any more:{report}")]
    Deadlock {
        /// A line for each: who, and what for.
        report: String,
    },
    /// The runtime ended before the vthread started.
    #[error("the runtime has ended")]
    Ended,
    /// The system gave no OS thread.
    #[error("no OS thread: {0}")]
    NoThread(#[source] io::Error),
    /// The runtime belongs to the process that this one was forked from: its carriers are not here.
    #[error("the runtime belongs to the parent process: make one after the fork")]
    Forked,
    /// A setting that cannot be understood.
    #[error("{name}: {problem}")]
    Setting {
        /// Which one.
        name: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Of this crate.
pub type Result<T> = core::result::Result<T, Error>;
