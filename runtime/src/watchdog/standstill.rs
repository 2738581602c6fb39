//! Who waits for what, told on standard error when nothing has gone on for long: for who looks into a program that stands still.
//!
//! ```text
//! no carrier has turned its loop     all wait, one is in a call that blocks, the runtime is being made or ended
//! the same, but a carrier computes   it goes to sleep and wakes up again, for nothing
//! one carrier has not                a vthread that computes without a park, or is blocked, beside others that go on
//! all do, but the same ones wait     those that do not wait yield to each other, and nothing comes of it: see `alike`
//! ```

use super::alike::Alike;
use super::{running, threads};
use crate::carrier::{Group, Seat};
use crate::error::{Error, Result};
use crate::fatal::say;
use core::fmt::Write;
use core::sync::atomic::Ordering::Relaxed;
use std::ffi::OsStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After how many seconds. With 0, never. Without it, in tests only, when all have waited for long.
const VAR: &str = "VTHREAD_WHO_WAITS";
/// In tests, that is.
const IN_TESTS: Duration = Duration::from_secs(10);
/// So much of a processor is not used by who only waits.
const BUSY: f64 = 0.5;

/// After how long somebody wants to be told. `None`: never.
///
/// # Errors
/// When it is no number of seconds.
pub(super) fn asked() -> Result<Option<Duration>> {
    std::env::var_os(VAR).map_or(Ok(None), |text| seconds(&text))
}

/// What to do in a test of which nobody has said anything. `None`: nothing.
pub(super) fn unasked(is_test: bool) -> Option<Standstill> {
    (is_test && std::env::var_os(VAR).is_none()).then(|| Standstill::new(IN_TESTS, true))
}

/// Of one group.
pub(crate) struct Standstill {
    patience: Duration,
    /// Nobody has asked: only where all vthreads wait, none for a time or for the system, is it told.
    is_unasked: bool,
    seen: Mutex<Seen>,
}

struct Seen {
    seats: Vec<OfOne>,
    /// When a carrier had turned its loop last.
    since: Instant,
    was_idle: bool,
    is_told: bool,
    alike: Alike,
}

/// A carrier at the last look.
struct OfOne {
    turns: u64,
    since: Instant,
    is_told: bool,
}

impl Standstill {
    pub(super) fn new(patience: Duration, is_unasked: bool) -> Self {
        let (seats, since) = (vec![], Instant::now());
        let seen = Seen { seats, since, was_idle: true, is_told: false, alike: Alike::new() };
        Self { patience, is_unasked, seen: Mutex::new(seen) }
    }

    /// Tells of it if nothing has gone on for so long: what can be seen of each carrier from here, and then, asked, each says what it has to do.
    pub(crate) fn look(&self, group: &Group) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = &mut *seen;
        let has_turned = seen.look(group);
        let is_idle = group.is_idle();
        // Of who was asked: it is awake for a while.
        let counts = !self.is_unasked || seen.is_told || group.is_stuck();
        if has_turned || !counts || seen.was_idle && !is_idle {
            if seen.is_told {
                say(format_args!("carriers turn their loops again"));
            }
            (seen.since, seen.is_told) = (Instant::now(), false);
        } else if !seen.is_told
            && seen.since.elapsed() >= self.patience
            && (!is_idle || self.is_to_tell(group))
        {
            seen.is_told = true;
            self.tell(group, seen.since.elapsed());
        } else if is_idle && seen.since.elapsed() >= self.patience {
            seen.since = Instant::now();
        }
        seen.was_idle = is_idle;
        if !self.is_unasked && has_turned {
            seen.tell_of_single_ones(group, self.patience);
            if let Some(turns) = seen.alike.look(group, self.patience) {
                let passed = self.patience.as_secs_f32();
                say(format_args!(
                    "for more than {passed:.1} s no vthread has started, ended, or gone on after a wait, but carriers have turned their loops \
                     {turns} times: who is ready only yields{}",
                    threads::others(&threads_of(group))
                ));
                group.ask_who_waits(|seat| !seat.has_left());
            }
        }
    }

    /// Nothing has to be done. But are carriers busy with that?
    fn is_to_tell(&self, group: &Group) -> bool {
        !self.is_unasked && threads::busy(&threads_of(group)).iter().any(|&share| share >= BUSY)
    }

    fn tell(&self, group: &Group, passed: Duration) {
        let mut report = format!("no carrier has turned its loop for {:.1} s", passed.as_secs_f32());
        let all_left = group.living() == 0;
        if all_left {
            report.push_str(", as all have ended their loops, but not their threads");
        }
        let is_told_of = |seat: &Seat| !(seat.has_left() && !all_left || self.is_unasked && seat.is_idle());
        let shares = threads::busy(&threads_of(group));
        for ((index, seat), share) in group.seats().iter().enumerate().zip(shares) {
            if is_told_of(seat) {
                let thread = seat.thread.load(Relaxed);
                let who = running(seat).map_or(String::new(), |who| format!("; {who} is mounted"));
                let is_busy = share >= BUSY && who.is_empty();
                let in_vain = if is_busy { ": it looks for something to do, over and over" } else { "" };
                let (is, does) = (seat.describe(), threads::state(thread));
                let share = threads::processor(share);
                let _ =
                    write!(report, "\n  carrier {index} (thread {thread}) {is}; {does}{share}{in_vain}{who}");
            }
        }
        if self.is_unasked {
            report.push_str(
                "\n  all vthreads of this test wait: unless another thread wakes one of them it never ends",
            );
        } else {
            report.push_str(&threads::others(&threads_of(group)));
        }
        say(format_args!("{report}"));
        group.ask_who_waits(is_told_of);
    }
}

impl Seen {
    /// Has a carrier turned its loop since the last look?
    fn look(&mut self, group: &Group) -> bool {
        let now = Instant::now();
        let turns = group.seats().iter().map(|seat| seat.turns.load(Relaxed));
        if self.seats.is_empty() {
            self.seats = turns.map(|turns| OfOne { turns, since: now, is_told: false }).collect();
            return true;
        }
        let mut has_turned = false;
        for ((seat, seen), turns) in group.seats().iter().zip(&mut self.seats).zip(turns) {
            has_turned |= turns != seen.turns;
            if turns != seen.turns || seat.rests() || seat.has_left() {
                *seen = OfOne { turns, since: now, is_told: false };
            }
        }
        has_turned
    }

    /// Others have turned theirs.
    fn tell_of_single_ones(&mut self, group: &Group, patience: Duration) {
        for ((index, seat), seen) in group.seats().iter().enumerate().zip(&mut self.seats) {
            if !seen.is_told && seen.since.elapsed() >= patience {
                seen.is_told = true;
                let thread = seat.thread.load(Relaxed);
                let share = threads::busy(&[thread]).first().copied().unwrap_or_default();
                let who = running(seat).unwrap_or_else(|| String::from("nobody, outside of vthreads,"));
                let (does, passed) = (threads::state(thread), seen.since.elapsed().as_secs_f32());
                if seat.turns.load(Relaxed) == seen.turns {
                    say(format_args!(
                        "others go on, but carrier {index} (thread {thread}) has run {who} alone for {passed:.1} s, and {does}{}",
                        threads::processor(share)
                    ));
                }
            }
        }
    }
}

fn threads_of(group: &Group) -> Vec<u64> {
    group.seats().iter().map(|seat| seat.thread.load(Relaxed)).collect()
}

fn seconds(text: &OsStr) -> Result<Option<Duration>> {
    let number =
        text.to_str().and_then(|text| if text.is_empty() { Some(0.0) } else { text.parse::<f64>().ok() });
    match number.and_then(|number| Duration::try_from_secs_f64(number).ok()) {
        Some(patience) => Ok((!patience.is_zero()).then_some(patience)),
        None => {
            Err(Error::Setting { name: VAR, problem: format!("{} is no number of seconds", text.display()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_a_number_or_a_clear_error() {
        let read = |text: &str| seconds(OsStr::new(text)).map_err(|error| error.to_string());
        assert_eq!(read("2.5"), Ok(Some(Duration::from_millis(2500))));
        assert_eq!((read(""), read("0")), (Ok(None), Ok(None)));
        for wrong in ["soon", "-1", "inf", "1e30"] {
            let error = read(wrong).expect_err("no number of seconds");
            assert!(error.contains(VAR) && error.contains(wrong), "{error}");
        }
    }
}
