//! What is known at one point of a function: registers, stack slots, and which addresses others may know.
//!
//! ```text
//! base 0 ->  | return address |  entry rsp
//!            | saved, locals  |
//! base 1 ->  | (padding, at most `slack` bytes) |  after `and rsp, -N`
//!            | locals         |
//! rsp    ->  |                |
//! ```
//! A slot is believed only while nobody else can have written it. Once an address of the frame was handed out
//! (*escaped*), every slot at or above it may be part of the same object, so calls and stores through unknown pointers
//! forget those slots. Slots below stay: compilers put spilled registers there, and no object that was handed out
//! reaches below its own address.

use super::value::{Sets, Value};

/// Number of rsp in the register file, as the processor encodes it.
pub const RSP: usize = 4;
/// Number of rbp.
pub const RBP: usize = 5;
/// Number of rsi.
pub const RSI: usize = 6;
/// Number of rdi.
pub const RDI: usize = 7;
/// Registers that a callee may change: rax, rcx, rdx, rsi, rdi, r8 to r11.
pub const CALLER_SAVED: [usize; 9] = [0, 1, 2, 6, 7, 8, 9, 10, 11];
/// The argument registers in order: rdi, rsi, rdx, rcx, r8, r9.
pub const ARGUMENTS: [usize; 6] = [7, 6, 2, 1, 8, 9];

/// Bytes at rsp in which arguments of a call are looked for.
const MOST_ARGUMENTS: i64 = 256;

/// Where a base can lie, relative to the function's entry rsp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Base {
    /// Lowest place.
    pub low: i64,
    /// It lies at most so many bytes above that.
    pub slack: i64,
    /// The instruction that made it.
    pub site: u64,
}

/// Can an argument begin at `word` if the words of those before it end at `end`? Right there, or behind a gap: 128-bit numbers and vectors lie
/// at multiples of their size.
fn may_be_next(end: i64, word: i64) -> bool {
    word == end || end > 0 && [2, 4, 8].iter().any(|size| word % size == 0 && word - end < *size)
}

/// The entry and three realignments: more were never seen in one function.
const MOST_BASES: usize = 4;

/// The bases of a function: the entry and each realignment.
#[derive(Clone, Debug)]
pub struct Bases(Vec<Base>);

impl Bases {
    /// Only the entry.
    pub fn new() -> Self {
        Bases(vec![Base { low: 0, slack: 0, site: 0 }])
    }

    /// The base that the realignment at `site` makes. `None`: the same instruction was met with another rsp, or there are too
    /// many.
    pub fn realigned(&mut self, site: u64, low: i64, slack: i64) -> Option<u8> {
        let base = Base { low, slack, site };
        let known = self.0.iter().position(|b| b.site == site);
        if known.is_some_and(|index| self.0[index] != base) || known.is_none() && self.0.len() >= MOST_BASES {
            return None;
        }
        let index = known.unwrap_or_else(|| {
            self.0.push(base);
            self.0.len() - 1
        });
        Some(index as u8)
    }

    /// The lowest place that the address can be, relative to entry rsp.
    pub fn lowest(&self, base: u8, offset: i64) -> i64 {
        self.0[usize::from(base)].low.saturating_add(offset)
    }

    /// How far above [`lowest`](Self::lowest) it can be.
    pub fn slack(&self, base: u8) -> i64 {
        self.0[usize::from(base)].slack
    }

    /// Can `len` bytes at one address overlap `other_len` bytes at the other?
    fn overlap(&self, (base, offset, len): (u8, i64, i64), (other, at, other_len): (u8, i64, i64)) -> bool {
        if base == other {
            return offset < at.saturating_add(other_len) && at < offset.saturating_add(len);
        }
        let (low, other_low) = (self.lowest(base, offset), self.lowest(other, at));
        let high = low.saturating_add(self.slack(base)).saturating_add(len);
        let other_high = other_low.saturating_add(self.slack(other)).saturating_add(other_len);
        low < other_high && other_low < high
    }
}

/// An 8-byte slot of the frame with a known value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    base: u8,
    offset: i64,
    value: Value,
}

/// Knowledge at one point.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// The sixteen general registers by number.
    pub registers: [Value; 16],
    /// Sorted by base and offset.
    slots: Vec<Slot>,
    /// Per base the lowest address that others may know.
    escaped: Vec<(u8, i64)>,
    /// Words that were stored since the last call, near rsp: perhaps its arguments. Sorted.
    stored: Vec<(u8, i64)>,
    /// More may have been stored than that.
    stored_more: bool,
    /// Two words that the last instruction has loaded into the vector register with this number.
    pub vector: Option<(usize, [Value; 2])>,
}

impl State {
    /// At the entry of a function: rsp is base 0, the argument registers are what the caller put there.
    pub fn entry() -> Self {
        let mut registers = [Value::Unknown; 16];
        registers[RSP] = Value::Stack { base: 0, offset: 0 };
        for (index, register) in ARGUMENTS.into_iter().enumerate() {
            registers[register] = Value::Argument(index as u8);
        }
        State {
            registers,
            slots: Vec::new(),
            escaped: Vec::new(),
            stored: Vec::new(),
            stored_more: false,
            vector: None,
        }
    }

    /// What the slot at this place holds.
    pub fn load(&self, base: u8, offset: i64) -> Value {
        match self.find(base, offset) {
            Ok(index) => self.slots[index].value,
            Err(_) => Value::Unknown,
        }
    }

    fn find(&self, base: u8, offset: i64) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&(base, offset), |s| (s.base, s.offset))
    }

    /// `len` bytes at this place are written; if they are eight with a known value, that is remembered.
    pub fn store(&mut self, bases: &Bases, base: u8, offset: i64, len: i64, value: Value) {
        if !self.slots.is_empty() {
            self.slots.retain(|s| !bases.overlap((base, offset, len), (s.base, s.offset, 8)));
        }
        self.note_stored(base, offset, len);
        if len == 8
            && value != Value::Unknown
            && let Err(index) = self.find(base, offset)
        {
            self.slots.insert(index, Slot { base, offset, value });
        }
    }

    fn note_stored(&mut self, base: u8, offset: i64, len: i64) {
        let Value::Stack { base: rsp_base, offset: rsp } = self.registers[RSP] else { return };
        if base != rsp_base || offset < rsp || offset >= rsp + MOST_ARGUMENTS {
            return;
        }
        let words = (offset - rsp).div_euclid(8)..(offset - rsp + len.min(64) - 1).div_euclid(8) + 1;
        for word in words {
            let place = (base, rsp + 8 * word);
            if let Err(index) = self.stored.binary_search(&place) {
                self.stored.insert(index, place);
            }
        }
    }

    /// How many words at rsp may be arguments of a call made here. `None`: not known.
    pub fn outgoing(&self) -> Option<u64> {
        let Value::Stack { base, offset } = self.registers[RSP] else { return None };
        if self.stored_more {
            return None;
        }
        let mut words = 0;
        // In the order of their places.
        for &(of, at) in &self.stored {
            let distance = at.wrapping_sub(offset);
            if of == base && (0..MOST_ARGUMENTS).contains(&distance) && distance % 8 == 0 {
                let word = distance / 8;
                if may_be_next(words, word) {
                    words = word + 1;
                }
            }
        }
        (8 * words < MOST_ARGUMENTS).then_some(words as u64)
    }

    /// No call that comes has its arguments there yet: between the first of them and the call a compiler puts no other call, and nothing that may
    /// go anywhere.
    pub fn forget_arguments(&mut self) {
        self.stored.clear();
        self.stored_more = false;
    }

    /// Something unknown on this stack is written: nothing in slots can be believed.
    pub fn forget_slots(&mut self) {
        self.stored_more = true;
        self.slots.clear();
    }

    /// Others may write whatever of this frame they know the address of.
    pub fn forget_escaped(&mut self, bases: &Bases) {
        if self.slots.is_empty() {
            return;
        }
        for &(base, from) in &self.escaped {
            if from == i64::MIN {
                self.slots.clear();
            }
            self.slots.retain(|s| !bases.overlap((base, from, i64::MAX), (s.base, s.offset, 8)));
        }
    }

    /// As [`forget_escaped`](Self::forget_escaped), but the words from `from` up to `to` stay: they were just pushed by a
    /// switch, and belong to no object.
    pub fn forget_escaped_but(&mut self, bases: &Bases, base: u8, from: i64, to: i64) {
        let kept: Vec<Slot> =
            self.slots.iter().filter(|s| s.base == base && (from..to).contains(&s.offset)).copied().collect();
        self.forget_escaped(bases);
        for slot in kept {
            self.store(bases, slot.base, slot.offset, 8, slot.value);
        }
    }

    /// Others may now know this value: if it is an address of the frame, the memory above it is no longer ours alone.
    pub fn escape(&mut self, value: Value) {
        if let Value::Stack { base, offset } = value {
            if let Some((_, lowest)) = self.escaped.iter_mut().find(|(b, _)| *b == base) {
                *lowest = (*lowest).min(offset);
            } else {
                self.escaped.push((base, offset));
                self.escaped.sort_unstable();
            }
        }
    }

    /// An address was computed from this value in a way that is not followed: it may be anywhere in the frame.
    pub fn escape_all(&mut self, value: Value) {
        if let Value::Stack { .. } = value {
            self.escaped = vec![(0, i64::MIN)];
        }
    }

    /// What a call changes: the registers that are the callee's to use, and memory that it may know.
    pub fn call(&mut self, bases: &Bases) {
        for register in CALLER_SAVED {
            self.escape(self.registers[register]);
            self.registers[register] = Value::Unknown;
        }
        self.forget_escaped(bases);
        self.forget_arguments();
        self.vector = None;
    }

    /// Takes in what is known when control comes from a second place. Returns whether anything was lost, and whether an
    /// address of the frame was. rsp is the caller's affair.
    pub fn join(&mut self, other: &State, sets: &mut Sets, code: &dyn Fn(u64) -> bool) -> (bool, bool) {
        let (mut changed, mut lost_address) = (false, false);
        let mut next = 0;
        while next < 16 {
            let number = next;
            next += 1;
            let (mine, theirs) = (self.registers[number], other.registers[number]);
            if number == RSP
                || matches!((mine, theirs), (Value::Unknown, Value::Unknown))
                || mine == theirs
                || mine == Value::Unknown && !matches!(theirs, Value::Stack { .. })
            {
                continue;
            }
            let joined = sets.join(mine, theirs, code);
            if joined == Value::Unknown {
                for value in [mine, theirs] {
                    if let Value::Stack { .. } = value {
                        lost_address = true;
                        let before = self.escaped.clone();
                        self.escape(value);
                        changed |= before != self.escaped;
                    }
                }
            }
            changed |= joined != mine;
            self.registers[number] = joined;
        }
        if self.slots != other.slots {
            let before = self.slots.len();
            self.slots.retain_mut(|slot| {
                let theirs = other.load(slot.base, slot.offset);
                if slot.value == theirs {
                    return true;
                }
                let joined = sets.join(slot.value, theirs, code);
                changed |= joined != slot.value;
                slot.value = joined;
                joined != Value::Unknown
            });
            changed |= before != self.slots.len();
        }
        changed |= other.stored_more && !self.stored_more;
        self.stored_more |= other.stored_more;
        if self.vector != other.vector && self.vector.take().is_some() {
            changed = true;
        }
        if self.stored != other.stored {
            for place in &other.stored {
                if let Err(index) = self.stored.binary_search(place) {
                    self.stored.insert(index, *place);
                    changed = true;
                }
            }
        }
        if self.escaped != other.escaped {
            let before = self.escaped.clone();
            for &(base, offset) in &other.escaped {
                self.escape(Value::Stack { base, offset });
            }
            changed |= before != self.escaped;
        }
        (changed, lost_address)
    }
}
