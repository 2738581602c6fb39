//! Loops whose turns run as vthreads.

use crate::sched::task::checkpoint;
use crate::scope::{Scope, scope};
use crate::sync::Mutex;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Calls `f` with each item, for at most `limit` items at a time, each call on a vthread of the caller's carrier: for turns that
/// wait for something. Nothing needs to be `Send`. Returns when all turns have ended.
///
/// The next item is asked for when a vthread is free to take it, so an endless or a slow iterator (a channel's, say) is
/// fine; so is one that parks. A `limit` of 0 counts as 1.
///
/// ```
/// use std::cell::Cell;
/// let sum = Cell::new(0);
/// vthread::run(|| {
///     vthread::concurrent_for(1..=100, 8, |n| {
///         vthread::yield_now();
///         sum.set(sum.get() + n);
///     });
/// });
/// assert_eq!(sum.get(), 5050);
/// ```
///
/// # Panics
/// With what a turn or the iterator panics with. No other items are taken then, and the turns that have begun end first. With
/// [`Cancelled`](crate::Cancelled), if that is what happens. On a thread that runs no vthreads.
pub fn concurrent_for<I: IntoIterator>(items: I, limit: usize, f: impl Fn(I::Item)) {
    let all = Loop::new(items.into_iter(), limit, |item: One<I::Item>| f(item.0));
    scope(|s| work_here(&all, s));
}

/// [`concurrent_for`] on all carriers of the runtime: for turns that compute. Items are taken several at a time where the
/// iterator knows that it has many more than `limit`.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// let (numbers, sum) = (Vec::from_iter(1..=1000u64), AtomicU64::new(0));
/// vthread::run(|| {
///     vthread::parallel_for(&numbers, 4, |n| {
///         sum.fetch_add(n * n, Relaxed);
///     });
/// });
/// assert_eq!(sum.into_inner(), 333_833_500);
/// ```
///
/// # Panics
/// As [`concurrent_for`].
pub fn parallel_for<I>(items: I, limit: usize, f: impl Fn(I::Item) + Sync)
where
    I: IntoIterator<IntoIter: Send, Item: Send>,
{
    let items = items.into_iter();
    // So many shares for each worker that the last ones to end do so at nearly the same time.
    let share = (items.size_hint().0 / limit.saturating_mul(SHARES).max(1)).clamp(1, LARGEST_SHARE);
    let all = Loop::new(items, limit, |items: Vec<I::Item>| items.into_iter().for_each(&f));
    scope(|s| work_anywhere(&all, s, share));
}

const SHARES: usize = 16;
const LARGEST_SHARE: usize = 1024;

/// Items that are taken from the iterator at once.
trait Batch<T>: Sized {
    /// `None`: there are no more.
    fn take(items: &mut impl Iterator<Item = T>, most: usize) -> Option<Self>;
}

struct One<T>(T);

impl<T> Batch<T> for One<T> {
    fn take(items: &mut impl Iterator<Item = T>, _: usize) -> Option<Self> {
        items.next().map(One)
    }
}

impl<T> Batch<T> for Vec<T> {
    fn take(items: &mut impl Iterator<Item = T>, most: usize) -> Option<Self> {
        let batch: Self = items.take(most).collect();
        (!batch.is_empty()).then_some(batch)
    }
}

/// What the vthreads of one loop share.
struct Loop<I, F> {
    /// `None` when it has given its last item.
    items: Mutex<Option<I>>,
    turn: F,
    limit: usize,
    workers: AtomicUsize,
    /// A turn has panicked.
    stop: AtomicBool,
}

impl<I: Iterator, F> Loop<I, F> {
    fn new(items: I, limit: usize, turn: F) -> Self {
        Self {
            items: Mutex::new(Some(items)),
            turn,
            limit: limit.max(1),
            workers: AtomicUsize::new(1),
            stop: AtomicBool::new(false),
        }
    }

    /// `None`: there are no more, or no more are wanted.
    fn take<B: Batch<I::Item>>(&self, most: usize) -> Option<B> {
        let mut items = self.items.lock();
        // What panics in the iterator leaves it, and nobody asks it again.
        let mut iterator = items.take()?;
        if self.stop.load(Relaxed) {
            return None;
        }
        let batch = B::take(&mut iterator, most)?;
        *items = Some(iterator);
        Some(batch)
    }

    /// Takes items and calls the turn with them until there are none. `more` starts another worker.
    fn work<B: Batch<I::Item>>(&self, most: usize, more: impl Fn())
    where
        F: Fn(B),
    {
        checkpoint();
        while let Some(batch) = self.take::<B>(most) {
            let one_more = |workers| (workers < self.limit).then_some(workers + 1);
            if self.workers.fetch_update(Relaxed, Relaxed, one_more).is_ok() {
                more();
            }
            let stop = StopOnPanic(&self.stop);
            (self.turn)(batch);
            core::mem::forget(stop);
            checkpoint();
        }
    }
}

struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn work_here<'scope, 'env, I, F>(all: &'env Loop<I, F>, s: &'scope Scope<'scope, 'env>)
where
    I: Iterator,
    F: Fn(One<I::Item>),
{
    all.work(1, || drop(s.spawn_local(move || work_here(all, s))));
}

fn work_anywhere<'scope, 'env, I, F>(all: &'env Loop<I, F>, s: &'scope Scope<'scope, 'env>, most: usize)
where
    I: Iterator<Item: Send> + Send,
    F: Fn(Vec<I::Item>) + Sync,
{
    all.work(most, || drop(s.spawn(move || work_anywhere(all, s, most))));
}
