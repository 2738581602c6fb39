//! Where a call leads: into a function, through a stub, or nowhere that is known.

use super::{Binding, Graph, Key, Reason, Step};
use crate::elf::{Import, Slot};
use crate::frames::{Callee, Form, Frame, Site, Target};
use crate::pools::HopTo;
use crate::preload;
use std::collections::BTreeSet;

const NOT_REWRITABLE: &str = "the call goes through a pointer, so it cannot be rewritten";

impl Graph<'_, '_> {
    /// Markers become their members, arguments what the caller passed.
    pub(super) fn resolve(
        &self,
        targets: &BTreeSet<Target>,
        key: &Key,
        site: &Site,
        reasons: &mut Vec<Reason>,
    ) -> Vec<Target> {
        let mut found = Vec::new();
        for target in targets {
            match target {
                Target::Member(marker) => {
                    found.extend(self.program.records.members(*marker).map(Target::Function));
                }
                Target::Argument(index) => match key.binding.get(index) {
                    Some(passed) => found.extend(passed.iter().copied()),
                    None => reasons.push(Reason::Argument { at: site.at, index: *index }),
                },
                other => found.push(*other),
            }
        }
        found
    }

    pub(super) fn step(
        &mut self,
        target: Target,
        key: &Key,
        site: &Site,
        alone: bool,
        frame: &Frame,
    ) -> Result<Step, Reason> {
        match target {
            Target::Function(address) if self.policy.pools.calls(address).is_some() => {
                let (to, cost) = self.policy.pools.calls(address).unwrap_or((HopTo::Function(address), 0));
                Ok(Step::Hop(to, cost))
            }
            Target::Function(address) => match self.program.image.plt(address) {
                Some(Slot::Import(import)) => self.import_step(import, key, site, frame),
                _ => self.function_step(address, key, site, alone, frame),
            },
            Target::Import(import) => self.import_step(import, key, site, frame),
            Target::Member(_) | Target::Argument(_) => Err(Reason::UnknownCallee {
                at: site.at,
                what: "a function that is passed on twice".to_owned(),
                stays: None,
            }),
        }
    }

    fn function_step(
        &mut self,
        address: u64,
        key: &Key,
        site: &Site,
        alone: bool,
        frame: &Frame,
    ) -> Result<Step, Reason> {
        if !self.program.functions.begins_at(address) {
            let what = format!("{address:#x}, which is not the start of a function");
            return Err(Reason::UnknownCallee { at: site.at, what, stays: None });
        }
        let hops = self.hops(address);
        if hops || self.aside.contains(&site.at) {
            match self.hop_step(address, key, site, alone, frame) {
                Ok(step) => return Ok(step),
                Err(why) if hops => return Err(self.cannot_hop(site, address, why)),
                // What is called aside has a bound: it stays here.
                Err(_) => {}
            }
        }
        let binding = self.binding(address, key, site);
        Ok(Step::Node(self.node(address, key.place, binding)))
    }

    /// A call of a function that is carried out elsewhere.
    pub(super) fn hop_step(
        &mut self,
        address: u64,
        key: &Key,
        site: &Site,
        alone: bool,
        frame: &Frame,
    ) -> Result<Step, &'static str> {
        if !alone || site.form == Form::Other && preload::find(self.program, site, address).is_none() {
            return Err(NOT_REWRITABLE);
        }
        let incoming = self.incoming(address, 0);
        let words = if incoming.open { None } else { Some(incoming.bytes.div_ceil(8)) };
        self.stub(HopTo::Function(address), words, key, site, frame)
    }

    fn cannot_hop(&mut self, site: &Site, callee: u64, why: &'static str) -> Reason {
        Reason::CannotHop { at: site.at, callee: self.name(callee).to_string(), why }
    }

    fn import_step(&mut self, import: Import, key: &Key, site: &Site, frame: &Frame) -> Result<Step, Reason> {
        if let Some(ours) = self.policy.replaced.get(&import).copied() {
            return Ok(Step::Node(self.node(ours, key.place, Binding::new())));
        }
        let name = self.program.image.import_name(import).to_owned();
        if self.policy.pools.is_empty() {
            return Err(Reason::Import { at: site.at, name });
        }
        if self.policy.rules.returns_twice(&name) {
            return Err(Reason::ReturnsTwice { at: site.at, name });
        }
        let words = self.policy.rules.stack_words(&name);
        self.stub(HopTo::Import(import), words, key, site, frame).map_err(|why| Reason::CannotHop {
            at: site.at,
            callee: name,
            why,
        })
    }

    /// The arguments that `callee` calls, as far as `site` says what they are.
    fn binding(&mut self, callee: u64, key: &Key, site: &Site) -> Binding {
        if site.arguments.is_empty() {
            return Binding::new();
        }
        let place = self.place(callee, key.place);
        let frame = self.frame(callee, place);
        let wanted = called_arguments(&frame);
        if wanted.is_empty() {
            return Binding::new();
        }
        let mut binding = Binding::new();
        for (index, passed) in site.arguments.iter().filter(|(index, _)| wanted.contains(index)) {
            let mut known = BTreeSet::new();
            let complete = passed.iter().all(|target| match target {
                Target::Argument(mine) => key.binding.get(mine).is_some_and(|set| {
                    known.extend(set.iter().copied());
                    true
                }),
                other => known.insert(*other),
            });
            if complete {
                binding.insert(*index, known);
            }
        }
        binding
    }
}

/// The argument registers that a function calls through.
fn called_arguments(frame: &Frame) -> BTreeSet<u8> {
    let mut called = BTreeSet::new();
    for site in &frame.sites {
        if let Callee::Targets(targets) = &site.callee {
            for target in targets {
                if let Target::Argument(index) = target {
                    called.insert(*index);
                }
            }
        }
    }
    called
}
