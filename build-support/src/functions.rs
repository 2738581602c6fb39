//! Second stage: where functions begin and end, and where control goes when a call in them panics.
//!
//! Unwind tables (`.eh_frame`) are the first source: every function that a panic can pass through has an entry, with or
//! without symbols. Symbols add names, and the functions that have no unwind entry.

use crate::elf::{Image, first_at_least};
use crate::lsda;
use crate::unwind;
use gimli::{BaseAddresses, EhFrame, EndianSlice, LittleEndian, UnwindSection};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::ops::Range;

/// Bytes of code that the map of starts speaks of at most: 32 MiB for the map.
const LARGEST_MAP: u64 = 1 << 28;

pub(crate) type Slice<'d> = EndianSlice<'d, LittleEndian>;

/// A function: a stretch of code that is entered at its start.
#[derive(Clone, Debug)]
pub struct Function {
    /// Address of the first instruction.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Offset of its entry in `.eh_frame`, if it has one.
    pub(crate) unwind: Option<usize>,
    pub(crate) lsda: Option<u64>,
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
    /// Sorted by start.
    list: Vec<Function>,
    /// A bit for each byte from `first` on: does a function begin there?
    starts: Vec<u64>,
    first: u64,
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
        let eh_frame = EhFrame::new(section.map_or(&[], |s| s.data), LittleEndian);
        let (list, error) = unwind::read(image, &eh_frame, &bases);
        let mut functions = Functions {
            list,
            starts: Vec::new(),
            first: 0,
            eh_frame,
            bases,
            damage: error.map(|error| format!(".eh_frame: {error}")),
        };
        functions.list.sort_by(|a, b| if a.start < b.start { Ordering::Less } else { a.start.cmp(&b.start) });
        functions.list.dedup_by(|later, first| {
            let same = later.start == first.start;
            if same {
                // Of several entries for one function the last counts.
                first.clone_from(later);
            }
            same
        });
        functions.add_symbols(image);
        functions.index_starts();
        functions
    }

    /// Symbols name what the unwind tables found; one in code that no unwind entry covers is a function too.
    fn add_symbols(&mut self, image: &Image<'d>) {
        let symbols = &image.code_symbols;
        let known = std::mem::take(&mut self.list);
        let mut found: Vec<Function> = Vec::with_capacity(known.len());
        let mut rest = known.into_iter().peekable();
        let mut covered = 0;
        for (index, symbol) in symbols.iter().enumerate() {
            let start = symbol.address;
            while let Some(function) = rest.next_if(|f| f.start <= start) {
                covered = function.end;
                found.push(function);
            }
            if start < covered {
                continue;
            }
            let next_symbol = symbols[index..].iter().map(|s| s.address).find(|a| *a > start);
            let next_known = rest.peek().map(|f| f.start);
            let limit = image.code_end(start);
            let sized = (symbol.size > 0).then(|| start.saturating_add(symbol.size));
            // An assembler label without a size reaches to the next thing that has a name.
            let Some(end) = [sized.or(next_symbol), next_known, limit].into_iter().flatten().min() else {
                continue;
            };
            covered = end;
            found.push(Function { start, end, unwind: None, lsda: None });
        }
        found.extend(rest);
        self.list = found;
    }

    fn index_starts(&mut self) {
        let Some((first, last)) = self.list.first().zip(self.list.last()) else { return };
        // Damaged files may have functions anywhere: then there is no map, and the list is searched.
        let span = last.start - first.start + 1;
        if span <= LARGEST_MAP {
            self.first = first.start;
            self.starts = vec![0; (span / 64 + 1) as usize];
            for function in &self.list {
                let bit = function.start - self.first;
                self.starts[(bit / 64) as usize] |= 1 << (bit % 64);
            }
        }
    }

    /// Does a function begin at `address`?
    pub fn begins_at(&self, address: u64) -> bool {
        if self.starts.is_empty() {
            return self.at(address).is_some();
        }
        let bit = address.wrapping_sub(self.first);
        let word = (bit / 64) as usize;
        word < self.starts.len() && self.starts[word] >> (bit % 64) & 1 == 1
    }

    /// The function that begins at `address`.
    pub fn at(&self, address: u64) -> Option<&Function> {
        self.number_at(address).map(|(_, function)| function)
    }

    /// The function that begins at `address`, and how many begin before it.
    pub(crate) fn number_at(&self, address: u64) -> Option<(usize, &Function)> {
        let index = first_at_least(&self.list, address, |f| f.start);
        self.list.get(index).filter(|f| f.start == address).map(|f| (index, f))
    }

    /// The function that holds `address`.
    pub fn containing(&self, address: u64) -> Option<&Function> {
        let index = first_at_least(&self.list, address.checked_add(1)?, |f| f.start);
        let function = self.list.get(index.checked_sub(1)?)?;
        (address < function.end).then_some(function)
    }

    /// All functions by address.
    pub fn iter(&self) -> impl Iterator<Item = &Function> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What the unwind table says about each stretch of a function; empty without an entry, or with a damaged one.
    pub fn rows(&self, function: &Function) -> Vec<Row> {
        let Some(offset) = function.unwind else { return Vec::new() };
        self.read_rows(offset).unwrap_or_default()
    }

    fn read_rows(&self, offset: usize) -> Result<Vec<Row>, gimli::Error> {
        thread_local! {
            // Making one takes longer than using it.
            static CONTEXT: RefCell<gimli::UnwindContext<usize>> = RefCell::default();
        }
        let fde = self.eh_frame.fde_from_offset(
            &self.bases,
            gimli::EhFrameOffset(offset),
            |section: &EhFrame<Slice<'d>>, bases: &BaseAddresses, at| section.cie_from_offset(bases, at),
        )?;
        CONTEXT.with_borrow_mut(|context| {
            let mut table = fde.rows(&self.eh_frame, &self.bases, context)?;
            let mut rows = Vec::new();
            while let Some(row) = table.next_row()? {
                let rsp_offset = match row.cfa() {
                    gimli::CfaRule::RegisterAndOffset { register, offset }
                        if *register == gimli::X86_64::RSP =>
                    {
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
        })
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
