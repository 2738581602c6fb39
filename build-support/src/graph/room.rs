//! Entries that are called in place because the chunks of all who call them have room for them anyway.
//!
//! ```text
//! serve: 1000 bytes ── format: 900                  what makes its chunk so large
//!     └─ 100 deep, a method: 700 on its own chunk   there are 900, so it needs none
//! ```
//! No chunk becomes larger. The room at a call is what the chunks need without it, less what lies above the call; and of calls that have room one after
//! the other each has it, since only one of them is under way. A call that has room inside of another one that has it was reckoned with as well: what it is called
//! from is an entry of its own, which must not need more either.

use super::{Graph, Step};
use crate::bounds::{self, Need, through, through_site};
use crate::frames::{Callee, Frame, Place, Target};
use crate::groups::groups;
use crate::hash::Set;
use std::collections::BTreeMap;

impl Graph<'_, '_> {
    /// Decides for more functions that they call in place, where that makes no chunk larger: is there any?
    pub(super) fn call_in_place_with_room(&mut self) -> bool {
        let mut undecided: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (number, node) in self.nodes.iter().enumerate() {
            let function = node.key.function;
            if node.key.place == Place::OnChunk
                && self.program.records.enters(function).is_some()
                && !self.calls_in_place(function)
            {
                undecided.entry(function).or_default().push(number);
            }
        }
        if !self.policy.in_place || undecided.is_empty() {
            return false;
        }
        let needs = bounds::solve(self);
        let room = self.room(&needs);
        undecided.retain(|function, numbers| {
            let frame = self.frame(*function, Place::InPlace);
            let need = |number: &usize| self.need_in_place(*number, &frame, &needs);
            numbers.iter().all(|number| need(number).is_some_and(|need| need <= room[*number]))
        });
        let circles = self.circles(&undecided);
        let mut decided: Set<u64> = Set::default();
        for (function, numbers) in undecided {
            if numbers.iter().all(|number| self.is_no_circle(*number, &circles, &decided)) {
                decided.insert(function);
            }
        }
        self.in_place.extend(&decided);
        !decided.is_empty()
    }

    /// The bytes that each node may need below its return address without any entry needing more than it does.
    fn room(&self, needs: &[Need]) -> Vec<u64> {
        let mut room: Vec<u64> = (self.nodes.iter().zip(needs))
            .map(
                |(node, need)| {
                    if self.entries.contains(&node.key.function) { need.bytes() } else { u64::MAX }
                },
            )
            .collect();
        for group in groups(&self.callees()).iter().rev() {
            for &number in group {
                if group.len() > 1 || self.calls_itself(number) {
                    room[number] = 0;
                }
                for edge in &self.nodes[number].edges {
                    if let Step::Node(callee) = edge.step {
                        let there = room[number].saturating_sub(through(self, number, edge, 0));
                        room[callee] = room[callee].min(there);
                    }
                }
            }
        }
        room
    }

    /// What a function that enters chunks needs instead if it calls in place, if all of that is known.
    fn need_in_place(&self, number: usize, frame: &Frame, needs: &[Need]) -> Option<u64> {
        let node = &self.nodes[number];
        let proved = |node: usize| match &needs[node] {
            Need::Proved(proved) => Some(proved.bytes),
            Need::Unknown { .. } => None,
        };
        let mut most = if frame.problems.is_empty() { frame.own() } else { return None };
        for site in &frame.sites {
            let Callee::Targets(targets) = &site.callee else { return None };
            let known = node.edges.iter().filter(|edge| node.frame.sites[edge.site].at == site.at);
            let known: Option<Vec<u64>> = known
                .map(|edge| match edge.step {
                    Step::Node(callee) => proved(callee),
                    Step::Hop(_, cost) => Some(cost),
                    Step::Elsewhere => Some(0),
                })
                .collect();
            let mut below = known?.into_iter().max();
            if below.is_none() {
                // A call that is made in place only.
                for target in targets {
                    let Target::Function(function) = target else { return None };
                    below = below.max(Some(proved(self.entry(*function, Place::OnChunk)?)?));
                }
            }
            most = most.max(through_site(site, below.unwrap_or(0)));
        }
        Some(most)
    }

    /// By node the number of the group that it would be in, if all of these functions called in place.
    fn circles(&self, functions: &BTreeMap<u64, Vec<usize>>) -> Vec<usize> {
        let mut callees = self.callees();
        for number in functions.values().flatten() {
            callees[*number].extend(self.entered_by(*number));
        }
        let mut circles = vec![0; callees.len()];
        for (circle, group) in groups(&callees).iter().enumerate() {
            for number in group {
                circles[*number] = circle;
            }
        }
        circles
    }

    /// The nodes of what a node enters on chunks.
    fn entered_by(&self, number: usize) -> impl Iterator<Item = usize> {
        let enters = self.program.records.enters(self.nodes[number].key.function);
        enters.into_iter().flat_map(|enters| &enters.callees).filter_map(|of| self.entry(*of, Place::OnChunk))
    }

    /// Does no way lead from what the node enters back to its function, or to one of the `others`, which are about to call in place too? Such a
    /// way would stay in its circle.
    fn is_no_circle(&self, number: usize, circles: &[usize], others: &Set<u64>) -> bool {
        let own = self.nodes[number].key.function;
        let (mut seen, mut work) = (Set::default(), self.entered_by(number).collect::<Vec<_>>());
        while let Some(next) = work.pop() {
            if circles[next] != circles[number] || !seen.insert(next) {
                continue;
            }
            let node = &self.nodes[next];
            if node.key.function == own || others.contains(&node.key.function) {
                return false;
            }
            work.extend(node.edges.iter().filter_map(|edge| match edge.step {
                Step::Node(callee) => Some(callee),
                Step::Hop(..) | Step::Elsewhere => None,
            }));
        }
        true
    }
}
