//! Free ranges of addresses, lowest first.

use std::collections::BTreeMap;

/// A set of free ranges that do not touch each other: start to length.
#[derive(Default, Debug)]
pub(crate) struct Extents {
    free: BTreeMap<usize, usize>,
}

impl Extents {
    /// Nothing is free.
    pub(crate) const fn new() -> Self {
        Self { free: BTreeMap::new() }
    }

    /// The lowest `len` free bytes that lie together, no longer free.
    pub(crate) fn take(&mut self, len: usize) -> Option<usize> {
        let (&start, &have) = self.free.iter().find(|&(_, &have)| have >= len)?;
        self.free.remove(&start);
        if have > len {
            self.free.insert(start + len, have - len);
        }
        Some(start)
    }

    /// Makes a range free that is not, and joins it with its neighbours.
    pub(crate) fn give(&mut self, mut start: usize, mut len: usize) {
        if let Some((&before, &have)) = self.free.range(..start).next_back() {
            debug_assert!(before + have <= start, "given back twice");
            if before + have == start {
                self.free.remove(&before);
                start = before;
                len += have;
            }
        }
        if let Some(after) = self.free.remove(&(start + len)) {
            len += after;
        }
        self.free.insert(start, len);
    }

    /// Takes the range that ends at `end` out, if there is one.
    pub(crate) fn take_last(&mut self, end: usize) -> Option<(usize, usize)> {
        let (&start, &len) = self.free.iter().next_back()?;
        if start + len != end {
            return None;
        }
        self.free.remove(&start);
        Some((start, len))
    }

    /// Free bytes.
    pub(crate) fn total(&self) -> usize {
        self.free.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_join() {
        let mut e = Extents::new();
        e.give(10, 5);
        e.give(20, 5);
        e.give(15, 5);
        assert_eq!((e.total(), e.take(15), e.take(1)), (15, Some(10), None));
    }

    #[test]
    fn the_last_range_is_found_by_its_end() {
        let mut e = Extents::new();
        e.give(0, 4);
        e.give(8, 4);
        assert_eq!((e.take_last(11), e.take_last(12), e.take_last(12)), (None, Some((8, 4)), None));
    }

    proptest! {
        /// Against a table of bytes: takes the lowest place that fits, hands out nothing twice.
        #[test]
        fn like_a_table_of_bytes(steps in prop::collection::vec((any::<bool>(), 1usize..9, any::<prop::sample::Index>()), 0..200)) {
            const LEN: usize = 64;
            let mut free = [true; LEN];
            let mut e = Extents::new();
            e.give(0, LEN);
            let mut held: Vec<(usize, usize)> = Vec::new();
            for (take, len, which) in steps {
                if take {
                    let lowest = (0..=LEN - len).find(|&s| free[s..s + len].iter().all(|&f| f));
                    prop_assert_eq!(e.take(len), lowest);
                    if let Some(start) = lowest {
                        free[start..start + len].fill(false);
                        held.push((start, len));
                    }
                } else if !held.is_empty() {
                    let (start, len) = held.swap_remove(which.index(held.len()));
                    free[start..start + len].fill(true);
                    e.give(start, len);
                }
                prop_assert_eq!(e.total(), free.iter().filter(|&&f| f).count());
            }
        }
    }
}
