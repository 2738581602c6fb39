//! Room in a task for its closure, and later for its result: small ones need no allocation of their own.

use crate::call::hop;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

/// In words.
const LENGTH: usize = 4;

/// One value of any type, in place if it is small, else boxed. It knows neither the type nor whether it is full.
pub(crate) struct Room(UnsafeCell<MaybeUninit<[usize; LENGTH]>>);

impl Room {
    #[cfg(test)]
    const fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Where, in bytes, [`note`](Self::note) leaves a name: behind a first word, which may be in use.
    pub(crate) const NOTE: usize = 2 * size_of::<usize>();

    /// Leaves a name, address and length, for who only looks; until something is put there.
    ///
    /// # Safety
    /// As for [`put`](Self::put).
    #[inline(always)]
    pub(crate) unsafe fn note(&self, name: &'static str) {
        // SAFETY: the words are there; the caller's promise.
        unsafe {
            self.0.get().byte_add(Self::NOTE).cast::<(*const u8, usize)>().write((name.as_ptr(), name.len()));
        };
    }

    const fn has_place_for<T>() -> bool {
        size_of::<T>() <= size_of::<Self>() && align_of::<T>() <= align_of::<Self>()
    }

    /// # Safety
    /// It is empty, and nobody else uses it meanwhile.
    #[inline]
    pub(crate) unsafe fn put<T>(&self, value: T) {
        // SAFETY: the value, or the pointer, has room there; the caller's promise.
        unsafe {
            if Self::has_place_for::<T>() {
                self.0.get().cast::<T>().write(value);
            } else {
                self.0.get().cast::<*mut T>().write(hop(|| Box::into_raw(Box::new(value))));
            }
        }
    }

    /// # Safety
    /// A `T` was put there that nobody has taken, and nobody else uses it meanwhile.
    #[inline]
    pub(crate) unsafe fn take<T>(&self) -> T {
        // SAFETY: the caller's promise.
        unsafe {
            if Self::has_place_for::<T>() {
                self.0.get().cast::<T>().read()
            } else {
                let boxed = self.0.get().cast::<*mut T>().read();
                hop(|| *Box::from_raw(boxed))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_sizes_come_back() {
        #[repr(align(64))]
        #[derive(Debug, PartialEq)]
        struct Aligned(u8);

        let room = Room::new();
        // SAFETY: one value at a time.
        unsafe {
            room.put(());
            room.take::<()>();
            room.put(Box::new(5));
            assert_eq!(*room.take::<Box<i32>>(), 5);
            room.put([7_usize; LENGTH]);
            assert_eq!(room.take::<[usize; LENGTH]>(), [7; LENGTH]);
            room.put(vec![String::from("large"); 9]);
            assert_eq!(room.take::<Vec<String>>().len(), 9);
            room.put([9_usize; LENGTH + 1]);
            assert_eq!(room.take::<[usize; LENGTH + 1]>(), [9; LENGTH + 1]);
            room.put(Aligned(3));
            assert_eq!(room.take::<Aligned>(), Aligned(3));
        }
    }
}
