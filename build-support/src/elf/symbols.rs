//! Names of functions and thread-locals.

use super::{Header, Image, LE, Symbol};
use crate::error::ElfError;
use object::elf;
use object::read::elf::SectionHeader as _;
use std::cmp::Ordering;
use std::ffi::CStr;

impl<'d> Image<'d> {
    pub(super) fn read_symbols(
        &mut self,
        sections: &object::read::elf::SectionTable<'d, Header>,
        data: &'d [u8],
    ) -> Result<(), ElfError> {
        let full = sections.symbols(LE, data, elf::SHT_SYMTAB)?;
        let dynamic = sections.symbols(LE, data, elf::SHT_DYNSYM)?;
        for (table, is_dynamic) in [(&full, false), (&dynamic, true)] {
            let strings = sections
                .section(table.string_section())
                .ok()
                .filter(|_| table.string_section().0 != 0)
                .and_then(|s| s.data(LE, data).ok())
                .unwrap_or_default();
            // What is exported is in the full table too, if there is one.
            let again = is_dynamic && !full.is_empty();
            for symbol in table.symbols() {
                if symbol.st_shndx.get(LE) == elf::SHN_UNDEF {
                    continue;
                }
                let kind = symbol.st_info & 0xf;
                let address = symbol.st_value.get(LE);
                let function = matches!(kind, elf::STT_FUNC | elf::STT_NOTYPE | elf::STT_GNU_IFUNC)
                    && !again
                    && self.is_code(address);
                let thread_local = kind == elf::STT_TLS && !is_dynamic;
                if !function && !thread_local && !is_dynamic {
                    continue;
                }
                let Some(name) = text(strings, symbol.st_name.get(LE)) else { continue };
                let global = symbol.st_info >> 4 != elf::STB_LOCAL;
                let known = Symbol { address, size: symbol.st_size.get(LE), name, global };
                if is_dynamic {
                    self.exported.push(name);
                }
                if thread_local {
                    self.tls_symbols.push(known);
                } else if function {
                    self.code_symbols.push(known);
                }
            }
        }
        self.sort_code_symbols();
        Ok(())
    }

    /// Of the names of one address the first is shown: prefer sized, then global, then the alphabet.
    fn sort_code_symbols(&mut self) {
        self.code_symbols.sort_by(|a, b| {
            if a.address != b.address {
                return if a.address < b.address { Ordering::Less } else { Ordering::Greater };
            }
            (a.size == 0, !a.global, a.name).cmp(&(b.size == 0, !b.global, b.name))
        });
        self.code_symbols.dedup_by(|a, b| a.address == b.address && a.name == b.name);
    }
}

/// The string that begins at `offset`.
fn text(strings: &[u8], offset: u32) -> Option<&str> {
    CStr::from_bytes_until_nul(strings.get(offset as usize..)?).ok()?.to_str().ok()
}
