//! Malformed documents: good up to one byte, which is known.

use super::{Document, Json, Spelling};
use crate::{filler::JsonFiller, rng::Rng};
use memchr::memmem;

/// Where in a document a fault is put.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// As the whole file.
    Alone,
    /// Behind an element of an array.
    Behind,
    /// Behind the document's end.
    After,
}

/// Something that the grammar doesn't allow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    place: Place,
    /// What is good, up to the first byte that cannot be.
    good: &'static [u8],
    /// The byte that cannot be and what follows it; nothing if the file ends where it must not.
    bad: &'static [u8],
}

const fn alone(good: &'static [u8], bad: &'static [u8]) -> Fault {
    Fault { place: Place::Alone, good, bad }
}

const fn behind(good: &'static [u8], bad: &'static [u8]) -> Fault {
    Fault { place: Place::Behind, good, bad }
}

const fn after(good: &'static [u8], bad: &'static [u8]) -> Fault {
    Fault { place: Place::After, good, bad }
}

/// One of each sort. Only such whose first impossible byte is beyond dispute.
const FAULTS: &[Fault] = &[
    alone(b"", b""),
    alone(b" \r\n\t\n", b""),
    alone(b"", b"\xff\xfe[\0]\0"),
    alone(b"", b"hello"),
    alone(b"", b"// comment\n[]"),
    alone(b"", b"]"),
    alone(b"-", b""),
    alone(b"\"no end", b""),
    alone(b"tru", b""),
    behind(b" ", b"\"no comma\"]"),
    behind(b" ", b"1]"),
    behind(b",\n", b"]"),
    behind(b",", b",1]"),
    behind(b"", b"}"),
    behind(b"", b":1]"),
    behind(b", nul", b"]"),
    behind(b", tr", b"ead]"),
    behind(b", ", b"True]"),
    behind(b", ", b"NaN]"),
    behind(b", -", b"Infinity]"),
    behind(b", 0", b"1]"),
    behind(b", -0", b"0]"),
    behind(b", 0", b"x10]"),
    behind(b", ", b"+1]"),
    behind(b", ", b".5]"),
    behind(b", 1.", b"]"),
    behind(b", 1.", b"e5]"),
    behind(b", 1e", b"]"),
    behind(b", 1e+", b"]"),
    behind(b", 1e5", b".0]"),
    behind(b", ", b"'single'"),
    behind(b", \"bad ", b"\n\"]"),
    behind(b", \"bad ", b"\t\"]"),
    behind(b", \"bad ", b"\0\"]"),
    behind(b", \"bad \\", b"x41\"]"),
    behind(b", \"bad \\", b"\n\"]"),
    behind(b", \"bad \\u12", b"G4\"]"),
    behind(b", \"bad \\u", b"\"]"),
    behind(b", \"bad ", b"\xff\"]"),
    behind(b", \"bad ", b"\x80\"]"),
    behind(b", \"bad ", b"\xc0\xaf\"]"),
    behind(b", {", b"a:1}]"),
    behind(b", {", b"1:1}]"),
    behind(b", {", b",}]"),
    behind(b", {\"a\"", b",\"b\":1}]"),
    behind(b", {\"a\" ", b"1}]"),
    behind(b", {\"a\":", b"}]"),
    behind(b", {\"a\":1,", b"}]"),
    behind(b", {\"a\":1 ", b"\"b\":2}]"),
    behind(b", {\"a\":1", b"]"),
    behind(b", ", b"/* comment */ 1]"),
    behind(b", ", b"\xef\xbb\xbf1]"),
    behind(b", ", b"\x0c1]"),
    behind(b"", b""),
    behind(b",", b""),
    behind(b", \"cut", b""),
    behind(b", \"cut \\", b""),
    behind(b", \"cut \\u00", b""),
    behind(b", {\"a\"", b""),
    behind(b", {\"a\":", b""),
    behind(b", fals", b""),
    behind(b", 12\n", b""),
    after(b"\n", b"x"),
    after(b"", b"]"),
    after(b" ", b",[]"),
    after(b"\n", b"{}"),
    after(b"\n", b"\"second document\""),
    after(b"", b"\0"),
];

impl Fault {
    /// How many sorts there are.
    pub(crate) const COUNT: u64 = FAULTS.len() as u64;

    /// Fault number `number`, counted round and round.
    ///
    /// A string that is not completed may hold an unusual needle, and whether that counts is a question of taste.
    /// Then it is another fault.
    pub(crate) fn numbered(number: u64, filler: &JsonFiller) -> Self {
        let fault = FAULTS[(number % Self::COUNT) as usize];
        let in_doubt = memmem::find(fault.good, filler.needle().as_bytes()).is_some();
        if in_doubt { FAULTS[0] } else { fault }
    }

    /// A document of about `size` bytes with this fault. What it holds before the fault counts, and only that.
    pub(crate) fn write<'a>(
        self,
        filler: &'a JsonFiller,
        rng: &mut Rng,
        size: usize,
        planted: bool,
    ) -> Json<'a> {
        let mut json = match self.place {
            Place::Alone => Json::new(filler, rng, None),
            Place::Behind => {
                let mut json = Document::begin(filler, rng, size, planted);
                json.begin_array();
                json.records_up_to(size);
                json
            }
            Place::After => Document::Records.write(filler, rng, size, planted),
        };
        json.bytes.extend_from_slice(self.good);
        json.fault();
        json.bytes.extend_from_slice(self.bad);
        if !self.bad.is_empty() && json.rng.one_in(2) {
            // Nobody reads as far as this: no match.
            json.bytes.extend_from_slice(b", \"");
            json.spell(filler.needle(), Spelling::Plain);
            json.bytes.extend_from_slice(b"\"]\n");
        }
        json
    }
}
