//! Which token may follow which (RFC 8259, section 2), as one table: a state and the class of the token's first byte
//! give the next state, or a [`Step`] that has to do more than that.
//!
//! States are multiples of 16 and classes are less than 16, so that `state + class` is the index. The table knows
//! nothing of what is inside a token: strings, numbers and literals check themselves.

/// What may come next.
pub(super) type State = u8;

/// The document's value.
pub(super) const VALUE: State = 0;
/// A member's value, behind its `:`.
pub(super) const MEMBER: State = 1 << 4;
/// An element, behind a `,`.
pub(super) const ELEMENT: State = 2 << 4;
/// An element or `]`, behind `[`.
pub(super) const FIRST_ELEMENT: State = 3 << 4;
/// A key or `}`, behind `{`.
pub(super) const FIRST_KEY: State = 4 << 4;
/// A key, behind a `,`.
pub(super) const KEY: State = 5 << 4;
/// The `:` behind a key.
pub(super) const COLON: State = 6 << 4;
/// `,` or `}`, behind a member.
pub(super) const AFTER_MEMBER: State = 7 << 4;
/// `,` or `]`, behind an element.
pub(super) const AFTER_ELEMENT: State = 8 << 4;
/// Nothing, behind the document's value.
pub(super) const DONE: State = 9 << 4;

/// An entry of the table: less than [`OPEN_OBJECT`], it is the next state and that was all.
pub(super) type Step = u8;
/// `{`: one level deeper.
pub(super) const OPEN_OBJECT: Step = 10 << 4;
/// `[`: one level deeper.
pub(super) const OPEN_ARRAY: Step = OPEN_OBJECT + 1;
/// `}` or `]`, and it is the right one of the two: one level up.
pub(super) const CLOSE: Step = OPEN_OBJECT + 2;
/// A number begins.
pub(super) const NUMBER: Step = OPEN_OBJECT + 3;
/// `true`, `false` or `null` begins, by its first letter.
pub(super) const LITERAL: Step = OPEN_OBJECT + 4;
/// No document goes on like this.
pub(super) const WRONG: Step = OPEN_OBJECT + 5;

static CLASS: [u8; 256] = classes();
/// Twice as large as need be: no sum of a state and a class can be out of bounds.
static TABLE: [Step; 512] = table();

const fn classes() -> [u8; 256] {
    let mut class = [0; 256];
    let punctuation = b"{}[]:,\"";
    let mut i = 0;
    while i < punctuation.len() {
        class[punctuation[i] as usize] = i as u8 + 1;
        i += 1;
    }
    let mut digit = b'0';
    while digit <= b'9' {
        class[digit as usize] = 8;
        digit += 1;
    }
    class[b'-' as usize] = 8;
    class[b't' as usize] = 9;
    class[b'f' as usize] = 9;
    class[b'n' as usize] = 9;
    class
}

const fn index(state: State, byte: u8) -> usize {
    state as usize + CLASS[byte as usize] as usize
}

const fn table() -> [Step; 512] {
    let mut table = [WRONG; 512];
    let values = [VALUE, MEMBER, ELEMENT, FIRST_ELEMENT];
    let mut i = 0;
    while i < values.len() {
        table[index(values[i], b'{')] = OPEN_OBJECT;
        table[index(values[i], b'[')] = OPEN_ARRAY;
        table[index(values[i], b'"')] = after_scalar(values[i]);
        table[index(values[i], b'0')] = NUMBER;
        table[index(values[i], b't')] = LITERAL;
        i += 1;
    }
    table[index(FIRST_ELEMENT, b']')] = CLOSE;
    table[index(FIRST_KEY, b'}')] = CLOSE;
    table[index(FIRST_KEY, b'"')] = COLON;
    table[index(KEY, b'"')] = COLON;
    table[index(COLON, b':')] = MEMBER;
    table[index(AFTER_MEMBER, b',')] = KEY;
    table[index(AFTER_MEMBER, b'}')] = CLOSE;
    table[index(AFTER_ELEMENT, b',')] = ELEMENT;
    table[index(AFTER_ELEMENT, b']')] = CLOSE;
    table
}

/// What a token does that begins with `byte`.
#[inline]
pub(super) const fn step(state: State, byte: u8) -> Step {
    TABLE[index(state, byte)]
}

/// What comes behind a string, number or literal that stood where `state` wants a value.
#[inline]
pub(super) const fn after_scalar(state: State) -> State {
    match state {
        VALUE => DONE,
        MEMBER => AFTER_MEMBER,
        _ => AFTER_ELEMENT,
    }
}

/// Whether a string here is a key.
#[inline]
pub(super) const fn wants_key(state: State) -> bool {
    state == KEY || state == FIRST_KEY
}

/// Whether `byte` may stand between tokens.
#[inline]
pub(super) const fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a number or literal may be followed directly by `byte`. Where it may not be punctuation of this kind, the
/// table says so.
#[inline]
pub(super) const fn ends_scalar(byte: u8) -> bool {
    const ENDS: [bool; 256] = {
        let mut ends = [false; 256];
        let bytes = b" \t\n\r,]}[{:";
        let mut i = 0;
        while i < bytes.len() {
            ends[bytes[i] as usize] = true;
            i += 1;
        }
        ends
    };
    ENDS[byte as usize]
}

/// For people: what would have been right.
pub(super) const fn expected(state: State) -> &'static str {
    match state {
        VALUE | MEMBER | ELEMENT => "expected a value",
        FIRST_ELEMENT => "expected a value or `]`",
        FIRST_KEY => "expected a key in quotes or `}`",
        KEY => "expected a key in quotes",
        COLON => "expected `:`",
        AFTER_MEMBER => "expected `,` or `}`",
        AFTER_ELEMENT => "expected `,` or `]`",
        _ => "expected nothing more behind the document",
    }
}

/// The containers around a place, one bit each: 1 for an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Nesting {
    depth: usize,
    /// The innermost ones, the last one lowest: one at least if there is any, 64 at most.
    inner: u64,
    /// The others, 64 a word. The first word means nothing.
    outer: Vec<u64>,
}

impl Nesting {
    /// Room for more words than this (half a million levels) is given back when the next file starts.
    const KEEP: usize = 1 << 13;

    /// Back to no container at all.
    pub(super) fn clear(&mut self) {
        self.depth = 0;
        self.outer.clear();
        self.outer.shrink_to(Self::KEEP);
    }

    /// One level deeper; returns the state behind the bracket.
    #[inline]
    pub(super) fn open(&mut self, object: bool) -> State {
        if self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.depth += 1;
        self.inner = self.inner << 1 | u64::from(object);
        if object { FIRST_KEY } else { FIRST_ELEMENT }
    }

    /// One level up; returns the state behind the bracket. Only where a [`CLOSE`] step was.
    #[inline]
    pub(super) fn close(&mut self) -> State {
        self.depth -= 1;
        self.inner >>= 1;
        if self.depth.is_multiple_of(64) {
            self.inner = self.outer.pop().unwrap_or_default();
            if self.depth == 0 {
                return DONE;
            }
        }
        if self.inner & 1 == 1 { AFTER_MEMBER } else { AFTER_ELEMENT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_remembers_every_level() {
        let mut nesting = Nesting::default();
        let object = |level: usize| level.is_multiple_of(3);
        for round in 0..2 {
            for level in 0..200 + round {
                nesting.open(object(level + round));
            }
            for level in (0..200 + round).rev() {
                let around = match level.checked_sub(1) {
                    None => DONE,
                    Some(around) if object(around + round) => AFTER_MEMBER,
                    Some(_) => AFTER_ELEMENT,
                };
                assert_eq!(nesting.close(), around);
            }
        }
    }
}
