//! The walk over a function's blocks, to a fixed point.

mod edges;
mod pending;

use super::notes::{Below, Notes, Seen, below_return_address};
use super::state::{Bases, State};
use super::value::{Sets, Value};
use super::{Frame, Place, Problem, Program};
use crate::elf::first_at_least;
use crate::functions::{Function, Row};
use crate::records::Records;
use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic};
use pending::Pending;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How often one block may be visited: far above what the height of the lattice needs in compiled code.
const MOST_VISITS: u32 = 400;

struct Block {
    state: State,
    /// Reached by doubtful edges alone.
    doubtful: bool,
    visits: u32,
    /// What the last visit saw.
    notes: Notes,
}

pub(super) struct Interpreter<'a, 'd> {
    pub(super) program: Program<'a, 'd>,
    pub(super) function: &'a Function,
    pub(super) place: Place,
    pub(super) code: Vec<Instruction>,
    /// By byte of the code: the number of the instruction that begins there and one, or 0.
    number_at: Vec<u32>,
    pub(super) sets: Sets,
    pub(super) bases: Bases,
    pub(super) info: InstructionInfoFactory,
    pub(super) pads: Vec<(Range<u64>, u64)>,
    /// Addresses that the function computes: a jump table ends where something else begins.
    pub(super) tables: BTreeSet<u64>,
    frame: Frame,
    /// What is seen in the block that is being walked.
    pub(super) notes: Notes,
    pub(super) seen: Seen,
    pub(super) below: Below,
    /// Address of the block that is being walked.
    pub(super) block: u64,
    /// It is reached by doubtful edges alone.
    block_is_doubtful: bool,
    rows: OnceCell<Vec<Row>>,
    blocks: Vec<Block>,
    /// By instruction: the block that begins there, its number and one, or 0.
    block_at: Vec<u32>,
    pub(super) leaders: Vec<bool>,
    pub(super) reached: Vec<bool>,
    work: Pending,
    doubtful: Vec<(usize, State)>,
    /// Doubtful edges that contradict another one.
    disputed: Vec<(usize, State)>,
    /// Calls are asked whether they come back: a first look, which does not ask, left the targets of a jump unknown.
    pub(super) looks_again: bool,
    /// Edges behind calls that never come back, by where they lead.
    impossible: BTreeMap<usize, State>,
    /// Where such edges led that were followed all the same.
    followed: BTreeSet<usize>,
    /// The records, if any speaks of an instruction of this function.
    pub(super) marks: Option<&'a Records<'d>>,
    want_points: bool,
}

/// Where control goes after an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Stop,
}

impl<'a, 'd> Interpreter<'a, 'd> {
    pub(super) fn new(
        program: Program<'a, 'd>,
        function: &'a Function,
        place: Place,
        want_points: bool,
    ) -> Self {
        Interpreter {
            program,
            function,
            place,
            code: Vec::new(),
            number_at: Vec::new(),
            sets: Sets::default(),
            bases: Bases::new(),
            info: InstructionInfoFactory::new(),
            pads: Vec::new(),
            tables: BTreeSet::new(),
            frame: Frame::default(),
            notes: Notes::default(),
            seen: Seen::default(),
            below: Below::default(),
            block: 0,
            block_is_doubtful: false,
            rows: OnceCell::new(),
            blocks: Vec::new(),
            block_at: Vec::new(),
            leaders: Vec::new(),
            reached: Vec::new(),
            work: Pending::default(),
            marks: program.records.any_in(function.start..function.end).then_some(program.records),
            doubtful: Vec::new(),
            disputed: Vec::new(),
            looks_again: false,
            impossible: BTreeMap::new(),
            followed: BTreeSet::new(),
            want_points,
        }
    }

    /// The same, asking which calls never come back. That takes longer.
    pub(super) fn looking_again(self) -> Self {
        Interpreter { looks_again: true, ..self }
    }

    pub(super) fn run(mut self) -> Frame {
        if let Err(problem) = self.prepare().and_then(|()| self.fixed_point()) {
            self.problem(problem);
            return self.frame;
        }
        self.collect();
        self.frame
    }

    fn prepare(&mut self) -> Result<(), Problem> {
        let (start, end) = (self.function.start, self.function.end);
        let bytes = self.program.image.bytes(start, (end - start) as usize).ok_or(Problem::NoCode)?;
        let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
        self.code.reserve(bytes.len() / 4);
        // About what compiled code has.
        self.blocks.reserve((bytes.len() / 24).min(4096));
        self.number_at = vec![0; bytes.len()];
        while decoder.can_decode() {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                return Err(Problem::Undecodable(instruction.ip()));
            }
            self.number_at[(instruction.ip() - start) as usize] = self.code.len() as u32 + 1;
            self.code.push(instruction);
        }
        self.pads = self.program.functions.landing_pads(self.program.image, self.function)?;
        self.leaders = vec![false; self.code.len()];
        self.reached = vec![false; self.code.len()];
        self.block_at = vec![0; self.code.len()];
        for index in 0..self.code.len() {
            let instruction = &self.code[index];
            if instruction.mnemonic() == Mnemonic::Lea && instruction.is_ip_rel_memory_operand() {
                self.tables.insert(instruction.ip_rel_memory_address());
            }
            if (instruction.is_jcc_short_or_near() || instruction.is_jmp_short_or_near())
                && let Some(to) = self.index_of(instruction.near_branch_target())
            {
                self.leaders[to] = true;
            }
        }
        Ok(())
    }

    fn fixed_point(&mut self) -> Result<(), Problem> {
        self.go(0, &State::entry());
        loop {
            while let Some(index) = self.work.pop() {
                self.run_block(index)?;
            }
            // The first in the code: what comes before is settled, so it will not have to be done again.
            let mut first = 0;
            for index in 1..self.doubtful.len() {
                if self.doubtful[index].0 < self.doubtful[first].0 {
                    first = index;
                }
            }
            if self.doubtful.is_empty() {
                if self.settle_disputes() || self.follow_an_impossible_edge() {
                    continue;
                }
                return Ok(());
            }
            let (index, state) = self.doubtful.swap_remove(first);
            self.try_doubtful(index, &state);
        }
    }

    /// The number of the instruction at `address`.
    pub(super) fn index_of(&self, address: u64) -> Option<usize> {
        let offset = address.wrapping_sub(self.function.start) as usize;
        if offset >= self.number_at.len() || self.number_at[offset] == 0 {
            return None;
        }
        Some(self.number_at[offset] as usize - 1)
    }

    fn block_mut(&mut self, at: usize) -> Option<&mut Block> {
        let number = self.block_at[at] as usize;
        if number == 0 { None } else { Some(&mut self.blocks[number - 1]) }
    }

    fn block(&self, at: usize) -> Option<&Block> {
        let number = self.block_at[at] as usize;
        if number == 0 { None } else { Some(&self.blocks[number - 1]) }
    }

    /// What the unwind table says about the instruction at `at`.
    pub(super) fn row(&self, at: u64) -> Option<&Row> {
        let rows = self.rows.get_or_init(|| self.program.functions.rows(self.function));
        let index = first_at_least(rows, at.saturating_add(1), |r| r.range.end);
        rows.get(index).filter(|r| r.range.contains(&at))
    }

    fn run_block(&mut self, start: usize) -> Result<(), Problem> {
        let Some(block) = self.block_mut(start) else { return Ok(()) };
        block.visits += 1;
        if block.visits > MOST_VISITS {
            return Err(Problem::TooComplex);
        }
        let mut state = block.state.clone();
        self.block_is_doubtful = block.doubtful;
        self.block = self.code[start].ip();
        self.notes = Notes::new(&self.seen);
        self.notes.end = self.walk(start, &mut state);
        self.notes.close(&self.seen);
        let notes = self.notes;
        if let Some(block) = self.block_mut(start) {
            block.notes = notes;
        }
        Ok(())
    }

    /// Walks a block; the number of the instruction behind the last.
    fn walk(&mut self, start: usize, state: &mut State) -> usize {
        let mut index = start;
        loop {
            self.reached[index] = true;
            let flow = self.step(index, state);
            index += 1;
            if flow == Flow::Stop {
                return index;
            }
            if index >= self.code.len() {
                if self.code[index - 1].mnemonic() != Mnemonic::Call {
                    let at = self.code[index - 1].next_ip();
                    self.final_problem(Problem::FallsOff(at));
                }
                return index;
            }
            if self.leaders[index] {
                self.go(index, state);
                return index;
            }
        }
    }

    /// Puts together what the last visit of each block saw. Whatever changes what holds at a block's start, or where the block ends, has it
    /// visited again: so the last visit began with what finally holds there, and what earlier ones saw does not count.
    fn collect(&mut self) {
        self.reached.fill(false);
        for start in 0..self.code.len() {
            let number = self.block_at[start] as usize;
            if number == 0 {
                continue;
            }
            let notes = &self.blocks[number - 1].notes;
            self.reached[start..notes.end].fill(true);
            self.reached[notes.skipped.0..notes.skipped.1].fill(true);
            self.below.take(notes);
            notes.add_to(&mut self.frame, &mut self.seen);
        }
        self.check_reached();
        self.frame.red_zone = self.below.red_zone(&self.frame);
    }

    /// Code that no path reaches means that a path was not seen. On a chunk the plain paths are missing on purpose;
    /// the analysis for all places has looked at them.
    fn check_reached(&mut self) {
        if self.place != Place::Anywhere && self.program.records.depends_on_place(self.function.start) {
            return;
        }
        let (mut count, mut first) = (0, 0);
        for index in 0..self.code.len() {
            if !self.reached[index] && !is_padding(&self.code[index]) {
                if count == 0 {
                    first = self.code[index].ip();
                }
                count += 1;
            }
        }
        if count > 0 {
            self.problem(Problem::Unreached { count, first });
        }
    }

    /// Notes a problem once.
    pub(super) fn problem(&mut self, problem: Problem) {
        if !self.frame.problems.contains(&problem) {
            self.frame.problems.push(problem);
        }
    }

    /// Notes a problem that stands if this is the block's last visit: before, what is known may still change.
    pub(super) fn final_problem(&mut self, problem: Problem) {
        self.seen.problems.push(problem);
    }

    /// Writes down how deep rsp is at an instruction.
    pub(super) fn note_depth(&mut self, at: u64, rsp: Value) {
        if let Value::Stack { base, offset } = rsp {
            let lowest = self.bases.lowest(base, offset);
            let depth = below_return_address(lowest);
            if depth > self.notes.frame {
                self.notes.frame = depth;
                self.notes.padding = self.bases.slack(base) as u64;
            }
            if self.want_points {
                self.seen.points.push((at, lowest));
            }
        }
    }
}

fn is_padding(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Mnemonic::Nop | Mnemonic::Int3 | Mnemonic::Ud2 | Mnemonic::Endbr64 | Mnemonic::Hlt
    )
}
