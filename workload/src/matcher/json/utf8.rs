//! UTF-8 byte by byte (Unicode, table 3-7), for characters that come in pieces and for the exact place of what is
//! wrong.

/// What the rest of a character of several bytes has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rest {
    /// Bytes to come.
    left: u8,
    /// The next one is in `low..=high`; those behind it are in `0x80..=0xBF`.
    low: u8,
    high: u8,
}

impl Rest {
    /// What has to follow `lead`, which is not ASCII; `None` if no character begins with it.
    pub(super) fn behind(lead: u8) -> Option<Self> {
        let (left, low, high) = match lead {
            0xC2..=0xDF => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),
            0xE1..=0xEC | 0xEE..=0xEF => (2, 0x80, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            _ => return None,
        };
        Some(Self { left, low, high })
    }

    /// Whether `byte` may be the next one.
    pub(super) fn allows(self, byte: u8) -> bool {
        (self.low..=self.high).contains(&byte)
    }

    /// What is left behind the next byte; `None` if that was the last.
    pub(super) fn after_next(self) -> Option<Self> {
        (self.left > 1).then_some(Self { left: self.left - 1, low: 0x80, high: 0xBF })
    }
}

/// How many of `bytes` are whole, well-formed characters, from the first on.
pub(super) fn valid_up_to(bytes: &[u8]) -> usize {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) => error.valid_up_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_std(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0x80u8..0xC0, 0xE0u8..0xF5], 1..6)) {
            let mut rest: Option<Rest> = None;
            let valid = bytes.iter().all(|byte| {
                let fits = match rest {
                    Some(now) => now.allows(*byte),
                    None => *byte < 0x80 || Rest::behind(*byte).is_some(),
                };
                rest = match rest {
                    Some(now) => now.after_next(),
                    None => Rest::behind(*byte),
                };
                fits
            });
            prop_assert_eq!(valid && rest.is_none(), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
