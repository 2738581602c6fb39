//! Calls that block, and futures, inside of a vthread.

use crate::call::hop;
use crate::carrier;
use crate::sched::latch::Latch;
use crate::sched::task::checkpoint;
use crate::sched::wait::What;
use crate::sync::Notify;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::Wake;
use std::thread;

/// Calls `f` on a thread of its own, while the vthread waits and others run on its carrier: for calls that may block long. On
/// an ordinary thread, `f` is simply called.
///
/// A thread is made for each call, which takes some ten microseconds. A cancellation does not end the wait: `f` may borrow.
///
/// ```
/// let path = String::from("/proc/self/comm");
/// let name = vthread::run(|| vthread::blocking(|| std::fs::read_to_string(&path)));
/// assert!(name.is_ok());
/// ```
///
/// # Panics
/// With what `f` panics with; with [`Cancelled`](crate::Cancelled), if the vthread was cancelled before or meanwhile; when the
/// system has no thread for it.
pub fn blocking<F: FnOnce() -> R + Send, R: Send>(f: F) -> R {
    if carrier::mounted().is_none() {
        return f();
    }
    checkpoint();
    let ended = Latch::new();
    // std's scope sees to it that the thread has left our frame, whatever happens; after the latch was set that is soon.
    let result = hop(|| {
        thread::scope(|threads| {
            let call = threads.spawn(|| {
                let _ended = OnDrop(|| ended.set());
                f()
            });
            ended.wait(What { action: "waits for a blocking call", object: 0 });
            call.join()
        })
    });
    checkpoint();
    result.unwrap_or_else(|payload| resume_unwind(payload))
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

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
