//! The stacks of one thread: its free lists, and who has them.
//!
//! Everything here runs off the chunks; what runs on them is in `call` and `arch`.

pub(crate) mod scoped;
mod slow;

use crate::arch::{self, Pair, Word};
use crate::call::hop;
use crate::chunk::{self, CLASSES, Chunk, List};
use crate::config::StackConfig;
use crate::error::{Error, Result};
use crate::fatal::fatal;
use crate::hop_stack;
use crate::region;
use crate::stats::{Chunks, HighWater};
use core::cell::{Cell, RefCell};
use core::ptr::null_mut;
use scoped::Scoped;
use slow::Slow;
use std::collections::BTreeMap;
use std::time::Instant;
use vale_threads_abi as abi;

/// Free lists first: their address is this struct's.
#[repr(C)]
pub(crate) struct Stacks {
    lists: [List; CLASSES],
    /// Stacks that go back the slow way.
    returned: List,
    /// The thread's own, where these are a scope's; otherwise null.
    home: *const Stacks,
    slow: RefCell<Slow>,
    /// Of scopes with allocators of their own; empty where these are a scope's.
    scoped: RefCell<Vec<Box<Scoped>>>,
}

/// This thread's; null where no vthread runs.
fn this_thread() -> *const Stacks {
    arch::lists().cast()
}

/// Sets this thread's.
///
/// # Safety
/// As for [`arch::set_lists`].
unsafe fn set_this_thread(stacks: *const Stacks) {
    // SAFETY: the lists come first in the struct; the rest is the caller's promise.
    unsafe { arch::set_lists(stacks.cast()) };
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
        // SAFETY: a thread that has just started uses no chunk.
        unsafe { set_this_thread(NONE_YET.as_stacks()) };
    }

    /// This thread's.
    pub(crate) fn of_this_thread() -> Option<&'static Self> {
        // SAFETY: the promise of `give`.
        unsafe { PROMISE.get().as_ref() }
    }

    /// Makes the stacks that were promised to this thread, if there are none.
    fn keep() {
        if this_thread() == NONE_YET.as_stacks()
            && let Some(promise) = Self::of_this_thread()
        {
            promise.stacks.set(Box::into_raw(Stacks::new(promise.config.clone())));
            // SAFETY: they stay until the thread has ended; those of before are empty for ever.
            unsafe { set_this_thread(promise.stacks.get()) };
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

impl Stacks {
    /// Is this address a chunk's?
    #[cfg(test)]
    pub(crate) fn in_region(address: usize) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        let region = &arch::REGION;
        address.wrapping_sub(region.base.load(Relaxed)) < region.len.load(Relaxed)
    }

    fn new(config: StackConfig) -> Box<Self> {
        let slow = Slow::new(config);
        let mut place = Box::<Self>::new_zeroed();
        // SAFETY: zeroed, and whole afterwards.
        unsafe {
            Self::init(place.as_mut_ptr(), core::ptr::null(), slow);
            place.assume_init()
        }
    }

    /// In its place: the lists are too large for the stacks of those who call, and no copy of nothing.
    ///
    /// # Safety
    /// There is room, which is zeroed: lists that are empty.
    unsafe fn init(place: *mut Self, home: *const Self, slow: Slow) {
        // SAFETY: the caller's promise.
        unsafe {
            (&raw mut (*place).home).write(home);
            (&raw mut (*place).slow).write(RefCell::new(slow));
            (&raw mut (*place).scoped).write(RefCell::default());
        }
    }

    /// This thread's, while `f` runs.
    pub(crate) fn with<R>(f: impl FnOnce(&Self) -> R) -> Option<R> {
        let stacks = this_thread();
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
        if let Some(list) = list
            && slow.may_list()
        {
            let top = slow.fill(list, size as usize)?;
            // SAFETY: fresh, and of this list's size.
            return Ok(unsafe { Chunk::lent(top, list) });
        }
        let top = slow.lend(size, name)?;
        // SAFETY: `returned` takes whatever was lent.
        Ok(unsafe { Chunk::lent(top, &self.returned) })
    }

    /// What painted stacks have shown so far, by entry.
    pub(crate) fn high_water(&self) -> Vec<(&'static str, HighWater)> {
        let mut all = BTreeMap::new();
        self.over_all(|stacks| {
            let mut slow = stacks.slow.borrow_mut();
            slow.take_returned(&stacks.returned);
            slow.add_high_water(&mut all);
        });
        all.into_iter().rev().map(|((name, _), water)| (name, water)).collect()
    }

    /// Stacks handed out by the slow way, which is every one in the modes that check.
    pub(crate) fn taken_slowly(&self) -> u64 {
        let mut taken = 0;
        self.over_all(|stacks| taken += stacks.slow.borrow().taken());
        taken
    }

    pub(crate) fn chunks(&self) -> Chunks {
        let mut all = Chunks::default();
        self.over_all(|stacks| {
            let of_one = stacks.slow.borrow().chunks();
            all.taken += of_one.taken;
            all.most_bytes += of_one.most_bytes;
        });
        all
    }

    /// Stacks that went out the slow way and have not come back.
    pub(crate) fn lent_now(&self) -> usize {
        let mut lent = 0;
        self.over_all(|stacks| {
            let mut slow = stacks.slow.borrow_mut();
            slow.take_returned(&stacks.returned);
            lent += slow.lent_now();
        });
        lent
    }

    /// Whose guard holds this address: for a signal handler that interrupted this thread, so it waits for nothing.
    pub(crate) fn guarded_at(&self, address: usize) -> Option<Overflow> {
        self.slow.try_borrow().ok()?.guarded_at(address)
    }

    /// Is this address in the stack of an entry without a bound? `false` where that cannot be said.
    pub(crate) fn is_unproved_at(&self, address: usize) -> bool {
        self.slow.try_borrow().is_ok_and(|slow| slow.is_unproved_at(address))
    }

    /// Gives back what is free, as far as that is worth while, or `all` of it.
    pub(crate) fn trim(&self, all: bool) {
        self.home().forget_scopes();
        self.over_all(|stacks| stacks.trim_own(all));
    }

    fn trim_own(&self, all: bool) {
        let mut slow = self.slow.borrow_mut();
        slow.take_returned(&self.returned);
        for (class, list) in self.lists.iter().enumerate() {
            // SAFETY: what is in a list is free, and came from the allocator with this size.
            while let Some(top) = unsafe { chunk::pop(list) } {
                // SAFETY: as above.
                unsafe { slow.unlist(top, class * abi::CLASS_STEP as usize) };
            }
        }
        slow.trim(all);
    }

    /// Bytes of free chunks in the lists.
    fn free_in_lists(&self) -> usize {
        let sizes = self.lists.iter().enumerate().map(|(class, list)| {
            // SAFETY: chunks in a list are free, and this thread's.
            let free = unsafe { chunk::count(list) };
            free * class * abi::CLASS_STEP as usize
        });
        sizes.sum()
    }

    /// See [`idle`].
    fn idle_own(&self, now: Instant) -> Option<Instant> {
        let mut slow = self.slow.borrow_mut();
        slow.take_returned(&self.returned);
        let due = slow.looks_due(now)?;
        if due > now {
            return Some(due);
        }
        drop(slow);
        let start = Instant::now();
        if self.free_in_lists() > self.slow.borrow().cap() {
            self.trim_own(false);
        }
        self.slow.borrow_mut().looked(start.elapsed());
        None
    }
}

/// Gives free memory of this thread's stacks back to the system. An idle runtime does that by itself, above what
/// [`Builder::keep_free`](crate::Builder::keep_free) says; this is for who knows that a burst is over.
pub fn trim() {
    hop(|| {
        Stacks::with(|stacks| stacks.trim(false));
        hop_stack::trim();
    });
}

/// For a carrier that has nothing to do: gives back free memory above the cap. When it is too early for that after the last time,
/// it says when to call again.
pub(crate) fn idle() -> Option<Instant> {
    Stacks::with(|stacks| {
        let now = Instant::now();
        stacks.idle_scopes(now).into_iter().chain(stacks.idle_own(now)).min()
    })
    .flatten()
}

/// A chunk for an entry of `size` bytes, as the link step wrote it, that the lists do not have: its top, and the list that it goes
/// back to. `name` gives the entry's, for messages. `__morestack` calls this on the hop stack.
///
/// # Panics
/// When there is no memory for it.
///
/// # Safety
/// Off the chunks, on a thread that runs vthreads or was promised stacks. `name` gives the name of the entry that the size is of: what is taken has room
/// for that one.
#[cold]
#[expect(improper_ctypes_definitions, reason = "assembly passes the name's address on, from Rust")]
pub(crate) unsafe extern "C-unwind" fn take_slowly(size: u32, name: fn() -> &'static str) -> Pair {
    guard_against_a_missing_link_step();
    Promise::keep();
    let name = name();
    match Stacks::with(|stacks| stacks.lend(size, name)) {
        Some(Ok(chunk)) => {
            let (top, list) = chunk.into_parts();
            Pair(Word::new(top), Word::new(list.cast_mut().cast()))
        }
        Some(Err(error)) => panic!("vthread: {error}, for {name}"),
        None => panic!("vthread: {name} was called on a chunk of another thread"),
    }
}

/// The list of a size on a thread that runs vthreads.
///
/// # Safety
/// It is one: at most [`abi::LARGEST_CHUNK`].
#[inline(always)]
pub(crate) unsafe fn list_of(size: u32) -> *const List {
    // SAFETY: such a thread has lists; the caller's promise.
    unsafe { arch::list_of(size) }.cast()
}

/// Where stacks go back to that were lent the slow way.
///
/// # Safety
/// On a thread that runs vthreads.
#[cold]
#[inline(never)]
pub(crate) unsafe fn list_of_lent() -> *const List {
    // SAFETY: such a thread has stacks.
    unsafe { &raw const (*this_thread()).returned }
}

/// A stack from the free lists, if there is one of that size. For a thread that runs vthreads.
#[inline(always)]
pub(crate) fn take_free(size: u32) -> Option<Chunk> {
    if size > abi::LARGEST_CHUNK {
        return None;
    }
    // SAFETY: such a thread has lists, with an element for every such size; what is in a list is free, and of its size.
    unsafe {
        let list = &*list_of(size);
        chunk::pop(list).map(|top| Chunk::lent(top, list))
    }
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
            "mov {}, qword ptr [rip + __vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step@GOTPCREL]",
            out(reg) _,
            options(nostack, preserves_flags, readonly),
        );
    }
}

/// Bytes for an entry that the link step has not sized: what the crate `vale-threads-stand-in` says, where tests have it.
/// Otherwise the process ends.
pub(crate) fn unpatched(name: &str) -> usize {
    let bytes: *const usize;
    // SAFETY: loads an address: of that crate's constant, or null, because it need not be there.
    unsafe {
        core::arch::asm!(
            ".weak __vthread_stand_in_bytes",
            "mov {}, qword ptr [rip + __vthread_stand_in_bytes@GOTPCREL]",
            out(reg) bytes,
            options(nostack, preserves_flags, readonly),
        );
    }
    // SAFETY: as above.
    unsafe { bytes.as_ref() }.copied().unwrap_or_else(|| not_patched(name))
}

#[cold]
fn not_patched(name: &str) -> ! {
    fatal(format_args!(
        "the link step has not sized {name}: this executable's linker was replaced, or it was linked by hand. \
         Let the package's build.rs call vale_threads_build::link_step()."
    ))
}

/// This thread's stacks are in place as long as this lives.
pub(crate) struct Installed(Box<Stacks>);

impl Installed {
    /// Makes this thread able to run vthreads, as far as chunks go.
    pub(crate) fn new(config: StackConfig) -> Result<Self> {
        if !this_thread().is_null() {
            return Err(Error::AlreadyACarrier);
        }
        if config.count {
            // SAFETY: chunks lie in the region, and nobody reserves it meanwhile.
            region::unless_reserved(|| unsafe { arch::count_hops() });
        }
        region::reserve().map_err(Error::NoRegion)?;
        arch::fetch_stubs_again();
        let stacks = Stacks::new(config);
        // SAFETY: boxed, and kept until no chunk is in use.
        unsafe { set_this_thread(&raw const *stacks) };
        Ok(Self(stacks))
    }
}

impl Installed {
    /// Instead of dropping it, where stacks are in use for ever.
    pub(crate) fn abandon() {
        // SAFETY: the box is forgotten, so chunks in use keep their lists; nothing runs on them here any more.
        unsafe { set_this_thread(core::ptr::null()) };
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        debug_assert!(!arch::on_chunk_now());
        // SAFETY: no chunk is in use any more.
        unsafe { set_this_thread(core::ptr::null()) };
        self.0.trim(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn an_entry_that_the_link_step_has_not_sized_ends_the_process_with_a_message() {
        const NAME: &str =
            "stacks::tests::an_entry_that_the_link_step_has_not_sized_ends_the_process_with_a_message";
        if std::env::var_os("VTHREAD_CHILD").is_some() {
            let stacks = Installed::new(StackConfig::default()).expect("memory");
            let lent = take_for_start(abi::UNPATCHED, "some::entry");
            // Not reached.
            drop((lent, stacks));
            return;
        }
        let mut child = Command::new(std::env::current_exe().expect("this executable"));
        let out = child.args(["--exact", NAME, "--nocapture"]).env("VTHREAD_CHILD", "1").output();
        let out = out.expect("a child");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && said.contains("has not sized some::entry"), "{said}");
        assert!(said.contains("link_step()"), "{said}");
    }
}
