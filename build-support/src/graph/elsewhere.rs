//! Which functions are carried out elsewhere, and why.

use super::{Graph, Reason};
use crate::elf::{Import, Slot};
use crate::frames::{Callee, Place, Target};
use crate::functions::{symbol_name, symbol_names};
use crate::groups::groups;
use crate::made;
use crate::pools::HopTo;
use std::collections::BTreeMap;

/// Chains of tail calls are followed so far.
const DEEPEST: u32 = 4;

impl Graph<'_, '_> {
    /// Do calls of this function go elsewhere?
    pub(super) fn hops(&mut self, function: u64) -> bool {
        if self.policy.pools.is_empty() {
            return false;
        }
        if let Some(known) = self.known_to_hop.get(&function) {
            return *known;
        }
        self.ruled(function)
    }

    /// Why a rule has this function carried out elsewhere, if one has.
    pub(crate) fn rule_for(&mut self, function: u64) -> Option<String> {
        if self.ruled(function) { self.hopped.get(&function).cloned() } else { None }
    }

    fn ruled(&mut self, function: u64) -> bool {
        // Names are slow to demangle, and nearly all say no.
        let mangled = symbol_name(self.program.image, function);
        if let Some(why) = self.pin(function) {
            self.known_to_hop.insert(function, true);
            self.hopped.insert(function, why.to_owned());
            return true;
        }
        let by_name = mangled.is_some_and(|name| self.policy.rules.may_be_named(name));
        if !by_name && !mangled.is_some_and(|name| self.policy.rules.noreturn_may_hop(name)) {
            self.known_to_hop.insert(function, false);
            return false;
        }
        let returns = self.may_return(function, 0);
        if returns && !by_name {
            self.known_to_hop.insert(function, false);
            return false;
        }
        let name = self.name(function);
        let why = match self.policy.rules.hop(&name) {
            Some(why) => Some(why.to_owned()),
            None if !returns && self.policy.rules.noreturn_hops(&name) => Some("never returns".to_owned()),
            None => None,
        };
        let ruled = why.is_some() && self.can_be_hopped(function);
        self.known_to_hop.insert(function, ruled);
        if ruled {
            self.hopped.extend(why.map(|why| (function, why)));
        }
        ruled
    }

    /// Why nobody may park while this function runs, if so.
    fn pin(&self, function: u64) -> Option<&'static str> {
        symbol_names(self.program.image, function).find_map(|name| self.policy.rules.pin(name))
    }

    /// Can control come back from this function? What was not followed to its end may.
    pub(crate) fn may_return(&mut self, function: u64, depth: u32) -> bool {
        if let Some((to, _)) = self.policy.pools.calls(function) {
            return match to {
                HopTo::Import(import) => self.import_may_return(import),
                HopTo::Function(target) => depth > DEEPEST || self.may_return(target, depth + 1),
                HopTo::Site(_) => true,
            };
        }
        if let Some(slot) = self.program.image.plt(function) {
            return match slot {
                Slot::Import(import) => self.import_may_return(import),
                Slot::Address(target) => depth > DEEPEST || self.may_return(target, depth + 1),
                Slot::Chosen(_) => true,
            };
        }
        let frame = self.frame(function, Place::Anywhere);
        if frame.returns || !frame.problems.is_empty() || depth > DEEPEST {
            return true;
        }
        // Who ends with a jump returns if the function that it jumps to does.
        frame.sites.iter().filter(|s| s.tail).any(|site| match &site.callee {
            Callee::Targets(targets) => targets.iter().any(|target| match target {
                Target::Function(next) => self.may_return(*next, depth + 1),
                Target::Import(import) => self.import_may_return(*import),
                Target::Member(_) | Target::Argument(_) => true,
            }),
            Callee::Elsewhere | Callee::Unknown(_) => true,
        })
    }

    fn import_may_return(&self, import: Import) -> bool {
        !self.policy.rules.import_never_returns(self.program.image.import_name(import))
    }

    /// Vthread code, entries, and code that switches stacks stay where they are.
    pub(super) fn can_be_hopped(&self, function: u64) -> bool {
        // What is inlined there, or whose vthread's it is, does not matter: off the chunks nothing of it leaves its stack.
        if self.pin(function).is_some() {
            return true;
        }
        !self.entries.contains(&function)
            && !self.is_vthread(function)
            && !self.program.records.switches(function)
    }

    /// Is it a function that others made, and code of vthreads was inlined into it? Recursion in there is not vthread code that forgot to take a chunk.
    /// Where it is carried out, what is inside asks where it is, as it does when it was not inlined.
    fn is_others_with_ours_inside(&self, function: u64) -> bool {
        self.program.records.is_vthread(function)
            && !self.entries.contains(&function)
            && !self.program.records.switches(function)
            && made::by_others(self.program.image, function)
    }

    /// Is it a vthread function into which code was inlined that knows nothing of chunks, and calls ours again? A circle of calls by way of that would be broken there if
    /// anything were left of it.
    fn is_ours_by_way_of_others(&self, function: u64) -> bool {
        self.program.records.is_called_by_others(function)
            && !self.entries.contains(&function)
            && !self.program.records.switches(function)
    }

    /// Is this a vthread function, or does it hold such a one inlined?
    pub fn is_vthread(&self, function: u64) -> bool {
        self.program.records.is_vthread(function) || made::is_body(self.program.image, function)
    }

    /// Finds more functions that hop, or whose calls through pointers are moved. Returns whether there were any.
    pub(super) fn hop_more(&mut self) -> bool {
        let callees = self.callees();
        let mut more: BTreeMap<u64, String> = BTreeMap::new();
        let mut reaching = None;
        let mut moving = Vec::new();
        for (number, node) in self.nodes.iter().enumerate() {
            let function = node.key.function;
            let Some(reason) = node.reasons.first().filter(|_| self.can_be_hopped(function)) else {
                continue;
            };
            let through_pointers = node.reasons.iter().all(|r| matches!(r, Reason::UnknownCallee { .. }));
            if through_pointers && !self.moving.contains(&function) {
                let reaching = reaching.get_or_insert_with(|| self.reaching_vthread_code(&callees));
                if reaching[number] {
                    moving.push(function);
                    continue;
                }
            }
            more.insert(function, reason.to_string());
        }
        let circles = groups(&callees).into_iter().filter(|g| g.len() > 1 || self.calls_itself(g[0]));
        let circling: Vec<u64> = circles.flatten().map(|number| self.nodes[number].key.function).collect();
        let recursive = |f: &u64| (*f, "recursive".to_owned());
        for (function, why) in circling.iter().map(recursive) {
            if self.can_be_hopped(function) || self.is_others_with_ours_inside(function) {
                more.entry(function).or_insert(why);
            }
        }
        let before = self.hopped.len() + self.moving.len();
        self.moving.extend(moving);
        self.hop_all(more);
        if self.hopped.len() + self.moving.len() == before {
            // What circles there are now are of vthread code alone.
            let by_others = circling.iter().filter(|f| self.is_ours_by_way_of_others(**f));
            self.hop_all(by_others.map(recursive).collect());
        }
        self.hopped.len() + self.moving.len() > before
    }

    fn hop_all(&mut self, more: BTreeMap<u64, String>) {
        for (function, why) in more {
            self.hopped.entry(function).or_insert(why);
            self.known_to_hop.insert(function, true);
        }
    }

    /// Which nodes reach vthread code, or code that leaves its stack: carried out elsewhere, they would take that along, off the
    /// chunks. Their calls through pointers are moved one by one, where that can be done.
    fn reaching_vthread_code(&self, callees: &[Vec<usize>]) -> Vec<bool> {
        let mut reaching: Vec<bool> =
            self.nodes.iter().map(|n| !self.can_be_hopped(n.key.function)).collect();
        for group in groups(callees) {
            // Callees come first.
            if group.iter().any(|n| reaching[*n] || callees[*n].iter().any(|c| reaching[*c])) {
                for number in group {
                    reaching[number] = true;
                }
            }
        }
        reaching
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::display_name;
    use crate::program::Loaded;

    /// `std::thread::yield_now` ends with a jump to the import `sched_yield`, which returns.
    #[test]
    fn what_ends_with_a_jump_to_an_import_returns() {
        std::thread::yield_now();
        let path = std::env::current_exe().expect("a path");
        let data = std::fs::read(path).expect("readable");
        let loaded = Loaded::read(&data).expect("an executable");
        let mut solved = loaded.entries();
        let mut found = 0;
        let (returns, ends) =
            (["std::thread::functions::yield_now"], ["core::panicking::panic_fmt", "std::process::exit"]);
        for function in loaded.functions.iter() {
            let name = display_name(&loaded.image, function.start);
            if returns.contains(&&*name) || ends.contains(&&*name) {
                assert_eq!(solved.graph.may_return(function.start, 0), returns.contains(&&*name), "{name}");
                found += 1;
            }
        }
        assert!(found >= 2, "std calls them otherwise now");
    }
}
