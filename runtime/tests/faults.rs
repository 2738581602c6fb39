//! Overflows and faults name the vthread; and what was there before us still works.
#![cfg(vthread_native)]

mod common;

use common::{child, is_child};
use std::hint::black_box;
use vthread::__private::{abi, hop, on_chunk, on_chunk_sized, spawn, spawn_sized, yield_now};
use vthread::{Builder, Mode};

/// Runs the test `name` again as a child, which must die by a signal and say `texts`.
fn dies(name: &str, texts: &[&str]) {
    use std::os::unix::process::ExitStatusExt;
    let out = child(name, &[]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.signal().is_some(), "{:?}: {said}", out.status);
    for text in texts {
        assert!(said.contains(text), "{text:?} is not in: {said}");
    }
}

#[inline(never)]
#[allow(unconditional_recursion, reason = "it ends by a fault")]
fn endless(n: u64) -> u64 {
    let here = black_box([n; 16]);
    endless(n + 1) + here[3]
}

#[test]
fn an_overflow_of_a_hop_stack() {
    if !is_child() {
        let name = "an_overflow_of_a_hop_stack";
        return dies(
            name,
            &["vthread 1 (faults::an_overflow_of_a_hop_stack", "has overflowed its hop stack"],
        );
    }
    vthread::run(|| hop(|| endless(0)));
}

#[test]
fn an_overflow_of_a_hop_stack_after_a_detach() {
    if !is_child() {
        let name = "an_overflow_of_a_hop_stack_after_a_detach";
        return dies(name, &["vthread 2 (", "has overflowed its hop stack"]);
    }
    let carried = Builder::new().carry(|carrier| {
        spawn(|| hop(yield_now));
        spawn(|| {
            hop(|| {
                yield_now();
                endless(0);
            });
        });
        carrier.run();
    });
    carried.expect("a carrier");
}

/// Its drop recurses, once for each link.
struct List {
    _next: Option<Box<List>>,
}

#[test]
fn a_list_that_is_too_long_to_be_dropped_says_what_helps_and_that_helps() {
    let name = "a_list_that_is_too_long_to_be_dropped_says_what_helps_and_that_helps";
    if !is_child() {
        let texts =
            ["of 16777216 bytes", "drop of a long list", "VTHREAD_HOP_STACK=BYTES", "Builder::hop_stacks."];
        dies(name, &texts);
        let out = child(name, &[("VTHREAD_HOP_STACK", "1073741824")]);
        return assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    vthread::run(|| {
        let list = (0..1_000_000).fold(None, |rest, _| Some(Box::new(List { _next: rest })));
        drop(black_box(list));
    });
}

#[test]
fn a_guarded_chunk_that_is_too_small() {
    if !is_child() {
        let texts =
            ["vthread 1 (faults::a_guarded_chunk", "bytes below the stack of", "was given 1024 bytes"];
        return dies("a_guarded_chunk_that_is_too_small", &texts);
    }
    // SAFETY: none: that the chunk is too small is what is tested.
    let run = || unsafe { on_chunk_sized(1024, || black_box([1u8; 3000])[5]) };
    let _ = Builder::new().stacks(Mode::Guarded).run(run);
}

#[test]
fn an_unproved_entry_that_goes_too_deep() {
    if !is_child() {
        let name = "an_unproved_entry_that_goes_too_deep";
        return dies(name, &["vthread 1 (faults::an_unproved_entry", "for which no bound was proved"]);
    }
    let carried = Builder::new().carry(|carrier| {
        // SAFETY: none: that the stack is too small is what is tested.
        unsafe {
            spawn_sized(abi::UNPROVED, || {
                endless(0);
            });
        }
        carrier.run();
    });
    carried.expect("a carrier");
}

#[test]
fn a_null_pointer_on_a_chunk() {
    if !is_child() {
        return dies("a_null_pointer_on_a_chunk", &["vthread 1 (faults::a_null", "memory fault at 0x40"]);
    }
    // SAFETY: none: it is meant to fault.
    vthread::run(|| on_chunk(|| unsafe { std::ptr::without_provenance_mut::<u8>(64).write_volatile(1) }));
}

#[test]
fn std_still_reports_overflows_of_its_own_threads() {
    if !is_child() {
        let name = "std_still_reports_overflows_of_its_own_threads";
        return dies(name, &["thread 'deep'", "has overflowed its stack"]);
    }
    vthread::run(|| ());
    let deep = std::thread::Builder::new().name("deep".into()).spawn(|| endless(0)).expect("a thread");
    let _ = deep.join();
}

#[test]
fn a_deadlock_ends_with_a_message() {
    if !is_child() {
        let texts = ["vthread: deadlock", "vthread 1 (faults::a_deadlock", "waits"];
        return dies("a_deadlock_ends_with_a_message", &texts);
    }
    // A wait that no cancellation ends.
    let runtime = Builder::new().when_stuck(vthread::WhenStuck::Report);
    let _ = runtime.run(|| vthread::__private::Waiter::new().park());
}

#[test]
fn parking_outside_of_a_vthread_is_a_clear_panic() {
    let payload = std::panic::catch_unwind(yield_now).expect_err("panics");
    let text = payload.downcast_ref::<&str>().expect("a message");
    assert!(text.contains("only a vthread can park"), "{text}");
}

#[test]
fn an_overflow_on_an_exact_thread() {
    if !is_child() {
        let texts = ["the thread of faults::an_overflow_on_an_exact_thread", "has overflowed its hop stack"];
        return dies("an_overflow_on_an_exact_thread", &texts);
    }
    let thread = vthread::os::spawn(|| hop(|| endless(0)));
    let _ = thread.expect("a thread").join();
}
