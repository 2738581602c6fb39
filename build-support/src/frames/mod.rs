//! Third stage: how far below its return address a function moves rsp, where it calls what at which depth.
//!
//! An abstract interpretation of the machine code. Each function is followed from its entry along every branch, landing
//! pad and jump table, with what registers and stack slots are known to hold (`state.rs`). Whatever the interpreter
//! cannot follow is a [`Problem`], and a function with a problem has no proved bound: nothing is guessed.
//!
//! What is taken for granted, because the System V ABI demands it and all compiled code relies on it: rsp is 8 below a multiple of 16
//! on entry; a callee leaves rbx, rbp, rsp and r12 to r15 as it found them; an address that was handed out is not used to
//! reach memory *below* it; no instruction is executed with two different depths of rsp (realignment apart). From unwind tables come
//! where functions begin and end, that a call in front of code with another rsp does not return, and how many bytes of pushed
//! arguments the unwinder removes before a landing pad; nothing else about rsp.
//! Control does not run past the end of a function: one without a return and without a jump that leads out never comes back (`ends.rs`).

mod blocks;
mod control;
mod ends;
mod notes;
mod operands;
mod state;
mod tables;
mod transfer;
mod value;

pub use value::Target;

use crate::elf::{Image, Import};
use crate::functions::{Function, Functions};
use crate::records::Records;
use std::collections::BTreeSet;

/// Everything that an analysis reads.
#[derive(Clone, Copy)]
pub struct Program<'a, 'd> {
    /// The file.
    pub image: &'a Image<'d>,
    /// Its functions.
    pub functions: &'a Functions<'d>,
    /// What macro and runtime assert about its instructions.
    pub records: &'a Records<'d>,
}

impl Program<'_, '_> {
    /// Does something that can be called begin at this address: a function, or a hop stub?
    pub fn is_callable(&self, address: u64) -> bool {
        self.functions.begins_at(address) || self.records.in_pool(address)
    }
}

/// For which executions an analysis speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// Those with rsp on a chunk: plain paths are cut, selected slots are the concurrent ones.
    OnChunk,
    /// Those with rsp on a chunk, of a function that calls in place what it would else enter on chunks.
    InPlace,
    /// All.
    Anywhere,
}

/// What a call enters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Callee {
    /// One of these; none: the call is never made.
    Targets(BTreeSet<Target>),
    /// A function that runs on another stack.
    Elsewhere,
    /// It is not known; the text says which instruction calls.
    Unknown(String),
}

/// How a call or jump says where it goes, which decides whether it can be made to go elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A 32-bit displacement in its last four bytes.
    Near,
    /// `call [rip + slot]` or `jmp [rip + slot]`, six bytes.
    Slot,
    /// A register, other memory, or too short a displacement.
    Other,
}

/// An instruction that leaves the function, to come back or not.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its address.
    pub at: u64,
    /// Its length.
    pub len: usize,
    /// Start of the block that it is in: no branch leads in between.
    pub block: u64,
    /// Words at rsp that may be arguments for it: stored since the last call. `None`: not known.
    pub outgoing: Option<u64>,
    /// Bytes between the function's return address and rsp at the instruction.
    pub depth: u64,
    /// A jump: the callee returns to the caller of this function.
    pub tail: bool,
    /// How the instruction says where it goes.
    pub form: Form,
    /// What it enters.
    pub callee: Callee,
    /// Functions that are known to be passed in argument registers: register number (0: rdi) and which.
    pub arguments: Vec<(u8, BTreeSet<Target>)>,
}

/// A load of an import's address.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The instruction.
    pub at: u64,
    /// Its length.
    pub len: usize,
    /// What it loads the address of.
    pub import: Import,
}

/// How much of its caller's frame a function reads: its stack arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Incoming {
    /// Bytes above the return address.
    pub bytes: u64,
    /// An address in there is computed, so it may read more (arguments by value, variadic functions).
    pub open: bool,
}

/// What was found out about one function.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Deepest rsp: bytes below the return address.
    pub frame: u64,
    /// Bytes that are used below the deepest rsp.
    pub red_zone: u64,
    /// Of `frame`, what may be padding for alignment.
    pub padding: u64,
    /// Every call and every jump out.
    pub sites: Vec<Site>,
    /// Loads of imports' addresses.
    pub references: Vec<Reference>,
    /// Why nothing is proved, if so.
    pub problems: Vec<Problem>,
    /// Whether a return instruction can be reached.
    pub returns: bool,
    /// Stack arguments.
    pub incoming: Incoming,
    /// Each instruction that was reached, with the lowest rsp there relative to the return address. Only if asked for.
    pub points: Vec<(u64, i64)>,
}

impl Frame {
    /// Bytes below the return address that the function uses itself.
    pub fn own(&self) -> u64 {
        self.frame + self.red_zone
    }

    /// Does `own` say what is used on some path, to the byte?
    pub fn exact(&self) -> bool {
        self.padding == 0 && self.red_zone == 0
    }
}

/// Something that the interpreter could not follow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The function's bytes are not in the file.
    #[error("its code is not in the file")]
    NoCode,
    /// An undefined instruction.
    #[error("bytes at {0:#x} are no instruction")]
    Undecodable(u64),
    /// `alloca` and its like.
    #[error(
        "the stack pointer is set to a value that is not known at {0:#x} (alloca, a variable-length array, or hand-written assembly)"
    )]
    StackPointerLost(u64),
    /// Two paths with different rsp.
    #[error("paths with different stack pointers meet at {0:#x}")]
    StackPointerDiffers(u64),
    /// `ret` or a tail call with something left on the stack.
    #[error(
        "leaves at {0:#x} with something left on the stack (hand-written assembly, or a part of it that gcc has put elsewhere)"
    )]
    Unbalanced(u64),
    /// `jmp` to who knows where.
    #[error("the targets of the jump at {0:#x} are not known")]
    UnresolvedJump(u64),
    /// A jump between two instructions, or into another function.
    #[error("the jump at {0:#x} goes into the middle of something")]
    JumpIntoMiddle(u64),
    /// Code that no path reaches: there is a path that was not seen.
    #[error("{count} instructions are not reached by any known path, the first at {first:#x}")]
    Unreached {
        /// How many.
        count: usize,
        /// The first of them.
        first: u64,
    },
    /// Control runs out of the function.
    #[error("control falls off the end at {0:#x}")]
    FallsOff(u64),
    /// The exception table.
    #[error(transparent)]
    LandingPads(#[from] crate::lsda::Unreadable),
    /// An instruction on the stack pointer that is not modelled.
    #[error("the instruction at {0:#x} changes the stack pointer in an unusual way")]
    UnusualInstruction(u64),
    /// More work than any compiled function needs.
    #[error("too complex: the analysis was given up")]
    TooComplex,
    /// Realignments that cannot be told apart.
    #[error("the stack is realigned at {0:#x} in more than one way")]
    Realigned(u64),
}

impl Problem {
    /// The instruction that it speaks of.
    pub fn at(&self) -> Option<u64> {
        match self {
            Self::Undecodable(at)
            | Self::StackPointerLost(at)
            | Self::StackPointerDiffers(at)
            | Self::Unbalanced(at)
            | Self::UnresolvedJump(at)
            | Self::JumpIntoMiddle(at)
            | Self::Unreached { first: at, .. }
            | Self::FallsOff(at)
            | Self::UnusualInstruction(at)
            | Self::Realigned(at) => Some(*at),
            Self::NoCode | Self::LandingPads(_) | Self::TooComplex => None,
        }
    }
}

/// Analyses one function.
pub fn analyse(program: Program<'_, '_>, function: &Function, place: Place) -> Frame {
    look(program, function, place, false)
}

/// As [`analyse`], and fills [`Frame::points`].
pub fn analyse_points(program: Program<'_, '_>, function: &Function, place: Place) -> Frame {
    look(program, function, place, true)
}

/// Twice, if need be. The first look takes it that all calls come back: that loses little, and asking each takes time. But what stands behind one that does not is
/// other code, and may rely on a register of which nothing is known at the call, such as one with the address of a jump table that is loaded once, before a loop.
///
/// That edges of the loop are found only in its table does no harm: what is found there is joined to what was known, blocks are walked again until
/// nothing changes, and a jump counts as resolved only if the address is one constant on all paths when that is so.
fn look(program: Program<'_, '_>, function: &Function, place: Place, want_points: bool) -> Frame {
    let interpreter = || blocks::Interpreter::new(program, function, place, want_points);
    let first = interpreter().run();
    if !lacks_targets(&first) {
        return first;
    }
    let second = interpreter().looking_again().run();
    // Where it does not help, what the first says stands.
    if second.problems.is_empty() { second } else { first }
}

/// Is a jump whose targets are not known all that is in the way? Of one with nothing left on the stack it is not clear that it stays in the function, but if
/// code is not reached it may.
fn lacks_targets(frame: &Frame) -> bool {
    let of_that = |p: &Problem| matches!(p, Problem::UnresolvedJump(_) | Problem::Unreached { .. });
    let jump = |p: &Problem| matches!(p, Problem::UnresolvedJump(_));
    let unknown_tail = |s: &Site| s.tail && matches!(s.callee, Callee::Unknown(_));
    frame.problems.iter().all(of_that)
        && (frame.problems.iter().any(jump)
            || !frame.problems.is_empty() && frame.sites.iter().any(unknown_tail))
}
