//! Random numbers that are the same on every machine and in every version.
//!
//! Only the raw words of `ChaCha8` are used: how distributions are drawn from them has changed between versions
//! of the usual crates, so that is done here.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    /// Stream number `stream` of the corpus `label` with `seed`. Streams are independent, so that parts of a tree
    /// can be made in any order.
    pub(crate) fn new(seed: u64, label: &str, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (to, from) in key[8..].iter_mut().zip(label.bytes()) {
            *to = from;
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`, which is not 0. Biased by at most n / 2^64, which nobody will see.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below((high - low) as u64 + 1) as usize
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `choices`, which is not empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_change() {
        let mut rng = Rng::new(1, "wide", 2);
        let drawn: Vec<_> = (0..4).map(|_| rng.below(1000)).collect();
        assert_eq!(drawn, [623, 77, 54, 234]);
        assert!((0..100).all(|_| (3..=5).contains(&rng.between(3, 5))));
    }
}
