//! Entries so small that they are called where their callers are, instead of on chunks.
//!
//! A call onto a chunk keeps 24 bytes of its caller's stack, and takes and gives back a chunk. What needs hardly more than that, say a method that
//! gives a field, is called in place. Both calls are compiled, one for chunks and one for all other stacks; so the jump between them
//! becomes unconditional, and all the rest of the analysis follows it.

use super::{Graph, Step};
use crate::bounds::{RETURN_ADDRESS, through};
use crate::frames::Place;
use std::collections::BTreeSet;

/// The largest bound of what is called in place: 8 bytes more than a call onto a chunk needs of its caller's stack. With these, what has
/// nothing on its stack but the word before a call that is carried out elsewhere is small: the check of an index, which may panic.
const SMALL: u64 = 32;

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

    /// It calls nothing on its own stack, so that no circle of calls can come of it.
    fn is_small(&self, entry: u64) -> bool {
        let Some(number) = self.entry(entry, Place::OnChunk) else { return false };
        let node = &self.nodes[number];
        let fits = |bytes: u64| bytes.saturating_add(RETURN_ADDRESS) <= SMALL;
        node.reasons.is_empty()
            && fits(node.frame.own())
            && node.edges.iter().all(|edge| match edge.step {
                Step::Hop(_, cost) => fits(through(self, number, edge, cost)),
                Step::Node(_) | Step::Elsewhere => false,
            })
    }
}
