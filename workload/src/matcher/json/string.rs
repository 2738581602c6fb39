//! Strings (RFC 8259, section 7): checked and decoded as they come, in pieces of any size, without keeping them.

use super::scan::Backend;
use super::utf8::{self, Rest};
use std::ops::ControlFlow;

/// Who wants to have a string's decoded text. Places are those of the raw bytes in the file, from 0.
pub(super) trait Sink {
    /// Text that stands in the file as it is, from `place` on. A character may be spread over several calls.
    fn text(&mut self, text: &[u8], place: u64) -> ControlFlow<()>;
    /// A character that was written as an escape, or as two, which begin at `place`.
    fn escaped(&mut self, character: char, place: u64) -> ControlFlow<()>;
    /// Half of a surrogate pair, without the other one: grammatical, but no text.
    fn lone_surrogate(&mut self);
}

/// Wants nothing.
pub(super) struct Ignore;

impl Sink for Ignore {
    fn text(&mut self, _: &[u8], _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn escaped(&mut self, _: char, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn lone_surrogate(&mut self) {}
}

/// Why reading a string stops before it is over.
pub(super) enum Stop {
    /// The sink has had enough.
    Enough,
    /// At this byte of the piece there is something that no string holds.
    Wrong(usize, &'static str),
}

/// How much of a piece belongs to the string.
pub(super) enum Read {
    /// All of it, and there is more to come.
    All,
    /// So many bytes, the last of which is the closing quote.
    Closed(usize),
}

/// A string that is being read, behind its opening quote.
#[derive(Clone, Debug)]
pub(super) struct Text {
    part: Part,
    /// Where the escape begins that is being read.
    escape: u64,
    /// The code unit so far, in `\u` escapes.
    unit: u16,
    /// The first half of a surrogate pair was just read, and began there.
    half: Option<(u16, u64)>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Plain,
    /// Within a character of several bytes.
    Character(Rest),
    /// Behind a backslash.
    Escape,
    /// Behind `\u`, with so many digits to come.
    Hex(u8),
}

/// What `\` and `byte` stand for, if it is a short escape.
pub(super) const fn short_escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

/// The value of a hexadecimal digit.
pub(super) const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

impl Text {
    /// A string of which nothing has been read.
    pub(super) fn new() -> Self {
        Self { part: Part::Plain, escape: 0, unit: 0, half: None }
    }

    /// For people: what would have to follow so that the string can go on.
    pub(super) fn expected(&self) -> &'static str {
        match self.part {
            Part::Plain => "expected the string's closing `\"`",
            Part::Character(_) => "expected the rest of a UTF-8 character",
            Part::Escape => "expected one of `\"\\/bfnrtu` behind the backslash",
            Part::Hex(_) => "expected four hexadecimal digits behind `\\u`",
        }
    }

    /// Reads on in `piece`, which stands at `place` in the file.
    pub(super) fn read(
        &mut self,
        piece: &[u8],
        place: u64,
        backend: Backend,
        sink: &mut impl Sink,
    ) -> Result<Read, Stop> {
        let mut at = 0;
        while let Some(byte) = piece.get(at).copied() {
            let here = place + at as u64;
            match self.part {
                Part::Plain => {
                    let plain = backend.plain(&piece[at..]);
                    let valid = utf8::valid_up_to(&piece[at..at + plain]);
                    if valid > 0 {
                        self.end_half(sink);
                        enough(sink.text(&piece[at..at + valid], here))?;
                        at += valid;
                        continue;
                    }
                    match byte {
                        b'"' => {
                            self.end_half(sink);
                            return Ok(Read::Closed(at + 1));
                        }
                        b'\\' => (self.part, self.escape) = (Part::Escape, here),
                        0..0x20 => {
                            return Err(Stop::Wrong(at, "expected an escape instead of a control character"));
                        }
                        _ => {
                            self.end_half(sink);
                            let rest = Rest::behind(byte).ok_or(Stop::Wrong(at, "expected UTF-8"))?;
                            self.part = Part::Character(rest);
                            enough(sink.text(&piece[at..=at], here))?;
                        }
                    }
                }
                Part::Character(rest) => {
                    if !rest.allows(byte) {
                        return Err(Stop::Wrong(at, self.expected()));
                    }
                    enough(sink.text(&piece[at..=at], here))?;
                    self.part = rest.after_next().map_or(Part::Plain, Part::Character);
                }
                Part::Escape if byte == b'u' => (self.part, self.unit) = (Part::Hex(4), 0),
                Part::Escape => {
                    let character = short_escape(byte).ok_or(Stop::Wrong(at, self.expected()))?;
                    self.end_half(sink);
                    self.part = Part::Plain;
                    enough(sink.escaped(char::from(character), self.escape))?;
                }
                Part::Hex(left) => {
                    let digit = hex_digit(byte).ok_or(Stop::Wrong(at, self.expected()))?;
                    self.unit = self.unit << 4 | u16::from(digit);
                    self.part = if left == 1 { Part::Plain } else { Part::Hex(left - 1) };
                    if left == 1 {
                        enough(self.end_unit(sink))?;
                    }
                }
            }
            at += 1;
        }
        Ok(Read::All)
    }

    /// No second half follows.
    fn end_half(&mut self, sink: &mut impl Sink) {
        if self.half.take().is_some() {
            sink.lone_surrogate();
        }
    }

    /// A `\u` escape is complete.
    fn end_unit(&mut self, sink: &mut impl Sink) -> ControlFlow<()> {
        let unit = self.unit;
        if let (Some((half, place)), 0xDC00..0xE000) = (self.half, unit) {
            self.half = None;
            let scalar = 0x1_0000 + ((u32::from(half) - 0xD800) << 10) + (u32::from(unit) - 0xDC00);
            return sink.escaped(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), place);
        }
        self.end_half(sink);
        match (unit, char::from_u32(u32::from(unit))) {
            (_, Some(character)) => return sink.escaped(character, self.escape),
            (0xD800..0xDC00, None) => self.half = Some((unit, self.escape)),
            (_, None) => sink.lone_surrogate(),
        }
        ControlFlow::Continue(())
    }
}

fn enough(flow: ControlFlow<()>) -> Result<(), Stop> {
    if flow.is_break() { Err(Stop::Enough) } else { Ok(()) }
}
