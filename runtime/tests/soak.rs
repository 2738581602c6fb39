//! Many vthreads that end in every way, on one carrier and on several: nothing is left of them, and no wake-up is lost.
//!
//! Some thousands by default. `VTHREAD_SOAK_SECONDS` says how long instead; a million spawns take about half a minute.

#![cfg(vthread_native)]

use std::fs;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use vthread::{Runtime, channel, scope, sleep, stats, yield_now};

/// Runs rounds until the time is up, but some at least.
fn rounds(mut round: impl FnMut(u64)) -> u64 {
    let seconds = std::env::var("VTHREAD_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut done = 0;
    while done < 40 || Instant::now() < until {
        round(done);
        done += 1;
    }
    done
}

const CHILDREN: u64 = 100;

static ENDED: AtomicU64 = AtomicU64::new(0);

/// Counts whoever owned it, however that ended.
struct Counts;

impl Drop for Counts {
    fn drop(&mut self) {
        ENDED.fetch_add(1, Relaxed);
    }
}

/// Children that return, panic, wait for each other, for a time, off their chunks, and that are cancelled.
fn family(round: u64) {
    let (sender, receiver) = channel::bounded(3);
    let arrived = scope(|s| {
        for child in 0..CHILDREN {
            let (counts, sender) = (Counts, sender.clone());
            let handle = s.spawn(move || {
                let _counts = counts;
                match (round + child) % 7 {
                    0 => yield_now(),
                    1 => resume_unwind(Box::new(child)),
                    2 => sleep(Duration::from_micros(child)),
                    // Not on the chunk: a comparator.
                    3 => [3, 1, 2].sort_by(|a, b| {
                        yield_now();
                        a.cmp(b)
                    }),
                    4 => drop(vthread::spawn(|| ()).join()),
                    _ => {}
                }
                sender.send(child).expect("a receiver");
            });
            if (round + child) % 7 == 1 {
                // Its panic is ours to take.
                drop(s.spawn(move || handle.join().expect_err("it panics")));
            }
        }
        drop(sender);
        receiver.iter().count() as u64
    });
    let panicked = (0..CHILDREN).filter(|child| (round + child) % 7 == 1).count() as u64;
    assert_eq!(arrived, CHILDREN - panicked);
    scope(|s| {
        for _ in 0..10 {
            let counts = Counts;
            drop(s.spawn(move || {
                let _counts = counts;
                vthread::park();
            }));
        }
        yield_now();
        s.cancel();
    });
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("the list of descriptors").count()
}

/// Bytes of memory that the process uses.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("the process's sizes");
    let pages: u64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    4096 * pages
}

/// After the first rounds the process must not grow: by no more than what allocators keep here and there.
struct Level(Option<(usize, u64)>);

impl Level {
    fn check(&mut self, round: u64) {
        if round == 20 {
            self.0 = Some((descriptors(), resident()));
        } else if let Some((open, bytes)) = self.0
            && round > 20
        {
            assert!(descriptors() <= open, "descriptors leak");
            assert!(resident() < bytes + (16 << 20), "{} bytes more after round {round}", resident() - bytes);
        }
    }
}

// One test: the counts are the process's.
#[test]
fn nothing_is_left() {
    let mut level = Level(None);
    let on_one = rounds(|round| {
        vthread::run(|| {
            // Where stacks are guarded or painted, this vthread's own is lent.
            let before = stats().lent;
            family(round);
            let stats = stats();
            assert_eq!((stats.lent, stats.hop_stacks.kept), (before, 0), "round {round}");
        });
        level.check(round);
    });
    assert_eq!(ENDED.swap(0, Relaxed), on_one * (CHILDREN + 10));

    let (runtime, mut level) = (Runtime::builder().carriers(3).build().expect("a runtime"), Level(None));
    let on_three = rounds(|round| {
        runtime.run(|| family(round)).expect("it runs");
        level.check(round);
    });
    runtime.finish();
    assert_eq!(ENDED.load(Relaxed), on_three * (CHILDREN + 10));
    println!("{} vthreads on one carrier, {} on three", on_one * (CHILDREN + 10), on_three * (CHILDREN + 10));
}
