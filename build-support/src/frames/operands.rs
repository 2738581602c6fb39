//! What an instruction's operands are and hold.

use super::Reference;
use super::blocks::Interpreter;
use super::state::{RSP, State};
use super::value::{Target, Value};
use crate::elf::{Import, Slot};
use iced_x86::{FlowControl, Instruction, Mnemonic as M, OpKind, Register};

/// What the memory operand of an instruction addresses.
#[derive(Clone, Copy)]
pub(super) enum Memory {
    /// A known place on this stack.
    Stack { base: u8, offset: i64 },
    /// Somewhere on this stack, an unknown number of elements from a known place.
    StackIndexed { base: u8, offset: i64 },
    /// A fixed address.
    Fixed(u64),
    /// Through a register with this value, displaced.
    Through(Value),
    /// Memory that cannot be this function's stack: indexed from a fixed address, or thread-local.
    Elsewhere,
}

/// The number of the whole register that this one is part of.
pub(super) fn number(register: Register) -> usize {
    // The 64-bit ones stand in the processor's order; the general way is slow.
    let number = (register as usize).wrapping_sub(Register::RAX as usize);
    if number < 16 { number } else { register.full_register().number() }
}

pub(super) fn is_immediate(instruction: &Instruction, operand: u32) -> bool {
    !matches!(instruction.op_kind(operand), OpKind::Register | OpKind::Memory)
}

/// Which memory does the instruction's memory operand address?
pub(super) fn memory(instruction: &Instruction, state: &State) -> Memory {
    if matches!(instruction.memory_segment(), Register::FS | Register::GS) {
        return Memory::Elsewhere;
    }
    if instruction.is_ip_rel_memory_operand() {
        return Memory::Fixed(instruction.ip_rel_memory_address());
    }
    let displacement = instruction.memory_displacement64();
    let base = match instruction.memory_base() {
        Register::None => Value::Constant(0),
        register if register.is_gpr64() => state.registers[number(register)],
        _ => Value::Unknown,
    };
    let indexed = instruction.memory_index() != Register::None;
    let index_is_ours = indexed
        && instruction.memory_index().is_gpr64()
        && matches!(state.registers[number(instruction.memory_index())], Value::Stack { .. });
    match base {
        Value::Stack { base, offset } => {
            let offset = offset.wrapping_add_unsigned(displacement);
            if indexed { Memory::StackIndexed { base, offset } } else { Memory::Stack { base, offset } }
        }
        _ if index_is_ours => Memory::StackIndexed { base: 0, offset: i64::MIN },
        Value::Constant(_) if indexed => Memory::Elsewhere,
        Value::Constant(address) => Memory::Fixed(address.wrapping_add(displacement)),
        _ if indexed => Memory::Through(Value::Unknown),
        value => Memory::Through(value),
    }
}

impl Interpreter<'_, '_> {
    /// What a 64-bit operand holds.
    pub(super) fn operand(&mut self, instruction: &Instruction, operand: u32, state: &State) -> Value {
        match instruction.op_kind(operand) {
            OpKind::Register => {
                let register = instruction.op_register(operand);
                if register.is_gpr64() { state.registers[number(register)] } else { Value::Unknown }
            }
            OpKind::Memory if instruction.memory_size().size() == 8 => match memory(instruction, state) {
                Memory::Stack { base, offset } => state.load(base, offset),
                Memory::Fixed(address) => self.constant(instruction, address),
                Memory::Through(Value::Tagged(markers)) => self.sets.members(markers),
                _ => Value::Unknown,
            },
            OpKind::Immediate8to64 | OpKind::Immediate32to64 | OpKind::Immediate64 => {
                Value::Constant(instruction.immediate(operand))
            }
            OpKind::Immediate32 => Value::Constant(u64::from(instruction.immediate32())),
            _ => Value::Unknown,
        }
    }

    fn constant(&mut self, instruction: &Instruction, slot: u64) -> Value {
        match self.program.image.constant(slot) {
            Some(Slot::Address(address)) => Value::Constant(address),
            Some(Slot::Import(import)) => {
                self.refer(instruction, import);
                self.sets.targets([Target::Import(import)].into())
            }
            Some(Slot::Chosen(_)) | None => Value::Unknown,
        }
    }

    /// Notes a load of an import's address. Calls through the word itself are sites.
    fn refer(&mut self, instruction: &Instruction, import: Import) {
        if instruction.flow_control() == FlowControl::Next {
            self.seen.references.push(Reference { at: instruction.ip(), len: instruction.len(), import });
        }
    }

    /// Memory that the instruction touches: below rsp it is the red zone, above the return address a stack argument.
    pub(super) fn note_access(&mut self, instruction: &Instruction, state: &State) {
        let touches = instruction.op0_kind() == OpKind::Memory
            || instruction.op1_kind() == OpKind::Memory
            || instruction.op_count() > 2
                && (2..instruction.op_count()).any(|o| instruction.op_kind(o) == OpKind::Memory);
        if !touches || instruction.mnemonic() == M::Nop {
            return;
        }
        let size = instruction.memory_size().size() as i64;
        let address_only = instruction.mnemonic() == M::Lea;
        if !matches!(state.registers[RSP], Value::Stack { .. }) {
            return;
        }
        match memory(instruction, state) {
            Memory::Stack { base, offset } => {
                let lowest = self.bases.lowest(base, offset);
                let is_rsp = address_only && instruction.op0_register() == Register::RSP;
                // Whoever gets an address reaches the memory above it.
                if !is_rsp && lowest < self.notes.lowest {
                    self.notes.lowest = lowest;
                }
                if base == 0 && offset >= 8 && !is_rsp {
                    let end = (offset - 8).saturating_add(size).max(0) as u64;
                    self.notes.incoming.bytes = self.notes.incoming.bytes.max(end);
                    self.notes.incoming.open |= address_only;
                }
            }
            Memory::StackIndexed { base, offset } => {
                // From the end of an array compilers count up to 0, so the index may be negative.
                self.notes.indexed = true;
                self.notes.incoming.open |= base == 0 && offset >= 8 || offset == i64::MIN;
            }
            Memory::Through(Value::Unknown) => self.notes.unknown = true,
            _ => {}
        }
    }

    /// The instruction writes its memory operand; `value` is what, if it is eight bytes and known.
    pub(super) fn write_memory(&mut self, instruction: &Instruction, state: &mut State, value: Value) {
        state.escape(value);
        self.below.address_stored |= matches!(value, Value::Stack { .. });
        let len = instruction.memory_size().size() as i64;
        match memory(instruction, state) {
            _ if len == 0 => state.forget_slots(),
            Memory::Stack { base, offset } => state.store(&self.bases, base, offset, len, value),
            Memory::StackIndexed { .. } => state.forget_slots(),
            // What the caller passed cannot point into a frame that did not exist yet.
            Memory::Fixed(_) | Memory::Elsewhere | Memory::Through(Value::Argument(_) | Value::Tagged(_)) => {
            }
            Memory::Through(_) => state.forget_escaped(&self.bases),
        }
    }
}
