//! Carriers that sleep though there is something for them: found, woken, and told of.
//!
//! The protocols of [`remote`](crate::sched::remote) and [`member`](crate::carrier) lose no wake-up, and models show that. But what a mistake there,
//! or the kernel's with its rings, would bring about is the worst there is: a program that stands still for ever and says nothing. So it becomes a
//! delay of a second or two, and a line on standard error that says what to look for.

use super::threads;
use crate::carrier::Group;
use crate::fatal::say;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Who is found in need at so many looks in a row has missed it: between the first two, all threads of the process may have been stopped.
const LOOKS: u32 = 3;
/// Looks that come sooner after another are none: several threads may look.
const APART: Duration = Duration::from_millis(400);

/// Found so far, by this process.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many wake-ups of this process's carriers were found lost.
pub fn lost_wake_ups() -> u64 {
    LOST.load(Relaxed)
}

pub(super) struct Sleepers(Mutex<Vec<Seen>>);

/// A carrier at the last look.
#[derive(Clone, Copy)]
struct Seen {
    turns: u64,
    at: Instant,
    /// At how many looks in a row it has rested though it was wanted, without a turn.
    looks: u32,
}

impl Sleepers {
    pub(super) fn new(group: &Group) -> Self {
        let never = Seen { turns: 0, at: Instant::now(), looks: 0 };
        Self(Mutex::new(vec![never; group.seats().len()]))
    }

    /// Wakes who has slept too long.
    pub(super) fn look(&self, group: &Group) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, (seat, seen)) in group.seats().iter().zip(seen.iter_mut()).enumerate() {
            if seen.at.elapsed() < APART {
                continue;
            }
            let turns = seat.turns.load(SeqCst);
            let looks = if !group.is_wanted(seat) {
                0
            } else if turns == seen.turns {
                seen.looks + 1
            } else {
                1
            };
            *seen = Seen { turns, at: Instant::now(), looks };
            if looks >= LOOKS
                && threads::sleeps(seat.thread.load(Relaxed))
                && group.is_wanted(seat)
                && seat.turns.load(SeqCst) == turns
            {
                let found = seat.describe();
                seat.remote.shake();
                if looks == LOOKS {
                    LOST.fetch_add(1, Relaxed);
                    say(format_args!(
                        "carrier {index} has slept for more than a second though there was something for it ({found}); it was woken. Unless the \
                         machine was very busy, this is a mistake of vthread or of the kernel: please report it"
                    ));
                }
                // Where it was for a start, no other one is needed.
                break;
            }
        }
    }
}
