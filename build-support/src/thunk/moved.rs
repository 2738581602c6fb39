//! Instructions as they are where they are moved to: with rsp elsewhere, and rbp saved.

use crate::frames::Program;
use iced_x86::{
    Code, ConstantOffsets, Decoder, FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind,
    Register,
};

/// A REX prefix, and what it can say.
const REX: u8 = 0x40;
const REX_W: u8 = 0x48;
const REX_R: u8 = 4;
const REX_B: u8 = 1;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Moved {
    /// The instruction, as it is on the first way and on the second.
    pub(super) bytes: [Vec<u8>; 2],
    /// Where in `bytes` a displacement is, and what address it must reach.
    pub(super) relative: Option<(usize, u64)>,
}

/// May it be moved at all?
pub(super) fn movable(
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
            Register::RSP
                if is_call
                    || used.access() == OpAccess::Read
                        && (only_addresses(instruction) || copies_rsp(instruction)) => {}
            Register::RSP => return Err("an instruction before it changes the stack pointer"),
            // Where it was saved it can be read.
            Register::RBP if used.access() == OpAccess::Read => {}
            Register::RBP => return Err("an instruction before it changes rbp"),
            Register::R10 | Register::R11 => return Err("it or an instruction before it uses r10 or r11"),
            _ => {}
        }
    }
    Ok(())
}

/// Does it write memory, wherever that is?
pub(super) fn writes_memory(info: &mut InstructionInfoFactory, instruction: &Instruction) -> bool {
    let reads = |access: OpAccess| {
        matches!(access, OpAccess::None | OpAccess::NoMemAccess | OpAccess::Read | OpAccess::CondRead)
    };
    info.info(instruction).used_memory().iter().any(|used| !reads(used.access()))
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

/// `mov r, rsp`.
fn copies_rsp(instruction: &Instruction) -> bool {
    matches!(instruction.code(), Code::Mov_rm64_r64 | Code::Mov_r64_rm64)
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register() != Register::RSP
        && instruction.op1_kind() == OpKind::Register
        && instruction.op1_register() == Register::RSP
}

/// `mov r, rsp` on both ways: `lea r, [rsp + 8]`, and `lea r, [rbp + 16]`.
fn rsp_there(instruction: &Instruction) -> [Vec<u8>; 2] {
    let number = instruction.op0_register().number() as u8;
    let (rex, register) = (REX_W | if number >= 8 { REX_R } else { 0 }, (number & 7) << 3);
    [vec![rex, 0x8d, 0x44 | register, 0x24, 8], vec![rex, 0x8d, 0x45 | register, 16]]
}

/// The instruction for both ways. `None`: it has a form that is not moved.
pub(super) fn moved(
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
    let bytes = if copies_rsp(instruction) {
        rsp_there(instruction)
    } else if on_stack && reads_rbp(instruction) {
        return None;
    } else if on_stack {
        [
            readdressed(&bytes, instruction, offsets, Register::RSP, 8)?,
            readdressed(&bytes, instruction, offsets, Register::RBP, 16)?,
        ]
    } else if reads_rbp(instruction) {
        let saved = with_saved_rbp(&bytes, instruction, offsets)?;
        [bytes, saved]
    } else {
        [bytes.clone(), bytes]
    };
    Some(Moved { bytes, relative })
}

/// Is rbp an operand, or part of an address?
fn reads_rbp(instruction: &Instruction) -> bool {
    let is_rbp = |register: Register| register.full_register() == Register::RBP;
    is_rbp(instruction.memory_base())
        || is_rbp(instruction.memory_index())
        || (0..instruction.op_count()).any(|operand| {
            instruction.op_kind(operand) == OpKind::Register && is_rbp(instruction.op_register(operand))
        })
}

/// The instruction with what rbp was at the call. The stub has saved that at `[rbp]`, and r11 is nobody's. `None`: it uses rbp in
/// another way than as the base of an address, or as what is copied.
fn with_saved_rbp(bytes: &[u8], instruction: &Instruction, offsets: ConstantOffsets) -> Option<Vec<u8>> {
    let size = match instruction.code() {
        Code::Mov_rm64_r64 | Code::Mov_r64_rm64 => Some(REX_W),
        // Of the lower half, which clears the upper one either way.
        Code::Mov_rm32_r32 | Code::Mov_r32_rm32 => Some(REX),
        _ => None,
    };
    if let Some(rex) = size
        && instruction.op0_kind() == OpKind::Register
        && instruction.op1_kind() == OpKind::Register
    {
        // `mov r, rbp` is `mov r, [rbp]` here.
        let number = instruction.op0_register().number() as u8;
        let high = if number >= 8 { REX_R } else { 0 };
        return Some(vec![rex | high, 0x8b, 0x45 | (number & 7) << 3, 0]);
    }
    if instruction.memory_base() != Register::RBP || instruction.memory_index() != Register::None {
        return None;
    }
    // `[rbp + d]` has a modrm byte whose last bits are 5, and no SIB; r11 has 3 there, and the fourth bit in a REX prefix.
    let tail = if offsets.has_immediate() { offsets.immediate_offset() } else { bytes.len() };
    let modrm = offsets.has_displacement().then(|| offsets.displacement_offset())?.checked_sub(1)?;
    let is_vex = matches!(bytes.first(), Some(0x62 | 0xc4 | 0xc5));
    if is_vex || bytes[modrm] & 7 != 5 || !matches!(bytes[modrm] >> 6, 1 | 2) || modrm >= tail {
        return None;
    }
    let prefixes = bytes.iter().take_while(|b| matches!(**b, 0x66 | 0xf2 | 0xf3)).count();
    let has_rex = bytes.get(prefixes).is_some_and(|b| b >> 4 == 4);
    let mut new = vec![0x4c, 0x8b, 0x5d, 0x00]; // mov r11, [rbp]
    let load = new.len();
    new.extend(&bytes[..prefixes]);
    new.push(if has_rex { bytes[prefixes] | REX_B } else { 0x40 | REX_B });
    new.extend(&bytes[prefixes + usize::from(has_rex)..modrm]);
    new.push(bytes[modrm] & !7 | 3);
    new.extend(&bytes[modrm + 1..]);
    // Read again: the same instruction but for the base. A prefix may have given a byte register another name, so these are compared too.
    let again = Decoder::with_ip(64, &new[load..], instruction.ip(), 0).decode();
    let same = again.len() == new.len() - load
        && again.memory_base() == Register::R11
        && again.memory_index() == Register::None
        && again.memory_displacement64() == instruction.memory_displacement64()
        && again.memory_size() == instruction.memory_size()
        && (again.code() == instruction.code() || instruction.flow_control() == FlowControl::IndirectCall)
        && again.op_count() == instruction.op_count()
        && (0..again.op_count()).all(|operand| {
            again.op_kind(operand) == instruction.op_kind(operand)
                && again.op_register(operand) == instruction.op_register(operand)
        });
    same.then_some(new)
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
    use super::{copies_rsp, readdressed, rsp_there, with_saved_rbp};
    use iced_x86::code_asm::{
        AsmMemoryOperand, CodeAssembler, ah, bp, byte_ptr, di, dword_ptr, ebp, edi, qword_ptr, r9d, r9w, r14,
        rbp, rcx, rdi, rdx, rsi, rsp, word_ptr, xmm9, xmmword_ptr, ymm1, ymmword_ptr,
    };
    use iced_x86::{Code, Decoder, Mnemonic, Register};

    /// Nine instructions with this address, at 0x1000: each form that code has, one of which not both tests allow.
    fn every_form(
        place: AsmMemoryOperand,
        one_more: impl FnOnce(&mut CodeAssembler, AsmMemoryOperand) -> Result<(), iced_x86::IcedError>,
    ) -> Vec<u8> {
        let mut code = CodeAssembler::new(64).expect("an assembler");
        code.mov(rdi, qword_ptr(place)).expect("assembled");
        code.mov(qword_ptr(place), r14).expect("assembled");
        code.lea(rsi, qword_ptr(place)).expect("assembled");
        code.mov(dword_ptr(place), 0x1234_5678).expect("assembled");
        code.mov(byte_ptr(place), 7).expect("assembled");
        code.movups(xmm9, xmmword_ptr(place)).expect("assembled");
        one_more(&mut code, place).expect("assembled");
        code.cmp(r9w, word_ptr(place)).expect("assembled");
        code.call(qword_ptr(place)).expect("assembled");
        code.assemble(0x1000).expect("encoded")
    }

    /// Whatever the form, the address moves and nothing else changes.
    #[test]
    fn addresses_on_the_stack_move() {
        for distance in [0, 8, 0x6f, 0x70, 0x77, 0x78, 0x7f, 0x80, 0x1000] {
            let bytes = every_form(rsp + distance, |code, place| code.vmovups(ymm1, ymmword_ptr(place)));
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
    fn copies_of_rsp_say_what_it_was() {
        for (register, to) in [(rdx, Register::RDX), (r14, Register::R14)] {
            let mut code = CodeAssembler::new(64).expect("an assembler");
            code.mov(register, rsp).expect("assembled");
            code.mov(rsp, register).expect("assembled");
            let bytes = code.assemble(0x1000).expect("encoded");
            let mut decoder = Decoder::with_ip(64, &bytes, 0x1000, 0);
            let (copy, back) = (decoder.decode(), decoder.decode());
            assert!(copies_rsp(&copy) && !copies_rsp(&back));
            for (new, base, by) in rsp_there(&copy)
                .iter()
                .zip([(Register::RSP, 8), (Register::RBP, 16)])
                .map(|(n, (b, d))| (n, b, d))
            {
                let mut decoder = Decoder::with_ip(64, new, 0x1000, 0);
                let lea = decoder.decode();
                assert_eq!((lea.mnemonic(), lea.op0_register()), (Mnemonic::Lea, to));
                assert_eq!((lea.memory_base(), lea.memory_index()), (base, Register::None));
                assert_eq!((lea.memory_displacement64(), decoder.can_decode()), (by, false));
            }
        }
    }

    /// Whatever the form, `[rbp + d]` becomes `[r11 + d]` behind a load of r11, and nothing else changes.
    #[test]
    fn addresses_from_rbp_are_read_where_it_was_saved() {
        for distance in [0, 8, 0x7f, -0x80, 0x80, 0x1000] {
            let bytes = every_form(rbp + distance, |code, place| code.movdqa(xmm9, xmmword_ptr(place)));
            let mut decoder = Decoder::with_ip(64, &bytes, 0x1000, 0);
            let mut count = 0;
            while decoder.can_decode() {
                let instruction = decoder.decode();
                let offsets = decoder.get_constant_offsets(&instruction);
                let from = (instruction.ip() - 0x1000) as usize;
                let old = &bytes[from..from + instruction.len()];
                let new = with_saved_rbp(old, &instruction, offsets).expect("a known form");
                let mut decoder = Decoder::with_ip(64, &new, 0x1000, 0);
                let load = decoder.decode();
                assert_eq!((load.op0_register(), load.memory_base()), (Register::R11, Register::RBP));
                assert_eq!(load.memory_displacement64(), 0);
                let again = decoder.decode();
                assert!(!decoder.can_decode());
                assert_eq!(again.memory_base(), Register::R11);
                assert_eq!(again.memory_displacement64(), instruction.memory_displacement64());
                assert_eq!(again.code(), instruction.code());
                assert_eq!(again.op1_register(), instruction.op1_register());
                count += 1;
            }
            assert_eq!(count, 9);
        }
        let with = |assemble: fn(&mut CodeAssembler) -> Result<(), iced_x86::IcedError>| {
            let mut code = CodeAssembler::new(64).expect("an assembler");
            assemble(&mut code).expect("assembled");
            let bytes = code.assemble(0x1000).expect("encoded");
            let mut decoder = Decoder::with_ip(64, &bytes, 0x1000, 0);
            let instruction = decoder.decode();
            let offsets = decoder.get_constant_offsets(&instruction);
            with_saved_rbp(&bytes, &instruction, offsets)
        };
        // Copies become loads.
        for copy in [with(|c| c.mov(rdi, rbp)), with(|c| c.mov(r14, rbp))] {
            let load = Decoder::with_ip(64, &copy.expect("a known form"), 0x1000, 0).decode();
            assert_eq!((load.mnemonic(), load.memory_base()), (Mnemonic::Mov, Register::RBP));
            assert!(
                load.memory_displacement64() == 0
                    && [Register::RDI, Register::R14].contains(&load.op0_register())
            );
        }
        for (copy, to) in
            [(with(|c| c.mov(edi, ebp)), Register::EDI), (with(|c| c.mov(r9d, ebp)), Register::R9D)]
        {
            let load = Decoder::with_ip(64, &copy.expect("a known form"), 0x1000, 0).decode();
            assert_eq!((load.code(), load.op0_register()), (Code::Mov_r32_rm32, to));
            assert_eq!((load.memory_base(), load.memory_displacement64()), (Register::RBP, 0));
        }
        // These stay where they are: an index, a call of what is in rbp, a quarter of it, a register that a REX prefix renames, VEX.
        assert_eq!(with(|c| c.mov(rdi, qword_ptr(rbp + rcx * 8))), None);
        assert_eq!(with(|c| c.mov(rdi, qword_ptr(rcx + rbp * 8))), None);
        assert_eq!(with(|c| c.call(rbp)), None);
        assert_eq!(with(|c| c.mov(di, bp)), None);
        assert_eq!(with(|c| c.add(rdi, rbp)), None);
        assert_eq!(with(|c| c.mov(ah, byte_ptr(rbp + 1))), None);
        assert_eq!(with(|c| c.vmovups(ymm1, ymmword_ptr(rbp + 8))), None);
        assert_eq!(with(|c| c.mov(qword_ptr(rcx + 8), rbp)), None);
    }
}
