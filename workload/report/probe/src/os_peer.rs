//! Threads of the system: as std makes them, and with stacks of exactly the proved size.

use crate::usage::{resident, timed};
use crate::{Done, Item};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// With what std gives them.
pub(crate) const STD: &[Item] = &[
    ("yield", yields),
    ("spawn", |n| timed(|| (0..n).map(|_| std::thread::spawn(|| 1).join().unwrap_or(0)).sum())),
    ("ping-pong", ping_pong),
    ("call-reply", ping_pong),
    ("stream", stream),
    ("wake", wakes),
    ("ping-pong across", ping_pong),
    ("stream across", stream),
    ("timer", timers),
    ("live", |n| live(n, |f| std::thread::Builder::new().spawn(f).map(drop))),
];

/// With what was proved.
pub(crate) const EXACT: &[Item] = &[
    ("spawn", |n| {
        timed(|| (0..n).map(|_| vthread::os::spawn(|| 1).map_or(0, |t| t.join().unwrap_or(0))).sum())
    }),
    ("live", |n| live(n, |f| vthread::os::spawn(f).map(drop))),
];

fn yields(n: u64) -> Done {
    let turns = move || {
        (0..n / 2).for_each(|_| std::thread::yield_now());
        n / 2
    };
    let other = std::thread::spawn(turns);
    timed(|| turns() + other.join().unwrap_or(0))
}

fn ping_pong(n: u64) -> Done {
    let ((there, requests), (back, answers)) = (mpsc::sync_channel(0), mpsc::sync_channel(0));
    let server =
        std::thread::spawn(move || requests.iter().all(|request: u64| back.send(request + 1).is_ok()));
    let done = timed(|| {
        (0..n).fold(0, |last, _| match there.send(last) {
            Ok(()) => answers.recv().unwrap_or(0),
            Err(_) => 0,
        })
    });
    drop(there);
    let _ = server.join();
    done
}

fn stream(n: u64) -> Done {
    let (sender, receiver) = mpsc::sync_channel(64);
    let child = std::thread::spawn(move || (0..n).all(|i| sender.send(i).is_ok()));
    let done = timed(|| receiver.iter().count() as u64);
    let _ = child.join();
    done
}

fn wakes(n: u64) -> Done {
    let turn = Arc::new(AtomicU64::new(0));
    let (me, theirs) = (std::thread::current(), turn.clone());
    let other = std::thread::spawn(move || {
        for round in 0..n {
            while theirs.load(Relaxed) != 2 * round + 1 {
                std::thread::park();
            }
            theirs.store(2 * round + 2, Relaxed);
            me.unpark();
        }
    });
    let done = timed(|| {
        for round in 0..n {
            turn.store(2 * round + 1, Relaxed);
            other.thread().unpark();
            while turn.load(Relaxed) != 2 * round + 2 {
                std::thread::park();
            }
        }
        turn.load(Relaxed) / 2
    });
    let _ = other.join();
    done
}

fn timers(n: u64) -> Done {
    timed(|| {
        let each = n / 100;
        let sleep = move || (0..each).map(|_| std::thread::sleep(Duration::from_millis(1))).count() as u64;
        let handles: Vec<_> = (0..100).map(|_| std::thread::spawn(sleep)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
    })
}

/// How many wait, have passed, and may pass.
#[derive(Default)]
struct Gate {
    counts: Mutex<(u64, u64, bool)>,
    changed: Condvar,
}

impl Gate {
    fn update(&self, f: impl FnOnce(&mut (u64, u64, bool))) {
        f(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&(u64, u64, bool)) -> bool) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        while !until(&counts) {
            counts = self.changed.wait(counts).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Threads that wait; leaves the process when the system gives no more.
fn live(n: u64, spawn: impl Fn(Box<dyn FnOnce() + Send>) -> std::io::Result<()>) -> Done {
    let (before, gate) = (resident(), Arc::new(Gate::default()));
    // Counted apart, so that arriving wakes nobody.
    let arrived = Arc::new(AtomicU64::new(0));
    let mut with = 0;
    let done = timed(|| {
        for number in 0..n {
            let (gate, arrived) = (gate.clone(), arrived.clone());
            let body = move || {
                arrived.fetch_add(1, Relaxed);
                gate.wait(|counts| counts.2);
                gate.update(|counts| counts.1 += 1);
            };
            if let Err(error) = spawn(Box::new(body)) {
                eprintln!("zork-probe: after {number} threads: {error}");
                std::process::exit(3);
            }
        }
        while arrived.load(Relaxed) < n {
            std::thread::sleep(Duration::from_millis(1));
        }
        with = resident();
        gate.update(|counts| counts.2 = true);
        gate.wait(|counts| counts.1 == n);
        n
    });
    Done { resident: Some((before, with)), ..done }
}
