//! Sends and receives that wait for as long as it takes, of vthreads at ease, with as little on their stacks as there can be: the value, and
//! what they [wait](crate::sched::wait::wait_thin) in. All else is hopped to.

use super::queue::{NotReceived, NotSent, Queue, Slot};
use crate::carrier::{AtEase, Next};
use crate::sched::task::{checkpoint, raise_if_cancelled};
use crate::sched::wait::{Claimed, InList, Outcome, What, wait_thin};
use core::cell::UnsafeCell;

impl<T> Queue<T> {
    #[inline(never)]
    pub(super) fn recv_thin(&self, me: AtEase) -> Result<T, NotReceived> {
        let slot: Slot<T> = UnsafeCell::new(None);
        let at = slot.get();
        // SAFETY: `has_waited_to_receive` takes it out of the list; the slot is empty, and this frame's.
        unsafe {
            wait_thin(
                me,
                move |place| self.begin_recv(place, at),
                move |place, how| self.has_waited_to_receive(place, how),
            );
        }
        slot.into_inner().ok_or(NotReceived::Closed)
    }

    /// Receives into the slot, or waits for it to be filled.
    ///
    /// # Safety
    /// Called by `wait_thin`, with its place. The slot is empty, and stays.
    #[inline(never)]
    unsafe fn begin_recv(&self, place: *mut InList, slot: *mut Option<T>) -> Next {
        checkpoint();
        let state = match Self::recv_now(self.lock()) {
            Ok(received) => {
                // SAFETY: the caller's promise.
                unsafe { slot.write(received.ok()) };
                return Next::nobody();
            }
            Err(state) => state,
        };
        let what = What::of(&"waits to receive from the channel", self);
        // SAFETY: the caller's promise.
        unsafe { InList::enlist(place, state, |s| &mut s.receiving, what, slot.cast()) }
    }

    #[inline(never)]
    fn has_waited_to_receive(&self, place: &InList, outcome: Outcome) {
        if outcome != Outcome::Notified {
            // SAFETY: that is its list, and the lock's.
            unsafe { place.remove_from(&mut self.lock().receiving) };
            raise_if_cancelled(outcome);
        }
    }

    #[inline(never)]
    pub(super) fn send_thin(&self, me: AtEase, value: T) -> Result<(), (T, NotSent)> {
        let slot: Slot<T> = UnsafeCell::new(Some(value));
        let at = slot.get();
        let mut receiver = None;
        let gets = &raw mut receiver;
        // SAFETY: `has_waited_to_send` takes it out of the list; the slot is full, `gets` empty, and both are this frame's.
        unsafe {
            wait_thin(
                me,
                move |place| self.begin_send(place, at, gets),
                move |place, how| self.has_waited_to_send(place, how),
            );
        }
        // A switch, which is not made on the hop stack.
        if let Some(receiver) = receiver {
            receiver.hand_over();
        }
        match slot.into_inner() {
            None => Ok(()),
            Some(value) => Err((value, NotSent::Closed)),
        }
    }

    /// Sends what is in the slot, or waits for it to be taken. Who is to go on with it is left in `gets`. There it stays if there is no receiver any
    /// more.
    ///
    /// # Safety
    /// Called by `wait_thin`, with its place. The slot is full, `gets` is empty, and both stay.
    #[inline(never)]
    unsafe fn begin_send(
        &self,
        place: *mut InList,
        slot: *mut Option<T>,
        gets: *mut Option<Claimed>,
    ) -> Next {
        checkpoint();
        let mut state = self.lock();
        // SAFETY: the caller's promise.
        let value = if state.receivers == 0 { None } else { unsafe { (*slot).take() } };
        let Some(value) = value else { return Next::nobody() };
        let value = match state.give(value) {
            Ok(receiver) => {
                // SAFETY: the caller's promise.
                unsafe { gets.write(Some(receiver)) };
                return Next::nobody();
            }
            Err(value) => value,
        };
        if state.values.len() < state.capacity {
            state.values.push_back(value);
            return Next::nobody();
        }
        // SAFETY: the caller's promise; it was emptied above.
        unsafe { slot.write(Some(value)) };
        let what = What::of(&"waits to send to the channel", self);
        // SAFETY: the caller's promise.
        unsafe { InList::enlist(place, state, |s| &mut s.sending, what, slot.cast()) }
    }

    #[inline(never)]
    fn has_waited_to_send(&self, place: &InList, outcome: Outcome) {
        if outcome != Outcome::Notified {
            // SAFETY: that is its list, and the lock's.
            unsafe { place.remove_from(&mut self.lock().sending) };
            raise_if_cancelled(outcome);
        }
    }
}
