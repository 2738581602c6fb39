//! Waits in one list, whoever waits and however.

use super::super::lock::{Guard, Raw, RawGuard};
#[cfg(vthread_native)]
use super::super::timers::Timer;
#[cfg(vthread_native)]
use super::InList;
use super::{Claimed, Link, Outcome, WaitList, Waiting, What};
use crate::call::hop;
#[cfg(vthread_native)]
use crate::carrier;
use core::mem::ManuallyDrop;
#[cfg(vthread_native)]
use core::mem::MaybeUninit;
#[cfg(vthread_native)]
use core::ptr::{null, null_mut};
use std::time::Instant;

/// The pointer to a list, as one that stays valid when the state is borrowed anew, under the lock, later.
///
/// # Safety
/// The caller holds the state's lock, and has no reference into it.
#[inline(always)]
pub(super) unsafe fn list_in<S>(state: *mut S, list: impl FnOnce(&mut S) -> &mut WaitList) -> *mut WaitList {
    // SAFETY: the caller's promise.
    let list: *mut WaitList = list(unsafe { &mut *state });
    state.cast::<u8>().wrapping_add(list.addr() - state.addr()).cast()
}

/// Waits in a list of the thing that `guard` locks, until somebody claims the waiter there, until then, or until
/// the vthread is cancelled. A vthread leaves for `next`.
///
/// # Panics
/// As [`Waiting::new`].
#[inline]
pub(crate) fn wait_in<S>(
    guard: Guard<'_, S>,
    list: impl FnOnce(&mut S) -> &mut WaitList,
    what: What,
    slot: *mut (),
    until: Option<Instant>,
    next: Option<Claimed>,
) -> Outcome {
    let (guard, state) = guard.into_raw();
    // SAFETY: the guard, which is all that leads to the state, holds its lock.
    let list = unsafe { list_in(state, list) };
    #[cfg(vthread_native)]
    if let Some(me) = carrier::me_at_ease() {
        return wait_in_at_ease(me, guard, list, what, slot, until, next);
    }
    // Elsewhere, so that what is rare makes nobody's stack larger; and nothing is to be dropped here.
    let wait = ManuallyDrop::new(Wait { guard, list, what, slot, until, next });
    hop(move || ManuallyDrop::into_inner(wait).wait_however())
}

/// What is in the frame of [`wait_in`], of a vthread at ease.
#[cfg(vthread_native)]
struct Waits<'a> {
    place: InList,
    timer: Option<Timer>,
    /// Until it is in the list.
    guard: Option<RawGuard<'a>>,
    lock: &'a Raw,
    list: *mut WaitList,
    /// Claimed, to go on.
    next: *const Waiting,
}

#[cfg(vthread_native)]
#[inline(always)]
fn wait_in_at_ease(
    me: carrier::AtEase,
    guard: RawGuard<'_>,
    list: *mut WaitList,
    what: What,
    slot: *mut (),
    until: Option<Instant>,
    next: Option<Claimed>,
) -> Outcome {
    let root = me.root();
    // A vthread's has nothing to drop, and the guard is dropped by `begin`.
    let mut frame = MaybeUninit::<Waits<'_>>::uninit();
    let at = frame.as_mut_ptr();
    // SAFETY: room for it; all fields are written.
    unsafe {
        (&raw mut (*at).place.waiting).write(Waiting::of_vthread(what, me.home(), true, true));
        (&raw mut (*at).place.link).write(Link::new(&(*at).place.waiting, slot));
        (&raw mut (*at).timer).write(until.map(Timer::new));
        (&raw mut (*at).lock).write(guard.lock());
        (&raw mut (*at).guard).write(Some(guard));
        (&raw mut (*at).list).write(list);
        (&raw mut (*at).next).write(next.map_or(null(), Claimed::into_waiting));
    }
    // SAFETY: it stays in this frame, which ends when the link was taken out: by whoever claimed it through the list, or by `end`.
    let next = hop(move || unsafe { Waits::begin(at) });
    if !next.is_nobody() {
        // SAFETY: at ease; whoever resumes from there has claimed it, which happens once.
        unsafe { me.leave_for(next, (*at).place.waiting.parked_place().as_ptr()) };
    }
    hop(move || {
        // SAFETY: as above; it is not used by others any more but by way of the list.
        let waits = unsafe { &*at };
        carrier::end_wait(root, waits.timer.as_ref());
        let outcome = waits.place.waiting.outcome();
        if matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
            // SAFETY: that is its list, and the lock's.
            unsafe { withdraw(waits.lock, waits.list, &waits.place.link) };
        }
        outcome
    })
}

#[cfg(vthread_native)]
impl Waits<'_> {
    /// # Safety
    /// `this` stays where it is until the link was taken out of the list. The vthread leaves for what this gives, if that is not nobody.
    #[inline(never)]
    unsafe fn begin(this: *mut Self) -> carrier::Next {
        // SAFETY: the caller's promise. The guard locks the list. Nothing from there on unwinds or lets others run.
        unsafe {
            (*(*this).list).push(&(*this).place.link);
            drop((*this).guard.take());
            let (next, timer) = ((*this).next.as_ref(), &(*this).timer);
            let next = next.and_then(|waiting| Claimed { waiting, slot: null_mut() }.into_local());
            carrier::begin_wait(&(*this).place.waiting, timer.as_ref(), next)
        }
    }
}

/// What [`wait_in`] was called with: the same code for whatever the lock guards.
struct Wait<'a> {
    guard: RawGuard<'a>,
    list: *mut WaitList,
    what: What,
    slot: *mut (),
    until: Option<Instant>,
    next: Option<Claimed>,
}

impl Wait<'_> {
    /// For ordinary threads, and for vthreads that panic or are off their chunks. Once.
    #[cold]
    fn wait_however(self) -> Outcome {
        let Self { guard, list, what, slot, until, next } = self;
        // Under the lock, because a look before it would be one for nothing as a rule. If this panics, the guard goes by the unwinding; if it has to
        // map a hop stack, others wait so long: seldom, as stacks are kept.
        let mut waiting = Waiting::new(what);
        waiting.is_in_one_list = waiting.home.is_some();
        let link = Link::new(&waiting, slot);
        let lock = guard.lock();
        // SAFETY: both stay in this frame, which ends when the link was taken out: by whoever claimed it through the list,
        // or below. Nothing in between unwinds. The guard locks the list.
        unsafe { (*list).push(&link) };
        drop(guard);
        let outcome = waiting.wait_into(until, next);
        if matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
            // SAFETY: that is its list, and the lock's.
            unsafe { withdraw(lock, list, &link) };
        }
        outcome
    }
}

/// Takes the link out of its list.
///
/// # Safety
/// It is in that list or in none; the list is one of what the lock guards.
#[cold]
#[inline(never)]
pub(super) unsafe fn withdraw(lock: &Raw, list: *mut WaitList, link: &Link) {
    hop(|| {
        let _guard = lock.lock();
        // SAFETY: the caller's promise, under the lock.
        unsafe { (*list).remove(link) };
    });
}
