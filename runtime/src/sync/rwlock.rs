//! One writer or many readers.

use super::Semaphore;
use super::semaphore::{READING, WRITING};
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// What a writer takes, so that no reader has one.
const ALL: usize = usize::MAX >> 1;

/// A value that many may read at a time, or one may write.
///
/// Who waits to write goes before readers that come later: a vthread that reads must not read again meanwhile.
///
/// ```
/// let lock = vthread::sync::RwLock::new(1);
/// assert_eq!(*lock.read() + *lock.read(), 2);
/// *lock.write() += 1;
/// assert_eq!(lock.into_inner(), 2);
/// ```
pub struct RwLock<T: ?Sized> {
    permits: Semaphore,
    value: UnsafeCell<T>,
}

// SAFETY: whoever holds all permits uses the value alone; whoever holds one shares it.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    /// A free one.
    pub const fn new(value: T) -> Self {
        Self { permits: Semaphore::new(ALL), value: UnsafeCell::new(value) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody writes or waits to write.
    pub fn read(&self) -> ReadGuard<'_, T> {
        self.permits.take::<READING>(1);
        ReadGuard { of: self, _uses: PhantomData }
    }

    /// Waits until it is free.
    pub fn write(&self) -> WriteGuard<'_, T> {
        self.permits.take::<WRITING>(ALL);
        WriteGuard { of: self, _uses: PhantomData }
    }

    /// If nobody writes or waits.
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        self.permits.try_take(1).then(|| ReadGuard { of: self, _uses: PhantomData })
    }

    /// If it is free.
    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        self.permits.try_take(ALL).then(|| WriteGuard { of: self, _uses: PhantomData })
    }

    /// Nobody else can use it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_read() {
            Some(value) => f.debug_struct("RwLock").field("value", &&*value).finish(),
            None => f.debug_struct("RwLock").finish_non_exhaustive(),
        }
    }
}

/// The right to read a [`RwLock`]'s value, until this is dropped.
#[must_use = "the lock is free again at once"]
pub struct ReadGuard<'a, T: ?Sized> {
    of: &'a RwLock<T>,
    _uses: PhantomData<&'a T>,
}

/// The right to write a [`RwLock`]'s value, until this is dropped.
#[must_use = "the lock is free again at once"]
pub struct WriteGuard<'a, T: ?Sized> {
    of: &'a RwLock<T>,
    /// So that it is `Sync` only where `&T` may be shared.
    _uses: PhantomData<&'a mut T>,
}

impl<T: ?Sized> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this guard has a permit, so nobody writes.
        unsafe { &*self.of.value.get() }
    }
}

impl<T: ?Sized> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this guard has all permits.
        unsafe { &*self.of.value.get() }
    }
}

impl<T: ?Sized> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and nobody else has this guard.
        unsafe { &mut *self.of.value.get() }
    }
}

impl<T: ?Sized> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        self.of.permits.release(1);
    }
}

impl<T: ?Sized> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        self.of.permits.release(ALL);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for WriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
