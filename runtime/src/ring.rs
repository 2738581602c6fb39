//! A queue of words, vthreads that are ready or that have not started: first in, first out, of any length.

use crate::arch::Parked;
use crate::call::hop;
use core::cell::{Cell, UnsafeCell};
use core::ptr::null_mut;

/// A ring whose length is a power of two. `head` and `tail` count without end.
pub(crate) struct Ring {
    places: UnsafeCell<Box<[Cell<Parked>]>>,
    /// Of `places`, so that the fast paths need no bounds check.
    start: Cell<*const Cell<Parked>>,
    mask: Cell<usize>,
    head: Cell<usize>,
    tail: Cell<usize>,
}

impl Ring {
    pub(crate) fn new() -> Self {
        let places: Box<[Cell<Parked>]> = vec![Cell::new(null_mut()); 64].into();
        Self {
            start: Cell::new(places.as_ptr()),
            mask: Cell::new(places.len() - 1),
            places: UnsafeCell::new(places),
            head: Cell::new(0),
            tail: Cell::new(0),
        }
    }

    #[inline(always)]
    fn place(&self, count: usize) -> *const Cell<Parked> {
        // SAFETY: the mask keeps it inside.
        unsafe { self.start.get().add(count & self.mask.get()) }
    }

    /// The place behind the last, which the caller fills before anything else looks at the ring.
    #[inline(always)]
    pub(crate) fn push_place(&self) -> *mut Parked {
        let tail = self.tail.get();
        if tail - self.head.get() > self.mask.get() {
            self.grow();
        }
        self.tail.set(tail + 1);
        // SAFETY: a place of the ring.
        unsafe { (*self.place(tail)).as_ptr() }
    }

    #[inline(always)]
    pub(crate) fn push(&self, parked: Parked) {
        // SAFETY: a place of the ring.
        unsafe { self.push_place().write(parked) };
    }

    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<Parked> {
        let head = self.head.get();
        if head == self.tail.get() {
            return None;
        }
        self.head.set(head + 1);
        // SAFETY: a place of the ring.
        Some(unsafe { (*self.place(head)).get() })
    }

    /// Pops what [`first`](Self::first) has just given.
    #[inline(always)]
    pub(crate) fn skip_first(&self) {
        debug_assert!(!self.is_empty());
        self.head.set(self.head.get() + 1);
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get() == self.tail.get()
    }

    /// The first, which stays.
    #[inline(always)]
    pub(crate) fn first(&self) -> Option<Parked> {
        let head = self.head.get();
        // SAFETY: a place of the ring.
        (head != self.tail.get()).then(|| unsafe { (*self.place(head)).get() })
    }

    /// Pops the first, and gives the place behind the last, for whoever goes to the end in exchange. The place may be the
    /// one that the first was in.
    #[inline(always)]
    pub(crate) fn exchange(&self) -> Option<(Parked, *mut Parked)> {
        let (head, tail) = (self.head.get(), self.tail.get());
        if head == tail {
            return None;
        }
        self.head.set(head + 1);
        self.tail.set(tail + 1);
        // SAFETY: places of the ring; there are no more in it than before.
        unsafe { Some(((*self.place(head)).get(), (*self.place(tail)).as_ptr())) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&self) {
        hop(|| {
            let (head, tail) = (self.head.get(), self.tail.get());
            let longer: Box<[Cell<Parked>]> = vec![Cell::new(null_mut()); 2 * (self.mask.get() + 1)].into();
            for count in head..tail {
                // SAFETY: a place of the ring.
                longer[count & (longer.len() - 1)].set(unsafe { (*self.place(count)).get() });
            }
            self.start.set(longer.as_ptr());
            self.mask.set(longer.len() - 1);
            // SAFETY: the ring is one thread's, and no reference to the old places is left.
            drop(unsafe { core::mem::replace(&mut *self.places.get(), longer) });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn like_a_deque_at_every_length() {
        let ring = Ring::new();
        let mut model = VecDeque::new();
        let mut next = 0usize;
        // In a full ring the place is the one that becomes free.
        let full = Ring::new();
        (1..=64_usize).for_each(|i| full.push(i as Parked));
        for i in 1..=200_usize {
            let (first, place) = full.exchange().expect("it is full");
            assert_eq!(first as usize, (i - 1) % 64 + 1);
            // SAFETY: a place of the ring.
            unsafe { place.write(first) };
        }
        let mut seed = 1u64;
        for _ in 0..100_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if !(seed >> 33).is_multiple_of(9) && model.len() < 5000 || model.is_empty() {
                next += 8;
                ring.push(next as Parked);
                model.push_back(next);
            } else {
                for _ in 0..seed >> 40 & 15 {
                    assert_eq!(ring.pop().map(|p| p as usize), model.pop_front());
                }
            }
        }
        while let Some(expected) = model.pop_front() {
            assert_eq!(ring.pop().map(|p| p as usize), Some(expected));
        }
        assert_eq!(ring.pop(), None);
    }
}
