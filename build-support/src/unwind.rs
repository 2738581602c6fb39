//! The entries of `.eh_frame`: which functions there are.
//!
//! Nearly all entries have one form, addresses as 32-bit distances, and there are thousands of them: that form is read here. Everything
//! else is left to `gimli`.

use crate::elf::{Image, read_u32};
use crate::functions::{Function, Slice};
use gimli::{BaseAddresses, EhFrame, UnwindSection as _};

/// How a common entry writes the addresses in its own entries.
#[derive(Clone, Copy)]
struct Common {
    offset: usize,
    /// 32-bit distances, no pointer encoding that is not understood here.
    plain: bool,
    has_lsda: bool,
}

/// Reads all entries, up to the first that is damaged.
pub(crate) fn read(
    image: &Image<'_>,
    eh_frame: &EhFrame<Slice<'_>>,
    bases: &BaseAddresses,
) -> (Vec<Function>, Option<gimli::Error>) {
    let Some(section) = image.section(".eh_frame") else { return (Vec::new(), None) };
    let data = section.data;
    let (mut found, mut offset) = (Vec::new(), 0);
    let mut common: Option<Common> = None;
    while let Some(length) = data.get(offset..).and_then(read_u32) {
        // A terminator.
        if length == 0 {
            break;
        }
        let end = offset.saturating_add(4).saturating_add(length as usize);
        // 64-bit lengths are for tables of gigabytes, which no executable has.
        let Some(entry) = data.get(offset + 4..end).filter(|_| length < 0xffff_fff0) else {
            return (found, Some(gimli::Error::UnexpectedEof(gimli::ReaderOffsetId(offset as u64))));
        };
        let Some(distance) = read_u32(entry) else {
            return (found, Some(gimli::Error::UnexpectedEof(gimli::ReaderOffsetId(offset as u64))));
        };
        if distance != 0 {
            let of = (offset + 4).wrapping_sub(distance as usize);
            if common.is_none_or(|c| c.offset != of) {
                match read_common(eh_frame, bases, of) {
                    Ok(read) => common = Some(read),
                    Err(error) => return (found, Some(error)),
                }
            }
            let function = match common {
                Some(common) if common.plain => {
                    read_plain(entry, section.address + offset as u64 + 4, common.has_lsda, offset)
                }
                _ => read_any(eh_frame, bases, offset),
            };
            match function {
                // Entries of functions that the linker removed point nowhere.
                Ok(function) if function.end > function.start && image.is_code(function.start) => {
                    found.push(function);
                }
                Ok(_) => {}
                Err(error) => return (found, Some(error)),
            }
        }
        offset = end;
    }
    (found, None)
}

fn read_common(
    eh_frame: &EhFrame<Slice<'_>>,
    bases: &BaseAddresses,
    offset: usize,
) -> Result<Common, gimli::Error> {
    const DISTANCE: gimli::DwEhPe = gimli::DwEhPe(0x1b); // pcrel, sdata4
    let entry = eh_frame.cie_from_offset(bases, gimli::EhFrameOffset(offset))?;
    let lsda = entry.lsda_encoding();
    let plain =
        entry.fde_address_encoding() == Some(DISTANCE) && lsda.is_none_or(|encoding| encoding == DISTANCE);
    Ok(Common { offset, plain, has_lsda: lsda.is_some() })
}

/// `distance to the common entry, start, length, bytes of augmentation, [lsda]`, each 32 bits but the fourth.
fn read_plain(entry: &[u8], address: u64, has_lsda: bool, offset: usize) -> Result<Function, gimli::Error> {
    let cut = gimli::Error::UnexpectedEof(gimli::ReaderOffsetId(offset as u64));
    let word = |at: usize| entry.get(at..).and_then(read_u32).ok_or(cut);
    let distance = |at: usize| {
        word(at)
            .map(|d| (d != 0).then(|| (address + at as u64).wrapping_add_signed(i64::from(d.cast_signed()))))
    };
    // A distance of 0 is an address of its own for the start alone.
    let start = distance(4)?.unwrap_or(address + 4);
    let end = start.saturating_add(u64::from(word(8)?));
    // Augmentations are short: their length is one byte, and 4 if it is the table's distance.
    let lsda = if has_lsda && entry.get(12) == Some(&4) { distance(13)? } else { None };
    Ok(Function { start, end, unwind: Some(offset), lsda })
}

fn read_any(
    eh_frame: &EhFrame<Slice<'_>>,
    bases: &BaseAddresses,
    offset: usize,
) -> Result<Function, gimli::Error> {
    let entry = eh_frame.fde_from_offset(bases, gimli::EhFrameOffset(offset), |section, bases, at| {
        section.cie_from_offset(bases, at)
    })?;
    let start = entry.initial_address();
    let lsda = entry.lsda().map(|pointer| match pointer {
        gimli::Pointer::Direct(address) | gimli::Pointer::Indirect(address) => address,
    });
    Ok(Function { start, end: start.saturating_add(entry.len()), unwind: Some(offset), lsda })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimli::{CieOrFde, UnwindSection};

    /// On this very program, the quick way and gimli's find the same.
    #[test]
    fn entries_are_as_gimli_reads_them() {
        let path = std::env::current_exe().expect("a path");
        let data = std::fs::read(path).expect("readable");
        let image = Image::parse(&data).expect("an executable");
        let section = image.section(".eh_frame").expect("unwind tables");
        let eh_frame = EhFrame::from(Slice::new(section.data, gimli::LittleEndian));
        let text = image.section(".text").expect("code").address;
        let bases = BaseAddresses::default().set_eh_frame(section.address).set_text(text);
        let (found, error) = read(&image, &eh_frame, &bases);
        assert_eq!(error, None);
        let (mut rest, mut tables) = (found.iter(), 0);
        let mut entries = eh_frame.entries(&bases);
        while let Some(entry) = entries.next().expect("readable") {
            let CieOrFde::Fde(partial) = entry else { continue };
            let fde = partial.parse(UnwindSection::cie_from_offset).expect("readable");
            if fde.len() == 0 || !image.is_code(fde.initial_address()) {
                continue;
            }
            let ours = rest.next().expect("as many as gimli finds");
            assert_eq!((ours.start, ours.end), (fde.initial_address(), fde.end_address()));
            assert_eq!(ours.unwind, Some(fde.offset()));
            let lsda = fde.lsda().map(|p| match p {
                gimli::Pointer::Direct(address) | gimli::Pointer::Indirect(address) => address,
            });
            assert_eq!(ours.lsda, lsda, "{:#x}", ours.start);
            tables += usize::from(lsda.is_some());
        }
        assert!(rest.next().is_none() && tables > 100 && found.len() > 1000, "{tables} of {}", found.len());
    }
}
