//! Boxed futures and a loop that polls them: nothing is queued, nobody is woken. Less than any executor does.

use crate::usage::timed;
use crate::work::shuffled;
use crate::{Done, Item};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

pub(crate) const ITEMS: &[Item] = &[("random wake", random_wakes)];

/// Pending once.
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn random_wakes(n: u64) -> Done {
    let passed = Arc::new(AtomicU64::new(0));
    let start = || -> Pin<Box<dyn Future<Output = ()>>> {
        let passed = passed.clone();
        Box::pin(async move {
            Once(false).await;
            passed.fetch_add(1, Relaxed);
        })
    };
    let mut all: Vec<_> = (0..n).map(|_| start()).collect();
    let mut context = Context::from_waker(Waker::noop());
    for future in &mut all {
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
    let order = shuffled(n);
    timed(|| {
        for i in order {
            assert!(all[i as usize].as_mut().poll(&mut context).is_ready());
        }
        passed.load(Relaxed)
    })
}
