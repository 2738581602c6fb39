//! Waiting on a carrier (see [`sched::wait`](crate::sched::wait)): parks, direct switches, and cancellations.

use super::switch::{assert_panic_count, cannot_park, check_initialisers, check_stack, leave};
use super::{Carrier, Root, carrier, mounted, not_on_a_vthread};
use crate::arch::Parked;
use crate::call::hop;
use crate::error::Error;
use crate::fatal::{fatal, say};
use crate::sched::deadlock::Report;
use crate::sched::remote::Remote;
use crate::sched::task::{self, Task};
use crate::sched::timers::Timer;
use crate::sched::wait::{Outcome, Waiting, What};
use crate::{hop_stack, io, panic_count};
use core::cell::Cell;
use core::hash::{Hash as _, Hasher as _};
use std::hash::DefaultHasher;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Makes sure that the next park of this vthread succeeds, `whatever` the cap on hop stacks. Gives its carrier's remote;
/// `None`: this is no vthread. What it asks, [`can_park`] asks too.
///
/// # Panics
/// When it cannot.
#[inline(always)]
pub(crate) fn prepare_to_park(whatever: bool) -> Option<&'static Remote> {
    let carrier = carrier().filter(|c| !c.mounted.get().is_null())?;
    if let Err(error) = check_initialisers() {
        cannot_park(&error);
    }
    if std::thread::panicking() {
        assert_panic_count();
    }
    if hop_stack::on_installed() {
        crate::__plain_only!();
        let prepared = if whatever { hop_stack::prepare_beyond_cap() } else { hop_stack::prepare() };
        if let Err(error) = prepared {
            cannot_park(&error);
        }
    } else if let Err(error) = check_stack() {
        cannot_park(&error);
    }
    Some(carrier.remote)
}

/// Could the running vthread park, as far as that depends on where it is? What [`prepare_to_park`] asks, without doing anything about it.
pub(crate) fn can_park() -> bool {
    check_initialisers().is_ok()
        && (!std::thread::panicking() || panic_count::is_known())
        && (hop_stack::on_installed() || check_stack().is_ok())
}

/// Parks the running vthread until whoever claimed `waiting` makes it ready, or until then. Goes on with `to`, if there is one.
///
/// # Safety
/// `waiting` was made by the running vthread, and `parked` is its.
#[inline(always)]
pub(crate) unsafe fn park_waiting(
    waiting: &Waiting,
    parked: *mut Parked,
    until: Option<Instant>,
    to: Option<Parked>,
) {
    let (Some(carrier), Some(root)) = (carrier(), mounted()) else { not_on_a_vthread() };
    let timer = until.map(Timer::new);
    if let Some(timer) = &timer {
        // SAFETY: it stays in this frame, and is removed below.
        hop(|| unsafe { carrier.timers.insert(timer, waiting) });
    }
    root.waiting.set(waiting);
    if root.raises() && waiting.cancellable && task::RAISES && waiting.claim(Outcome::Cancelled) {
        // Nobody else will make it ready.
        if let Some(to) = to {
            carrier.ready.push(to);
        }
    } else {
        // SAFETY: resumed once, by the one who claimed it. `to` was claimed by the caller.
        if let Err(error) = unsafe { leave(to, |_| parked) } {
            wait_failed(error);
        }
    }
    root.waiting.set(core::ptr::null());
    if let Some(timer) = &timer {
        // SAFETY: set there.
        hop(|| unsafe { carrier.timers.remove(timer) });
    }
}

#[cold]
#[inline(never)]
fn wait_failed(error: Box<Error>) -> ! {
    // Elsewhere: what printing takes is not the stack's of whoever waits.
    hop(move || fatal(format_args!("a wait that was prepared for failed: {error}")))
}

/// Is that this thread's carrier?
#[inline(always)]
pub(crate) fn is_home(home: &'static Remote) -> bool {
    carrier().is_some_and(|c| core::ptr::eq(c.remote, home))
}

/// Makes a claimed vthread ready, if this is its carrier.
#[inline(always)]
pub(crate) fn make_ready(home: &'static Remote, parked: &Cell<Parked>) -> bool {
    match carrier() {
        Some(carrier) if core::ptr::eq(carrier.remote, home) => {
            carrier.ready.push(parked.get());
            true
        }
        _ => false,
    }
}

/// Can the caller switch straight to another vthread? Off its chunks that takes a hop stack.
#[inline(always)]
pub(crate) fn can_hand_over() -> bool {
    mounted().is_some()
        && check_initialisers().is_ok()
        && !std::thread::panicking()
        && if hop_stack::on_installed() {
            crate::__plain_only!();
            hop_stack::prepare().is_ok()
        } else {
            check_stack().is_ok()
        }
}

/// Goes on with `to`, and with the caller later.
///
/// # Safety
/// `to` waits on this thread, and nobody else resumes it. [`can_hand_over`].
#[inline(always)]
pub(crate) unsafe fn yield_to(to: Parked) {
    let mut to = Some(to);
    if let Some(carrier) = carrier()
        && carrier.budget.get() == 0
        && let Some(to) = to.take()
    {
        // The loop comes first; this one not before `to`.
        carrier.ready.push(to);
    }
    // SAFETY: the place is the ring's last, from which this vthread is taken once.
    if let Err(error) = unsafe { leave(to, |carrier| carrier.ready.push_place()) } {
        cannot_park(&error);
    }
}

/// A scope was cancelled: whoever belongs to it must hear of it.
pub(crate) fn cancel_everywhere() {
    hop(|| {
        if let Some(carrier) = carrier() {
            carrier.cancel_waits(|task| carrier.is_cancelled(task));
        }
        for remote in REMOTES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if !is_home(remote) {
                remote.request_cancellations();
            }
        }
    });
}

/// Of all carriers.
pub(super) static REMOTES: Mutex<Vec<&'static Remote>> = Mutex::new(Vec::new());

impl Carrier {
    fn roots(&self) -> impl Iterator<Item = &Root> {
        let mut next = self.roots.get();
        core::iter::from_fn(move || {
            // SAFETY: records of vthreads that live; nobody ends while our caller looks.
            let root = unsafe { next.as_ref()? };
            next = root.next.get();
            Some(root)
        })
    }

    /// Cancels those vthreads, and ends their waits. How many?
    pub(super) fn cancel_waits(&self, which: impl Fn(&Task) -> bool) -> usize {
        let mut ended = 0;
        for root in self.roots().filter(|root| which(root.task())) {
            root.cancel();
            // SAFETY: it is in the frame of a wait that has not ended: who goes on takes it out first.
            let waiting = unsafe { root.waiting.get().as_ref() };
            if let Some(operation) = waiting.filter(|waiting| waiting.is_operation) {
                if (root.raises() || !task::RAISES) && operation.take_hurry() {
                    ended += usize::from(io::cancel(operation));
                }
            } else if let Some(waiting) = waiting
                && task::RAISES
                && waiting.cancellable
                && root.raises()
                && waiting.claim(Outcome::Cancelled)
            {
                self.ready.push(waiting.parked());
                ended += 1;
            }
        }
        ended
    }

    /// A line for each vthread: who it is, and what it waits for.
    pub(super) fn who_waits(&self) -> String {
        self.who_does_what(What::new(&"waits"))
    }

    /// `other`: what those do that are in no wait.
    fn who_does_what(&self, other: What) -> String {
        let mut report = Report::new();
        for root in self.roots() {
            // SAFETY: as above.
            let waiting = unsafe { root.waiting.get().as_ref() };
            report.add(root.task(), waiting.map_or(other, Waiting::what));
        }
        report.finish()
    }

    /// A number that is the same as long as nobody starts, ends, or goes on after a wait, whoever yields meanwhile.
    #[cold]
    pub(super) fn sample(&self) -> u64 {
        /// Of those that have waited for the longest nobody is looked at.
        const MOST: usize = 10_000;
        let mut sample = DefaultHasher::new();
        (self.numbers.started.get(), self.live.get(), io::numbers().total).hash(&mut sample);
        for root in self.roots().take(MOST) {
            // SAFETY: as above.
            let waiting = unsafe { root.waiting.get().as_ref() };
            let goes_on = waiting.is_some_and(Waiting::is_claimed);
            let turns = if goes_on { self.numbers.switches.get() } else { 0 };
            (root.task().id, waiting.is_some(), turns).hash(&mut sample);
        }
        sample.finish()
    }

    /// Says on standard error what this carrier has to do, and who waits for what.
    #[cold]
    pub(super) fn tell_who_waits(&self, index: usize) {
        say(format_args!(
            "carrier {index}: {} vthreads have started and not ended, {} ready to run, {} for a time; {}{}",
            self.live.get(),
            if self.ready.is_empty() { "none" } else { "some" },
            if self.timers.is_empty() { "none waits" } else { "some wait" },
            io::describe(),
            self.who_does_what(What::new(&"does not wait"))
        ));
    }

    /// Everything waits. Cancels it all, and keeps in mind why.
    pub(super) fn break_deadlock(&self) {
        let report = self.who_waits();
        if self.cancel_waits(|_| true) == 0 {
            fatal(format_args!("deadlock, and no wait of these can be ended:{report}"));
        }
        self.deadlock.borrow_mut().get_or_insert(report);
    }
}
