//! What yields, channels and spawns through the scheduler cost, beside tokio's current-thread runtime.
//!
//! Both do the same work in the same process, in turn, round after round; what is printed is the median of each and of the
//! ratios within a round. One thread and hot caches favour whoever touches less memory. Every answer is checked. `--json PATH`
//! also writes the rows to a file. The fan-out is compared with ourselves on one carrier. `--count NAME N` does ours of one row,
//! N times, to be counted by callgrind: the difference between two runs is the cost.
//!
//! Goals that are missed: a ping-pong by channels (0.04) takes some 360 instructions, a call with its reply 300, a spawn with its join (0.06)
//! 430, without an atomic operation or an allocation. What is left is spread evenly: each of a channel's four operations looks at the carrier,
//! the cancellation, the panic count, the stack, the lock and both lists, and who waits has a record in its frame by which timeouts, cancellations and
//! other threads find it.

#[cfg(not(vthread_native))]
fn main() {}

#[cfg(vthread_native)]
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--count") {
        let item = work::ITEMS.iter().find(|item| args.get(at + 1).is_some_and(|name| name == item.name));
        let n = args.get(at + 2).and_then(|n| n.parse().ok()).expect("--count NAME N");
        assert_eq!((item.expect("the name of a row").ours)(n).0, n);
        return;
    }
    let rounds = if args.iter().any(|arg| arg == "--test") { 1 } else { 31 };
    let json = args.iter().position(|arg| arg == "--json").map(|at| args.get(at + 1).expect("--json PATH"));
    let mut rows = Vec::new();
    for item in work::ITEMS {
        let row = row(&item, rounds);
        println!(
            "{:<16} {:10.1} ns   {} {:10.1} ns   ratio {:.3}",
            row.name, row.value, row.peer, row.peer_value, row.ratio
        );
        rows.push(row);
    }
    if let Some(path) = json {
        std::fs::write(path, as_json(&rows)).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
    }
}

/// Medians: nanoseconds for one, of us and of the peer, and the ratio within a round.
#[cfg(vthread_native)]
struct Row {
    name: &'static str,
    value: f64,
    peer: &'static str,
    peer_value: f64,
    ratio: f64,
}

#[cfg(vthread_native)]
fn row(item: &work::Item, rounds: usize) -> Row {
    let (mut times, mut ratios) = ([vec![], vec![]], vec![]);
    for _ in 0..rounds {
        let pair = [item.ours, item.theirs].map(|measure| {
            let (answer, time) = measure(item.count);
            assert_eq!(answer, item.count, "{}", item.name);
            time.as_nanos() as f64 / item.count as f64
        });
        ratios.push(pair[0] / pair[1]);
        times.iter_mut().zip(pair).for_each(|(times, time)| times.push(time));
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let [value, peer_value] = times.each_mut().map(median);
    Row { name: item.name, value, peer: item.peer, peer_value, ratio: median(&mut ratios) }
}

/// An array of objects. Names hold nothing that would have to be escaped.
#[cfg(vthread_native)]
fn as_json(rows: &[Row]) -> String {
    let objects = rows.iter().map(|row| {
        format!(
            r#"{{"name":"{}","value":{},"unit":"ns","peer":"{}","peer_value":{},"ratio":{}}}"#,
            row.name, row.value, row.peer, row.peer_value, row.ratio
        )
    });
    format!("[{}]\n", objects.collect::<Vec<_>>().join(",\n"))
}

#[cfg(vthread_native)]
mod work {
    use std::time::{Duration, Instant};
    use vthread::channel;

    const COUNT: u64 = 50_000;

    /// Does so many; gives how many were done, and the time.
    type Measure = fn(u64) -> (u64, Duration);

    pub struct Item {
        pub name: &'static str,
        pub count: u64,
        pub ours: Measure,
        pub peer: &'static str,
        pub theirs: Measure,
    }

    const fn against_tokio(name: &'static str, count: u64, ours: Measure, theirs: Measure) -> Item {
        Item { name, count, ours, peer: "tokio", theirs }
    }

    pub const ITEMS: [Item; 7] = [
        against_tokio("yield", COUNT, yields, tokio_yields),
        against_tokio("rendezvous", COUNT, rendezvous, tokio_ping_pong),
        against_tokio("call and reply", COUNT, calls, tokio_ping_pong),
        against_tokio("bounded(64)", COUNT, bounded, tokio_bounded),
        against_tokio("spawn and join", COUNT, spawns, tokio_spawns),
        against_tokio("wake from thread", 5_000, wakes, tokio_wakes),
        Item { name: "fan-out over 2", count: 200, ours: fan_out_2, peer: "1 carrier", theirs: fan_out_1 },
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

    /// An ordinary thread sends a value, and waits for the answer.
    fn wakes(n: u64) -> (u64, Duration) {
        let ((there, requests), (back, answers)) = (channel::bounded::<u64>(1), std::sync::mpsc::channel());
        let client = std::thread::spawn(move || {
            timed(|| {
                (0..n).fold(0, |last, _| {
                    there.send(last).expect("a receiver");
                    answers.recv().expect("an answer")
                })
            })
        });
        vthread::Builder::new()
            .when_stuck(vthread::WhenStuck::Sleep)
            .run(|| requests.iter().for_each(|request| back.send(request + 1).expect("a receiver")))
            .expect("it runs");
        client.join().expect("no panic")
    }

    fn tokio_wakes(n: u64) -> (u64, Duration) {
        let (there, mut requests) = tokio::sync::mpsc::channel::<u64>(1);
        let (back, answers) = std::sync::mpsc::channel();
        let client = std::thread::spawn(move || {
            timed(|| {
                (0..n).fold(0, |last, _| {
                    there.blocking_send(last).expect("a receiver");
                    answers.recv().expect("an answer")
                })
            })
        });
        tokio_run(async {
            while let Some(request) = requests.recv().await {
                back.send(request + 1).expect("a receiver");
            }
        });
        client.join().expect("no panic")
    }

    /// Independent pieces of work of about a hundred microseconds each. Goal: at most 1/1.8 of the time of one carrier, where two
    /// processors are free.
    fn fan_out(carriers: usize, n: u64) -> (u64, Duration) {
        let runtime = vthread::Runtime::builder().carriers(carriers).build().expect("a runtime");
        let piece = |seed: u64| {
            let step = |x: u64, _| x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u64::from(std::hint::black_box((0..500_000).fold(seed, step)) != 1)
        };
        let work = || {
            vthread::scope(|s| {
                let all: Vec<_> = (0..n).map(|i| s.spawn(move || piece(i))).collect();
                all.into_iter().map(|one| one.join().expect("no panic")).sum()
            })
        };
        runtime.run(|| timed(work)).expect("it runs")
    }

    fn fan_out_2(n: u64) -> (u64, Duration) {
        fan_out(2, n)
    }

    fn fan_out_1(n: u64) -> (u64, Duration) {
        fan_out(1, n)
    }
}
