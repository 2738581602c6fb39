//! What running a function can come to, on whatever stack: context switches, and imports that block the whole carrier.
//!
//! Calls through pointers that are not known are left out, and so is what comes after a call that never returns (a panic prints and
//! looks at files; every function would be said to).

use crate::elf::{Import, Slot};
use crate::frames::{Callee, Place, Target};
use crate::graph::Graph;
use crate::pools::HopTo;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use vale_threads_abi::Kind;

/// Follows calls through frames.
pub(super) struct Reach<'g, 'a, 'd> {
    graph: &'g mut Graph<'a, 'd>,
    known: HashMap<u64, Rc<Calls>>,
    /// Where stacks are switched, by function.
    switches: HashMap<u64, Vec<u64>>,
}

#[derive(Default)]
struct Calls {
    functions: Vec<u64>,
    imports: Vec<Import>,
}

/// What a function can come to.
#[derive(Default)]
pub(super) struct Reached {
    /// Imports that are called.
    pub(super) imports: BTreeSet<Import>,
    /// Instructions at which a context switch leaves the stack, with their functions.
    pub(super) switches: BTreeSet<(u64, u64)>,
}

impl<'g, 'a, 'd> Reach<'g, 'a, 'd> {
    pub(super) fn new(graph: &'g mut Graph<'a, 'd>) -> Self {
        let mut switches: HashMap<u64, Vec<u64>> = HashMap::new();
        for record in graph.program.records.of_kind(Kind::Swap).filter(|r| r.callee != 0) {
            if let Some(function) = graph.program.functions.containing(record.site) {
                switches.entry(function.start).or_default().push(record.site);
            }
        }
        Reach { graph, known: HashMap::new(), switches }
    }

    /// All that `function` can come to.
    pub(super) fn from(&mut self, function: u64) -> Reached {
        let (mut reached, mut seen, mut work) =
            (Reached::default(), HashSet::from([function]), vec![function]);
        while let Some(next) = work.pop() {
            if let Some(sites) = self.switches.get(&next) {
                reached.switches.extend(sites.iter().map(|site| (next, *site)));
            }
            let calls = self.calls(next);
            reached.imports.extend(&calls.imports);
            work.extend(calls.functions.iter().copied().filter(|callee| seen.insert(*callee)));
        }
        reached
    }

    /// A shortest chain of calls from `function` to one that switches stacks.
    pub(super) fn path_to_switch(&mut self, function: u64) -> Option<Vec<u64>> {
        let mut came_from: HashMap<u64, Option<u64>> = HashMap::from([(function, None)]);
        let mut queue = VecDeque::from([function]);
        while let Some(next) = queue.pop_front() {
            if self.switches.contains_key(&next) {
                let mut path = vec![next];
                while let Some(Some(caller)) = came_from.get(&path[path.len() - 1]) {
                    path.push(*caller);
                }
                path.reverse();
                return Some(path);
            }
            for callee in &self.calls(next).functions {
                came_from.entry(*callee).or_insert_with(|| {
                    queue.push_back(*callee);
                    Some(next)
                });
            }
        }
        None
    }

    fn calls(&mut self, function: u64) -> Rc<Calls> {
        if let Some(known) = self.known.get(&function) {
            return Rc::clone(known);
        }
        let mut calls = Calls::default();
        let frame = self.graph.frame(function, Place::Anywhere);
        for site in &frame.sites {
            let Callee::Targets(targets) = &site.callee else { continue };
            for target in targets {
                match target {
                    Target::Function(callee) => self.call(*callee, &mut calls),
                    Target::Import(import) => calls.imports.push(*import),
                    Target::Member(marker) => {
                        calls.functions.extend(self.graph.program.records.members(*marker));
                    }
                    Target::Argument(_) => {}
                }
            }
        }
        let calls = Rc::new(calls);
        self.known.insert(function, Rc::clone(&calls));
        calls
    }

    /// Stubs lead to what they call.
    fn call(&mut self, callee: u64, calls: &mut Calls) {
        let to = self.graph.policy.pools.calls(callee).map(|(to, _)| to);
        let slot = self.graph.program.image.plt(callee);
        match (to, slot) {
            (Some(HopTo::Import(import)), _) | (None, Some(Slot::Import(import))) => {
                calls.imports.push(import);
            }
            (Some(HopTo::Function(target)), _) | (None, Some(Slot::Address(target))) => {
                self.function(target, calls);
            }
            (Some(HopTo::Site(_)), _) | (None, Some(Slot::Chosen(_))) => {}
            (None, None) => self.function(callee, calls),
        }
    }

    fn function(&mut self, callee: u64, calls: &mut Calls) {
        if self.graph.program.functions.begins_at(callee) && self.graph.may_return(callee, 0) {
            calls.functions.push(callee);
        }
    }
}
