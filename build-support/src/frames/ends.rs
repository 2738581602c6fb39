//! Functions that never come back to their caller, told by their instructions alone.
//!
//! What stands behind a call of one is other code. Mostly it does no harm to take it for what follows; but if a plain path begins there, as
//! the compiler likes to place it behind a panic, its calls would be taken for calls on a chunk; and code that relies on a register would seem to be reached
//! without what it needs in there. `Graph::may_return` asks the same of functions that have
//! been followed; here nothing has been yet, so only what no path could contradict counts.

use super::{Program, Target};
use crate::pools::{self, HopTo};
use crate::rules::Rules;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Mnemonic};

impl Program<'_, '_> {
    /// Is it certain that none of these returns to where it is called?
    pub(crate) fn never_comes_back(&self, target: &Target) -> bool {
        match target {
            // In an executable that the link step has been through.
            Target::Function(stub) if self.records.in_pool(*stub) => {
                match pools::call_of(self.image, self.records, *stub) {
                    Some(HopTo::Function(callee)) => self.has_no_way_out(callee),
                    Some(HopTo::Import(import)) => self.never_comes_back(&Target::Import(import)),
                    Some(HopTo::Site(_)) | None => false,
                }
            }
            Target::Function(address) => self.has_no_way_out(*address),
            Target::Import(import) => Rules::ours().import_never_returns(self.image.import_name(*import)),
            Target::Member(_) | Target::Argument(_) => false,
        }
    }

    /// No return, no jump that leads out of it or to an unknown place, and its end is never passed.
    fn has_no_way_out(&self, address: u64) -> bool {
        let Some(function) = self.functions.at(address) else { return false };
        let (start, end) = (function.start, function.end);
        let Some(bytes) = self.image.bytes(start, (end - start) as usize) else { return false };
        // What moves rsp to other stacks comes back in ways of its own.
        if self.records.switches(start) {
            return false;
        }
        let mut passes_on = true;
        for instruction in &mut Decoder::with_ip(64, bytes, start, DecoderOptions::NONE) {
            passes_on = match instruction.flow_control() {
                _ if instruction.is_invalid() => return false,
                FlowControl::Return | FlowControl::IndirectBranch | FlowControl::XbeginXabortXend => {
                    return false;
                }
                FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                    if !(start..end).contains(&instruction.near_branch_target()) {
                        return false;
                    }
                    instruction.flow_control() == FlowControl::ConditionalBranch
                }
                // A call at the very end is one that does not return: no compiler has control run into the next function.
                FlowControl::Call | FlowControl::IndirectCall => instruction.mnemonic() == Mnemonic::Syscall,
                FlowControl::Interrupt | FlowControl::Exception => false,
                // Padding behind the last of them.
                FlowControl::Next if instruction.mnemonic() == Mnemonic::Nop => passes_on,
                FlowControl::Next => instruction.mnemonic() != Mnemonic::Hlt,
            };
        }
        !passes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::display_name;
    use crate::program::Loaded;

    #[test]
    fn a_panic_does_not_come_back_and_a_jump_to_an_import_may() {
        let path = std::env::current_exe().expect("a path");
        let data = std::fs::read(path).expect("readable");
        let loaded = Loaded::read(&data).expect("an executable");
        let known = [
            ("core::panicking::panic_fmt", true),
            ("std::process::exit", true),
            ("std::thread::functions::yield_now", false),
            ("std::thread::current::current", false),
        ];
        let mut found = 0;
        for function in loaded.functions.iter() {
            let name = display_name(&loaded.image, function.start);
            if let Some((_, ends)) = known.iter().find(|(known, _)| *known == name) {
                let target = Target::Function(function.start);
                assert_eq!(loaded.program().never_comes_back(&target), *ends, "{name}");
                found += 1;
            }
        }
        assert!(found >= 2, "std calls them otherwise now");
    }
}
