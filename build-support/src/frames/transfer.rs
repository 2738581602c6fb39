//! What an instruction does to registers and memory.

use super::Problem;
use super::blocks::Interpreter;
use super::operands::{Memory, is_immediate, memory, number};
use super::state::{RBP, RDI, RSI, RSP, State};
use super::value::Value;
use iced_x86::{Instruction, Mnemonic as M, OpAccess, OpKind, Register};

impl Interpreter<'_, '_> {
    /// Instructions after which the next one follows.
    pub(super) fn compute(&mut self, instruction: &Instruction, state: &mut State) {
        let vector = state.vector.take();
        match instruction.mnemonic() {
            mnemonic if is_vector_move(mnemonic) => self.move_vector(instruction, state, vector),
            M::Nop | M::Endbr64 | M::Cmp | M::Test | M::Lfence | M::Mfence | M::Pause => {}
            M::Mov => self.mov(instruction, state),
            M::Lea => lea(instruction, state),
            M::Push => {
                let value = self.operand(instruction, 0, state);
                self.push(state, value);
            }
            M::Pop => self.pop(instruction, state),
            M::Pushfq => self.push(state, Value::Unknown),
            M::Popfq => move_rsp(state, 8),
            M::Leave => {
                state.registers[RSP] = state.registers[RBP];
                state.registers[RBP] = top(state);
                move_rsp(state, 8);
            }
            M::Add | M::Sub if instruction.op0_register().is_gpr64() => self.add(instruction, state),
            M::And if instruction.op0_register() == Register::RSP => self.realign(instruction, state),
            M::Xor
                if instruction.op0_register() == instruction.op1_register()
                    && (instruction.op0_register().is_gpr64() || instruction.op0_register().is_gpr32()) =>
            {
                state.registers[number(instruction.op0_register())] = Value::Constant(0);
            }
            M::Xchg if instruction.op0_register().is_gpr64() && instruction.op1_register().is_gpr64() => {
                state.registers.swap(number(instruction.op0_register()), number(instruction.op1_register()));
            }
            M::Movsxd if table_entry(instruction, state).is_some() => {
                let value = table_entry(instruction, state).unwrap_or(Value::Unknown);
                state.registers[number(instruction.op0_register())] = value;
            }
            mnemonic if is_conditional_move(mnemonic) && instruction.op0_register().is_gpr64() => {
                let (mine, other) =
                    (self.operand(instruction, 0, state), self.operand(instruction, 1, state));
                let program = self.program;
                let joined = self.sets.join(mine, other, &|a| program.is_callable(a));
                if joined == Value::Unknown {
                    state.escape(mine);
                    state.escape(other);
                    self.below.vague |=
                        matches!(mine, Value::Stack { .. }) || matches!(other, Value::Stack { .. });
                }
                state.registers[number(instruction.op0_register())] = joined;
            }
            _ => self.anything(instruction, state),
        }
    }

    /// Unoptimised code copies pairs of words, such as references to `dyn` values, through a vector register: a load, and a store right
    /// behind it.
    fn move_vector(
        &mut self,
        instruction: &Instruction,
        state: &mut State,
        loaded: Option<(usize, [Value; 2])>,
    ) {
        let place = match memory(instruction, state) {
            Memory::Stack { base, offset }
                if instruction.memory_size().size() == 16 && !instruction.has_op_mask() =>
            {
                Some((base, offset))
            }
            _ => None,
        };
        self.anything(instruction, state);
        let Some((base, offset)) = place else { return };
        if instruction.op1_kind() == OpKind::Memory {
            let words = [state.load(base, offset), state.load(base, offset.saturating_add(8))];
            state.vector = Some((instruction.op0_register().number(), words));
        } else if let Some((register, words)) = loaded
            && register == instruction.op1_register().number()
        {
            for (value, offset) in words.into_iter().zip([offset, offset.saturating_add(8)]) {
                state.escape(value);
                self.below.address_stored |= matches!(value, Value::Stack { .. });
                state.store(&self.bases, base, offset, 8, value);
            }
        }
    }

    fn push(&mut self, state: &mut State, value: Value) {
        move_rsp(state, -8);
        state.escape(value);
        self.below.address_stored |= matches!(value, Value::Stack { .. });
        if let Value::Stack { base, offset } = state.registers[RSP] {
            state.store(&self.bases, base, offset, 8, value);
        }
    }

    fn pop(&mut self, instruction: &Instruction, state: &mut State) {
        let value = top(state);
        move_rsp(state, 8);
        if instruction.op0_kind() == OpKind::Memory {
            self.write_memory(instruction, state, value);
        } else if instruction.op0_register().is_gpr64() {
            state.registers[number(instruction.op0_register())] = value;
        } else {
            self.anything(instruction, state);
        }
    }

    fn mov(&mut self, instruction: &Instruction, state: &mut State) {
        if instruction.op0_kind() == OpKind::Memory {
            let is_known = instruction.memory_size().size() == 8
                && !(instruction.op1_register() == Register::RSP && self.saves_for_swap(instruction));
            let value = if is_known { self.operand(instruction, 1, state) } else { Value::Unknown };
            return self.write_memory(instruction, state, value);
        }
        let to = instruction.op0_register();
        if to.is_gpr64() {
            state.registers[number(to)] = self.operand(instruction, 1, state);
        } else if to.is_gpr32() {
            // Writing the lower half clears the upper.
            state.registers[number(to)] = match instruction.op1_kind() {
                OpKind::Immediate32 => Value::Constant(u64::from(instruction.immediate32())),
                OpKind::Register if instruction.op1_register().is_gpr32() => {
                    match state.registers[number(instruction.op1_register())] {
                        Value::Constant(value) => Value::Constant(value & 0xffff_ffff),
                        _ => Value::Unknown,
                    }
                }
                _ => Value::Unknown,
            };
        } else {
            // A part of the register changes, and the rest stays.
            self.anything(instruction, state);
        }
    }

    fn add(&mut self, instruction: &Instruction, state: &mut State) {
        let subtract = instruction.mnemonic() == M::Sub;
        let (mine, other) = (self.operand(instruction, 0, state), self.operand(instruction, 1, state));
        let value = match (mine, other) {
            (Value::Stack { base, offset }, Value::Constant(by)) => {
                let by = by.cast_signed();
                Value::Stack {
                    base,
                    offset: if subtract { offset.wrapping_sub(by) } else { offset.wrapping_add(by) },
                }
            }
            (Value::Constant(a), Value::Constant(b)) => {
                Value::Constant(if subtract { a.wrapping_sub(b) } else { a.wrapping_add(b) })
            }
            (Value::TableEntry(table), Value::Constant(base))
            | (Value::Constant(base), Value::TableEntry(table))
                if table == base && !subtract =>
            {
                Value::TableTarget(table)
            }
            _ => {
                self.scatter(mine, state);
                self.scatter(other, state);
                Value::Unknown
            }
        };
        if let Value::Stack { base: 0, offset: 8.. } = value
            && instruction.op0_register() != Register::RSP
        {
            // The address of a stack argument: how many follow is not known.
            self.notes.incoming.open = true;
        }
        state.registers[number(instruction.op0_register())] = value;
    }

    /// An address is computed from this value in a way that is not followed. From an address of the frame it may be one of any place there,
    /// below rsp too.
    fn scatter(&mut self, value: Value, state: &mut State) {
        self.below.vague |= matches!(value, Value::Stack { .. });
        state.escape_all(value);
    }

    /// `and rsp, -N`: rsp moves down by what it takes, at most N - 16 if it was a multiple of 16 (N - 1 in general).
    fn realign(&mut self, instruction: &Instruction, state: &mut State) {
        let alignment =
            if is_immediate(instruction, 1) { (instruction.immediate(1) as i64).wrapping_neg() } else { 0 };
        let Value::Stack { base, offset } = state.registers[RSP] else { return };
        if !(1..=1 << 20).contains(&alignment) || alignment & (alignment - 1) != 0 {
            state.registers[RSP] = Value::Unknown;
            return;
        }
        let lowest = self.bases.lowest(base, offset);
        let slack = self.bases.slack(base);
        if slack == 0 {
            let odd = lowest.saturating_add(8).rem_euclid(16);
            let fixed = if alignment >= 16 { odd } else { odd.rem_euclid(alignment) };
            if alignment <= 16 {
                state.registers[RSP] = Value::Stack { base, offset: offset - fixed };
                return;
            }
        }
        let odd = lowest.saturating_add(8).rem_euclid(16);
        let padding = if slack == 0 { alignment - 16 } else { alignment };
        let low = lowest.saturating_sub(odd + padding);
        let base = self.bases.realigned(instruction.ip(), low, slack + padding);
        if base.is_none() {
            self.problem(Problem::Realigned(instruction.ip()));
        }
        state.registers[RSP] = base.map_or(Value::Unknown, |base| Value::Stack { base, offset: 0 });
    }

    /// An instruction without a model of its own: what it writes is unknown from here on.
    fn anything(&mut self, instruction: &Instruction, state: &mut State) {
        let compares = matches!(
            instruction.mnemonic(),
            M::Bt | M::Movq | M::Vmovq | M::Pinsrq | M::Vpinsrq | M::Cmpxchg
        );
        for operand in 0..instruction.op_count() {
            let register = instruction.op_register(operand);
            if instruction.op_kind(operand) == OpKind::Register && register.is_gpr() {
                // A part of an address is enough to make another one.
                let value = state.registers[number(register)];
                self.below.vague |= matches!(value, Value::Stack { .. });
                if compares { state.escape(value) } else { state.escape_all(value) }
            }
        }
        if instruction.is_string_instruction() {
            // Through rdi, an unknown number of bytes.
            match state.registers[RDI] {
                Value::Stack { .. } => state.forget_slots(),
                Value::Argument(_) | Value::Constant(_) => {}
                _ => state.forget_escaped(&self.bases),
            }
            // They are moved to the end of what was read or written.
            self.scatter(state.registers[RDI], state);
            self.scatter(state.registers[RSI], state);
        } else if instruction.op0_kind() == OpKind::Memory && !only_reads(instruction.mnemonic())
            || instruction.op1_kind() == OpKind::Memory && instruction.mnemonic() == M::Xchg
        {
            self.write_memory(instruction, state, Value::Unknown);
        }
        if only_vectors(instruction) {
            return;
        }
        let used = self.info.info(instruction).used_registers();
        for register in used {
            let writes = matches!(
                register.access(),
                OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite | OpAccess::ReadCondWrite
            );
            let full = register.register().full_register();
            if writes && full.is_gpr64() {
                state.registers[full.number()] = Value::Unknown;
            }
        }
    }
}

fn lea(instruction: &Instruction, state: &mut State) {
    let to = instruction.op0_register();
    let value = match memory(instruction, state) {
        Memory::Fixed(address) => Value::Constant(address),
        Memory::Stack { base, offset } => Value::Stack { base, offset },
        Memory::StackIndexed { .. } => {
            state.escape_all(Value::Stack { base: 0, offset: 0 });
            Value::Unknown
        }
        Memory::Through(Value::Argument(_) | Value::Unknown) | Memory::Elsewhere => Value::Unknown,
        Memory::Through(value) if instruction.memory_displacement64() == 0 => value,
        Memory::Through(_) => Value::Unknown,
    };
    state.registers[number(to)] = if to.is_gpr64() { value } else { Value::Unknown };
}

fn top(state: &State) -> Value {
    match state.registers[RSP] {
        Value::Stack { base, offset } => state.load(base, offset),
        _ => Value::Unknown,
    }
}

fn move_rsp(state: &mut State, by: i64) {
    state.registers[RSP] = match state.registers[RSP] {
        Value::Stack { base, offset } => Value::Stack { base, offset: offset.saturating_add(by) },
        _ => Value::Unknown,
    };
}

/// `movsxd r, [table + 4*index]`
fn table_entry(instruction: &Instruction, state: &State) -> Option<Value> {
    let indexed = instruction.op1_kind() == OpKind::Memory
        && instruction.op0_register().is_gpr64()
        && instruction.memory_index() != Register::None
        && instruction.memory_index_scale() == 4
        && instruction.memory_base().is_gpr64();
    if !indexed {
        return None;
    }
    match state.registers[number(instruction.memory_base())] {
        Value::Constant(table) => {
            Some(Value::TableEntry(table.wrapping_add(instruction.memory_displacement64())))
        }
        _ => None,
    }
}

/// Instructions that read their first operand though it is memory.
fn only_reads(mnemonic: M) -> bool {
    matches!(
        mnemonic,
        M::Cmp
            | M::Test
            | M::Bt
            | M::Mul
            | M::Imul
            | M::Div
            | M::Idiv
            | M::Fld
            | M::Fild
            | M::Fadd
            | M::Fmul
            | M::Fsub
            | M::Fdiv
            | M::Fldcw
            | M::Ldmxcsr
            | M::Prefetcht0
            | M::Prefetcht1
            | M::Prefetcht2
            | M::Prefetchnta
            | M::Prefetchw
            | M::Nop
    )
}

/// Instructions on vector registers alone: the common case of those without a model, and the info factory is slow.
fn only_vectors(instruction: &Instruction) -> bool {
    let vector = |o: u32| {
        instruction.op_kind(o) != OpKind::Register || instruction.op_register(o).is_vector_register()
    };
    instruction.op_count() >= 2
        && (0..instruction.op_count()).all(vector)
        && (instruction.op0_kind() == OpKind::Register || instruction.op1_kind() == OpKind::Register)
        && !matches!(
            instruction.mnemonic(),
            M::Pcmpestri | M::Pcmpistri | M::Vpcmpestri | M::Vpcmpistri | M::Maskmovdqu | M::Vmaskmovdqu
        )
}

fn is_vector_move(mnemonic: M) -> bool {
    matches!(
        mnemonic,
        M::Movups | M::Movaps | M::Movdqu | M::Movdqa | M::Vmovups | M::Vmovaps | M::Vmovdqu | M::Vmovdqa
    )
}

fn is_conditional_move(mnemonic: M) -> bool {
    matches!(
        mnemonic,
        M::Cmova
            | M::Cmovae
            | M::Cmovb
            | M::Cmovbe
            | M::Cmove
            | M::Cmovg
            | M::Cmovge
            | M::Cmovl
            | M::Cmovle
            | M::Cmovne
            | M::Cmovno
            | M::Cmovnp
            | M::Cmovns
            | M::Cmovo
            | M::Cmovp
            | M::Cmovs
    )
}
