//! How stubs of imports learn what they call: the loader's relocation entries.
//!
//! ```text
//!             bind: sites were rewritten              exchange: somebody loads the import's address
//!             before            after                 before            after
//! slot        <- the import     <- the import         <- the import     <- the stub
//! stub's own  <- the stub       <- the import         <- the stub       <- the import
//! ```
//! After *bind* only calls that can be made on a chunk go by way of the stub; after *exchange* all calls of the import in the
//! executable do, and those off the chunks pay for a test and a jump.
//!
//! The loader takes the first `DT_RELACOUNT` entries for relative ones without looking (glibc, musl): what is bound moves behind them.

use super::Result;
use super::patch::Plan;
use crate::elf::{Image, Import, Slot, read_u64};
use crate::error::LinkError;
use object::elf::{DT_RELA, DT_RELACOUNT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of an entry: the word that it fills, symbol and kind, addend.
const ENTRY: usize = 24;

type Entry = [u8; ENTRY];

/// The kind of what a stub's own slot gets: the function itself. Where the executable's code stands at a fixed address and takes the function's, the linker has made that the address of a
/// PLT entry of the executable's, for all who ask with another kind (`R_X86_64_GLOB_DAT`); that entry leads to the stub, which would go round for ever.
const FUNCTION: u64 = R_X86_64_JUMP_SLOT as u64;

/// The relocation entries that are of interest, and what becomes of them.
pub(super) struct Entries<'i, 'd> {
    image: &'i Image<'d>,
    /// Changed entries, by their place in the file.
    changed: BTreeMap<u64, Entry>,
    /// Entries that were relative and are no more.
    bound: BTreeSet<u64>,
    /// Of the stubs' own slots: where their entries are.
    own: BTreeMap<u64, u64>,
    /// Of each import: the words that hold it, and where their entries are.
    holders: BTreeMap<Import, Vec<(u64, u64)>>,
}

impl<'i, 'd> Entries<'i, 'd> {
    /// Looks for the entries of `imports` with the stubs' own slots.
    pub(super) fn find(image: &'i Image<'d>, imports: &BTreeMap<Import, u64>) -> Self {
        let mut entries = Entries {
            image,
            changed: BTreeMap::new(),
            bound: BTreeSet::new(),
            own: BTreeMap::new(),
            holders: BTreeMap::new(),
        };
        let first = imports.values().min().copied().unwrap_or(u64::MAX);
        let last = imports.values().max().copied().unwrap_or(0);
        for relocation in &image.relocations {
            if relocation.kind == R_X86_64_RELATIVE {
                if (first..=last).contains(&relocation.target) {
                    entries.own.insert(relocation.target, relocation.file_offset);
                }
            } else if let Some(Slot::Import(import)) = image.slot(relocation.target)
                && imports.contains_key(&import)
            {
                entries.holders.entry(import).or_default().push((relocation.target, relocation.file_offset));
            }
        }
        entries
    }

    /// Can the stub's own slot be bound? At fixed addresses it has no entry that could be changed.
    pub(super) fn can_bind(&self, import: Import, slot: u64) -> bool {
        self.own.contains_key(&slot) && self.holders.contains_key(&import)
    }

    fn entry(&self, offset: u64) -> Result<Entry> {
        if let Some(entry) = self.changed.get(&offset) {
            return Ok(*entry);
        }
        self.image
            .file_bytes(offset as usize, ENTRY)
            .and_then(|b| b.first_chunk().copied())
            .ok_or_else(|| LinkError::NotVerified("relocation entry: outside of the file".to_owned()))
    }

    fn change(&mut self, offset: u64, word: usize, to: u64) -> Result<()> {
        let mut entry = self.entry(offset)?;
        entry[8 * word..8 * word + 8].copy_from_slice(&to.to_le_bytes());
        self.changed.insert(offset, entry);
        Ok(())
    }

    /// Makes an entry one of the function itself of which `of` tells.
    fn name_function(&mut self, entry: u64, of: u64) -> Result<()> {
        let symbol = read_u64(&self.entry(of)?[8..]).unwrap_or_default() >> 32;
        self.change(entry, 1, symbol << 32 | FUNCTION)
    }

    /// The stub's own slot holds the import; the import's slots stay as they are.
    pub(super) fn bind(&mut self, import: Import, slot: u64) -> Result<()> {
        let lost = || LinkError::NotVerified(format!("import stub: the slot at {slot:#x} cannot be bound"));
        let own = *self.own.get(&slot).ok_or_else(lost)?;
        let (_, theirs) = *self.holders.get(&import).and_then(|h| h.first()).ok_or_else(lost)?;
        self.name_function(own, theirs)?;
        self.change(own, 2, 0)?;
        self.bound.insert(own);
        Ok(())
    }

    /// Makes everybody who calls an import through a slot call the stub, and the stub's own slot hold the import: the loader's entries
    /// for the two exchange the words that they fill. Further words with the import's address get the stub's.
    pub(super) fn exchange(&mut self, import: Import, slot: u64, stub: u64, plan: &mut Plan) -> Result<()> {
        for (index, (target, theirs)) in self.holders.get(&import).cloned().into_iter().flatten().enumerate()
        {
            if index > 0 {
                self.change(theirs, 1, u64::from(R_X86_64_RELATIVE))?;
                self.change(theirs, 2, stub)?;
                continue;
            }
            self.change(theirs, 0, slot)?;
            self.name_function(theirs, theirs)?;
            match self.own.get(&slot).copied() {
                Some(own) => self.change(own, 0, target)?,
                None if self.image.position_independent => {
                    return Err(LinkError::NotVerified(
                        "import stub: its slot has no relocation entry of its own (link without `-z pack-relative-relocs`)".to_owned(),
                    ));
                }
                None => plan.replace(self.image, target, &stub.to_le_bytes(), "import slot")?,
            }
        }
        Ok(())
    }

    /// Plans all changes.
    pub(super) fn write(mut self, plan: &mut Plan) -> Result<()> {
        let what = "relocation entry";
        self.move_behind_relative_ones(plan)?;
        for (offset, entry) in &self.changed {
            let old = self.image.file_bytes(*offset as usize, ENTRY).unwrap_or_default();
            plan.replace_in_file(*offset as usize, old, entry, what)?;
        }
        Ok(())
    }

    fn move_behind_relative_ones(&mut self, plan: &mut Plan) -> Result<()> {
        let Some((at, count)) = self.dynamic(DT_RELACOUNT.cast_unsigned()) else { return Ok(()) };
        let table =
            self.dynamic(DT_RELA.cast_unsigned()).and_then(|(_, address)| self.image.file_offset(address));
        let Some(table) = table.map(|t| t as u64) else { return Ok(()) };
        let end = table.saturating_add(count.saturating_mul(ENTRY as u64));
        let inside: Vec<u64> = self.bound.range(table..end).copied().collect();
        let new_end = end - (inside.len() * ENTRY) as u64;
        // Relative ones from the end take the places of bound ones before it.
        let mut places = inside.iter().copied().filter(|o| *o < new_end);
        let bound: Vec<Entry> = inside.iter().map(|o| self.entry(*o)).collect::<Result<_>>()?;
        for offset in (new_end..end).step_by(ENTRY).filter(|o| !self.bound.contains(o)) {
            let entry = self.entry(offset)?;
            if let Some(place) = places.next() {
                self.changed.insert(place, entry);
            }
        }
        for (offset, entry) in (new_end..end).step_by(ENTRY).zip(bound) {
            self.changed.insert(offset, entry);
        }
        if !inside.is_empty() {
            let left = count - inside.len() as u64;
            plan.replace(self.image, at, &left.to_le_bytes(), "number of relative relocations")?;
        }
        Ok(())
    }

    /// Where the value of an entry of the dynamic section is, and what it is.
    fn dynamic(&self, tag: u64) -> Option<(u64, u64)> {
        let section = self.image.section(".dynamic")?;
        let index = section.data.chunks_exact(16).position(|e| read_u64(e) == Some(tag))?;
        let value = read_u64(&section.data[16 * index + 8..])?;
        Some((section.address + 16 * index as u64 + 8, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// In this very program: a relative word becomes a second word with the address of an import, and nothing else changes.
    #[test]
    fn a_bound_slot_holds_the_import_and_all_others_stay() {
        let path = std::env::current_exe().expect("a path");
        let data = std::fs::read(path).expect("readable");
        let image = Image::parse(&data).expect("an executable");
        let relative: Vec<u64> =
            image.relocations.iter().filter(|r| r.kind == R_X86_64_RELATIVE).map(|r| r.target).collect();
        let mut imports = BTreeMap::new();
        // The first, one in the middle and the last, so that places are exchanged.
        let slots = [relative[0], relative[relative.len() / 2], relative[relative.len() - 1]];
        for ((import, _), slot) in image.imports().zip(slots) {
            imports.insert(import, slot);
        }
        let (mut entries, mut plan) = (Entries::find(&image, &imports), Plan::default());
        let mut bound = 0;
        for (import, slot) in &imports {
            if entries.can_bind(*import, *slot) {
                entries.bind(*import, *slot).expect("bound");
                bound += 1;
            }
        }
        assert!(bound >= 2, "{imports:?}");
        let count = entries.dynamic(DT_RELACOUNT.cast_unsigned()).expect("a count").1;
        entries.write(&mut plan).expect("planned");
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&data).expect("written");
        plan.apply(&file).expect("changed");
        plan.verify(&file).expect("verified");
        // SAFETY: nobody else has the file.
        let changed = unsafe { memmap2::Mmap::map(&file) }.expect("mapped");
        let after = Image::parse(&changed).expect("still an executable");
        let left = Entries::find(&after, &imports).dynamic(DT_RELACOUNT.cast_unsigned()).expect("a count").1;
        assert_eq!(left, count - bound);
        for relocation in &image.relocations {
            let is = after.slot(relocation.target);
            match imports.iter().find(|(_, slot)| **slot == relocation.target) {
                Some((import, _)) if matches!(is, Some(Slot::Import(_))) => {
                    assert_eq!(is, Some(Slot::Import(*import)));
                }
                _ => assert_eq!(is, image.slot(relocation.target), "{:#x}", relocation.target),
            }
        }
        // The loader takes that many for relative without looking.
        let first = after.relocations.iter().take(left as usize);
        assert!(first.clone().all(|r| r.kind == R_X86_64_RELATIVE));
    }
}
