//! Carriers that turn their loops, and nothing comes of it: vthreads that yield to each other, and wait for what never happens.
//!
//! A carrier is asked now and then who waits there, who is to go on after a wait, and who has merely yielded. If that is the same for long,
//! nobody has started or ended, and nobody is to go on after a wait, those that run only yield. One look says little: of two that hand messages to each other,
//! one waits whenever the loop comes round after the same number of switches. So a carrier that is asked first makes a round of some other
//! length, and what has been the same for long is looked at many times more in a row.

use crate::carrier::{Group, Seat};
use core::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

/// So often what has been the same for long must be the same once more.
const ROUNDS: usize = 32;
/// So long a carrier has to answer, then.
const SOON: Duration = Duration::from_millis(100);

pub(super) struct Alike {
    seats: Vec<One>,
    /// The sum of all turns, then.
    turns: u64,
    since: Instant,
    is_told: bool,
}

/// What was found at one carrier.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum One {
    /// It has not been asked, or has not answered.
    #[default]
    Unknown,
    /// After so many turns. If it has turned meanwhile, somebody was woken there.
    Rests(u64),
    Awake(u64),
}

impl Alike {
    pub(super) fn new() -> Self {
        Self { seats: vec![], turns: 0, since: Instant::now(), is_told: false }
    }

    /// If it has been the same for so long: how often loops have turned meanwhile. Once.
    pub(super) fn look(&mut self, group: &Group, patience: Duration) -> Option<u64> {
        let turns = || group.seats().iter().map(|seat| seat.turns.load(SeqCst)).sum::<u64>();
        let is_same = self.is_same(group);
        group.ask_for_samples();
        if !is_same {
            (self.turns, self.since, self.is_told) = (turns(), Instant::now(), false);
        }
        if self.is_told || self.since.elapsed() < patience {
            return None;
        }
        self.is_told = (0..ROUNDS).all(|_| {
            wait_for_answers(group);
            let is_same = self.is_same(group);
            group.ask_for_samples();
            is_same
        });
        if !self.is_told {
            (self.turns, self.since) = (turns(), Instant::now());
        }
        self.is_told.then(|| turns() - self.turns)
    }

    /// Is it what it was at the last look, with somebody awake?
    fn is_same(&mut self, group: &Group) -> bool {
        self.seats.resize(group.seats().len(), One::Unknown);
        let mut is_same = true;
        for (seat, known) in group.seats().iter().zip(&mut self.seats) {
            let now = match seat.sample() {
                _ if seat.rests() || seat.has_left() => One::Rests(seat.turns.load(SeqCst)),
                Some(sample) => One::Awake(sample),
                // Who runs the same vthread all the time does nothing else meanwhile.
                None => *known,
            };
            is_same &= now == *known;
            *known = now;
        }
        is_same && self.seats.iter().any(|seat| matches!(seat, One::Awake(_)))
    }
}

fn wait_for_answers(group: &Group) {
    let since = Instant::now();
    let is_open = |seat: &Seat| !seat.rests() && !seat.has_left() && seat.sample().is_none();
    while group.seats().iter().any(is_open) && since.elapsed() < SOON {
        thread::sleep(Duration::from_millis(1));
    }
}
