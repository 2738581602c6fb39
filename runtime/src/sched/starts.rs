//! A queue that one carrier fills and all empty: first in, first out, under a short lock.
//!
//! A lock rather than a lock-free deque: it is held for some instructions, a look at an empty queue takes none, and nothing is left
//! to be freed later, when nobody can look at it any more.

use crate::facade::{AtomicUsize, Mutex, MutexGuard, Ordering::SeqCst};
use std::collections::VecDeque;
use std::sync::PoisonError;

pub(crate) struct Starts<T> {
    queue: Mutex<VecDeque<T>>,
    /// Of the queue, written under the lock, so that to find nothing takes no lock.
    len: AtomicUsize,
}

impl<T> Starts<T> {
    pub(crate) const fn new() -> Self {
        Self { queue: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(SeqCst) == 0
    }

    pub(crate) fn push(&self, start: T) {
        let mut queue = self.lock();
        queue.push_back(start);
        self.len.store(queue.len(), SeqCst);
    }

    /// The oldest.
    pub(crate) fn pop(&self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut queue = self.lock();
        let start = queue.pop_front();
        self.len.store(queue.len(), SeqCst);
        start
    }

    /// Takes the older half, at most so many. The oldest is the result, the others go to `own`, which is another queue.
    pub(crate) fn steal_into(&self, own: &Self) -> Option<T> {
        const MOST: usize = 32;
        if self.is_empty() {
            return None;
        }
        let mut queue = self.lock();
        let count = queue.len().div_ceil(2).min(MOST);
        // Only one lock at a time: two that steal from each other would wait for ever.
        let mut taken = queue.drain(..count).collect::<VecDeque<T>>();
        self.len.store(queue.len(), SeqCst);
        drop(queue);
        let first = taken.pop_front();
        if !taken.is_empty() {
            let mut queue = own.lock();
            queue.extend(taken);
            own.len.store(queue.len(), SeqCst);
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_in_order() {
        let (a, b) = (Starts::new(), Starts::new());
        (0..10).for_each(|i| a.push(i));
        assert_eq!(a.steal_into(&b), Some(0));
        assert_eq!(core::iter::from_fn(|| b.pop()).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(core::iter::from_fn(|| a.pop()).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
        assert!(a.is_empty() && b.is_empty() && a.steal_into(&b).is_none());
    }

    #[test]
    fn two_that_steal_from_each_other_lose_nothing() {
        let (a, b) = (Starts::new(), Starts::new());
        (1..=10_000u64).for_each(|i| if i % 2 == 0 { a.push(i) } else { b.push(i) });
        let take = |own: &Starts<u64>, other: &Starts<u64>| {
            let next = || own.pop().or_else(|| other.steal_into(own));
            core::iter::from_fn(next).sum::<u64>()
        };
        let sum = std::thread::scope(|s| {
            let there = s.spawn(|| take(&b, &a));
            take(&a, &b) + there.join().expect("no panic")
        });
        // What one was moving when the other looked last.
        assert_eq!(sum + take(&a, &b), 5000 * 10_001);
    }
}
