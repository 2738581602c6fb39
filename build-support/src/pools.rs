//! The pools of hop stubs that the runtime left in the executable, and who gets which stub.
//!
//! A stub carries a call over to an ordinary big stack when rsp is on a chunk, and is a plain jump otherwise. One stub serves
//! one callee. A stub copies a fixed number of words of stack arguments, so a callee takes one that copies enough.

use crate::elf::{Image, Import, Slot, read_u32};
use crate::hash::Map;
use crate::records::{Record, Records};
use crate::thunk::{Thunk, Way};
use iced_x86::{Decoder, Mnemonic, OpKind, Register};
use std::collections::BTreeMap;
use vale_threads_abi::Kind;

/// Something that is called by way of a stub.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HopTo {
    /// A function of this program.
    Function(u64),
    /// An import.
    Import(Import),
    /// What the indirect call at this address calls, by way of a thunk.
    Site(u64),
}

/// A stub that was given to somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stub {
    /// Where it is.
    pub address: u64,
    /// Words of stack arguments that it copies.
    pub words: u64,
    /// Bytes of the caller's stack that it uses below its return address.
    pub cost: u64,
    /// What is to be written to make it call the right thing.
    pub fill: Fill,
}

/// How a stub learns what it calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// Two displacements in its code.
    Displacements([u64; 2]),
    /// A word that it jumps through.
    Slot(u64),
}

#[derive(Debug)]
struct Pool {
    imports: bool,
    start: u64,
    size: u64,
    count: u64,
    words: u64,
    cost: u64,
    slots: u64,
    displacements: [u64; 2],
    used: u64,
}

impl Pool {
    /// From its record. In an executable that the link step has been through, what it did not give a stub has none.
    fn read(image: &Image<'_>, record: &Record<'_>, is_finished: bool) -> Self {
        let imports = record.kind == Kind::HopImport;
        let size = u64::from(record.extra);
        let count = match (imports, size) {
            (_, 0) => 0,
            (true, _) => u64::from(record.flags >> 8),
            (false, _) => record.callee.saturating_sub(record.site) / size,
        };
        let cost = cost(image, record.site, size);
        let count = if cost.is_some() { count } else { 0 };
        let displacement = |shift: u32| u64::from(record.flags >> shift & 0xff);
        Pool {
            imports,
            start: record.site,
            size,
            count,
            words: u64::from(record.flags & 0xff),
            cost: cost.unwrap_or(0),
            slots: record.callee,
            displacements: [displacement(8), displacement(16)],
            used: if is_finished { count } else { 0 },
        }
    }

    /// What a stub calls, if it was filled by an earlier link step.
    fn call(&self, image: &Image<'_>, records: &Records<'_>, index: u64) -> Option<HopTo> {
        if self.imports {
            return match image.slot(self.slots + 8 * index)? {
                Slot::Import(import) => Some(HopTo::Import(import)),
                _ => None,
            };
        }
        let address = self.start + index * self.size;
        let place = address + self.displacements[1];
        let displacement = image.bytes(place, 4).and_then(read_u32)?.cast_signed();
        let target = (place + 4).wrapping_add_signed(i64::from(displacement));
        match target {
            _ if displacement == 0 || !image.is_code(target) => None,
            thunk if records.in_pool(thunk) => Some(HopTo::Site(address)),
            function => Some(HopTo::Function(function)),
        }
    }

    /// What the stubs call, those that were filled by an earlier link step.
    fn filled(&self, image: &Image<'_>, records: &Records<'_>) -> Vec<(u64, (HopTo, u64))> {
        let of =
            |index| Some((self.start + index * self.size, (self.call(image, records, index)?, self.cost)));
        (0..self.count).filter_map(of).collect()
    }
}

/// What the stub at this address calls, in an executable that the link step has been through.
pub(crate) fn call_of(image: &Image<'_>, records: &Records<'_>, stub: u64) -> Option<HopTo> {
    pools(records).find_map(|record| {
        let pool = Pool::read(image, record, true);
        let index = stub.checked_sub(pool.start)?.checked_div(pool.size)?;
        if index < pool.count { pool.call(image, records, index) } else { None }
    })
}

fn pools<'a, 'd>(records: &'a Records<'d>) -> impl Iterator<Item = &'a Record<'d>> {
    records.of_kind(Kind::HopDirect).chain(records.of_kind(Kind::HopImport))
}

/// Moved instructions, and where they are now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// For the way off the chunks, and for that from a chunk; mostly the same.
    pub at: [u64; 2],
    /// The instructions.
    pub thunk: Thunk,
}

/// All pools of a program.
#[derive(Debug, Default)]
pub struct Pools {
    all: Vec<Pool>,
    given: BTreeMap<HopTo, Stub>,
    /// Stubs whose bytes hold moved instructions instead: the call site that they were moved from.
    thunks: BTreeMap<u64, Placed>,
    /// In an executable that the link step has been through: what each stub calls.
    filled: Map<u64, (HopTo, u64)>,
}

impl Pools {
    /// What an earlier link step has given stubs keeps them, and nothing gets one from now on.
    pub(crate) fn without_stubs_to_give(self) -> Self {
        Pools { all: Vec::new(), ..self }
    }

    /// Reads the records; without a runtime in the program there are none.
    pub fn find(image: &Image<'_>, records: &Records<'_>) -> Self {
        let is_finished = records.are_served(image);
        let mut pools: Vec<Pool> =
            pools(records).map(|record| Pool::read(image, record, is_finished)).collect();
        // The smallest that will do is taken first.
        pools.sort_by_key(|p| (p.words, p.start));
        pools.dedup_by_key(|p| p.start);
        let filled = pools.iter().flat_map(|pool| pool.filled(image, records)).collect();
        Pools { all: pools, given: BTreeMap::new(), thunks: BTreeMap::new(), filled }
    }

    /// So many stubs that copy four words each.
    #[cfg(test)]
    pub(crate) fn of_stubs(count: u64) -> Self {
        let pool = Pool {
            imports: false,
            start: 0x1000,
            size: 64,
            count,
            words: 4,
            cost: 32,
            slots: 0,
            displacements: [1, 5],
            used: 0,
        };
        Pools { all: vec![pool], ..Pools::default() }
    }

    /// Whether there is any stub at all.
    pub fn is_empty(&self) -> bool {
        self.all.iter().all(|p| p.count == 0)
    }

    /// The bytes that a stub of a function uses which copies so many `words`, if some are left then. What cannot do without has its stubs when others
    /// ask, but may need a few more for what comes of that.
    pub(crate) fn cost_if_plenty(&self, words: u64) -> Option<u64> {
        let pool = self.all.iter().find(|p| !p.imports && p.words >= words && p.used < p.count)?;
        (pool.count - pool.used > pool.count / 8).then_some(pool.cost)
    }

    /// The stub for `to`, which takes `words` words of stack arguments. `None`: no stub is left that copies as many.
    pub fn stub(&mut self, to: HopTo, words: u64) -> Option<Stub> {
        if let Some(stub) = self.given.get(&to) {
            return (stub.words >= words).then_some(*stub);
        }
        let imports = matches!(to, HopTo::Import(_));
        let pool =
            self.all.iter_mut().find(|p| p.imports == imports && p.words >= words && p.used < p.count)?;
        let address = pool.start + pool.used * pool.size;
        let fill = if imports {
            Fill::Slot(pool.slots + 8 * pool.used)
        } else {
            Fill::Displacements(pool.displacements.map(|d| address + d))
        };
        let stub = Stub { address, words: pool.words, cost: pool.cost, fill };
        pool.used += 1;
        self.given.insert(to, stub);
        Some(stub)
    }

    /// What the stub at this address calls, and what that costs, if an earlier link step has filled it.
    pub fn calls(&self, stub: u64) -> Option<(HopTo, u64)> {
        if self.filled.is_empty() { None } else { self.filled.get(&stub).copied() }
    }

    /// Room for moved instructions, in place of one stub or two. `None`: there is none left, or it is too small.
    pub fn thunk(&mut self, site: u64, thunk: Thunk) -> Option<()> {
        if self.thunks.contains_key(&site) {
            return Some(());
        }
        let count = if thunk.uses_stack() { 2 } else { 1 };
        let pool = self.all.iter_mut().find(|p| !p.imports && p.used + count <= p.count)?;
        let first = pool.start + pool.used * pool.size;
        let at = [first, first + (count - 1) * pool.size];
        for (address, way) in at.into_iter().zip([Way::OffChunks, Way::FromChunk]) {
            if thunk.code_at(address, way)?.len() as u64 > pool.size {
                return None;
            }
        }
        pool.used += count;
        self.thunks.insert(site, Placed { at, thunk });
        Some(())
    }

    /// The moved instructions of the call at `site`.
    pub fn thunk_of(&self, site: u64) -> Option<&Placed> {
        self.thunks.get(&site)
    }

    /// Stubs by what they call.
    pub fn given(&self) -> impl Iterator<Item = (HopTo, Stub)> + '_ {
        self.given.iter().map(|(to, stub)| (*to, *stub))
    }
}

/// What a stub pushes before it moves rsp to the other stack; if that is not seen, everything it pushes.
fn cost(image: &Image<'_>, address: u64, size: u64) -> Option<u64> {
    let code = image.bytes(address, usize::try_from(size).ok()?)?;
    let mut bytes = 0;
    for instruction in &mut Decoder::with_ip(64, code, address, 0) {
        let on_rsp =
            instruction.op0_kind() == OpKind::Register && instruction.op0_register() == Register::RSP;
        match instruction.mnemonic() {
            Mnemonic::Push => bytes += 8,
            Mnemonic::Sub if on_rsp && instruction.op1_kind() != OpKind::Register => {
                bytes += instruction.immediate(1);
            }
            Mnemonic::Mov | Mnemonic::Lea if on_rsp => break,
            _ => {}
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_stubs_are_left_to_what_cannot_do_without() {
        let mut pools = Pools::of_stubs(16);
        let mut given = 0;
        while pools.cost_if_plenty(3).is_some() {
            assert!(pools.stub(HopTo::Function(given), 3).is_some());
            given += 1;
        }
        assert_eq!(given, 14);
        assert!(pools.cost_if_plenty(5).is_none(), "none copies as many words");
        assert!(pools.stub(HopTo::Function(given), 3).is_some(), "two are left");
    }
}
