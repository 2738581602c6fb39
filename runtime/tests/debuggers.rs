//! gdb sees through chunks and hops, and valgrind takes them for what they are.
#![cfg(vthread_native)]

mod common;

use common::is_child;
use std::panic::resume_unwind;
use std::process::Command;
use vthread::__private::{hop, on_chunk, on_chunk_sized, spawn, spawn_sized, yield_now};
use vthread::{Builder, Mode, vthread};

/// Whether this machine has the program; where it has not, its test says so and shows nothing.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("{program} is not installed: not tested");
    }
    found
}

/// This test executable, to run the one test `name` as a child of `command`.
fn child_of(command: &mut Command, name: &str) -> String {
    command.arg(std::env::current_exe().expect("this executable"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env("VTHREAD_CHILD", "1");
    let out = command.output().expect("it runs");
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

// SAFETY: the debuggers stop there by this name, which nothing else has.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn vthread_test_stops_here(n: &mut u32) {
    *std::hint::black_box(n) += 1;
}

#[inline(never)]
fn in_the_hop() -> u32 {
    let mut n = 0;
    yield_now();
    vthread_test_stops_here(&mut n);
    std::hint::black_box(n)
}

#[inline(never)]
fn on_the_chunk() -> u32 {
    on_chunk(|| hop(in_the_hop) + std::hint::black_box(1))
}

#[test]
fn a_backtrace_in_gdb_crosses_stacks() {
    if is_child() {
        let carried = Builder::new().carry(|carrier| {
            spawn(|| assert_eq!(on_the_chunk(), 2));
            spawn(|| hop(yield_now));
            carrier.run()
        });
        assert!(carried.expect("a carrier").is_empty());
        return;
    }
    if !has("gdb") {
        return;
    }
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "break vthread_test_stops_here"]);
    gdb.args(["-ex", "run", "-ex", "backtrace", "--args"]);
    let said = child_of(&mut gdb, "a_backtrace_in_gdb_crosses_stacks");
    let backtrace = said.split_once("#0").map_or("", |(_, rest)| rest);
    let at = |name: &str| backtrace.find(name).unwrap_or_else(|| panic!("{name} is missing in: {said}"));
    assert!(at("vthread_test_stops_here") < at("in_the_hop"));
    assert!(at("in_the_hop") < at("__morestack"));
    assert!(at("__morestack") < at("on_the_chunk"));
    assert!(!backtrace.contains("corrupt stack"), "{said}");
}

/// Chunks side by side, each with something of its own, some frames deep, while others do the same.
fn grows(n: u64) -> u64 {
    let mut here = std::hint::black_box([n; 40]);
    if n.is_multiple_of(3) {
        yield_now();
    }
    if n.is_multiple_of(7) {
        hop(|| {
            here[1] += 1;
            yield_now();
        });
    }
    // SAFETY: in debug builds a level needs about a kilobyte, and less than three with what valgrind and a yield add.
    let below = if n == 0 { 0 } else { unsafe { on_chunk_sized(8 << 10, move || grows(n - 1)) } };
    // Valgrind complains here if it takes what lay on this chunk for something that was popped.
    below + here.iter().map(|&word| u64::from(word == n)).sum::<u64>()
}

#[test]
fn memcheck_finds_nothing_wrong_on_chunks() {
    if is_child() {
        let sum = std::rc::Rc::new(std::cell::Cell::new(0));
        let carried = Builder::new().stacks(Mode::Exact).carry(|carrier| {
            for i in 0..20 {
                let sum = sum.clone();
                // SAFETY: as in `grows`.
                unsafe {
                    spawn_sized(16 << 10, move || {
                        let more = grows(10 + i % 5);
                        sum.set(sum.get() + more);
                    });
                }
            }
            assert!(carrier.run().is_empty());
        });
        carried.expect("a carrier");
        // 40 words a level, one less where a hop changed it.
        let expected = |n: u64| (0..=n).map(|n| 40 - u64::from(n % 7 == 0)).sum::<u64>();
        assert_eq!(sum.get(), (0..20).map(|i| expected(10 + i % 5)).sum());
        return;
    }
    memcheck_is_content_with("memcheck_finds_nothing_wrong_on_chunks");
}

#[vthread]
fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

/// Parks and hops on the way, and comes back by unwinding.
#[vthread]
fn panics_below(n: u64) -> usize {
    let digits = format!("{n}").len();
    if n.is_multiple_of(5) {
        vthread::yield_now();
    }
    if n == 0 { resume_unwind(Box::new(())) } else { panics_below(n - 1) + digits }
}

/// Chunks of the sizes that were proved lie closer to each other than what their entries happen to leave unused, and are used in turn by
/// calls and by vthreads, which leave other parts of them accessible.
fn everyday() {
    assert_eq!(vthread::run(|| fibonacci(12)), 144);
    let (turns, sum) = (vthread::sync::Mutex::new(0), vthread::sync::Mutex::new(0));
    vthread::run(|| {
        vthread::scope(|scope| {
            let (send, receive) = vthread::channel::bounded(2);
            for i in 0..10 {
                let (send, turns) = (send.clone(), &turns);
                scope.spawn(move || {
                    let mut turns = turns.lock();
                    vthread::yield_now();
                    *turns += 1;
                    drop(turns);
                    send.send(fibonacci(i)).expect("a receiver");
                });
            }
            drop(send);
            assert!(scope.spawn(|| panics_below(12)).join().is_err());
            while let Ok(n) = receive.recv() {
                *sum.lock() += n;
            }
        });
    });
    assert_eq!((*turns.lock(), *sum.lock()), (10, 88));
    vthread::run(|| assert!(vthread::fs::read("/proc/self/cmdline").is_ok_and(|line| !line.is_empty())));
    let runtime = vthread::Runtime::builder().carriers(2).build().expect("a runtime");
    let spawned: Vec<_> = (0..6).map(|i| runtime.spawn(move || fibonacci(i)).expect("it runs")).collect();
    let join = || spawned.into_iter().map(|vthread| vthread.join().expect("no panic")).sum::<u64>();
    assert_eq!(runtime.run(join).expect("it runs"), 12);
    let exact = vthread::os::spawn(|| (fibonacci(9), format!("{}", fibonacci(3)))).expect("a thread");
    assert_eq!(exact.join().expect("no panic"), (34, "2".to_owned()));
}

#[test]
fn memcheck_finds_nothing_wrong_on_proved_chunks() {
    if is_child() {
        everyday();
        return;
    }
    memcheck_is_content_with("memcheck_finds_nothing_wrong_on_proved_chunks");
}

#[test]
fn memcheck_finds_nothing_wrong_on_painted_and_guarded_stacks() {
    if is_child() {
        for mode in [Mode::Painted, Mode::Guarded] {
            let run =
                Builder::new().stacks(mode).run(|| (fibonacci(10), vthread::spawn(|| fibonacci(3)).join()));
            let (tenth, third) = run.expect("memory");
            assert_eq!((tenth, third.expect("no panic")), (55, 2));
        }
        return;
    }
    memcheck_is_content_with("memcheck_finds_nothing_wrong_on_painted_and_guarded_stacks");
}

/// This test executable's test `name`, under memcheck.
fn memcheck_is_content_with(name: &str) {
    if !has("valgrind") {
        return;
    }
    let mut valgrind = Command::new("valgrind");
    valgrind.args([
        "--tool=memcheck",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
        "--num-callers=20",
        "--error-exitcode=9",
    ]);
    let said = child_of(&mut valgrind, name);
    assert!(said.contains("ERROR SUMMARY: 0 errors"), "{said}");
    assert!(said.contains("1 passed") && !said.contains("client switching stacks"), "{said}");
    assert!(!said.contains("unhandled"), "a system call that valgrind does not know: {said}");
}
