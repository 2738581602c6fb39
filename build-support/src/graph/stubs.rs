//! Stubs for calls that go elsewhere, and the stack arguments that they copy.

use super::{ARGUMENTS_UNKNOWN, NO_STUB};
use super::{Graph, Key, Step};
use crate::bounds::RETURN_ADDRESS;
use crate::frames::{self, Callee, Frame, Place, Problem, Site, Target};
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
            None => site.outgoing.unwrap_or(above.div_ceil(8)),
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
            let frame = self.frame(function, Place::Anywhere);
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
            // A jump that was not followed may go anywhere.
            if frame.problems.iter().any(|p| matches!(p, Problem::UnresolvedJump(_) | Problem::Unbalanced(_)))
            {
                return None;
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
