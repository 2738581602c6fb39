//! The items of `zork-probe` on `may`, with one worker and its own default stacks. See `zork-probe` for what is printed.

use may::sync::{Semphore, mpsc};
use may::{config, coroutine, go};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let item = arguments.first().map_or("", String::as_str);
    let Some(n) = arguments.get(1).and_then(|n| n.parse::<u64>().ok()) else {
        eprintln!("usage: peer-may ITEM N");
        std::process::exit(2);
    };
    config().set_workers(1);
    if item == "live" {
        return live(n);
    }
    let f: fn(u64) -> u64 = match item {
        "yield" => yields,
        "spawn" => |n| (0..n).map(|_| spawn(|| 1u64).join().unwrap_or(0)).sum(),
        "tasks" => tasks,
        "ping-pong" | "call-reply" => ping_pong,
        "stream" => stream,
        "timer" => timers,
        _ => {
            eprintln!("peer-may: {item}: no such item");
            std::process::exit(2);
        }
    };
    let (answer, wall, cpu) = spawn(move || {
        let (start, before) = (Instant::now(), cpu_ns());
        (f(n), start.elapsed().as_nanos(), cpu_ns() - before)
    })
    .join()
    .expect("no panic");
    println!("ok {answer} {wall} {cpu}");
}

/// A coroutine.
fn spawn<F: FnOnce() -> T + Send + 'static, T: Send + 'static>(f: F) -> coroutine::JoinHandle<T> {
    go!(f)
}

fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a live variable.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn turns(n: u64) -> u64 {
    (0..n).for_each(|_| coroutine::yield_now());
    n
}

fn yields(n: u64) -> u64 {
    let other = spawn(move || turns(n / 2));
    turns(n / 2) + other.join().unwrap_or(0)
}

fn tasks(n: u64) -> u64 {
    let handles: Vec<_> = (0..n).map(|_| spawn(|| std::hint::black_box(1u64))).collect();
    handles.into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
}

/// Its channels have no bound.
fn ping_pong(n: u64) -> u64 {
    let ((there, requests), (back, answers)) = (mpsc::channel::<u64>(), mpsc::channel::<u64>());
    spawn(move || requests.iter().all(|request| back.send(request + 1).is_ok()));
    (0..n).fold(0, |last, _| match there.send(last) {
        Ok(()) => answers.recv().unwrap_or(0),
        Err(_) => 0,
    })
}

fn stream(n: u64) -> u64 {
    let (sender, receiver) = mpsc::channel();
    spawn(move || (0..n).all(|i| sender.send(i).is_ok()));
    receiver.iter().count() as u64
}

fn timers(n: u64) -> u64 {
    let each = n / 100;
    let sleep = move || (0..each).map(|_| coroutine::sleep(Duration::from_millis(1))).count() as u64;
    let handles: Vec<_> = (0..100).map(|_| spawn(sleep)).collect();
    handles.into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    field("VmRSS:") + field("VmPTE:")
}

fn live(n: u64) {
    let before = resident();
    let gate = Arc::new(Semphore::new(0));
    let (arrived, passed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    for _ in 0..n {
        let (gate, arrived, passed) = (gate.clone(), arrived.clone(), passed.clone());
        go!(move || {
            arrived.fetch_add(1, Relaxed);
            gate.wait();
            passed.fetch_add(1, Relaxed);
        });
    }
    let wait = |counter: &AtomicU64| {
        while counter.load(Relaxed) < n {
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    wait(&arrived);
    let with = resident();
    (0..n).for_each(|_| gate.post());
    wait(&passed);
    println!("ok {} {} {before} {with}", passed.load(Relaxed), start.elapsed().as_nanos());
}
