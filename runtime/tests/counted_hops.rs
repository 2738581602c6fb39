//! Hops are counted by stubs that are exchanged before the first vthread of a process: so this is alone in its own.

#![cfg(vthread_native)]

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use vthread::{Builder, Runtime, hop, stats};

fn on_a_vthread() {
    let before = stats().hops;
    for n in 0..10 {
        assert_eq!(hop(|| black_box(n) + 1), n + 1);
    }
    // Asking is one, too.
    assert_eq!(stats().hops - before, 11);

    // Through stubs that the link step has put there: one of these, and asking again.
    let text = format!("{:?} and {:>5}", black_box("a"), black_box(7));
    assert_eq!(text, "\"a\" and     7");
    let hops = stats().hops - before;
    assert!(hops >= 11 + 2, "{hops}");

    // Out of them by unwinding.
    let none: [u8; 0] = [];
    for _ in 0..3 {
        let left = catch_unwind(AssertUnwindSafe(|| none[black_box(1)]));
        assert!(left.is_err());
    }
}

#[test]
fn hops_are_counted_where_that_is_wanted() {
    Builder::new().count_chunks(true).run(on_a_vthread).expect("a carrier");

    // On several threads, each its own; together at the end.
    let runtime = Runtime::builder().carriers(2).count_chunks(true).build().expect("carriers");
    let handles: Vec<_> = (0..4).map(|_| runtime.spawn(on_a_vthread).expect("a vthread")).collect();
    thread::scope(|threads| {
        for handle in handles {
            threads.spawn(|| handle.join().expect("no panic"));
        }
    });
    assert!(runtime.finish().hops >= 4 * 13);
}
