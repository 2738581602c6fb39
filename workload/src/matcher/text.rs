//! Text: the needle's bytes, wherever they are. NULs, invalid UTF-8 and byte order marks are bytes like any other.

use super::{Detail, Found, Malformed, Matcher, Needle, OnFound, Progress};
use memchr::memchr_iter;

/// Finds the needle's bytes in anything.
#[derive(Debug)]
pub struct TextMatcher {
    needle: Needle,
    detail: Detail,
    at: Position,
}

/// Where in a text a byte is. Moves forward only, and only for [`Detail::Locations`].
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Byte within the line, from 1.
    pub column: u64,
}

impl Position {
    /// The first byte of a file.
    pub const START: Self = Self { line: 1, column: 1 };

    /// Moves over `bytes`.
    pub fn advance(&mut self, bytes: &[u8]) {
        let mut lines = memchr_iter(b'\n', bytes);
        if let Some(last) = lines.next_back() {
            self.line += lines.count() as u64 + 1;
            self.column = (bytes.len() - last) as u64;
        } else {
            self.column += bytes.len() as u64;
        }
    }
}

impl TextMatcher {
    /// A matcher for `needle` that reports as much as `detail` says.
    pub fn new(needle: &Needle, detail: Detail) -> Self {
        Self { needle: needle.clone(), detail, at: Position::START }
    }
}

impl Matcher for TextMatcher {
    fn start(&mut self) {
        self.at = Position::START;
    }

    fn scan(&mut self, window: &[u8], last: bool, on: &mut OnFound<'_>) -> Result<Progress, Malformed> {
        let locate = self.detail == Detail::Locations;
        let length = self.needle.bytes().len();
        // Everything before `done` is searched, and `self.at` is its place.
        let mut done = 0;
        while let Some(found) = self.needle.finder().find(&window[done..]) {
            let start = done + found;
            if locate {
                self.at.advance(&window[done..start]);
            }
            let (line, column) = if locate { (self.at.line, self.at.column) } else { (0, 0) };
            let more = on(Found { line, column, pointer: None });
            if more.is_break() || self.detail == Detail::First {
                return Ok(Progress::Finished);
            }
            if locate {
                self.at.advance(&window[start..start + length]);
            }
            done = start + length;
        }
        // An occurrence may have begun in the last bytes.
        let keep = if last { 0 } else { (length - 1).min(window.len() - done) };
        let consumed = window.len() - keep;
        if locate {
            self.at.advance(&window[done..consumed]);
        }
        Ok(Progress::Consumed(consumed))
    }

    fn skip_zeros(&mut self, held: &[u8], zeros: u64) -> bool {
        // What is left over is shorter than the needle, so an occurrence that began there would hold a zero.
        if self.needle.bytes().contains(&0) {
            return false;
        }
        self.at.advance(held);
        self.at.column += zeros;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ops::ControlFlow::Continue;

    /// Shows `bytes` in windows of `step` new bytes each, and returns what was reported.
    fn scan_in_steps(needle: &[u8], detail: Detail, bytes: &[u8], step: usize) -> Vec<(u64, u64)> {
        let needle = Needle::new(needle).expect("not empty");
        let mut matcher = TextMatcher::new(&needle, detail);
        matcher.start();
        let (mut from, mut to, mut found) = (0, 0, vec![]);
        loop {
            to = (to + step).min(bytes.len());
            let mut on = |f: Found<'_>| {
                found.push((f.line, f.column));
                Continue(())
            };
            match matcher.scan(&bytes[from..to], to == bytes.len(), &mut on).expect("text is never malformed")
            {
                Progress::Finished => return found,
                Progress::Consumed(_) if to == bytes.len() => return found,
                Progress::Consumed(n) => from += n,
            }
        }
    }

    /// One byte at a time, as anyone would believe it.
    fn oracle(needle: &[u8], bytes: &[u8]) -> Vec<(u64, u64)> {
        let (mut line, mut column, mut skip, mut found) = (1, 1, 0, vec![]);
        for (i, byte) in bytes.iter().enumerate() {
            if i >= skip && bytes[i..].starts_with(needle) {
                found.push((line, column));
                skip = i + needle.len();
            }
            (line, column) = if *byte == b'\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        found
    }

    #[test]
    fn first_stops_at_the_first() {
        assert_eq!(scan_in_steps(b"zork", Detail::First, b"a zork zork", 64), [(0, 0)]);
        assert_eq!(scan_in_steps(b"zork", Detail::First, b"a zor k", 64), []);
        assert_eq!(scan_in_steps(b"zork", Detail::Count, b"zorkzork\0\xffzork", 3), [(0, 0); 3]);
        assert!(Needle::new(b"").is_none());
    }

    proptest! {
        #[test]
        fn windows_make_no_difference(
            bytes in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'\n')], 0..80),
            needle in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'\n')], 1..4),
            step in 1usize..9,
        ) {
            prop_assert_eq!(scan_in_steps(&needle, Detail::Locations, &bytes, step), oracle(&needle, &bytes));
        }
    }
}
