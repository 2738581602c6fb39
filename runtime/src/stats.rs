//! What the stacks of the process and of this thread amount to.

use crate::hop_stack::{self, HopStacks};
use crate::region;
use crate::stacks::{HighWater, Stacks};

/// Numbers about stacks, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes of address space for chunks, of the whole process. They cost nothing.
    pub region_reserved: usize,
    /// Bytes of these that may be used. What was never touched costs nothing.
    pub region_committed: usize,
    /// Bytes of these that allocators have taken, for chunks in use or to be used again.
    pub region_taken: usize,
    /// Hop stacks of this thread.
    pub hop_stacks: HopStacks,
    /// Stacks in use by this thread that do not come from a free list: of unproved and very large entries, and all where
    /// stacks are guarded or painted.
    pub lent: usize,
    /// How deep each entry of this thread went, by its name; only where stacks are painted ([`Mode::Painted`]).
    ///
    /// [`Mode::Painted`]: crate::Mode::Painted
    pub high_water: Vec<(&'static str, HighWater)>,
}

/// Numbers about the process's and this thread's stacks.
///
/// ```
/// assert_eq!(vthread::run(vthread::stats).hop_stacks.kept, 0);
/// ```
pub fn stats() -> Stats {
    crate::call::hop(|| {
        let region = region::usage();
        Stats {
            region_reserved: region.reserved,
            region_committed: region.committed,
            region_taken: region.taken,
            hop_stacks: hop_stack::numbers(),
            lent: Stacks::with(Stacks::lent_now).unwrap_or(0),
            high_water: Stacks::with(Stacks::high_water).unwrap_or_default(),
        }
    })
}
