//! How often each directory was listed by way of symbolic links.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

/// A directory is listed under so many names that lead over symbolic links.
const NAMES: u32 = 32;

/// Where links are followed, a directory has as many names as ways lead to it, and a few links that cross each other make more ways than
/// anybody can wait for: that no way goes in circles does not help. Each directory is listed under its own name, and under the first 32 of
/// the others: nothing below it is missed, and the search ends.
#[derive(Debug, Default)]
pub struct Visits(Mutex<HashMap<(u64, u64), u32>>);

impl Visits {
    /// Whether the directory of this device and inode is to be listed once more. Then that counts.
    pub fn admit(&self, identity: (u64, u64)) -> bool {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(identity) {
            Entry::Vacant(new) => {
                new.insert(1);
                true
            }
            Entry::Occupied(mut known) => {
                let is_admitted = *known.get() < NAMES;
                *known.get_mut() += u32::from(is_admitted);
                is_admitted
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_admitted_so_often_and_others_as_well() {
        let visits = Visits::default();
        assert_eq!((0..100).filter(|_| visits.admit((1, 2))).count(), NAMES as usize);
        assert!(visits.admit((2, 1)));
    }
}
