//! Indirect calls in code that must stay on its chunk: the bytes before and including the call are moved away.
//!
//! ```text
//! before                     after
//!   mov  rdi, rbx              nop ...            as many bytes as were moved, less five
//!   mov  rsi, r14              call stub          ends where the call ended: the return address stays what it was
//!   call [rax + 24]
//!                            stub (on the hop stack):  call thunk
//!                            thunk:  mov rdi, rbx
//!                                    mov rsi, r14
//!                                    jmp [rax + 24]
//! ```
//! What is moved must not care where it runs: no branch may lead between the instructions, and they use neither rsp nor
//! rbp (another stack), nor r10, r11 and the flags (which the stub changes).

use crate::frames::{Program, Site};
use iced_x86::{Decoder, FlowControl, Instruction, InstructionInfoFactory, Register};

/// A call that can be moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thunk {
    /// First of the bytes that are moved.
    pub start: u64,
    /// Behind the call.
    pub end: u64,
    code: Vec<Moved>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Moved {
    bytes: Vec<u8>,
    /// Where in `bytes` a displacement is, and what address it must reach.
    relative: Option<(usize, u64)>,
}

/// Bytes of `call rel32`.
const CALL: u64 = 5;
/// More is never needed: the call and one to four short instructions.
const MOST_BYTES: u64 = 32;

impl Thunk {
    /// Moves the call at `site`, if that can be done.
    pub fn find(program: Program<'_, '_>, site: &Site) -> Option<Self> {
        if site.tail {
            return None;
        }
        let end = site.at + site.len as u64;
        // Instructions can be read only forwards: from the block's start.
        let length = usize::try_from(end.checked_sub(site.block)?).ok()?;
        let bytes = program.image.bytes(site.block, length)?;
        let mut decoder = Decoder::with_ip(64, bytes, site.block, 0);
        let mut instructions = Vec::new();
        while decoder.can_decode() {
            let instruction = decoder.decode();
            let offset = decoder.get_constant_offsets(&instruction).displacement_offset();
            instructions.push((instruction, offset));
        }
        let mut code = Vec::new();
        let mut start = end;
        let mut info = InstructionInfoFactory::new();
        for (instruction, offset) in instructions.iter().rev() {
            let is_call = instruction.ip() == site.at;
            let moved = movable(program, &mut info, instruction, is_call)
                .then(|| moved(program, instruction, *offset, is_call))
                .flatten()?;
            code.insert(0, moved);
            start = instruction.ip();
            if end - start >= CALL {
                break;
            }
        }
        let fits = (CALL..=MOST_BYTES).contains(&(end - start));
        fits.then_some(Thunk { start, end, code })
    }

    /// The moved instructions as they are at `address`. `None`: something they refer to is too far.
    pub fn code_at(&self, address: u64) -> Option<Vec<u8>> {
        let mut code = Vec::new();
        for moved in &self.code {
            let mut bytes = moved.bytes.clone();
            if let Some((offset, target)) = moved.relative {
                let end = address + (code.len() + bytes.len()) as u64;
                let displacement = i32::try_from(target.wrapping_sub(end).cast_signed()).ok()?;
                bytes.get_mut(offset..offset + 4)?.copy_from_slice(&displacement.to_le_bytes());
            }
            code.extend(bytes);
        }
        Some(code)
    }

    /// What stands where they were: a call of `stub`.
    pub fn replacement(&self, stub: u64) -> Option<Vec<u8>> {
        let displacement = i32::try_from(stub.wrapping_sub(self.end).cast_signed()).ok()?;
        let mut code = nops((self.end - self.start - CALL) as usize);
        code.push(0xe8);
        code.extend(displacement.to_le_bytes());
        Some(code)
    }
}

/// The recommended multi-byte nops (Intel SDM volume 2B, table 4-12): one instruction of up to eight bytes, and the rest.
fn nops(mut count: usize) -> Vec<u8> {
    const NOPS: [&[u8]; 8] = [
        &[0x90],
        &[0x66, 0x90],
        &[0x0f, 0x1f, 0x00],
        &[0x0f, 0x1f, 0x40, 0x00],
        &[0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
        &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    ];
    let mut code = Vec::with_capacity(count);
    while count > 0 {
        let len = count.min(NOPS.len());
        code.extend(NOPS[len - 1]);
        count -= len;
    }
    code
}

fn movable(
    program: Program<'_, '_>,
    info: &mut InstructionInfoFactory,
    instruction: &Instruction,
    is_call: bool,
) -> bool {
    let flow = instruction.flow_control();
    if flow != if is_call { FlowControl::IndirectCall } else { FlowControl::Next } {
        return false;
    }
    // A record speaks of an instruction where it is.
    let range = instruction.ip()..instruction.next_ip();
    if program.records.any_in(range) || instruction.rflags_read() != 0 {
        return false;
    }
    let taboo = [Register::RSP, Register::RBP, Register::R10, Register::R11];
    let used = info.info(instruction);
    let of_call =
        |register: Register| is_call && register == Register::RSP && !memory_uses(instruction, Register::RSP);
    used.used_registers().iter().all(|r| {
        let full = r.register().full_register();
        !taboo.contains(&full) || of_call(full)
    })
}

fn memory_uses(instruction: &Instruction, register: Register) -> bool {
    instruction.memory_base() == register || instruction.memory_index() == register
}

fn moved(program: Program<'_, '_>, instruction: &Instruction, offset: usize, is_call: bool) -> Option<Moved> {
    let mut bytes = program.image.bytes(instruction.ip(), instruction.len())?.to_vec();
    if is_call {
        // `call r/m64` is ff /2, `jmp r/m64` is ff /4.
        let opcode = bytes.iter().position(|b| *b == 0xff)?;
        let modrm = bytes.get_mut(opcode + 1)?;
        if *modrm >> 3 & 7 != 2 {
            return None;
        }
        *modrm = *modrm & 0xc7 | 4 << 3;
    }
    let relative =
        instruction.is_ip_rel_memory_operand().then(|| (offset, instruction.ip_rel_memory_address()));
    Some(Moved { bytes, relative })
}

#[cfg(test)]
mod tests {
    use super::nops;
    use iced_x86::{Decoder, Mnemonic};

    #[test]
    fn nops_fill_exactly() {
        for count in 0..40 {
            let code = nops(count);
            assert_eq!(code.len(), count);
            assert!(Decoder::new(64, &code, 0).into_iter().all(|i| i.mnemonic() == Mnemonic::Nop));
        }
    }
}
