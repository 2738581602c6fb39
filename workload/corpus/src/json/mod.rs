//! JSON files, and where the needle is in them.

mod documents;
mod faults;

pub(crate) use documents::Document;
pub(crate) use faults::Fault;

use crate::{Location, cursor::Cursor, filler::JsonFiller, rng::Rng};
use std::io::Write as _;

/// How white space is put between tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    /// None at all.
    Compact,
    /// A line per member, indented.
    Pretty,
    /// Anything that the grammar allows.
    Wild,
}

/// How a string's characters are written.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    /// Escapes only where there must be.
    Plain,
    /// All but ASCII as `\u` escapes.
    Ascii,
    /// Every character as a `\u` escape.
    Escaped,
    /// For each character whatever comes up.
    Mixed,
}

/// An open array or object.
#[derive(Debug)]
struct Frame {
    close: u8,
    members: u64,
    /// Length of the pointer to it.
    pointer: usize,
}

/// A JSON file in the making. Keeps track of where it is, so that a plant knows its pointer.
#[derive(Debug)]
pub(crate) struct Json<'a> {
    filler: &'a JsonFiller,
    rng: Rng,
    bytes: Vec<u8>,
    cursor: Cursor,
    layout: Layout,
    /// A string value out of so many holds the needle; `None` for none at all.
    plant_one_in: Option<u64>,
    frames: Vec<Frame>,
    pointer: String,
    found: Vec<Location>,
    fault: Option<Location>,
}

impl<'a> Json<'a> {
    /// An empty file, which is malformed until a value is written.
    pub(crate) fn new(filler: &'a JsonFiller, rng: &mut Rng, plant_one_in: Option<u64>) -> Self {
        let mut rng = Rng::new(rng.bits(), "json", 0);
        let layout = *rng.pick(&[Layout::Compact, Layout::Pretty, Layout::Wild]);
        Self {
            filler,
            rng,
            bytes: vec![],
            cursor: Cursor::START,
            layout,
            plant_one_in,
            frames: vec![],
            pointer: String::new(),
            found: vec![],
            fault: None,
        }
    }

    /// Size so far.
    fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Marks the file as UTF-8. Only at its start.
    pub(crate) fn byte_order_mark(&mut self) {
        self.bytes.extend_from_slice("\u{feff}".as_bytes());
    }

    /// `[`
    fn begin_array(&mut self) {
        self.begin(b'[', b']');
    }

    /// `{`
    fn begin_object(&mut self) {
        self.begin(b'{', b'}');
    }

    fn begin(&mut self, open: u8, close: u8) {
        self.bytes.push(open);
        self.frames.push(Frame { close, members: 0, pointer: self.pointer.len() });
    }

    /// Closes the innermost array or object.
    fn end(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.space();
            self.pointer.truncate(frame.pointer);
            self.bytes.push(frame.close);
        }
    }

    /// What stands before the next member of the innermost array or object, whose number it returns.
    fn next_member(&mut self) -> u64 {
        let Some(frame) = self.frames.last_mut() else { return 0 };
        let number = frame.members;
        frame.members += 1;
        self.pointer.truncate(frame.pointer);
        if number > 0 {
            self.space_if_wild();
            self.bytes.push(b',');
        }
        self.space();
        number
    }

    /// Begins the next element of an array: a value must follow.
    fn element(&mut self) {
        let number = self.next_member();
        self.pointer.push('/');
        self.pointer.push_str(&number.to_string());
    }

    /// Begins the next member of an object: a value must follow.
    fn key(&mut self, key: &str) {
        self.next_member();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let spelling = self.spelling();
        self.bytes.push(b'"');
        self.spell(key, spelling);
        self.bytes.push(b'"');
        self.space_if_wild();
        self.bytes.push(b':');
        if !matches!(self.layout, Layout::Compact) {
            self.space_if_wild();
            self.bytes.push(b' ');
        }
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A string value of about `length` bytes, with the needle in it if it is this one's turn.
    fn string(&mut self, length: usize) {
        let planted = self.plant_one_in.is_some_and(|n| self.rng.one_in(n));
        self.string_with(length, planted);
    }

    /// A string value of about `length` bytes with or without the needle.
    fn string_with(&mut self, length: usize, planted: bool) {
        let before = if planted { self.rng.between(0, length) } else { length };
        self.bytes.push(b'"');
        let start = self.size();
        self.words(before, start);
        if planted {
            self.needle(start);
            if self.rng.one_in(4) {
                // Right behind the last: occurrences don't overlap.
                self.needle_again();
            }
            self.words(length - before, start);
        }
        self.bytes.push(b'"');
    }

    /// A string that is no match, but looks like one.
    fn decoy(&mut self) {
        let needle = self.filler.needle();
        let first = needle.chars().next().unwrap_or_default();
        let rest = &needle[first.len_utf8()..];
        let text = match self.rng.below(4) {
            // Decodes to a backslash, a `u` and digits.
            0 => format!("\\u{:04x}{rest}", u32::from(first)),
            // Decodes to a backslash and the needle without its first character.
            1 => format!("\\{rest}"),
            2 => rest.to_owned(),
            _ => needle.to_uppercase(),
        };
        let text = self.filler.clean(&text);
        self.bytes.push(b'"');
        self.spell(&text, Spelling::Plain);
        self.bytes.push(b'"');
    }

    /// The needle cut in two strings: `"zo", "rk"`. Elements of the innermost array.
    fn torn_needle(&mut self) {
        let needle = self.filler.needle();
        let middle = needle.floor_char_boundary(needle.len() / 2);
        for half in [&needle[..middle], &needle[middle..]] {
            let half = self.filler.clean(half);
            self.element();
            self.bytes.push(b'"');
            self.spell(&half, Spelling::Plain);
            self.bytes.push(b'"');
        }
    }

    /// A string value whose needle begins at the byte `offset` of the file, or a few before if the needle leaves no
    /// short separator; `false` if the file is too long for that.
    fn string_towards(&mut self, offset: usize, spelling: Spelling) -> bool {
        let separator = self.filler.separator(&mut self.rng);
        let Some(room) = offset.checked_sub(self.size() + 1) else { return false };
        self.bytes.push(b'"');
        let end = self.size() + room;
        // The same separator again and again can't hold the needle.
        let mut spelled = [0; 4];
        let spelled = separator.encode_utf8(&mut spelled).as_bytes();
        let raw = separator >= ' ' && separator != '"' && separator != '\\' && spelled.len() == 1;
        while self.size() < end {
            if raw {
                self.bytes.extend_from_slice(spelled);
            } else if end - self.size() >= 12 {
                self.spell(separator.encode_utf8(&mut [0; 4]), Spelling::Escaped);
            } else {
                break;
            }
        }
        self.plant(spelling);
        self.bytes.push(b'"');
        true
    }

    /// Words of about `length` bytes, in pieces. `start` is where the string began: no separator is needed there.
    fn words(&mut self, length: usize, start: usize) {
        let end = self.size() + length;
        while self.size() < end {
            self.separate(start);
            let rest = end.saturating_sub(self.size()).max(1);
            let filler = self.filler;
            let words = filler.slice(&mut self.rng, rest);
            let spelling = self.spelling();
            self.spell(words, spelling);
        }
    }

    fn separate(&mut self, start: usize) {
        if self.size() > start {
            let separator = self.filler.separator(&mut self.rng);
            let spelling = self.spelling();
            self.spell(separator.encode_utf8(&mut [0; 4]), spelling);
        }
    }

    fn needle(&mut self, start: usize) {
        self.separate(start);
        self.needle_again();
        // What follows in the same string is a piece of its own, and begins with a separator.
    }

    fn needle_again(&mut self) {
        let spelling = *self.rng.pick(&[
            Spelling::Plain,
            Spelling::Plain,
            Spelling::Ascii,
            Spelling::Escaped,
            Spelling::Mixed,
        ]);
        self.plant(spelling);
    }

    /// The needle, as it is spelled, noted.
    fn plant(&mut self, spelling: Spelling) {
        let mut at = self.cursor.end_of(&self.bytes);
        at.pointer = Some(self.pointer.clone());
        self.found.push(at);
        let filler = self.filler;
        self.spell(filler.needle(), spelling);
    }

    /// The first byte that cannot be comes next, or the end.
    fn fault(&mut self) {
        if self.fault.is_none() {
            self.fault = Some(self.cursor.end_of(&self.bytes));
        }
    }

    fn spelling(&mut self) -> Spelling {
        *self.rng.pick(&[
            Spelling::Plain,
            Spelling::Plain,
            Spelling::Plain,
            Spelling::Plain,
            Spelling::Ascii,
            Spelling::Mixed,
        ])
    }

    /// The characters of `text` as they stand in a string.
    fn spell(&mut self, text: &str, spelling: Spelling) {
        for character in text.chars() {
            let escaped = match spelling {
                Spelling::Plain => false,
                Spelling::Ascii => !character.is_ascii(),
                Spelling::Escaped => true,
                Spelling::Mixed => self.rng.one_in(3),
            };
            let upper = matches!(spelling, Spelling::Mixed | Spelling::Escaped) && self.rng.one_in(2);
            match short_escape(character) {
                Some(short) if !escaped && (short != '/' || upper) => {
                    self.bytes.extend_from_slice(&[b'\\', short as u8]);
                }
                _ if !escaped && character >= ' ' => {
                    self.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => self.escape(character, upper),
            }
        }
    }

    /// One `\u` escape, or two for a surrogate pair.
    fn escape(&mut self, character: char, upper: bool) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let written =
                if upper { write!(self.bytes, "\\u{unit:04X}") } else { write!(self.bytes, "\\u{unit:04x}") };
            debug_assert!(written.is_ok(), "memory takes every byte");
        }
    }

    /// White space before a member or a closing bracket.
    fn space(&mut self) {
        match self.layout {
            Layout::Compact => {}
            Layout::Pretty => {
                self.bytes.push(b'\n');
                // Deep nesting would be all indentation.
                let indent = 2 * self.frames.len().min(20);
                self.bytes.resize(self.bytes.len() + indent, b' ');
            }
            Layout::Wild => self.space_if_wild(),
        }
    }

    fn space_if_wild(&mut self) {
        if matches!(self.layout, Layout::Wild) {
            let space = self.rng.pick(&["", "", "", " ", "\t", "\r\n", "\n", "  \t"]);
            self.bytes.extend_from_slice(space.as_bytes());
        }
    }

    /// The bytes, all places of the needle, and where it is malformed.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<Location>, Option<Location>) {
        (self.bytes, self.found, self.fault)
    }
}

/// What stands behind the backslash, for characters that have a short escape.
fn short_escape(character: char) -> Option<char> {
    Some(match character {
        '"' | '\\' | '/' => character,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => return None,
    })
}
