//! Entries so small that they are called where their callers are, instead of on chunks.
//!
//! A call onto a chunk keeps 24 bytes of its caller's stack, and takes and gives back a chunk. What needs little more than that, say a method that
//! gives a field or puts a few words together, is called in place. Both calls are compiled, one for chunks and one for all other stacks; so the jump
//! between them becomes unconditional, and all the rest of the analysis follows it.

use super::{Graph, Step};
use crate::bounds::{RETURN_ADDRESS, through};
use crate::frames::Place;
use std::collections::BTreeSet;

/// The largest bound of what is called in place: about what a vthread needs of its chunk to wait for anything. What needs more has more to do
/// than a call onto a chunk, as a rule.
const SMALL: u64 = 128;

/// So many calls deep is what is called in place.
const LEVELS: u32 = 3;

impl Graph<'_, '_> {
    /// Does this function call in place what it would else enter on chunks?
    pub(super) fn calls_in_place(&self, function: u64) -> bool {
        self.in_place.contains(&function) || self.program.records.enters(function).is_some_and(|e| e.in_place)
    }

    /// The functions for which that was decided here.
    pub(crate) fn decided_in_place(&self) -> &BTreeSet<u64> {
        &self.in_place
    }

    /// Decides it for more functions: is there any?
    pub(super) fn call_more_in_place(&mut self) -> bool {
        if !self.policy.in_place {
            return false;
        }
        let before = self.in_place.len();
        for number in 0..self.nodes.len() {
            let key = &self.nodes[number].key;
            let function = key.function;
            if key.place != Place::OnChunk || self.calls_in_place(function) {
                continue;
            }
            let enters = self.program.records.enters(function);
            if enters.is_some_and(|enters| enters.callees.iter().all(|callee| self.is_small(*callee))) {
                self.in_place.insert(function);
            }
        }
        self.in_place.len() > before
    }

    fn is_small(&self, entry: u64) -> bool {
        self.entry(entry, Place::OnChunk).is_some_and(|number| self.little(number, LEVELS).is_some())
    }

    /// The stack that a node needs below its return address, if that is little. No circle of calls can come of it: nothing in it calls onto
    /// chunks, so that nothing in it comes to call in place, either.
    fn little(&self, number: usize, levels: u32) -> Option<u64> {
        let node = &self.nodes[number];
        if !node.reasons.is_empty() || self.program.records.enters(node.key.function).is_some() {
            return None;
        }
        let fits = |bytes: u64| (bytes.saturating_add(RETURN_ADDRESS) <= SMALL).then_some(bytes);
        node.edges.iter().try_fold(fits(node.frame.own())?, |most, edge| {
            let bytes = match edge.step {
                Step::Hop(_, cost) => cost,
                Step::Node(callee) => self.little(callee, levels.checked_sub(1)?)?,
                Step::Elsewhere => return None,
            };
            Some(most.max(fits(through(self, number, edge, bytes))?))
        })
    }
}
