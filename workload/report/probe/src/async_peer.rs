//! async/await, on tokio's current-thread runtime, and on the one with workers.

use crate::usage::{resident, timed};
use crate::work::{self, Far, shuffled};
use crate::{Done, Item};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::{spawn, yield_now};

pub(crate) const ITEMS: &[Item] = &[
    ("yield", yields),
    ("spawn", spawns),
    ("tasks", tasks),
    ("ping-pong", ping_pong),
    ("call-reply", ping_pong),
    ("stream", stream),
    ("wake", wakes),
    ("ping-pong across", ping_pong_across),
    ("stream across", stream_across),
    ("timer", timers),
    ("call", |n| timed(|| ready(calls(n)))),
    ("small call", |n| timed(|| ready(small_calls(n)))),
    ("depth", |n| timed(|| ready(depth(n)))),
    ("live", live),
    ("random wake", random_wakes),
    ("fan-out 1", |n| on(1, n, fan_out)),
    ("fan-out 2", |n| on(2, n, fan_out)),
];

/// With two workers.
pub(crate) const TWO: &[Item] = &[
    ("yield", |n| on(2, n, yields)),
    ("spawn", |n| on(2, n, spawns)),
    ("tasks", |n| on(2, n, tasks)),
    ("ping-pong", |n| on(2, n, ping_pong)),
    ("call-reply", |n| on(2, n, ping_pong)),
    ("stream", |n| on(2, n, stream)),
    ("wake", |n| on(2, n, wakes)),
];

/// 0: the current thread is all there is.
static WORKERS: AtomicUsize = AtomicUsize::new(0);

fn on(workers: usize, n: u64, item: fn(u64) -> Done) -> Done {
    WORKERS.store(workers, Relaxed);
    item(n)
}

/// Runs the future as a task, as tokio's users do.
fn run<R: Send + 'static>(future: impl Future<Output = R> + Send + 'static) -> R {
    let runtime = match WORKERS.load(Relaxed) {
        0 => Builder::new_current_thread().enable_time().build(),
        workers => Builder::new_multi_thread().worker_threads(workers).enable_time().build(),
    };
    let result = runtime.map(|runtime| runtime.block_on(async { spawn(future).await }));
    match result {
        Ok(Ok(result)) => result,
        failed => {
            eprintln!("zork-probe: tokio: {:?}", failed.err());
            std::process::exit(1)
        }
    }
}

/// The result of a future that never waits.
fn ready<R>(future: impl Future<Output = R>) -> R {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("it waits for nothing"),
    }
}

async fn turns(n: u64) -> u64 {
    for _ in 0..n {
        yield_now().await;
    }
    n
}

/// [`timed`], across awaits.
macro_rules! timed_async {
    ($body:expr) => {{
        let (start, none) = (std::time::Instant::now(), timed(|| 0));
        let answer = $body;
        Done { answer, wall_ns: start.elapsed().as_nanos() as u64, ..none }
    }};
}

fn yields(n: u64) -> Done {
    run(async move {
        let other = spawn(turns(n / 2));
        timed_async!(turns(n / 2).await + other.await.unwrap_or(0))
    })
}

fn spawns(n: u64) -> Done {
    run(async move {
        timed_async!({
            let mut sum = 0;
            for _ in 0..n {
                sum += spawn(async { 1 }).await.unwrap_or(0);
            }
            sum
        })
    })
}

fn tasks(n: u64) -> Done {
    run(async move {
        timed_async!({
            let handles: Vec<_> = (0..n).map(|_| spawn(async { black_box(1) })).collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.unwrap_or(0);
            }
            sum
        })
    })
}

/// tokio has no channel without room.
fn ping_pong(n: u64) -> Done {
    run(async move {
        let (there, mut requests) = mpsc::channel::<u64>(1);
        let (back, mut answers) = mpsc::channel::<u64>(1);
        spawn(async move {
            while let Some(request) = requests.recv().await {
                if back.send(request + 1).await.is_err() {
                    break;
                }
            }
        });
        timed_async!({
            let mut last = 0;
            for _ in 0..n {
                if there.send(last).await.is_ok() {
                    last = answers.recv().await.unwrap_or(0);
                }
            }
            last
        })
    })
}

fn stream(n: u64) -> Done {
    run(async move {
        let (sender, mut receiver) = mpsc::channel(64);
        spawn(async move {
            for i in 0..n {
                if sender.send(i).await.is_err() {
                    break;
                }
            }
        });
        timed_async!({
            let mut count = 0;
            while receiver.recv().await.is_some() {
                count += 1;
            }
            count
        })
    })
}

/// Runs `there` on a thread with a runtime of its own, and `here` on this one: tasks of a runtime with workers go to whoever wakes
/// them, so that two that talk are soon on one.
fn on_two(
    there: impl Future<Output = ()> + Send + 'static,
    here: impl Future<Output = Done> + Send + 'static,
) -> Done {
    let other = std::thread::spawn(move || run(there));
    let done = run(here);
    let _ = other.join();
    done
}

/// [`ping_pong`], each on a thread of its own.
fn ping_pong_across(n: u64) -> Done {
    let (there, mut requests) = mpsc::channel::<Far>(1);
    let (back, mut answers) = mpsc::channel::<Far>(1);
    let server = async move {
        while let Some(Far(request)) = requests.recv().await {
            if back.send(Far(request + 1)).await.is_err() {
                break;
            }
        }
    };
    on_two(server, async move {
        // The first is there and back before time is taken: both have started.
        if there.send(Far(0)).await.is_ok() {
            let _ = answers.recv().await;
        }
        timed_async!({
            let mut last = 0;
            for _ in 0..n {
                if there.send(Far(last)).await.is_ok() {
                    last = answers.recv().await.map_or(0, |Far(answer)| answer);
                }
            }
            last
        })
    })
}

/// [`stream`], each on a thread of its own.
fn stream_across(n: u64) -> Done {
    let (sender, mut receiver) = mpsc::channel(64);
    let (started, is_started) = tokio::sync::oneshot::channel();
    let sends = async move {
        let _ = started.send(());
        for i in 0..n {
            if sender.send(Far(i)).await.is_err() {
                break;
            }
        }
    };
    on_two(sends, async move {
        let _ = is_started.await;
        timed_async!({
            let mut count = 0;
            while let Some(Far(number)) = receiver.recv().await {
                black_box(number);
                count += 1;
            }
            count
        })
    })
}

fn wakes(n: u64) -> Done {
    run(async move {
        let (turn, notify) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let (theirs, wake) = (turn.clone(), notify.clone());
        let other = std::thread::spawn(move || {
            for round in 0..n {
                while theirs.load(Relaxed) != 2 * round + 1 {
                    std::thread::park();
                }
                theirs.store(2 * round + 2, Relaxed);
                wake.notify_one();
            }
        });
        let done = timed_async!({
            for round in 0..n {
                turn.store(2 * round + 1, Relaxed);
                other.thread().unpark();
                while turn.load(Relaxed) != 2 * round + 2 {
                    notify.notified().await;
                }
            }
            turn.load(Relaxed) / 2
        });
        let _ = other.join();
        done
    })
}

fn timers(n: u64) -> Done {
    // The whole runtime's processor time, as for the others.
    timed(|| {
        run(async move {
            let each = n / 100;
            let sleep = move || async move {
                for _ in 0..each {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                each
            };
            let handles: Vec<_> = (0..100).map(|_| spawn(sleep())).collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.unwrap_or(0);
            }
            sum
        })
    })
}

/// What a virtual call is with async/await: a method that gives a boxed future, as `async-trait` writes it.
trait Work {
    fn work<'a>(&'a self, x: u64) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>>;
}

struct One;

impl Work for One {
    fn work<'a>(&'a self, x: u64) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
        Box::pin(async move { work::add_in(&mut [MaybeUninit::uninit(); 16], x) })
    }
}

struct Small;

impl Work for Small {
    fn work<'a>(&'a self, x: u64) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
        Box::pin(async move { black_box(x) + 1 })
    }
}

/// By way of as many objects as ours and the plain one.
async fn calls(n: u64) -> u64 {
    called(n, [Box::new(One), Box::new(One), Box::new(One), Box::new(One)]).await
}

async fn small_calls(n: u64) -> u64 {
    called(n, [Box::new(Small), Box::new(Small), Box::new(Small), Box::new(Small)]).await
}

async fn called(n: u64, objects: [Box<dyn Work + Send + Sync>; 4]) -> u64 {
    let objects = black_box(objects);
    let mut x = 0;
    for _ in 0..n {
        x = objects[x as usize & 3].work(x).await;
    }
    x
}

/// What recursion is with async/await: a boxed future a level.
async fn depth(n: u64) -> u64 {
    fn level(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move { if n == 0 { 0 } else { black_box(level(n - 1).await) + 1 } })
    }
    level(n).await
}

fn live(n: u64) -> Done {
    run(async move {
        let (before, gate) = (resident(), Arc::new(Semaphore::new(0)));
        let (arrived, passed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let with;
        let done = timed_async!({
            for _ in 0..n {
                let (gate, arrived, passed) = (gate.clone(), arrived.clone(), passed.clone());
                drop(spawn(async move {
                    arrived.fetch_add(1, Relaxed);
                    if let Ok(permit) = gate.acquire().await {
                        permit.forget();
                    }
                    passed.fetch_add(1, Relaxed);
                }));
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

fn random_wakes(n: u64) -> Done {
    run(async move {
        let passed = Arc::new(AtomicU64::new(0));
        let start = |_| {
            let (passed, gate) = (passed.clone(), Arc::new(Notify::new()));
            let opened = gate.clone();
            let task = spawn(async move {
                opened.notified().await;
                passed.fetch_add(1, Relaxed);
            });
            (gate, task)
        };
        let all: Vec<_> = (0..n).map(start).collect();
        yield_now().await;
        let order = shuffled(n);
        // Nothing is freed until all is over: that would cost more than the wakes.
        timed_async!({
            for i in order {
                all[i as usize].0.notify_one();
            }
            while passed.load(Relaxed) < n {
                yield_now().await;
            }
            passed.load(Relaxed)
        })
    })
}

fn fan_out(n: u64) -> Done {
    run(async move {
        timed_async!({
            let handles: Vec<_> = (0..n).map(|i| spawn(async move { work::unit(i) })).collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.unwrap_or(0);
            }
            sum
        })
    })
}
