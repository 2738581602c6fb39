//! The items of `zork-probe` on the crate `vthread` of the registry (no relation), with one carrier and its own default stacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use vthread::{Runtime, Spawner, channel, sync::Notify};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let item = arguments.first().map_or("", String::as_str);
    let Some(n) = arguments.get(1).and_then(|n| n.parse::<u64>().ok()) else {
        eprintln!("usage: peer-vthread ITEM N");
        std::process::exit(2);
    };
    // Its limits must be set beforehand.
    let most = if matches!(item, "live" | "tasks") { n as usize + 8 } else { 1024 };
    let runtime =
        Runtime::builder().carriers(1).max_vthreads(most).carrier_queue_capacity(most).build()?;
    let f: fn(&Spawner, u64) -> vthread::Result<Done> = match item {
        "yield" => yields,
        "spawn" => |spawner, n| timed(|| (0..n).map(|_| spawner.spawn("t", || 1)?.join()).sum()),
        "tasks" => tasks,
        "ping-pong" | "call-reply" => ping_pong,
        "stream" => stream,
        "timer" => timers,
        "live" => live,
        _ => {
            eprintln!("peer-vthread: {item}: no such item");
            std::process::exit(2);
        }
    };
    let done = runtime.run_scope(|scope| {
        let spawner = scope.spawner();
        scope.spawn("root", move || f(&spawner, n))?.join()?
    })?;
    let Done { answer, wall_ns, cpu_ns, resident } = done;
    match resident {
        Some((before, with)) => println!("ok {answer} {wall_ns} {before} {with}"),
        None => println!("ok {answer} {wall_ns} {cpu_ns}"),
    }
    Ok(())
}

struct Done {
    answer: u64,
    wall_ns: u64,
    cpu_ns: u64,
    resident: Option<(u64, u64)>,
}

fn timed(f: impl FnOnce() -> vthread::Result<u64>) -> vthread::Result<Done> {
    let (start, before) = (Instant::now(), cpu_ns());
    let answer = f()?;
    Ok(Done { answer, wall_ns: start.elapsed().as_nanos() as u64, cpu_ns: cpu_ns() - before, resident: None })
}

fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a live variable.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn turns(n: u64) -> vthread::Result<u64> {
    for _ in 0..n {
        vthread::yield_now()?;
    }
    Ok(n)
}

fn yields(spawner: &Spawner, n: u64) -> vthread::Result<Done> {
    let mut other = spawner.spawn("t", move || turns(n / 2))?;
    timed(|| Ok(turns(n / 2)? + other.join()??))
}

fn tasks(spawner: &Spawner, n: u64) -> vthread::Result<Done> {
    timed(|| {
        let spawn = |_| spawner.spawn("t", || std::hint::black_box(1));
        let handles = (0..n).map(spawn).collect::<vthread::Result<Vec<_>>>()?;
        handles.into_iter().map(|mut handle| handle.join()).sum()
    })
}

/// Its channels need room.
fn ping_pong(spawner: &Spawner, n: u64) -> vthread::Result<Done> {
    let ((there, requests), (back, answers)) = (channel::bounded::<u64>(1)?, channel::bounded::<u64>(1)?);
    let mut server = spawner.spawn("t", move || {
        while let Ok(request) = requests.recv() {
            if back.send(request + 1).is_err() {
                break;
            }
        }
    })?;
    let done = timed(|| {
        let mut last = 0;
        for _ in 0..n {
            if there.send(last).is_ok() {
                last = answers.recv()?;
            }
        }
        Ok(last)
    });
    there.close();
    server.join()?;
    done
}

fn stream(spawner: &Spawner, n: u64) -> vthread::Result<Done> {
    let (sender, receiver) = channel::bounded(64)?;
    let mut child = spawner.spawn("t", move || (0..n).all(|i| sender.send(i).is_ok()))?;
    let done = timed(|| {
        let mut count = 0;
        while receiver.recv().is_ok() {
            count += 1;
        }
        Ok(count)
    });
    child.join()?;
    done
}

fn timers(spawner: &Spawner, n: u64) -> vthread::Result<Done> {
    let each = n / 100;
    timed(|| {
        let sleep = move || -> vthread::Result<u64> {
            for _ in 0..each {
                vthread::sleep(Duration::from_millis(1))?;
            }
            Ok(each)
        };
        let handles = (0..100).map(|_| spawner.spawn("t", sleep)).collect::<vthread::Result<Vec<_>>>()?;
        handles.into_iter().map(|mut handle| handle.join()?).sum()
    })
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    field("VmRSS:") + field("VmPTE:")
}

fn live(spawner: &Spawner, n: u64) -> vthread::Result<Done> {
    let before = resident();
    let gate = Arc::new(Notify::with_wait_capacity(n as usize)?);
    let (arrived, passed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut with = 0;
    let done = timed(|| {
        let mut handles = Vec::new();
        for _ in 0..n {
            let (gate, arrived, passed) = (gate.clone(), arrived.clone(), passed.clone());
            handles.push(spawner.spawn("t", move || {
                arrived.fetch_add(1, Relaxed);
                let woken = gate.notified();
                passed.fetch_add(u64::from(woken.is_ok()), Relaxed);
            })?);
        }
        while gate.waiting() < n as usize {
            vthread::yield_now()?;
        }
        with = resident();
        gate.notify_waiters();
        for handle in &mut handles {
            handle.join()?;
        }
        Ok(passed.load(Relaxed).min(arrived.load(Relaxed)))
    })?;
    Ok(Done { resident: Some((before, with)), ..done })
}
