//! What switches, chunk calls and hops cost, beside what they are to be compared with.
//!
//! It favours none: peers are used as their documentation shows, in the same process and in turn. All caches are hot, which
//! favours everything that touches much memory. Every answer is checked. For instruction counts: `examples/count.rs`.
#![allow(missing_docs, reason = "criterion makes the main function")]

#[cfg(vthread_native)]
mod work;

use criterion::{Criterion, criterion_group, criterion_main};

#[cfg(vthread_native)]
fn all(c: &mut Criterion) {
    for (name, item) in work::ITEMS {
        assert_eq!(item(1000), 1000, "{name}");
        c.bench_function(name, |b| {
            b.iter_custom(|n| {
                let start = std::time::Instant::now();
                std::hint::black_box(item(n));
                start.elapsed()
            });
        });
    }
}

#[cfg(not(vthread_native))]
fn all(_: &mut Criterion) {}

criterion_group!(benches, all);
criterion_main!(benches);
