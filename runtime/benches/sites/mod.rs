//! How many bytes each context switch in an executable keeps, read from the machine code.
//!
//! A switch declares every register as changed, so what its caller still needs lies in the caller's frame. Those are the bytes
//! that are live where the switch comes back: that some path reads before it writes them. Among them are the two words that
//! the switch pushes itself, and registers that the function saved for its own caller. What is reached only through pointers is
//! data, not state of the processor, and is not counted.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind,
    Register,
};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::collections::{BTreeMap, BTreeSet};

/// One place that switches.
#[derive(Debug)]
pub struct Site {
    /// The symbol that it lies in.
    #[allow(dead_code, reason = "the test asks for it, the benchmark does not")]
    pub function: String,
    /// Bytes that are live there.
    pub saved: usize,
}

/// What a switch begins with: `push rbp; lea rax, [rip + n]`, without n, which says where it goes on.
const BEFORE: [u8; 4] = [0x55, 0x48, 0x8d, 0x05];

/// What it ends with, behind `push rax; mov [save], rsp`: `mov rbp, [rdx + 8]; lea rsp, [rdx + 16]; jmp [rdx]`.
const AFTER: [u8; 10] = [0x48, 0x8b, 0x6a, 0x08, 0x48, 0x8d, 0x62, 0x10, 0xff, 0x22];

/// Bytes from the start of `code` to where it goes on, if a switch is there.
fn to_resume(code: &[u8]) -> Option<usize> {
    let (n, rest) = code.strip_prefix(&BEFORE)?.split_first_chunk()?;
    let n = usize::try_from(i32::from_le_bytes(*n)).ok()?;
    // `save` is in any register, so the store takes three bytes or four.
    let [0x50, 0x48 | 0x49, 0x89, operands, ..] = *rest.get(..n)?.strip_suffix(&AFTER)? else { return None };
    let is_rsp_to_memory = operands & 0b111_000 == 0b100_000 && operands < 0b11_000_000;
    (is_rsp_to_memory && n <= 5 + AFTER.len()).then_some(BEFORE.len() + 4 + n)
}

/// All switches of an ELF executable with symbols.
///
/// # Panics
/// If it is none.
pub fn find(executable: &[u8]) -> Vec<Site> {
    let file = object::File::parse(executable).expect("an executable");
    let text = file.section_by_name(".text").expect("code");
    let (base, code) = (text.address(), text.data().expect("its bytes"));
    let functions: BTreeMap<u64, (u64, String)> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
        .map(|symbol| (symbol.address(), (symbol.size(), symbol.name().unwrap_or("?").to_owned())))
        .collect();
    (0..code.len())
        .filter_map(|offset| Some(offset + to_resume(&code[offset..])?))
        .map(|offset| {
            let resume = base + offset as u64;
            let (&start, (size, name)) = functions.range(..=resume).next_back().expect("a function");
            let within = (start - base) as usize..((start + size - base) as usize).min(code.len());
            let saved = live(&code[within], start, resume);
            Site { function: name.clone(), saved }
        })
        .collect()
}

/// Bytes of the frame that an instruction reads and writes, by their distance from rsp at the place of return.
#[derive(Default)]
struct Step {
    reads: BTreeSet<i64>,
    writes: BTreeSet<i64>,
    next: Vec<(u64, i64)>,
}

/// Bytes that are live at `resume`, with the two words that whoever switched here took from the stack.
fn live(code: &[u8], start: u64, resume: u64) -> usize {
    let mut steps: BTreeMap<(u64, i64), Step> = BTreeMap::new();
    let mut open = vec![(resume, 0i64)];
    let mut infos = InstructionInfoFactory::new();
    while let Some(place @ (at, depth)) = open.pop() {
        let inside = at >= start && at < start + code.len() as u64;
        if !inside || steps.contains_key(&place) {
            continue;
        }
        let mut decoder = Decoder::with_ip(64, &code[(at - start) as usize..], at, DecoderOptions::NONE);
        let step = step(&decoder.decode(), depth, &mut infos);
        open.extend(&step.next);
        steps.insert(place, step);
    }
    // Backwards until nothing changes: a function has few switches and little code behind them.
    let mut live: BTreeMap<(u64, i64), BTreeSet<i64>> = BTreeMap::new();
    loop {
        let mut changed = false;
        for (place, step) in steps.iter().rev() {
            let mut here: BTreeSet<i64> =
                step.next.iter().filter_map(|next| live.get(next)).flatten().copied().collect();
            here.retain(|byte| !step.writes.contains(byte));
            here.extend(&step.reads);
            if live.get(place) != Some(&here) {
                changed = true;
                live.insert(*place, here);
            }
        }
        if !changed {
            return live[&(resume, 0)].len() + 16;
        }
    }
}

fn step(instruction: &Instruction, depth: i64, infos: &mut InstructionInfoFactory) -> Step {
    let mut step = Step::default();
    let bytes = |at: i64, size: usize| at..at + size as i64;
    for memory in infos.info(instruction).used_memory() {
        let on_frame = memory.base() == Register::RSP && memory.index() == Register::None;
        if !on_frame {
            continue;
        }
        // Of pushes too the address is given as it is before.
        let place = bytes(depth + memory.displacement() as i64, memory.memory_size().size());
        match memory.access() {
            OpAccess::Write => step.writes.extend(place),
            OpAccess::None | OpAccess::NoMemAccess | OpAccess::CondWrite => {}
            _ => step.reads.extend(place),
        }
    }
    let adds = |sign: i64| match instruction.op1_kind() {
        OpKind::Immediate8to64 | OpKind::Immediate32to64 => sign * instruction.immediate(1) as i64,
        _ => 0,
    };
    let moved = match instruction.code() {
        Code::Add_rm64_imm8 | Code::Add_rm64_imm32 if instruction.op0_register() == Register::RSP => adds(1),
        Code::Sub_rm64_imm8 | Code::Sub_rm64_imm32 if instruction.op0_register() == Register::RSP => adds(-1),
        _ if instruction.flow_control() == FlowControl::Next => {
            i64::from(instruction.stack_pointer_increment())
        }
        // What a call pushes its callee pops.
        _ => 0,
    };
    let (on, there) = ((instruction.next_ip(), depth + moved), (instruction.near_branch_target(), depth));
    step.next = match instruction.flow_control() {
        FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => vec![on],
        FlowControl::ConditionalBranch => vec![on, there],
        FlowControl::UnconditionalBranch => vec![there],
        _ => vec![],
    };
    step
}
