//! Threads that borrow, and have ended when their scope does.

use super::{Builder, Packet, Thread, join};
use crate::fatal::fatal;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Result as Outcome;

/// The threads of a scope that have to be joined yet.
#[derive(Default)]
pub(super) struct Threads {
    all: Vec<Arc<Thread>>,
    /// With so many it is time to look who has ended.
    look_at: usize,
}

impl Threads {
    /// Adds one. Now and then those that have ended are collected, so that a scope holds about twice as many as run.
    pub(super) fn add(&mut self, thread: Arc<Thread>) {
        if self.all.len() >= self.look_at {
            self.all.retain(|thread| !thread.collect());
            self.look_at = 2 * self.all.len() + 16;
        }
        self.all.push(thread);
    }
}

/// Threads that may borrow, and that have all ended when the scope does. Made by [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    pub(super) threads: Mutex<Threads>,
    /// How many have panicked whose panics nobody got by joining.
    pub(super) panicked: Arc<AtomicUsize>,
    lives: PhantomData<&'scope mut &'scope ()>,
    borrows: PhantomData<&'env mut &'env ()>,
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Runs `f` on an OS thread with an exact stack.
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
pub struct ScopedJoinHandle<'scope, R> {
    pub(super) thread: Arc<Thread>,
    pub(super) packet: Arc<Packet<Outcome<R>>>,
    pub(super) panicked: Arc<AtomicUsize>,
    pub(super) scope: PhantomData<&'scope ()>,
}

impl<R> fmt::Debug for ScopedJoinHandle<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}

impl<R> ScopedJoinHandle<'_, R> {
    /// Waits until the thread has ended.
    ///
    /// # Errors
    /// With what it panicked with.
    ///
    /// # Panics
    /// When it is the thread that calls, or one that joins this one.
    pub fn join(self) -> Outcome<R> {
        let outcome = join(&self.thread, &self.packet).and_then(|inner| inner);
        if outcome.is_err() {
            self.panicked.fetch_sub(1, Release);
        }
        outcome
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
    let scope = Scope {
        threads: Mutex::default(),
        panicked: Arc::new(AtomicUsize::new(0)),
        lives: PhantomData,
        borrows: PhantomData,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    // Threads may start others in the scope, so until there are none.
    loop {
        let next = scope.threads.lock().unwrap_or_else(PoisonError::into_inner).all.pop();
        let Some(thread) = next else { break };
        if !thread.join() {
            // It borrows from here, so nobody may go on.
            fatal(format_args!("a scope and a thread of it wait for each other to end"));
        }
    }
    match outcome {
        Err(payload) => resume_unwind(payload),
        Ok(_) if scope.panicked.load(Acquire) > 0 => panic!("a thread of the scope panicked"),
        Ok(value) => value,
    }
}
