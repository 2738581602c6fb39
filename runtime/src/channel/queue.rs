//! The one queue behind all channels of single values.
//!
//! Under its lock: values that wait for receivers (at most `capacity`), those who wait to send, those who wait to receive.
//! There are never receivers waiting while there are values or senders waiting, but for those whose wait has just ended
//! otherwise. A value goes from frame to frame where it can: the slot of who waits is the place in its frame, and it stays put
//! between the claim and the wake ([`wait`](crate::sched::wait)).
//!
//! User code (drops) never runs under the lock.

use crate::call::hop;
use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{Claimed, Link, Outcome, WaitList, What, wait_in};
use core::cell::UnsafeCell;
use std::collections::VecDeque;
use std::time::Instant;

pub(super) struct Queue<T>(pub(super) Lock<State<T>>);

pub(super) struct State<T> {
    pub(super) values: VecDeque<T>,
    pub(super) capacity: usize,
    pub(super) senders: usize,
    pub(super) receivers: usize,
    pub(super) sending: WaitList,
    pub(super) receiving: WaitList,
}

/// Why not.
#[derive(Debug, Clone, Copy)]
pub(super) enum NotSent {
    Full,
    Closed,
}

/// Why not.
#[derive(Debug, Clone, Copy)]
pub(super) enum NotReceived {
    Empty,
    Closed,
}

/// Not at all, or until then, or for ever.
type MayWait = Option<Option<Instant>>;

/// The place in the frame of who waits.
pub(super) type Slot<T> = UnsafeCell<Option<T>>;

impl<T> State<T> {
    /// Gives the value to the first who waits for one.
    #[inline(always)]
    pub(super) fn give(&mut self, value: T) -> Result<Claimed, T> {
        let Some(receiver) = self.receiving.claim_first(Outcome::Notified) else { return Err(value) };
        // SAFETY: those who wait to receive have a `Slot<T>` there, which is ours until we wake them. It is empty.
        unsafe { receiver.slot().cast::<Option<T>>().write(Some(value)) };
        Ok(receiver)
    }

    /// Takes the value of the first who waits to send.
    #[inline(always)]
    fn take(&mut self) -> Option<(T, Claimed)> {
        let sender = self.sending.claim_first(Outcome::Notified)?;
        // SAFETY: those who wait to send have a `Slot<T>` there, which is ours until we wake them. It is full.
        let value = unsafe { (*sender.slot().cast::<Option<T>>()).take() };
        debug_assert!(value.is_some(), "a sender waits without a value");
        Some((value?, sender))
    }
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Lock::new(State {
            values: VecDeque::new(),
            capacity,
            senders: 1,
            receivers: 1,
            sending: WaitList::new(),
            receiving: WaitList::new(),
        }))
    }

    #[inline]
    pub(super) fn lock(&self) -> Guard<'_, State<T>> {
        self.0.lock()
    }

    #[inline(never)]
    pub(super) fn send(&self, value: T, may_wait: MayWait) -> Result<(), (T, NotSent)> {
        if may_wait.is_some() {
            checkpoint();
        }
        let mut state = self.lock();
        if state.receivers == 0 {
            return Err((value, NotSent::Closed));
        }
        match state.give(value) {
            Ok(receiver) => {
                drop(state);
                if may_wait.is_some() {
                    receiver.hand_over();
                } else {
                    receiver.wake();
                }
                Ok(())
            }
            Err(value) => self.send_without_receiver(state, value, may_wait),
        }
    }

    fn send_without_receiver(
        &self,
        mut state: Guard<'_, State<T>>,
        value: T,
        may_wait: MayWait,
    ) -> Result<(), (T, NotSent)> {
        if state.values.len() < state.capacity {
            // More room takes an allocation.
            hop(|| state.values.push_back(value));
            return Ok(());
        }
        let Some(until) = may_wait else { return Err((value, NotSent::Full)) };
        let slot: Slot<T> = UnsafeCell::new(Some(value));
        let what = What::of(&"waits to send to the channel", self);
        let outcome = wait_in(state, |s| &mut s.sending, what, slot.get().cast(), until, None);
        Self::sent(outcome, slot)
    }

    /// After a wait to send.
    #[inline(always)]
    pub(super) fn sent(outcome: Outcome, slot: Slot<T>) -> Result<(), (T, NotSent)> {
        if outcome == Outcome::Notified {
            // Whoever claimed us has taken it.
            core::mem::forget(slot);
            return Ok(());
        }
        match (outcome, slot.into_inner()) {
            (Outcome::Closed, Some(value)) => Err((value, NotSent::Closed)),
            (Outcome::TimedOut, Some(value)) => Err((value, NotSent::Full)),
            (outcome, _unsent) => {
                raise_if_cancelled(outcome);
                Ok(())
            }
        }
    }

    /// After a wait to receive.
    #[inline(always)]
    pub(super) fn received(outcome: Outcome, slot: Slot<T>) -> Result<T, NotReceived> {
        raise_if_cancelled(outcome);
        slot.into_inner().ok_or(if outcome == Outcome::TimedOut {
            NotReceived::Empty
        } else {
            NotReceived::Closed
        })
    }

    /// Sends, but lets the caller wake the receiver, if there is one to be woken.
    #[inline(never)]
    pub(super) fn send_later(&self, value: T) -> Result<Option<Claimed>, T> {
        checkpoint();
        let mut state = self.lock();
        if state.receivers == 0 {
            return Err(value);
        }
        match state.give(value) {
            Ok(receiver) => Ok(Some(receiver)),
            Err(value) => match self.send_without_receiver(state, value, Some(None)) {
                Ok(()) => Ok(None),
                Err((value, _)) => Err(value),
            },
        }
    }

    /// Wakes `next`, at the latest when it waits.
    #[inline(never)]
    pub(super) fn recv(&self, may_wait: MayWait, next: Option<Claimed>) -> Result<T, NotReceived> {
        if may_wait.is_some() {
            checkpoint();
        }
        let state = match Self::recv_now(self.lock()) {
            Ok(received) => return received,
            Err(state) => state,
        };
        let Some(until) = may_wait else { return Err(NotReceived::Empty) };
        let slot: Slot<T> = UnsafeCell::new(None);
        let what = What::of(&"waits to receive from the channel", self);
        let outcome = wait_in(state, |s| &mut s.receiving, what, slot.get().cast(), until, next);
        Self::received(outcome, slot)
    }

    /// What can be had without a wait, which `Err` would take.
    pub(super) fn recv_now(
        mut state: Guard<'_, State<T>>,
    ) -> Result<Result<T, NotReceived>, Guard<'_, State<T>>> {
        if let Some(value) = state.values.pop_front() {
            let sender = state.take().map(|(value, sender)| {
                state.values.push_back(value);
                sender
            });
            drop(state);
            drop(sender);
            return Ok(Ok(value));
        }
        if let Some((value, sender)) = state.take() {
            drop(state);
            sender.wake();
            return Ok(Ok(value));
        }
        if state.senders == 0 { Ok(Err(NotReceived::Closed)) } else { Err(state) }
    }

    /// Puts a link into the list of those who wait to receive, unless there is something to receive.
    ///
    /// # Safety
    /// As [`WaitList::push`]. Its slot is an empty [`Slot<T>`].
    pub(super) unsafe fn enlist_receiver(&self, link: &Link) -> bool {
        let mut state = self.lock();
        let wait = state.values.is_empty() && state.senders > 0 && !state.sending.has_other_than(link);
        if wait {
            // SAFETY: the caller's promise.
            unsafe { state.receiving.push(link) };
        }
        wait
    }

    /// Puts a link into the list of those who wait to send, unless it can be sent.
    ///
    /// # Safety
    /// As [`WaitList::push`]. Its slot is a full [`Slot<T>`].
    pub(super) unsafe fn enlist_sender(&self, link: &Link) -> bool {
        let mut state = self.lock();
        let is_full = state.values.len() >= state.capacity;
        let wait = is_full && state.receivers > 0 && !state.receiving.has_other_than(link);
        if wait {
            // SAFETY: the caller's promise.
            unsafe { state.sending.push(link) };
        }
        wait
    }

    /// # Safety
    /// As [`WaitList::remove`].
    pub(super) unsafe fn withdraw_receiver(&self, link: &Link) {
        // SAFETY: the caller's promise.
        unsafe { self.lock().receiving.remove(link) };
    }

    /// # Safety
    /// As [`WaitList::remove`].
    pub(super) unsafe fn withdraw_sender(&self, link: &Link) {
        // SAFETY: the caller's promise.
        unsafe { self.lock().sending.remove(link) };
    }

    /// More senders and receivers.
    pub(super) fn count(&self, senders: usize, receivers: usize) {
        let mut state = self.lock();
        state.senders += senders;
        state.receivers += receivers;
    }

    pub(super) fn drop_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        if state.senders == 0 {
            let waiting = state.receiving.claim_all(Outcome::Closed);
            drop(state);
            drop(waiting);
        }
    }

    pub(super) fn drop_receiver(&self) {
        let mut state = self.lock();
        state.receivers -= 1;
        if state.receivers == 0 {
            let waiting = state.sending.claim_all(Outcome::Closed);
            let values = core::mem::take(&mut state.values);
            drop(state);
            drop(waiting);
            drop(values);
        }
    }
}
