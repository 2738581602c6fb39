//! Whole documents, of the sorts that people have and of those that parsers fear.

use super::{Json, Layout, Spelling};
use crate::{filler::JsonFiller, rng::Rng};

/// Keys as in the wild, some of them hard to point at.
const KEYS: &[&str] = &[
    "id",
    "name",
    "email",
    "tags",
    "score",
    "address",
    "city",
    "zip",
    "items",
    "createdAt",
    "is_active",
    "notes",
    "a/b",
    "m~n",
    "~1",
    "",
    " ",
    "key \"quoted\"",
    "back\\slash",
    "ключ",
    "emoji🦀",
    "tab\there",
    "0",
    "-",
    "zo",
];

/// Nesting of the deepest documents.
const DEEP: usize = 3000;

/// Borders of usual read buffers, in bytes.
const BORDER: usize = 64 << 10;

/// A sort of document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Document {
    /// An array of records, as an export of a database.
    Records,
    /// Objects in objects, as a configuration.
    Tree,
    /// A matrix of numbers and few strings.
    Numbers,
    /// Long strings.
    Long,
    /// Very deep nesting.
    Deep,
    /// Strings whose needle lies across the borders of usual buffers.
    Borders,
    /// A string, and nothing around it.
    Scalar,
}

impl Document {
    /// All sorts, the usual ones more often.
    pub(crate) const MIX: [Self; 12] = [
        Self::Records,
        Self::Records,
        Self::Records,
        Self::Records,
        Self::Tree,
        Self::Tree,
        Self::Tree,
        Self::Numbers,
        Self::Long,
        Self::Deep,
        Self::Borders,
        Self::Scalar,
    ];

    /// A document of about `size` bytes. If `planted`, it holds the needle, most likely.
    pub(crate) fn write<'a>(
        self,
        filler: &'a JsonFiller,
        rng: &mut Rng,
        size: usize,
        planted: bool,
    ) -> Json<'a> {
        let json = Self::begin(filler, rng, size, planted);
        self.write_into(json, size, planted)
    }

    /// The same behind a byte order mark.
    pub(crate) fn write_marked<'a>(
        self,
        filler: &'a JsonFiller,
        rng: &mut Rng,
        size: usize,
        planted: bool,
    ) -> Json<'a> {
        let mut json = Self::begin(filler, rng, size, planted);
        json.byte_order_mark();
        self.write_into(json, size, planted)
    }

    /// An empty document that will have a handful of plants, whatever its size.
    pub(super) fn begin<'a>(filler: &'a JsonFiller, rng: &mut Rng, size: usize, planted: bool) -> Json<'a> {
        Json::new(filler, rng, planted.then_some(1 + size as u64 / 400))
    }

    fn write_into(self, mut json: Json<'_>, size: usize, planted: bool) -> Json<'_> {
        match self {
            Self::Records => {
                json.begin_array();
                json.records_up_to(size);
                json.end();
            }
            Self::Tree => {
                json.begin_object();
                while json.size() < size {
                    json.any_key();
                    json.subtree(4);
                }
                json.end();
            }
            Self::Numbers => json.numbers(size),
            Self::Long => json.long(size),
            Self::Deep => json.deep(size),
            Self::Borders => json.borders(size),
            Self::Scalar => json.string_with(size.min(4096), planted),
        }
        json
    }
}

impl Json<'_> {
    /// Elements of the innermost array until the file has `size` bytes.
    pub(super) fn records_up_to(&mut self, size: usize) {
        loop {
            self.element();
            self.record();
            if self.rng.one_in(16) {
                self.torn_needle();
            }
            if self.size() >= size {
                return;
            }
        }
    }

    fn record(&mut self) {
        self.begin_object();
        self.key("id");
        self.number();
        self.key("name");
        let length = self.rng.between(4, 40);
        self.string(length);
        self.key("email");
        if self.rng.one_in(8) {
            self.decoy();
        } else {
            self.string(20);
        }
        self.key("active");
        let flag = *self.rng.pick(&["true", "false", "null"]);
        self.scalar(flag);
        self.key("tags");
        self.begin_array();
        for _ in 0..self.rng.between(0, 4) {
            self.element();
            self.string(8);
        }
        self.end();
        self.key("address");
        self.begin_object();
        for key in ["street/number", "city~name"] {
            self.key(key);
            let length = self.rng.between(0, 30);
            self.string(length);
        }
        self.end();
        if self.rng.one_in(6) {
            // The same key twice: both values count.
            self.key("name");
            self.string(12);
        }
        if self.rng.one_in(6) {
            // In a key the needle is no match.
            let filler = self.filler;
            self.key(filler.needle());
            self.number();
        }
        self.end();
    }

    fn any_key(&mut self) {
        let key = *self.rng.pick(KEYS);
        self.key(key);
    }

    /// A value of any sort, at most `depth` deep.
    fn subtree(&mut self, depth: usize) {
        match self.rng.below(if depth == 0 { 6 } else { 9 }) {
            0..=2 => {
                let length = self.rng.between(0, 60);
                self.string(length);
            }
            3 => self.number(),
            4 => self.decoy(),
            5 => {
                let word = *self.rng.pick(&["true", "false", "null", "[]", "{}", "\"\"", "[ ]", "{\t}"]);
                self.scalar(word);
            }
            6 => {
                self.begin_array();
                for _ in 0..self.rng.between(1, 6) {
                    self.element();
                    self.subtree(depth - 1);
                }
                self.end();
            }
            _ => {
                self.begin_object();
                for _ in 0..self.rng.between(1, 8) {
                    self.any_key();
                    self.subtree(depth - 1);
                }
                self.end();
            }
        }
    }

    /// A number. Large ones stay within what a double can hold, so that every parser takes them.
    fn number(&mut self) {
        let bits = self.rng.bits();
        let text = match self.rng.below(10) {
            0 => "0".to_owned(),
            1 => "-0".to_owned(),
            2 => format!("{}", bits as i64),
            3 => format!("{}.{:06}", bits % 1000, (bits >> 32) % 1_000_000),
            4 => format!("-{}e{}", bits % 1000, (bits >> 32) % 300),
            5 => format!("{}.5E-{}", bits % 10, (bits >> 32) % 400),
            6 => format!("{}e+00{}", bits % 10, (bits >> 32) % 100),
            7 => format!("{bits}").repeat(12),
            8 => format!("0.{}", format!("{bits:020}").repeat(30)),
            _ => format!("{}", bits % 100_000),
        };
        self.scalar(&text);
    }

    fn numbers(&mut self, size: usize) {
        self.begin_object();
        self.key("title");
        self.string_with(30, self.plant_one_in.is_some());
        self.key("rows");
        self.begin_array();
        while self.size() < size {
            self.element();
            self.begin_array();
            for _ in 0..16 {
                self.element();
                self.number();
            }
            self.end();
        }
        self.end();
        self.end();
    }

    fn long(&mut self, size: usize) {
        self.begin_array();
        let strings = self.rng.between(1, 3);
        for _ in 0..strings {
            self.element();
            self.string_with(size / strings, self.plant_one_in.is_some());
        }
        self.end();
    }

    fn deep(&mut self, size: usize) {
        self.layout = Layout::Compact;
        let (levels, outer) = (DEEP.min(size / 2), self.frames.len());
        for level in 0..levels {
            if self.rng.one_in(8) {
                self.begin_object();
                self.key("d");
            } else {
                self.begin_array();
                if level % 512 == 511 {
                    self.element();
                    self.string(10);
                }
                self.element();
            }
        }
        self.string_with(16, self.plant_one_in.is_some());
        while self.frames.len() > outer {
            self.end();
        }
    }

    /// Plants across borders; without plants it is only long.
    fn borders(&mut self, size: usize) {
        if self.plant_one_in.is_none() {
            return self.long(size);
        }
        let size = size.max(BORDER + 4096);
        let longest = 6 * self.filler.needle().len() + 2;
        self.begin_array();
        for border in 1..=size / BORDER {
            let spelling = *self.rng.pick(&[Spelling::Plain, Spelling::Escaped]);
            let before = self.rng.between(0, longest);
            self.element();
            if !self.string_towards((border * BORDER).saturating_sub(before), spelling) {
                self.string_with(20, true);
            }
        }
        self.end();
    }
}
