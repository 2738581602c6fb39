//! The vthread that runs, asked for once in every operation; and how it leaves its stack in the common case.
//!
//! A vthread is *at ease* when it is on its chunks and nothing panics: then to leave is a bare switch. All else (hop stacks to be kept,
//! std's count of panics to be put aside) is [`switch`](super::switch)'s, and is done on a hop stack, so that the space for it is no
//! vthread's.

use super::{Carrier, HAS_STACKS, Root, carrier};
use crate::arch::{self, Parked};
use crate::hop_stack;
use crate::sched::remote::Remote;
use crate::sched::task;
use crate::sched::timers::Timer;
use crate::sched::wait::{Outcome, Waiting};
use crate::stacks::scoped;
use core::ptr::{null, null_mut};

/// The vthread that runs: its carrier, on which something is mounted.
#[derive(Clone, Copy)]
pub(crate) struct Me {
    carrier: &'static Carrier,
}

/// `None`: this is no vthread.
#[inline(always)]
pub(crate) fn me() -> Option<Me> {
    carrier().filter(|carrier| !carrier.mounted.get().is_null()).map(|carrier| Me { carrier })
}

/// The vthread that runs, which is at ease: it can be left without more ado.
#[derive(Clone, Copy)]
pub(crate) struct AtEase(Me);

/// `None`: this is no vthread, or one that is not at ease.
#[inline(always)]
pub(crate) fn me_at_ease() -> Option<AtEase> {
    me()?.at_ease()
}

impl Me {
    #[inline(always)]
    fn root(self) -> &'static Root {
        // SAFETY: `me` has seen that something is mounted: the vthread that calls, whose record lives as long as it does.
        unsafe { &*self.carrier.mounted.get() }
    }

    #[inline(always)]
    pub(crate) fn at_ease(self) -> Option<AtEase> {
        (arch::on_chunk_now() && !std::thread::panicking()).then_some(AtEase(self))
    }

    #[inline(always)]
    pub(crate) fn make_ready(self, parked: Parked) {
        self.carrier.ready.push(parked);
    }

    #[inline(always)]
    pub(crate) fn home(self) -> &'static Remote {
        self.carrier.remote
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(self) -> bool {
        self.root().is_cancelled()
    }

    pub(crate) fn raises(self) -> bool {
        self.root().raises()
    }

    /// Was somebody cancelled, perhaps this vthread, of which the carrier has not told yet?
    #[inline(always)]
    pub(crate) fn has_news(self) -> bool {
        self.carrier.remote.has_cancellations()
    }

    /// Is it the one that this task is of?
    #[inline(always)]
    pub(crate) fn is_of(self, task: &task::Task) -> bool {
        core::ptr::eq(self.root().task(), task)
    }
}

/// Who goes on: a stack that waits, or a vthread that starts.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Next {
    /// Of one that starts: its record. Null: nobody, because there is no need to wait.
    to: Parked,
    /// Of one that starts: where its stack goes back to; otherwise null.
    list: *mut u8,
}

impl Next {
    #[inline(always)]
    pub(crate) const fn nobody() -> Self {
        Self { to: null_mut(), list: null_mut() }
    }

    #[inline(always)]
    pub(crate) fn is_nobody(self) -> bool {
        self.to.is_null()
    }
}

/// The carrier of the vthread that calls.
pub(crate) fn home() -> &'static Remote {
    let Some(me) = me() else { super::not_on_a_vthread() };
    me.home()
}

/// The running vthread is about to wait, until `timer` at most. Gives who goes on: `to`, if there is one. Nobody, if the vthread is cancelled: then
/// it has claimed the wait itself. Nothing here unwinds or lets others run before it leaves.
pub(crate) fn begin_wait(waiting: &Waiting, timer: Option<&Timer>, to: Option<Parked>) -> Next {
    let Some(me) = me() else { super::not_on_a_vthread() };
    let (root, carrier) = (me.root(), me.carrier);
    root.waiting.set(waiting);
    if root.raises() && task::RAISES && waiting.claim(Outcome::Cancelled) {
        // Nobody else will make it ready.
        if let Some(to) = to {
            carrier.ready.push(to);
        }
        return Next::nobody();
    }
    if let Some(timer) = timer {
        // SAFETY: it is in the frame of the wait, which `end_wait` ends.
        unsafe { carrier.timers.insert(timer, waiting) };
    }
    if to.is_none()
        && let Some(start) = carrier.start_for_want_of_others()
    {
        return Next { to: start.top, list: start.argument };
    }
    let budget = carrier.budget.get();
    let to = if budget == 0 {
        carrier.leaves_without_budget(to)
    } else if let Some(to) = to.or_else(|| carrier.ready.pop()) {
        carrier.budget.set(budget - 1);
        to
    } else {
        carrier.in_loop.get()
    };
    Next { to, list: null_mut() }
}

/// The wait of this vthread is over, whether it has left for it or not.
pub(crate) fn end_wait(root: &'static Root, timer: Option<&Timer>) {
    let Some(carrier) = carrier() else { super::not_on_a_vthread() };
    carrier.mounted.set(root);
    root.waiting.set(null());
    if root.has(HAS_STACKS) {
        carrier.installs_again(root);
    }
    if let Some(timer) = timer {
        // SAFETY: set by `begin_wait` or not at all.
        unsafe { carrier.timers.remove(timer) };
    }
}

impl AtEase {
    #[inline(always)]
    pub(crate) fn home(self) -> &'static Remote {
        self.0.home()
    }

    #[inline(always)]
    pub(crate) fn root(self) -> &'static Root {
        self.0.root()
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(self) -> bool {
        self.0.is_cancelled()
    }

    #[inline(always)]
    pub(crate) fn has_news(self) -> bool {
        self.0.has_news()
    }

    /// # Safety
    /// `to` waits on this thread and is taken by nobody else; whoever resumes this vthread takes it from `save`, once.
    #[inline(always)]
    unsafe fn switch(self, to: Parked, save: *mut Parked) {
        let root = self.0.root();
        hop_stack::check_empty();
        // SAFETY: the caller's promise.
        unsafe { arch::switch(to, save) };
        hop_stack::check_empty();
        self.0.carrier.mounted.set(root);
        if root.has(HAS_STACKS) {
            self.0.carrier.installs_again(root);
        }
    }

    /// Goes on with `to`, or else with what is ready. Without budget, with the loop.
    ///
    /// # Safety
    /// As [`switch`](Self::switch).
    #[inline(always)]
    unsafe fn leave(self, to: Option<Parked>, save: *mut Parked) {
        let Me { carrier } = self.0;
        let budget = carrier.budget.get();
        let to = if budget == 0 {
            carrier.leaves_without_budget(to)
        } else if let Some(to) = to.or_else(|| carrier.ready.pop()) {
            carrier.budget.set(budget - 1);
            to
        } else {
            carrier.in_loop.get()
        };
        // SAFETY: these are stacks that wait on this thread, each taken once; the caller's promise.
        unsafe { self.switch(to, save) };
    }

    /// The same, but with what has not started if nothing is ready: that needs no detour by the loop.
    ///
    /// # Safety
    /// As [`switch`](Self::switch).
    #[inline(always)]
    unsafe fn leave_or_start(self, to: Option<Parked>, save: *mut Parked) {
        let Me { carrier } = self.0;
        let root = self.0.root();
        if to.is_none()
            && let Some(start) = carrier.start_for_want_of_others()
        {
            hop_stack::check_empty();
            // SAFETY: it is new, and entered once; the caller's promise.
            unsafe { arch::enter(start.top, save, start.entry, start.argument) };
            hop_stack::check_empty();
            carrier.mounted.set(root);
            return;
        }
        // SAFETY: the caller's promise.
        unsafe { self.leave(to, save) };
    }

    /// Leaves for what [`begin_wait`] gave.
    ///
    /// # Safety
    /// As [`switch`](Self::switch). [`end_wait`] is called next.
    #[expect(clippy::unused_self, reason = "only who is at ease may leave so")]
    #[inline(always)]
    pub(crate) unsafe fn leave_for(self, next: Next, save: *mut Parked) {
        hop_stack::check_empty();
        // SAFETY: what it gives is a stack that waits on this thread, or a new one that is mounted; each once. The caller's promise.
        unsafe {
            if next.list.is_null() {
                arch::switch(next.to, save);
            } else {
                let entry = (*next.to.cast::<Root>()).entry();
                arch::enter(next.to, save, entry, next.list);
            }
        }
        hop_stack::check_empty();
    }

    /// Parks until whoever claimed `waiting` makes it ready. Goes on with `to`, if there is one. For a vthread that is known not to be
    /// cancelled.
    ///
    /// # Safety
    /// `waiting` was made by this vthread, and `parked` is its. `to` was claimed by the caller.
    #[inline(always)]
    pub(crate) unsafe fn park_uncancelled<const STARTS: bool>(
        self,
        waiting: &Waiting,
        parked: *mut Parked,
        to: Option<Parked>,
    ) {
        debug_assert!(!self.0.is_cancelled());
        let root = self.0.root();
        root.waiting.set(waiting);
        // SAFETY: as above.
        unsafe {
            if STARTS {
                self.leave_or_start(to, parked);
            } else {
                self.leave(to, parked);
            }
        }
        root.waiting.set(null());
    }

    /// Goes on with `to`, and with this one later.
    ///
    /// # Safety
    /// `to` waits on this thread, and nobody else resumes it.
    #[inline(always)]
    pub(crate) unsafe fn yield_to(self, to: Parked) {
        let Me { carrier } = self.0;
        let budget = carrier.budget.get();
        let to = if budget == 0 {
            // Before this one.
            carrier.ready.push(to);
            carrier.leaves_without_budget(None)
        } else {
            carrier.budget.set(budget - 1);
            to
        };
        // SAFETY: the place is the ring's, from which this vthread is taken once.
        unsafe { self.switch(to, carrier.ready.push_place()) };
    }

    /// Lets all that are ready go first.
    #[inline(always)]
    pub(crate) fn yield_now(self) {
        let Me { carrier } = self.0;
        let budget = carrier.budget.get();
        let (to, place) = if budget > 0
            && let Some(both) = carrier.ready.exchange()
        {
            carrier.budget.set(budget - 1);
            both
        } else {
            (carrier.leaves_without_budget(None), carrier.ready.push_place())
        };
        // SAFETY: the place is the ring's, from which this vthread is taken once.
        unsafe { self.switch(to, place) };
    }
}

impl Carrier {
    /// Who runs goes on with the loop, after which `to` comes. Gives the loop. The stacks of a scope are kept in mind: the loop has the
    /// thread's own.
    #[cold]
    #[inline(never)]
    fn leaves_without_budget(&self, to: Option<Parked>) -> Parked {
        if let Some(to) = to {
            self.ahead.set(to);
        }
        let lists = scoped::mounted();
        // SAFETY: `me` has seen that something is mounted.
        let root = unsafe { &*self.mounted.get() };
        if !lists.is_null() && !root.has(HAS_STACKS) {
            root.set_flag(HAS_STACKS);
            // SAFETY: the vthread runs: its body was taken from there, and its result is not there yet.
            unsafe { root.task().room.put(lists) };
        }
        self.in_loop.get()
    }

    /// Back from the loop.
    #[cold]
    #[inline(never)]
    fn installs_again(&self, root: &Root) {
        root.clear_flag(HAS_STACKS);
        // SAFETY: put there when it left with them.
        unsafe { scoped::mount(root.task().room.take()) };
        self.leaves_to_the_loop();
    }
}
