//! Running a closure as a virtual thread.

use crate::allocator::StackAllocator;
#[cfg(vthread_native)]
use crate::arch;
use crate::carrier::Session;
use crate::config::{Mode, StackConfig};
use crate::error::{Error, Result};
use crate::runtime::Runtime;
use crate::sched::deadlock::WhenStuck;
#[cfg(vthread_native)]
use crate::watchdog::{self, Watchdog};
use core::num::NonZeroUsize;
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::time::Duration;

/// So long a carrier may stand still before it is reported.
const PATIENCE: Duration = Duration::from_secs(1);

/// Linux has no numbers for more threads, all processes taken together: before the first is asked for, each takes memory.
const MOST_CARRIERS: usize = 1 << 22;

/// Runs `f` as a virtual thread on this thread, with all that it spawns, and gives its result. On a thread that runs vthreads
/// already, it is an ordinary call.
///
/// So nothing here has to be `Send`, and nothing runs at the same time. For a carrier on each processor, there are [`Runtime`] and
/// [`#[vthread::main]`](macro@crate::main).
///
/// # Panics
/// With what `f` panics with, and when the stacks cannot be had; [`Builder::run`] gives an error then.
pub fn run<F: FnOnce() -> R, R>(f: F) -> R {
    #[cfg(not(vthread_native))]
    let outside = crate::carrier::mounted().is_none();
    #[cfg(vthread_native)]
    let outside = arch::hop_top().is_null();
    if outside {
        Builder::new().run(f).unwrap_or_else(|error| panic!("vthread::run: {error}"))
    } else {
        // `f` may be a function pointer.
        crate::call::on_chunk(move || {
            crate::__after_call!({
                crate::__before_call!();
                f()
            })
        })
    }
}

/// What `#[vthread::main]` runs: `f` as a vthread, on a carrier for each processor, until all has ended.
///
/// # Panics
/// As [`run`], and when all wait for each other.
#[doc(hidden)]
pub fn run_entry<F: FnOnce() -> R + Send, R: Send>(f: F) -> R {
    run_to_the_end(Builder::new(), f)
}

/// The same where the result says how the process ends.
#[doc(hidden)]
pub fn report_entry<F: FnOnce() -> R + Send, R: Termination>(f: F) -> ExitCode {
    run_entry(|| f().report())
}

/// [`run_entry`] for tests. Their process has other threads, the harness's, so that no deadlock is seen; but when all wait for long, who waits
/// for what is told.
#[doc(hidden)]
pub fn run_test<F: FnOnce() -> R + Send, R: Send>(f: F) -> R {
    run_to_the_end(Builder { is_test: true, ..Builder::new() }, f)
}

/// The same where the result says whether the test has failed.
#[doc(hidden)]
pub fn report_test<F: FnOnce() -> R + Send, R: Termination>(f: F) -> ExitCode {
    run_test(|| f().report())
}

fn run_to_the_end<F: FnOnce() -> R + Send, R: Send>(builder: Builder, f: F) -> R {
    let run = || {
        let runtime = builder.build()?;
        let result = runtime.run(f)?;
        runtime.finish();
        Ok(result)
    };
    run().unwrap_or_else(|error: Error| panic!("vthread: {error}"))
}

/// Settings for [`run`].
#[derive(Debug, Default)]
pub struct Builder {
    mode: Option<Mode>,
    /// Bytes.
    hop_size: Option<usize>,
    config: StackConfig,
    when_stuck: WhenStuck,
    /// `None`: one for each processor.
    carriers: Option<NonZeroUsize>,
    /// `None`: a second.
    patience: Option<Duration>,
    /// Is it for a test?
    is_test: bool,
}

impl Builder {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How chunks are handed out. Without this, the environment variable `VTHREAD_STACKS` says it.
    #[must_use]
    pub fn stacks(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Where chunks come from: `make` makes the allocator of each thread that runs vthreads. Without this, a [`Pool`].
    ///
    /// [`Pool`]: crate::Pool
    #[must_use]
    pub fn allocator<A: StackAllocator + 'static>(
        mut self,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        self.config.allocator = Some(Arc::new(move || Box::new(make())));
        self
    }

    /// Hop stacks: bytes of each (16 MiB by default, of which only what is used costs memory, and less where the system gives no
    /// such stack) and how many a thread may
    /// have (20,000). One is always there; every vthread that parks off its chunks keeps another meanwhile. Without this, the environment variable
    /// `VTHREAD_HOP_STACK` says the bytes, from 64 KiB to 1 TiB.
    #[must_use]
    pub fn hop_stacks(mut self, bytes: usize, at_most: usize) -> Self {
        (self.hop_size, self.config.hop_cap) = (Some(bytes), at_most);
        self
    }

    /// Bytes of the guarded stack for an entry that has no bound (16 MiB by default, of which only what is used costs memory).
    #[must_use]
    pub fn unproved_stacks(mut self, bytes: usize) -> Self {
        self.config.unproved = Some(bytes);
        self
    }

    /// Bytes of free chunks that each idle thread keeps for the next burst (16 MiB by default). What is above goes back to the
    /// system when nothing is ready to run, as far as whole pieces of 2 MiB are free.
    #[must_use]
    pub fn keep_free(mut self, bytes: usize) -> Self {
        self.config.keep = bytes;
        self
    }

    /// Counts every call onto a chunk and the bytes of chunks in use ([`Stats::chunks`](crate::Stats::chunks)). A call onto a chunk then costs
    /// about as much as one that allocates: counting where they cost nothing would make all of them slower. Hops are counted too
    /// ([`Stats::hops`](crate::Stats::hops)) if this is asked for before the first vthread of the process.
    #[must_use]
    pub fn count_chunks(mut self, count: bool) -> Self {
        self.config.count = count;
        self
    }

    /// What to do when every vthread waits: see [`WhenStuck`].
    #[must_use]
    pub fn when_stuck(mut self, what: WhenStuck) -> Self {
        self.when_stuck = what;
        self
    }

    /// How many OS threads a [`Runtime`] made by [`build`](Self::build) runs vthreads on. Without this, or with 0, as many as the
    /// process may use processors. [`run`](Self::run) uses the calling thread and no other.
    #[must_use]
    pub fn carriers(mut self, count: usize) -> Self {
        self.carriers = NonZeroUsize::new(count);
        self
    }

    /// How long a carrier of a [`Runtime`] may run nobody else before that is reported on standard error, once: a second. With
    /// [`Duration::MAX`] it never is, which is right for programs whose vthreads compute.
    #[must_use]
    pub fn report_blocked_after(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Starts the carriers of a runtime.
    ///
    /// # Errors
    /// When the stacks or the threads cannot be had, and when a setting is wrong.
    pub fn build(self) -> Result<Runtime> {
        let one = NonZeroUsize::MIN;
        let count = self.carriers.unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(one));
        let (when_stuck, patience) = (self.when_stuck, self.patience.unwrap_or(PATIENCE));
        if count.get() > MOST_CARRIERS {
            let problem = format!("{count} are more threads than a system can have ({MOST_CARRIERS})");
            return Err(Error::Setting { name: "Builder::carriers", problem });
        }
        let is_test = self.is_test;
        let config = self.config()?;
        #[cfg(not(vthread_native))]
        return {
            let _ = (config, when_stuck, patience, is_test);
            Ok(Runtime::new(count.get()))
        };
        #[cfg(vthread_native)]
        Runtime::new(count.get(), &config, |group| Watchdog::new(group, when_stuck, patience, is_test))
    }

    fn config(self) -> Result<StackConfig> {
        let mode = match self.mode {
            Some(mode) => mode,
            None => Mode::from_environment()?.unwrap_or_default(),
        };
        let config = self.config.with_hop_stacks(self.hop_size)?;
        Ok(StackConfig { mode, ..config })
    }

    /// Makes this thread a carrier while `f` runs, which is not a vthread itself and gets hold of the carrier.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    #[cfg(vthread_native)]
    #[doc(hidden)]
    pub fn carry<R>(self, f: impl FnOnce(&Carrying) -> R) -> Result<R> {
        let session = Carrying(Session::new(self.config()?)?);
        Ok(f(&session))
    }

    /// Runs `f` as a virtual thread on this thread, and returns when it and all vthreads that it has spawned have ended.
    ///
    /// # Errors
    /// When the stacks cannot be had, when a setting is wrong, when this thread runs vthreads already, or when nothing is left
    /// that could end the waits of those that have not ended ([`when_stuck`](Self::when_stuck)).
    ///
    /// # Panics
    /// With what `f` panics with.
    pub fn run<F: FnOnce() -> R, R>(self, f: F) -> Result<R> {
        let when_stuck = self.when_stuck;
        let config = self.config()?;
        #[cfg(not(vthread_native))]
        return {
            let _ = (config, when_stuck);
            Session::run(f)
        };
        #[cfg(vthread_native)]
        watchdog::alone::run(config, when_stuck, f)
    }
}

/// A thread that is a carrier, for tests and benchmarks.
#[cfg(vthread_native)]
#[doc(hidden)]
pub struct Carrying(Session);

#[cfg(vthread_native)]
impl Carrying {
    /// Runs until all vthreads have ended or wait. Gives what those ended with that did not return: what they panicked with,
    /// or an [`Error`](crate::Error) if they did not start.
    pub fn run(&self) -> Vec<Box<dyn core::any::Any + Send>> {
        self.0.run_ready()
    }

    /// Vthreads that have started and not ended.
    pub fn live(&self) -> usize {
        self.0.live()
    }
}
