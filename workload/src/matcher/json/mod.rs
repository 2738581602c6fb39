//! JSON: the needle in string values, and whether the file is JSON at all.
//!
//! # What is accepted
//!
//! Exactly RFC 8259's grammar in well-formed UTF-8, to any depth and with any number of digits. It differs from
//! `serde_json` in these points, each of which a test holds still:
//!
//! - One byte order mark at the very beginning is skipped, as RFC 8259, section 8.1 allows. (`serde_json`: an error.)
//! - A lone surrogate, such as `"\uD800"`, is grammatical (section 8.2). It stands for no character: no needle is found
//!   across it, and in pointers it shows as U+FFFD. (`serde_json`: an error.)
//! - Numbers are not computed, so none is too large. (`serde_json`: `1e999` is an error.)
//! - There is no limit to nesting. (`serde_json`: 128 levels, unless told otherwise.)
//!
//! # What is found
//!
//! Occurrences in string values after decoding, never in keys. One counts as soon as its last character has been read:
//! if the file turns out to be malformed behind that, it still counts. Each is where its first character begins in
//! the file, which may be at a backslash. A needle that is not UTF-8 is never found.
//!
//! # What is wrong
//!
//! A [`Malformed`] error is at the first byte with which the file can no longer become JSON, whatever follows, or just
//! behind the file's last byte if it cannot end there. A character that is cut short is wrong at the byte that should
//! have been its next one.
//!
//! # How
//!
//! `fast` goes through a window block by block: `scan` finds with SIMD instructions where tokens begin, and a
//! table (`grammar`) says whether they may follow each other. `exact` reads byte by byte what `fast` does not
//! want to judge. All of a window is always consumed: what is unfinished at its end is kept as a state, not as
//! bytes, so strings and numbers may have any length. The memory taken does not depend on the file but for its
//! depth: one bit per level, and in [`Detail::Locations`] what [`MAX_POINTER`] bounds.

mod exact;
mod fast;
mod grammar;
mod number;
mod pointer;
mod prefilter;
mod scan;
mod search;
mod string;
mod utf8;

#[cfg(test)]
mod tests;

pub use pointer::MAX_POINTER;
#[doc(hidden)]
pub use scan::Backend;

use super::{Detail, Malformed, Matcher, Needle, OnFound, Progress};
use exact::{Exact, Halt};
use fast::Fast;
use prefilter::Prefilter;

/// Finds the needle in JSON's string values. See the [module's](self) text for what that means in detail.
#[derive(Clone, Debug)]
pub struct JsonMatcher {
    exact: Exact,
    fast: Fast,
}

impl JsonMatcher {
    /// A matcher for `needle` that reports as much as `detail` says.
    pub fn new(needle: &Needle, detail: Detail) -> Self {
        Self::with_backend(needle, detail, Backend::best())
    }

    /// A matcher that uses these instructions, for comparisons.
    #[doc(hidden)]
    pub fn with_backend(needle: &Needle, detail: Detail, backend: Backend) -> Self {
        let filter = std::str::from_utf8(needle.bytes()).ok().map(Prefilter::new);
        let mut new = Self { exact: Exact::new(needle, detail, backend), fast: Fast::new(backend, filter) };
        new.start();
        new
    }

    /// The same for a window whose offsets fit in 32 bits.
    fn scan_part(&mut self, window: &[u8], last: bool, on: &mut OnFound<'_>) -> Result<(), Halt> {
        let Self { exact, fast } = self;
        // What the last window left unfinished, or a byte order mark.
        let mut done = 0;
        while done < window.len() && !exact.is_between_tokens() {
            done = exact.read_token(window, done, window.len(), on)?;
        }
        if exact.is_between_tokens() {
            done = fast.read(exact, window, done, on)?;
        }
        exact.read(window, done, window.len(), on)?;
        if last {
            exact.finish(window)?;
        } else {
            exact.leave(window);
        }
        Ok(())
    }
}

impl Matcher for JsonMatcher {
    fn start(&mut self) {
        self.exact.start(self.fast.can_match());
    }

    /// Consumes all of the window, whatever its size.
    fn scan(&mut self, window: &[u8], last: bool, on: &mut OnFound<'_>) -> Result<Progress, Malformed> {
        const PART: usize = 1 << 30;
        let mut parts = window.chunks(PART);
        let mut next = parts.next().unwrap_or_default();
        loop {
            let part = next;
            let more = parts.next();
            match self.scan_part(part, last && more.is_none(), on) {
                Ok(()) => {}
                Err(Halt::Enough) => return Ok(Progress::Finished),
                Err(Halt::Malformed(malformed)) => return Err(malformed),
            }
            match more {
                Some(more) => next = more,
                None => return Ok(Progress::Consumed(window.len())),
            }
        }
    }
}
