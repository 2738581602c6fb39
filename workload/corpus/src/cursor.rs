//! Lines and columns, counted while a file is made.

use crate::Location;
use memchr::memchr_iter;

/// A place in a file that only moves forward. Lines and columns are from 1, columns in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    line: u64,
    column: u64,
    /// How many bytes of the buffer are counted already.
    counted: usize,
}

impl Cursor {
    /// The first byte of a file.
    pub(crate) const START: Self = Self { line: 1, column: 1, counted: 0 };

    /// The place of the byte behind `bytes`, which begin with all that was shown before.
    pub(crate) fn end_of(&mut self, bytes: &[u8]) -> Location {
        let new = &bytes[self.counted..];
        let mut lines = memchr_iter(b'\n', new);
        if let Some(last) = lines.next_back() {
            self.line += lines.count() as u64 + 1;
            self.column = (new.len() - last) as u64;
        } else {
            self.column += new.len() as u64;
        }
        self.counted = bytes.len();
        Location { line: self.line, column: self.column, pointer: None }
    }

    /// The buffer was emptied after all of `bytes` in it; `hole` zero bytes follow that were never in it.
    pub(crate) fn emptied(&mut self, bytes: &[u8], hole: u64) {
        self.end_of(bytes);
        self.column += hole;
        self.counted = 0;
    }
}
