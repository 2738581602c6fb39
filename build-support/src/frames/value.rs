//! What a register or a stack slot is known to hold.

use crate::elf::Import;
use crate::records::Marker;
use std::collections::BTreeSet;

/// Number of a set, an index into [`Sets`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetId(u32);

/// Something that a call can enter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Target {
    /// A function of this program, by its address.
    Function(u64),
    /// A function of a shared library.
    Import(Import),
    /// A member of this marker.
    Member(Marker),
    /// Whatever the caller passed in this argument register (0: rdi .. 5: r9).
    Argument(u8),
}

/// What is known of a 64-bit register or slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// Nothing.
    Unknown,
    /// An address on this function's stack, `offset` from a base. Base 0 is rsp at the function's entry, where the return
    /// address lies; the others are made by realignment (`and rsp, -N`).
    Stack {
        /// Which base.
        base: u8,
        /// Bytes from it, negative below.
        offset: i64,
    },
    /// A number, or an address of the program.
    Constant(u64),
    /// The address of one of these.
    Targets(SetId),
    /// An address of memory whose code pointers are members of one of these markers.
    Tagged(SetId),
    /// What an argument register held when the function was entered (0: rdi .. 5: r9).
    Argument(u8),
    /// A sign-extended entry of the jump table at this address.
    TableEntry(u64),
    /// A code address that was computed from the jump table at this address.
    TableTarget(u64),
}

impl Value {
    /// Can this be known as a set of things that can be called?
    pub(super) fn may_be_targets(self) -> bool {
        matches!(self, Value::Targets(_) | Value::Constant(_) | Value::Argument(_))
    }
}

/// The sets of one function's analysis, each held once.
#[derive(Default)]
pub struct Sets {
    targets: Vec<BTreeSet<Target>>,
    markers: Vec<BTreeSet<Marker>>,
}

/// Above this many targets a union is given up.
const LARGEST_SET: usize = 64;

impl Sets {
    /// The value for `set`.
    pub fn targets(&mut self, set: BTreeSet<Target>) -> Value {
        if set.len() > LARGEST_SET { Value::Unknown } else { Value::Targets(intern(&mut self.targets, set)) }
    }

    /// The value for `set`.
    pub fn tagged(&mut self, set: BTreeSet<Marker>) -> Value {
        if set.len() > LARGEST_SET { Value::Unknown } else { Value::Tagged(intern(&mut self.markers, set)) }
    }

    /// The set with this number.
    pub fn get(&self, id: SetId) -> &BTreeSet<Target> {
        &self.targets[id.0 as usize]
    }

    /// What a call through memory that a tagged pointer points to may enter.
    pub fn members(&mut self, id: SetId) -> Value {
        let set = self.markers[id.0 as usize].iter().map(|m| Target::Member(*m)).collect();
        self.targets(set)
    }

    fn union_tagged(&mut self, a: SetId, b: SetId) -> Value {
        let union = &self.markers[a.0 as usize] | &self.markers[b.0 as usize];
        self.tagged(union)
    }

    /// What is known when either `a` or `b` is so. `code`: is this address the start of a function?
    pub fn join(&mut self, a: Value, b: Value, code: &dyn Fn(u64) -> bool) -> Value {
        if a == b {
            return a;
        }
        if let (Value::Tagged(a), Value::Tagged(b)) = (a, b) {
            return self.union_tagged(a, b);
        }
        if !a.may_be_targets() || !b.may_be_targets() {
            return Value::Unknown;
        }
        match (self.as_targets(a, code), self.as_targets(b, code)) {
            (Some(a), Some(b)) => self.targets(&a | &b),
            _ => Value::Unknown,
        }
    }

    /// The value as a set of things that can be called.
    pub fn as_targets(&self, value: Value, code: &dyn Fn(u64) -> bool) -> Option<BTreeSet<Target>> {
        match value {
            Value::Targets(id) => Some(self.get(id).clone()),
            Value::Constant(address) if code(address) => Some([Target::Function(address)].into()),
            Value::Argument(index) => Some([Target::Argument(index)].into()),
            _ => None,
        }
    }
}

fn intern<T: PartialEq>(sets: &mut Vec<T>, set: T) -> SetId {
    let index = sets.iter().position(|s| *s == set).unwrap_or_else(|| {
        sets.push(set);
        sets.len() - 1
    });
    SetId(index as u32)
}
