//! Channels between vthreads, and between them and ordinary threads, which block.
//!
//! A send to a vthread that waits on the same carrier switches straight into it, and the sender goes on later: the value
//! passes from one to the other without a queue. [`Sender::call`] sends and waits for an answer: one switch each way, if
//! the other side does the same.
//!
//! Large values should be boxed: they pass over the carrier's hop stack of 16 MiB (`VTHREAD_HOP_STACK`), some copies at a time, and above 2 MiB, or 512 KiB
//! without optimisation, may not fit.
//!
//! Every call that may wait panics with [`Cancelled`](crate::Cancelled) if the vthread is cancelled.
//!
//! ```
//! use vthread::channel;
//! let sum = vthread::run(|| {
//!     let (numbers, receiver) = channel::rendezvous();
//!     vthread::scope(|s| {
//!         s.spawn(move || (1..=10).for_each(|n| numbers.send(n).unwrap()));
//!         receiver.iter().sum::<i32>()
//!     })
//! });
//! assert_eq!(sum, 55);
//! ```

mod arms;
#[cfg(vthread_native)]
mod here;
pub mod oneshot;
mod queue;
#[cfg(vthread_native)]
mod thin;
pub mod watch;

use crate::call::hop;
#[doc(hidden)]
pub use arms::{RecvArm, SendArm};
use core::fmt;
use queue::{NotReceived, NotSent, Queue};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A channel without room: each send waits for its receive.
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    bounded(0)
}

/// A channel with room for so many values. A send waits while it is full.
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let queue = Arc::new(Queue::new(capacity));
    (Sender(queue.clone()), Receiver(queue))
}

/// A channel with room for as many values as there is memory: no send waits.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    bounded(usize::MAX)
}

/// The sending side. When the last clone is dropped, receivers get what is left, then an error.
pub struct Sender<T>(Arc<Queue<T>>);

/// The receiving side. Each value goes to one of the clones. When the last one is dropped, sends fail, and what is left is
/// dropped.
pub struct Receiver<T>(Arc<Queue<T>>);

impl<T> Sender<T> {
    /// Sends a value: waits for room, or without any for a receive.
    ///
    /// # Errors
    /// With the value, when there is no receiver any more.
    #[inline(always)]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        #[cfg(vthread_native)]
        let value = match self.0.send_here(value) {
            Ok(sent) => return sent.map_err(|(value, _)| SendError(value)),
            Err(value) => value,
        };
        #[cfg(vthread_native)]
        if let Some(me) = crate::carrier::me_at_ease() {
            return self.0.send_thin(me, value).map_err(|(value, _)| SendError(value));
        }
        hop(|| self.0.send(value, Some(None))).map_err(|(value, _)| SendError(value))
    }

    /// Sends a value if that needs no wait.
    ///
    /// # Errors
    /// With the value, when it does, or when there is no receiver any more.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.0.send(value, None).map_err(TrySendError::from)
    }

    /// Sends a value, and waits for so long at most.
    ///
    /// # Errors
    /// With the value, when nobody took it by then, or when there is no receiver any more.
    pub fn send_timeout(&self, value: T, most: Duration) -> Result<(), TrySendError<T>> {
        self.0.send(value, Some(Instant::now().checked_add(most))).map_err(TrySendError::from)
    }

    /// Sends a value and waits for one from another channel: a call and its answer, or an answer and the next call.
    ///
    /// # Errors
    /// When one of the two has nobody left at its other end.
    #[inline(always)]
    pub fn call<R>(&self, value: T, answers: &Receiver<R>) -> Result<R, CallError<T>> {
        #[cfg(vthread_native)]
        let value = match self.0.call_here(value, &answers.0) {
            here::Called::Answered(answer) => return answer.map_err(|_| CallError::Receive),
            here::Called::Sent(receiver) => {
                return answers.0.recv(Some(None), Some(receiver)).map_err(|_| CallError::Receive);
            }
            here::Called::Not(value) => value,
        };
        match self.0.send_later(value) {
            Ok(receiver) => answers.0.recv(Some(None), receiver).map_err(|_| CallError::Receive),
            Err(value) => Err(CallError::Send(value)),
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for a value.
    ///
    /// # Errors
    /// When there is none left and no sender any more.
    #[inline(always)]
    pub fn recv(&self) -> Result<T, RecvError> {
        #[cfg(vthread_native)]
        if let Some(received) = self.0.recv_here() {
            return received.map_err(|_| RecvError);
        }
        #[cfg(vthread_native)]
        if let Some(me) = crate::carrier::me_at_ease() {
            return self.0.recv_thin(me).map_err(|_| RecvError);
        }
        hop(|| self.0.recv(Some(None), None)).map_err(|_| RecvError)
    }

    /// Gives a value if there is one.
    ///
    /// # Errors
    /// When there is none.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.recv(None, None).map_err(TryRecvError::from)
    }

    /// Waits for a value, for so long at most.
    ///
    /// # Errors
    /// When there was none by then, and when there will be none.
    pub fn recv_timeout(&self, most: Duration) -> Result<T, TryRecvError> {
        self.0.recv(Some(Instant::now().checked_add(most)), None).map_err(TryRecvError::from)
    }

    /// All values, until there is no sender any more.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        core::iter::from_fn(|| self.recv().ok())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.count(1, 0);
        Self(self.0.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.0.count(0, 1);
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.drop_sender();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.drop_receiver();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// There is no receiver any more. Here is the value.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the channel has no receiver any more")]
pub struct SendError<T>(pub T);

/// Why a value was not sent. Here it is.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError<T> {
    /// Nobody takes it now, and there is no room.
    #[error("the channel is full")]
    Full(T),
    /// There is no receiver any more.
    #[error("the channel has no receiver any more")]
    Closed(T),
}

/// There is no value and no sender any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the channel is empty and has no sender any more")]
pub struct RecvError;

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryRecvError {
    /// There is none now.
    #[error("the channel is empty")]
    Empty,
    /// There is no sender any more.
    #[error("the channel is empty and has no sender any more")]
    Closed,
}

/// Why a call was not answered.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError<T> {
    /// Nobody receives calls any more. Here is what was to be sent.
    #[error("the channel has no receiver any more")]
    Send(T),
    /// It was sent, but nobody answers any more.
    #[error("the channel of the answers has no sender any more")]
    Receive,
}

// The value need not be `Debug` for the error to be unwrapped.
macro_rules! debug_without_value {
    ($($error:ident),*) => {$(
        impl<T> fmt::Debug for $error<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($error), "("))?;
                fmt::Display::fmt(self, f)?;
                f.write_str(")")
            }
        }
    )*};
}

debug_without_value!(SendError, TrySendError, CallError);

impl<T> From<(T, NotSent)> for TrySendError<T> {
    fn from((value, why): (T, NotSent)) -> Self {
        match why {
            NotSent::Full => Self::Full(value),
            NotSent::Closed => Self::Closed(value),
        }
    }
}

impl From<NotReceived> for TryRecvError {
    fn from(why: NotReceived) -> Self {
        match why {
            NotReceived::Empty => Self::Empty,
            NotReceived::Closed => Self::Closed,
        }
    }
}
