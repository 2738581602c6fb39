//! The walk over a function's blocks, to a fixed point.
//!
//! Edges are *certain* or *doubtful*. Doubtful are the one behind a call (the callee may never return, and then other
//! code begins there) and those read from a jump table whose length is not known. They are followed only when
//! nothing certain is left to do, and dropped when rsp contradicts what is known of the place they lead to.

use super::state::{Bases, RSP, State};
use super::value::{Sets, Value};
use super::{Frame, Place, Problem, Program};
use crate::elf::first_at_least;
use crate::functions::{Function, Row};
use crate::records::Records;
use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;

/// How often one block may be visited: far above what the height of the lattice needs in compiled code.
const MOST_VISITS: u32 = 400;

struct Block {
    state: State,
    /// Reached by doubtful edges alone.
    doubtful: bool,
    visits: u32,
}

/// What is seen of memory that is used below rsp.
#[derive(Default)]
pub(super) struct Below {
    /// Lowest address of the frame that an instruction names, relative to the return address.
    pub(super) lowest: i64,
    /// It may be used in a way that was not followed. A plain address that was taken is no such case: whoever has it reaches the memory at
    /// and above it.
    pub(super) vague: bool,
    /// An address of the frame is stored. What is read back may not be known any more, and then it may be the end of an array.
    pub(super) address_stored: bool,
    /// Memory is accessed through something that is not known.
    pub(super) unknown: bool,
}

impl Below {
    /// May memory be used below `lowest`?
    fn any(&self) -> bool {
        self.vague || self.address_stored && self.unknown
    }
}

pub(super) struct Interpreter<'a, 'd> {
    pub(super) program: Program<'a, 'd>,
    pub(super) function: &'a Function,
    pub(super) place: Place,
    pub(super) code: Vec<Instruction>,
    pub(super) sets: Sets,
    pub(super) bases: Bases,
    pub(super) info: InstructionInfoFactory,
    pub(super) pads: Vec<(Range<u64>, u64)>,
    /// Addresses that the function computes: a jump table ends where something else begins.
    pub(super) tables: BTreeSet<u64>,
    pub(super) frame: Frame,
    /// The last pass, which writes down what was found.
    pub(super) collecting: bool,
    pub(super) below: Below,
    /// Address of the block that is being walked.
    pub(super) block: u64,
    rows: OnceCell<Vec<Row>>,
    blocks: Vec<Block>,
    /// By instruction: the block that begins there, its number and one, or 0.
    block_at: Vec<u32>,
    leaders: Vec<bool>,
    pub(super) reached: Vec<bool>,
    work: Pending,
    doubtful: Vec<(usize, State)>,
    /// The records, if any speaks of an instruction of this function.
    pub(super) marks: Option<&'a Records<'d>>,
    want_points: bool,
}

/// Blocks that are to be walked, the first in the code first: most code runs forwards, so what leads to a block has mostly been
/// seen when its turn comes.
#[derive(Default)]
struct Pending {
    bits: Vec<u64>,
    /// No bit is set in the words before this one.
    from: usize,
}

impl Pending {
    fn push(&mut self, index: usize) {
        let word = index / 64;
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (index % 64);
        if word < self.from {
            self.from = word;
        }
    }

    fn pop(&mut self) -> Option<usize> {
        while self.from < self.bits.len() {
            let word = self.bits[self.from];
            if word != 0 {
                self.bits[self.from] = word & (word - 1);
                return Some(64 * self.from + word.trailing_zeros() as usize);
            }
            self.from += 1;
        }
        None
    }
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
            sets: Sets::default(),
            bases: Bases::new(),
            info: InstructionInfoFactory::new(),
            pads: Vec::new(),
            tables: BTreeSet::new(),
            frame: Frame::default(),
            collecting: false,
            below: Below::default(),
            block: 0,
            rows: OnceCell::new(),
            blocks: Vec::new(),
            block_at: Vec::new(),
            leaders: Vec::new(),
            reached: Vec::new(),
            work: Pending::default(),
            marks: program.records.any_in(function.start..function.end).then_some(program.records),
            doubtful: Vec::new(),
            want_points,
        }
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
        while decoder.can_decode() {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                return Err(Problem::Undecodable(instruction.ip()));
            }
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
        self.go(0, State::entry());
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
                return Ok(());
            }
            let (index, state) = self.doubtful.swap_remove(first);
            self.try_doubtful(index, state);
        }
    }

    /// The number of the instruction at `address`.
    pub(super) fn index_of(&self, address: u64) -> Option<usize> {
        let index = first_at_least(&self.code, address, Instruction::ip);
        self.code.get(index).filter(|i| i.ip() == address).map(|_| index)
    }

    /// A certain edge.
    pub(super) fn go(&mut self, to: usize, state: State) {
        if !self.collecting {
            self.arrive(to, state, false);
        }
    }

    /// A doubtful edge.
    pub(super) fn may_go(&mut self, to: usize, state: State) {
        if self.collecting {
            return;
        }
        // Where the unwind table agrees, nothing that is found later will contradict: going on at once saves doing things twice.
        if let Value::Stack { base: 0, offset } = state.registers[RSP]
            && self.function.has_unwind_entry()
            && self.row(self.code[to].ip()).and_then(|r| r.rsp_offset) == Some(8 - offset)
        {
            return self.arrive(to, state, true);
        }
        self.doubtful.push((to, state));
    }

    fn block_mut(&mut self, at: usize) -> Option<&mut Block> {
        let number = self.block_at[at] as usize;
        if number == 0 { None } else { Some(&mut self.blocks[number - 1]) }
    }

    fn block(&self, at: usize) -> Option<&Block> {
        let number = self.block_at[at] as usize;
        if number == 0 { None } else { Some(&self.blocks[number - 1]) }
    }

    fn arrive(&mut self, to: usize, state: State, doubtful: bool) {
        self.split_at(to);
        let program = self.program;
        let code = |address: u64| program.is_callable(address);
        let number = self.block_at[to] as usize;
        if number == 0 {
            self.blocks.push(Block { state, doubtful, visits: 0 });
            self.block_at[to] = self.blocks.len() as u32;
            self.work.push(to);
            return;
        }
        let block = &mut self.blocks[number - 1];
        if block.doubtful && !doubtful && block.state.registers[RSP] != state.registers[RSP] {
            // What came by the doubtful edge cannot have been.
            *block = Block { state, doubtful, visits: block.visits };
            self.work.push(to);
            return;
        }
        block.doubtful &= doubtful;
        let (mut changed, lost_address) = block.state.join(&state, &mut self.sets, &code);
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

    fn try_doubtful(&mut self, to: usize, state: State) {
        let Value::Stack { base, offset } = state.registers[RSP] else {
            return self.arrive(to, state, true);
        };
        let at = self.code[to].ip();
        let table = self.row(at).and_then(|r| r.rsp_offset).map(|o| 8 - o);
        let contradicted = match (table, self.block(to)) {
            (Some(depth), _) if base == 0 => depth != offset,
            (_, Some(block)) => block.state.registers[RSP] != state.registers[RSP],
            _ => false,
        };
        // Without an unwind entry nobody vouches for the place, and the contradiction stands.
        if !contradicted || !self.function.has_unwind_entry() {
            self.arrive(to, state, true);
        }
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
        let mut index = start;
        self.block = self.code[start].ip();
        loop {
            self.reached[index] = true;
            if self.step(index, &mut state) == Flow::Stop {
                return Ok(());
            }
            index += 1;
            if index >= self.code.len() {
                if self.collecting && !self.behind_call(index) {
                    let at = self.code[index - 1].next_ip();
                    self.problem(Problem::FallsOff(at));
                }
                return Ok(());
            }
            if self.leaders[index] {
                self.go(index, state);
                return Ok(());
            }
        }
    }

    fn behind_call(&self, index: usize) -> bool {
        self.code[index - 1].mnemonic() == Mnemonic::Call
    }

    /// The last pass: every block once more, from what is now known to hold at its start.
    fn collect(&mut self) {
        self.collecting = true;
        self.reached.fill(false);
        for start in 0..self.code.len() {
            let Some(block) = self.block_mut(start) else { continue };
            block.visits = 0;
            if let Err(problem) = self.run_block(start) {
                self.problem(problem);
            }
        }
        self.check_reached();
        let leaf = self.frame.sites.iter().all(|s| s.tail);
        let below = (-self.below.lowest).max(0) as u64;
        self.frame.red_zone = below.saturating_sub(self.frame.frame);
        if leaf && self.below.any() {
            self.frame.red_zone = self.frame.red_zone.max(RED_ZONE);
        }
    }

    /// Code that no path reaches means that a path was not seen. On a chunk the plain paths are missing on purpose;
    /// the analysis for all places has looked at them.
    fn check_reached(&mut self) {
        if self.place == Place::OnChunk && self.program.records.depends_on_place(self.function.start) {
            return;
        }
        let missed = self.code.iter().zip(&self.reached).filter(|(i, reached)| !**reached && !is_padding(i));
        let (count, first) =
            missed.fold((0, 0), |(n, first), (i, _)| (n + 1, if n == 0 { i.ip() } else { first }));
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

    /// Notes a problem if this is the last pass: before, what is known may still change.
    pub(super) fn final_problem(&mut self, problem: Problem) {
        if self.collecting {
            self.problem(problem);
        }
    }

    /// Writes down how deep rsp is at an instruction.
    pub(super) fn note_depth(&mut self, at: u64, rsp: Value) {
        if !self.collecting {
            return;
        }
        if let Value::Stack { base, offset } = rsp {
            let lowest = self.bases.lowest(base, offset);
            let depth = (-lowest).max(0) as u64;
            if depth > self.frame.frame {
                self.frame.frame = depth;
                self.frame.padding = self.bases.slack(base) as u64;
            }
            if self.want_points {
                self.frame.points.push((at, lowest));
            }
        }
    }
}

/// Bytes below rsp that a leaf may use: the System V ABI's red zone.
const RED_ZONE: u64 = 128;

fn is_padding(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Mnemonic::Nop | Mnemonic::Int3 | Mnemonic::Ud2 | Mnemonic::Endbr64 | Mnemonic::Hlt
    )
}
