//! gdb sees through chunks and hops.
#![cfg(vthread_native)]

mod common;

use common::is_child;
use std::process::Command;
use vthread::__private::{hop, on_chunk, spawn, yield_now};
use vthread::Builder;

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
