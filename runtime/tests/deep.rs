//! Calls that come back off the chunks, and go deep: to which stack each goes.
#![cfg(vthread_native)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use vthread::__private::{abi, current, hop, on_chunk, spawn, spawn_sized, with_room, yield_now};
use vthread::{Builder, stats};

/// Where the caller's frame is.
#[inline(never)]
fn here() -> usize {
    let local = 0u8;
    &raw const local as usize
}

/// Calls itself by way of `with_room`, so many bytes deep in all. Gives how many times that went to another stack.
fn descend(bytes: usize, at_the_bottom: &dyn Fn()) -> usize {
    #[inline(never)]
    fn below(bytes: usize, above: usize, at_the_bottom: &dyn Fn()) -> usize {
        let part = std::hint::black_box([1u8; 1000]);
        let (before, is_elsewhere) = (here(), above.abs_diff(here()) > 32 << 10);
        let used = if is_elsewhere { part.len() } else { above - before };
        let moves = if let Some(rest) = bytes.checked_sub(used) {
            with_room(|| below(rest, before, at_the_bottom))
        } else {
            at_the_bottom();
            0
        };
        std::hint::black_box(part);
        moves + usize::from(is_elsewhere)
    }
    below(bytes, here(), at_the_bottom)
}

#[test]
fn from_the_middle_of_a_hop_stack_it_goes_to_another_one() {
    let run = Builder::new().hop_stacks(1 << 20, 100).run(|| {
        let most = |bytes| hop(|| descend(bytes, &|| assert_eq!(current(), 0)));
        assert_eq!(most(300 << 10), 0);
        // Half of each but the first is used at least.
        let moves = most(10 << 20);
        assert!((15..=20).contains(&moves), "{moves}");
        assert_eq!(most(300 << 10), 0);
        // Who sleeps gives them back.
        vthread::sleep(std::time::Duration::from_millis(1));
        stats().hop_stacks
    });
    let stacks = run.expect("stacks");
    assert!(stacks.kept == 0 && stacks.most >= 15 && stacks.total < 12, "{stacks:?}");
}

#[test]
fn it_waits_there_and_others_do_meanwhile() {
    let run = Builder::new().hop_stacks(1 << 20, 100).carry(|carrier| {
        for _ in 0..3 {
            spawn(|| {
                for _ in 0..3 {
                    hop(|| descend(3 << 20, &yield_now));
                }
            });
        }
        assert_eq!(carrier.run().len(), 0);
        stats().hop_stacks
    });
    let stacks = run.expect("stacks");
    assert!(stacks.kept == 0 && stacks.most >= 12, "{stacks:?}");
}

#[test]
fn who_panics_comes_back_to_the_stack_that_it_left() {
    let run = Builder::new().hop_stacks(1 << 20, 100).run(|| {
        for _ in 0..3 {
            hop(|| {
                let before = here();
                let fails = || descend(3 << 20, &|| panic!("at the bottom"));
                let payload = catch_unwind(AssertUnwindSafe(fails)).expect_err("panics");
                assert_eq!(payload.downcast_ref(), Some(&"at the bottom"));
                assert_eq!((before, stats().hop_stacks.kept), (here(), 0));
            });
        }
    });
    run.expect("stacks");
}

#[test]
fn where_there_is_no_other_one_it_panics_and_says_so() {
    let run = Builder::new().hop_stacks(1 << 20, 3).run(|| {
        let fails = || hop(|| descend(10 << 20, &|| ()));
        let payload = catch_unwind(AssertUnwindSafe(fails)).expect_err("three are not enough");
        let text = payload.downcast::<String>().expect("a message");
        assert!(text.contains("calls that go this deep") && text.contains("all 3 hop stacks"), "{text}");
        hop(|| descend(800 << 10, &|| ()))
    });
    assert_eq!(run.expect("stacks"), 1);
}

#[test]
fn from_a_stack_without_a_bound_it_goes_to_the_hop_stack() {
    static MOVES: AtomicUsize = AtomicUsize::new(0);
    let run = Builder::new().hop_stacks(1 << 20, 100).carry(|carrier| {
        // SAFETY: that is the size of an entry without a bound, which gets a large stack.
        unsafe { spawn_sized(abi::UNPROVED, || MOVES.store(descend(700 << 10, &yield_now), SeqCst)) };
        assert_eq!(carrier.run().len(), 0);
    });
    run.expect("stacks");
    // To the hop stack at once, and to another one from its middle.
    assert_eq!(MOVES.load(SeqCst), 2);
}

/// A handler of a signal has a stack of its own, and whom it interrupts may use the hop stack.
#[test]
fn from_a_signal_stack_it_goes_nowhere() {
    static DISTANCE: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_: libc::c_int) {
        let before = here();
        DISTANCE.store(with_room(|| before.abs_diff(here())), SeqCst);
    }
    vthread::run(|| {
        // SAFETY: the handler stores a number; zeros are the defaults of the struct.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_ONSTACK;
            libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut());
        }
        let raise = || {
            DISTANCE.store(usize::MAX, SeqCst);
            // SAFETY: sends this thread a signal that is handled.
            unsafe { libc::raise(libc::SIGUSR2) };
            assert!(DISTANCE.load(SeqCst) < 4096);
        };
        hop(raise);
        on_chunk(raise);
    });
}

#[test]
fn outside_of_vthreads_it_goes_nowhere() {
    assert_eq!(descend(1 << 20, &|| ()), 0);
    let thread = vthread::os::spawn(|| hop(|| descend(100 << 10, &|| ())));
    assert_eq!(thread.expect("a thread").join().expect("no panic"), 0);
}

/// Calls `f` on a stack of this test's own, as crates do that have recursion continue elsewhere.
fn on_a_stack_of_its_own<F: FnOnce()>(f: F) {
    // SAFETY: the caller below passes its own closure.
    unsafe extern "C" fn call<F: FnOnce()>(f: *mut Option<F>) {
        // SAFETY: the caller's own, who waits.
        if let Some(f) = unsafe { (*f).take() } {
            f();
        }
    }
    let mut stack = vec![0u128; 16 << 10];
    let mut f = Some(f);
    // Zeros above it end a walk over the frames.
    let top = stack.as_mut_ptr().wrapping_add(15 << 10);
    // SAFETY: the stack is large enough and lives; nothing unwinds out of `f`.
    unsafe {
        std::arch::asm!(
            "mov r12, rsp", "mov rsp, {top}", "call {call}", "mov rsp, r12",
            top = in(reg) top,
            call = in(reg) call::<F> as *const (),
            in("rdi") &raw mut f,
            out("r12") _,
            clobber_abi("C"),
        );
    }
}

#[test]
fn on_a_stack_of_somebody_elses_nobody_waits() {
    let waits = |i: u32| {
        let frame = std::hint::black_box([i; 100]);
        on_a_stack_of_its_own(|| {
            let payload =
                catch_unwind(|| vthread::sleep(std::time::Duration::from_millis(1))).expect_err("no wait");
            let text = payload.downcast::<String>().expect("a message");
            assert!(text.contains("a stack that is not its virtual thread's"), "{text}");
            assert!(catch_unwind(yield_now).is_err());
            // What does not wait is done there.
            assert_eq!(vthread::sync::Mutex::new(5).into_inner(), 5);
        });
        // Before and after it, it waits.
        yield_now();
        assert_eq!(std::hint::black_box(frame), [i; 100]);
    };
    let carried = Builder::new().carry(|carrier| {
        for i in 0..4 {
            spawn(move || hop(|| waits(i)));
            spawn(move || waits(i));
            // SAFETY: that is the size of an entry without a bound, which gets a large stack.
            unsafe { spawn_sized(abi::UNPROVED, move || waits(i)) };
        }
        assert_eq!(carrier.run().len(), 0);
    });
    carried.expect("stacks");
}
