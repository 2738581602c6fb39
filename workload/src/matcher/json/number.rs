//! Numbers (RFC 8259, section 6): checked, never computed, so that any number of digits will do.

/// How far into a number we are, for numbers that come in pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Number {
    /// Behind the minus sign: a digit has to follow.
    Minus,
    /// Behind a leading zero: no digit may follow.
    Zero,
    Integer,
    /// Behind the point: a digit has to follow.
    Point,
    Fraction,
    /// Behind `e`: a sign or a digit has to follow.
    Exponent,
    /// Behind the exponent's sign: a digit has to follow.
    Sign,
    Power,
}

/// What a byte means for a number.
pub(super) enum Next {
    /// It belongs to it.
    Part(Number),
    /// The number was complete before it.
    Ends,
    /// The number would have needed something else.
    Wrong,
}

impl Number {
    /// After the first byte of a number, a digit or a minus sign.
    pub(super) fn begin(byte: u8) -> Self {
        match byte {
            b'-' => Self::Minus,
            b'0' => Self::Zero,
            _ => Self::Integer,
        }
    }

    pub(super) fn next(self, byte: u8) -> Next {
        use Number::{Exponent, Fraction, Integer, Minus, Point, Power, Sign, Zero};
        Next::Part(match (self, byte) {
            (Minus, b'0') => Zero,
            (Minus, b'1'..=b'9') | (Integer, b'0'..=b'9') => Integer,
            (Zero | Integer, b'.') => Point,
            (Point | Fraction, b'0'..=b'9') => Fraction,
            (Zero | Integer | Fraction, b'e' | b'E') => Exponent,
            (Exponent, b'+' | b'-') => Sign,
            (Exponent | Sign | Power, b'0'..=b'9') => Power,
            _ if self.is_complete() => return Next::Ends,
            _ => return Next::Wrong,
        })
    }

    /// Whether the number may end here.
    pub(super) fn is_complete(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Power)
    }

    /// For people: what an incomplete number lacks.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Exponent => "expected a digit or a sign in the number's exponent",
            _ => "expected a digit in the number",
        }
    }
}

/// Where the number ends that `bytes` begin with, if it is well formed so far as they go.
#[inline]
pub(super) fn whole(bytes: &[u8]) -> Option<usize> {
    let is = |at: usize, what: u8| bytes.get(at) == Some(&what);
    let mut at = usize::from(is(0, b'-'));
    let integer = digits(bytes, at);
    if integer == 0 || integer > 1 && is(at, b'0') {
        return None;
    }
    at += integer;
    if is(at, b'.') {
        let fraction = digits(bytes, at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if is(at, b'e') || is(at, b'E') {
        at += 1;
        at += usize::from(is(at, b'+') || is(at, b'-'));
        let power = digits(bytes, at);
        if power == 0 {
            return None;
        }
        at += power;
    }
    Some(at)
}

/// How many digits stand at `bytes[from..]`.
#[inline]
fn digits(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        // A digit less '0' is at most 9: adding 0x76 leaves its high bit clear, and sets that of any other byte. A
        // carry only reaches bytes behind one that is not a digit.
        let value = u64::from_le_bytes(*chunk) ^ 0x3030_3030_3030_3030;
        let others = (value | value.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080;
        if others != 0 {
            return at - from + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at - from
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_steps(bytes: &[u8]) -> Option<usize> {
        let mut number = Number::begin(bytes[0]);
        for (at, byte) in bytes.iter().enumerate().skip(1) {
            match number.next(*byte) {
                Next::Part(next) => number = next,
                Next::Ends => return Some(at),
                Next::Wrong => return None,
            }
        }
        number.is_complete().then_some(bytes.len())
    }

    proptest! {
        #[test]
        fn whole_and_stepwise_agree(text in "-?[0-9]{1,12}([.e+E0-9-]|[^0-9]){0,12}[0-9]{0,20}") {
            // A digit behind a zero is for the grammar to refuse when it comes step by step.
            let steps = by_steps(text.as_bytes());
            let zero = text.trim_start_matches('-').starts_with('0');
            let end = steps.filter(|end| !(zero && text.as_bytes().get(*end).is_some_and(u8::is_ascii_digit)));
            prop_assert_eq!(whole(text.as_bytes()), end);
        }

        #[test]
        fn digits_are_digits(bytes in proptest::collection::vec(prop_oneof![Just(b'0'), Just(b'9'), any::<u8>()], 0..40)) {
            let naive = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            prop_assert_eq!(digits(&bytes, 0), naive);
        }
    }
}
