//! Mutual exclusion.

use super::Semaphore;
use super::semaphore::MUTEX;
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// A value that one at a time may use; others park until it is free. A guard may be kept across parks.
///
/// ```
/// use vthread::sync::Mutex;
/// let count = Mutex::new(0);
/// vthread::run(|| {
///     vthread::scope(|s| {
///         for _ in 0..10 {
///             s.spawn(|| {
///                 let mut count = count.lock();
///                 vthread::yield_now();
///                 *count += 1;
///             });
///         }
///     })
/// });
/// assert_eq!(count.into_inner(), 10);
/// ```
pub struct Mutex<T: ?Sized> {
    permit: Semaphore,
    value: UnsafeCell<T>,
}

// SAFETY: whoever holds the one permit uses the value alone, on whatever thread.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A free one.
    pub const fn new(value: T) -> Self {
        Self { permit: Semaphore::new(1), value: UnsafeCell::new(value) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    #[inline(always)]
    fn guard(&self) -> MutexGuard<'_, T> {
        MutexGuard { of: self, _uses: PhantomData }
    }

    /// Waits until the value is free.
    ///
    /// A vthread that holds it already waits for itself: a deadlock.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.permit.take::<MUTEX>(1);
        self.guard()
    }

    /// If it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.permit.try_take(1).then(|| self.guard())
    }

    /// Waits for so long at most.
    pub fn lock_timeout(&self, most: Duration) -> Option<MutexGuard<'_, T>> {
        self.permit.take_until::<MUTEX>(1, Instant::now().checked_add(most)).then(|| self.guard())
    }

    /// Nobody else can use it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(value) => f.debug_struct("Mutex").field("value", &&*value).finish(),
            None => f.debug_struct("Mutex").finish_non_exhaustive(),
        }
    }
}

/// The right to use a [`Mutex`]'s value, until this is dropped.
#[must_use = "the mutex is free again at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    of: &'a Mutex<T>,
    /// So that it is `Sync` only where `&T` may be shared.
    _uses: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.of
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this guard has the permit.
        unsafe { &*self.of.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and nobody else has this guard.
        unsafe { &mut *self.of.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.of.permit.release(1);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
