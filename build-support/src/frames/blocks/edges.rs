//! From block to block: what is known where an edge arrives.
//!
//! Edges are *certain* or *doubtful*. Doubtful are the one behind a call (the callee may never return, and then other
//! code begins there) and those read from a jump table whose length is not known. They are followed only when
//! nothing certain is left to do, and dropped when rsp contradicts what is known of the place they lead to. What a doubtful edge leads to is
//! doubtful too, with all that follows from it: a contradiction between two doubtful edges drops neither, and the function has no bound unless
//! a certain edge decides. Where the unwind table gives the same rsp, an edge is certain.
//!
//! Behind a call that is known never to come back there is no edge. Code that nothing else leads to is followed from there all the same, last of all:
//! compilers leave some that is never executed, and code that was not reached would mean that a path was not seen.

use super::{Block, Interpreter};
use crate::frames::Problem;
use crate::frames::notes::Notes;
use crate::frames::state::{RSP, State};
use crate::frames::value::Value;

impl Interpreter<'_, '_> {
    /// Everything has been followed: who was right about rsp where doubtful edges contradict? Returns whether there is more to do.
    pub(super) fn settle_disputes(&mut self) -> bool {
        for (to, state) in std::mem::take(&mut self.disputed) {
            match self.block(to) {
                Some(block) if block.state.registers[RSP] != state.registers[RSP] => {
                    if block.doubtful {
                        let at = self.code[to].ip();
                        self.problem(Problem::StackPointerDiffers(at));
                    }
                }
                _ => self.arrive(to, &state, true),
            }
        }
        !self.work.is_empty()
    }

    /// An edge that is as certain as the block that it begins in.
    pub(in crate::frames) fn go(&mut self, to: usize, state: &State) {
        self.arrive(to, state, self.block_is_doubtful);
    }

    /// A doubtful edge.
    pub(in crate::frames) fn may_go(&mut self, to: usize, state: &State) {
        // Where the unwind table agrees, nothing that is found later will contradict: going on at once saves doing things twice.
        if let Value::Stack { base: 0, offset } = state.registers[RSP]
            && self.function.has_unwind_entry()
            && self.row(self.code[to].ip()).and_then(|r| r.rsp_offset) == Some(8_i64.wrapping_sub(offset))
        {
            return self.arrive(to, state, false);
        }
        self.doubtful.push((to, state.clone()));
    }

    /// An edge behind a call that never comes back.
    pub(in crate::frames) fn keep_for_last(&mut self, to: usize, state: &State) {
        if self.followed.contains(&to) {
            self.may_go(to, state);
        } else if to < self.code.len() {
            // What the last visit saw counts.
            self.impossible.insert(to, state.clone());
        }
    }

    /// Follows the next of them that leads where nothing else does. Returns whether there was one.
    pub(super) fn follow_an_impossible_edge(&mut self) -> bool {
        while let Some((to, state)) = self.impossible.pop_first() {
            if !self.reached[to] {
                self.followed.insert(to);
                self.may_go(to, &state);
                return true;
            }
        }
        false
    }

    fn arrive(&mut self, to: usize, state: &State, doubtful: bool) {
        self.split_at(to);
        let program = self.program;
        let code = |address: u64| program.is_callable(address);
        let number = self.block_at[to] as usize;
        if number == 0 {
            let notes = Notes::default();
            self.blocks.push(Block { state: state.clone(), doubtful, visits: 0, notes });
            self.block_at[to] = self.blocks.len() as u32;
            self.work.push(to);
            return;
        }
        let block = &mut self.blocks[number - 1];
        if block.doubtful && !doubtful && block.state.registers[RSP] != state.registers[RSP] {
            // What came by the doubtful edge cannot have been.
            block.state = state.clone();
            block.doubtful = doubtful;
            self.work.push(to);
            return;
        }
        // What follows from it is certain now as well.
        let certain_now = block.doubtful && !doubtful;
        block.doubtful &= doubtful;
        let (mut changed, lost_address) = block.state.join(state, &mut self.sets, &code);
        changed |= certain_now;
        self.below.vague |= lost_address;
        if block.state.registers[RSP] != state.registers[RSP] && block.state.registers[RSP] != Value::Unknown
        {
            block.state.registers[RSP] = Value::Unknown;
            let at = self.code[to].ip();
            self.problem(Problem::StackPointerDiffers(at));
            changed = true;
        }
        if changed {
            self.work.push(to);
        }
    }

    /// Makes `to` the start of a block; one that ran through it must stop there from now on.
    fn split_at(&mut self, to: usize) {
        if std::mem::replace(&mut self.leaders[to], true) {
            return;
        }
        if self.reached[to]
            && let Some(around) = (0..to).rev().find(|at| self.block_at[*at] != 0)
        {
            self.work.push(around);
        }
    }

    pub(super) fn try_doubtful(&mut self, to: usize, state: &State) {
        let Value::Stack { base, .. } = state.registers[RSP] else {
            return self.arrive(to, state, true);
        };
        let at = self.code[to].ip();
        // Without an unwind entry nobody vouches for the place, and a contradiction stands.
        if !self.function.has_unwind_entry() {
            return self.arrive(to, state, true);
        }
        let table_says = self.row(at).and_then(|r| r.rsp_offset).is_some();
        match (table_says, self.block(to)) {
            // It says otherwise, or the edge would be certain.
            (true, _) if base == 0 => {}
            (_, Some(block)) if block.state.registers[RSP] != state.registers[RSP] => {
                if block.doubtful {
                    self.disputed.push((to, state.clone()));
                }
            }
            _ => self.arrive(to, state, true),
        }
    }
}
