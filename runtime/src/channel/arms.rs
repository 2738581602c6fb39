//! Channels in a `select!`.

use super::queue::{NotReceived, NotSent, Queue};
use super::{Receiver, RecvError, SendError, Sender, oneshot};
use crate::select::{Arm, Place};
use core::cell::UnsafeCell;

/// See [`Arm`].
#[doc(hidden)]
pub struct RecvArm<'a, T> {
    queue: &'a Queue<T>,
    slot: UnsafeCell<Option<T>>,
    output: Result<T, RecvError>,
}

impl<T> Receiver<T> {
    #[doc(hidden)]
    pub fn __recv_arm(&self) -> RecvArm<'_, T> {
        RecvArm { queue: &self.0, slot: UnsafeCell::new(None), output: Err(RecvError) }
    }
}

impl<T> oneshot::Receiver<T> {
    #[doc(hidden)]
    pub fn __recv_arm(&self) -> RecvArm<'_, T> {
        self.many().__recv_arm()
    }
}

impl<T> Arm for RecvArm<'_, T> {
    type Output = Result<T, RecvError>;

    fn try_now(&mut self) -> bool {
        self.output = match self.queue.recv(None, None) {
            Ok(value) => Ok(value),
            Err(NotReceived::Closed) => Err(RecvError),
            Err(NotReceived::Empty) => return false,
        };
        true
    }

    fn slot(&self) -> *mut () {
        self.slot.get().cast()
    }

    unsafe fn enlist(&self, place: &Place) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.queue.enlist_receiver(&place.0) }
    }

    unsafe fn withdraw(&self, place: &Place) {
        // SAFETY: the caller's promise.
        unsafe { self.queue.withdraw_receiver(&place.0) };
    }

    fn settle(&mut self, _: bool) {
        self.output = self.slot.get_mut().take().ok_or(RecvError);
    }

    fn output(self) -> Result<T, RecvError> {
        self.output
    }
}

/// See [`Arm`].
#[doc(hidden)]
pub struct SendArm<'a, T> {
    queue: &'a Queue<T>,
    /// Full until it is sent.
    slot: UnsafeCell<Option<T>>,
}

impl<T> Sender<T> {
    #[doc(hidden)]
    pub fn __send_arm(&self, value: T) -> SendArm<'_, T> {
        SendArm { queue: &self.0, slot: UnsafeCell::new(Some(value)) }
    }
}

impl<T> Arm for SendArm<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn try_now(&mut self) -> bool {
        let slot = self.slot.get_mut();
        let Some(value) = slot.take() else { return true };
        match self.queue.send(value, None) {
            Ok(()) => true,
            Err((value, why)) => {
                *slot = Some(value);
                matches!(why, NotSent::Closed)
            }
        }
    }

    fn slot(&self) -> *mut () {
        self.slot.get().cast()
    }

    unsafe fn enlist(&self, place: &Place) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.queue.enlist_sender(&place.0) }
    }

    unsafe fn withdraw(&self, place: &Place) {
        // SAFETY: the caller's promise.
        unsafe { self.queue.withdraw_sender(&place.0) };
    }

    fn settle(&mut self, _: bool) {}

    fn output(self) -> Result<(), SendError<T>> {
        self.slot.into_inner().map_or(Ok(()), |value| Err(SendError(value)))
    }
}
