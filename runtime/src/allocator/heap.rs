//! A `malloc` inside of the region: any size, the best fit, neighbours joined. What the original design of virtual threads
//! takes chunks from; kept to be compared with.

use super::{Region, StackAllocator};
use crate::region::SLAB;
use core::ptr::NonNull;
use std::collections::{BTreeMap, BTreeSet};

/// A heap with boundary lookup by ordered maps.
#[derive(Debug, Default)]
pub struct Heap {
    /// Free ranges: address to length.
    by_address: BTreeMap<usize, usize>,
    /// The same: length and address.
    by_length: BTreeSet<(usize, usize)>,
    slabs: BTreeSet<usize>,
}

impl Heap {
    /// A heap that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn insert(&mut self, at: usize, len: usize) {
        self.by_address.insert(at, len);
        self.by_length.insert((len, at));
    }

    fn remove(&mut self, at: usize, len: usize) {
        self.by_address.remove(&at);
        self.by_length.remove(&(len, at));
    }

    fn free(&mut self, mut at: usize, mut len: usize) {
        if let Some((&before, &have)) = self.by_address.range(..at).next_back()
            && before + have == at
        {
            self.remove(before, have);
            at = before;
            len += have;
        }
        if let Some(&have) = self.by_address.get(&(at + len)) {
            self.remove(at + len, have);
            len += have;
        }
        self.insert(at, len);
    }
}

// SAFETY: a range is either free, in both maps, or handed out; it is cut at multiples of 16 from slabs of the region.
unsafe impl StackAllocator for Heap {
    fn allocate(&mut self, region: &Region, size: usize) -> Option<NonNull<u8>> {
        if self.by_length.range((size, 0)..).next().is_none() {
            let slab = region.take(SLAB)?.as_ptr() as usize;
            self.slabs.insert(slab);
            self.free(slab, SLAB);
        }
        let &(len, at) = self.by_length.range((size, 0)..).next()?;
        self.remove(at, len);
        if len > size {
            self.insert(at + size, len - size);
        }
        NonNull::new(at as *mut u8)
    }

    unsafe fn deallocate(&mut self, _: &Region, chunk: NonNull<u8>, size: usize) {
        self.free(chunk.as_ptr() as usize, size);
    }

    fn trim(&mut self, region: &Region, _: bool) {
        for slab in core::mem::take(&mut self.slabs) {
            // The free range that holds all of the slab, if one does: neighbouring slabs may have joined.
            let range = self.by_address.range(..=slab).next_back().map(|(&at, &len)| (at, len));
            let Some((at, len)) = range.filter(|&(at, len)| at + len >= slab + SLAB) else {
                self.slabs.insert(slab);
                continue;
            };
            self.remove(at, len);
            if slab > at {
                self.insert(at, slab - at);
            }
            if at + len > slab + SLAB {
                self.insert(slab + SLAB, at + len - slab - SLAB);
            }
            if let Some(slab) = NonNull::new(slab as *mut u8) {
                // SAFETY: all of it is free.
                unsafe { region.give_back(slab, SLAB) };
            }
        }
    }
}
