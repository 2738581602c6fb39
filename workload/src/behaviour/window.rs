//! The window onto a file that is shown to a matcher: filled from the front of the file to its end.

use crate::matcher::{Found, Matcher, Needle, OnFound, Progress};
use crate::output::Problem;
use crate::tree::errno;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{SeekFrom, fstat, seek};
use rustix::io::Errno;
use std::ops::ControlFlow;

/// Bytes of a window, unless a matcher needs a larger one.
const WINDOW: usize = 128 << 10;

/// Bytes of a window for this needle. Almost as many as the needle has may be left over for the next window; if that were most of
/// it, all would be read in tiny steps.
pub(crate) fn window_size(needle: &Needle) -> usize {
    WINDOW.max(4 * needle.bytes().len())
}

/// Makes the buffer as large as a window for this needle.
#[inline]
pub(super) fn make_room(buffer: &mut Vec<u8>, needle: &Needle) {
    let size = window_size(needle);
    if buffer.len() != size {
        make_it(buffer, size);
    }
}

#[cold]
fn make_it(buffer: &mut Vec<u8>, size: usize) {
    if buffer.is_empty() {
        // Zeros that the kernel gives when they are touched: small files touch few of them.
        *buffer = vec![0; size];
    } else {
        buffer.resize(size, 0);
        buffer.shrink_to(size);
    }
}

/// Whether something is found in the beginning of a file. The matcher is to be started again.
pub(super) fn has_match(matcher: &mut dyn Matcher, beginning: &[u8]) -> bool {
    let mut found = false;
    matcher.start();
    let mut on = |_: Found<'_>| {
        found = true;
        ControlFlow::Break(())
    };
    // What is malformed is said when it is searched.
    drop(matcher.scan(beginning, false, &mut on));
    found
}

/// Reads that end here may have been cut short by something else than the end of the file.
const PAGE: u64 = 4096;

/// Whether a read without waiting, into so much room, gave all of a file. It ends at a page as well where the next one is not in memory.
pub(super) fn is_all(file: BorrowedFd<'_>, n: usize, room: usize) -> bool {
    let n = n as u64;
    n < room as u64 && (!n.is_multiple_of(PAGE) || fstat(file).is_ok_and(|status| n >= status.st_size as u64))
}

/// An open file and the part of it that is in memory.
pub(super) struct Window<'a> {
    file: BorrowedFd<'a>,
    buffer: &'a mut Vec<u8>,
    /// The bytes that have been read and not been consumed.
    held: std::ops::Range<usize>,
    /// How far the file has been read.
    offset: u64,
    /// Whether the end has been seen.
    ended: bool,
    short_read_is_end: bool,
    /// Bytes read, for the statistics.
    pub read: u64,
}

impl<'a> Window<'a> {
    pub fn new(
        file: BorrowedFd<'a>,
        buffer: &'a mut Vec<u8>,
        needle: &Needle,
        short_read_is_end: bool,
    ) -> Self {
        make_room(buffer, needle);
        Self { file, buffer, held: 0..0, offset: 0, ended: false, short_read_is_end, read: 0 }
    }

    /// The window of a file whose first so many bytes have been read into the buffer.
    pub fn begun(mut self, first: Option<usize>) -> Self {
        if let Some(n) = first {
            self.has_read(n);
        }
        self
    }

    fn has_read(&mut self, n: usize) {
        let room = self.buffer.len() - self.held.end;
        self.held.end += n;
        self.offset += n as u64;
        self.read += n as u64;
        self.ended = n == 0 || (n < room && self.short_read_is_end && !self.offset.is_multiple_of(PAGE));
    }

    /// Reads until the window is full or the file has ended; returns whether it has.
    pub fn fill(&mut self) -> Result<bool, Errno> {
        if self.held.start > 0 {
            self.buffer.copy_within(self.held.clone(), 0);
            self.held = 0..self.held.len();
        }
        while !self.ended && self.held.end < self.buffer.len() {
            let n = vthread::io::read_alone(self.file, &mut self.buffer[self.held.end..])
                .map_err(|error| errno(&error))?;
            self.has_read(n);
        }
        Ok(self.ended)
    }

    /// The size of the file now, and whether less is stored.
    pub fn size(&self) -> Result<(u64, bool), Errno> {
        let status = fstat(self.file)?;
        let size = u64::try_from(status.st_size).unwrap_or(0);
        Ok((size, (status.st_blocks as u64) < size / 512))
    }

    /// Whether something is found in what is in memory now. The matcher is to be started again.
    pub fn has_match(&self, matcher: &mut dyn Matcher) -> bool {
        has_match(matcher, &self.buffer[self.held.clone()])
    }

    /// Shows the rest of the file to `matcher`, from the window as it is filled now. `sparse`: holes are not read.
    pub fn show(
        &mut self,
        matcher: &mut dyn Matcher,
        sparse: bool,
        on: &mut OnFound<'_>,
    ) -> Result<(), Problem> {
        loop {
            match matcher.scan(&self.buffer[self.held.clone()], self.ended, on).map_err(Problem::Malformed)? {
                Progress::Finished => return Ok(()),
                Progress::Consumed(_) if self.ended => return Ok(()),
                Progress::Consumed(0) if self.held.len() == self.buffer.len() => {
                    let doubled = self.buffer.len() * 2;
                    self.buffer.resize(doubled, 0);
                }
                Progress::Consumed(n) => self.held.start += n,
            }
            if sparse {
                self.skip_hole(matcher)?;
            }
            self.fill()?;
        }
    }

    /// Moves to the next data, if the file goes on with a hole.
    fn skip_hole(&mut self, matcher: &mut dyn Matcher) -> Result<(), Errno> {
        let to = match seek(self.file, SeekFrom::Data(self.offset)) {
            Ok(to) => to,
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => seek(self.file, SeekFrom::End(0))?.max(self.offset),
            // A file system without holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        if to > self.offset {
            if matcher.skip_zeros(&self.buffer[self.held.clone()], to - self.offset) {
                self.held = 0..0;
                self.offset = to;
            } else {
                seek(self.file.as_fd(), SeekFrom::Start(self.offset))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_a_file_that_are_in_memory_are_not_all_of_it() {
        let file = tempfile::tempfile().expect("a file");
        for (size, read, all) in [
            (1 << 20, 64 << 10, false),
            (64 << 10, 64 << 10, true),
            (5000, 4096, false),
            (5000, 5000, true),
            (0, 0, true),
        ] {
            file.set_len(size).expect("room");
            assert_eq!(is_all(file.as_fd(), read, WINDOW), all, "{read} of {size}");
        }
        file.set_len(1 << 20).expect("room");
        assert!(!is_all(file.as_fd(), WINDOW, WINDOW));
    }
}
