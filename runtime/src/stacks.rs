//! The stacks of one thread: its free lists, and the slow way to a stack that they do not have.
//!
//! Everything here but [`lists`] runs off the chunks.

use crate::allocator::{Pool, Region, StackAllocator};
use crate::arch;
use crate::call::hop;
use crate::chunk::{self, CLASSES, Chunk, List};
use crate::config::{Mode, StackConfig};
use crate::error::{Error, Result};
use crate::region;
use crate::stats::HighWater;
use crate::sys;
use core::cell::{Cell, RefCell};
use core::ptr::{NonNull, null_mut};
use std::collections::BTreeMap;
use vale_threads_abi as abi;

const PAGE: usize = abi::PAGE as usize;

/// Freed large stacks that are kept for the next use, in bytes of address space per thread.
const SPARE: usize = 64 << 20;

/// Small chunks are fetched this many bytes at a time: what the first one touches anyway.
const BATCH: usize = PAGE;

/// What painted stacks are filled with.
const PAINT: u8 = 0xa5;

/// Free lists first: their address is this struct's.
#[repr(C)]
pub(crate) struct Stacks {
    lists: [List; CLASSES],
    /// Stacks that go back the slow way.
    returned: List,
    slow: RefCell<Slow>,
}

thread_local! {
    /// This thread's; null where no vthread runs.
    static STACKS: Cell<*const Stacks> = const { Cell::new(core::ptr::null()) };
}

/// This thread's free lists. Valid wherever a chunk is in use.
#[inline(always)]
pub(crate) fn lists() -> *const List {
    STACKS.get().cast()
}

/// The lists of a thread that will get its own when it first takes a chunk: all empty, and never written.
struct NoneYet([List; CLASSES]);

// SAFETY: nothing is ever pushed onto its lists: a chunk goes back to the list that it came from.
unsafe impl Sync for NoneYet {}

static NONE_YET: NoneYet = NoneYet([const { Cell::new(null_mut()) }; CLASSES]);

impl NoneYet {
    /// Only the lists may be looked at.
    fn as_stacks(&self) -> *const Stacks {
        self.0.as_ptr().cast()
    }
}

/// What a thread on a stack in the region needs before it takes its first chunk. Kept by whoever joins the thread: even
/// destructors of its thread-locals may take chunks.
pub(crate) struct Promise {
    config: StackConfig,
    /// Null until the first chunk.
    stacks: Cell<*mut Stacks>,
    /// Of the thread's entry.
    pub(crate) name: &'static str,
    /// Lowest addresses of the thread's stack and of its hop stack; an inaccessible page is below each.
    pub(crate) lowest: [usize; 2],
}

thread_local! {
    static PROMISE: Cell<*const Promise> = const { Cell::new(core::ptr::null()) };
}

impl Promise {
    pub(crate) fn new(config: StackConfig, name: &'static str, lowest: [usize; 2]) -> Self {
        Self { config, stacks: Cell::new(null_mut()), name, lowest }
    }

    /// Makes it this thread's.
    ///
    /// # Safety
    /// It stays until the thread has been joined.
    pub(crate) unsafe fn give(this: *const Self) {
        PROMISE.set(this);
        STACKS.set(NONE_YET.as_stacks());
    }

    /// This thread's.
    pub(crate) fn of_this_thread() -> Option<&'static Self> {
        // SAFETY: the promise of `give`.
        unsafe { PROMISE.get().as_ref() }
    }

    /// Makes the stacks that were promised to this thread, if there are none.
    fn keep() {
        if STACKS.get() == NONE_YET.as_stacks()
            && let Some(promise) = Self::of_this_thread()
        {
            promise.stacks.set(Box::into_raw(Stacks::new(promise.config.clone())));
            STACKS.set(promise.stacks.get());
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let stacks = self.stacks.get();
        if !stacks.is_null() {
            // SAFETY: boxed by `keep`, and the thread has ended.
            unsafe { Box::from_raw(stacks) }.trim(true);
        }
    }
}

/// A stack that was lent with the list `returned`.
#[derive(Clone, Copy, Debug)]
struct Lent {
    /// Lowest address of all that belongs to it, its guard included.
    base: usize,
    /// Bytes from there.
    len: usize,
    /// Inaccessible bytes at `base`.
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

/// An access below a guarded stack.
pub(crate) struct Overflow {
    /// The entry that runs on it.
    pub(crate) name: &'static str,
    /// Bytes that it has.
    pub(crate) size: usize,
    /// How far below its lowest byte.
    pub(crate) by: usize,
    /// Because no bound was proved?
    pub(crate) unproved: bool,
}

struct Slow {
    config: StackConfig,
    allocator: Box<dyn StackAllocator>,
    /// By top.
    lent: BTreeMap<usize, Lent>,
    /// By length, guard and source.
    spare: BTreeMap<(usize, usize, Source), Vec<usize>>,
    spare_bytes: usize,
    high_water: BTreeMap<(&'static str, usize), HighWater>,
    taken: u64,
}

impl Stacks {
    /// Is this address a chunk's?
    #[cfg(test)]
    pub(crate) fn in_region(address: usize) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        let region = &arch::REGION;
        address.wrapping_sub(region.base.load(Relaxed)) < region.len.load(Relaxed)
    }

    fn new(config: StackConfig) -> Box<Self> {
        let allocator = config.allocator.as_ref().map_or_else(|| Box::new(Pool::new()) as _, |make| make());
        Box::new(Self {
            lists: [const { Cell::new(null_mut()) }; CLASSES],
            returned: Cell::new(null_mut()),
            slow: RefCell::new(Slow {
                config,
                allocator,
                lent: BTreeMap::new(),
                spare: BTreeMap::new(),
                spare_bytes: 0,
                high_water: BTreeMap::new(),
                taken: 0,
            }),
        })
    }

    /// This thread's, while `f` runs.
    pub(crate) fn with<R>(f: impl FnOnce(&Self) -> R) -> Option<R> {
        let stacks = STACKS.get();
        if stacks.is_null() || stacks == NONE_YET.as_stacks() {
            return None;
        }
        // SAFETY: set by `Installed` or `Promise::keep`, to a box that stays.
        Some(f(unsafe { &*stacks }))
    }

    /// A stack for an entry, the slow way.
    fn lend(&self, size: u32, name: &'static str) -> Result<Chunk> {
        // The lists hold something only where they may be used.
        let list = self.lists.get((size / abi::CLASS_STEP) as usize);
        if let Some(list) = list {
            // SAFETY: what is in a list is free, and of its size.
            let free = unsafe { chunk::pop(list).map(|top| Chunk::lent(top, list)) };
            if let Some(chunk) = free {
                return Ok(chunk);
            }
        }
        let mut slow = self.slow.borrow_mut();
        slow.take_returned(&self.returned);
        slow.taken += 1;
        if let Some(list) = list
            && slow.config.mode == Mode::Exact
            && slow.allocator.allows_free_lists()
        {
            let top = slow.fill(list, size as usize)?;
            // SAFETY: fresh, and of this list's size.
            return Ok(unsafe { Chunk::lent(top, list) });
        }
        let lent = slow.lend(size, name)?;
        let top = lent.base + lent.guard + lent.size;
        slow.lent.insert(top, lent);
        // SAFETY: `returned` takes whatever is in `lent`.
        Ok(unsafe { Chunk::lent(top as *mut u8, &self.returned) })
    }

    /// What painted stacks have shown so far, by entry.
    pub(crate) fn high_water(&self) -> Vec<(&'static str, HighWater)> {
        let mut slow = self.slow.borrow_mut();
        slow.take_returned(&self.returned);
        slow.high_water.iter().rev().map(|(&(name, _), &water)| (name, water)).collect()
    }

    /// Stacks handed out by the slow way, which is every one in the modes that check.
    pub(crate) fn taken_slowly(&self) -> u64 {
        self.slow.borrow().taken
    }

    /// Stacks that went out the slow way and have not come back.
    pub(crate) fn lent_now(&self) -> usize {
        let mut slow = self.slow.borrow_mut();
        slow.take_returned(&self.returned);
        slow.lent.len()
    }

    /// Whose guard holds this address: for a signal handler that interrupted this thread, so it waits for nothing.
    pub(crate) fn guarded_at(&self, address: usize) -> Option<Overflow> {
        let slow = self.slow.try_borrow().ok()?;
        let lent = slow.lent.values().find(|lent| (lent.base..lent.base + lent.guard).contains(&address))?;
        Some(Overflow {
            name: lent.name,
            size: lent.size,
            by: lent.base + lent.guard - address,
            unproved: lent.source == Source::Mapping,
        })
    }

    /// Gives back what is free, as far as that is worth while, or `all` of it.
    pub(crate) fn trim(&self, all: bool) {
        let mut slow = self.slow.borrow_mut();
        slow.take_returned(&self.returned);
        for (class, list) in self.lists.iter().enumerate() {
            // SAFETY: what is in a list is free, and came from the allocator with this size.
            while let Some(top) = unsafe { chunk::pop(list) } {
                let size = class * abi::CLASS_STEP as usize;
                // SAFETY: as above.
                unsafe { slow.deallocate(top as usize - size, size) };
            }
        }
        slow.allocator.trim(&Region::handle(), all);
        slow.drop_spare();
    }
}

impl Slow {
    /// Fetches some chunks of `size` bytes. One is the result, the others go into the list.
    fn fill(&mut self, list: &List, size: usize) -> Result<*mut u8> {
        let region = Region::handle();
        let first = self.allocator.allocate(&region, size).ok_or(Error::OutOfMemory { size })?;
        let mut more: Vec<*mut u8> = Vec::new();
        while more.len() < BATCH / size {
            let Some(at) = self.allocator.allocate(&region, size) else { break };
            more.push(at.as_ptr().wrapping_add(size));
        }
        // The lowest first, next time.
        for &top in more.iter().rev() {
            // SAFETY: fresh from the allocator.
            unsafe { chunk::push(list, top) };
        }
        Ok(first.as_ptr().wrapping_add(size))
    }

    /// # Safety
    /// As for [`StackAllocator::deallocate`].
    unsafe fn deallocate(&mut self, base: usize, size: usize) {
        if let Some(chunk) = NonNull::new(base as *mut u8) {
            // SAFETY: the caller's promise.
            unsafe { self.allocator.deallocate(&Region::handle(), chunk, size) };
        }
    }

    fn lend(&mut self, size: u32, name: &'static str) -> Result<Lent> {
        let pages = |size: usize| size.next_multiple_of(PAGE);
        match size {
            abi::UNPATCHED => {
                let size = unpatched(&self.config, name);
                self.pages(Source::Pages, pages(size), PAGE, pages(size), name)
            }
            abi::UNPROVED => {
                let size = pages(self.config.unproved);
                self.pages(Source::Mapping, size, PAGE, size, name)
            }
            _ if self.config.mode == Mode::Guarded => {
                self.pages(Source::Pages, pages(size as usize), PAGE, size as usize, name)
            }
            _ if size > abi::LARGEST_CHUNK => {
                self.pages(Source::Pages, size as usize, 0, size as usize, name)
            }
            _ => {
                let size = size as usize;
                let at =
                    self.allocator.allocate(&Region::handle(), size).ok_or(Error::OutOfMemory { size })?;
                let base = at.as_ptr() as usize;
                Ok(Lent { base, len: size, guard: 0, size, source: Source::Allocator, name })
            }
        }
        .inspect(|lent| {
            if self.config.mode == Mode::Painted {
                // SAFETY: the stack is free, and `size` bytes from there on are writable.
                unsafe { paint(lent.base + lent.guard, lent.size) };
            }
        })
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
            self.spare_bytes -= all;
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

    fn take_returned(&mut self, returned: &List) {
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
        self.spare.entry((lent.len, lent.guard, lent.source)).or_default().push(lent.base);
        self.spare_bytes += lent.len;
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

/// The slow way of [`Chunk::take`].
#[cold]
#[inline(never)]
pub(crate) fn take_slowly(size: u32, name: &'static str) -> Chunk {
    guard_against_a_missing_link_step();
    hop(move || {
        Promise::keep();
        match Stacks::with(|stacks| stacks.lend(size, name)) {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => panic!("vthread: {error}, for {name}"),
            None => panic!("vthread: {name} was called on a chunk of another thread"),
        }
    })
}

/// A stack for a vthread that starts.
pub(crate) fn take_for_start(size: u32, name: &'static str) -> Result<Chunk> {
    Stacks::with(|stacks| stacks.lend(size, name)).unwrap_or(Err(Error::NotACarrier))
}

/// Only the link step defines this symbol, so that a package without it does not link. Through the GOT, because rust-lld
/// does not report the undefined symbol of a relocation without effect.
fn guard_against_a_missing_link_step() {
    // SAFETY: loads an address that is not used.
    unsafe {
        core::arch::asm!(
            "mov {}, qword ptr [rip + __vthread_link_step_missing__add_build_rs@GOTPCREL]",
            out(reg) _,
            options(nostack, preserves_flags, readonly),
        );
    }
}

#[cfg(feature = "unpatched-stand-in")]
core::arch::global_asm!(
    ".weak __vthread_link_step_missing__add_build_rs",
    ".set __vthread_link_step_missing__add_build_rs, 0",
);

/// Bytes for an entry that the link step has not sized: where that is not allowed for, the process ends.
pub(crate) fn unpatched(config: &StackConfig, name: &str) -> usize {
    config.unpatched.unwrap_or_else(|| not_patched(name))
}

#[cold]
fn not_patched(name: &str) -> ! {
    eprintln!(
        "vthread: the link step has not sized {name}: this executable's linker was replaced, or it was linked by hand. \
         Let the package's build.rs call vthread_build::link_step()."
    );
    std::process::abort()
}

/// This thread's stacks are in place as long as this lives.
pub(crate) struct Installed(Box<Stacks>);

impl Installed {
    /// Makes this thread able to run vthreads, as far as chunks go.
    pub(crate) fn new(config: StackConfig) -> Result<Self> {
        if !STACKS.get().is_null() {
            return Err(Error::AlreadyACarrier);
        }
        region::reserve().map_err(Error::NoRegion)?;
        let stacks = Stacks::new(config);
        STACKS.set(&raw const *stacks);
        Ok(Self(stacks))
    }
}

impl Installed {
    /// Instead of dropping it, where stacks are in use for ever.
    pub(crate) fn abandon() {
        STACKS.set(core::ptr::null());
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        debug_assert!(!arch::on_chunk_now());
        STACKS.set(core::ptr::null());
        self.0.trim(true);
    }
}
