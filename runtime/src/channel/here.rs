//! Channels whose vthreads are all on one carrier, in the common case: nobody is cancelled, panics, or has a time limit.
//!
//! The carrier owns the channel's [lock](crate::sched::lock), so that nothing here is atomic, and a value takes one switch. Whatever is not
//! that simple is left undone, for the [queue](super::queue).

use super::queue::{NotReceived, NotSent, Queue, Slot};
use crate::carrier;
use crate::sched::wait::{Claimed, What, wait_in_owned};
use core::cell::UnsafeCell;

/// What became of a call.
pub(super) enum Called<T, R> {
    Answered(Result<R, NotReceived>),
    /// It was sent; the receiver is to be woken, and the answer to be waited for.
    Sent(Claimed),
    Not(T),
}

impl<T> Queue<T> {
    /// With the value: not done.
    #[inline(always)]
    pub(super) fn send_here(&self, value: T) -> Result<Result<(), (T, NotSent)>, T> {
        let Some(me) = carrier::me() else { return Err(value) };
        if me.is_cancelled() {
            return Err(value);
        }
        let Some(ease) = me.at_ease() else { return Err(value) };
        let Some(mut state) = self.0.lock_as_owner() else { return Err(value) };
        if state.receivers == 0 {
            return Err(value);
        }
        // SAFETY: the lock's list, as its owner.
        if let Some(receiver) = unsafe { state.receiving.claim_first_here() } {
            // SAFETY: those who wait to receive have an empty slot there, which is ours until they go on.
            unsafe { receiver.slot().cast::<Option<T>>().write(Some(value)) };
            drop(state);
            // SAFETY: claimed, and resumed once.
            unsafe { ease.yield_to(receiver.into_parked()) };
            return Ok(Ok(()));
        }
        if !state.receiving.is_empty() {
            return Err(value);
        }
        let len = state.values.len();
        if len < state.capacity {
            if len == state.values.capacity() || me.has_news() {
                return Err(value);
            }
            state.values.push_back(value);
            return Ok(Ok(()));
        }
        let slot: Slot<T> = UnsafeCell::new(Some(value));
        let (place, what) = (slot.get().cast(), What::of(&"waits to send to the channel", self));
        // SAFETY: nobody is to go on instead, and it is not cancelled.
        let outcome =
            unsafe { wait_in_owned::<false, _>(ease, state, |s| &mut s.sending, what, place, None) };
        Ok(Self::sent(outcome, slot))
    }

    /// `None`: not done.
    #[inline(always)]
    pub(super) fn recv_here(&self) -> Option<Result<T, NotReceived>> {
        let me = carrier::me()?;
        if me.is_cancelled() {
            return None;
        }
        let mut state = self.0.lock_as_owner()?;
        if !state.values.is_empty() {
            let is_simple = state.sending.is_empty() && !me.has_news();
            return if is_simple { state.values.pop_front().map(Ok) } else { None };
        }
        // SAFETY: the lock's list, as its owner.
        if let Some(sender) = unsafe { state.sending.claim_first_here() } {
            // SAFETY: those who wait to send have a full slot there, which is ours until they go on.
            let value = unsafe { (*sender.slot().cast::<Option<T>>()).take() };
            debug_assert!(value.is_some(), "a sender waits without a value");
            drop(state);
            me.make_ready(sender.into_parked());
            return value.map(Ok);
        }
        if !state.sending.is_empty() || state.senders == 0 {
            return None;
        }
        let ease = me.at_ease()?;
        let slot: Slot<T> = UnsafeCell::new(None);
        let (place, what) = (slot.get().cast(), What::of(&"waits to receive from the channel", self));
        // SAFETY: nobody is to go on instead, and it is not cancelled.
        let outcome =
            unsafe { wait_in_owned::<false, _>(ease, state, |s| &mut s.receiving, what, place, None) };
        Some(Self::received(outcome, slot))
    }

    /// Gives a value to a vthread that waits for it, and waits for the answer while that one goes on.
    #[inline(always)]
    pub(super) fn call_here<R>(&self, value: T, answers: &Queue<R>) -> Called<T, R> {
        let Some(me) = carrier::me() else { return Called::Not(value) };
        let Some(ease) = me.at_ease() else { return Called::Not(value) };
        // Whoever is to answer may be about to wait. If it gets there when we yield, this call and every later one is one switch.
        let mut may_yield = true;
        let receiver = loop {
            if me.is_cancelled() {
                return Called::Not(value);
            }
            let Some(mut state) = self.0.lock_as_owner() else { return Called::Not(value) };
            // SAFETY: the lock's list, as its owner.
            if let Some(receiver) = unsafe { state.receiving.claim_first_here() } {
                // SAFETY: those who wait to receive have an empty slot there, which is ours until they go on.
                unsafe { receiver.slot().cast::<Option<T>>().write(Some(value)) };
                break receiver;
            }
            if state.receivers == 0 || !core::mem::take(&mut may_yield) {
                return Called::Not(value);
            }
            drop(state);
            ease.yield_now();
        };
        let Some(state) = answers.0.lock_as_owner() else { return Called::Sent(receiver.into_claimed()) };
        if !state.values.is_empty() || !state.sending.is_empty() || state.senders == 0 {
            return Called::Sent(receiver.into_claimed());
        }
        let slot: Slot<R> = UnsafeCell::new(None);
        let (place, what) = (slot.get().cast(), What::of(&"waits to receive from the channel", answers));
        let next = Some(receiver.into_parked());
        // SAFETY: claimed by us, and it waits on this carrier; not cancelled.
        let outcome =
            unsafe { wait_in_owned::<false, _>(ease, state, |s| &mut s.receiving, what, place, next) };
        Called::Answered(Queue::received(outcome, slot))
    }
}
