//! A channel for one value.

use super::{Receiver as Many, RecvError, Sender as ManySender, TryRecvError, TrySendError};
use std::time::Duration;

/// A channel for one value. The send never waits.
///
/// ```
/// vthread::run(|| {
///     let (sender, receiver) = vthread::channel::oneshot::channel();
///     vthread::spawn(|| sender.send(5));
///     assert_eq!(receiver.recv(), Ok(5));
/// });
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = super::bounded(1);
    (Sender(sender), Receiver(receiver))
}

/// Sends the one value.
#[derive(Debug)]
pub struct Sender<T>(ManySender<T>);

/// Receives the one value.
#[derive(Debug)]
pub struct Receiver<T>(Many<T>);

impl<T> Sender<T> {
    /// Sends it.
    ///
    /// # Errors
    /// With the value, when there is no receiver any more.
    pub fn send(self, value: T) -> Result<(), T> {
        self.0.try_send(value).map_err(|error| match error {
            TrySendError::Full(value) | TrySendError::Closed(value) => value,
        })
    }
}

impl<T> Receiver<T> {
    pub(super) fn many(&self) -> &Many<T> {
        &self.0
    }

    /// Waits for it.
    ///
    /// # Errors
    /// When the sender was dropped instead.
    pub fn recv(self) -> Result<T, RecvError> {
        self.0.recv()
    }

    /// Gives it, if it is here.
    ///
    /// # Errors
    /// When it is not.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.try_recv()
    }

    /// Waits for it, for so long at most.
    ///
    /// # Errors
    /// When it was not here by then, and when it never will be.
    pub fn recv_timeout(&self, most: Duration) -> Result<T, TryRecvError> {
        self.0.recv_timeout(most)
    }
}
