//! A runtime where each vthread has an OS thread of its own.

use crate::carrier::{Session, mounted};
use crate::error::{Error, Result};
use crate::run::Builder;
use crate::scope::{JoinHandle, start_in};
use crate::stats::Stats;
use core::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

/// Vthreads that belong together.
///
/// ```
/// let runtime = vthread::Runtime::builder().carriers(2).build().unwrap();
/// assert_eq!(runtime.run(|| 6 * 7).unwrap(), 42);
/// ```
///
/// Dropping it cancels what has not ended, as [`Scope::cancel`](crate::Scope::cancel) does, and waits until it has;
/// [`finish`](Self::finish) only waits. One of its own vthreads cannot wait for that: who drops it there, as the last owner of an `Arc`, goes on,
/// cancelled like the others.
pub struct Runtime {
    session: Arc<Session>,
    carriers: usize,
}

impl Runtime {
    /// Settings, to be used by [`Builder::build`].
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(carriers: usize) -> Self {
        Self { session: Arc::default(), carriers }
    }

    /// Runs `f` as a vthread, and gives its result when it has ended. What it has spawned outside of scopes goes on.
    ///
    /// # Errors
    /// When a vthread calls, and when there is no thread for `f`.
    ///
    /// # Panics
    /// With what `f` panics with.
    pub fn run<F: FnOnce() -> R + Send, R: Send>(&self, f: F) -> Result<R> {
        if mounted().is_some() {
            return Err(Error::AlreadyACarrier);
        }
        // SAFETY: it has ended when `join_outside` returns, which does not unwind.
        let result = unsafe { start_in(&self.session, f) }.join_outside(Duration::from_hours(1), || ());
        result.or_else(|payload| match payload.downcast::<Error>() {
            Ok(error) => Err(*error),
            Err(payload) => resume_unwind(payload),
        })
    }

    /// Starts a vthread. From whatever thread.
    ///
    /// # Errors
    /// None here.
    pub fn spawn<F, T>(&self, f: F) -> Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: it borrows nothing that ends.
        Ok(unsafe { start_in(&self.session, f) })
    }

    /// How many carriers it was told to have.
    pub fn carriers(&self) -> usize {
        self.carriers
    }

    /// Waits until every vthread has ended, and ends the runtime. Nothing is counted here.
    ///
    /// # Panics
    /// When one of its own vthreads calls, which would wait for itself.
    pub fn finish(self) -> Stats {
        assert!(!self.session.runs_us(), "vthread: a vthread waits for the end of its own runtime");
        self.session.wait();
        Stats::default()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.session.cancel();
        if !self.session.runs_us() {
            self.session.wait();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("carriers", &self.carriers).finish_non_exhaustive()
    }
}
