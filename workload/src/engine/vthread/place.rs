//! The right to be one of so many.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

/// One of so many that may be under way at a time. It is given back when this is dropped, also when its vthread panics or never starts.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    /// One, if there is one left.
    pub(super) fn one_of(left: &'a AtomicUsize) -> Option<Self> {
        left.fetch_update(AcqRel, Relaxed, |left| left.checked_sub(1)).is_ok().then_some(())?;
        Some(Self(left))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_panics_gives_its_place_back() {
        let left = AtomicUsize::new(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _place = Place::one_of(&left).expect("one is left");
            assert!(Place::one_of(&left).is_none());
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(panicked.is_err() && left.load(Relaxed) == 1);
    }
}
