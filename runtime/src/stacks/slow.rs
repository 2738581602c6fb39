//! Stacks that the free lists do not have: from the allocator, in pages of their own, guarded, painted.

use super::{Overflow, unpatched};
use crate::allocator::{Pool, Region, StackAllocator};
use crate::chunk::{self, List};
use crate::config::{Mode, StackConfig};
use crate::error::{Error, Result};
use crate::fatal::never_unwinding;
use crate::region;
use crate::stats::{Chunks, HighWater};
use crate::sys;
use crate::valgrind::{self, Registered};
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use vale_threads_abi as abi;

const PAGE: usize = abi::PAGE as usize;

/// Freed large stacks that are kept for the next use, in bytes of address space per thread.
const SPARE: usize = 64 << 20;

/// What one for an entry without a bound counts among these at most: it is mostly addresses.
const MOST_OF_ONE: usize = 1 << 20;

/// Small chunks are fetched at least this many bytes at a time: what the first one touches anyway.
const LEAST_BATCH: usize = PAGE;

/// And at most this many.
const MOST_BATCH: usize = 64 * PAGE;

/// A batch is at most this part of what the lists have got so far: so little more memory is touched than is used.
const BATCH_SHARE: usize = 16;

/// In messages.
const ALLOCATOR: &str = "a stack allocator";

/// What painted stacks are filled with.
const PAINT: u8 = 0xa5;

/// Looking for free memory takes at most this share of an idle carrier's time.
const SHARE: u32 = 20;

/// A stack that was lent with the list `returned`.
#[derive(Clone, Copy, Debug)]
struct Lent {
    /// Lowest address of all that belongs to it, its guard included.
    base: usize,
    /// Bytes from there.
    len: usize,
    /// Bytes at `base` that are inaccessible, or that nobody uses.
    guard: usize,
    /// Bytes that the entry may use, below the top.
    size: usize,
    source: Source,
    /// Of the entry.
    name: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// The allocator's.
    Allocator,
    /// Pages of the region.
    Pages,
    /// A mapping of its own, off the region.
    Mapping,
}

pub(super) struct Slow {
    config: StackConfig,
    allocator: Box<dyn StackAllocator>,
    /// Bytes of chunks that belong to the free lists: in them, or in use.
    listed: usize,
    /// How much of that is of each size.
    listed_of: BTreeMap<usize, usize>,
    /// When it is worth while again to look how much of that is free.
    look_at: Option<Instant>,
    /// Where valgrind runs the program, it knows the chunks as stacks.
    registered: Registered,
    /// Bytes below each stack that nobody uses: for memcheck (see [`valgrind`]).
    gap: usize,
    /// By top.
    lent: BTreeMap<usize, Lent>,
    /// By length, guard and source.
    spare: BTreeMap<(usize, usize, Source), Vec<usize>>,
    spare_bytes: usize,
    high_water: BTreeMap<(&'static str, usize), HighWater>,
    taken: u64,
    /// Bytes that are lent.
    in_use: usize,
    /// The most of these so far; of scopes that have ended too.
    most_in_use: usize,
}

impl Slow {
    pub(super) fn new(config: StackConfig) -> Self {
        let allocator = config.allocator.as_ref().map_or_else(|| Box::new(Pool::new()) as _, |make| make());
        Self {
            config,
            allocator,
            listed: 0,
            listed_of: BTreeMap::new(),
            look_at: None,
            registered: Registered::new(),
            gap: if valgrind::is_memcheck() { valgrind::RED_ZONE } else { 0 },
            lent: BTreeMap::new(),
            spare: BTreeMap::new(),
            spare_bytes: 0,
            high_water: BTreeMap::new(),
            taken: 0,
            in_use: 0,
            most_in_use: 0,
        }
    }

    /// May chunks wait in the free lists?
    pub(super) fn may_list(&self) -> bool {
        let checked = self.config.mode != Mode::Exact || self.config.count || self.gap != 0;
        !checked && self.allocator.allows_free_lists()
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// As far as all are counted.
    pub(super) fn chunks(&self) -> Chunks {
        if self.may_list() {
            return Chunks::default();
        }
        Chunks { taken: self.taken, most_bytes: self.most_in_use }
    }

    /// Stacks that went out and have not come back.
    pub(super) fn lent_now(&self) -> usize {
        self.lent.len()
    }

    pub(super) fn add_high_water(&self, all: &mut BTreeMap<(&'static str, usize), HighWater>) {
        for (&entry, its) in &self.high_water {
            let water = all.entry(entry).or_insert(HighWater { used: 0, count: 0, ..*its });
            water.used = water.used.max(its.used);
            water.count += its.count;
        }
    }

    /// Keeps the numbers of another that goes away.
    pub(super) fn remember(&mut self, other: &Self) {
        other.add_high_water(&mut self.high_water);
        self.taken += other.taken;
        self.most_in_use += other.most_in_use;
    }

    pub(super) fn config(&self) -> &StackConfig {
        &self.config
    }

    /// Whose guard holds this address?
    pub(super) fn guarded_at(&self, address: usize) -> Option<Overflow> {
        let lent = self.lent.values().find(|lent| (lent.base..lent.base + lent.guard).contains(&address))?;
        Some(Overflow {
            name: lent.name,
            size: lent.size,
            by: lent.base + lent.guard - address,
            unproved: lent.source == Source::Mapping,
        })
    }

    /// Is this address in the stack of an entry without a bound?
    pub(super) fn is_unproved_at(&self, address: usize) -> bool {
        let above = self.lent.range(address..).next();
        above.is_some_and(|(_, lent)| lent.source == Source::Mapping && address >= lent.base + lent.guard)
    }

    /// Free bytes in the lists that an idle thread keeps.
    pub(super) fn cap(&self) -> usize {
        self.config.keep
    }

    /// When to look how much of the lists' memory is free; `None`: all of it is below the cap.
    pub(super) fn looks_due(&self, now: Instant) -> Option<Instant> {
        (self.listed > self.cap()).then(|| self.look_at.unwrap_or(now))
    }

    /// It took so long: in proportion it rests.
    pub(super) fn looked(&mut self, took: Duration) {
        self.look_at = Instant::now().checked_add((took * SHARE).max(Duration::from_millis(1)));
    }

    /// Gives a free chunk that was in a list back to the allocator.
    ///
    /// # Safety
    /// `top` ends a chunk of `size` bytes that [`fill`](Self::fill) fetched, and nobody uses it.
    pub(super) unsafe fn unlist(&mut self, top: *mut u8, size: usize) {
        self.listed -= size;
        *self.listed_of.entry(size).or_default() -= size;
        self.registered.remove(top as usize);
        // SAFETY: the caller's promise.
        unsafe { self.deallocate(top as usize - size, size) };
    }

    /// Gives unused memory back to the region.
    pub(super) fn trim(&mut self, all: bool) {
        never_unwinding(ALLOCATOR, || self.allocator.trim(&Region::handle(), all));
        self.drop_spare();
    }

    /// Fetches some chunks of `size` bytes. One is the result, the others go into the list.
    ///
    /// The more there are, the more it fetches: who goes deeper than ever comes here at each level otherwise.
    pub(super) fn fill(&mut self, list: &List, size: usize) -> Result<*mut u8> {
        self.taken += 1;
        let listed = self.listed_of.get(&size).copied().unwrap_or(0);
        let batch = (listed / BATCH_SHARE).clamp(LEAST_BATCH, MOST_BATCH);
        let most = (batch / size).max(1);
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut have = 0;
        while have < most {
            let Some((lowest, count)) = self.fetch(size, most - have) else { break };
            have += count;
            runs.push((lowest, count));
        }
        let Some(&(first, _)) = runs.first() else { return Err(Error::OutOfMemory { size }) };
        // The lowest first, next time.
        for (lowest, count) in runs.into_iter().rev() {
            for number in (1..=count).rev() {
                // SAFETY: fresh from the allocator.
                unsafe { chunk::push(list, (lowest + number * size) as *mut u8) };
            }
        }
        // SAFETY: just pushed.
        let top = unsafe { chunk::pop(list) };
        Ok(top.unwrap_or((first + size) as *mut u8))
    }

    /// Up to `most` chunks for the lists, side by side: the lowest address, and how many.
    fn fetch(&mut self, size: usize, most: usize) -> Option<(usize, usize)> {
        let allocator = &mut self.allocator;
        let run = never_unwinding(ALLOCATOR, || allocator.allocate_run(&Region::handle(), size, most));
        let (lowest, count) = run?;
        let lowest = lowest.as_ptr() as usize;
        self.listed += count * size;
        *self.listed_of.entry(size).or_default() += count * size;
        // The address between two is the top of the one below, which valgrind is told of last.
        for number in (0..count).rev() {
            self.registered.add(lowest + number * size, size);
        }
        sys::populate(lowest, count * size);
        Some((lowest, count))
    }

    /// # Safety
    /// As for [`StackAllocator::deallocate`].
    unsafe fn deallocate(&mut self, base: usize, size: usize) {
        if let Some(chunk) = NonNull::new(base as *mut u8) {
            // SAFETY: the caller's promise.
            never_unwinding(ALLOCATOR, || unsafe {
                self.allocator.deallocate(&Region::handle(), chunk, size);
            });
        }
    }

    /// A stack that goes back by the list `returned`: its top.
    pub(super) fn lend(&mut self, size: u32, name: &'static str) -> Result<*mut u8> {
        self.taken += 1;
        let lent = self.find(size, name)?;
        let start = lent.base + lent.guard;
        self.registered.add(start, lent.size);
        valgrind::may_be_written(start as *const u8, lent.size);
        if self.config.mode == Mode::Painted {
            // SAFETY: the stack is free, and `size` bytes from there on are writable.
            unsafe { paint(start, lent.size) };
        }
        let top = start + lent.size;
        self.lent.insert(top, lent);
        self.in_use += lent.size;
        self.most_in_use = self.most_in_use.max(self.in_use);
        Ok(top as *mut u8)
    }

    fn find(&mut self, size: u32, name: &'static str) -> Result<Lent> {
        let pages = |size: usize| size.next_multiple_of(PAGE);
        match size {
            abi::UNPATCHED => {
                let size = unpatched(name);
                self.pages(Source::Pages, pages(size), PAGE, pages(size), name)
            }
            abi::UNPROVED => {
                let size = pages(self.config.unproved());
                self.pages(Source::Mapping, size, PAGE, size, name)
            }
            _ if self.config.mode == Mode::Guarded => {
                self.pages(Source::Pages, pages(size as usize), PAGE, size as usize, name)
            }
            _ if size as usize + self.gap > abi::LARGEST_CHUNK as usize => {
                self.pages(Source::Pages, pages(size as usize), pages(self.gap), size as usize, name)
            }
            _ => {
                let (size, gap) = (size as usize, self.gap);
                let at =
                    never_unwinding(ALLOCATOR, || self.allocator.allocate(&Region::handle(), size + gap));
                let at = at.ok_or(Error::OutOfMemory { size })?;
                let base = at.as_ptr() as usize;
                Ok(Lent { base, len: size + gap, guard: gap, size, source: Source::Allocator, name })
            }
        }
    }

    /// A stack of whole pages: `len` bytes above an inaccessible part.
    fn pages(
        &mut self,
        source: Source,
        len: usize,
        guard: usize,
        size: usize,
        name: &'static str,
    ) -> Result<Lent> {
        let all = len + guard;
        let found = self.spare.get_mut(&(all, guard, source)).and_then(Vec::pop);
        let base = if let Some(base) = found {
            self.spare_bytes -= counted(source, all);
            base
        } else {
            let mapped = match source {
                Source::Mapping => sys::map_stack(all, guard).map(NonNull::as_ptr),
                _ => region::take(all, PAGE),
            };
            let at = mapped.map_err(|_| Error::OutOfMemory { size: len })?;
            // SAFETY: just taken; nobody else knows it.
            if source == Source::Pages && guard != 0 && unsafe { sys::protect(at, guard) }.is_err() {
                // SAFETY: as above, and it is still readable and writable.
                unsafe { region::give(at, all) };
                return Err(Error::OutOfMemory { size: len });
            }
            at as usize
        };
        Ok(Lent { base, len: all, guard, size, source, name })
    }

    /// Takes back what its users have left.
    pub(super) fn take_returned(&mut self, returned: &List) {
        // SAFETY: what is in the list is free: its users have left it.
        while let Some(top) = unsafe { chunk::pop(returned) } {
            if let Some(lent) = self.lent.remove(&(top as usize)) {
                self.take_back(lent);
            }
        }
        if self.spare_bytes > SPARE {
            self.drop_spare();
        }
    }

    fn take_back(&mut self, lent: Lent) {
        self.in_use -= lent.size;
        self.registered.remove(lent.base + lent.guard + lent.size);
        // A guard stays what it is.
        let guard = if lent.source == Source::Allocator { 0 } else { lent.guard };
        valgrind::may_be_read((lent.base + guard) as *const u8, lent.len - guard);
        if self.config.mode == Mode::Painted {
            // SAFETY: painted when it was lent, and free again.
            let used = unsafe { depth(lent.base + lent.guard, lent.size) };
            let water = self.high_water.entry((lent.name, lent.size)).or_insert(HighWater {
                size: lent.size,
                used: 0,
                count: 0,
            });
            water.used = water.used.max(used);
            water.count += 1;
        }
        if lent.source == Source::Allocator {
            // SAFETY: it came from there with this size, and is free.
            unsafe { self.deallocate(lent.base, lent.len) };
            return;
        }
        if lent.source == Source::Mapping {
            let lowest = lent.base + lent.guard;
            // SAFETY: a mapping of whole pages that nobody uses any more. What is left is mostly addresses.
            unsafe { sys::discard_the_deep(lowest, lowest + lent.size) };
        }
        self.spare.entry((lent.len, lent.guard, lent.source)).or_default().push(lent.base);
        self.spare_bytes += counted(lent.source, lent.len);
    }

    fn drop_spare(&mut self) {
        self.spare_bytes = 0;
        for ((len, guard, source), bases) in core::mem::take(&mut self.spare) {
            for base in bases {
                let at = base as *mut u8;
                // SAFETY: a spare stack is nobody's; its guard becomes accessible before the region gets it. Where that
                // fails (mappings used up), the range is lost to the region rather than given back unreadable.
                unsafe {
                    if source == Source::Mapping {
                        let _ = sys::unmap(at, len);
                    } else if guard == 0 || sys::unprotect(at, guard).is_ok() {
                        region::give(at, len);
                    }
                }
            }
        }
    }
}

/// Bytes that a freed stack counts.
fn counted(source: Source, len: usize) -> usize {
    if source == Source::Mapping { len.min(MOST_OF_ONE) } else { len }
}

/// # Safety
/// `[base, base + size)` is free and writable.
unsafe fn paint(base: usize, size: usize) {
    // SAFETY: the caller's promise.
    unsafe { (base as *mut u8).write_bytes(PAINT, size) };
}

/// Bytes below the top that are no longer paint. The top word is the free list's and counts as used.
///
/// # Safety
/// `[base, base + size)` is free and readable.
unsafe fn depth(base: usize, size: usize) -> usize {
    const PIECE: usize = 256;
    // SAFETY: the caller's promise.
    let stack = unsafe { core::slice::from_raw_parts(base as *const u8, size) };
    // Whole pieces by comparison, which is fast in debug builds too.
    let pieces = stack.chunks(PIECE).take_while(|piece| **piece == [PAINT; PIECE][..piece.len()]).count();
    let rest = stack[(pieces * PIECE).min(size)..].iter().take_while(|&&byte| byte == PAINT).count();
    size.saturating_sub(pieces * PIECE + rest)
}
