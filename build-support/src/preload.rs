//! Calls through a register that was loaded for this call alone.
//!
//! Unoptimised code often says `mov rax, [rip + slot]; ...; call rax`, or `lea rax, [rip + f]` where the linker knew better. If nobody
//! else sees the register in between, and the callee may change it, then the load belongs to the call, and can name a
//! stub instead.

use crate::elf::Slot;
use crate::frames::{Form, Program, Site};
use iced_x86::{Decoder, FlowControl, InstructionInfoFactory, Mnemonic, OpKind, Register};

/// Registers that a callee may change: after the call nobody can want the value.
const FLEETING: [Register; 9] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
];

/// The load of `target` that belongs to the call at `site`.
pub fn find(program: Program<'_, '_>, site: &Site, target: u64) -> Option<u64> {
    let end = site.at + site.len as u64;
    let length = usize::try_from(end.checked_sub(site.block)?).ok()?;
    let bytes = program.image.bytes(site.block, length)?;
    let mut instructions: Vec<_> = Decoder::with_ip(64, bytes, site.block, 0).into_iter().collect();
    let call = instructions.pop()?;
    let register = call.op0_register();
    let through_register =
        call.flow_control() == FlowControl::IndirectCall && call.op0_kind() == OpKind::Register;
    if site.form != Form::Other || call.ip() != site.at || !through_register || !FLEETING.contains(&register)
    {
        return None;
    }
    let mut info = InstructionInfoFactory::new();
    for instruction in instructions.iter().rev() {
        let writes = instruction.op0_register() == register && instruction.is_ip_rel_memory_operand();
        if writes && instruction.len() == 7 && program.records.mark(instruction.ip()).is_none() {
            let address = instruction.ip_rel_memory_address();
            let loads = match instruction.mnemonic() {
                Mnemonic::Lea => address == target,
                Mnemonic::Mov => program.image.constant(address) == Some(Slot::Address(target)),
                _ => false,
            };
            return loads.then(|| instruction.ip());
        }
        let used = info.info(instruction).used_registers();
        if used.iter().any(|u| u.register().full_register() == register) {
            return None;
        }
    }
    None
}
