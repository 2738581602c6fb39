//! Stubs for calls that go elsewhere, and the stack arguments that they copy.

use super::{ARGUMENTS_UNKNOWN, NO_STUB, PATHS_UNKNOWN};
use super::{Graph, Key, Step};
use crate::bounds::RETURN_ADDRESS;
use crate::elf::Slot;
use crate::frames::{self, Callee, Frame, Place, Site, Target};
use crate::pools::HopTo;
use crate::thunk::Thunk;
use std::collections::HashSet;

/// The functions whose return address can be the topmost word of a chunk: entries, and what they end with a jump to.
pub(super) enum AtTop {
    These(HashSet<u64>),
    Any,
}

impl Graph<'_, '_> {
    /// A stub for a call at `site`. `words`: of stack arguments; if the callee does not say, they are somewhere in the
    /// caller's frame, and a stub that copies all of that will do. (At a tail call they are in the frame of a caller that is not known, which
    /// may have passed more than this function looks at.)
    pub(super) fn stub(
        &mut self,
        to: HopTo,
        words: Option<u64>,
        key: &Key,
        site: &Site,
        frame: &Frame,
    ) -> Result<Step, &'static str> {
        let above = if site.tail { frame.incoming.bytes } else { site.depth };
        let needed = match words {
            Some(words) => words,
            None if site.tail => return Err(ARGUMENTS_UNKNOWN),
            // What was stored since the last call is known if every path is.
            None => site.outgoing.filter(|_| frame.problems.is_empty()).unwrap_or(above.div_ceil(8)),
        };
        let why = if words.is_some() { NO_STUB } else { ARGUMENTS_UNKNOWN };
        let stub = self.policy.pools.stub(to, needed).ok_or(why)?;
        if stub.words * 8 > self.readable(key.function, above, site.tail) {
            return Err(NO_STUB);
        }
        Ok(Step::Hop(to, stub.cost))
    }

    /// How many bytes a stub may read above its return address, if `above` are arguments or frame of the function. Above a frame lies its
    /// return address, and above that the caller's frame, which is 8 bytes at least (or rsp would not be a multiple of 16 at its call),
    /// and the caller's return address. An entry's frame lies at the top of its chunk: nothing above is readable for sure.
    fn readable(&mut self, function: u64, above: u64, tail: bool) -> u64 {
        let callers = 8 + RETURN_ADDRESS;
        match (self.is_at_top(function), tail) {
            (true, _) => above + 8,
            (false, true) => callers.max(above + 8),
            (false, false) => above + RETURN_ADDRESS + callers,
        }
    }

    /// Can the function's return address be the topmost word of a chunk?
    fn is_at_top(&mut self, function: u64) -> bool {
        let at_top = match self.at_top.take() {
            Some(known) => known,
            None => self.find_at_top().map_or(AtTop::Any, AtTop::These),
        };
        let is = match &at_top {
            AtTop::These(functions) => functions.contains(&function),
            AtTop::Any => true,
        };
        self.at_top = Some(at_top);
        is
    }

    /// `None`: any function, for all that is known.
    fn find_at_top(&mut self) -> Option<HashSet<u64>> {
        let mut work: Vec<u64> = self.entries.iter().copied().collect();
        let mut found = self.entries.clone();
        while let Some(function) = work.pop() {
            match self.program.image.plt(function) {
                Some(Slot::Address(next)) => {
                    work.extend(found.insert(next).then_some(next));
                    continue;
                }
                Some(Slot::Import(_)) => continue,
                Some(Slot::Chosen(_)) => return None,
                None if self.program.records.in_pool(function) => continue,
                None => {}
            }
            let frame = self.frame(function, Place::Anywhere);
            // A path that was not followed may lead anywhere.
            if !frame.problems.is_empty() {
                return None;
            }
            for site in frame.sites.iter().filter(|s| s.tail) {
                let Callee::Targets(targets) = &site.callee else { return None };
                for target in targets {
                    match target {
                        Target::Function(next) => work.extend(found.insert(*next).then_some(*next)),
                        Target::Member(marker) => {
                            let members: Vec<u64> = self.program.records.members(*marker).collect();
                            work.extend(members.into_iter().filter(|m| found.insert(*m)));
                        }
                        Target::Import(_) => {}
                        Target::Argument(_) => return None,
                    }
                }
            }
        }
        Some(found)
    }

    /// An indirect call in code that stays where it is. `Err`: why it cannot be moved, if it was to be.
    pub(super) fn by_thunk(
        &mut self,
        key: &Key,
        site: &Site,
        frame: &Frame,
    ) -> Result<Step, Option<&'static str>> {
        if self.policy.pools.is_empty()
            || self.can_be_hopped(key.function) && !self.moving.contains(&key.function)
        {
            return Err(None);
        }
        if !frame.problems.is_empty() {
            return Err(Some(PATHS_UNKNOWN));
        }
        let thunk = Thunk::find(self.program, site)?;
        let words = site.outgoing.ok_or(ARGUMENTS_UNKNOWN)?;
        self.policy.pools.thunk(site.at, thunk).ok_or("no stub is left to hold the moved instructions")?;
        Ok(self.stub(HopTo::Site(site.at), Some(words), key, site, frame)?)
    }

    /// Stack arguments of a function, and of what it hands its own over to by a tail call.
    pub(super) fn incoming(&mut self, function: u64, depth: u32) -> frames::Incoming {
        if let Some(known) = self.incoming.get(&function) {
            return *known;
        }
        let frame = self.frame(function, Place::Anywhere);
        let mut incoming = frame.incoming;
        // What was not followed may read anything.
        incoming.open |= !frame.problems.is_empty() || depth > 8;
        if depth <= 8 {
            for site in frame.sites.iter().filter(|s| s.tail) {
                match &site.callee {
                    Callee::Targets(targets) => {
                        for target in targets {
                            match target {
                                Target::Function(next) if self.program.image.plt(*next).is_none() => {
                                    let theirs = self.incoming(*next, depth + 1);
                                    incoming.bytes = incoming.bytes.max(theirs.bytes);
                                    incoming.open |= theirs.open;
                                }
                                Target::Import(import) => {
                                    let words = self
                                        .policy
                                        .rules
                                        .stack_words(self.program.image.import_name(*import));
                                    incoming.bytes = incoming.bytes.max(8 * words.unwrap_or(0));
                                    incoming.open |= words.is_none();
                                }
                                _ => incoming.open = true,
                            }
                        }
                    }
                    Callee::Elsewhere | Callee::Unknown(_) => incoming.open = true,
                }
            }
        }
        if depth == 0 {
            self.incoming.insert(function, incoming);
        }
        incoming
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{Form, Problem};
    use crate::graph::{Binding, PATHS_UNKNOWN, Policy, begin_blocks_as_in};
    use crate::pools::Pools;
    use crate::program::Loaded;
    use crate::rules::Rules;
    use std::collections::HashMap;

    fn site(at: u64, block: u64) -> Site {
        let callee = Callee::Unknown("`call rax`".to_owned());
        let form = Form::Other;
        Site { at, len: 2, block, outgoing: Some(0), depth: 40, tail: false, form, callee, arguments: vec![] }
    }

    /// A jump whose targets are not known may lead into the middle of what would be moved, and may come with arguments on the stack.
    #[test]
    fn where_paths_are_unknown_nothing_is_moved_nor_are_arguments_known() {
        let path = std::env::current_exe().expect("a path");
        let data = std::fs::read(path).expect("readable");
        let loaded = Loaded::read(&data).expect("an executable");
        let policy = Policy {
            pools: Pools::of_stubs(8),
            replaced: HashMap::new(),
            rules: Rules::ours(),
            in_place: false,
        };
        let mut graph = Graph::new(loaded.program(), policy);
        let function = loaded.functions.iter().next().expect("a function").start;
        graph.moving.insert(function);
        let key = Key { function, place: Place::Anywhere, binding: Binding::new() };
        let call = site(function, function);
        let known = Frame::default();
        let problems = vec![Problem::UnresolvedJump(function)];
        let unknown = Frame { problems, ..Frame::default() };
        assert_eq!(graph.by_thunk(&key, &call, &unknown).err(), Some(Some(PATHS_UNKNOWN)));
        assert_ne!(graph.by_thunk(&key, &call, &known).err(), Some(Some(PATHS_UNKNOWN)));
        // Five words of frame are more than a stub copies; that none of them are arguments is known only in the other.
        assert!(graph.stub(HopTo::Site(1), None, &key, &call, &known).is_ok());
        assert!(graph.stub(HopTo::Site(2), None, &key, &call, &unknown).is_err());
    }

    #[test]
    fn blocks_begin_where_plain_paths_lead() {
        let mut frame = Frame { sites: vec![site(0x10, 0x8), site(0x30, 0x20)], ..Frame::default() };
        let all =
            Frame { sites: vec![site(0x10, 0xc), site(0x18, 0x14), site(0x30, 0x18)], ..Frame::default() };
        begin_blocks_as_in(&mut frame, &all);
        assert_eq!(frame.sites.iter().map(|s| s.block).collect::<Vec<_>>(), [0xc, 0x20]);
    }
}
