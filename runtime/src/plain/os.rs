//! Virtual threads on OS threads of their own. On this system their stacks are of the system's usual size.
//!
//! ```
//! let thread = vthread::os::spawn(|| 6 * 7)?;
//! assert_eq!(thread.join().unwrap(), 42);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;
use std::thread::{self, Result as Outcome};

/// Settings of a thread.
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
}

impl Builder {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the system calls the thread.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Has no effect on this system.
    #[must_use]
    pub fn unproved_stack(self, _bytes: usize) -> Self {
        self
    }

    fn builder(self) -> thread::Builder {
        self.name.map_or_else(thread::Builder::new, |name| thread::Builder::new().name(name))
    }

    /// Starts `f` on a thread of its own.
    ///
    /// # Errors
    /// When the system gives no memory or no thread.
    pub fn spawn<F, R>(self, f: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.builder().spawn(f).map(JoinHandle)
    }

    /// Starts `f` in a scope, which does not end before it.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_scoped<'scope, F, R>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, R>>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + 'scope,
    {
        self.builder().spawn_scoped(&scope.0, f).map(ScopedJoinHandle)
    }
}

/// Runs `f` on an OS thread.
///
/// # Errors
/// As [`Builder::spawn`].
pub fn spawn<F, R>(f: F) -> io::Result<JoinHandle<R>>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    Builder::new().spawn(f)
}

/// A thread to be joined. Dropped, it leaves the thread alone.
#[derive(Debug)]
pub struct JoinHandle<R>(thread::JoinHandle<R>);

impl<R> JoinHandle<R> {
    /// Waits until the thread has ended.
    ///
    /// # Errors
    /// With what it panicked with.
    pub fn join(self) -> Outcome<R> {
        self.0.join()
    }

    /// Has it come to its end? Then [`join`](Self::join) hardly waits.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Threads that may borrow, and that have all ended when the scope does. Made by [`scope`].
#[derive(Debug)]
#[repr(transparent)]
pub struct Scope<'scope, 'env>(thread::Scope<'scope, 'env>);

impl<'scope> Scope<'scope, '_> {
    /// Runs `f` on an OS thread.
    ///
    /// # Errors
    /// As [`Builder::spawn`].
    pub fn spawn<F, R>(&'scope self, f: F) -> io::Result<ScopedJoinHandle<'scope, R>>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + 'scope,
    {
        Builder::new().spawn_scoped(self, f)
    }
}

/// A thread of a scope.
#[derive(Debug)]
pub struct ScopedJoinHandle<'scope, R>(thread::ScopedJoinHandle<'scope, R>);

impl<R> ScopedJoinHandle<'_, R> {
    /// Waits until the thread has ended.
    ///
    /// # Errors
    /// With what it panicked with.
    pub fn join(self) -> Outcome<R> {
        self.0.join()
    }
}

/// A scope for threads that borrow, as [`std::thread::scope`].
///
/// # Panics
/// With what `f` panics with; and when a thread panicked that was not joined. In every case all threads have ended.
pub fn scope<'env, F, R>(f: F) -> R
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
{
    thread::scope(|scope| {
        // SAFETY: `Scope` is a transparent wrapper, and the reference lives as long.
        f(unsafe { &*core::ptr::from_ref(scope).cast() })
    })
}
