//! Second stage: where functions begin and end, and where control goes when a call in them panics.
//!
//! Unwind tables (`.eh_frame`) are the first source: every function that a panic can pass through has an entry, with or
//! without symbols. Symbols add names, and the functions that have no unwind entry.

use crate::elf::Image;
use crate::lsda;
use gimli::{BaseAddresses, CieOrFde, EhFrame, EndianSlice, LittleEndian, UnwindSection};
use std::collections::BTreeMap;
use std::ops::Range;

type Slice<'d> = EndianSlice<'d, LittleEndian>;

/// A function: a stretch of code that is entered at its start.
#[derive(Clone, Debug)]
pub struct Function {
    /// Address of the first instruction.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Offset of its entry in `.eh_frame`, if it has one.
    unwind: Option<usize>,
    lsda: Option<u64>,
}

/// One stretch of a function in which the unwind table gives the frame address (CFA) in the same way.
#[derive(Clone, Debug)]
pub struct Row {
    /// The instructions it speaks of.
    pub range: Range<u64>,
    /// CFA = rsp + this, where it is given so. Before any push it is 8.
    pub rsp_offset: Option<i64>,
    /// Bytes of pushed arguments that the unwinder drops when it lands in this function.
    pub arguments: u64,
}

/// The functions of an image.
pub struct Functions<'d> {
    by_start: BTreeMap<u64, Function>,
    eh_frame: EhFrame<Slice<'d>>,
    bases: BaseAddresses,
    /// What was wrong with the unwind tables, if anything: then some functions are missing.
    pub damage: Option<String>,
}

impl<'d> Functions<'d> {
    /// Finds the functions of `image`.
    pub fn find(image: &Image<'d>) -> Self {
        let mut bases = BaseAddresses::default();
        let at = |name: &str| image.section(name).map(|s| s.address);
        if let Some(address) = at(".text") {
            bases = bases.set_text(address);
        }
        if let Some(address) = at(".got") {
            bases = bases.set_got(address);
        }
        let section = image.section(".eh_frame");
        if let Some(section) = section {
            bases = bases.set_eh_frame(section.address);
        }
        let mut functions = Functions {
            by_start: BTreeMap::new(),
            eh_frame: EhFrame::new(section.map_or(&[], |s| s.data), LittleEndian),
            bases,
            damage: None,
        };
        if let Err(error) = functions.read_unwind(image) {
            functions.damage = Some(format!(".eh_frame: {error}"));
        }
        functions.read_symbols(image);
        functions
    }

    fn read_unwind(&mut self, image: &Image<'d>) -> Result<(), gimli::Error> {
        let mut cies = std::collections::HashMap::new();
        let mut entries = self.eh_frame.entries(&self.bases);
        while let Some(entry) = entries.next()? {
            let CieOrFde::Fde(partial) = entry else { continue };
            let offset = partial.offset();
            let fde = partial.parse(|section, bases, at| match cies.get(&at) {
                Some(cie) => Ok(Clone::clone(cie)),
                None => section.cie_from_offset(bases, at).inspect(|cie| {
                    cies.insert(at, cie.clone());
                }),
            })?;
            let (start, len) = (fde.initial_address(), fde.len());
            let Some(end) = start.checked_add(len) else { continue };
            // Entries of functions that the linker removed point nowhere.
            if len == 0 || !image.is_code(start) {
                continue;
            }
            let lsda = fde.lsda().map(|pointer| match pointer {
                gimli::Pointer::Direct(address) | gimli::Pointer::Indirect(address) => address,
            });
            self.by_start.insert(start, Function { start, end, unwind: Some(offset), lsda });
        }
        Ok(())
    }

    /// Symbols name what the unwind tables found; one in code that no unwind entry covers is a function too.
    fn read_symbols(&mut self, image: &Image<'d>) {
        let symbols = &image.code_symbols;
        for (index, symbol) in symbols.iter().enumerate() {
            let start = symbol.address;
            if self.containing(start).is_some() {
                continue;
            }
            let next_symbol = symbols[index..].iter().map(|s| s.address).find(|a| *a > start);
            let next_known = self.by_start.range(start..).next().map(|(a, _)| *a);
            let limit = image.code_end(start);
            let sized = (symbol.size > 0).then(|| start.saturating_add(symbol.size));
            // An assembler label without a size reaches to the next thing that has a name.
            let Some(end) = [sized.or(next_symbol), next_known, limit].into_iter().flatten().min() else {
                continue;
            };
            self.by_start.insert(start, Function { start, end, unwind: None, lsda: None });
        }
    }

    /// The function that begins at `address`.
    pub fn at(&self, address: u64) -> Option<&Function> {
        self.by_start.get(&address)
    }

    /// The function that holds `address`.
    pub fn containing(&self, address: u64) -> Option<&Function> {
        let (_, function) = self.by_start.range(..=address).next_back()?;
        (address < function.end).then_some(function)
    }

    /// All functions by address.
    pub fn iter(&self) -> impl Iterator<Item = &Function> {
        self.by_start.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_start.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// What the unwind table says about each stretch of a function; empty without an entry, or with a damaged one.
    pub fn rows(&self, function: &Function) -> Vec<Row> {
        let Some(offset) = function.unwind else { return Vec::new() };
        self.read_rows(offset).unwrap_or_default()
    }

    fn read_rows(&self, offset: usize) -> Result<Vec<Row>, gimli::Error> {
        let fde = self.eh_frame.fde_from_offset(
            &self.bases,
            gimli::EhFrameOffset(offset),
            |section: &EhFrame<Slice<'d>>, bases: &BaseAddresses, at| section.cie_from_offset(bases, at),
        )?;
        let mut context = gimli::UnwindContext::new();
        let mut table = fde.rows(&self.eh_frame, &self.bases, &mut context)?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row()? {
            let rsp_offset = match row.cfa() {
                gimli::CfaRule::RegisterAndOffset { register, offset } if *register == gimli::X86_64::RSP => {
                    Some(*offset)
                }
                _ => None,
            };
            rows.push(Row {
                range: row.start_address()..row.end_address(),
                rsp_offset,
                arguments: row.saved_args_size(),
            });
        }
        Ok(rows)
    }

    /// Where control can go when a call panics: `(range of calls, landing pad)`.
    ///
    /// # Errors
    /// When the table has a form that is not understood; then nothing is known about the function.
    pub fn landing_pads(
        &self,
        image: &Image<'d>,
        function: &Function,
    ) -> Result<Vec<(Range<u64>, u64)>, lsda::Unreadable> {
        function.lsda.map_or(Ok(Vec::new()), |at| lsda::read(image, function.start, at))
    }
}

impl Function {
    /// Does an unwind table entry say where it begins and ends?
    pub fn has_unwind_entry(&self) -> bool {
        self.unwind.is_some()
    }
}

/// The name to show for the code at `address`: demangled, without hashes, or its address.
pub fn display_name(image: &Image<'_>, address: u64) -> String {
    match symbol_name(image, address) {
        Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
        None => format!("function at {address:#x}"),
    }
}

/// The first name of the code at `address`, as linked.
pub fn symbol_name<'d>(image: &Image<'d>, address: u64) -> Option<&'d str> {
    symbol_names(image, address).next()
}

/// Every name of the code at `address`, as linked: identical functions may have been folded into one.
pub fn symbol_names<'a, 'd>(
    image: &'a Image<'d>,
    address: u64,
) -> impl Iterator<Item = &'d str> + use<'a, 'd> {
    let symbols = &image.code_symbols;
    let first = symbols.partition_point(|s| s.address < address);
    symbols[first..].iter().take_while(move |s| s.address == address).map(|s| s.name)
}
