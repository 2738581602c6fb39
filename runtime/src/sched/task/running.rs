//! What a vthread says of and does with itself: who it is, its permit, sleep, yield.

use super::super::task_ref::TaskRef;
use super::super::wait::{What, wait_alone};
use super::{checkpoint, raise_if_cancelled};
use crate::call::hop;
use crate::carrier;
use core::fmt;
use std::time::{Duration, Instant};

/// A handle to a vthread: who it is, and its permit.
#[derive(Clone)]
pub struct Vthread(pub(crate) TaskRef);

impl Vthread {
    /// Unique in the process.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// As it was spawned with.
    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// Grants the permit that the vthread's next [`park`] takes, or that it waits for. At most one is kept.
    pub fn unpark(&self) {
        self.0.unpark();
    }
}

impl fmt::Debug for Vthread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vthread").field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The vthread that calls; `None` on an ordinary thread.
pub fn current() -> Option<Vthread> {
    carrier::mounted().map(|root| Vthread(root.share_task()))
}

/// Waits for this vthread's permit, and takes it. On an ordinary thread, [`std::thread::park`].
///
/// Unlike there, it returns for no other reason.
///
/// # Panics
/// With [`Cancelled`](crate::Cancelled), if that is what happens; off the chunks when no hop stack is left.
#[inline(always)]
pub fn park() {
    #[cfg(vthread_native)]
    if let Some(me) = carrier::me_at_ease() {
        return me.root().task().park_thin(me);
    }
    hop(|| park_until(None));
}

/// The same, for so long at most.
///
/// # Panics
/// As [`park`].
pub fn park_timeout(most: Duration) {
    park_until(Instant::now().checked_add(most));
}

fn park_until(until: Option<Instant>) {
    let Some(root) = carrier::mounted() else {
        // What a thread needs for it makes no vthread's stack larger.
        return hop(|| match until {
            None => std::thread::park(),
            Some(until) => std::thread::park_timeout(until.saturating_duration_since(Instant::now())),
        });
    };
    checkpoint();
    root.task().park(until);
    checkpoint();
}

/// Lets others run, for at least so long. On an ordinary thread, [`std::thread::sleep`].
///
/// What the clock cannot tell ([`Duration::MAX`]) is no time: where nothing else goes on, that is a deadlock, unless
/// [`WhenStuck::Sleep`](crate::WhenStuck::Sleep) says otherwise.
///
/// # Panics
/// As [`park`].
pub fn sleep(least: Duration) {
    let until = Instant::now().checked_add(least);
    if carrier::mounted().is_none() {
        return hop(|| std::thread::sleep(least));
    }
    checkpoint();
    raise_if_cancelled(wait_alone(What::new(&"sleeps"), until));
}

/// Lets every vthread of this carrier that is ready go first, and those that have not started when their turn comes. On an
/// ordinary thread, [`std::thread::yield_now`].
///
/// # Panics
/// As [`park`].
#[inline(always)]
pub fn yield_now() {
    let Some(me) = carrier::me() else { return hop(std::thread::yield_now) };
    if me.is_cancelled() {
        checkpoint();
    }
    match me.at_ease() {
        Some(me) => me.yield_now(),
        None => hop(carrier::yield_however),
    }
    if me.is_cancelled() {
        checkpoint();
    }
}
