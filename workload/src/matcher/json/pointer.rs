//! Where in a document a value is, as a JSON pointer (RFC 6901).

use super::scan::Backend;
use super::string::{Sink, Text};
use std::fmt::Write as _;
use std::ops::ControlFlow::{self, Continue};

/// The pointers' longest text in bytes. Of a longer one only the levels from the document's root on are told that
/// fit, and `/…` stands for the others; at most half as many levels are told.
pub const MAX_POINTER: usize = 64 << 10;

/// The containers around a place, with the keys and indices that lead to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    levels: Vec<Level>,
    /// So many levels are open below those in `levels`.
    below: u64,
    /// The keys of all levels, decoded.
    keys: Vec<u8>,
    text: String,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// Where this level's key begins in `keys`; it ends where the next one's begins.
    key: usize,
    /// In arrays, the index of the element that is at hand.
    index: Option<u64>,
    /// The key was too long.
    cut: bool,
}

impl Path {
    /// Each level takes two bytes of text at least.
    const MAX_LEVELS: usize = MAX_POINTER / 2;

    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.below = 0;
        self.keys.clear();
    }

    pub(super) fn open(&mut self, object: bool) {
        if self.levels.len() == Self::MAX_LEVELS {
            self.below += 1;
        } else {
            let index = if object { None } else { Some(0) };
            self.levels.push(Level { key: self.keys.len(), index, cut: false });
        }
    }

    pub(super) fn close(&mut self) {
        if self.below > 0 {
            self.below -= 1;
        } else if let Some(level) = self.levels.pop() {
            self.keys.truncate(level.key);
        }
    }

    /// The next element of the innermost array.
    pub(super) fn next_element(&mut self) {
        if let (0, Some(Level { index: Some(index), .. })) = (self.below, self.levels.last_mut()) {
            *index += 1;
        }
    }

    /// A key of the innermost object begins.
    pub(super) fn begin_key(&mut self) {
        if let (0, Some(level)) = (self.below, self.levels.last_mut()) {
            self.keys.truncate(level.key);
            level.cut = false;
        }
    }

    /// More of the key.
    fn push_key(&mut self, text: &[u8]) {
        let (0, Some(level)) = (self.below, self.levels.last_mut()) else { return };
        level.cut |= self.keys.len() + text.len() > MAX_POINTER;
        if level.cut {
            self.keys.truncate(level.key);
        } else {
            self.keys.extend_from_slice(text);
        }
    }

    /// A key that was read whole and has been validated: what is behind its opening quote, with its closing quote.
    pub(super) fn whole_key(&mut self, key: &[u8], backend: Backend) {
        self.begin_key();
        match key {
            [raw @ .., b'"'] if memchr::memchr(b'\\', raw).is_none() => self.push_key(raw),
            _ => drop(Text::new().read(key, 0, backend, self)),
        }
    }

    /// The pointer to the value at hand.
    pub(super) fn pointer(&mut self) -> &str {
        self.text.clear();
        let ends = self.levels.iter().skip(1).map(|level| level.key).chain([self.keys.len()]);
        let mut whole = self.below == 0;
        for (level, end) in self.levels.iter().zip(ends) {
            let before = self.text.len();
            self.text.push('/');
            match level.index {
                Some(index) => drop(write!(self.text, "{index}")),
                None => push_token(&mut self.text, &self.keys[level.key..end]),
            }
            if level.cut || self.text.len() > MAX_POINTER {
                self.text.truncate(before);
                whole = false;
                break;
            }
        }
        if !whole {
            self.text.push_str("/…");
        }
        &self.text
    }
}

/// Adds `key` as a pointer spells it.
fn push_token(text: &mut String, key: &[u8]) {
    for character in String::from_utf8_lossy(key).chars() {
        match character {
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            _ => text.push(character),
        }
    }
}

/// Decoding a key.
impl Sink for Path {
    fn text(&mut self, text: &[u8], _: u64) -> ControlFlow<()> {
        self.push_key(text);
        Continue(())
    }

    fn escaped(&mut self, character: char, _: u64) -> ControlFlow<()> {
        self.push_key(character.encode_utf8(&mut [0; 4]).as_bytes());
        Continue(())
    }

    fn lone_surrogate(&mut self) {
        self.push_key("\u{FFFD}".as_bytes());
    }
}
