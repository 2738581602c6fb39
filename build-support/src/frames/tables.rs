//! Jump tables: where a computed jump inside a function can go.
//!
//! Two forms are known: 32-bit offsets from the table itself (what compilers emit for position-independent code), and
//! 8-byte addresses. A table's length is not stored. It is read up to the first word that is no place in this
//! function, or where something else begins that the function refers to: that is the table and perhaps more, never less, because every true entry
//! is an instruction of the function. What was read too much does no harm: such edges are doubtful.

use super::blocks::Interpreter;
use crate::elf::{Slot, read_u32};

/// No compiled function has a longer table; a limit for damaged files.
const LONGEST: u64 = 1 << 16;

impl Interpreter<'_, '_> {
    /// The instructions that a table of offsets leads to.
    pub(super) fn offset_table(&mut self, table: u64) -> Vec<usize> {
        self.read_table(table, 4, |this, at| {
            let offset = this.program.image.bytes(at, 4).and_then(read_u32)?;
            Some(table.wrapping_add_signed(i64::from(offset.cast_signed())))
        })
    }

    /// The instructions that a table of addresses leads to.
    pub(super) fn address_table(&mut self, table: u64) -> Vec<usize> {
        self.read_table(table, 8, |this, at| match this.program.image.constant(at)? {
            Slot::Address(address) => Some(address),
            Slot::Import(_) | Slot::Chosen(_) => None,
        })
    }

    fn read_table(&mut self, table: u64, step: u64, entry: impl Fn(&Self, u64) -> Option<u64>) -> Vec<usize> {
        self.tables.insert(table);
        let mut targets = Vec::new();
        for number in 0..LONGEST {
            let at = table.wrapping_add(number * step);
            if number > 0 && self.tables.contains(&at) {
                break;
            }
            let Some(index) = entry(self, at).and_then(|address| self.index_of(address)) else { break };
            if !targets.contains(&index) {
                targets.push(index);
            }
        }
        targets
    }
}
