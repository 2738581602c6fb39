//! Who waits for what, told on standard error when nothing has gone on for long: for who looks into a program that stands still.

use super::{running, state};
use crate::carrier::Group;
use crate::error::{Error, Result};
use crate::fatal::say;
use core::fmt::Write;
use core::sync::atomic::Ordering::Relaxed;
use std::ffi::OsStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After how many seconds. Without it, or with 0, never.
const VAR: &str = "VTHREAD_WHO_WAITS";

pub(super) struct Standstill {
    patience: Option<Duration>,
    seen: Mutex<Seen>,
}

struct Seen {
    /// Of the carriers' loops.
    turns: Vec<u64>,
    since: Instant,
    is_told: bool,
}

impl Standstill {
    pub(super) fn from_environment() -> Result<Self> {
        let patience = std::env::var_os(VAR).map_or(Ok(None), |text| seconds(&text))?;
        Ok(Self { patience, seen: Mutex::new(Seen { turns: vec![], since: Instant::now(), is_told: false }) })
    }

    /// Tells of it if no carrier has turned its loop for so long though vthreads are under way: what can be seen of each from here, and then, asked,
    /// each says what it has to do.
    pub(super) fn look(&self, group: &Group) {
        let Some(patience) = self.patience else { return };
        let turns: Vec<u64> = group.seats().iter().map(|seat| seat.turns.load(Relaxed)).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if turns != seen.turns || group.seats().iter().all(crate::carrier::Seat::is_idle) {
            if seen.is_told {
                say(format_args!("carriers turn their loops again"));
            }
            *seen = Seen { turns, since: Instant::now(), is_told: false };
        } else if seen.since.elapsed() >= patience && !seen.is_told {
            seen.is_told = true;
            let mut report =
                format!("no carrier has turned its loop for {:.1} s", seen.since.elapsed().as_secs_f32());
            for (index, seat) in group.seats().iter().enumerate() {
                let thread = seat.thread.load(Relaxed);
                let who = running(seat).map_or(String::new(), |who| format!("; {who} is mounted"));
                let _ = write!(
                    report,
                    "\n  carrier {index} (thread {thread}) {}; {}{who}",
                    seat.describe(),
                    state(thread)
                );
            }
            say(format_args!("{report}"));
            group.ask_who_waits();
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
