//! Jobs that only compute, on rayon: they cannot wait.

use crate::usage::timed;
use crate::work::unit;
use crate::{Done, Item};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) const ITEMS: &[Item] = &[
    ("spawn", |n| on(1, move || timed(|| spawns(n)))),
    ("tasks", |n| on(1, move || timed(|| all(n, |_| black_box(1))))),
    ("fan-out 1", |n| on(1, move || timed(|| all(n, unit)))),
    ("fan-out 2", |n| on(2, move || timed(|| all(n, unit)))),
];

fn on(threads: usize, f: impl FnOnce() -> Done + Send) -> Done {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(f),
        Err(error) => {
            eprintln!("zork-probe: rayon: {error}");
            std::process::exit(1)
        }
    }
}

/// One after the other, each joined by its scope.
fn spawns(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let mut one = 0;
        rayon::scope(|scope| scope.spawn(|_| one = black_box(1)));
        sum += one;
    }
    sum
}

/// All at once.
fn all(n: u64, f: impl Fn(u64) -> u64 + Sync) -> u64 {
    let sum = AtomicU64::new(0);
    rayon::scope(|scope| {
        for i in 0..n {
            let (sum, f) = (&sum, &f);
            scope.spawn(move |_| {
                sum.fetch_add(f(i), Relaxed);
            });
        }
    });
    sum.into_inner()
}
