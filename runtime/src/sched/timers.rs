//! Deadlines of those who wait on one carrier.

use super::wait::Waiting;
use std::collections::BTreeMap;
use std::time::Instant;

/// By time, and by order of coming.
#[derive(Default)]
pub(crate) struct Timers {
    entries: BTreeMap<Key, *const Waiting>,
    count: u64,
}

/// Finds an entry again.
pub(crate) type Key = (Instant, u64);

impl Timers {
    pub(crate) fn insert(&mut self, when: Instant, waiting: *const Waiting) -> Key {
        self.count += 1;
        let key = (when, self.count);
        self.entries.insert(key, waiting);
        key
    }

    /// Nothing, if it was taken already.
    pub(crate) fn remove(&mut self, key: Key) {
        self.entries.remove(&key);
    }

    /// Takes one whose time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<*const Waiting> {
        let first = self.entries.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(crate) fn first(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|(&(when, _), _)| when)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::without_provenance;
    use std::time::Duration;

    #[test]
    fn in_order_of_time_then_of_coming() {
        let (mut timers, start) = (Timers::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let keys: Vec<_> = [5, 3, 9, 3]
            .iter()
            .zip(1..)
            .map(|(&ms, i)| timers.insert(at(ms), without_provenance(i)))
            .collect();
        assert_eq!(timers.first(), Some(at(3)));
        timers.remove(keys[0]);
        let mut due = |ms| timers.take_due(at(ms)).map(<*const Waiting>::addr);
        assert_eq!(
            [due(2), due(3), due(3), due(8), due(9), due(99)],
            [None, Some(2), Some(4), None, Some(3), None]
        );
        assert!(timers.is_empty());
    }
}
