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
//! (which the stub changes), and rbp only as the base of an address or to copy it: the stub has saved it, and where it is saved it is read. If they use memory
//! on the stack, at a fixed distance from rsp, there are two thunks, one for each way to it. What they store must not be a stack argument: the stub has
//! copied those before. So if the call has any, they store nothing.
//!
//! ```text
//! where the call was   off the chunks: jmp thunk     on a chunk: push rbp; mov rbp, rsp; mov rsp, hop stack; call thunk
//!   [rsp + d]            [rsp + 8 + d]                 [rbp + 16 + d]
//!   [rbp + d]            [rbp + d]                     mov r11, [rbp]; [r11 + d]
//!   mov r, rsp           lea r, [rsp + 8]              lea r, [rbp + 16]
//! ```

mod moved;

use crate::frames::{Program, Site};
use iced_x86::{Decoder, InstructionInfoFactory};
use moved::{Moved, movable, moved, writes_memory};

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
        let mut stores = false;
        let mut info = InstructionInfoFactory::new();
        for (instruction, offsets) in instructions.iter().rev() {
            let is_call = instruction.ip() == site.at;
            movable(program, &mut info, instruction, is_call)?;
            stores |= !is_call && writes_memory(&mut info, instruction);
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
        if stores && site.outgoing != Some(0) {
            return Err("it has arguments on the stack, and what would be moved with it may store one");
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
