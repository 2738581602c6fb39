//! Hash tables of addresses.
//!
//! The standard library's hash withstands chosen keys, which costs thousands of instructions a key in an unoptimised link step. Here whoever
//! chooses the keys only slows down their own build.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A table whose keys are hashed by multiplication (Fibonacci hashing: Knuth, volume 3, section 6.4).
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// A set, hashed in the same way.
pub(crate) type Set<K> = HashSet<K, BuildHasherDefault<Quick>>;

#[derive(Default)]
pub(crate) struct Quick(u64);

/// 2^64 divided by the golden ratio, made odd.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        // Tables look at the lowest and the highest bits; the highest are the best.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(FACTOR);
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher as _;

    #[test]
    fn addresses_spread_over_small_tables() {
        let state = BuildHasherDefault::<Quick>::default();
        let low: HashSet<u64> = (0..4096_u64).map(|n| state.hash_one(0x40_0000 + 16 * n) & 0xfff).collect();
        let high: HashSet<u64> = (0..4096_u64).map(|n| state.hash_one(0x40_0000 + 16 * n) >> 57).collect();
        assert!(low.len() > 1500 && high.len() == 128, "{} {}", low.len(), high.len());
    }
}
