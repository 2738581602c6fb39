//! For work that comes in bursts: chunks are cut one after the other, and all memory is used again once none is in use.

use super::{Region, StackAllocator};
use core::ptr::NonNull;

/// Bytes taken from the region at a time.
const PIECE: usize = 1 << 20;

/// An arena. Allocating is an addition; a freed chunk is used again at once if it was the last one, otherwise when all
/// chunks are free.
#[derive(Debug, Default)]
pub struct Arena {
    pieces: Vec<NonNull<u8>>,
    /// The piece that is cut, and how far.
    current: usize,
    used: usize,
    live: usize,
}

impl Arena {
    /// An arena that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

// SAFETY: what lies below `current`, `used` is handed out at most once until no chunk is live, or is the last chunk and free;
// sizes are multiples of 16 and pieces of pages.
unsafe impl StackAllocator for Arena {
    fn allocate(&mut self, region: &Region, size: usize) -> Option<NonNull<u8>> {
        if self.current < self.pieces.len() && self.used + size > PIECE {
            self.current += 1;
            self.used = 0;
        }
        if self.current == self.pieces.len() {
            self.pieces.push(region.take(PIECE)?);
        }
        // SAFETY: inside of the piece.
        let chunk = unsafe { self.pieces[self.current].add(self.used) };
        self.used += size;
        self.live += 1;
        Some(chunk)
    }

    unsafe fn deallocate(&mut self, _: &Region, chunk: NonNull<u8>, size: usize) {
        self.live -= 1;
        if self.live == 0 {
            (self.current, self.used) = (0, 0);
        } else if let Some(piece) = self.pieces.get(self.current)
            // A chunk of the piece before may end where this piece begins.
            && let Some(before) = self.used.checked_sub(size)
            && piece.as_ptr() as usize + before == chunk.as_ptr() as usize
        {
            self.used = before;
        }
    }

    fn trim(&mut self, region: &Region, _: bool) {
        let first_unused = if self.live == 0 { 0 } else { self.current + 1 };
        for piece in self.pieces.drain(first_unused.min(self.pieces.len())..) {
            // SAFETY: no live chunk lies in it: those are in the pieces up to the current one.
            unsafe { region.give_back(piece, PIECE) };
        }
    }
}
