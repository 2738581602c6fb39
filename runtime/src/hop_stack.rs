//! Hop stacks: ordinary big stacks for the calls that no bound is known for.
//!
//! The invariant, per carrier: *while rsp is not on the installed hop stack, that stack is empty and `hop_top` is its
//! constant top. Every other hop stack is empty in the pool, or kept: it holds the frames of a vthread that parked on it,
//! and only that vthread's own frame knows it. Total = 1 + pooled + kept.*
//!
//! ```text
//!            hop_top
//!               |
//!  installed:   v                 pool:                 kept, by a frame on it:
//!  +---------------+              +-----------+         +-----------+
//!  | Control       | (64 bytes)   | Control   |--next-> | Control   | <- `Kept` in the frame of the vthread's park
//!  +---------------+              +-----------+         +-----------+
//!  | (empty)       |              | (empty)   |         | frames    |
//!  ...                                                  | park      |
//!  | guard page    |
//! ```
//!
//! A switch away from the installed stack *detaches* it: takes an empty one, installs that, and keeps its own. On resume it
//! gives the empty one back and installs its own again. So whatever parks off the chunks, in a `Display`, a comparator, a
//! drop, holds one big stack meanwhile and disturbs nobody.

use crate::arch::{self, hop_top, set_hop_top};
use crate::call::hop;
use crate::config::StackConfig;
use crate::error::{Error, Result};
use crate::stats::HopStacks;
use crate::sys;
use crate::valgrind;
use core::cell::Cell;
use core::ptr::null_mut;
use vale_threads_abi::PAGE;

const GUARD: usize = PAGE as usize;

/// Empty stacks that a carrier keeps for the next that are wanted, at least. Each is some pages of memory and two mappings, of which a process has 65,530,
/// and takes four system calls and two page faults to make anew.
const MOST_POOLED: usize = 64;

/// The same of a carrier that sleeps and whose vthreads keep none.
const POOLED_ASLEEP: usize = 8;

/// Of those that have come back to the pool so many are looked at before a sleep, each by a system call.
const MOST_LOOKED_AT: usize = 32;

/// At the top of every hop stack of a carrier; its address is the stack's top.
#[repr(C, align(64))]
struct Control {
    next: Cell<*mut Control>,
    /// Lowest address that may be used: above the guard.
    lowest: usize,
    state: Cell<State>,
    /// Valgrind's number for it.
    registered: usize,
}

impl Control {
    /// Bytes of the whole mapping, which ends with this.
    fn size(&self) -> usize {
        core::ptr::from_ref(self) as usize + size_of::<Self>() - (self.lowest - GUARD)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Installed,
    Kept,
    Pooled,
}

struct Pool {
    free: Cell<*mut Control>,
    numbers: Cell<HopStacks>,
    /// Bytes of one, guard included, and bytes that will do where the system does not give so many.
    sizes: Cell<(usize, usize)>,
    /// How many of those in front of `free` have come back since it was last looked whether they are touched.
    given: Cell<usize>,
    cap: Cell<usize>,
}

thread_local! {
    static POOL: Pool = const {
        Pool {
            free: Cell::new(null_mut()),
            numbers: Cell::new(HopStacks { total: 0, kept: 0, pooled: 0, most: 0, detaches: 0 }),
            sizes: Cell::new((0, 0)),
            given: Cell::new(0),
            cap: Cell::new(0),
        }
    };
}

impl Pool {
    fn count(&self, change: impl FnOnce(&mut HopStacks)) {
        let mut numbers = self.numbers.get();
        change(&mut numbers);
        debug_assert_eq!(numbers.total, usize::from(numbers.total > 0) + numbers.pooled + numbers.kept);
        self.numbers.set(numbers);
    }

    /// An empty stack that nobody has.
    fn take(&self) -> Thin<*mut Control> {
        let first = self.free.get();
        if first.is_null() {
            // Where this stack is one of them, that is a plain call; nothing about mappings counts on a chunk.
            return hop(|| self.map().map_err(Box::new));
        }
        // SAFETY: pooled stacks are mapped and nobody's.
        self.free.set(unsafe { (*first).next.get() });
        Ok(first)
    }

    #[cold]
    fn map(&self) -> Result<*mut Control> {
        let cap = self.cap.get();
        if self.numbers.get().total >= cap {
            return Err(Error::TooManyHopStacks { cap });
        }
        // Mappings are a limited thing as well, two for each: being refused one is like reaching the cap.
        let (wanted, least) = self.sizes.get();
        let (base, size) = match sys::map_stack(wanted, GUARD) {
            Ok(base) => (base, wanted),
            Err(_) => (sys::map_stack(least, GUARD).map_err(Error::NoHopStack)?, least),
        };
        let base = base.as_ptr();
        let control = base.wrapping_add(size).cast::<Control>().wrapping_sub(1);
        // SAFETY: the top of the new mapping, whose end is a multiple of a page.
        unsafe {
            control.write(Control {
                next: Cell::new(null_mut()),
                lowest: base as usize + GUARD,
                state: Cell::new(State::Pooled),
                registered: valgrind::register(base as usize + GUARD, size - GUARD - size_of::<Control>()),
            });
        }
        Ok(control)
    }

    /// Takes an empty stack back, and unmaps those that are too many.
    ///
    /// # Safety
    /// `control` came from `map`, is empty, and nobody's.
    unsafe fn give(&self, control: *mut Control) {
        // SAFETY: the caller's promise, which holds for those in the pool as well.
        unsafe {
            (*control).state.set(State::Pooled);
            (*control).next.set(self.free.replace(control));
        }
        self.given.set(self.given.get() + 1);
        let numbers = self.numbers.get();
        if numbers.pooled > MOST_POOLED.max(numbers.kept / 2) {
            self.unmap_down_to(MOST_POOLED.max(numbers.kept / 2));
        }
    }

    /// Unmaps pooled stacks until so many are left.
    #[cold]
    fn unmap_down_to(&self, most: usize) {
        while self.numbers.get().pooled > most {
            let spare = self.free.get();
            // SAFETY: pooled stacks are mapped, empty, and nobody's; a pool that counts some has a first.
            unsafe {
                self.free.set((*spare).next.get());
                Self::unmap(spare);
            }
            self.count(|n| {
                n.pooled -= 1;
                n.total -= 1;
            });
        }
    }

    /// # Safety
    /// `control` came from `map`, and nobody uses it any more.
    #[cold]
    unsafe fn unmap(control: *mut Control) {
        // SAFETY: the caller's promise; the whole mapping, guard included.
        unsafe {
            let (base, size) = ((*control).lowest - GUARD, (*control).size());
            valgrind::deregister((*control).registered);
            let _ = hop(|| sys::unmap(base as *mut u8, size));
        }
    }
}

/// With an error of one word: who parks has one in its frame, on a chunk.
pub(crate) type Thin<T> = core::result::Result<T, Box<Error>>;

/// The numbers of this thread.
pub(crate) fn numbers() -> HopStacks {
    POOL.with(|pool| pool.numbers.get())
}

/// Bytes of the installed one. For carriers.
pub(crate) fn size() -> usize {
    installed().size()
}

/// The installed stack's control block. For threads whose first hop stack came from [`Installed`].
#[inline(always)]
fn installed<'a>() -> &'a Control {
    // SAFETY: there it lies, as long as the stack is installed; nobody keeps this over a change of that.
    unsafe { &*hop_top().cast::<Control>() }
}

/// Is the caller on the installed hop stack? Not the same as "off the chunks": a vthread whose entry is unproved runs on a
/// large stack of its own, on which nothing hops.
///
/// For threads whose first hop stack came from [`Installed`].
#[inline(always)]
pub(crate) fn on_installed() -> bool {
    let lowest = installed().lowest;
    arch::rsp().wrapping_sub(lowest) < (hop_top() as usize).wrapping_sub(lowest)
}

/// Is the caller, who is on the installed hop stack, below its middle?
pub(crate) fn is_half_used() -> bool {
    let lowest = installed().lowest;
    arch::rsp() < lowest + (hop_top() as usize - lowest) / 2
}

/// Is this address on the guard page of this thread's installed hop stack?
pub(crate) fn guard_holds(address: usize) -> bool {
    let top = hop_top();
    // Only a pool's stacks have a control block.
    if top.is_null() || numbers().total == 0 {
        return false;
    }
    let lowest = installed().lowest;
    (lowest - GUARD..lowest).contains(&address)
}

/// Gives back the memory that calls have touched of stacks below the first pages, where some have gone so deep: of the installed one, and of those that
/// were given to the pool since. For a carrier that is about to sleep.
pub(crate) fn give_back_the_deep() {
    debug_assert!(!on_installed());
    // SAFETY: the installed one is empty by the invariant.
    unsafe { sys::discard_the_deep(installed().lowest, hop_top() as usize) };
    POOL.with(|pool| {
        if pool.numbers.get().kept == 0 {
            pool.unmap_down_to(POOLED_ASLEEP);
        }
        let mut next = pool.free.get();
        for _ in 0..pool.given.take().min(MOST_LOOKED_AT) {
            // SAFETY: pooled stacks are mapped, empty, and nobody's.
            unsafe {
                let Some(control) = next.as_ref() else { return };
                sys::discard_the_deep(control.lowest, next as usize);
                next = control.next.get();
            }
        }
    });
}

/// Unmaps what is in the pool. For who asks for that; the caller may be on a hop stack.
pub(crate) fn trim() {
    POOL.with(|pool| pool.unmap_down_to(0));
}

/// The hop stack of a vthread that parks on it. Lives in the frame that parks.
pub(crate) struct Kept(*mut Control);

/// Called on the installed hop stack, before any queue is touched: it may fail, and then nothing has happened.
#[inline(never)]
pub(crate) fn detach() -> Thin<Kept> {
    POOL.with(|pool| {
        let mine = hop_top().cast::<Control>();
        let pooled = !pool.free.get().is_null();
        let fresh = pool.take()?;
        // SAFETY: both are mapped. `mine` holds our frames, and from now on nobody hops onto it; `fresh` is empty.
        unsafe {
            debug_assert_eq!((*mine).state.get(), State::Installed);
            (*mine).state.set(State::Kept);
            (*fresh).state.set(State::Installed);
            set_hop_top(fresh.cast());
        }
        pool.count(|n| {
            n.kept += 1;
            n.detaches += 1;
            if pooled {
                n.pooled -= 1;
            } else {
                n.total += 1;
                n.most = n.most.max(n.total);
            }
        });
        Ok(Kept(mine))
    })
}

/// Makes sure that the next [`detach`] does not fail.
#[inline(never)]
pub(crate) fn prepare() -> Thin<()> {
    POOL.with(|pool| {
        if pool.free.get().is_null() {
            let fresh = hop(|| pool.map().map_err(Box::new))?;
            pool.count(|n| {
                n.total += 1;
                n.pooled += 1;
                n.most = n.most.max(n.total);
            });
            // SAFETY: it is new.
            unsafe { pool.give(fresh) };
        }
        Ok(())
    })
}

/// The same, whatever the cap says: for waits that must not fail.
pub(crate) fn prepare_beyond_cap() -> Thin<()> {
    POOL.with(|pool| {
        let cap = pool.cap.replace(usize::MAX);
        let prepared = prepare();
        pool.cap.set(cap);
        prepared
    })
}

impl Kept {
    /// Called on the kept stack, after the switch back.
    pub(crate) fn reattach(self) {
        POOL.with(|pool| {
            let empty = hop_top().cast::<Control>();
            check_empty();
            // SAFETY: whoever ran before was on a chunk, on a stack that it keeps, or on the loop's own stack, so the
            // installed one is empty and can go; ours holds our frames.
            unsafe {
                debug_assert_eq!((*self.0).state.get(), State::Kept);
                (*self.0).state.set(State::Installed);
                set_hop_top(self.0.cast());
            }
            pool.count(|n| {
                n.kept -= 1;
                n.pooled += 1;
            });
            // SAFETY: as above.
            unsafe { pool.give(empty) };
        });
    }
}

/// At every mount and unmount in debug builds: what is claimed to be empty may be overwritten. If the claim is false, a
/// vthread's frames are destroyed here and its test fails.
#[inline(always)]
pub(crate) fn check_empty() {
    if cfg!(debug_assertions) {
        overwrite_installed();
    }
}

#[cold]
#[inline(never)]
fn overwrite_installed() {
    assert!(!on_installed(), "vthread: the installed hop stack is in use where it must be empty");
    let top = hop_top();
    valgrind::may_be_written(top.wrapping_sub(512), 512);
    // SAFETY: below the control block of a stack that is mapped, larger than this, and empty by the invariant.
    unsafe { top.sub(512).write_bytes(0xa5, 512) };
}

/// This thread has hop stacks as long as this lives.
pub(crate) struct Installed(());

impl Installed {
    pub(crate) fn new(config: &StackConfig) -> Result<Self> {
        POOL.with(|pool| {
            pool.sizes.set((config.hop_size, config.hop_least));
            pool.cap.set(config.hop_cap.max(1));
            pool.numbers.set(HopStacks::default());
            let first = pool.map()?;
            pool.count(|n| {
                n.total = 1;
                n.most = 1;
            });
            // SAFETY: an empty stack, and none was installed.
            unsafe {
                (*first).state.set(State::Installed);
                set_hop_top(first.cast());
            }
            Ok(Self(()))
        })
    }

    /// Instead of dropping it, where stacks are kept for ever.
    pub(crate) fn abandon() {
        POOL.with(|pool| {
            pool.free.set(null_mut());
            pool.numbers.set(HopStacks::default());
            // SAFETY: no vthread runs here any more, so nothing hops.
            unsafe { set_hop_top(null_mut()) };
        });
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        POOL.with(|pool| {
            let installed = hop_top().cast::<Control>();
            // SAFETY: no chunk is in use on this thread any more, so nothing hops; pooled ones are empty.
            unsafe {
                set_hop_top(null_mut());
                Pool::unmap(installed);
                while let Some(control) = pool.free.get().as_ref() {
                    pool.free.set(control.next.get());
                    Pool::unmap(core::ptr::from_ref(control).cast_mut());
                }
            }
            pool.numbers.set(HopStacks::default());
        });
    }
}
