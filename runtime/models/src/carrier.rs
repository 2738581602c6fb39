//! Carriers as the models have them: a vthread is a thread, of those of one carrier one runs at a time.

pub(crate) mod here;
#[path = "../../src/carrier/member.rs"]
mod member;
pub(crate) mod steal;

mod start {
    /// What is shared between carriers: here a number.
    pub(crate) struct Start(pub(crate) u32);
}

use crate::arch::Parked;
use crate::sched::remote::Remote;
use crate::sched::task::Task;
use crate::sched::timers::Timer;
use crate::sched::wait::Waiting;
use core::any::Any;
use core::cell::Cell;
pub(crate) use here::{AtEase, Me, me, me_at_ease};
use std::time::Instant;

/// What a vthread panicked with.
pub(crate) type Payload = Box<dyn Any + Send>;

shuttle::thread_local! {
    /// Of the carrier that the next waiter of this thread is to belong to, though the thread is none of its vthreads.
    static HOME: Cell<Option<&'static Remote>> = Cell::new(None);
}

/// Waiters that this thread makes are vthreads of that carrier from now on.
pub(crate) fn belong_to(home: Option<&'static Remote>) {
    HOME.with(|place| place.set(home));
}

pub(crate) fn prepare_to_park(_: bool) -> Option<&'static Remote> {
    me().map(Me::home).or_else(|| HOME.with(Cell::get))
}

pub(crate) fn is_home(home: &'static Remote) -> bool {
    me().is_some_and(|me| core::ptr::eq(me.home(), home))
}

pub(crate) fn make_ready(home: &'static Remote, parked: &Cell<Parked>) -> bool {
    let here = me().filter(|_| is_home(home));
    here.is_some_and(|me| {
        me.make_ready(parked.get());
        true
    })
}

/// A vthread of the models is always at ease.
pub(crate) fn can_hand_over() -> bool {
    false
}

/// # Safety
/// None: nobody can.
pub(crate) unsafe fn yield_to(_: Parked) {}

/// # Safety
/// The caller waits there, and somebody will claim it.
pub(crate) unsafe fn park_waiting(_: &Waiting, parked: *mut Parked, _: Option<Instant>, to: Option<Parked>) {
    let Some(me) = me() else { return };
    // SAFETY: the caller's promise.
    unsafe { me.park(parked, to) };
}

/// There is none: nothing of a vthread is looked at here.
pub(crate) struct Root(());

impl Root {
    #[expect(clippy::unused_self, reason = "as the runtime's")]
    pub(crate) fn task(&self) -> &Task {
        unreachable!("no vthread has a record")
    }
}

pub(crate) fn mounted() -> Option<&'static Root> {
    None
}

/// Who goes on: null, whoever is ready.
#[derive(Clone, Copy)]
pub(crate) enum Next {
    Nobody,
    Somebody(Parked),
}

impl Next {
    pub(crate) fn nobody() -> Self {
        Self::Nobody
    }

    pub(crate) fn is_nobody(self) -> bool {
        matches!(self, Self::Nobody)
    }
}

pub(crate) fn home() -> &'static Remote {
    me().expect("a vthread").home()
}

pub(crate) fn begin_wait(_: &Waiting, timer: Option<&Timer>, to: Option<Parked>) -> Next {
    assert!(timer.is_none(), "models have no time");
    Next::Somebody(to.unwrap_or(core::ptr::null_mut()))
}

pub(crate) fn end_wait(_: &'static Root, _: Option<&Timer>) {}
