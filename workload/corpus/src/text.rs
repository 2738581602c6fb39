//! Text files, and where the needle is in them.

use crate::{Location, cursor::Cursor, filler::Filler, rng::Rng};
use std::mem;

/// A text file in the making. Every piece but the first begins with a separator.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    filler: &'a Filler,
    rng: Rng,
    /// How many bytes were taken out of the buffer, or are holes.
    gone: u64,
    bytes: Vec<u8>,
    cursor: Cursor,
    found: Vec<Location>,
}

impl<'a> Text<'a> {
    /// An empty file.
    pub(crate) fn new(filler: &'a Filler, rng: &Rng) -> Self {
        Self { filler, rng: rng.clone(), gone: 0, bytes: vec![], cursor: Cursor::START, found: vec![] }
    }

    /// A file of about `size` bytes such as people have, with up to four occurrences of the needle if `planted`.
    pub(crate) fn ordinary(filler: &'a Filler, rng: &mut Rng, size: usize, planted: bool) -> Self {
        let pieces = if planted { rng.between(1, 3) } else { 0 };
        let mut text = Self::new(filler, rng);
        // The copy in the text goes on by itself, so this one must not repeat it.
        text.rng = Rng::new(rng.bits(), "text", 0);
        for piece in 0..pieces {
            text.fill(size / (pieces + 1));
            text.plant();
            if piece == 0 && text.rng.one_in(4) {
                text.needle_again();
            }
        }
        if text.rng.one_in(4) {
            text.near_misses();
        }
        text.fill(size.saturating_sub(text.bytes.len()));
        text
    }

    /// Size so far.
    pub(crate) fn size(&self) -> u64 {
        self.gone + self.bytes.len() as u64
    }

    pub(crate) fn needle_length(&self) -> u64 {
        self.filler.needle().len() as u64
    }

    /// Ends the last piece. A piece at the very start of a file needs none before it.
    pub(crate) fn separate(&mut self) {
        if self.size() > 0 {
            let separator = self.filler.separator(&mut self.rng);
            self.bytes.push(separator);
        }
    }

    /// `length` bytes of text, separators included.
    pub(crate) fn fill(&mut self, length: usize) {
        let end = self.bytes.len() + length;
        while self.bytes.len() < end {
            self.separate();
            let rest = end - self.bytes.len();
            self.bytes.extend_from_slice(self.filler.slice(&mut self.rng, rest));
        }
    }

    /// Text until the needle that is planted next begins at `offset`; `false` if the file is too long for that.
    pub(crate) fn fill_towards(&mut self, offset: u64) -> bool {
        // The needle's separator takes the byte before it.
        let Some(room) = (offset.saturating_sub(1)).checked_sub(self.size()) else { return false };
        self.fill(room as usize);
        true
    }

    /// The needle.
    pub(crate) fn plant(&mut self) {
        self.separate();
        self.needle_again();
    }

    /// The needle right behind the last one: without a separator, because occurrences don't overlap.
    pub(crate) fn needle_again(&mut self) {
        self.found.push(self.cursor.end_of(&self.bytes));
        self.bytes.extend_from_slice(self.filler.needle());
    }

    /// Bytes as they are, but for any needle in them.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.separate();
        self.bytes.extend_from_slice(&self.filler.clean(bytes.to_owned()));
    }

    /// What a careless search takes for the needle: its beginning, its end, and the needle in the other case.
    pub(crate) fn near_misses(&mut self) {
        let filler = self.filler;
        let needle = filler.needle();
        self.raw(&needle[..needle.len() - 1]);
        self.raw(&needle[1..]);
        let other_case: Vec<u8> =
            needle.iter().map(|b| if b.is_ascii_alphabetic() { b ^ 0x20 } else { *b }).collect();
        self.raw(&other_case);
    }

    /// The bytes since the last call, and where in the file they begin. What follows goes on behind them.
    pub(crate) fn take(&mut self) -> (u64, Vec<u8>) {
        self.cursor.emptied(&self.bytes, 0);
        let start = self.gone;
        self.gone += self.bytes.len() as u64;
        (start, mem::take(&mut self.bytes))
    }

    /// Leaves zero bytes up to `offset`; only right after [`Text::take`].
    pub(crate) fn hole_up_to(&mut self, offset: u64) {
        self.cursor.emptied(&self.bytes, offset - self.size());
        self.gone = offset;
    }

    /// The rest of the bytes, and all places of the needle.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<Location>) {
        (self.bytes, self.found)
    }
}
