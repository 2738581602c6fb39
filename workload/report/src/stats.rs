//! Medians and quartiles.

/// What a series of runs amounts to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    /// First and third quartile.
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) runs: usize,
}

/// Median and quartiles; `None` of nothing.
pub(crate) fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(Summary {
        median: quantile(&sorted, 0.5)?,
        low: quantile(&sorted, 0.25)?,
        high: quantile(&sorted, 0.75)?,
        runs: sorted.len(),
    })
}

/// Linear between the two nearest (Hyndman and Fan's seventh, as `numpy.quantile` has it).
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = (sorted.len().checked_sub(1)?) as f64 * part;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

/// The median of `values[i] / base[i]`: what disturbed a round has disturbed both.
pub(crate) fn ratio(values: &[f64], base: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> = values.iter().zip(base).filter(|(_, b)| **b > 0.0).map(|(v, b)| v / b).collect();
    summary(&ratios).map(|summary| summary.median)
}

/// How well the median of the ratios is known: the width of the interval that has it with 95 % confidence, whatever the distribution (by
/// order statistics: Conover, Practical Nonparametric Statistics), for the median itself. `None` of fewer than five.
pub(crate) fn width(values: &[f64], base: &[f64]) -> Option<f64> {
    let mut ratios: Vec<f64> =
        values.iter().zip(base).filter(|(_, b)| **b > 0.0).map(|(v, b)| v / b).collect();
    // Who is compared with itself: how well its own median is known.
    if values == base {
        ratios = values.to_vec();
    }
    ratios.sort_by(f64::total_cmp);
    let n = ratios.len();
    let median = quantile(&ratios, 0.5).filter(|median| n >= 5 && *median > 0.0)?;
    let below = ((n as f64 - 1.96 * (n as f64).sqrt()) / 2.0).max(0.0) as usize;
    Some((ratios[n - 1 - below] - ratios[below]) / median)
}

/// How much of the work is serial, from the speed-up on `processors` (Karp and Flatt, 1990).
pub(crate) fn karp_flatt(speed_up: f64, processors: f64) -> f64 {
    ((1.0 / speed_up - 1.0 / processors) / (1.0 - 1.0 / processors)).clamp(0.0, 1.0)
}

/// The universal scalability law (Gunther): speed-up on `p` processors with contention `sigma` and coherence `kappa`.
pub(crate) fn usl(p: f64, sigma: f64, kappa: f64) -> f64 {
    p / (1.0 + sigma * (p - 1.0) + kappa * p * (p - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn quartiles_are_those_of_numpy() {
        let some = summary(&[4.0, 1.0, 3.0, 2.0]).expect("not empty");
        assert!(close(some.median, 2.5) && close(some.low, 1.75) && close(some.high, 3.25), "{some:?}");
        let one = summary(&[7.0]).expect("not empty");
        assert!(close(one.median, 7.0) && close(one.low, 7.0) && one.runs == 1);
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn a_ratio_is_taken_within_rounds() {
        // The machine was ten times slower in the second round.
        assert!(close(ratio(&[2.0, 20.0, 2.2], &[1.0, 10.0, 1.0]).expect("rounds"), 2.0));
        assert_eq!(ratio(&[1.0], &[0.0]), None);
    }

    #[test]
    fn an_interval_narrows_with_runs() {
        let (some, one) = ([0.9, 1.0, 1.1, 1.0, 1.0], [1.0; 5]);
        assert!(close(width(&some, &one).expect("five"), 0.2), "of five: all of them");
        assert_eq!(width(&some[..4], &one), None);
        assert!(close(width(&some, &some).expect("five"), 0.2), "its own spread");
        let many: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i % 5) / 10.0).collect();
        assert!(width(&many, &[1.0; 100]).expect("many") < width(&many[..5], &[1.0; 5]).expect("five"));
    }

    #[test]
    fn the_laws_agree_where_they_must() {
        assert!(close(karp_flatt(2.0, 2.0), 0.0));
        assert!(close(karp_flatt(1.0, 2.0), 1.0));
        let serial = karp_flatt(1.6, 2.0);
        assert!(close(serial, 0.25));
        assert!(close(usl(2.0, serial, 0.0), 1.6), "Amdahl's law gives back what it came from");
        assert!(usl(64.0, 0.0, 0.01) < usl(8.0, 0.0, 0.01), "coherence makes more processors slower");
    }
}
