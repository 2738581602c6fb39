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
//! What is moved must not care where it runs: no branch may lead between the instructions, and they use neither r10, r11 nor the flags
//! (which the stub changes), nor rbp (which the stub saves). Memory on the stack, at a fixed distance from rsp, they may use if the call has no
//! stack arguments (which the stub copies before): then there are two thunks, one for each way to it.
//!
//! ```text
//! where the call was   off the chunks: jmp thunk     on a chunk: push rbp; mov rbp, rsp; mov rsp, hop stack; call thunk
//!   [rsp + d]            [rsp + 8 + d]                 [rbp + 16 + d]
//! ```

use crate::frames::{Program, Site};
use iced_x86::{
    ConstantOffsets, Decoder, FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind, Register,
};

/// A call that can be moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thunk {
    /// First of the bytes that are moved.
    pub start: u64,
    /// Behind the call.
    pub end: u64,
    code: Vec<Moved>,
}

/// From where a thunk is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// By a jump, with one more word on the stack than at the call.
    OffChunks,
    /// On another stack, with rbp two words below what rsp was at the call.
    FromChunk,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Moved {
    /// The instruction, as it is on the first way and on the second.
    bytes: [Vec<u8>; 2],
    /// Where in `bytes` a displacement is, and what address it must reach.
    relative: Option<(usize, u64)>,
}

/// Bytes of `call rel32`.
const CALL: u64 = 5;
/// More is never needed: the call and one to four short instructions.
const MOST_BYTES: u64 = 32;

impl Thunk {
    /// Moves the call at `site`.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub fn find(program: Program<'_, '_>, site: &Site) -> Result<Self, &'static str> {
        if site.tail {
            return Err("it is a jump");
        }
        let end = site.at + site.len as u64;
        // Instructions can be read only forwards: from the block's start.
        let length = end.checked_sub(site.block).and_then(|l| usize::try_from(l).ok());
        let bytes =
            length.and_then(|l| program.image.bytes(site.block, l)).ok_or("its code is not in the file")?;
        let mut decoder = Decoder::with_ip(64, bytes, site.block, 0);
        let mut instructions = Vec::new();
        while decoder.can_decode() {
            let instruction = decoder.decode();
            let offsets = decoder.get_constant_offsets(&instruction);
            instructions.push((instruction, offsets));
        }
        let mut code = Vec::new();
        let mut start = end;
        let mut info = InstructionInfoFactory::new();
        for (instruction, offsets) in instructions.iter().rev() {
            let is_call = instruction.ip() == site.at;
            movable(program, &mut info, instruction, is_call)?;
            let moved = moved(program, instruction, *offsets, is_call);
            code.insert(0, moved.ok_or("an instruction before it has a form that is not moved")?);
            start = instruction.ip();
            if end - start >= CALL {
                break;
            }
        }
        if end - start < CALL {
            return Err("a branch leads to it, or to just before it");
        }
        if end - start > MOST_BYTES {
            return Err("an instruction before it is too long");
        }
        let thunk = Thunk { start, end, code };
        // The stub has copied the arguments before the moved instructions could store one.
        if thunk.uses_stack() && site.outgoing != Some(0) {
            return Err("it has arguments on the stack, and what would be moved with it uses the stack");
        }
        Ok(thunk)
    }

    /// Is it another one for each way?
    pub fn uses_stack(&self) -> bool {
        self.code.iter().any(|m| m.bytes[0] != m.bytes[1])
    }

    /// The moved instructions as they are at `address`. `None`: something they refer to is too far.
    pub fn code_at(&self, address: u64, way: Way) -> Option<Vec<u8>> {
        let mut code = Vec::new();
        for moved in &self.code {
            let mut bytes = moved.bytes[way as usize].clone();
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
) -> Result<(), &'static str> {
    let flow = instruction.flow_control();
    if flow != if is_call { FlowControl::IndirectCall } else { FlowControl::Next } {
        return Err("just before it is a call or a jump");
    }
    // A record speaks of an instruction where it is.
    if program.records.any_in(instruction.ip()..instruction.next_ip()) {
        return Err("a record speaks of an instruction that would be moved");
    }
    if instruction.rflags_read() != 0 {
        return Err("an instruction before it reads the flags");
    }
    for used in info.info(instruction).used_registers() {
        match used.register().full_register() {
            // A call pushes; apart from that, rsp may be read, as the base of an address.
            Register::RSP if is_call || used.access() == OpAccess::Read && only_addresses(instruction) => {}
            Register::RSP => return Err("an instruction before it changes the stack pointer"),
            Register::RBP => return Err("it or an instruction before it uses rbp"),
            Register::R10 | Register::R11 => return Err("it or an instruction before it uses r10 or r11"),
            _ => {}
        }
    }
    Ok(())
}

/// rsp is the base of a memory operand, and nothing else of this instruction.
fn only_addresses(instruction: &Instruction) -> bool {
    instruction.memory_base() == Register::RSP
        && !instruction.is_stack_instruction()
        && (0..instruction.op_count()).all(|operand| {
            instruction.op_kind(operand) != OpKind::Register
                || instruction.op_register(operand).full_register() != Register::RSP
        })
}

fn moved(
    program: Program<'_, '_>,
    instruction: &Instruction,
    offsets: ConstantOffsets,
    is_call: bool,
) -> Option<Moved> {
    let mut bytes = program.image.bytes(instruction.ip(), instruction.len())?.to_vec();
    let on_stack = instruction.memory_base() == Register::RSP;
    if is_call {
        // `call r/m64` is ff /2, `jmp r/m64` is ff /4.
        let opcode = bytes.iter().position(|b| *b == 0xff)?;
        let modrm = bytes.get_mut(opcode + 1)?;
        if *modrm >> 3 & 7 != 2 {
            return None;
        }
        *modrm = *modrm & 0xc7 | 4 << 3;
    }
    let relative = instruction
        .is_ip_rel_memory_operand()
        .then(|| (offsets.displacement_offset(), instruction.ip_rel_memory_address()));
    let bytes = if on_stack {
        [
            readdressed(&bytes, instruction, offsets, Register::RSP, 8)?,
            readdressed(&bytes, instruction, offsets, Register::RBP, 16)?,
        ]
    } else {
        [bytes.clone(), bytes]
    };
    Some(Moved { bytes, relative })
}

/// The instruction with `[base + by + d]` where it has `[rsp + d]`. `None`: it has something else, or another form.
fn readdressed(
    bytes: &[u8],
    instruction: &Instruction,
    offsets: ConstantOffsets,
    base: Register,
    by: i64,
) -> Option<Vec<u8>> {
    // An address with rsp has a modrm byte whose last bits are 4, and one (SIB) that says: no index, base rsp. The displacement
    // follows, then immediates. EVEX scales short displacements.
    const NO_INDEX_RSP: u8 = 0x24;
    let evex = bytes.first() == Some(&0x62);
    if instruction.memory_index() != Register::None || evex {
        return None;
    }
    let tail = if offsets.has_immediate() { offsets.immediate_offset() } else { bytes.len() };
    let displacement = if offsets.has_displacement() { offsets.displacement_offset() } else { tail };
    let (modrm, sib) = (displacement.checked_sub(2)?, displacement - 1);
    if bytes[sib] != NO_INDEX_RSP || bytes[modrm] & 7 != 4 || bytes[modrm] >> 6 == 3 {
        return None;
    }
    let before = instruction.memory_displacement64().cast_signed();
    // Below rsp the return address lies by now.
    if before < 0 {
        return None;
    }
    let distance = i32::try_from(before.checked_add(by)?).ok()?;
    let mut new = bytes[..modrm].to_vec();
    let short = i8::try_from(distance);
    let form = if short.is_ok() { 0x40 } else { 0x80 };
    new.push(bytes[modrm] & 0x3f | form);
    new.push(if base == Register::RBP { NO_INDEX_RSP | 1 } else { NO_INDEX_RSP });
    match short {
        Ok(short) => new.push(short.cast_unsigned()),
        Err(_) => new.extend(distance.to_le_bytes()),
    }
    new.extend(&bytes[tail..]);
    // Read again: the same instruction but for the address.
    let again = Decoder::with_ip(64, &new, instruction.ip(), 0).decode();
    let same = again.len() == new.len()
        && again.memory_base() == base
        && again.memory_index() == Register::None
        && again.memory_displacement64().cast_signed() == i64::from(distance)
        && again.memory_size() == instruction.memory_size()
        && (again.code() == instruction.code() || instruction.flow_control() == FlowControl::IndirectCall)
        && again.op_count() == instruction.op_count()
        && (0..again.op_count()).all(|operand| {
            again.op_kind(operand) == instruction.op_kind(operand)
                && again.op_register(operand) == instruction.op_register(operand)
        });
    same.then_some(new)
}

#[cfg(test)]
mod tests {
    use super::{nops, readdressed};
    use iced_x86::code_asm::{
        CodeAssembler, byte_ptr, dword_ptr, qword_ptr, r9w, r14, rcx, rdi, rsi, rsp, word_ptr, xmm9,
        xmmword_ptr, ymm1, ymmword_ptr,
    };
    use iced_x86::{Decoder, Mnemonic, Register};

    /// Whatever the form, the address moves and nothing else changes.
    #[test]
    fn addresses_on_the_stack_move() {
        for distance in [0, 8, 0x6f, 0x70, 0x77, 0x78, 0x7f, 0x80, 0x1000] {
            let mut code = CodeAssembler::new(64).expect("an assembler");
            let place = rsp + distance;
            code.mov(rdi, qword_ptr(place)).expect("assembled");
            code.mov(qword_ptr(place), r14).expect("assembled");
            code.lea(rsi, qword_ptr(place)).expect("assembled");
            code.mov(dword_ptr(place), 0x1234_5678).expect("assembled");
            code.mov(byte_ptr(place), 7).expect("assembled");
            code.movups(xmm9, xmmword_ptr(place)).expect("assembled");
            code.vmovups(ymm1, ymmword_ptr(place)).expect("assembled");
            code.cmp(r9w, word_ptr(place)).expect("assembled");
            code.call(qword_ptr(place)).expect("assembled");
            let bytes = code.assemble(0x1000).expect("encoded");
            let mut decoder = Decoder::with_ip(64, &bytes, 0x1000, 0);
            let mut count = 0;
            while decoder.can_decode() {
                let instruction = decoder.decode();
                let offsets = decoder.get_constant_offsets(&instruction);
                let from = (instruction.ip() - 0x1000) as usize;
                let old = &bytes[from..from + instruction.len()];
                for (base, by) in [(Register::RSP, 8), (Register::RBP, 16)] {
                    let new = readdressed(old, &instruction, offsets, base, by).expect("a known form");
                    let again = Decoder::with_ip(64, &new, 0x1000, 0).decode();
                    assert_eq!(again.memory_base(), base);
                    assert_eq!(again.memory_displacement64().cast_signed(), i64::from(distance) + by);
                    assert_eq!(again.code(), instruction.code());
                    assert_eq!(
                        (0..again.op_count()).map(|o| again.op_register(o)).collect::<Vec<_>>(),
                        (0..again.op_count()).map(|o| instruction.op_register(o)).collect::<Vec<_>>()
                    );
                }
                count += 1;
            }
            assert_eq!(count, 9);
        }
        // With an index, or below rsp, they stay.
        for place in [rsp + rcx * 8 + 8, rsp - 8] {
            let mut code = CodeAssembler::new(64).expect("an assembler");
            code.mov(rdi, qword_ptr(place)).expect("assembled");
            let bytes = code.assemble(0x1000).expect("encoded");
            let mut decoder = Decoder::with_ip(64, &bytes, 0x1000, 0);
            let instruction = decoder.decode();
            let offsets = decoder.get_constant_offsets(&instruction);
            assert_eq!(readdressed(&bytes, &instruction, offsets, Register::RBP, 16), None);
        }
    }

    #[test]
    fn nops_fill_exactly() {
        for count in 0..40 {
            let code = nops(count);
            assert_eq!(code.len(), count);
            assert!(Decoder::new(64, &code, 0).into_iter().all(|i| i.mnemonic() == Mnemonic::Nop));
        }
    }
}
