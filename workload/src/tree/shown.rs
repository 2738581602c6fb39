//! Paths for people: never more than one line, never a control sequence for the terminal.

use std::fmt::{self, Display, Write as _};

/// Shows a path's bytes in a message: text as it is, control characters and bytes that are not UTF-8 escaped.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a [u8]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_shown_is_escaped() {
        assert_eq!(Shown("für/a b.txt".as_bytes()).to_string(), "für/a b.txt");
        assert_eq!(Shown(b"a\nb\x1b[2J\xff.txt").to_string(), "a\\nb\\u{1b}[2J\\xff.txt");
    }
}
