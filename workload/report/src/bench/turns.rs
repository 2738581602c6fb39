//! Who is to run next: in turns, A B A B, until what is compared is known well enough.

use crate::stats;
use std::time::{Duration, Instant};

/// How often each runs.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    least: usize,
    most: usize,
}

impl Rounds {
    /// So often.
    pub(crate) const fn exactly(n: usize) -> Self {
        Self { least: n, most: n }
    }

    /// Until the ratio to the first is known to [`WITHIN`], or [`PATIENCE`] is at its end.
    pub(crate) const fn between(least: usize, most: usize) -> Self {
        Self { least, most }
    }
}

/// Width of the interval that has the median of the ratios with 95 % confidence, for the median: 3 % to each side.
const WITHIN: f64 = 0.06;

/// What one peer may take of one comparison before it has run more often than it must. Who takes long is not noisy for long; and
/// some searches take ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Some that are compared, the first with all others.
pub(crate) struct Turns {
    rounds: Rounds,
    all: Vec<Turn>,
    /// Whose turn it was last, and since when.
    now: Option<(usize, Instant)>,
}

struct Turn {
    name: String,
    values: Vec<f64>,
    spent: Duration,
    is_out: bool,
}

impl Turns {
    pub(crate) fn new(rounds: Rounds, names: impl IntoIterator<Item = String>) -> Self {
        let turn = |name| Turn { name, values: vec![], spent: Duration::ZERO, is_out: false };
        Self { rounds, all: names.into_iter().map(turn).collect(), now: None }
    }

    /// Whose turn it is: its number.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let from = self.now.map_or(0, |(last, _)| last + 1);
        // The rest of this round, then the next one.
        let found = (from..self.all.len()).chain(0..self.all.len()).find(|i| self.wants(*i));
        self.now = found.map(|i| (i, Instant::now()));
        found
    }

    /// What the one whose turn it is found.
    pub(crate) fn found(&mut self, value: f64) {
        let Some((i, start)) = self.now else { return };
        self.all[i].values.push(value);
        self.all[i].spent += start.elapsed();
    }

    /// The one whose turn it is does not run again: what it has found remains.
    pub(crate) fn is_out(&mut self) {
        if let Some((i, _)) = self.now {
            self.all[i].is_out = true;
        }
    }

    fn wants(&self, i: usize) -> bool {
        let turn = &self.all[i];
        // Others are held against the first, round by round: as long as one of them runs, it does.
        let others = (1..self.all.len()).filter(|i| !self.all[*i].is_out);
        if i == 0 && others.clone().count() > 0 {
            let behind = others.clone().map(|i| self.all[i].values.len()).max() >= Some(turn.values.len());
            return !turn.is_out && behind && others.into_iter().any(|i| self.wants(i));
        }
        let runs = turn.values.len();
        let is_known = || stats::width(&turn.values, &self.all[0].values).is_some_and(|w| w < WITHIN);
        let may = runs < self.rounds.most && turn.spent < PATIENCE && !is_known();
        !turn.is_out && (runs < self.rounds.least || may)
    }

    /// What each has found, of those who have found something.
    pub(crate) fn samples(self) -> Vec<(String, Vec<f64>)> {
        let some = self.all.into_iter().filter(|turn| !turn.values.is_empty());
        some.map(|turn| (turn.name, turn.values)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(turns: &mut Turns, value: impl Fn(usize, usize) -> Option<f64>) -> Vec<usize> {
        let mut order = vec![];
        while let Some(i) = turns.next() {
            assert!(order.len() < 1000, "it ends");
            order.push(i);
            match value(i, order.iter().filter(|j| **j == i).count()) {
                Some(value) => turns.found(value),
                None => turns.is_out(),
            }
        }
        order
    }

    fn three(rounds: Rounds) -> Turns {
        Turns::new(rounds, ["a", "b", "c"].map(str::to_owned))
    }

    #[test]
    fn everyone_runs_in_turns() {
        let mut turns = three(Rounds::exactly(2));
        assert_eq!(order(&mut turns, |i, _| Some(i as f64)), [0, 1, 2, 0, 1, 2]);
        let samples = turns.samples();
        assert_eq!(samples[2], ("c".to_owned(), vec![2.0, 2.0]));
        let mut alone = Turns::new(Rounds::exactly(3), ["a".to_owned()]);
        assert_eq!(order(&mut alone, |_, _| Some(1.0)), [0, 0, 0]);
    }

    #[test]
    fn who_is_known_runs_no_more_and_who_is_not_runs_on() {
        let mut turns = three(Rounds::between(5, 12));
        let noisy = |i: usize, n: usize| Some(if i == 2 { (n * n) as f64 } else { 1.0 });
        let order = order(&mut turns, noisy);
        let runs = [0, 1, 2].map(|i| order.iter().filter(|j| **j == i).count());
        assert_eq!(runs, [12, 5, 12], "the first is held against each of the noisy one's: {order:?}");
    }

    #[test]
    fn who_fails_is_out_and_keeps_what_it_found() {
        let mut turns = three(Rounds::exactly(3));
        let fails = |i: usize, n: usize| (i != 1 || n < 2).then_some(1.0);
        assert_eq!(order(&mut turns, fails), [0, 1, 2, 0, 1, 2, 0, 2]);
        assert_eq!(turns.samples()[1].1.len(), 1);
        let mut first = three(Rounds::exactly(2));
        assert_eq!(order(&mut first, |i, _| (i > 0).then_some(1.0)), [0, 1, 2, 1, 2]);
        assert_eq!(first.samples().len(), 2);
    }
}
