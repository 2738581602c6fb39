//! Without special instructions: a table, and eight bytes at a time from there.

use super::{Classes, Vector};
use crate::matcher::json::grammar::is_whitespace;
use crate::matcher::json::string::short_escape;

/// Works everywhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

const QUOTE: u32 = 0;
const BACKSLASH: u32 = 1;
const CONTROL: u32 = 2;
const PUNCTUATION: u32 = 3;
const WHITESPACE: u32 = 4;
const HIGH: u32 = 5;
const ESCAPABLE: u32 = 6;

/// For each byte, one bit for each class that it is in.
static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = ((b == b'"') as u8) << QUOTE
            | ((b == b'\\') as u8) << BACKSLASH
            | ((b < 0x20) as u8) << CONTROL
            | (matches!(b, b'{' | b'}' | b'[' | b']' | b':' | b',') as u8) << PUNCTUATION
            | (is_whitespace(b) as u8) << WHITESPACE
            | ((b >= 0x80) as u8) << HIGH
            | ((b == b'u' || short_escape(b).is_some()) as u8) << ESCAPABLE;
        byte += 1;
    }
    table
};

/// The classes of each byte.
fn look_up(bytes: &[u8; 64]) -> [u64; 8] {
    let mut words = [0; 8];
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(eight.map(|byte| CLASSES[byte as usize]));
    }
    words
}

/// Which bytes are in `class`.
fn gather(words: &[u64; 8], class: u32) -> u64 {
    let mut bits = 0;
    for (i, word) in words.iter().enumerate() {
        // The product's highest byte collects bit 0 of each byte, the first byte's lowest.
        let ones = word >> class & 0x0101_0101_0101_0101;
        bits |= (ones.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    bits
}

impl Vector for Portable {
    fn classify(self, bytes: &[u8; 64]) -> Classes {
        let words = look_up(bytes);
        Classes {
            quote: gather(&words, QUOTE),
            backslash: gather(&words, BACKSLASH),
            control: gather(&words, CONTROL),
            punctuation: gather(&words, PUNCTUATION),
            whitespace: gather(&words, WHITESPACE),
            high: gather(&words, HIGH),
        }
    }

    fn escapable(self, bytes: &[u8; 64]) -> u64 {
        gather(&look_up(bytes), ESCAPABLE)
    }

    fn prefix_xor(self, mut bits: u64) -> u64 {
        for distance in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << distance;
        }
        bits
    }
}
