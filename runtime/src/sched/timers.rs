//! Deadlines of those who wait on one carrier.
//!
//! A pairing heap of timers that are in the frames of the waits: to set one allocates nothing, so nobody's code runs between a wait's
//! being seen by others and its vthread's leaving. (Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap", 1986.)

use super::wait::Waiting;
use core::cell::Cell;
use core::ptr::null;
use std::time::Instant;

/// One deadline.
pub(crate) struct Timer {
    when: Instant,
    /// Of equal ones, that comes first which was set first. 0: it is not set.
    order: Cell<u64>,
    waiting: Cell<*const Waiting>,
    /// The first of those below it; none of them is earlier.
    child: Cell<*const Timer>,
    next: Cell<*const Timer>,
    /// The one that has this as its `next` or, of the first, as its `child`.
    previous: Cell<*const Timer>,
}

impl Timer {
    /// One that is not set.
    #[inline(always)]
    pub(crate) fn new(when: Instant) -> Self {
        Self {
            when,
            order: Cell::new(0),
            waiting: Cell::new(null()),
            child: Cell::new(null()),
            next: Cell::new(null()),
            previous: Cell::new(null()),
        }
    }

    fn key(&self) -> (Instant, u64) {
        (self.when, self.order.get())
    }
}

/// Those that are set.
pub(crate) struct Timers {
    first: Cell<*const Timer>,
    count: Cell<u64>,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { first: Cell::new(null()), count: Cell::new(0) }
    }

    /// # Safety
    /// It stays where it is until it was taken or removed.
    pub(crate) unsafe fn insert(&self, timer: &Timer, waiting: *const Waiting) {
        self.count.set(self.count.get() + 1);
        timer.order.set(self.count.get());
        timer.waiting.set(waiting);
        timer.child.set(null());
        // SAFETY: timers that are set are valid.
        unsafe { self.first.set(meld(self.first.get(), timer)) };
    }

    /// Nothing, if it was taken already.
    ///
    /// # Safety
    /// It was set here or nowhere.
    pub(crate) unsafe fn remove(&self, timer: &Timer) {
        if timer.order.get() == 0 {
            return;
        }
        // SAFETY: timers that are set are valid.
        unsafe {
            if core::ptr::eq(self.first.get(), timer) {
                self.take_first(timer);
                return;
            }
            let (previous, next) = (&*timer.previous.get(), timer.next.get());
            let place =
                if core::ptr::eq(previous.child.get(), timer) { &previous.child } else { &previous.next };
            place.set(next);
            if let Some(next) = next.as_ref() {
                next.previous.set(previous);
            }
            timer.order.set(0);
            self.first.set(meld(self.first.get(), meld_all(timer.child.get())));
        }
    }

    /// # Safety
    /// It is the first.
    unsafe fn take_first(&self, first: &Timer) {
        first.order.set(0);
        // SAFETY: timers that are set are valid.
        unsafe { self.first.set(meld_all(first.child.get())) };
    }

    /// Takes one whose time has come.
    pub(crate) fn take_due(&self, now: Instant) -> Option<*const Waiting> {
        // SAFETY: timers that are set are valid.
        let first = unsafe { self.first.get().as_ref()? };
        (first.when <= now).then(|| {
            // SAFETY: it is.
            unsafe { self.take_first(first) };
            first.waiting.get()
        })
    }

    pub(crate) fn first(&self) -> Option<Instant> {
        // SAFETY: timers that are set are valid.
        unsafe { self.first.get().as_ref() }.map(|first| first.when)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_null()
    }
}

/// One heap of two.
///
/// # Safety
/// Both are null or valid, as are all below; they are nobody's neighbours any more.
unsafe fn meld(a: *const Timer, b: *const Timer) -> *const Timer {
    // SAFETY: the caller's promise.
    unsafe {
        let (Some(a), Some(b)) = (a.as_ref(), b.as_ref()) else { return if a.is_null() { b } else { a } };
        let (above, below) = if b.key() < a.key() { (b, a) } else { (a, b) };
        below.next.set(above.child.get());
        if let Some(next) = below.next.get().as_ref() {
            next.previous.set(below);
        }
        below.previous.set(above);
        above.child.set(below);
        above.next.set(null());
        above.previous.set(null());
        above
    }
}

/// One heap of a list of them: neighbours by pairs, then the pairs from the last to the first, which is what keeps it shallow.
///
/// # Safety
/// They are valid, and nobody else's any more.
unsafe fn meld_all(mut first: *const Timer) -> *const Timer {
    let mut pairs: *const Timer = null();
    // SAFETY: the caller's promise.
    unsafe {
        while let Some(one) = first.as_ref() {
            let two = one.next.get();
            first = two.as_ref().map_or(null(), |two| two.next.get());
            one.next.set(null());
            let pair = meld(one, two);
            (*pair).next.set(pairs);
            pairs = pair;
        }
        let mut all: *const Timer = null();
        while let Some(pair) = pairs.as_ref() {
            pairs = pair.next.replace(null());
            all = meld(all, pair);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::ptr::without_provenance;
    use std::time::Duration;

    #[test]
    fn in_order_of_time_then_of_coming() {
        let (timers, start) = (Timers::new(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let four = [5, 3, 9, 3].map(|ms| Timer::new(at(ms)));
        for (timer, i) in four.iter().zip(1..) {
            // SAFETY: they stay.
            unsafe { timers.insert(timer, without_provenance(i)) };
        }
        assert_eq!(timers.first(), Some(at(3)));
        // SAFETY: set there.
        unsafe { timers.remove(&four[0]) };
        let due = |ms| timers.take_due(at(ms)).map(<*const Waiting>::addr);
        assert_eq!(
            [due(2), due(3), due(3), due(8), due(9), due(99)],
            [None, Some(2), Some(4), None, Some(3), None]
        );
        assert!(timers.is_empty());
        // SAFETY: as above; all were taken.
        four.iter().for_each(|timer| unsafe { timers.remove(timer) });
        assert!(timers.is_empty());
    }

    #[test]
    fn as_a_sorted_set_whatever_comes_and_goes() {
        let (timers, start, mut model) = (Timers::new(), Instant::now(), BTreeSet::new());
        let mut seed = 1_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let due: Vec<u64> = (0..500).map(|_| random(100)).collect();
        let all: Vec<_> = due.iter().map(|&ms| Timer::new(start + Duration::from_millis(ms))).collect();
        for step in 0..50_000_u64 {
            let i = random(500) as usize;
            let key = |i: usize| (due[i], all[i].order.get(), i);
            match random(5) {
                0..2 if all[i].order.get() == 0 => {
                    // SAFETY: they stay.
                    unsafe { timers.insert(&all[i], without_provenance(i + 1)) };
                    model.insert(key(i));
                }
                2 => {
                    model.remove(&key(i));
                    // SAFETY: set there or nowhere.
                    unsafe { timers.remove(&all[i]) };
                }
                3 => {
                    let taken = timers.take_due(start + Duration::from_millis(step % 100));
                    let first = model.first().filter(|first| first.0 <= step % 100).copied();
                    assert_eq!(taken.map(|w| w.addr() - 1), first.map(|first| first.2));
                    first.map(|first| model.remove(&first));
                }
                _ => assert_eq!(timers.first().is_none(), model.is_empty()),
            }
        }
        assert!(model.len() > 10, "much came and went");
    }
}
