//! The one way to leave a vthread: it keeps the hop stacks' invariant and std's panic count.

use super::{Carrier, carrier, me_at_ease, not_on_a_vthread};
use crate::arch::{self, Parked};
use crate::call::hop;
use crate::error::Error;
use crate::hop_stack::Thin;
use crate::stacks::{Stacks, scoped};
use crate::{hop_stack, panic_count};
use core::cell::Cell;
use core::ptr::null_mut;

impl Carrier {
    /// Who goes on when the running vthread leaves.
    #[inline(always)]
    pub(super) fn next(&self) -> Parked {
        let budget = self.budget.get();
        if budget == 0 {
            return self.in_loop.get();
        }
        let Some(ready) = self.ready.pop() else { return self.in_loop.get() };
        self.budget.set(budget - 1);
        ready
    }

    /// The vthread that was chosen, or the loop when that has been put off for long.
    #[inline(always)]
    fn chosen(&self, to: Option<Parked>) -> Parked {
        let Some(to) = to else { return self.next() };
        let budget = self.budget.get();
        if budget == 0 {
            self.ahead.set(to);
            return self.in_loop.get();
        }
        self.budget.set(budget - 1);
        to
    }

    /// # Safety
    /// `save` gives a place that whoever resumes this vthread takes it from, once. `to` waits on this thread and is taken
    /// by nobody else; it is lost if this fails.
    #[inline(always)]
    unsafe fn switch_stacks(&self, to: Option<Parked>, save: impl FnOnce() -> *mut Parked) -> Thin<()> {
        let me = self.mounted.get();
        if hop_stack::on_installed() {
            // So no vthread's stack has to be large enough for what follows.
            crate::__plain_only!();
            let kept = hop_stack::detach()?;
            let to = self.chosen(to);
            // SAFETY: `chosen` gives stacks that wait on this thread, each once.
            unsafe { arch::switch(to, save()) };
            // The compiler makes one of both switches.
            crate::__plain_only!();
            kept.reattach();
        } else {
            check_stack()?;
            hop_stack::check_empty();
            let to = self.chosen(to);
            // SAFETY: as above.
            unsafe { arch::switch(to, save()) };
            hop_stack::check_empty();
        }
        self.mounted.set(me);
        Ok(())
    }

    /// The same, while this vthread panics, or has the stacks of its scope: at every switch std's count is none, and who panics keeps
    /// its own; in the loop the thread's own stacks are installed.
    ///
    /// # Safety
    /// As above.
    #[cold]
    #[inline(never)]
    unsafe fn switch_with_more(&self, to: Option<Parked>, save: impl FnOnce() -> *mut Parked) -> Thin<()> {
        let panicking = std::thread::panicking();
        if panicking {
            assert_panic_count();
            // Whatever fails must find the count as it was.
            if hop_stack::on_installed() {
                crate::__plain_only!();
                hop_stack::prepare()?;
            }
        }
        let lists = scoped::mounted();
        let count = panicking.then(panic_count::put_aside);
        // SAFETY: the caller's promise.
        let done = unsafe { self.switch_stacks(to, save) };
        if let Some(count) = count {
            panic_count::put_back(count);
        }
        if !lists.is_null() {
            // SAFETY: it had them when it left.
            unsafe { scoped::mount(lists) };
            self.leaves_to_the_loop();
        }
        done
    }

    /// Whoever leaves next goes to the loop.
    pub(super) fn leaves_to_the_loop(&self) {
        self.put_aside.set(self.put_aside.get() + self.budget.replace(0));
    }
}

/// The one way to leave a vthread that will go on.
///
/// # Safety
/// As for [`Carrier::switch_stacks`].
#[inline(always)]
pub(super) unsafe fn leave(to: Option<Parked>, save: impl FnOnce(&Carrier) -> *mut Parked) -> Thin<()> {
    let Some(carrier) = carrier().filter(|c| !c.mounted.get().is_null()) else { not_on_a_vthread() };
    check_initialisers()?;
    // Who has the stacks of its scope has no budget.
    if std::thread::panicking() || carrier.budget.get() == 0 && scoped::is_mounted() {
        // SAFETY: the caller's promise.
        return unsafe { carrier.switch_with_more(to, || save(carrier)) };
    }
    // SAFETY: as above.
    unsafe { carrier.switch_stacks(to, || save(carrier)) }
}

/// Nobody leaves while std initialises a thread-local. Who does so is never on a chunk, so who is at ease need not ask.
#[inline(always)]
pub(super) fn check_initialisers() -> Thin<()> {
    if arch::pins() == 0 { Ok(()) } else { initialising() }
}

#[cold]
#[inline(never)]
fn initialising() -> Thin<()> {
    hop(|| Err(Box::new(Error::Initialising)))
}

/// Nobody leaves a stack that is not the vthread's: from there it cannot be seen whether the hop stack is empty. For who is not on the installed
/// hop stack.
#[inline(always)]
#[allow(clippy::unnecessary_wraps, reason = "what stands behind the jump is not seen")]
pub(super) fn check_stack() -> Thin<()> {
    crate::__by_stack!(is_unproved(), Ok(()))
}

#[cold]
#[inline(never)]
fn is_unproved() -> Thin<()> {
    match Stacks::with(|stacks| stacks.is_unproved_at(arch::rsp())) {
        Some(true) => Ok(()),
        _ => Err(Box::new(Error::ForeignStack)),
    }
}

pub(super) fn assert_panic_count() {
    assert!(
        panic_count::is_known(),
        "vthread: cannot park while panicking, because std's count of panics was not found in this executable"
    );
}

#[cold]
#[inline(never)]
pub(super) fn cannot_park(error: &Error) -> ! {
    panic!("vthread: cannot park here: {error}")
}

/// Lets every vthread that is ready go first.
///
/// # Panics
/// Outside of a vthread, and off its chunks when no hop stack is left.
#[inline(always)]
pub fn yield_now() {
    match me_at_ease() {
        Some(me) => me.yield_now(),
        None => hop(yield_however),
    }
}

/// The same, for vthreads that panic or are off their chunks.
#[cold]
#[inline(never)]
pub(crate) fn yield_however() {
    // SAFETY: the place is the ring's last, from which this vthread is taken once.
    let done = unsafe { leave(None, |carrier| carrier.ready.push_place()) };
    if let Err(error) = done {
        cannot_park(&error);
    }
}

/// A place for one vthread to wait at.
#[derive(Debug, Default)]
pub struct Waiter {
    parked: Cell<Parked>,
    session: Cell<u64>,
}

impl Waiter {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { parked: Cell::new(null_mut()), session: Cell::new(0) }
    }

    /// Does a vthread wait?
    pub fn is_waiting(&self) -> bool {
        !self.parked.get().is_null()
    }

    /// Parks the running vthread until [`wake`](Self::wake).
    ///
    /// # Panics
    /// Outside of a vthread, when another one waits here, and off its chunks when no hop stack is left.
    #[inline(always)]
    pub fn park(&self) {
        assert!(!self.is_waiting(), "vthread: two vthreads wait at one place");
        // SAFETY: `wake` takes it from this place, once.
        let done = unsafe {
            leave(None, |carrier| {
                self.session.set(carrier.session);
                self.parked.as_ptr()
            })
        };
        if let Err(error) = done {
            cannot_park(&error);
        }
    }

    /// Makes the vthread that waits here ready. `false`: none does, or it belongs to a runtime that has ended.
    #[inline(always)]
    pub fn wake(&self) -> bool {
        let Some(carrier) = carrier() else { return false };
        if !self.is_waiting() || self.session.get() != carrier.session {
            return false;
        }
        carrier.ready.push(self.parked.replace(null_mut()));
        true
    }
}
