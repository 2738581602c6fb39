//! Async programs and annotated code that call each other, on tokio: a task awaits vthreads, a vthread waits for futures, and one text
//! runs either way.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

#[vthread::vthread]
mod shop {
    use tokio::sync::{mpsc, oneshot};

    pub trait Item: Send + Sync {
        fn price(&self) -> u64;
    }

    pub struct Single(pub u64);
    pub struct Bundle(pub Vec<Box<dyn Item>>);

    impl Item for Single {
        fn price(&self) -> u64 {
            self.0
        }
    }

    impl Item for Bundle {
        fn price(&self) -> u64 {
            self.0.iter().map(|item| item.price()).sum()
        }
    }

    /// Bundles in bundles, `depth` deep.
    pub fn nested(depth: u64) -> Box<dyn Item> {
        if depth == 0 {
            Box::new(Single(1))
        } else {
            Box::new(Bundle(vec![nested(depth - 1), Box::new(Single(depth))]))
        }
    }

    /// Asks an async task for every price, a level of recursion at a time: all levels wait.
    pub fn asked(depth: u64, to: &mpsc::UnboundedSender<(u64, oneshot::Sender<u64>)>) -> u64 {
        let (sender, answer) = oneshot::channel();
        to.send((depth, sender)).expect("the task is there");
        let rest = if depth == 0 { 0 } else { asked(depth - 1, to) };
        rest + vthread::block_on(answer).expect("an answer")
    }

    /// Async code of an annotated module: it calls the others by their names.
    #[plain]
    pub async fn cheapest(all: Vec<Box<dyn Item>>) -> Option<u64> {
        let mut least = None::<u64>;
        for item in all {
            tokio::task::yield_now().await;
            least = Some(least.map_or(item.price(), |p| p.min(item.price())));
        }
        least
    }
}

fn executor() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().expect("threads")
}

/// The sum of 1 to `n`, and the innermost item.
fn price(n: u64) -> u64 {
    n * (n + 1) / 2 + 1
}

#[test]
fn a_task_awaits_vthreads() {
    let vthreads = Arc::new(vthread::Runtime::builder().carriers(2).build().expect("stacks"));
    let got = executor().block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for depth in 0..20 {
            let vthreads = vthreads.clone();
            tasks.spawn(async move {
                let handle = vthreads.spawn(move || (vthread::__private::current() & 1, shop::nested(depth)));
                let (on_chunk, item) = handle.expect("it starts").await.expect("no panic");
                tokio::time::sleep(Duration::from_millis(1)).await;
                (on_chunk, item.price())
            });
        }
        tasks.join_all().await
    });
    assert_eq!(got.iter().map(|(_, price)| price).sum::<u64>(), (0..20).map(price).sum());
    assert!(got.iter().all(|(on_chunk, _)| *on_chunk == 1), "{got:?}");
}

#[test]
fn a_vthread_that_panics_is_an_error_to_who_awaits_it() {
    let vthreads = vthread::Runtime::builder().carriers(1).build().expect("stacks");
    let handle = vthreads.spawn(|| -> u64 { panic!("sold out at {}", shop::nested(3).price()) });
    let error = executor().block_on(async { handle.expect("it starts").await }).expect_err("it panicked");
    assert_eq!(error.downcast_ref::<String>().map(String::as_str), Some("sold out at 7"));
}

#[test]
fn vthreads_wait_for_tasks_deep_in_recursion() {
    let executor = executor();
    let (to, mut questions) = mpsc::unbounded_channel::<(u64, oneshot::Sender<u64>)>();
    let task = executor.spawn(async move {
        let mut held = vec![];
        let mut count = 0;
        while let Some((depth, answer)) = questions.recv().await {
            count += 1;
            held.push((depth, answer));
            // Nobody is answered before the innermost has asked.
            if depth == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                for (depth, answer) in held.drain(..) {
                    answer.send(depth).expect("it waits");
                }
            }
        }
        count
    });
    let sums = vthread::run(|| {
        let sum = (shop::asked(50, &to), vthread::__private::current() & 1);
        let children: Vec<_> = (0..4)
            .map(|n| (n, to.clone()))
            .map(|(n, to)| vthread::spawn(move || shop::asked(n, &to)))
            .collect();
        let all: u64 = children.into_iter().map(|child| child.join().expect("no panic")).sum();
        (sum, all)
    });
    drop(to);
    assert_eq!(sums, ((50 * 51 / 2, 1), 1 + 3 + 6));
    // A task is a future, too.
    assert_eq!(vthread::run(|| vthread::block_on(task)).expect("no panic"), 51 + 1 + 2 + 3 + 4);
}

#[test]
fn one_async_function_runs_on_both() {
    let items = || vec![shop::nested(9), shop::nested(4), shop::nested(30)];
    let executor = executor();
    assert_eq!(executor.block_on(shop::cheapest(items())), Some(price(4)));
    let handle = executor.handle().clone();
    let waited = vthread::run(|| vthread::block_on(handle.spawn(shop::cheapest(items()))));
    assert_eq!(waited.expect("no panic"), Some(price(4)));
}
