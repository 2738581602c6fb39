//! What a thread does that waits for a runtime: it sees whether the carriers get on, wakes those that [sleep too long](sleepers), and sets right what
//! others did to the handlers of signals, and it ends a deadlock. [Who waits for what](standstill), where that is asked for, is told by a thread
//! [of its own](process), which looks also where nobody waits for the carriers.
//!
//! A carrier that neither sleeps nor turns its loop is blocked in a call, or computes without a park. The first keeps all its
//! vthreads waiting for nothing; both deserve a word. The watchdog never touches the carrier: it reads what it wants to know by
//! `process_vm_readv`, which may find anything while the carrier goes on, but neither faults nor races. What it has read counts only
//! if the carrier has not moved meanwhile.

mod alike;
pub(crate) mod alone;
mod process;
mod sleepers;
mod standstill;
mod threads;

pub use process::watch_process;
pub(crate) use process::{threads_that_watch, watch_group};
pub use sleepers::lost_wake_ups;

use crate::carrier::{Group, Root, Seat};
use crate::error::Result;
use crate::fatal::{fatal, say};
use crate::sched::deadlock::WhenStuck;
use crate::sched::room::Room;
use crate::sched::task::Task;
use crate::signals;
use core::ffi::c_void;
use core::fmt::Write;
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering::Relaxed;
use sleepers::Sleepers;
use standstill::Standstill;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks.
pub(crate) const EVERY: Duration = Duration::from_millis(500);

pub(crate) struct Watchdog {
    group: Arc<Group>,
    when_stuck: WhenStuck,
    patience: Duration,
    seen: Mutex<Vec<Seen>>,
    /// The turns of the carriers' loops when a deadlock was broken last.
    broken: Mutex<Vec<u64>>,
    sleepers: Sleepers,
    /// Of a test, where nobody has said anything else.
    standstill: Option<Standstill>,
}

/// A carrier at the last look.
struct Seen {
    turns: u64,
    since: Instant,
    is_reported: bool,
}

impl Watchdog {
    /// # Errors
    /// When a setting in the environment is wrong.
    pub(crate) fn new(
        group: Arc<Group>,
        when_stuck: WhenStuck,
        patience: Duration,
        is_test: bool,
    ) -> Result<Self> {
        let seen = |_: &Seat| Seen { turns: 0, since: Instant::now(), is_reported: false };
        let seen = Mutex::new(group.seats().iter().map(seen).collect());
        watch_group(&group)?;
        let (sleepers, standstill) = (Sleepers::new(&group), standstill::unasked(is_test));
        Ok(Self { group, when_stuck, patience, seen, broken: Mutex::default(), sleepers, standstill })
    }

    /// Reports on standard error who has newly been found blocked, and ends a deadlock.
    pub(crate) fn look(&self) {
        if self.group.is_stuck() {
            self.break_deadlock();
        }
        self.sleepers.look(&self.group);
        if let Some(standstill) = &self.standstill {
            standstill.look(&self.group);
        }
        signals::sweep();
        for report in self.blocked(self.patience) {
            say(format_args!("{report}"));
        }
    }

    /// Could nobody but the carriers, and the thread that looks, wake one?
    fn is_deadlock(&self) -> bool {
        // Carriers without work leave at the end of a runtime, and their threads are not to be taken for others, nor others for them.
        let threads = || self.group.living() + 1 + threads_that_watch();
        let before = threads();
        self.when_stuck.is_deadlock(before) && threads() == before && self.group.is_stuck()
    }

    fn break_deadlock(&self) {
        // Of several threads that look at the same time one breaks it, and the others see then that the carriers have heard of it.
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_deadlock() {
            return;
        }
        let turns = self.group.seats().iter().map(|seat| seat.turns.load(Relaxed)).collect::<Vec<_>>();
        if *broken == turns {
            // The carriers have heard of it, and nobody has gone on.
            let report = self.group.deadlock_after(0).unwrap_or_default();
            fatal(format_args!("deadlock, and no wait of these can be ended:{report}"));
        }
        *broken = turns;
        self.group.break_deadlock();
    }

    /// A line for each carrier that has stood still for so long and was not told of.
    pub(crate) fn blocked(&self, patience: Duration) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reports = Vec::new();
        for (index, (seat, seen)) in self.group.seats().iter().zip(seen.iter_mut()).enumerate() {
            let turns = seat.turns.load(Relaxed);
            if turns != seen.turns || seat.remote.is_asleep() || seat.has_left() {
                *seen = Seen { turns, since: Instant::now(), is_reported: false };
            } else if seen.since.elapsed() >= patience && !seen.is_reported {
                seen.is_reported = true;
                let (who, what) = (running(seat), threads::state(seat.thread.load(Relaxed)));
                let stood = seen.since.elapsed().as_secs_f32();
                if seat.turns.load(Relaxed) == turns {
                    reports.push(match who {
                        Some(who) => format!(
                            "carrier {index} has run nobody else for {stood:.1} s: {who} {what}; `vthread::blocking` is for calls that \
                             block, `vthread::yield_now` for long computations"
                        ),
                        None => format!(
                            "carrier {index} has run nobody for {stood:.1} s: it {what}, outside of vthreads, as when much memory goes back"
                        ),
                    });
                }
            }
        }
        reports
    }
}

/// The vthread that runs there, in words.
fn running(seat: &Seat) -> Option<String> {
    let root: usize = peek(seat.mounted.load(Relaxed))?;
    let task: usize = peek(root.checked_add(Root::TASK).filter(|_| root != 0)?)?;
    let id: u64 = peek(task.checked_add(core::mem::offset_of!(Task, id))?)?;
    let mut text = format!("vthread {id}");
    // While a vthread runs, its name is noted there, as an address and a length; if not, nothing is found there.
    let [start, length]: [usize; 2] =
        peek(task.checked_add(core::mem::offset_of!(Task, room) + Room::NOTE)?)?;
    let mut name = [0u8; 200];
    let name = name.get_mut(..length.min(200))?;
    if peek_bytes(start, name).is_some() {
        let _ = write!(text, " ({})", String::from_utf8_lossy(name));
    }
    Some(text)
}

/// Numbers, of which any bytes are a value.
trait Plain: Copy {}
impl Plain for u64 {}
impl Plain for usize {}
impl Plain for [usize; 2] {}

fn peek<T: Plain>(address: usize) -> Option<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the bytes of the value.
    let bytes = unsafe { core::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
    peek_bytes(address, bytes)?;
    // SAFETY: initialised, and every value of its bytes is one of the type.
    Some(unsafe { value.assume_init() })
}

/// Fills `bytes` from there, if that is mapped.
fn peek_bytes(address: usize, bytes: &mut [u8]) -> Option<()> {
    let ours = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let theirs = libc::iovec { iov_base: address as *mut c_void, iov_len: bytes.len() };
    // SAFETY: writes to `bytes` only; what cannot be read there is an error.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const ours, 1, &raw const theirs, 1, 0) };
    (read == bytes.len().cast_signed()).then_some(())
}
