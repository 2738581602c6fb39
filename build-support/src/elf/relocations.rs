//! What the loader will write where: relocation tables, and the linkage stubs that jump through what it wrote.

use super::{Header, Image, Import, LE, Relocation, Slot, damaged, read_u64};
use crate::error::ElfError;
use object::elf;
use object::read::elf::{Rela as _, SectionHeader as _, Sym as _};
use std::cmp::Ordering;
use std::collections::HashMap;

impl<'d> Image<'d> {
    pub(super) fn read_relocations(
        &mut self,
        sections: &object::read::elf::SectionTable<'d, Header>,
        data: &'d [u8],
    ) -> Result<(), ElfError> {
        let symbols = sections.symbols(LE, data, elf::SHT_DYNSYM)?;
        let mut imports = HashMap::new();
        for section in sections.iter() {
            if section.sh_flags(LE) & u64::from(elf::SHF_ALLOC) == 0 {
                continue;
            }
            if section.sh_type(LE) == elf::SHT_RELR {
                self.read_relr(section.data(LE, data)?);
            }
            let Some((entries, _)) = section.rela(LE, data)? else { continue };
            for (index, entry) in entries.iter().enumerate() {
                let kind = entry.r_type(LE, false);
                let target = entry.r_offset(LE);
                self.relocations.push(Relocation {
                    target,
                    kind,
                    file_offset: section.sh_offset(LE) + 24 * index as u64,
                });
                let addend = entry.r_addend(LE) as u64;
                let slot = match kind {
                    elf::R_X86_64_RELATIVE => Slot::Address(addend),
                    elf::R_X86_64_IRELATIVE => Slot::Chosen(addend),
                    elf::R_X86_64_64 | elf::R_X86_64_GLOB_DAT | elf::R_X86_64_JUMP_SLOT => {
                        let Ok(symbol) = symbols.symbol(object::SymbolIndex(entry.r_sym(LE, false) as usize))
                        else {
                            return Err(damaged("a relocation names no symbol"));
                        };
                        // The executable comes first in the loader's search, so its own definition wins.
                        if symbol.st_shndx(LE) != elf::SHN_UNDEF && symbol.st_type() != elf::STT_GNU_IFUNC {
                            Slot::Address(symbol.st_value(LE).wrapping_add(addend))
                        } else if addend == 0 {
                            let name = symbols.symbol_name(LE, symbol)?;
                            let name = std::str::from_utf8(name).unwrap_or("?");
                            let number = *imports.entry(name).or_insert_with(|| {
                                self.imports.push(name);
                                Import(self.imports.len() as u32 - 1)
                            });
                            Slot::Import(number)
                        } else {
                            continue;
                        }
                    }
                    _ => continue,
                };
                self.slots.push((target, slot));
            }
        }
        self.sort_slots();
        Ok(())
    }

    /// Of several entries for one word the last counts. Linkers write them nearly sorted.
    fn sort_slots(&mut self) {
        self.slots.sort_by(|a, b| {
            if a.0 <= b.0 {
                if a.0 == b.0 { Ordering::Equal } else { Ordering::Less }
            } else {
                Ordering::Greater
            }
        });
        self.slots.reverse();
        self.slots.dedup_by(|a, b| a.0 == b.0);
        self.slots.reverse();
    }

    /// The packed form of relative relocations: the words themselves hold the addends.
    fn read_relr(&mut self, table: &'d [u8]) {
        let mut next = 0_u64;
        let fill = |image: &mut Self, at: u64| {
            if let Some(value) = image.word(at) {
                image.slots.push((at, Slot::Address(value)));
            }
        };
        for entry in table.chunks_exact(8).filter_map(read_u64) {
            if entry & 1 == 0 {
                fill(self, entry);
                next = entry.wrapping_add(8);
                continue;
            }
            for bit in 0..63_u64 {
                if entry >> (bit + 1) & 1 == 1 {
                    fill(self, next.wrapping_add(8 * bit));
                }
            }
            next = next.wrapping_add(63 * 8);
        }
    }

    /// Linkage stubs: `[endbr64] jmp [rip + slot]` in the sections that the linker makes for them.
    pub(super) fn read_plt(&mut self) {
        let mut found = Vec::new();
        for section in self.sections.iter().filter(|s| s.executable && s.name.contains("plt")) {
            let mut decoder = iced_x86::Decoder::with_ip(64, section.data, section.address, 0);
            let mut marked = None;
            while decoder.can_decode() {
                let instruction = decoder.decode();
                if instruction.mnemonic() == iced_x86::Mnemonic::Endbr64 {
                    marked = Some(instruction.ip());
                    continue;
                }
                if instruction.mnemonic() == iced_x86::Mnemonic::Jmp && instruction.is_ip_rel_memory_operand()
                {
                    let slot = self.slot(instruction.ip_rel_memory_address());
                    found.extend(slot.map(|s| (instruction.ip(), s)));
                    found.extend(slot.zip(marked).map(|(s, at)| (at, s)));
                }
                marked = None;
            }
        }
        self.plt.extend(found);
    }
}
