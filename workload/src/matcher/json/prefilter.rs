//! Which strings need not be decoded, because the needle cannot be in them.
//!
//! The needle is valid UTF-8 and so is decoded text, so an occurrence is made of whole characters. If all of them
//! stand in the file as they are, then the needle's bytes do. If not, then one of them is an escape, and the code
//! unit that it stands for is one of the needle's in UTF-16. So a string without the one and without the other holds
//! no occurrence; every other string is *suspect* and is searched.

use super::string::short_escape;
use memchr::memmem;

/// What makes a string suspect, for one needle.
#[derive(Clone, Debug)]
pub(super) struct Prefilter {
    finder: memmem::Finder<'static>,
    /// Bit `u` is set if the needle has code unit `u`, below 128.
    ascii: u128,
    /// The needle's code units from 128 on, sorted.
    others: Vec<u16>,
    /// Whether a short escape can stand for a character of the needle.
    short: bool,
}

impl Prefilter {
    pub(super) fn new(needle: &str) -> Self {
        let mut ascii = 0;
        let mut others = vec![];
        for unit in needle.encode_utf16() {
            if unit < 128 { ascii |= 1 << unit } else { others.push(unit) }
        }
        others.sort_unstable();
        others.dedup();
        let short = (0..128).filter_map(short_escape).any(|byte| ascii >> byte & 1 == 1);
        let finder = memmem::Finder::new(needle).into_owned();
        Self { finder, ascii, others, short }
    }

    /// Whether any short escape is of interest.
    pub(super) fn short_escapes(&self) -> bool {
        self.short
    }

    /// Whether the short escape `\` `byte` makes its string suspect.
    pub(super) fn suspects_short(&self, byte: u8) -> bool {
        short_escape(byte).is_some_and(|byte| self.ascii >> byte & 1 == 1)
    }

    /// Whether the escape for this code unit makes its string suspect.
    pub(super) fn suspects_unit(&self, unit: u16) -> bool {
        if unit < 128 { self.ascii >> unit & 1 == 1 } else { self.others.binary_search(&unit).is_ok() }
    }

    /// Where the needle's bytes first are in `raw`.
    pub(super) fn find(&self, raw: &[u8]) -> Option<usize> {
        self.finder.find(raw)
    }
}
