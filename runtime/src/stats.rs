//! What the stacks of the process, and those and the vthreads of this thread, amount to.

#[cfg(vthread_native)]
use crate::{hop_stack, region, stacks::Stacks};

/// Numbers of hop stacks of this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HopStacks {
    /// Stacks that exist.
    pub total: usize,
    /// Of these, how many vthreads keep that parked off their chunks.
    pub kept: usize,
    /// Of these, how many wait empty.
    pub pooled: usize,
    /// The largest total so far.
    pub most: usize,
    /// How often a vthread parked off its chunks.
    pub detaches: u64,
}

/// How deep an entry went, when stacks are painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HighWater {
    /// Bytes it was given.
    pub size: usize,
    /// Bytes below the top that were written at most.
    pub used: usize,
    /// Calls and spawns that were measured.
    pub count: u64,
}

/// Operations that had to wait: reads, writes, opens and so on that were not done at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Under way now.
    pub in_flight: usize,
    /// The most at a time so far.
    pub most: usize,
    /// How many there have been.
    pub total: u64,
}

/// Vthreads of this thread. All are counted where they run, without atomics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vthreads {
    /// How many have started.
    pub started: u64,
    /// The most that had started and not ended at a time.
    pub most_alive: usize,
    /// How often a carrier that had nothing to do looked for starts elsewhere and took some.
    pub steals: u64,
    /// How often one started or went on after a wait.
    pub switches: u64,
}

/// Chunks of this thread, where all are counted: with [`Builder::count_chunks`], where stacks are guarded or painted, and with
/// allocators that free lists keep nothing of. Otherwise all are 0.
///
/// [`Builder::count_chunks`]: crate::Builder::count_chunks
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunks {
    /// Handed out, for calls and for vthreads that started.
    pub taken: u64,
    /// The most bytes in use at a time.
    pub most_bytes: usize,
}

/// Numbers about stacks, as they are now. On systems without virtual threads of their own, all are 0.
///
/// Those that begin with `region_` are of the whole process. All others are of the thread that asks: each carrier of a
/// [`Runtime`](crate::Runtime) has its own, and a thread that runs nothing of ours has none. [`Runtime::finish`](crate::Runtime::finish) gives those of all carriers, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes of address space for chunks, of the whole process. They cost nothing.
    pub region_reserved: usize,
    /// Bytes of these that may be used, of the whole process. What was never touched costs nothing.
    pub region_committed: usize,
    /// Bytes of these that allocators have taken, in all threads of the process, for chunks in use or to be used again.
    pub region_taken: usize,
    /// Vthreads of this thread.
    pub vthreads: Vthreads,
    /// Hop stacks of this thread.
    pub hop_stacks: HopStacks,
    /// Stacks in use by this thread that do not come from a free list: of unproved and very large entries, and all where
    /// stacks are guarded or painted.
    pub lent: usize,
    /// Chunks of this thread.
    pub chunks: Chunks,
    /// How often vthreads of this thread were carried over to a hop stack and back. Counted as [`Chunks`] are, from the first vthread
    /// of the process on or not at all, and only where the system allows a process to change its code (`/proc/self/mem`); else 0.
    pub hops: u64,
    /// Operations on files of this thread's vthreads.
    pub operations: Operations,
    /// How deep each entry of this thread went, by its name; only where stacks are painted ([`Mode::Painted`]).
    ///
    /// [`Mode::Painted`]: crate::Mode::Painted
    pub high_water: Vec<(&'static str, HighWater)>,
}

#[cfg(vthread_native)]
impl Stats {
    /// Those of several threads, as one: what is counted is added up, and so is what was most, which gives no less than there was
    /// at any one time.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, its) in [
            (&mut self.region_reserved, other.region_reserved),
            (&mut self.region_committed, other.region_committed),
            (&mut self.region_taken, other.region_taken),
        ] {
            *mine = its.max(*mine);
        }
        self.vthreads.started += other.vthreads.started;
        self.vthreads.most_alive += other.vthreads.most_alive;
        self.vthreads.steals += other.vthreads.steals;
        self.vthreads.switches += other.vthreads.switches;
        self.hop_stacks.total += other.hop_stacks.total;
        self.hop_stacks.kept += other.hop_stacks.kept;
        self.hop_stacks.pooled += other.hop_stacks.pooled;
        self.hop_stacks.most += other.hop_stacks.most;
        self.hop_stacks.detaches += other.hop_stacks.detaches;
        self.lent += other.lent;
        self.chunks.taken += other.chunks.taken;
        self.chunks.most_bytes += other.chunks.most_bytes;
        self.hops += other.hops;
        self.operations.in_flight += other.operations.in_flight;
        self.operations.most += other.operations.most;
        self.operations.total += other.operations.total;
        for &(name, water) in &other.high_water {
            match self.high_water.iter_mut().find(|(known, _)| *known == name) {
                Some((_, mine)) => {
                    mine.size = mine.size.max(water.size);
                    mine.used = mine.used.max(water.used);
                    mine.count += water.count;
                }
                None => self.high_water.push((name, water)),
            }
        }
    }
}

/// Numbers about the process's and this thread's stacks, and this thread's vthreads: see [`Stats`] for which is which.
///
/// ```
/// assert_eq!(vthread::run(vthread::stats).hop_stacks.kept, 0);
/// ```
pub fn stats() -> Stats {
    #[cfg(not(vthread_native))]
    return Stats::default();
    #[cfg(vthread_native)]
    crate::call::hop(|| {
        let region = region::usage();
        Stats {
            region_reserved: region.reserved,
            region_committed: region.committed,
            region_taken: region.taken,
            vthreads: crate::carrier::numbers(),
            hop_stacks: hop_stack::numbers(),
            lent: Stacks::with(Stacks::lent_now).unwrap_or(0),
            chunks: Stacks::with(Stacks::chunks).unwrap_or_default(),
            hops: crate::arch::hops(),
            operations: crate::io::numbers(),
            high_water: Stacks::with(Stacks::high_water).unwrap_or_default(),
        }
    })
}
