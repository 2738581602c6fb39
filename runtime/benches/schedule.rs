//! What yields, channels and spawns through the scheduler cost, beside tokio's current-thread runtime.
//!
//! Both do the same work in the same process, in turn, round after round; what is printed is the median of each and of the
//! ratios within a round. One thread and hot caches favour whoever touches less memory. Every answer is checked.

#[cfg(not(vthread_native))]
fn main() {}

#[cfg(vthread_native)]
fn main() {
    let rounds = if std::env::args().any(|arg| arg == "--test") { 1 } else { 31 };
    for (name, ours, theirs) in work::ITEMS {
        let (mut times, mut ratios) = ([vec![], vec![]], vec![]);
        for _ in 0..rounds {
            let pair = [ours, theirs].map(|item| {
                let (answer, time) = item(work::COUNT);
                assert_eq!(answer, work::COUNT, "{name}");
                time.as_nanos() as f64 / work::COUNT as f64
            });
            ratios.push(pair[0] / pair[1]);
            times.iter_mut().zip(pair).for_each(|(times, time)| times.push(time));
        }
        let median = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let [ours, theirs] = times.each_mut().map(median);
        println!("{name:<16} {ours:8.1} ns   tokio {theirs:8.1} ns   ratio {:.3}", median(&mut ratios));
    }
}

#[cfg(vthread_native)]
mod work {
    use std::time::{Duration, Instant};
    use vthread::channel;

    pub const COUNT: u64 = 50_000;

    /// Does so many; gives how many were done, and the time.
    type Item = fn(u64) -> (u64, Duration);

    pub const ITEMS: [(&str, Item, Item); 5] = [
        ("yield", yields, tokio_yields),
        ("rendezvous", rendezvous, tokio_ping_pong),
        ("call and reply", calls, tokio_ping_pong),
        ("bounded(64)", bounded, tokio_bounded),
        ("spawn and join", spawns, tokio_spawns),
    ];

    fn timed<R>(f: impl FnOnce() -> R) -> (R, Duration) {
        let start = Instant::now();
        (f(), start.elapsed())
    }

    fn tokio_run<R>(future: impl Future<Output = R>) -> R {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    /// Two take turns.
    fn yields(n: u64) -> (u64, Duration) {
        vthread::run(|| {
            let other = vthread::spawn(move || (0..n / 2).map(|_| vthread::yield_now()).count());
            timed(|| {
                let mine = (0..n / 2).map(|_| vthread::yield_now()).count();
                (mine + other.join().expect("no panic")) as u64
            })
        })
    }

    fn tokio_yields(n: u64) -> (u64, Duration) {
        async fn turns(n: u64) -> u64 {
            for _ in 0..n {
                tokio::task::yield_now().await;
            }
            n
        }
        tokio_run(async {
            let start = Instant::now();
            let (a, b) = (tokio::spawn(turns(n / 2)), tokio::spawn(turns(n / 2)));
            (a.await.expect("no panic") + b.await.expect("no panic"), start.elapsed())
        })
    }

    /// A value there, a value back.
    fn rendezvous(n: u64) -> (u64, Duration) {
        vthread::run(|| {
            let ((there, requests), (back, answers)) = (channel::rendezvous(), channel::rendezvous());
            let server =
                vthread::spawn(move || requests.iter().all(|request: u64| back.send(request + 1).is_ok()));
            let result = timed(|| {
                (0..n).fold(0, |last, _| {
                    there.send(last).expect("a receiver");
                    answers.recv().expect("an answer")
                })
            });
            drop(there);
            server.join().expect("no panic");
            result
        })
    }

    fn calls(n: u64) -> (u64, Duration) {
        vthread::run(|| {
            let ((there, requests), (back, answers)) = (channel::rendezvous(), channel::rendezvous::<u64>());
            let server = vthread::spawn(move || {
                let mut request = requests.recv();
                while let Ok(number) = request {
                    let next = back.call(number + 1, &requests);
                    request = next.map_err(|_| channel::RecvError);
                }
            });
            let result = timed(|| (0..n).fold(0, |last, _| there.call(last, &answers).expect("an answer")));
            drop((there, answers));
            server.join().expect("no panic");
            result
        })
    }

    fn tokio_ping_pong(n: u64) -> (u64, Duration) {
        tokio_run(async {
            let (there, mut requests) = tokio::sync::mpsc::channel::<u64>(1);
            let (back, mut answers) = tokio::sync::mpsc::channel::<u64>(1);
            tokio::spawn(async move {
                while let Some(request) = requests.recv().await {
                    back.send(request + 1).await.expect("a receiver");
                }
            });
            let client = tokio::spawn(async move {
                let (start, mut last) = (Instant::now(), 0);
                for _ in 0..n {
                    there.send(last).await.expect("a receiver");
                    last = answers.recv().await.expect("an answer");
                }
                (last, start.elapsed())
            });
            client.await.expect("no panic")
        })
    }

    fn bounded(n: u64) -> (u64, Duration) {
        vthread::run(|| {
            let (sender, receiver) = channel::bounded(64);
            let child = vthread::spawn(move || (0..n).for_each(|i| sender.send(i).expect("a receiver")));
            let result = timed(|| receiver.iter().count() as u64);
            child.join().expect("no panic");
            result
        })
    }

    fn tokio_bounded(n: u64) -> (u64, Duration) {
        tokio_run(async {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(64);
            tokio::spawn(async move {
                for i in 0..n {
                    sender.send(i).await.expect("a receiver");
                }
            });
            let client = tokio::spawn(async move {
                let (start, mut count) = (Instant::now(), 0);
                while receiver.recv().await.is_some() {
                    count += 1;
                }
                (count, start.elapsed())
            });
            client.await.expect("no panic")
        })
    }

    fn spawns(n: u64) -> (u64, Duration) {
        vthread::run(|| timed(|| (0..n).map(|_| vthread::spawn(|| 1).join().expect("no panic")).sum()))
    }

    fn tokio_spawns(n: u64) -> (u64, Duration) {
        tokio_run(async {
            let (start, mut sum) = (Instant::now(), 0);
            for _ in 0..n {
                sum += tokio::spawn(async { 1 }).await.expect("no panic");
            }
            (sum, start.elapsed())
        })
    }
}
