//! Words to stand between the plants, free of the needle.

use crate::{Error, rng::Rng};
use memchr::memmem;

/// How much text is made once; files are slices of it.
const POOL: usize = 256 << 10;

/// What the text is made of. Some look like the usual needle from afar.
const WORDS: &[&str] = &[
    "the",
    "a",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "was",
    "lantern",
    "grue",
    "mailbox",
    "house",
    "white",
    "field",
    "work",
    "zor",
    "ork",
    "zo",
    "Zork",
    "ZORK",
    "z0rk",
    "fork",
    "zrok",
    "sword",
    "troll",
    "dungeon",
    "thread",
    "stack",
    "chunk",
    "bound",
    "carrier",
    "north",
    "south",
    "window",
    "leaflet",
    "door",
    "boarded",
    "twisty",
    "passages",
    "alike",
    "different",
    "treasure",
    "reservoir",
    "2.71828",
    "1977",
    "0x7f",
    "--",
    "müde",
    "naïve",
    "Ωmega",
    "слово",
    "字",
    "🦀",
];

/// Bytes that may separate pieces of text, the usual ones first.
const SEPARATORS: &[u8] = b" \n,.;:-_|=+*#@!?/0123456789abcdefghijklmnopqrstuvwxyz";

/// Characters that may separate pieces of a JSON string; some need escapes.
const JSON_SEPARATORS: &[char] = &[
    ' ', ' ', '\n', '"', '\\', '/', '\t', '\u{8}', '\u{1f}', '\u{7f}', 'é', '€', '😀', '\u{ffff}', ',', '0',
    'n',
];

/// Random text that holds no needle.
#[derive(Clone, Debug)]
pub(crate) struct Filler {
    needle: Vec<u8>,
    separators: Vec<u8>,
    pool: Vec<u8>,
}

impl Filler {
    /// Text from `rng` that is free of `needle`.
    pub(crate) fn new(needle: &[u8], rng: &mut Rng) -> Result<Self, Error> {
        if needle.is_empty() {
            return Err(Error::Needle { what: "is empty: it would be everywhere and nowhere" });
        }
        let strange = |byte: &u8| !needle.contains(byte);
        let mut separators: Vec<u8> = SEPARATORS.iter().copied().filter(strange).take(12).collect();
        if separators.is_empty() {
            separators.extend((0..=u8::MAX).find(strange));
        }
        if separators.is_empty() {
            return Err(Error::Needle { what: "has all 256 bytes: none is left to separate occurrences" });
        }
        let mut pool = prose(rng, POOL).into_bytes();
        scrub(&mut pool, needle, separators[0]);
        Ok(Self { needle: needle.to_owned(), separators, pool })
    }

    /// The same without line ends, as far as the needle leaves another separator.
    pub(crate) fn in_one_line(mut self) -> Self {
        self.separators.retain(|byte| *byte != b'\n');
        if let Some(&other) = self.separators.first() {
            self.pool.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = other);
        } else {
            self.separators.push(b'\n');
        }
        self
    }

    pub(crate) fn needle(&self) -> &[u8] {
        &self.needle
    }

    /// A byte that is not in the needle.
    pub(crate) fn separator(&self, rng: &mut Rng) -> u8 {
        *rng.pick(&self.separators)
    }

    /// At most `length` bytes of text.
    pub(crate) fn slice(&self, rng: &mut Rng, length: usize) -> &[u8] {
        let length = length.min(self.pool.len());
        let start = rng.between(0, self.pool.len() - length);
        &self.pool[start..start + length]
    }

    /// `bytes`, changed where they hold the needle.
    pub(crate) fn clean(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        scrub(&mut bytes, &self.needle, self.separators[0]);
        bytes
    }
}

/// Puts a byte that isn't in the needle over the last byte of each occurrence: that ends all that overlap, and
/// can't begin another.
fn scrub(bytes: &mut [u8], needle: &[u8], separator: u8) {
    let mut done = 0;
    while let Some(found) = memmem::find(&bytes[done..], needle) {
        done += found + needle.len();
        bytes[done - 1] = separator;
    }
}

/// The same for JSON strings: whole characters, and many that need escapes.
#[derive(Clone, Debug)]
pub(crate) struct JsonFiller {
    needle: String,
    separators: Vec<char>,
    pool: String,
}

impl JsonFiller {
    /// Text from `rng` that is free of `needle`.
    pub(crate) fn new(needle: &[u8], rng: &mut Rng) -> Result<Self, Error> {
        let needle = std::str::from_utf8(needle)
            .map_err(|_| Error::Needle { what: "is not UTF-8, so it can't be written in JSON" })?;
        let strange = |character: &char| !needle.contains(*character);
        let mut separators: Vec<char> = JSON_SEPARATORS.iter().copied().filter(strange).collect();
        if separators.is_empty() {
            separators.extend(('\0'..=char::MAX).find(strange));
        }
        if separators.is_empty() {
            return Err(Error::Needle { what: "has all characters: none is left to separate occurrences" });
        }
        let mut json = Self { needle: needle.to_owned(), separators, pool: String::new() };
        json.pool = json.clean(&prose(rng, POOL / 4));
        Ok(json)
    }

    pub(crate) fn needle(&self) -> &str {
        &self.needle
    }

    /// A character that is not in the needle.
    pub(crate) fn separator(&self, rng: &mut Rng) -> char {
        *rng.pick(&self.separators)
    }

    /// About `length` bytes of text.
    pub(crate) fn slice(&self, rng: &mut Rng, length: usize) -> &str {
        let length = length.min(self.pool.len());
        let start = rng.between(0, self.pool.len() - length);
        let (start, end) =
            (self.pool.floor_char_boundary(start), self.pool.floor_char_boundary(start + length));
        &self.pool[start..end]
    }

    /// `text`, changed where it holds the needle: as [`scrub`], by characters.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut broken = self.needle.clone();
        broken.pop();
        broken.push(self.separators[0]);
        text.replace(&self.needle, &broken)
    }
}

/// Lines of words.
fn prose(rng: &mut Rng, length: usize) -> String {
    let mut text = String::with_capacity(length + 64);
    while text.len() < length {
        for _ in 0..rng.between(0, 14) {
            let word: &&str = rng.pick(WORDS);
            text.push_str(word);
            text.push_str(match rng.below(16) {
                0 => ", ",
                1 => ". ",
                2 => "\t",
                3 => " \"",
                4 => "\\",
                _ => " ",
            });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_needle_survives() {
        for needle in ["zork", " ", "\n", "aa", "a", "\\", "the ", "🦀", "ork", "e"] {
            let filler = Filler::new(needle.as_bytes(), &mut Rng::new(1, "t", 0)).unwrap();
            let one_line = filler.clone().in_one_line();
            for pool in [&filler.pool, &one_line.pool] {
                assert!(!pool.windows(needle.len()).any(|window| window == needle.as_bytes()), "{needle:?}");
            }
            assert!(!one_line.pool.contains(&b'\n'));
            let json = JsonFiller::new(needle.as_bytes(), &mut Rng::new(1, "t", 0)).unwrap();
            assert!(!json.pool.contains(needle), "{needle:?}");
        }
    }

    #[test]
    fn needles_that_leave_no_room_are_refused() {
        let mut rng = Rng::new(1, "t", 0);
        let all: Vec<u8> = (0..=255).collect();
        assert!(matches!(Filler::new(b"", &mut rng), Err(Error::Needle { .. })));
        assert!(matches!(Filler::new(&all, &mut rng), Err(Error::Needle { .. })));
        assert!(Filler::new(&all[1..], &mut rng).is_ok());
        assert!(matches!(JsonFiller::new(b"\xff", &mut rng), Err(Error::Needle { .. })));
    }
}
