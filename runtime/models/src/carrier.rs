//! Carriers without vthreads of their own: a thread of the model may wait as if it were parked on one.

#[path = "../../src/carrier/member.rs"]
mod member;
pub(crate) mod steal;

mod start {
    /// What is shared between carriers: here a number.
    pub(crate) struct Start(pub(crate) u32);
}

use crate::arch::Parked;
use crate::sched::remote::Remote;
use crate::sched::timers::Timer;
use crate::sched::wait::Waiting;
use core::cell::Cell;
use std::time::Instant;

shuttle::thread_local! {
    /// Of the carrier that the next waiter of this thread is to belong to.
    static HOME: Cell<Option<&'static Remote>> = Cell::new(None);
}

/// Waiters that this thread makes are vthreads of that carrier from now on.
pub(crate) fn belong_to(home: Option<&'static Remote>) {
    HOME.with(|place| place.set(home));
}

pub(crate) fn prepare_to_park(_: bool) -> Option<&'static Remote> {
    HOME.with(Cell::get)
}

/// Nobody claims on the carrier itself but by the model.
pub(crate) fn is_home(_: &'static Remote) -> bool {
    false
}

pub(crate) fn make_ready(_: &'static Remote, _: &Cell<Parked>) -> bool {
    false
}

pub(crate) fn can_hand_over() -> bool {
    false
}

/// # Safety
/// None: nobody can.
pub(crate) unsafe fn yield_to(_: Parked) {}

/// # Safety
/// None: nobody does.
pub(crate) unsafe fn park_waiting(_: &Waiting, _: *mut Parked, _: Option<Instant>, _: Option<Parked>) {}

/// There is none.
#[derive(Clone, Copy)]
pub(crate) enum AtEase {}

/// There is none.
pub(crate) struct Root(());

/// There is none.
#[derive(Clone, Copy)]
pub(crate) struct Next(());

impl Next {
    #[expect(clippy::unused_self, reason = "as the runtime's")]
    pub(crate) fn is_nobody(self) -> bool {
        unreachable!("nobody is at ease")
    }
}

pub(crate) fn home() -> &'static Remote {
    unreachable!("nobody is at ease")
}

pub(crate) fn begin_wait(_: &Waiting, _: Option<&Timer>, _: Option<Parked>) -> Next {
    unreachable!("nobody is at ease")
}

pub(crate) fn end_wait(_: &'static Root, _: Option<&Timer>) {
    unreachable!("nobody is at ease")
}

pub(crate) fn me_at_ease() -> Option<AtEase> {
    None
}

impl AtEase {
    pub(crate) fn home(self) -> &'static Remote {
        match self {}
    }

    pub(crate) fn root(self) -> &'static Root {
        match self {}
    }

    /// # Safety
    /// None: it cannot be called.
    pub(crate) unsafe fn leave_for(self, _: Next, _: *mut Parked) {
        match self {}
    }

    /// # Safety
    /// None: it cannot be called.
    pub(crate) unsafe fn park_uncancelled<const STARTS: bool>(
        self,
        _: &Waiting,
        _: *mut Parked,
        _: Option<Parked>,
    ) {
        match self {}
    }

    /// # Safety
    /// None: it cannot be called.
    pub(crate) unsafe fn yield_to(self, _: Parked) {
        match self {}
    }
}
