//! Functions that are counted while they run: the initialisers of thread-locals, in which no vthread may park.
//!
//! ```text
//! before                    after
//!   push rbx                  jmp stub              stub:  lea r11, [rip + moved]
//!   mov  rbx, rdi             int3 ...                     jmp __vthread_initialise
//!   movzx eax, [rdi + 8]    rest:                   moved: push rbx
//!   test eax, eax             test eax, eax                mov rbx, rdi
//!                                                          movzx eax, [rdi + 8]
//!                                                          jmp rest
//! ```
//! Callers stay as they are, those that nobody knows of too.

use crate::elf::Image;
use crate::functions::Functions;
use crate::records::Records;
use crate::rules::Rules;
use iced_x86::{Decoder, FlowControl, Instruction};
use vale_threads_abi::Kind;

/// Bytes of `jmp rel32`.
const JUMP: u64 = 5;

/// A function that is led through a stub.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    /// Where it begins.
    pub function: u64,
    /// Behind what is moved away.
    pub rest: u64,
    /// The stub.
    pub stub: u64,
    /// Where in the stub the moved instructions are.
    pub room: u64,
    /// The moved instructions, and the jump to the rest.
    pub code: Vec<u8>,
}

/// What was found.
#[derive(Default, Debug)]
pub struct Pins {
    /// What is to be written.
    pub all: Vec<Pin>,
    /// Functions that stay as they are, and why.
    pub refused: Vec<(u64, &'static str)>,
}

/// Finds the functions that a rule names, and gives each a stub. A program without such stubs has none of them.
pub fn find(image: &Image<'_>, functions: &Functions<'_>, records: &Records<'_>, rules: &Rules) -> Pins {
    let mut pins = Pins::default();
    let Some(pool) = records.of_kind(Kind::Pin).next() else { return pins };
    let (size, offset) = (u64::from(pool.extra), u64::from(pool.flags));
    let mut stubs =
        (pool.site..pool.callee.saturating_sub(size.saturating_sub(1))).step_by(size.max(1) as usize);
    let mut named: Vec<u64> =
        image.code_symbols.iter().filter(|s| rules.pin(s.name).is_some()).map(|s| s.address).collect();
    // Identical functions may have been folded into one.
    named.sort_unstable();
    named.dedup();
    for function in named {
        let Some(stub) = stubs.next() else {
            pins.refused.push((function, "no stub is left"));
            continue;
        };
        let room = stub + offset;
        match move_start(image, functions, records, function, room) {
            Ok((_, code)) if code.len() as u64 > size.saturating_sub(offset) => {
                pins.refused.push((function, "its first instructions are too long"));
            }
            Ok((rest, code)) => pins.all.push(Pin { function, rest, stub, room, code }),
            Err(why) => pins.refused.push((function, why)),
        }
    }
    pins
}

/// The instructions that a jump takes the place of, as they are at `room`, and a jump to those behind them.
fn move_start(
    image: &Image<'_>,
    functions: &Functions<'_>,
    records: &Records<'_>,
    function: u64,
    room: u64,
) -> Result<(u64, Vec<u8>), &'static str> {
    let end = functions.at(function).ok_or("nothing says where it ends")?.end;
    let len = usize::try_from(end - function).map_err(|_| "it is too long")?;
    let bytes = image.bytes(function, len).ok_or("its code is not in the file")?;
    let (rest, code) = start_at(bytes, function, room)?;
    if records.any_in(function..rest) {
        return Err("a record speaks of one of its first instructions");
    }
    Ok((rest, code))
}

/// The first instructions of the function whose code is `bytes`, as they are at `room`; and what is behind them.
fn start_at(bytes: &[u8], function: u64, room: u64) -> Result<(u64, Vec<u8>), &'static str> {
    let mut decoder = Decoder::with_ip(64, bytes, function, 0);
    let mut code = Vec::new();
    let mut rest = function;
    let mut targets = Vec::new();
    while decoder.can_decode() {
        let at = decoder.position();
        let instruction = decoder.decode();
        targets.push(instruction.near_branch_target());
        if rest >= function + JUMP {
            continue;
        }
        let displacement = decoder.get_constant_offsets(&instruction).displacement_offset();
        code.extend(moved(
            &instruction,
            &bytes[at..decoder.position()],
            displacement,
            room + code.len() as u64,
        )?);
        rest = instruction.next_ip();
    }
    if rest < function + JUMP {
        return Err("it is shorter than a jump");
    }
    // No branch of the function leads in between: neither of those that are moved nor of the others.
    if targets.into_iter().any(|target| target > function && target < rest) {
        return Err("a branch leads to its first instructions");
    }
    code.push(0xe9);
    code.extend(distance(room + code.len() as u64 + 4, rest)?);
    Ok((rest, code))
}

/// The instruction as it is at `address`.
fn moved(
    instruction: &Instruction,
    bytes: &[u8],
    displacement: usize,
    address: u64,
) -> Result<Vec<u8>, &'static str> {
    const FORM: &str = "one of its first instructions has a form that is not moved";
    let mut new = bytes.to_vec();
    match instruction.flow_control() {
        FlowControl::Next if instruction.is_ip_rel_memory_operand() => {
            let place = new.get_mut(displacement..displacement + 4).ok_or(FORM)?;
            place.copy_from_slice(&distance(
                address + bytes.len() as u64,
                instruction.ip_rel_memory_address(),
            )?);
        }
        FlowControl::Next => {}
        FlowControl::ConditionalBranch => {
            // Both lengths, without prefixes: as jcc rel32.
            let condition = match *bytes {
                [opcode @ 0x70..=0x7f, _] | [0x0f, opcode @ 0x80..=0x8f, _, _, _, _] => opcode & 0xf,
                _ => return Err(FORM),
            };
            new = vec![0x0f, 0x80 | condition];
            new.extend(distance(address + 6, instruction.near_branch_target())?);
        }
        _ => return Err(FORM),
    }
    Ok(new)
}

fn distance(from: u64, to: u64) -> Result<[u8; 4], &'static str> {
    let distance = i32::try_from(to.wrapping_sub(from).cast_signed()).map_err(|_| "it is too far away")?;
    Ok(distance.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(code: &[u8], from: u64, to: u64) -> Result<Vec<Instruction>, &'static str> {
        let mut decoder = Decoder::with_ip(64, code, from, 0);
        let mut new = Vec::new();
        while decoder.can_decode() {
            let start = decoder.position();
            let instruction = decoder.decode();
            let displacement = decoder.get_constant_offsets(&instruction).displacement_offset();
            new.extend(moved(
                &instruction,
                &code[start..decoder.position()],
                displacement,
                to + new.len() as u64,
            )?);
        }
        Ok(Decoder::with_ip(64, &new, to, 0).into_iter().collect())
    }

    #[test]
    fn moved_instructions_mean_the_same() {
        // push rbx; lea rax, [rip + 0x10]; je +6; jne near +0x100
        let code = [0x53, 0x48, 0x8d, 0x05, 0x10, 0, 0, 0, 0x74, 6, 0x0f, 0x85, 0, 1, 0, 0];
        let before: Vec<_> = Decoder::with_ip(64, &code, 0x1000, 0).into_iter().collect();
        let after = at(&code, 0x1000, 0x80_0000).expect("all of them can be moved");
        assert_eq!(after.len(), before.len());
        assert_eq!(after[0].code(), before[0].code());
        assert_eq!(after[1].ip_rel_memory_address(), 0x1018);
        assert_eq!(after[2].near_branch_target(), 0x1010);
        assert_eq!(after[2].condition_code(), before[2].condition_code());
        assert_eq!(after[3].near_branch_target(), before[3].near_branch_target());
        assert_eq!(after[3].condition_code(), before[3].condition_code());
    }

    #[test]
    fn what_cannot_be_moved_is_refused() {
        for code in [&[0xe8u8, 0, 0, 0, 0][..], &[0xff, 0xd0], &[0xc3], &[0xe3, 2], &[0x0f, 0x0b]] {
            assert!(at(code, 0x1000, 0x80_0000).is_err(), "{code:x?}");
        }
        assert!(at(&[0x74, 6], 0x1000, 0x1_8000_0000).is_err(), "too far");
    }

    #[test]
    fn no_branch_leads_to_what_a_jump_takes_the_place_of() {
        let start = |code: &[u8]| start_at(code, 0x1000, 0x2000).map(|(rest, _)| rest);
        // test edi, edi; je behind the inc; inc eax; ret
        assert_eq!(start(&[0x85, 0xff, 0x74, 2, 0xff, 0xc0, 0xc3]), Ok(0x1006));
        // je to the push; inc eax; push rbx; ret
        assert!(start(&[0x74, 2, 0xff, 0xc0, 0x53, 0xc3]).is_err(), "from what is moved");
        // inc eax; inc eax; push rbx; je to the second; ret
        assert!(start(&[0xff, 0xc0, 0xff, 0xc0, 0x53, 0x74, 0xfb, 0xc3]).is_err(), "from the rest");
        // inc eax; inc eax; push rbx; je to the start, which is the jump; ret
        assert_eq!(start(&[0xff, 0xc0, 0xff, 0xc0, 0x53, 0x74, 0xf9, 0xc3]), Ok(0x1005));
        assert!(start(&[0xff, 0xc0, 0xff, 0xc0]).is_err(), "too short");
    }
}
