//! Which line of which source file an instruction comes from, read from `.debug_line` alone.
//!
//! Nothing but explanations needs this, so nothing is read before there is something to explain. Where code was inlined, the line is that of the
//! inlined code. Without debug information, or with compressed one, there are no lines.

use crate::elf::Image;
use gimli::{DebugLine, DebugLineOffset, DebugLineStr, DebugStr, EndianSlice, LittleEndian};
use std::collections::BTreeMap;

type Slice<'d> = EndianSlice<'d, LittleEndian>;

/// `file:line` by address of an instruction.
pub type Sources = BTreeMap<u64, String>;

/// Looks up the lines of the instructions at `addresses`.
pub fn find(image: &Image<'_>, addresses: impl IntoIterator<Item = u64>) -> Sources {
    // What the linker dropped still has lines, at addresses where nothing is.
    let mut wanted: Vec<u64> = addresses.into_iter().filter(|a| image.is_code(*a)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found = Sources::new();
    if wanted.is_empty() {
        return found;
    }
    let data = |name: &str| image.section(name).map_or(&[][..], |s| s.data);
    let lines = DebugLine::new(data(".debug_line"), LittleEndian);
    let strings = Strings {
        line: DebugLineStr::from(Slice::new(data(".debug_line_str"), LittleEndian)),
        other: DebugStr::from(Slice::new(data(".debug_str"), LittleEndian)),
    };
    let mut offset = 0;
    while offset < data(".debug_line").len() && found.len() < wanted.len() {
        // A damaged table ends the search: what was found is right.
        let Ok(program) = lines.program(DebugLineOffset(offset), 8, None, None) else { break };
        let header = program.header();
        let length = header.unit_length() + if header.format() == gimli::Format::Dwarf64 { 12 } else { 4 };
        offset = offset.saturating_add(length.max(1));
        let _ = read_program(program, &wanted, &strings, &mut found);
    }
    found
}

struct Strings<'d> {
    line: DebugLineStr<Slice<'d>>,
    other: DebugStr<Slice<'d>>,
}

impl<'d> Strings<'d> {
    fn get(&self, value: gimli::AttributeValue<Slice<'d>>) -> Option<String> {
        let bytes = match value {
            gimli::AttributeValue::String(bytes) => bytes,
            gimli::AttributeValue::DebugLineStrRef(at) => self.line.get_str(at).ok()?,
            gimli::AttributeValue::DebugStrRef(at) => self.other.get_str(at).ok()?,
            _ => return None,
        };
        Some(String::from_utf8_lossy(bytes.slice()).into_owned())
    }
}

fn read_program<'d>(
    program: gimli::IncompleteLineProgram<Slice<'d>>,
    wanted: &[u64],
    strings: &Strings<'d>,
    found: &mut Sources,
) -> Result<(), gimli::Error> {
    let mut rows = program.rows();
    // The row before: it speaks of the addresses up to the next one.
    let mut before: Option<(u64, u64, Option<u64>)> = None;
    while let Some((header, row)) = rows.next_row()? {
        if let Some((from, file, Some(line))) = before {
            let first = wanted.partition_point(|a| *a < from);
            for address in wanted[first..].iter().take_while(|a| **a < row.address()) {
                if let Some(name) = file_name(header, file, strings) {
                    found.entry(*address).or_insert_with(|| format!("{name}:{line}"));
                }
            }
        }
        before = (!row.end_sequence()).then(|| (row.address(), row.file_index(), row.line().map(u64::from)));
    }
    Ok(())
}

/// The file's name, with its directory where that is not the one that the compiler ran in.
fn file_name<'d>(
    header: &gimli::LineProgramHeader<Slice<'d>>,
    index: u64,
    strings: &Strings<'d>,
) -> Option<String> {
    let file = header.file(index)?;
    let name = strings.get(file.path_name())?;
    if name.starts_with('/') || file.directory_index() == 0 {
        return Some(name);
    }
    let folder = file.directory(header).and_then(|folder| strings.get(folder));
    Some(folder.map_or_else(|| name.clone(), |folder| format!("{folder}/{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn here() -> u32 {
        std::hint::black_box(line!())
    }

    #[test]
    fn a_function_of_this_program_is_in_this_file() {
        let line = here();
        let path = std::env::current_exe().expect("a path");
        let data = std::fs::read(path).expect("readable");
        let image = Image::parse(&data).expect("an executable");
        let symbol =
            image.code_symbols.iter().find(|s| s.name.contains("6source5tests4here17h")).expect("its name");
        let found = find(&image, [symbol.address, symbol.address + 1, 1]);
        let (file, number) = found[&symbol.address].rsplit_once(':').expect("file and line");
        assert!(file.ends_with("src/source.rs"), "{file}");
        assert!(number.parse::<u32>().expect("a number").abs_diff(line) <= 1, "{number}, {line}");
        assert!(!found.contains_key(&1), "nothing is there");
    }
}
