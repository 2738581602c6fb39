//! First stage: the file. What is where, what the dynamic loader will write into which word, what is imported.
//!
//! Everything here is read from headers that may be damaged or hostile, so every access is checked.

mod relocations;
mod symbols;

use crate::error::ElfError;
use crate::hash::Map;
use object::LittleEndian;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _};
use std::ops::Range;

type Header = elf::FileHeader64<LittleEndian>;
const LE: LittleEndian = LittleEndian;

/// Number of an imported symbol, an index for [`Image::import_name`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Import(pub u32);

/// What the dynamic loader will have put into an 8-byte word before the program starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// An address of this program.
    Address(u64),
    /// The address of an imported symbol.
    Import(Import),
    /// What a resolver function returns on the machine that the program runs on.
    Chosen(u64),
}

/// One entry of a relocation table, with its place in the file.
#[derive(Clone, Copy, Debug)]
pub struct Relocation {
    /// The word that it fills.
    pub target: u64,
    /// `R_X86_64_*`.
    pub kind: u32,
    /// Where the 24-byte entry is in the file.
    pub file_offset: u64,
}

/// A symbol that names code or a thread-local.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'d> {
    /// Address; for thread-locals the offset in the TLS segment.
    pub address: u64,
    /// Bytes, 0 where the assembler was not told.
    pub size: u64,
    /// Name as linked, mangled.
    pub name: &'d str,
    /// Visible beyond its object file: preferred as the name of what several symbols name.
    pub global: bool,
}

/// A named part of the file.
#[derive(Clone, Copy, Debug)]
pub struct Section<'d> {
    /// Its name.
    pub name: &'d str,
    /// Its address; 0 when it is not loaded.
    pub address: u64,
    /// Its bytes in the file.
    pub data: &'d [u8],
    /// Loaded into memory.
    pub allocated: bool,
    /// Holds instructions.
    pub executable: bool,
}

struct Segment<'d> {
    address: u64,
    file_offset: u64,
    data: &'d [u8],
    executable: bool,
    writable: bool,
}

/// A linked x86-64 executable.
pub struct Image<'d> {
    data: &'d [u8],
    segments: Vec<Segment<'d>>,
    sections: Vec<Section<'d>>,
    /// Executable address ranges, sorted.
    code: Vec<Range<u64>>,
    relro: Vec<Range<u64>>,
    /// Sorted by address.
    slots: Vec<(u64, Slot)>,
    /// Every entry of the loaded relocation tables.
    pub relocations: Vec<Relocation>,
    imports: Vec<&'d str>,
    /// Stubs that jump through a word: address of the stub, what it reaches.
    plt: Map<u64, Slot>,
    /// Symbols of functions and other labels in code, sorted by address.
    pub code_symbols: Vec<Symbol<'d>>,
    /// Thread-locals.
    pub tls_symbols: Vec<Symbol<'d>>,
    /// Size of the TLS segment rounded up to its alignment: the thread pointer less this is its start.
    pub tls_size: Option<u64>,
    /// Loaded anywhere: words that hold addresses have relocations.
    pub position_independent: bool,
    /// Where the program starts.
    pub entry: u64,
    /// Names in the dynamic symbol table that this file defines.
    pub exported: Vec<&'d str>,
}

impl<'d> Image<'d> {
    /// Reads the headers of `data`.
    ///
    /// # Errors
    /// When it is not an x86-64 ELF executable (or shared object), or a header points outside of it.
    pub fn parse(data: &'d [u8]) -> Result<Self, ElfError> {
        let header = check_header(data)?;
        let sections = header.sections(LE, data)?;
        let mut image = Image {
            data,
            segments: Vec::new(),
            sections: Vec::new(),
            code: Vec::new(),
            relro: Vec::new(),
            slots: Vec::new(),
            relocations: Vec::new(),
            imports: Vec::new(),
            plt: Map::default(),
            code_symbols: Vec::new(),
            tls_symbols: Vec::new(),
            tls_size: None,
            position_independent: header.e_type(LE) == elf::ET_DYN,
            entry: header.e_entry(LE),
            exported: Vec::new(),
        };
        image.read_segments(header, data)?;
        for section in sections.iter() {
            let name = sections.section_name(LE, section)?;
            let flags = section.sh_flags(LE);
            image.sections.push(Section {
                name: std::str::from_utf8(name).unwrap_or("?"),
                address: section.sh_addr(LE),
                data: section.data(LE, data)?,
                allocated: flags & u64::from(elf::SHF_ALLOC) != 0,
                executable: flags & u64::from(elf::SHF_EXECINSTR) != 0,
            });
        }
        image.find_code();
        image.read_symbols(&sections, data)?;
        image.read_relocations(&sections, data)?;
        image.read_plt();
        Ok(image)
    }

    fn read_segments(&mut self, header: &Header, data: &'d [u8]) -> Result<(), ElfError> {
        for segment in header.program_headers(LE, data)? {
            let (start, size) = (segment.p_vaddr(LE), segment.p_memsz(LE));
            let end = start.checked_add(size).ok_or_else(|| damaged("a segment's size overflows"))?;
            match segment.p_type(LE) {
                elf::PT_LOAD => {
                    let bytes =
                        segment.data(LE, data).map_err(|()| damaged("a segment lies outside of the file"))?;
                    self.segments.push(Segment {
                        address: start,
                        file_offset: segment.p_offset(LE),
                        data: bytes,
                        executable: segment.p_flags(LE) & elf::PF_X != 0,
                        writable: segment.p_flags(LE) & elf::PF_W != 0,
                    });
                }
                elf::PT_GNU_RELRO => self.relro.push(start..end),
                elf::PT_TLS => {
                    self.tls_size = size.checked_next_multiple_of(segment.p_align(LE).max(1));
                }
                _ => {}
            }
        }
        self.segments.sort_by_key(|s| s.address);
        Ok(())
    }

    /// Sections say more exactly than segments where code is; without them the segments must do.
    fn find_code(&mut self) {
        let of_sections: Vec<_> = self
            .sections
            .iter()
            .filter(|s| s.executable && s.allocated)
            .map(|s| s.address..s.address.saturating_add(s.data.len() as u64))
            .collect();
        let of_segments = || {
            let code = self.segments.iter().filter(|s| s.executable);
            code.map(|s| s.address..s.address.saturating_add(s.data.len() as u64)).collect()
        };
        self.code = if of_sections.is_empty() { of_segments() } else { of_sections };
        self.code.sort_by_key(|r| r.start);
    }

    /// The name of an import.
    pub fn import_name(&self, import: Import) -> &'d str {
        self.imports.get(import.0 as usize).copied().unwrap_or("?")
    }

    /// Every import with its number.
    pub fn imports(&self) -> impl Iterator<Item = (Import, &'d str)> + '_ {
        self.imports.iter().enumerate().map(|(n, name)| (Import(n as u32), *name))
    }

    /// The section of this name.
    pub fn section(&self, name: &str) -> Option<&Section<'d>> {
        self.sections.iter().find(|s| s.name == name)
    }

    /// Does code lie at this address?
    pub fn is_code(&self, address: u64) -> bool {
        self.code_end(address).is_some()
    }

    /// The end of the stretch of code that holds this address.
    pub fn code_end(&self, address: u64) -> Option<u64> {
        // A handful of ranges.
        for range in &self.code {
            if address >= range.start && address < range.end {
                return Some(range.end);
            }
        }
        None
    }

    #[expect(clippy::manual_find, reason = "unoptimised, iterators take several times as long")]
    fn segment(&self, address: u64) -> Option<&Segment<'d>> {
        // A handful of segments.
        for segment in &self.segments {
            if address >= segment.address && address - segment.address < segment.data.len() as u64 {
                return Some(segment);
            }
        }
        None
    }

    /// `len` bytes at `address` as they are in the file.
    pub fn bytes(&self, address: u64, len: usize) -> Option<&'d [u8]> {
        let segment = self.segment(address)?;
        let start = usize::try_from(address - segment.address).ok()?;
        segment.data.get(start..start.checked_add(len)?)
    }

    /// Bytes by their place in the file.
    pub fn file_bytes(&self, offset: usize, len: usize) -> Option<&'d [u8]> {
        self.data.get(offset..offset.checked_add(len)?)
    }

    /// The 8-byte word at `address` as it is in the file.
    pub fn word(&self, address: u64) -> Option<u64> {
        self.bytes(address, 8).and_then(read_u64)
    }

    /// Where in the file the byte at `address` is.
    pub fn file_offset(&self, address: u64) -> Option<usize> {
        let segment = self.segment(address)?;
        usize::try_from(segment.file_offset + (address - segment.address)).ok()
    }

    /// What the loader puts into the word at `address`.
    pub fn slot(&self, address: u64) -> Option<Slot> {
        let index = first_at_least(&self.slots, address, |s| s.0);
        self.slots.get(index).filter(|s| s.0 == address).map(|s| s.1)
    }

    /// What a stub of the linker's jumps to.
    pub fn plt(&self, address: u64) -> Option<Slot> {
        self.plt.get(&address).copied()
    }

    /// What the word at `address` holds as long as the program runs, if nothing can write it: words of sections
    /// that are read-only, at once or after relocation, and those that the linker has made for code to find addresses in: nothing but the loader writes
    /// them, though they may be writable (`-z norelro`).
    pub fn constant(&self, address: u64) -> Option<Slot> {
        let slot = self.slot(address);
        if self.in_relro(address) {
            return slot.or_else(|| self.word(address).map(Slot::Address));
        }
        if self.is_of_linker(address) {
            // What is zero is the loader's own.
            return slot.or_else(|| self.word(address).filter(|w| *w != 0).map(Slot::Address));
        }
        if matches!(slot, Some(Slot::Import(_))) || self.segment(address)?.writable {
            return None;
        }
        slot.or_else(|| self.word(address).map(Slot::Address))
    }

    fn is_of_linker(&self, address: u64) -> bool {
        let holds = |s: &Section<'_>| address.wrapping_sub(s.address) < s.data.len() as u64;
        self.sections.iter().any(|s| s.name.starts_with(".got") && holds(s))
    }

    fn in_relro(&self, address: u64) -> bool {
        self.relro.iter().any(|r| r.contains(&address))
    }
}

fn check_header(data: &[u8]) -> Result<&Header, ElfError> {
    if data.get(..4) != Some(b"\x7fELF") {
        return Err(ElfError::NotElf);
    }
    if data.get(4) != Some(&elf::ELFCLASS64) || data.get(5) != Some(&elf::ELFDATA2LSB) {
        return Err(ElfError::NotElf64);
    }
    let header = Header::parse(data)?;
    match header.e_machine(LE) {
        elf::EM_X86_64 => {}
        other => return Err(ElfError::OtherMachine(other)),
    }
    match header.e_type(LE) {
        elf::ET_EXEC | elf::ET_DYN => Ok(header),
        other => Err(ElfError::NotLinked(other)),
    }
}

fn damaged(what: &str) -> ElfError {
    ElfError::Damaged(what.to_owned())
}

/// The index of the first element of the sorted `list` whose key is not less than `key`. The link step usually runs unoptimised: there, this
/// costs a fraction of what the standard library's generic search does.
pub(crate) fn first_at_least<T>(list: &[T], key: u64, of: fn(&T) -> u64) -> usize {
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if of(&list[middle]) < key {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The first eight bytes, little-endian.
pub(crate) fn read_u64(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|b| u64::from_le_bytes(*b))
}

/// The first four bytes, little-endian.
pub(crate) fn read_u32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|b| u32::from_le_bytes(*b))
}
