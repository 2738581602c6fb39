//! Calls that are carried out on the big stack although they have a bound, so that what makes them can be called in place.
//!
//! ```text
//! fn find(&self, key: u64) -> u64 {
//!     if let Some(known) = self.last(key) { return known }     needs nothing: as a rule that is all
//!     self.search(key)                                         needs 320 bytes
//! }
//! ```
//! On a chunk of its own `find` would take one each time, mostly for nothing. Called in place it takes none, and goes over to the big stack for the
//! call of `search`, which costs what the chunk would have. So that it is never dearer, no path makes two such calls; and so that something is gained, one makes none.
//!
//! What is carried out there must be able to do without chunks: nothing in it switches stacks, takes a chunk, recurs, or has paths of its own for chunks, so
//! that it is the same code on either stack. So nothing in it waits but what was carried out elsewhere before, and would keep the big stack as it did.
//!
//! The call is rewritten for whoever comes to it. So it must be the method's own, or that of a function which nobody else calls.

use super::{Edge, Graph, Step};
use crate::bounds::{RETURN_ADDRESS, through};
use crate::frames::{Callee, Form, Target};
use crate::hash::Map;
use std::sync::Arc;

/// The largest bound of what is carried out aside: little of the smallest big stack, where room was left for what hops from there.
const LARGEST: u64 = 4096;

/// With more words of stack arguments there are few stubs.
const MOST_WORDS: u64 = 2;

/// What was found out in one round.
pub(super) struct Round {
    /// By number of the node: the bound of what can be carried out aside.
    bounds: Map<usize, Option<u64>>,
    /// Who calls a function, if it is one alone.
    callers: Map<u64, Option<u64>>,
}

impl Round {
    pub(super) fn new(graph: &Graph<'_, '_>) -> Self {
        let mut callers: Map<u64, Option<u64>> = Map::default();
        for node in &graph.nodes {
            for edge in &node.edges {
                if let Step::Node(callee) = edge.step {
                    let caller = Some(node.key.function);
                    let known = callers.entry(graph.nodes[callee].key.function).or_insert(caller);
                    *known = known.filter(|known| Some(*known) == caller);
                }
            }
        }
        Self { bounds: Map::default(), callers }
    }

    /// Does nobody but `caller` call this function?
    pub(super) fn is_called_by(&self, function: u64, caller: u64) -> bool {
        self.callers.get(&function) == Some(&Some(caller))
    }
}

impl Graph<'_, '_> {
    /// The bytes that a stub uses, if this call could be made aside, and needs more than so `little`.
    pub(super) fn cost_aside(
        &self,
        number: usize,
        edge: &Edge,
        little: u64,
        round: &mut Round,
    ) -> Option<u64> {
        let Step::Node(callee) = edge.step else { return None };
        let site = &self.nodes[number].frame.sites[edge.site];
        let function = self.nodes[callee].key.function;
        let is_direct = site.form != Form::Other
            && matches!(&site.callee, Callee::Targets(targets) if targets.iter().eq([&Target::Function(function)]));
        if !is_direct || self.entries.contains(&function) {
            return None;
        }
        let bound = self.bound_aside(callee, round)?;
        let is_large = through(self, number, edge, bound) + RETURN_ADDRESS > little;
        if is_large && bound <= LARGEST { self.policy.pools.cost_if_plenty(0) } else { None }
    }

    /// The address of a call that is to be made aside, with a stub for it, if there is one.
    pub(super) fn stub_aside(&mut self, number: usize, edge: usize) -> Option<u64> {
        let (key, frame) = (self.nodes[number].key.clone(), Arc::clone(&self.nodes[number].frame));
        let Edge { site, step: Step::Node(callee) } = self.nodes[number].edges[edge] else { return None };
        let (site, function) = (&frame.sites[site], self.nodes[callee].key.function);
        let words = self.incoming(function, 0).bytes.div_ceil(8);
        if words > MOST_WORDS {
            return None;
        }
        self.policy.pools.cost_if_plenty(words)?;
        self.hop_step(function, &key, site, true, &frame).ok()?;
        Some(site.at)
    }

    /// The bytes that a node needs on the big stack, if it can be carried out there.
    fn bound_aside(&self, number: usize, round: &mut Round) -> Option<u64> {
        if let Some(known) = round.bounds.get(&number) {
            return *known;
        }
        // Whoever comes back to it has found a circle.
        round.bounds.insert(number, None);
        let node = &self.nodes[number];
        let function = node.key.function;
        let records = self.program.records;
        if !node.reasons.is_empty() || records.switches(function) || records.depends_on_place(function) {
            return None;
        }
        let mut bytes = node.frame.own();
        for edge in &node.edges {
            let below = match edge.step {
                Step::Hop(_, cost) => cost,
                Step::Node(callee) => self.bound_aside(callee, round)?,
                Step::Elsewhere => return None,
            };
            bytes = bytes.max(through(self, number, edge, below));
        }
        round.bounds.insert(number, Some(bytes));
        Some(bytes)
    }
}
