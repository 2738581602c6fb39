//! What one instruction does to what is known.

use super::blocks::{Flow, Interpreter};
use super::state::{ARGUMENTS, RBP, RSP, State};
use super::value::{Target, Value};
use super::{Callee, Form, Place, Problem, Reference, Site};
use crate::elf::{Import, Slot};
use crate::records::Mark;
use iced_x86::{FlowControl, Instruction, Mnemonic as M, OpAccess, OpKind, Register};

/// What the memory operand of an instruction addresses.
#[derive(Clone, Copy)]
enum Memory {
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

fn number(register: Register) -> usize {
    register.full_register().number()
}

impl Interpreter<'_, '_> {
    /// Executes the instruction at `index`.
    pub(super) fn step(&mut self, index: usize, state: &mut State) -> Flow {
        let instruction = self.code[index];
        let at = instruction.ip();
        self.note_depth(at, state.registers[RSP]);
        self.note_access(&instruction, state);
        match self.program.records.mark(at).cloned() {
            None => self.execute(index, &instruction, state),
            Some(Mark::Plain) if self.place == Place::OnChunk => Flow::Stop,
            Some(Mark::Plain) => Flow::Next,
            Some(Mark::Switch) => {
                if self.collecting {
                    self.site(&instruction, state, Callee::Elsewhere);
                }
                self.after_call(index, state)
            }
            Some(Mark::Swap { resume, moved }) => self.swap(&instruction, state, resume, moved),
            Some(Mark::Select(callees)) => {
                let flow = self.execute(index, &instruction, state);
                if self.place == Place::OnChunk && instruction.op0_register().is_gpr64() {
                    let set = callees.into_iter().map(Target::Function).collect();
                    state.registers[number(instruction.op0_register())] = self.sets.targets(set);
                }
                flow
            }
            Some(Mark::Tag(markers)) => {
                let flow = self.execute(index, &instruction, state);
                if instruction.op0_register().is_gpr64() {
                    state.escape(state.registers[number(instruction.op0_register())]);
                    state.registers[number(instruction.op0_register())] = self.sets.tagged(markers);
                }
                flow
            }
        }
    }

    /// Control leaves this stack and comes back elsewhere, with nothing in registers.
    fn swap(
        &mut self,
        instruction: &Instruction,
        state: &mut State,
        resume: Option<u64>,
        moved: i64,
    ) -> Flow {
        let Value::Stack { base, offset } = state.registers[RSP] else {
            self.final_problem(Problem::StackPointerLost(instruction.ip()));
            return Flow::Stop;
        };
        let Some(resume) = resume else { return Flow::Stop };
        let Some(to) = self.index_of(resume) else {
            self.final_problem(Problem::JumpIntoMiddle(instruction.ip()));
            return Flow::Stop;
        };
        let mut after = state.clone();
        for register in 0..16 {
            after.escape(after.registers[register]);
            after.registers[register] = Value::Unknown;
        }
        after.forget_escaped_but(&self.bases, base, offset, offset + moved + 8);
        after.registers[RSP] = Value::Stack { base, offset: offset + moved };
        self.go(to, after);
        Flow::Stop
    }

    fn execute(&mut self, index: usize, instruction: &Instruction, state: &mut State) -> Flow {
        match instruction.flow_control() {
            FlowControl::Next if instruction.mnemonic() == M::Hlt => Flow::Stop,
            FlowControl::Next => {
                self.compute(instruction, state);
                if state.registers[RSP] == Value::Unknown
                    && !self.program.records.switches(self.function.start)
                {
                    self.final_problem(Problem::StackPointerLost(instruction.ip()));
                    return Flow::Stop;
                }
                Flow::Next
            }
            FlowControl::Return => {
                self.frame.returns |= self.collecting;
                let balanced = state.registers[RSP] == Value::Stack { base: 0, offset: 0 };
                if !balanced || instruction.mnemonic() != M::Ret || instruction.op_count() != 0 {
                    self.final_problem(Problem::Unbalanced(instruction.ip()));
                }
                Flow::Stop
            }
            FlowControl::Call | FlowControl::IndirectCall => {
                if instruction.mnemonic() == M::Syscall {
                    state.call(&self.bases);
                    return Flow::Next;
                }
                if self.collecting {
                    let callee = self.callee(instruction, state);
                    self.site(instruction, state, callee);
                }
                self.after_call(index, state)
            }
            FlowControl::ConditionalBranch => self.branch(index, instruction, state),
            FlowControl::UnconditionalBranch => {
                match self.index_of(instruction.near_branch_target()) {
                    Some(to) => self.go(to, state.clone()),
                    None => self.leave(instruction, state),
                }
                Flow::Stop
            }
            FlowControl::IndirectBranch => {
                self.indirect_jump(instruction, state);
                Flow::Stop
            }
            FlowControl::Interrupt | FlowControl::Exception => {
                // int3, ud2: the program ends here.
                Flow::Stop
            }
            FlowControl::XbeginXabortXend => {
                self.final_problem(Problem::UnusualInstruction(instruction.ip()));
                Flow::Stop
            }
        }
    }

    fn after_call(&mut self, index: usize, state: &mut State) -> Flow {
        let at = self.code[index].ip();
        let before = state.registers[RSP];
        state.call(&self.bases);
        if !self.collecting {
            let pads: Vec<u64> =
                self.pads.iter().filter(|(r, _)| r.contains(&at)).map(|(_, pad)| *pad).collect();
            for pad in pads {
                self.land(at, pad, before, state);
            }
        }
        if index + 1 < self.code.len() {
            self.may_go(index + 1, state.clone());
        }
        Flow::Stop
    }

    /// A panic in the call at `at` lands at `pad`: rsp is what it was, less the arguments pushed for the call.
    fn land(&mut self, at: u64, pad: u64, rsp: Value, state: &State) {
        let Some(to) = self.index_of(pad) else {
            return self.problem(Problem::JumpIntoMiddle(at));
        };
        let mut state = state.clone();
        let pushed = self.row(at).map_or(0, |r| r.arguments) as i64;
        state.registers[RSP] = match rsp {
            Value::Stack { base, offset } => Value::Stack { base, offset: offset.saturating_add(pushed) },
            other => other,
        };
        self.go(to, state);
    }

    fn branch(&mut self, index: usize, instruction: &Instruction, state: &mut State) -> Flow {
        let target = instruction.near_branch_target();
        match self.index_of(target) {
            Some(to) => match self.probe_loop(to, index, state) {
                Some(end) => state.registers[RSP] = end,
                None => self.go(to, state.clone()),
            },
            None => self.leave(instruction, state),
        }
        Flow::Next
    }

    /// Large frames are touched page by page: `sub rsp, page; <touch [rsp]>; cmp rsp, r; jne` back. It ends with rsp = r.
    fn probe_loop(&mut self, to: usize, jump: usize, state: &State) -> Option<Value> {
        if to >= jump || self.code[jump].mnemonic() != M::Jne {
            return None;
        }
        let [lower, .., compare] = &self.code[to..jump] else { return None };
        let touches = &self.code[to + 1..jump - 1];
        let is_lower =
            lower.mnemonic() == M::Sub && lower.op0_register() == Register::RSP && is_immediate(lower, 1);
        let is_compare = compare.mnemonic() == M::Cmp
            && compare.op0_register() == Register::RSP
            && compare.op1_kind() == OpKind::Register;
        let only_touch = touches.iter().all(|i| {
            i.op0_kind() == OpKind::Memory
                && i.memory_base() == Register::RSP
                && i.mnemonic() != M::Push
                && i.mnemonic() != M::Pop
        });
        if !is_lower || !is_compare || !only_touch {
            return None;
        }
        let step = lower.immediate(1) as i64;
        let end = state.registers[number(compare.op1_register())];
        match (state.registers[RSP], end) {
            (Value::Stack { base, offset }, Value::Stack { base: end_base, offset: last })
                if base == end_base && step > 0 && last <= offset && (offset - last) % step == 0 =>
            {
                Some(end)
            }
            _ => None,
        }
    }

    /// A direct jump out of the function.
    fn leave(&mut self, instruction: &Instruction, state: &State) {
        if !self.collecting {
            return;
        }
        let target = instruction.near_branch_target();
        if (self.function.start..self.function.end).contains(&target) {
            return self.problem(Problem::JumpIntoMiddle(instruction.ip()));
        }
        let callee = self.callee(instruction, state);
        self.tail_site(instruction, state, callee);
    }

    fn tail_site(&mut self, instruction: &Instruction, state: &State, callee: Callee) {
        if state.registers[RSP] != (Value::Stack { base: 0, offset: 0 }) {
            let at = instruction.ip();
            let unknown = matches!(callee, Callee::Unknown(_));
            return self.problem(if unknown { Problem::UnresolvedJump(at) } else { Problem::Unbalanced(at) });
        }
        self.site(instruction, state, callee);
    }

    fn indirect_jump(&mut self, instruction: &Instruction, state: &State) {
        let value = self.operand(instruction, 0, state);
        if let Value::TableTarget(table) = value {
            let targets = self.offset_table(table);
            return self.through_table(instruction, state, &targets);
        }
        if let Some(table) = absolute_table(instruction, state) {
            let targets = self.address_table(table);
            // An array of functions looks the same: then the jump is a tail call.
            if !targets.is_empty() {
                return self.through_table(instruction, state, &targets);
            }
        }
        if self.collecting {
            let callee = self.callee(instruction, state);
            self.tail_site(instruction, state, callee);
        }
    }

    fn through_table(&mut self, instruction: &Instruction, state: &State, targets: &[usize]) {
        if targets.is_empty() {
            self.final_problem(Problem::UnresolvedJump(instruction.ip()));
        }
        for to in targets {
            self.may_go(*to, state.clone());
        }
    }

    /// What a call or jump out of the function enters.
    fn callee(&mut self, instruction: &Instruction, state: &State) -> Callee {
        if matches!(instruction.op0_kind(), OpKind::NearBranch64) {
            let to = instruction.near_branch_target();
            return match self.program.image.plt(to) {
                Some(slot) => slot_callee(slot),
                None if self.program.functions.at(to).is_some() => {
                    Callee::Targets([Target::Function(to)].into())
                }
                None => {
                    Callee::Unknown(format!("`{}`, which is not the start of a function", text(instruction)))
                }
            };
        }
        let value = self.operand(instruction, 0, state);
        let functions = self.program.functions;
        match self.sets.as_targets(value, &|a| functions.at(a).is_some()) {
            Some(set) => Callee::Targets(set),
            None => match value {
                Value::Constant(address) if self.program.image.plt(address).is_some() => {
                    self.program.image.plt(address).map_or(Callee::Elsewhere, slot_callee)
                }
                _ => Callee::Unknown(format!("`{}`", text(instruction))),
            },
        }
    }

    fn site(&mut self, instruction: &Instruction, state: &State, callee: Callee) {
        let depth = match state.registers[RSP] {
            Value::Stack { base, offset } => (-self.bases.lowest(base, offset)).max(0) as u64,
            // Already on another stack, in a function that does such things on purpose.
            _ if callee == Callee::Elsewhere => self.frame.frame,
            _ => return self.problem(Problem::StackPointerLost(instruction.ip())),
        };
        let tail = instruction.mnemonic() != M::Call;
        let functions = self.program.functions;
        let arguments = ARGUMENTS.iter().enumerate().filter_map(|(index, register)| {
            let value = state.registers[*register];
            // An argument passed on counts as well; what it is, the caller knows.
            let set = self.sets.as_targets(value, &|a| functions.at(a).is_some())?;
            Some((index as u8, set))
        });
        let arguments = arguments.collect();
        let form = form(instruction);
        self.frame.sites.push(Site {
            at: instruction.ip(),
            len: instruction.len(),
            depth,
            tail,
            form,
            callee,
            arguments,
        });
    }

    /// Which memory does the instruction's memory operand address?
    fn memory(&self, instruction: &Instruction, state: &State) -> Memory {
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

    /// What a 64-bit operand holds.
    fn operand(&mut self, instruction: &Instruction, operand: u32, state: &State) -> Value {
        match instruction.op_kind(operand) {
            OpKind::Register => {
                let register = instruction.op_register(operand);
                if register.is_gpr64() { state.registers[number(register)] } else { Value::Unknown }
            }
            OpKind::Memory if instruction.memory_size().size() == 8 => {
                match self.memory(instruction, state) {
                    Memory::Stack { base, offset } => state.load(base, offset),
                    Memory::Fixed(address) => self.constant(instruction, address),
                    Memory::Through(Value::Tagged(markers)) => self.sets.members(markers),
                    _ => Value::Unknown,
                }
            }
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
                if self.collecting {
                    self.refer(instruction, import);
                }
                self.sets.targets([Target::Import(import)].into())
            }
            Some(Slot::Chosen(_)) | None => Value::Unknown,
        }
    }

    /// Notes a load of an import's address. Calls through the word itself are sites.
    fn refer(&mut self, instruction: &Instruction, import: Import) {
        if instruction.flow_control() == FlowControl::Next {
            self.frame.references.push(Reference { at: instruction.ip(), len: instruction.len(), import });
        }
    }

    /// Memory that the instruction touches: below rsp it is the red zone, above the return address a stack argument.
    fn note_access(&mut self, instruction: &Instruction, state: &State) {
        let kinds = (0..instruction.op_count()).any(|o| instruction.op_kind(o) == OpKind::Memory);
        if !self.collecting || !kinds || instruction.mnemonic() == M::Nop {
            return;
        }
        let size = instruction.memory_size().size() as i64;
        let address_only = instruction.mnemonic() == M::Lea;
        let rsp = match state.registers[RSP] {
            Value::Stack { base, offset } => self.bases.lowest(base, offset),
            _ => return,
        };
        match self.memory(instruction, state) {
            Memory::Stack { base, offset } => {
                let lowest = self.bases.lowest(base, offset);
                let is_rsp = address_only && instruction.op0_register() == Register::RSP;
                if address_only {
                    self.vague_access |= lowest < rsp && !is_rsp;
                } else {
                    self.lowest_access = self.lowest_access.min(lowest);
                }
                if base == 0 && offset >= 8 && !is_rsp {
                    let end = (offset - 8).saturating_add(size).max(0) as u64;
                    self.frame.incoming.bytes = self.frame.incoming.bytes.max(end);
                    self.frame.incoming.open |= address_only;
                }
            }
            Memory::StackIndexed { base, offset } => {
                let lowest = self.bases.lowest(base, offset);
                self.vague_access |= lowest < rsp;
                self.frame.incoming.open |= base == 0 && offset >= 8 || offset == i64::MIN;
            }
            _ => {}
        }
    }

    /// Instructions after which the next one follows.
    fn compute(&mut self, instruction: &Instruction, state: &mut State) {
        match instruction.mnemonic() {
            M::Nop | M::Endbr64 | M::Cmp | M::Test | M::Lfence | M::Mfence | M::Pause => {}
            M::Mov => self.mov(instruction, state),
            M::Lea => self.lea(instruction, state),
            M::Push => {
                let value = self.operand(instruction, 0, state);
                self.push(state, value);
            }
            M::Pop => self.pop(instruction, state),
            M::Pushfq => self.push(state, Value::Unknown),
            M::Popfq => self.move_rsp(state, 8),
            M::Leave => {
                state.registers[RSP] = state.registers[RBP];
                state.registers[RBP] = self.top(state);
                self.move_rsp(state, 8);
            }
            M::Add | M::Sub if instruction.op0_register().is_gpr64() => self.add(instruction, state),
            M::And if instruction.op0_register() == Register::RSP => self.realign(instruction, state),
            M::Xor
                if instruction.op0_register() == instruction.op1_register()
                    && instruction.op0_register().is_gpr() =>
            {
                state.registers[number(instruction.op0_register())] = Value::Constant(0);
            }
            M::Xchg if instruction.op0_register().is_gpr64() && instruction.op1_register().is_gpr64() => {
                state.registers.swap(number(instruction.op0_register()), number(instruction.op1_register()));
            }
            M::Movsxd if self.table_entry(instruction, state).is_some() => {
                let value = self.table_entry(instruction, state).unwrap_or(Value::Unknown);
                state.registers[number(instruction.op0_register())] = value;
            }
            mnemonic if is_conditional_move(mnemonic) && instruction.op0_register().is_gpr64() => {
                let (mine, other) =
                    (self.operand(instruction, 0, state), self.operand(instruction, 1, state));
                let functions = self.program.functions;
                let joined = self.sets.join(mine, other, &|a| functions.at(a).is_some());
                if joined == Value::Unknown {
                    state.escape(mine);
                    state.escape(other);
                    self.vague_access |=
                        matches!(mine, Value::Stack { .. }) || matches!(other, Value::Stack { .. });
                }
                state.registers[number(instruction.op0_register())] = joined;
            }
            _ => self.anything(instruction, state),
        }
    }

    fn top(&self, state: &State) -> Value {
        match state.registers[RSP] {
            Value::Stack { base, offset } => state.load(base, offset),
            _ => Value::Unknown,
        }
    }

    fn move_rsp(&self, state: &mut State, by: i64) {
        state.registers[RSP] = match state.registers[RSP] {
            Value::Stack { base, offset } => Value::Stack { base, offset: offset.saturating_add(by) },
            _ => Value::Unknown,
        };
    }

    fn push(&mut self, state: &mut State, value: Value) {
        self.move_rsp(state, -8);
        state.escape(value);
        if let Value::Stack { base, offset } = state.registers[RSP] {
            state.store(&self.bases, base, offset, 8, value);
        }
    }

    fn pop(&mut self, instruction: &Instruction, state: &mut State) {
        let value = self.top(state);
        self.move_rsp(state, 8);
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
            let value = if instruction.memory_size().size() == 8 {
                self.operand(instruction, 1, state)
            } else {
                Value::Unknown
            };
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
        } else if to.is_gpr() {
            state.registers[number(to)] = Value::Unknown;
        }
    }

    /// The instruction writes its memory operand; `value` is what, if it is eight bytes and known.
    fn write_memory(&mut self, instruction: &Instruction, state: &mut State, value: Value) {
        state.escape(value);
        let len = instruction.memory_size().size() as i64;
        match self.memory(instruction, state) {
            _ if len == 0 => state.forget_slots(),
            Memory::Stack { base, offset } => state.store(&self.bases, base, offset, len, value),
            Memory::StackIndexed { .. } => state.forget_slots(),
            // What the caller passed cannot point into a frame that did not exist yet.
            Memory::Fixed(_) | Memory::Elsewhere | Memory::Through(Value::Argument(_) | Value::Tagged(_)) => {
            }
            Memory::Through(_) => state.forget_escaped(&self.bases),
        }
    }

    fn lea(&mut self, instruction: &Instruction, state: &mut State) {
        let to = instruction.op0_register();
        let value = match self.memory(instruction, state) {
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
                state.escape_all(mine);
                state.escape_all(other);
                Value::Unknown
            }
        };
        state.registers[number(instruction.op0_register())] = value;
    }

    /// `movsxd r, [table + 4*index]`
    fn table_entry(&self, instruction: &Instruction, state: &State) -> Option<Value> {
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
        state.registers[RSP] = match self.bases.realigned(instruction.ip(), low, slack + padding) {
            Some(base) => Value::Stack { base, offset: 0 },
            None => {
                self.problem(Problem::Realigned(instruction.ip()));
                Value::Unknown
            }
        };
    }

    /// An instruction without a model of its own: what it writes is unknown from here on.
    fn anything(&mut self, instruction: &Instruction, state: &mut State) {
        let compares = matches!(
            instruction.mnemonic(),
            M::Bt | M::Movq | M::Vmovq | M::Pinsrq | M::Vpinsrq | M::Cmpxchg
        );
        for operand in 0..instruction.op_count() {
            let register = instruction.op_register(operand);
            if instruction.op_kind(operand) == OpKind::Register && register.is_gpr64() {
                let value = state.registers[number(register)];
                if compares { state.escape(value) } else { state.escape_all(value) }
            }
        }
        if instruction.is_string_instruction() {
            // Through rdi, an unknown number of bytes.
            match state.registers[7] {
                Value::Stack { .. } => state.forget_slots(),
                Value::Argument(_) | Value::Constant(_) => {}
                _ => state.forget_escaped(&self.bases),
            }
        } else if instruction.op0_kind() == OpKind::Memory && !only_reads(instruction.mnemonic()) {
            self.write_memory(instruction, state, Value::Unknown);
        } else if (1..instruction.op_count()).any(|o| instruction.op_kind(o) == OpKind::Memory)
            && instruction.mnemonic() == M::Xchg
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

fn form(instruction: &Instruction) -> Form {
    if matches!(instruction.op0_kind(), OpKind::NearBranch64) {
        return if instruction.len() >= 5 { Form::Near } else { Form::Other };
    }
    if instruction.is_ip_rel_memory_operand() && instruction.len() == 6 { Form::Slot } else { Form::Other }
}

fn slot_callee(slot: Slot) -> Callee {
    match slot {
        Slot::Import(import) => Callee::Targets([Target::Import(import)].into()),
        Slot::Address(address) => Callee::Targets([Target::Function(address)].into()),
        Slot::Chosen(resolver) => {
            Callee::Unknown(format!("a function chosen at start-up by the resolver at {resolver:#x}"))
        }
    }
}

/// `jmp [table + 8*index]`
fn absolute_table(instruction: &Instruction, state: &State) -> Option<u64> {
    let indexed = instruction.op0_kind() == OpKind::Memory
        && instruction.memory_index() != Register::None
        && instruction.memory_index_scale() == 8
        && !matches!(instruction.memory_segment(), Register::FS | Register::GS);
    if !indexed {
        return None;
    }
    let displacement = instruction.memory_displacement64();
    match instruction.memory_base() {
        Register::None => Some(displacement),
        base if base.is_gpr64() => match state.registers[number(base)] {
            Value::Constant(table) => Some(table.wrapping_add(displacement)),
            _ => None,
        },
        _ => None,
    }
}

fn is_immediate(instruction: &Instruction, operand: u32) -> bool {
    !matches!(instruction.op_kind(operand), OpKind::Register | OpKind::Memory)
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

fn text(instruction: &Instruction) -> String {
    let mut text = String::new();
    let mut formatter = iced_x86::FastFormatter::new();
    formatter.options_mut().set_use_hex_prefix(true);
    formatter.format(instruction, &mut text);
    text
}
