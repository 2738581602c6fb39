//! Without a ring: waits until what is no file (a pipe, a socket, a terminal) can be read or written.
//!
//! ```text
//! vthread:  Entry -> POLLER, bell -> parks, until the poller or a cancellation has taken the entry out
//! poller:   a job of the pool of blocking calls, as long as there are entries: poll(2) of the bell and all of them
//! ```
//! So any number of vthreads may wait, and none of them keeps others from the few calls that the pool makes at a time. Who takes an entry out,
//! under the lock, sets its latch; nobody else touches the frame that it is in.

use crate::blocking::start_elsewhere;
use crate::facade::Bell;
use crate::sched::latch::Latch;
use crate::sched::wait::{Link, Waiting, What};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{process, thread};

/// In the frame of who waits.
struct Wait {
    ended: Latch,
    is_cancelled: AtomicBool,
}

struct Entry {
    fd: RawFd,
    events: i16,
    /// Names it to a cancellation.
    waiting: *const Waiting,
    wait: *const Wait,
}

// SAFETY: the frame of the wait is not left before its latch was set, by the one who took the entry out.
unsafe impl Send for Entry {}

impl Entry {
    /// Makes the waiter go on.
    fn end(self) {
        // SAFETY: as above; this is the last access.
        unsafe { (*self.wait).ended.set() };
    }
}

struct State {
    /// By number, which are not given twice.
    entries: BTreeMap<u64, Entry>,
    next: u64,
    /// Makes the poller look at the entries again: it runs.
    bell: Option<Bell>,
    /// Whose entries and poller these are: a child after `fork` has none of them.
    process: u32,
}

static POLLER: Mutex<State> = Mutex::new(State { entries: BTreeMap::new(), next: 0, bell: None, process: 0 });

fn lock() -> MutexGuard<'static, State> {
    let mut state = POLLER.lock().unwrap_or_else(PoisonError::into_inner);
    if state.process != process::id() {
        // What waits there is waited for by vthreads of the parent.
        *state = State { entries: BTreeMap::new(), next: 0, bell: None, process: process::id() };
    }
    state
}

impl State {
    fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    /// `false`: the system has no thread or no descriptor for a poller.
    fn add(&mut self, entry: Entry) -> bool {
        if self.bell.is_none() {
            let Some(bell) = Bell::new() else { return false };
            self.bell = Some(bell);
            // It begins by asking for the lock.
            if start_elsewhere(Box::new(poll_all)).is_err() {
                self.bell = None;
                return false;
            }
        }
        self.entries.insert(self.next, entry);
        self.next += 1;
        self.ring();
        true
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// A call most probably need not wait.
    Now,
    Cancelled,
    /// There is nobody to wait for it here.
    Unknown,
}

/// Parks until `fd` is ready for `events`, as `poll(2)` has them, or has failed, or until the vthread is cancelled.
pub(super) fn wait_until_ready(action: &'static &'static str, fd: RawFd, events: i16) -> Ready {
    let wait = Wait { ended: Latch::new(), is_cancelled: AtomicBool::new(false) };
    let waiting = Waiting::to_the_end(What::new(action)).of_an_operation();
    let link = Link::new(&waiting, null_mut());
    // SAFETY: taken out below, or else by the latch: no other than who sets it ends this wait.
    unsafe { wait.ended.announce(&link) };
    let entry = Entry { fd, events, waiting: &raw const waiting, wait: &raw const wait };
    if !lock().add(entry) {
        // SAFETY: it was pushed there.
        unsafe { wait.ended.withdraw(&link) };
        return Ready::Unknown;
    }
    waiting.wait(None);
    // Who set it has let go of it.
    wait.ended.wait(What::new(action));
    if wait.is_cancelled.load(Relaxed) { Ready::Cancelled } else { Ready::Now }
}

/// Ends the wait of a vthread of this carrier. `false`: it ends by itself just now, or is a parent's.
pub(super) fn cancel(waiting: &Waiting) -> bool {
    let mut state = lock();
    let number =
        state.entries.iter().find(|(_, entry)| core::ptr::eq(entry.waiting, waiting)).map(|(n, _)| *n);
    let Some(entry) = number.and_then(|number| state.entries.remove(&number)) else { return false };
    // The poller keeps the descriptor as long as it does not look.
    state.ring();
    drop(state);
    // SAFETY: see `Entry`: it was we who took it out.
    unsafe { (*entry.wait).is_cancelled.store(true, Relaxed) };
    entry.end();
    true
}

/// The poller's job.
fn poll_all() {
    loop {
        let mut state = lock();
        // Only here it is taken away.
        let Some(bell) = state.bell.as_ref().filter(|_| !state.entries.is_empty()).map(Bell::fd) else {
            state.bell = None;
            return;
        };
        let of = |fd, events| libc::pollfd { fd, events, revents: 0 };
        let numbers: Vec<u64> = state.entries.keys().copied().collect();
        let mut polled: Vec<libc::pollfd> = vec![of(bell, libc::POLLIN)];
        polled.extend(state.entries.values().map(|entry| of(entry.fd, entry.events)));
        drop(state);
        // SAFETY: an array of so many.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
        // Out of memory, or more of them than descriptors are allowed: they look for themselves, not too often. (Or a signal.)
        let failed = ready < 0;
        if failed {
            thread::sleep(Duration::from_millis(1));
        }
        let mut state = lock();
        if let Some(bell) = &state.bell {
            bell.silence();
        }
        for (number, polled) in numbers.iter().zip(&polled[1..]) {
            if (failed || polled.revents != 0)
                && let Some(entry) = state.entries.remove(number)
            {
                entry.end();
            }
        }
    }
}
