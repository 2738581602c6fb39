//! What the walk over one block saw, and how that of all blocks becomes the frame.

use super::{Frame, Incoming, Problem, Reference, Site};

/// Bytes below rsp that a leaf may use: the System V ABI's red zone.
const RED_ZONE: u64 = 128;

/// How deep an address lies that is so far from the return address.
pub(super) fn below_return_address(lowest: i64) -> u64 {
    if lowest < 0 { lowest.unsigned_abs() } else { 0 }
}

/// What all visits saw, in their order. What is counted stands in [`Notes`]: most blocks are visited once, and nothing of its own needs to be
/// allocated for them.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) sites: Vec<Option<Site>>,
    pub(super) references: Vec<Reference>,
    pub(super) problems: Vec<Problem>,
    pub(super) points: Vec<(u64, i64)>,
}

/// How many there are of each.
#[derive(Clone, Copy, Default)]
struct Counts {
    sites: usize,
    references: usize,
    problems: usize,
    points: usize,
}

impl Seen {
    fn counts(&self) -> Counts {
        Counts {
            sites: self.sites.len(),
            references: self.references.len(),
            problems: self.problems.len(),
            points: self.points.len(),
        }
    }
}

/// Of one visit of one block.
#[derive(Clone, Copy, Default)]
pub(super) struct Notes {
    /// What [`Seen`] had when it began and when it ended: in between is what it saw.
    from: Counts,
    to: Counts,
    /// Number of the instruction behind the last.
    pub(super) end: usize,
    /// Instructions that run on another stack: the first, and the one behind the last.
    pub(super) skipped: (usize, usize),
    /// As in [`Frame`].
    pub(super) frame: u64,
    pub(super) padding: u64,
    pub(super) returns: bool,
    pub(super) incoming: Incoming,
    /// As in [`Below`].
    pub(super) lowest: i64,
    pub(super) indexed: bool,
    pub(super) unknown: bool,
}

/// The depth of a site whose rsp is on another stack already: that of the frame.
pub(super) const ALL_OF_THE_FRAME: u64 = u64::MAX;

impl Notes {
    /// Begins a visit.
    pub(super) fn new(seen: &Seen) -> Self {
        Notes { from: seen.counts(), ..Notes::default() }
    }

    /// Ends it.
    pub(super) fn close(&mut self, seen: &Seen) {
        self.to = seen.counts();
    }

    /// Adds to the frame what was seen, the block being the next in the code. Problems are noted once.
    pub(super) fn add_to(&self, frame: &mut Frame, seen: &mut Seen) {
        if self.frame > frame.frame {
            frame.frame = self.frame;
            frame.padding = self.padding;
        }
        frame.returns |= self.returns;
        frame.incoming.open |= self.incoming.open;
        if self.incoming.bytes > frame.incoming.bytes {
            frame.incoming.bytes = self.incoming.bytes;
        }
        for number in self.from.sites..self.to.sites {
            let Some(mut site) = seen.sites[number].take() else { continue };
            if site.depth == ALL_OF_THE_FRAME {
                site.depth = frame.frame;
            }
            frame.sites.push(site);
        }
        frame.references.extend_from_slice(&seen.references[self.from.references..self.to.references]);
        frame.points.extend_from_slice(&seen.points[self.from.points..self.to.points]);
        for problem in &seen.problems[self.from.problems..self.to.problems] {
            if !frame.problems.contains(problem) {
                frame.problems.push(problem.clone());
            }
        }
    }
}

/// What is seen of memory that is used below rsp.
#[derive(Default)]
pub(super) struct Below {
    /// Lowest address of the frame that an instruction names, relative to the return address.
    lowest: i64,
    /// It may be used in a way that was not followed. A plain address that was taken is no such case: whoever has it reaches the memory at
    /// and above it.
    pub(super) vague: bool,
    /// An address of the frame is stored. What is read back may not be known any more, and then it may be the end of an array.
    pub(super) address_stored: bool,
    /// Memory is accessed through something that is not known.
    unknown: bool,
}

impl Below {
    /// Adds what a block's last visit saw.
    pub(super) fn take(&mut self, notes: &Notes) {
        if notes.lowest < self.lowest {
            self.lowest = notes.lowest;
        }
        self.vague |= notes.indexed;
        self.unknown |= notes.unknown;
    }

    /// Bytes that are used below the deepest rsp.
    pub(super) fn red_zone(&self, frame: &Frame) -> u64 {
        let named = below_return_address(self.lowest).saturating_sub(frame.frame);
        let leaf = frame.sites.iter().all(|s| s.tail);
        // Memory below what is named may be used as well.
        if leaf && (self.vague || self.address_stored && self.unknown) { named.max(RED_ZONE) } else { named }
    }
}
