//! Entries so small that they are called where their callers are, instead of on chunks.
//!
//! A call onto a chunk keeps 24 bytes of its caller's stack, and takes and gives back a chunk. What needs little more than that, say a method that
//! gives a field or puts a few words together, is called in place. Both calls are compiled, one for chunks and one for all other stacks; so the jump
//! between them becomes unconditional, and all the rest of the analysis follows it.
//!
//! What needs little but for a call that some of its paths make, once (`ways`), is called in place too, and makes that call by way of a hop stub (`aside`).

use super::aside::Round;
use super::{Graph, Step};
use crate::bounds::{RETURN_ADDRESS, through};
use crate::frames::Place;
use std::collections::BTreeSet;

/// The largest bound of what is called in place: about what a vthread needs of its chunk to wait for anything. What needs more has more to do
/// than a call onto a chunk, as a rule.
const SMALL: u64 = 128;

/// So many calls deep is what is called in place.
const LEVELS: u32 = 3;

/// What a node needs where its caller is.
struct Little {
    /// Bytes below its return address.
    bytes: u64,
    /// Whether its paths make a call aside.
    asides: Asides,
    /// Such calls that are not yet made so: nodes, and which of their calls.
    new: BTreeSet<(usize, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asides {
    Never,
    Sometimes,
    Always,
}

impl Graph<'_, '_> {
    /// Does this function call in place what it would else enter on chunks?
    pub(crate) fn calls_in_place(&self, function: u64) -> bool {
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
        let mut round = Round::new(self);
        for number in 0..self.nodes.len() {
            let key = &self.nodes[number].key;
            let function = key.function;
            if key.place != Place::OnChunk || self.calls_in_place(function) {
                continue;
            }
            let Some(enters) = self.program.records.enters(function) else { continue };
            let of = |callee: &u64| self.little(self.entry(*callee, Place::OnChunk)?, LEVELS, &mut round);
            let Some(all) = enters.callees.iter().map(of).collect::<Option<Vec<Little>>>() else { continue };
            // It would gain nothing.
            if all.iter().any(|little| little.asides == Asides::Always) {
                continue;
            }
            let aside: BTreeSet<(usize, usize)> = all.into_iter().flat_map(|little| little.new).collect();
            let stubs =
                aside.iter().map(|(node, edge)| self.stub_aside(*node, *edge)).collect::<Option<Vec<u64>>>();
            if let Some(sites) = stubs {
                self.aside.extend(sites);
                self.in_place.insert(function);
            }
        }
        self.in_place.len() > before
    }

    /// What a node needs, if that is little. No circle of calls can come of it: nothing in it calls onto chunks, so that nothing in it comes to
    /// call in place, either.
    fn little(&self, number: usize, levels: u32, round: &mut Round) -> Option<Little> {
        let node = &self.nodes[number];
        if !node.reasons.is_empty() || self.program.records.enters(node.key.function).is_some() {
            return None;
        }
        let fits = |bytes: u64| (bytes.saturating_add(RETURN_ADDRESS) <= SMALL).then_some(bytes);
        let (mut most, mut new) = (fits(node.frame.own())?, BTreeSet::new());
        // Calls that are made aside or come to one, and those of them that do so always.
        let (mut sometimes, mut always) = (BTreeSet::new(), BTreeSet::new());
        for (index, edge) in node.edges.iter().enumerate() {
            let at = node.frame.sites[edge.site].at;
            let little = match edge.step {
                Step::Hop(_, bytes) if self.aside.contains(&at) => {
                    Little { bytes, asides: Asides::Always, new: BTreeSet::new() }
                }
                Step::Hop(_, bytes) => Little { bytes, asides: Asides::Never, new: BTreeSet::new() },
                Step::Node(below) => {
                    let function = self.nodes[below].key.function;
                    let little = levels.checked_sub(1).and_then(|levels| self.little(below, levels, round));
                    let little = little.filter(|little| {
                        fits(through(self, number, edge, little.bytes)).is_some()
                            && (little.new.is_empty() || round.is_called_by(function, node.key.function))
                    });
                    match little {
                        Some(little) => little,
                        None => Little {
                            bytes: self.cost_aside(number, edge, SMALL, round)?,
                            asides: Asides::Always,
                            new: [(number, index)].into(),
                        },
                    }
                }
                Step::Elsewhere => return None,
            };
            sometimes.extend((little.asides != Asides::Never).then_some(at));
            always.extend((little.asides == Asides::Always).then_some(at));
            most = most.max(fits(through(self, number, edge, little.bytes))?);
            new.extend(little.new);
        }
        let function = node.key.function;
        if !self.at_most_one(function, &sometimes) {
            return None;
        }
        let asides = if sometimes.is_empty() {
            Asides::Never
        } else if self.at_least_one(function, &always) {
            Asides::Always
        } else {
            Asides::Sometimes
        };
        Some(Little { bytes: most, asides, new })
    }
}
