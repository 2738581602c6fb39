//! Guarded stacks take two of a process's mappings each.
#![cfg(vthread_native)]

mod common;

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use vthread::__private::{abi, on_chunk};
use vthread::{Builder, Mode};

/// Chunks of their own, `n` deep; gives the depth reached.
fn deeper(n: u32) -> u32 {
    if n == 0 { 1 } else { on_chunk(|| deeper(n - 1)) + 1 }
}

/// So many mappings are there to be had, if not more. They are kept.
fn mappings_left(most: usize) -> usize {
    let map = |i: &usize| {
        // Neighbours that differ are not made one.
        let access = if i.is_multiple_of(2) { libc::PROT_NONE } else { libc::PROT_READ };
        let (flags, nowhere) = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, std::ptr::null_mut());
        // SAFETY: new mappings, which nobody uses.
        unsafe { libc::mmap(nowhere, abi::PAGE as usize, access, flags, -1, 0) != libc::MAP_FAILED }
    };
    (0..most).take_while(map).count()
}

/// What says that there are no more wants some as well: a backtrace the executable and memory.
#[test]
fn without_mappings_there_are_some_for_the_panic() {
    if !common::is_child() {
        let out = common::child("without_mappings_there_are_some_for_the_panic", &[("RUST_BACKTRACE", "1")]);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{:?} {}", out.status, &said[said.len().saturating_sub(2000)..]);
        return;
    }
    let count = std::fs::read_to_string("/proc/sys/vm/max_map_count").expect("a setting");
    let count: usize = count.trim().parse().expect("a number");
    // Where a process may have more, these are taken beforehand.
    let levels = 32_000_u32;
    mappings_left(count.saturating_sub(2 * levels as usize));
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        LEFT.store(mappings_left(40), Relaxed);
        before(info);
    }));
    // SAFETY: ends this process if it hangs.
    unsafe { libc::alarm(120) };
    let outcome = Builder::new().stacks(Mode::Guarded).run(|| {
        let payload = catch_unwind(|| deeper(levels + 2000)).expect_err("out of mappings");
        let text = payload.downcast_ref::<String>().expect("a message");
        assert!(text.contains("no memory for a stack of ") && text.contains("deeper"), "{text}");
        assert_eq!(LEFT.load(Relaxed), 40);
        assert_eq!(deeper(10_000), 10_001);
    });
    outcome.expect("a carrier");
}

/// What was found by the panic's hook.
static LEFT: AtomicUsize = AtomicUsize::new(0);
