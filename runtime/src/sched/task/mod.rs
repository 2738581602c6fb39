//! What is known of a vthread by others: its name, its permit, whether it has ended.

mod cancelled;
mod closure;
mod end;
mod permit;
mod rare;
mod running;
mod word;

use super::lock::{Guard, Lock};
use super::room::Room;
use super::task_ref::Count;
use super::wait::WaitList;
use crate::error::Error;
use crate::local::Locals;
use crate::scope::ScopeState;
pub use cancelled::{Cancelled, checkpoint, is_cancelled};
pub(crate) use cancelled::{RAISES, raise_cancelled, raise_if_cancelled};
pub(crate) use closure::run_closure;
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
pub(crate) use end::Ended;
use rare::Rarely;
pub use running::{Vthread, current, park, park_timeout, sleep, yield_now};
use std::sync::Arc;
use vale_threads_abi as abi;
use word::{FLAGS, Word};

/// Shared by a vthread, its handles, and the scope that it belongs to.
///
/// 104 bytes, which is what common allocators give for 112: there may be millions.
pub(crate) struct Task {
    pub(super) count: Count,
    pub(crate) id: u64,
    pub(crate) scope: Option<Arc<ScopeState>>,
    word: Word,
    state: Lock<State>,
    /// What most do not have.
    rare: Rarely,
    /// What the type of its body knows; see [`Start`](crate::carrier).
    pub(crate) about: Cell<Option<&'static About>>,
    /// Its body until it starts, then its result; see [`Start`](crate::carrier) and [`scope`](mod@crate::scope).
    pub(crate) room: Room,
}

const _: () = assert!(size_of::<Task>() <= 104);

const _: () = assert!(FLAGS < abi::CLASS_STEP, "sizes have none of the flags");

/// The first function on its stack.
pub(crate) type Entry = unsafe extern "C-unwind" fn(*mut u8);

/// What the type of a vthread's body knows.
pub(crate) struct About {
    pub(crate) entry: Entry,
    /// The type of its closure.
    pub(crate) name: fn() -> &'static str,
    /// With what a vthread ends that could not be started: the body is in the task's room. Gives what `Body::fail` answers.
    pub(crate) fail: unsafe fn(&Task, Error) -> bool,
}

struct State {
    /// The vthread itself, in `park`.
    parked: WaitList,
    joining: WaitList,
}

// SAFETY: `locals` are the vthread's own (see `locals`), and forgotten by who drops the task; `about` is whoever's the task is who starts
// it; `room` asks its users for what is needed; all else is shared by itself.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

impl Task {
    /// Makes it in `place`, without a copy. With two references: the vthread's, and a handle's. `is_local`: its carrier alone will use
    /// it, as far as is known.
    ///
    /// # Safety
    /// There is room for a task.
    #[inline(always)]
    pub(super) unsafe fn init(
        place: *mut Self,
        name: Option<Box<str>>,
        scope: Option<Arc<ScopeState>>,
        is_local: bool,
    ) {
        let state = State { parked: WaitList::new(), joining: WaitList::new() };
        // SAFETY: the caller's promise; these are all fields but the room, which may be anything.
        unsafe {
            (&raw mut (*place).count).write(Count::of_two());
            (&raw mut (*place).id).write(next_id());
            (&raw mut (*place).scope).write(scope);
            (&raw mut (*place).word).write(Word::new());
            let lock = if is_local { Lock::of_this_carrier(state) } else { Lock::shared(state) };
            (&raw mut (*place).state).write(lock);
            (&raw mut (*place).rare).write(Rarely::new(name));
            (&raw mut (*place).about).write(Cell::new(None));
        }
    }

    /// The type of its closure.
    pub(crate) fn closure_name(&self) -> &'static str {
        self.about.get().map_or("a vthread", |about| (about.name)())
    }

    /// Bytes of its stack.
    #[inline(always)]
    pub(crate) fn size(&self) -> u32 {
        self.word.size()
    }

    /// Of a task that nobody else knows of yet. `size`: as the link step writes it.
    #[inline(always)]
    pub(crate) fn set_size(&self, size: u32) {
        self.word.set_size(size);
    }

    /// When nobody refers to it any more.
    #[inline(always)]
    pub(super) fn has_something_to_drop(&self) -> bool {
        self.scope.is_some() || self.rare.get().is_some()
    }

    fn lock(&self) -> Guard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.rare.get()?.name.as_deref()
    }

    /// # Safety
    /// Called by the vthread itself, which is on one OS thread all its life.
    pub(crate) unsafe fn locals(&self) -> &Locals {
        // By the caller's promise, they are not shared with another thread.
        &self.rare.get().unwrap_or_else(|| self.rare.make()).locals
    }

    /// What may run the user's code when it is dropped, out of a task whose last reference goes.
    pub(super) fn take_for_the_end(&mut self) -> Option<Arc<ScopeState>> {
        // SAFETY: ours, if there is any.
        if let Some(rare) = unsafe { self.rare.0.get_mut().as_mut() } {
            rare.locals.forget();
        }
        self.scope.take()
    }

    /// [`locals`](Self::locals), if it has some already.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn locals_if_any(&self) -> Option<&Locals> {
        self.rare.get().map(|rare| &rare.locals)
    }

    #[inline(always)]
    pub(crate) fn in_cancelled_scope(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.is_cancelled())
    }
}

/// Unique in the process. A thread takes many at a time.
#[inline(always)]
fn next_id() -> u64 {
    const MANY: u64 = 256;
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    thread_local!(static LAST: Cell<u64> = const { Cell::new(0) });
    LAST.with(|last| {
        let id = match last.get() {
            id if id.is_multiple_of(MANY) => TAKEN.fetch_add(MANY, Relaxed) + 1,
            id => id + 1,
        };
        last.set(id);
        id
    })
}
