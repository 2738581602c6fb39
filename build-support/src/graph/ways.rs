//! How the paths through a function make some of its calls. Asked to decide what is faster, never what is large enough: ways that only panics take do not
//! count.

use super::Graph;
use crate::frames::Target;
use iced_x86::{Decoder, DecoderOptions, FlowControl};
use std::collections::BTreeSet;
use std::ops::Range;

/// Where control can be after an instruction.
struct Next {
    inside: Vec<u64>,
    /// It can be out of the function.
    leaves: bool,
}

impl Graph<'_, '_> {
    /// Does no path through the function make two of the calls at `sites`, or one of them twice?
    pub(super) fn at_most_one(&self, function: u64, sites: &BTreeSet<u64>) -> bool {
        let Some(range) = self.range_of(function) else { return sites.is_empty() };
        sites.iter().all(|site| {
            let behind = self.next(*site, &range);
            behind.is_some_and(|behind| {
                let again = |at, next: Option<&Next>| sites.contains(&at) || next.is_none();
                !self.find(behind.inside, &range, &BTreeSet::new(), again)
            })
        })
    }

    /// Does each path through the function make one of the calls at `sites`?
    pub(super) fn at_least_one(&self, function: u64, sites: &BTreeSet<u64>) -> bool {
        // What is not known may lead anywhere.
        let out = |_, next: Option<&Next>| next.is_none_or(|next| next.leaves);
        self.range_of(function).is_some_and(|range| !self.find(vec![function], &range, sites, out))
    }

    fn range_of(&self, function: u64) -> Option<Range<u64>> {
        self.program.functions.at(function).map(|f| f.start..f.end)
    }

    /// Follows all paths from some places on, but not through `closed` ones, until an instruction is met, with what comes after it, that is looked for.
    fn find(
        &self,
        from: Vec<u64>,
        function: &Range<u64>,
        closed: &BTreeSet<u64>,
        is_it: impl Fn(u64, Option<&Next>) -> bool,
    ) -> bool {
        let (mut seen, mut work) = (closed.clone(), from);
        while let Some(at) = work.pop() {
            if seen.insert(at) {
                let next = self.next(at, function);
                if is_it(at, next.as_ref()) {
                    return true;
                }
                work.extend(next.into_iter().flat_map(|next| next.inside));
            }
        }
        false
    }

    /// Where control can be after the instruction at `at`. `None`: anywhere.
    fn next(&self, at: u64, function: &Range<u64>) -> Option<Next> {
        let bytes = self.program.image.bytes(at, (function.end - at) as usize)?;
        let instruction = Decoder::with_ip(64, bytes, at, DecoderOptions::NONE).decode();
        let (target, behind) = (instruction.near_branch_target(), instruction.next_ip());
        let is_out = !function.contains(&target);
        let (mut inside, leaves) = match instruction.flow_control() {
            FlowControl::Call if self.program.never_comes_back(&Target::Function(target)) => (vec![], false),
            FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => (vec![behind], false),
            FlowControl::ConditionalBranch => (vec![target, behind], is_out),
            FlowControl::UnconditionalBranch => (vec![target], is_out),
            FlowControl::Return => (vec![], true),
            FlowControl::Interrupt | FlowControl::Exception => (vec![], false),
            // A tail call of what another package has.
            FlowControl::IndirectBranch if instruction.is_ip_rel_memory_operand() => (vec![], true),
            FlowControl::IndirectBranch | FlowControl::XbeginXabortXend => return None,
        };
        inside.retain(|at| function.contains(at));
        Some(Next { inside, leaves })
    }
}
