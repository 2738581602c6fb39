//! The language-specific data area: which calls of a function land where when they panic.
//!
//! Layout after the Itanium C++ ABI's exception handling tables, which Rust's personality reads too:
//! landing-pad base (encoding, 0xff: the function), type table (encoding, offset), call sites (encoding, length), then
//! per call site: start, length, landing pad (0: none), action.

use crate::elf::Image;
use std::ops::Range;

/// The table is damaged or has an encoding that is not understood.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
#[error("exception table in an unknown format")]
pub struct Unreadable;

const OMITTED: u8 = 0xff;

struct Cursor<'a, 'd> {
    image: &'a Image<'d>,
    at: u64,
}

impl Cursor<'_, '_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let bytes = self.image.bytes(self.at, N).and_then(|b| b.first_chunk()).ok_or(Unreadable)?;
        self.at += N as u64;
        Ok(*bytes)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn uleb(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unreadable)
    }

    /// A number in one of the encodings that compilers use for call sites: `DW_EH_PE_*`, low four bits.
    fn encoded(&mut self, encoding: u8) -> Result<u64, Unreadable> {
        match encoding {
            0x01 => self.uleb(),
            0x02 => self.take().map(|b| u64::from(u16::from_le_bytes(b))),
            0x03 | 0x0b => self.take().map(|b| u64::from(u32::from_le_bytes(b))),
            0x04 | 0x0c => self.take().map(u64::from_le_bytes),
            _ => Err(Unreadable),
        }
    }
}

/// Reads the table at `address`, which belongs to the function that begins at `function`: ranges of calls, and where they land.
///
/// # Errors
/// When it has a form that compilers do not write.
pub fn read(image: &Image<'_>, function: u64, address: u64) -> Result<Vec<(Range<u64>, u64)>, Unreadable> {
    let mut cursor = Cursor { image, at: address };
    if cursor.byte()? != OMITTED {
        return Err(Unreadable);
    }
    if cursor.byte()? != OMITTED {
        cursor.uleb()?;
    }
    let encoding = cursor.byte()?;
    let length = cursor.uleb()?;
    let end = cursor.at.checked_add(length).ok_or(Unreadable)?;
    let mut pads = Vec::new();
    while cursor.at < end {
        let start = function.wrapping_add(cursor.encoded(encoding)?);
        let len = cursor.encoded(encoding)?;
        let pad = cursor.encoded(encoding)?;
        cursor.uleb()?; // which clauses apply: control may land in any case
        if pad != 0 {
            pads.push((start..start.wrapping_add(len), function.wrapping_add(pad)));
        }
    }
    Ok(pads)
}
