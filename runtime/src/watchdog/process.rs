//! Who watches the whole process, where the environment asks for it: a thread of its own, from the first use of the runtime to the end of the
//! process. So nothing stands still in silence: neither carriers, whoever waits for them, nor a runtime that is being made or ended, nor
//! what a program does before its first one, if it [says](watch_process) that this counts.
//!
//! Without that nothing of this is there, and nobody asks for it but who makes a runtime.

use super::standstill::{Standstill, asked};
use super::{EVERY, threads};
use crate::carrier::Group;
use crate::error::{Error, Result};
use crate::fatal::say;
use crate::os::SignalsWait;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Never freed. A child after a `fork` has none of the thread, and makes one of its own.
static WATCH: AtomicPtr<Watch> = AtomicPtr::new(null_mut());

struct Watch {
    process: u32,
    patience: Duration,
    has_thread: AtomicBool,
    /// Does what is done outside of runtimes count as well?
    is_whole: AtomicBool,
    groups: Mutex<Vec<Watched>>,
}

struct Watched {
    group: Weak<Group>,
    standstill: Standstill,
}

/// This process's.
fn watch() -> Option<&'static Watch> {
    // SAFETY: null, or made by `begin`, and never freed.
    let watch = unsafe { WATCH.load(Acquire).as_ref() }?;
    (watch.process == std::process::id()).then_some(watch)
}

/// How many threads of the process do nothing but this.
pub(crate) fn threads_that_watch() -> usize {
    watch().map_or(0, |watch| usize::from(watch.has_thread.load(Acquire)))
}

/// Starts the thread, if somebody has asked for that and it is not there yet.
fn begin() -> Result<Option<&'static Watch>> {
    let Some(patience) = asked()? else { return Ok(None) };
    if let Some(watch) = watch() {
        return Ok(Some(watch));
    }
    let before = WATCH.load(Acquire);
    let new = Box::into_raw(Box::new(Watch {
        process: std::process::id(),
        patience,
        has_thread: AtomicBool::new(false),
        is_whole: AtomicBool::new(false),
        groups: Mutex::default(),
    }));
    if WATCH.compare_exchange(before, new, AcqRel, Acquire).is_err() {
        // SAFETY: nobody else has seen it.
        drop(unsafe { Box::from_raw(new) });
        return Ok(watch());
    }
    // SAFETY: never freed from here on.
    let new = unsafe { &*new };
    // Handlers of signals run where they ran without it.
    let signals = SignalsWait::begin();
    let started = thread::Builder::new().name("vthread-watch".into()).spawn(|| new.look_for_ever());
    drop(signals);
    started.map_err(|error| {
        WATCH.store(null_mut(), Release);
        Error::NoThread(error)
    })?;
    new.has_thread.store(true, Release);
    Ok(Some(new))
}

/// Those carriers are watched as long as the group is there. `false`: nobody has asked for that.
pub(crate) fn watch_group(group: &Arc<Group>) -> Result<bool> {
    let Some(watch) = begin()? else { return Ok(false) };
    let standstill = Standstill::new(watch.patience, false);
    watch.lock().push(Watched { group: Arc::downgrade(group), standstill });
    Ok(true)
}

/// Has somebody asked for that?
pub(crate) fn is_asked_for() -> Result<bool> {
    Ok(asked()?.is_some())
}

/// With `VTHREAD_WHO_WAITS=SECONDS` in the environment, what this process does outside of runtimes counts from here on, too: when there has been none for
/// so long, what each thread of the process does is said on standard error. For programs that may stand still before their first
/// runtime, between two, or after the last. Without it in the environment, nothing happens.
///
/// ```
/// vthread::watch_process()?;
/// # Ok::<(), vthread::Error>(())
/// ```
///
/// # Errors
/// When what the environment says is no number of seconds, and when the system has no thread for it.
pub fn watch_process() -> Result<()> {
    if let Some(watch) = begin()? {
        watch.is_whole.store(true, Release);
    }
    Ok(())
}

impl Watch {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_for_ever(&self) {
        let mut outside = Outside { since: Instant::now(), is_told: false };
        loop {
            thread::sleep(EVERY);
            // Kept for the look alone: it does not last longer for being watched.
            let mut groups = self.lock();
            groups.retain(|watched| watched.group.strong_count() > 0);
            let is_outside = groups.is_empty();
            // Nobody else wants the lock for long: who makes a runtime waits for a report at most.
            for Watched { group, standstill } in &*groups {
                if let Some(group) = group.upgrade() {
                    standstill.look(&group);
                }
            }
            drop(groups);
            outside.look(is_outside && self.is_whole.load(Acquire), self.patience);
        }
    }
}

/// There is no runtime.
struct Outside {
    since: Instant,
    is_told: bool,
}

impl Outside {
    fn look(&mut self, counts: bool, patience: Duration) {
        if !counts {
            *self = Self { since: Instant::now(), is_told: false };
        } else if self.since.elapsed() >= patience && !self.is_told {
            self.is_told = true;
            let passed = self.since.elapsed().as_secs_f32();
            say(format_args!("there has been no runtime for {passed:.1} s{}", threads::others(&[])));
        }
    }
}
