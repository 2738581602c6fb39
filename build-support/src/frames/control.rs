//! Where control goes after an instruction: branches, calls, jump tables, landing pads, ways out.

use super::blocks::{Flow, Interpreter};
use super::notes::{ALL_OF_THE_FRAME, below_return_address};
use super::operands::{is_immediate, number};
use super::state::{ARGUMENTS, RBP, RSP, State};
use super::value::{Target, Value};
use super::{Callee, Form, Place, Problem, Site};
use crate::elf::Slot;
use crate::records::Mark;
use iced_x86::{FlowControl, Instruction, Mnemonic as M, OpKind, Register};

impl Interpreter<'_, '_> {
    /// Executes the instruction at `index`.
    pub(super) fn step(&mut self, index: usize, state: &mut State) -> Flow {
        let instruction = self.code[index];
        let at = instruction.ip();
        self.note_depth(at, state.registers[RSP]);
        self.note_access(&instruction, state);
        let mark = match self.marks {
            None => None,
            Some(records) => records.mark(at).filter(|mark| has_form(mark, &instruction)),
        };
        match mark.cloned() {
            None => self.execute(index, &instruction, state),
            Some(Mark::PlainJump | Mark::Plain) if self.place == Place::Anywhere => {
                self.execute(index, &instruction, state)
            }
            Some(Mark::InPlace) if self.place == Place::Anywhere => {
                self.execute(index, &instruction, state);
                // What stands behind is the function's code, even where the jump has been made unconditional.
                Flow::Next
            }
            Some(Mark::InPlace) if self.place == Place::InPlace || is_jump(&instruction) => {
                self.jump(&instruction, state)
            }
            Some(Mark::PlainJump | Mark::InPlace) => Flow::Next,
            Some(Mark::Plain) => Flow::Stop,
            Some(Mark::Switch) => {
                self.site(&instruction, state, Callee::Elsewhere);
                self.after_call(index, state)
            }
            Some(Mark::Swap { resume, moved }) => {
                self.skip_behind_swap(index, resume);
                self.swap(&instruction, state, resume, moved)
            }
            Some(Mark::Select(callees)) => {
                let flow = self.execute(index, &instruction, state);
                if self.place != Place::Anywhere {
                    let set = callees.into_iter().map(Target::Function).collect();
                    state.registers[number(instruction.op0_register())] = self.sets.targets(set);
                }
                flow
            }
            Some(Mark::Tag(markers)) => {
                let flow = self.execute(index, &instruction, state);
                state.escape(state.registers[number(instruction.op0_register())]);
                state.registers[number(instruction.op0_register())] = self.sets.tagged(markers);
                flow
            }
        }
    }

    /// The jump is taken, whatever it asks.
    fn jump(&mut self, instruction: &Instruction, state: &mut State) -> Flow {
        match self.index_of(instruction.near_branch_target()) {
            Some(to) => self.go(to, state),
            None => self.leave(instruction, state),
        }
        Flow::Stop
    }

    /// What follows where control has left this stack runs on another one, up to the jump there.
    fn skip_behind_swap(&mut self, index: usize, resume: Option<u64>) {
        for behind in index + 1..self.code.len() {
            let instruction = self.code[behind];
            if Some(instruction.ip()) == resume {
                return;
            }
            self.reached[behind] = true;
            self.notes.skipped = (index + 1, behind + 1);
            if instruction.flow_control() != FlowControl::Next {
                return;
            }
        }
    }

    /// Is this where a switch saves rsp, just before it leaves the stack? Whoever finds it there only comes back with it, and writes nothing
    /// through it (`Kind::Swap`).
    pub(super) fn saves_for_swap(&self, instruction: &Instruction) -> bool {
        let (Some(records), Some(next)) = (self.marks, self.index_of(instruction.next_ip())) else {
            return false;
        };
        let swaps = |i: &Instruction| matches!(records.mark(i.ip()), Some(Mark::Swap { .. }));
        match &self.code[next..] {
            [first, ..] if swaps(first) => true,
            [first, second, ..] => first.flow_control() == FlowControl::Next && swaps(second),
            _ => false,
        }
    }

    /// Control leaves this stack and comes back elsewhere, with rbp as it was and nothing in the other registers.
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
            // Whoever gets rsp only comes back with it.
            if after.registers[register] != state.registers[RSP] {
                after.escape(after.registers[register]);
            }
            if register != RBP {
                after.registers[register] = Value::Unknown;
            }
        }
        after.forget_escaped_but(&self.bases, base, offset, offset + moved);
        after.registers[RSP] = Value::Stack { base, offset: offset + moved };
        after.forget_arguments();
        self.go(to, &after);
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
                self.notes.returns = true;
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
                let callee = self.callee(instruction, state);
                let ends = self.leads_nowhere(index, &callee);
                self.site(instruction, state, callee);
                if !ends {
                    return self.after_call(index, state);
                }
                self.after_end(index, state);
                if !self.plain_path_may_begin(index + 1) {
                    self.keep_for_last(index + 1, state);
                }
                Flow::Stop
            }
            FlowControl::ConditionalBranch => self.branch(index, instruction, state),
            FlowControl::UnconditionalBranch => self.jump(instruction, state),
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

    /// Does this call end where it is, so that what stands behind it is other code, which jumps lead to? Asked only where that code may be a plain
    /// path, which would be taken for one that is on a chunk, and when a function is looked at again.
    fn leads_nowhere(&self, index: usize, callee: &Callee) -> bool {
        let Callee::Targets(targets) = callee else { return false };
        (self.looks_again || self.plain_path_may_begin(index + 1))
            && !targets.is_empty()
            && targets.iter().all(|target| self.program.never_comes_back(target))
    }

    /// Jumps lead there, perhaps only ones that are not taken on a chunk.
    fn plain_path_may_begin(&self, index: usize) -> bool {
        let may_matter = self.place != Place::Anywhere && self.marks.is_some();
        may_matter && self.leaders.get(index) == Some(&true)
    }

    fn after_call(&mut self, index: usize, state: &mut State) -> Flow {
        self.after_end(index, state);
        if index + 1 < self.code.len() {
            self.may_go(index + 1, state);
        }
        Flow::Stop
    }

    /// Where a call may lead that does not come back: to its landing pads.
    fn after_end(&mut self, index: usize, state: &mut State) -> Flow {
        let at = self.code[index].ip();
        let before = state.registers[RSP];
        state.call(&self.bases);
        for number in 0..self.pads.len() {
            let (calls, pad) = &self.pads[number];
            if at >= calls.start && at < calls.end {
                self.land(at, *pad, before, state);
            }
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
        self.go(to, &state);
    }

    fn branch(&mut self, index: usize, instruction: &Instruction, state: &mut State) -> Flow {
        let target = instruction.near_branch_target();
        match self.index_of(target) {
            Some(to) => match self.probe_loop(to, index, state) {
                Some(end) => state.registers[RSP] = end,
                None => self.go(to, state),
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
        let target = instruction.near_branch_target();
        if (self.function.start..self.function.end).contains(&target) {
            return self.final_problem(Problem::JumpIntoMiddle(instruction.ip()));
        }
        let callee = self.callee(instruction, state);
        self.tail_site(instruction, state, callee);
    }

    fn tail_site(&mut self, instruction: &Instruction, state: &State, callee: Callee) {
        if state.registers[RSP] != (Value::Stack { base: 0, offset: 0 }) {
            let at = instruction.ip();
            let unknown = matches!(callee, Callee::Unknown(_));
            return self.final_problem(if unknown {
                Problem::UnresolvedJump(at)
            } else {
                Problem::Unbalanced(at)
            });
        }
        self.site(instruction, state, callee);
    }

    fn indirect_jump(&mut self, instruction: &Instruction, state: &State) {
        let value = self.operand(instruction, 0, state);
        if let Value::TableTarget(table) = value {
            let targets = self.offset_table(table);
            if targets.is_empty() {
                return self.final_problem(Problem::UnresolvedJump(instruction.ip()));
            }
            if self.through_table(state, &targets) {
                return;
            }
        }
        if let Some(table) = absolute_table(instruction, state) {
            let targets = self.address_table(table);
            if self.through_table(state, &targets) {
                return;
            }
        }
        let callee = self.callee(instruction, state);
        self.tail_site(instruction, state, callee);
    }

    /// Follows a jump table. `false`: the jump may be something else as well. An array of functions looks the same, and then the jump is a
    /// tail call: nothing in it is a place in this function, but for the function's own start, and what comes behind that was not read.
    fn through_table(&mut self, state: &State, targets: &[usize]) -> bool {
        for to in targets {
            self.may_go(*to, state);
        }
        !targets.is_empty() && !targets.contains(&0)
    }

    /// What a call or jump out of the function enters.
    fn callee(&mut self, instruction: &Instruction, state: &State) -> Callee {
        if matches!(instruction.op0_kind(), OpKind::NearBranch64) {
            let to = instruction.near_branch_target();
            return match self.program.image.plt(to) {
                Some(slot) => slot_callee(slot),
                None if self.program.is_callable(to) => Callee::Targets([Target::Function(to)].into()),
                None => {
                    Callee::Unknown(format!("`{}`, which is not the start of a function", text(instruction)))
                }
            };
        }
        let value = self.operand(instruction, 0, state);
        let program = self.program;
        match self.sets.as_targets(value, &|a| program.is_callable(a)) {
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
            Value::Stack { base, offset } => below_return_address(self.bases.lowest(base, offset)),
            // Already on another stack, in a function that does such things on purpose.
            _ if callee == Callee::Elsewhere => ALL_OF_THE_FRAME,
            _ => return self.final_problem(Problem::StackPointerLost(instruction.ip())),
        };
        let tail = instruction.mnemonic() != M::Call;
        let program = self.program;
        let mut arguments = Vec::new();
        for (index, register) in ARGUMENTS.into_iter().enumerate() {
            let value = state.registers[register];
            // An argument passed on counts as well; what it is, the caller knows.
            if value.may_be_targets()
                && let Some(set) = self.sets.as_targets(value, &|a| program.is_callable(a))
            {
                arguments.push((index as u8, set));
            }
        }
        let form = form(instruction);
        self.seen.sites.push(Some(Site {
            at: instruction.ip(),
            len: instruction.len(),
            block: self.block,
            outgoing: state.outgoing(),
            depth,
            tail,
            form,
            callee,
            arguments,
        }));
    }
}

/// Is it an instruction that such a mark can be about? Of others it says nothing: a record of code that the linker dropped may have been left with
/// an address at which something else is.
fn has_form(mark: &Mark, instruction: &Instruction) -> bool {
    let is_load = |kind: OpKind| {
        instruction.mnemonic() == M::Mov
            && instruction.op0_kind() == OpKind::Register
            && instruction.op0_register().is_gpr64()
            && instruction.op1_kind() == kind
    };
    match mark {
        Mark::Plain => instruction.mnemonic() == M::Nop && instruction.len() == 1,
        Mark::PlainJump => instruction.flow_control() == FlowControl::ConditionalBranch,
        Mark::InPlace => instruction.flow_control() == FlowControl::ConditionalBranch || is_jump(instruction),
        Mark::Select(_) => is_load(OpKind::Memory) && instruction.memory_index_scale() == 8,
        Mark::Tag(_) => is_load(OpKind::Register) && instruction.op0_register() == instruction.op1_register(),
        Mark::Switch => matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall),
        Mark::Swap { .. } => true,
    }
}

fn is_jump(instruction: &Instruction) -> bool {
    instruction.flow_control() == FlowControl::UnconditionalBranch
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

fn text(instruction: &Instruction) -> String {
    let mut text = String::new();
    let mut formatter = iced_x86::FastFormatter::new();
    formatter.options_mut().set_use_hex_prefix(true);
    formatter.format(instruction, &mut text);
    text
}
