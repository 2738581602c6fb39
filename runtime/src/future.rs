//! Futures inside of vthreads, and the end of a vthread as a future: async code can be moved over step by step.

use crate::scope::{JoinHandle, ScopedJoinHandle};
use crate::sync::Notify;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;
use std::thread;

struct Wakes(Notify);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}

/// Polls a future until it is ready; the vthread waits in between, or the ordinary thread blocks.
///
/// ```
/// let mut left = 3;
/// let future = std::future::poll_fn(move |context| {
///     context.waker().wake_by_ref();
///     left -= 1;
///     if left == 0 { std::task::Poll::Ready("done") } else { std::task::Poll::Pending }
/// });
/// assert_eq!(vthread::run(|| vthread::block_on(future)), "done");
/// ```
///
/// # Panics
/// With what the future panics with, and with [`Cancelled`](crate::Cancelled).
pub fn block_on<F: Future>(future: F) -> F::Output {
    let wakes = Arc::new(Wakes(Notify::new()));
    let to_us = Waker::from(wakes.clone());
    let mut context = Context::from_waker(&to_us);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => wakes.0.wait(),
        }
    }
}

/// What an awaited handle becomes; it is ready when the vthread has ended, and gives what
/// [`JoinHandle::join`] gives.
///
/// ```
/// vthread::run(|| {
///     let handle = vthread::spawn(|| 6 * 7);
///     let answer = vthread::block_on(async { handle.await.unwrap() });
///     assert_eq!(answer, 42);
/// });
/// ```
#[derive(Debug)]
pub struct JoinFuture<H>(Option<H>);

// Nothing in it is pinned.
impl<H> Unpin for JoinFuture<H> {}

macro_rules! await_handle {
    ($($handle:ty),*) => {$(
        impl<T> IntoFuture for $handle {
            type Output = thread::Result<T>;
            type IntoFuture = JoinFuture<Self>;

            fn into_future(self) -> JoinFuture<Self> {
                JoinFuture(Some(self))
            }
        }

        impl<T> Future for JoinFuture<$handle> {
            type Output = thread::Result<T>;

            /// # Panics
            /// When it was ready before.
            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
                let handle = self.0.take().expect("a JoinFuture is not polled after it was ready");
                if handle.has_ended_or_wakes(context.waker()) {
                    return Poll::Ready(handle.join());
                }
                self.0 = Some(handle);
                Poll::Pending
            }
        }
    )*};
}

await_handle!(JoinHandle<T>, ScopedJoinHandle<'_, T>);
