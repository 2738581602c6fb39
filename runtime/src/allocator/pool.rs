//! The default: chunks of one size are cut from slabs of 2 MiB, lowest addresses first.

use super::{Region, StackAllocator};
use crate::region::SLAB;
use core::ptr::NonNull;
use std::collections::{BTreeMap, BTreeSet};

/// Slabs per size, and which chunks of each are free. A slab all of whose chunks are free goes back to the region when the
/// pool is trimmed, except for one of each size.
#[derive(Debug, Default)]
pub struct Pool {
    sizes: BTreeMap<usize, Size>,
}

#[derive(Debug, Default)]
struct Size {
    slabs: BTreeMap<usize, Slab>,
    /// Those that can give a chunk.
    with_room: BTreeSet<usize>,
}

#[derive(Debug)]
struct Slab {
    /// Chunks below this were handed out at least once.
    cut: usize,
    /// Chunks that came back, by number.
    free: Vec<u32>,
}

impl Slab {
    fn chunks(size: usize) -> usize {
        SLAB / size
    }

    /// Up to `most` chunks side by side, of which there is one: the number of the first, and how many.
    fn take(&mut self, size: usize, most: usize) -> (usize, usize) {
        let Some(mut first) = self.free.pop() else {
            let first = self.cut;
            self.cut = Self::chunks(size).min(first + most);
            return (first, self.cut - first);
        };
        let mut count = 1;
        // Lists are trimmed from the lowest address on, as a rule.
        while count < most && first > 0 && self.free.last() == Some(&(first - 1)) {
            self.free.pop();
            first -= 1;
            count += 1;
        }
        (first as usize, count)
    }

    fn has_room(&self, size: usize) -> bool {
        !self.free.is_empty() || self.cut < Self::chunks(size)
    }

    fn is_unused(&self) -> bool {
        self.free.len() == self.cut
    }
}

impl Pool {
    /// A pool that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(all(test, vthread_native))]
    pub(super) fn slabs(&self) -> usize {
        self.sizes.values().map(|of| of.slabs.len()).sum()
    }
}

// SAFETY: slabs come from the region and are cut at multiples of a size that is a multiple of 16; a number is either above
// `cut`, in `free`, or handed out, never two of them.
unsafe impl StackAllocator for Pool {
    fn allocate(&mut self, region: &Region, size: usize) -> Option<NonNull<u8>> {
        self.allocate_run(region, size, 1).map(|(chunk, _)| chunk)
    }

    fn allocate_run(&mut self, region: &Region, size: usize, most: usize) -> Option<(NonNull<u8>, usize)> {
        let of = self.sizes.entry(size).or_default();
        let at = if let Some(&at) = of.with_room.first() {
            at
        } else {
            let at = region.take(SLAB)?.as_ptr() as usize;
            of.slabs.insert(at, Slab { cut: 0, free: Vec::new() });
            of.with_room.insert(at);
            at
        };
        let slab = of.slabs.get_mut(&at)?;
        let (first, count) = slab.take(size, most);
        if !slab.has_room(size) {
            of.with_room.remove(&at);
        }
        NonNull::new((at + first * size) as *mut u8).map(|lowest| (lowest, count))
    }

    unsafe fn deallocate(&mut self, _: &Region, chunk: NonNull<u8>, size: usize) {
        let at = chunk.as_ptr() as usize;
        let base = at / SLAB * SLAB;
        let Some(of) = self.sizes.get_mut(&size) else { return };
        let Some(slab) = of.slabs.get_mut(&base) else { return };
        slab.free.push(((at - base) / size) as u32);
        of.with_room.insert(base);
    }

    fn allows_free_lists(&self) -> bool {
        true
    }

    fn trim(&mut self, region: &Region, all: bool) {
        for of in self.sizes.values_mut() {
            let unused: Vec<usize> =
                of.slabs.iter().filter(|(_, slab)| slab.is_unused()).map(|(&at, _)| at).collect();
            // The lowest stays: a burst that comes again should not cost a system call each time.
            for at in unused.into_iter().skip(usize::from(!all)) {
                of.slabs.remove(&at);
                of.with_room.remove(&at);
                if let Some(slab) = NonNull::new(at as *mut u8) {
                    // SAFETY: all its chunks are free.
                    unsafe { region.give_back(slab, SLAB) };
                }
            }
        }
    }
}
