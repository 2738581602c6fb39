//! Stacks from the allocator of one scope, on one thread.
//!
//! ```text
//! the thread's own Stacks <---home--- Scoped of one scope
//!   scoped: [ ... ] ----------------> Scoped of another
//! ```
//!
//! A vthread of such a scope runs with its scope's lists installed, so that calls onto chunks are what they are elsewhere.
//! The thread's own are installed in the loop. Whoever leaves such a vthread goes to the loop, never straight to another
//! vthread: see `carrier::switch`. So a switch of all other vthreads costs nothing for it.

use super::{Slow, Stacks, set_this_thread, this_thread};
use crate::arch;
use crate::config::{MakeAllocator, StackConfig};
use crate::error::{Error, Result};
use crate::fatal::dispose;
use core::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// One scope's on one thread. Its address is that of its lists.
#[repr(C)]
pub(super) struct Scoped {
    stacks: Stacks,
    /// Vthreads that have started with it and not ended.
    live: Cell<usize>,
    /// Says which scope: the address is its own as long as this lives.
    of: Weak<MakeAllocator>,
}

impl Scoped {
    /// Will nobody start a vthread with it any more, and has everyone left its stacks?
    fn is_over(&self) -> bool {
        self.live.get() == 0 && self.of.strong_count() == 0
    }
}

/// This thread's lists, if they are a scope's.
fn installed() -> Option<&'static Scoped> {
    let stacks = this_thread();
    // SAFETY: called on carriers. Only the lists of `Scoped`s have a home, and they stay while a vthread has them.
    unsafe { Stacks::is_scopes(stacks).then(|| &*stacks.cast::<Scoped>()) }
}

/// Is a vthread of such a scope mounted?
#[inline(always)]
pub(crate) fn is_mounted() -> bool {
    // SAFETY: called on carriers.
    unsafe { Stacks::is_scopes(this_thread()) }
}

/// In the loop: installs the stacks of a scope for a vthread that starts.
///
/// # Errors
/// When the allocator could not be made.
#[cold]
pub(crate) fn mount_new(make: &Arc<MakeAllocator>) -> Result<()> {
    let scoped = Stacks::with(|home| home.of_scope(make)).ok_or(Error::NotACarrier)??;
    // SAFETY: boxed, and kept while `live`; the loop uses no chunk.
    unsafe {
        (*scoped).live.set((*scoped).live.get() + 1);
        set_this_thread(scoped.cast());
    }
    Ok(())
}

/// The mounted vthread has ended, or could not start.
#[inline(always)]
pub(crate) fn ended() {
    if let Some(scoped) = installed() {
        scoped.live.set(scoped.live.get() - 1);
    }
}

/// In the loop, to which a vthread has just left: installs the thread's own.
#[inline(always)]
pub(crate) fn unmount() {
    let stacks = this_thread();
    // SAFETY: called on carriers. The thread's own live as long as those that call them their home, and the loop uses no chunk.
    unsafe {
        if Stacks::is_scopes(stacks) {
            set_this_thread((*stacks).home);
        }
    }
}

/// The lists of a vthread that leaves; null where they are the thread's own.
pub(crate) fn mounted() -> *const u8 {
    if is_mounted() { arch::lists() } else { core::ptr::null() }
}

/// The vthread goes on.
///
/// # Safety
/// `lists` are what [`mounted`] gave it before it left, and not null.
pub(crate) unsafe fn mount(lists: *const u8) {
    // SAFETY: they are kept while the vthread lives; the chunks that are in use on this thread now are its own.
    unsafe { set_this_thread(lists.cast()) };
}

impl Stacks {
    /// Are these a scope's?
    ///
    /// # Safety
    /// They are a carrier's: the lists of a whole [`Stacks`].
    #[inline(always)]
    unsafe fn is_scopes(this: *const Self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { !(*this).home.is_null() }
    }

    /// The thread's own, whoever is mounted.
    pub(super) fn home(&self) -> &Self {
        // SAFETY: it lives as long as those that call it their home.
        unsafe { self.home.as_ref() }.unwrap_or(self)
    }

    /// Adds up what all of this thread's say.
    pub(super) fn over_all(&self, mut see: impl FnMut(&Self)) {
        let home = self.home();
        see(home);
        home.scoped.borrow().iter().for_each(|scoped| see(&scoped.stacks));
    }

    /// A scope's on this thread, which is made if there is none.
    fn of_scope(&self, make: &Arc<MakeAllocator>) -> Result<*const Scoped> {
        self.forget_scopes();
        let is_known = |scoped: &Scoped| core::ptr::eq(scoped.of.as_ptr(), Arc::as_ptr(make));
        if let Some(scoped) = self.scoped.borrow().iter().find(|scoped| is_known(scoped)) {
            return Ok(&raw const **scoped);
        }
        let config = StackConfig { allocator: Some((**make).clone()), ..self.slow.borrow().config().clone() };
        // The program's code: nothing of ours is borrowed while it runs, and the loop must not end by its panic.
        let slow = catch_unwind(AssertUnwindSafe(|| Slow::new(config))).map_err(|payload| {
            dispose(payload);
            Error::NoAllocator
        })?;
        let mut place = Box::<Scoped>::new_zeroed();
        let at = place.as_mut_ptr();
        // SAFETY: zeroed, and whole afterwards.
        let scoped = unsafe {
            Self::init(&raw mut (*at).stacks, self, slow);
            (&raw mut (*at).live).write(Cell::new(0));
            (&raw mut (*at).of).write(Arc::downgrade(make));
            place.assume_init()
        };
        let at = &raw const *scoped;
        self.scoped.borrow_mut().push(scoped);
        Ok(at)
    }

    /// Gives the memory of scopes back that have ended.
    pub(super) fn forget_scopes(&self) {
        let is_over = |scoped: &mut Box<Scoped>| scoped.is_over();
        let over: Vec<_> = self.scoped.borrow_mut().extract_if(.., is_over).collect();
        for scoped in over {
            scoped.stacks.trim_own(true);
            self.slow.borrow_mut().remember(&scoped.stacks.slow.borrow());
            // The user's allocator, and what it has captured: nothing is borrowed while it goes, and the loop must not unwind.
            dispose(scoped);
        }
    }

    /// See [`idle`](super::idle): for scopes.
    pub(super) fn idle_scopes(&self, now: Instant) -> Option<Instant> {
        self.forget_scopes();
        self.scoped.borrow().iter().filter_map(|scoped| scoped.stacks.idle_own(now)).min()
    }
}
