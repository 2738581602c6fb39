//! async/await on `async-executor`, with the channels and locks that go with it, on one thread.

use crate::usage::{resident, timed};
use crate::{Done, Item};
use async_executor::LocalExecutor;
use async_lock::Semaphore;
use futures_lite::future::{block_on, yield_now};
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) const ITEMS: &[Item] = &[
    ("yield", yields),
    ("spawn", spawns),
    ("tasks", tasks),
    ("ping-pong", ping_pong),
    ("call-reply", ping_pong),
    ("stream", stream),
    ("live", live),
];

type Executor = Rc<LocalExecutor<'static>>;

fn run<F: Future<Output = Done>>(f: impl FnOnce(Executor) -> F) -> Done {
    let executor = Executor::default();
    let future = f(executor.clone());
    block_on(executor.run(future))
}

/// [`timed`], across awaits.
macro_rules! timed_async {
    ($body:expr) => {{
        let (start, none) = (std::time::Instant::now(), timed(|| 0));
        let answer = $body;
        Done { answer, wall_ns: start.elapsed().as_nanos() as u64, ..none }
    }};
}

async fn turns(n: u64) -> u64 {
    for _ in 0..n {
        yield_now().await;
    }
    n
}

/// Both are tasks: the future that `run` is given has a way of its own.
fn yields(n: u64) -> Done {
    run(|executor| async move {
        let (one, other) = (executor.spawn(turns(n / 2)), executor.spawn(turns(n / 2)));
        timed_async!(one.await + other.await)
    })
}

fn spawns(n: u64) -> Done {
    run(|executor| async move {
        timed_async!({
            let mut sum = 0;
            for _ in 0..n {
                sum += executor.spawn(async { 1 }).await;
            }
            sum
        })
    })
}

fn tasks(n: u64) -> Done {
    run(|executor| async move {
        timed_async!({
            let handles: Vec<_> = (0..n).map(|_| executor.spawn(async { black_box(1) })).collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await;
            }
            sum
        })
    })
}

/// There is no channel without room.
fn ping_pong(n: u64) -> Done {
    run(|executor| async move {
        let ((there, requests), (back, answers)) = (async_channel::bounded(1), async_channel::bounded(1));
        let server = executor.spawn(async move {
            while let Ok(request) = requests.recv().await {
                let request: u64 = request;
                if back.send(request + 1).await.is_err() {
                    break;
                }
            }
        });
        let client = executor.spawn(async move {
            let mut last = 0;
            for _ in 0..n {
                if there.send(last).await.is_ok() {
                    last = answers.recv().await.unwrap_or(0);
                }
            }
            last
        });
        let done = timed_async!(client.await);
        server.await;
        done
    })
}

fn stream(n: u64) -> Done {
    run(|executor| async move {
        let (into, receiver) = async_channel::bounded(64);
        let sends = executor.spawn(async move {
            for i in 0..n {
                if into.send(i).await.is_err() {
                    break;
                }
            }
        });
        let client = executor.spawn(async move {
            let mut count = 0;
            while receiver.recv().await.is_ok() {
                count += 1;
            }
            count
        });
        let done = timed_async!(client.await);
        sends.await;
        done
    })
}

fn live(n: u64) -> Done {
    run(|executor| async move {
        let (before, gate) = (resident(), Arc::new(Semaphore::new(0)));
        let (arrived, passed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let with;
        let done = timed_async!({
            for _ in 0..n {
                let (gate, arrived, passed) = (gate.clone(), arrived.clone(), passed.clone());
                let waits = executor.spawn(async move {
                    arrived.fetch_add(1, Relaxed);
                    gate.acquire().await.forget();
                    passed.fetch_add(1, Relaxed);
                });
                waits.detach();
            }
            while arrived.load(Relaxed) < n {
                yield_now().await;
            }
            with = resident();
            gate.add_permits(n as usize);
            while passed.load(Relaxed) < n {
                yield_now().await;
            }
            passed.load(Relaxed)
        });
        Done { resident: Some((before, with)), ..done }
    })
}
