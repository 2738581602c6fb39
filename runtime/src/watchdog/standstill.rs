//! Who waits for what, told on standard error when nothing has gone on for long: for who looks into a program that stands still.

use super::{running, state};
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

pub(crate) struct Standstill {
    patience: Duration,
    /// Nobody has asked: only where all vthreads wait, none for a time or for the system, is it told.
    is_unasked: bool,
    seen: Mutex<Seen>,
}

struct Seen {
    /// Of the carriers' loops.
    turns: Vec<u64>,
    since: Instant,
    is_told: bool,
}

impl Standstill {
    /// `None`: nothing is to be told.
    pub(crate) fn from_environment(is_test: bool) -> Result<Option<Self>> {
        let asked = std::env::var_os(VAR);
        let is_unasked = asked.is_none();
        let patience = asked.map_or(Ok(is_test.then_some(IN_TESTS)), |text| seconds(&text))?;
        let seen = || Mutex::new(Seen { turns: vec![], since: Instant::now(), is_told: false });
        Ok(patience.map(|patience| Self { patience, is_unasked, seen: seen() }))
    }

    /// Tells of it if no carrier has turned its loop for so long though vthreads are under way: what can be seen of each from here, and then, asked,
    /// each says what it has to do.
    pub(crate) fn look(&self, group: &Group) {
        let turns: Vec<u64> = group.seats().iter().map(|seat| seat.turns.load(Relaxed)).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let has_moved = turns != seen.turns || group.seats().iter().all(Seat::is_idle);
        // Who was asked is awake for a while.
        if has_moved || self.is_unasked && !seen.is_told && !group.is_stuck() {
            if seen.is_told {
                say(format_args!("carriers turn their loops again"));
            }
            *seen = Seen { turns, since: Instant::now(), is_told: false };
        } else if seen.since.elapsed() >= self.patience && !seen.is_told {
            seen.is_told = true;
            let mut report =
                format!("no carrier has turned its loop for {:.1} s", seen.since.elapsed().as_secs_f32());
            let is_told_of = |seat: &Seat| !(seat.has_left() || self.is_unasked && seat.is_idle());
            for (index, seat) in group.seats().iter().enumerate().filter(|(_, seat)| is_told_of(seat)) {
                let thread = seat.thread.load(Relaxed);
                let who = running(seat).map_or(String::new(), |who| format!("; {who} is mounted"));
                let _ = write!(
                    report,
                    "\n  carrier {index} (thread {thread}) {}; {}{who}",
                    seat.describe(),
                    state(thread)
                );
            }
            if self.is_unasked {
                report.push_str(
                    "\n  all vthreads of this test wait: unless another thread wakes one of them it never ends",
                );
            }
            say(format_args!("{report}"));
            group.ask_who_waits(is_told_of);
        }
    }
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
