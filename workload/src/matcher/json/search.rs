//! The needle in decoded text that comes in pieces of any size.
//!
//! Knuth, Morris and Pratt's automaton (1977) carries a partial occurrence from piece to piece; inside a piece that is
//! longer than the needle, `memmem` does the work.

use super::super::Needle;
use memchr::memmem;
use std::ops::ControlFlow::{self, Break, Continue};

/// Called with the place of each occurrence's first character in the source.
pub(super) type OnPlace<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// A search in one text after the other.
#[derive(Clone, Debug)]
pub(super) struct Search {
    finder: memmem::Finder<'static>,
    /// `borders[n - 1]`: length of the longest proper prefix of the needle that also ends its first `n` bytes.
    borders: Vec<usize>,
    /// So many last bytes of the text are the needle's first: less than its length.
    matched: usize,
    /// Where the last bytes of the text stand in the source, as a ring of the needle's length.
    places: Vec<u64>,
    newest: usize,
}

impl Search {
    pub(super) fn new(needle: &Needle) -> Self {
        let bytes = needle.bytes();
        let mut borders = vec![0; bytes.len()];
        let mut border = 0;
        for end in 1..bytes.len() {
            while border > 0 && bytes[border] != bytes[end] {
                border = borders[border - 1];
            }
            border += usize::from(bytes[border] == bytes[end]);
            borders[end] = border;
        }
        let places = vec![0; bytes.len()];
        Self { finder: needle.finder().clone(), borders, matched: 0, places, newest: 0 }
    }

    /// No occurrence goes across here: another text begins, or there is something that is no character.
    pub(super) fn gap(&mut self) {
        self.matched = 0;
    }

    /// Takes one byte of text. Returns the place of the occurrence that it completes.
    #[inline]
    fn step(&mut self, byte: u8, place: u64) -> Option<u64> {
        let needle = self.finder.needle();
        while self.matched > 0 && needle[self.matched] != byte {
            self.matched = self.borders[self.matched - 1];
        }
        self.newest = if self.newest + 1 == needle.len() { 0 } else { self.newest + 1 };
        self.places[self.newest] = place;
        if needle[self.matched] != byte {
            return None;
        }
        self.matched += 1;
        (self.matched == needle.len()).then(|| {
            self.matched = 0;
            let oldest = if self.newest + 1 == needle.len() { 0 } else { self.newest + 1 };
            self.places[oldest]
        })
    }

    /// Takes a character that stands in the source as an escape at `place`.
    pub(super) fn character(&mut self, character: char, place: u64, on: &mut OnPlace<'_>) -> ControlFlow<()> {
        let mut utf8 = [0; 4];
        for byte in character.encode_utf8(&mut utf8).bytes() {
            if let Some(found) = self.step(byte, place) {
                on(found)?;
            }
        }
        Continue(())
    }

    /// Takes text that stands in the source as it is, from `place` on.
    pub(super) fn text(&mut self, text: &[u8], place: u64, on: &mut OnPlace<'_>) -> ControlFlow<()> {
        // Until a partial occurrence, if there is one, lies within `text`.
        let mut done = 0;
        while done < text.len() && (self.matched > done || text.len() - done < self.places.len()) {
            if let Some(found) = self.step(text[done], place + done as u64) {
                on(found)?;
            }
            done += 1;
        }
        if done == text.len() {
            return Continue(());
        }
        let mut from = done - self.matched;
        self.matched = 0;
        while let Some(found) = self.finder.find(&text[from..]) {
            if on(place + (from + found) as u64).is_break() {
                return Break(());
            }
            from += found + self.places.len();
        }
        // The next occurrence may have begun in the last bytes; none is complete there.
        let tail = from.max(text.len() + 1 - self.places.len().min(text.len() + 1));
        for (at, byte) in text.iter().enumerate().skip(tail) {
            self.step(*byte, place + at as u64);
        }
        Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            text in "[ab]{0,60}",
            needle in "[ab]{1,5}",
            cuts in proptest::collection::vec((1usize..20, any::<bool>()), 60),
        ) {
            let naive: Vec<u64> = text.match_indices(&needle).map(|(at, _)| at as u64).collect();
            let mut search = Search::new(&Needle::new(needle.as_bytes()).expect("not empty"));
            let (mut at, mut found) = (0, vec![]);
            let mut on = |place| { found.push(place); Continue(()) };
            for (length, escaped) in cuts {
                let piece = &text[at..text.len().min(at + length)];
                if let (Some(character), true) = (piece.chars().next(), escaped) {
                    let _ = search.character(character, at as u64, &mut on);
                    at += 1;
                } else {
                    let _ = search.text(piece.as_bytes(), at as u64, &mut on);
                    at += piece.len();
                }
            }
            prop_assert_eq!(at, text.len());
            prop_assert_eq!(found, naive);
        }
    }
}
