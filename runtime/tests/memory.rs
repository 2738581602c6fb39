//! Where chunks come from, what happens when there are none, and what stacks were used.
#![allow(clippy::large_stack_arrays, reason = "stacks are what is tested")]
#![cfg(vthread_native)]

mod common;

use common::{Lot, carry};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::rc::Rc;
use vthread::__private::{abi, current, hop, on_chunk, on_chunk_sized, spawn_sized, yield_now};
use vthread::{Arena, Builder, Error, Heap, Mode, Pool, Region, StackAllocator, stats};

/// Gives chunks until it has given so many.
struct Limited(Pool, usize);

// SAFETY: all chunks are the pool's.
unsafe impl StackAllocator for Limited {
    fn allocate(&mut self, region: &Region, size: usize) -> Option<NonNull<u8>> {
        self.1 = self.1.checked_sub(1)?;
        self.0.allocate(region, size)
    }

    unsafe fn deallocate(&mut self, region: &Region, chunk: NonNull<u8>, size: usize) {
        self.1 += 1;
        // SAFETY: the caller's promise.
        unsafe { self.0.deallocate(region, chunk, size) };
    }
}

const SIZE: u32 = 48 << 10;

/// Frames of 48 KiB chunks, `n` deep; gives the depth reached.
fn descend(n: u32) -> u32 {
    let here = std::hint::black_box([n; 4]);
    assert_eq!(current(), 1);
    // SAFETY: this function and what it calls needs a few hundred bytes, or some thousand where it panics.
    let below = if n == 0 { 0 } else { unsafe { on_chunk_sized(SIZE, || descend(n - 1)) } };
    assert_eq!(here, [n; 4]);
    below + 1
}

/// The same on chunks of the size that is proved for it.
fn deeper(n: u32) -> u32 {
    let here = std::hint::black_box([n; 4]);
    assert_eq!(current(), 1);
    let below = if n == 0 { 0 } else { on_chunk(|| deeper(n - 1)) };
    assert_eq!(here, [n; 4]);
    below + 1
}

/// What it panics with.
fn message(f: impl FnOnce() -> u32) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("out of memory");
    payload.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn without_memory_a_wrapper_panics_and_the_thread_goes_on() {
    let outcome = Builder::new().stacks(Mode::Exact).allocator(|| Limited(Pool::new(), 100)).run(|| {
        assert_eq!(deeper(90), 91);
        for _ in 0..3 {
            let text = message(|| deeper(500));
            assert!(text.contains("no memory for a stack of ") && text.contains("deeper"), "{text}");
            assert_eq!(deeper(90), 91);
        }
    });
    outcome.expect("a carrier");
}

#[test]
fn beyond_the_region_recursion_ends_with_a_clear_panic() {
    if !common::is_child() {
        let out = common::child("beyond_the_region_recursion_ends_with_a_clear_panic", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let limit = libc::rlimit { rlim_cur: 128 << 20, rlim_max: 128 << 20 };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = Builder::new().stacks(Mode::Exact).run(|| {
        // Levels that all of a million would need more than there is for.
        let text = message(|| deeper(1_000_000));
        assert!(text.contains("no memory for a stack of ") && text.contains("deeper"), "{text}");
        // All drops have run, all chunks are free, and there is enough for what fits.
        assert_eq!(deeper(10_000), 10_001);
        stats().region_reserved
    });
    let reserved = outcome.expect("a carrier");
    assert!((16 << 20..=64 << 20).contains(&reserved), "{reserved}");
}

#[test]
fn without_memory_a_vthread_ends_with_an_error() {
    let outcome = Builder::new().stacks(Mode::Exact).allocator(|| Limited(Pool::new(), 2)).carry(|carrier| {
        let lot = Lot::new(3);
        let dropped = Rc::new(());
        for i in 0..3 {
            let (lot, dropped) = (lot.clone(), dropped.clone());
            // SAFETY: parking needs a few hundred bytes.
            unsafe {
                spawn_sized(SIZE, move || {
                    lot.park(i);
                    drop(dropped);
                });
            }
        }
        let mut errors = carrier.run();
        let error = errors.pop().expect("the third").downcast::<Error>().expect("an error");
        assert!(matches!(*error, Error::OutOfMemory { size: 49152 }) && errors.is_empty());
        // The closure that never ran is dropped.
        assert_eq!((lot.waiting(), Rc::strong_count(&dropped)), (vec![0, 1], 3));
        lot.wake(0);
        lot.wake(1);
        assert!(carrier.run().is_empty());
    });
    outcome.expect("a carrier");
}

#[test]
fn every_allocator_runs_vthreads() {
    let work = |builder: Builder| {
        let outcome = builder.carry(|carrier| {
            let sum = Rc::new(Cell::new(0));
            for i in 0..200u32 {
                let sum = sum.clone();
                // SAFETY: as in `descend`.
                unsafe {
                    spawn_sized(SIZE - (i % 7) * 64, move || {
                        yield_now();
                        sum.set(sum.get() + descend(i % 5));
                        hop(yield_now);
                    });
                }
            }
            assert!(carrier.run().is_empty());
            assert_eq!((sum.get(), carrier.live()), (600, 0));
        });
        outcome.expect("a carrier");
    };
    for mode in [Mode::Exact, Mode::Guarded, Mode::Painted] {
        let builder = || Builder::new().stacks(mode);
        work(builder());
        work(builder().allocator(Pool::new));
        work(builder().allocator(Arena::new));
        work(builder().allocator(Heap::new));
    }
}

#[test]
fn painted_stacks_tell_how_deep_an_entry_went() {
    let outcome = Builder::new().stacks(Mode::Painted).carry(|carrier| {
        let body = || {
            // SAFETY: 32 KiB are enough for 4 KiB, some copies of them, and a call.
            unsafe {
                on_chunk_sized(32 << 10, || {
                    std::hint::black_box([1u8; 4096]);
                });
                on_chunk_sized(1 << 10, || {
                    std::hint::black_box([1u8; 16]);
                });
            }
        };
        // SAFETY: enough for two calls.
        unsafe { spawn_sized(SIZE, body) };
        assert!(carrier.run().is_empty());
        stats().high_water
    });
    let mut water = outcome.expect("a carrier");
    water.retain(|(_, w)| w.size != SIZE as usize);
    let sizes: Vec<(usize, u64)> = water.iter().map(|(_, w)| (w.size, w.count)).collect();
    assert_eq!(sizes, [(32768, 1), (1024, 1)]);
    assert!((4096..20_000).contains(&water[0].1.used) && (16..1024).contains(&water[1].1.used), "{water:?}");
    assert!(water[0].0.contains("painted_stacks_tell"), "{water:?}");
}

#[test]
fn nothing_is_left_behind() {
    if !common::is_child() {
        // Alone in a process, so that other tests' chunks do not count.
        let out = common::child("nothing_is_left_behind", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let round = || {
        carry(|carrier| {
            for i in 0..500u32 {
                // SAFETY: as in `descend`.
                unsafe {
                    spawn_sized(SIZE, move || {
                        hop(yield_now);
                        let end = catch_unwind(AssertUnwindSafe(|| {
                            descend(3);
                            assert!(i % 3 != 0, "some panic");
                        }));
                        assert_eq!(end.is_err(), i % 3 == 0);
                    });
                }
            }
            assert!(carrier.run().is_empty());
            assert_eq!(stats().lent, 0);
        });
        let now = stats();
        (now.region_taken, now.region_committed, now.hop_stacks.total)
    };
    std::panic::set_hook(Box::new(|_| ()));
    let (taken, committed, hops) = round();
    assert_eq!((taken, hops), (0, 0));
    for _ in 0..10 {
        assert_eq!(round(), (0, committed, 0));
    }
}

/// So many vthreads that all hold a chunk at once, and then end.
fn burst(count: usize) {
    let waiting = Rc::new(Cell::new(0));
    let (gate, opened) = (Lot::new(count), Rc::new(Cell::new(0)));
    for i in 0..count {
        let (gate, waiting, opened) = (gate.clone(), waiting.clone(), opened.clone());
        // SAFETY: parking and waking need a few kilobytes in debug builds.
        unsafe {
            spawn_sized(16 << 10, move || {
                waiting.set(waiting.get() + 1);
                if waiting.get() == count {
                    (0..count - 1).for_each(|i| gate.wake(i));
                } else {
                    gate.park(i);
                }
                opened.set(opened.get() + 1);
            });
        }
    }
    while opened.get() < count {
        vthread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn an_idle_runtime_gives_memory_back_above_the_cap() {
    const MIB: usize = 1 << 20;
    if !common::is_child() {
        let out = common::child("an_idle_runtime_gives_memory_back_above_the_cap", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let taken = || stats().region_taken / MIB;
    let rounds = |keep: usize, most: usize| {
        let run = Builder::new().stacks(Mode::Exact).keep_free(keep).run(move || {
            let mut after = Vec::new();
            for _ in 0..3 {
                // 16 MiB of chunks, and then nothing to do.
                hop(|| burst(1000));
                // A look that took long is followed by a rest in proportion.
                for _ in 0..2_000 {
                    vthread::sleep(std::time::Duration::from_millis(5));
                    if hop(taken) <= most {
                        break;
                    }
                }
                hop(|| after.push(taken()));
            }
            hop(vthread::trim);
            (after, taken())
        });
        run.expect("a carrier")
    };
    let (little, trimmed) = rounds(4 * MIB, 8);
    // One slab stays for each size; what is in use is small.
    assert!(little.iter().all(|&now| now <= 8) && trimmed <= 8, "{little:?} {trimmed}");
    let (much, trimmed) = rounds(64 * MIB, usize::MAX);
    assert!(much.iter().all(|&now| now >= 16) && trimmed <= 8, "{much:?} {trimmed}");
}

#[test]
fn with_little_address_space_the_region_is_smaller() {
    if !common::is_child() {
        for limit in ["1000000", "200000"] {
            let out =
                common::child("with_little_address_space_the_region_is_smaller", &[("LIMIT_KB", limit)]);
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        }
        return;
    }
    let limit: u64 = std::env::var("LIMIT_KB").expect("set").parse().expect("a number");
    let limit = libc::rlimit { rlim_cur: limit << 10, rlim_max: limit << 10 };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    assert_eq!(vthread::run(|| hop(|| 5)), 5);
    let reserved = stats().region_reserved as u64;
    assert!(reserved >= 16 << 20 && reserved <= limit.rlim_cur / 2, "{reserved}");
}

#[test]
fn the_environment_says_the_mode_where_the_program_does_not() {
    if !common::is_child() {
        for mode in ["exact", "guarded", "painted"] {
            let name = "the_environment_says_the_mode_where_the_program_does_not";
            let out = common::child(name, &[("VTHREAD_STACKS", mode)]);
            assert!(out.status.success(), "{mode}: {}", String::from_utf8_lossy(&out.stderr));
        }
        return;
    }
    // All chunks are counted in the modes that check, and depths where they are painted.
    let seen = |builder: Builder| {
        let stats = builder.run(|| {
            assert_eq!(on_chunk(|| std::hint::black_box(5)), 5);
            stats()
        });
        let stats = stats.expect("a carrier");
        (stats.chunks.taken > 0, !stats.high_water.is_empty())
    };
    let asked = match std::env::var("VTHREAD_STACKS").as_deref() {
        Ok("guarded") => (true, false),
        Ok("painted") => (true, true),
        _ => (false, false),
    };
    assert_eq!(seen(Builder::new()), asked);
    assert_eq!(seen(Builder::new().stacks(Mode::Exact)), (false, false));
    assert_eq!(seen(Builder::new().stacks(Mode::Guarded)), (true, false));
    assert_eq!(seen(Builder::new().stacks(Mode::Painted)), (true, true));
}

#[test]
fn a_wrong_setting_is_an_error_that_says_so() {
    if !common::is_child() {
        let out = common::child("a_wrong_setting_is_an_error_that_says_so", &[("VTHREAD_STACKS", "gaurded")]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let error = Builder::new().run(|| ()).expect_err("a wrong word");
    assert_eq!(error.to_string(), "VTHREAD_STACKS: gaurded is none of exact, guarded, painted");
    assert!(Builder::new().stacks(Mode::Exact).run(|| ()).is_ok());
}

/// Calls itself until the stack that it runs on is used so many bytes deep.
fn touch(bytes: usize) {
    fn below(lowest: usize) {
        let part = std::hint::black_box([1u8; 512]);
        if &raw const part as usize > lowest {
            below(lowest);
        }
        std::hint::black_box(part);
    }
    let here = 0u8;
    below(&raw const here as usize - bytes);
}

/// The same, and lets others run then.
fn touch_and_wait(bytes: usize) {
    touch(bytes);
    vthread::yield_now();
}

#[test]
fn a_hop_stack_is_as_large_as_others_and_gives_back_what_deep_calls_have_used() {
    const DEEP: usize = 12 << 20;
    if !common::is_child() {
        let name = "a_hop_stack_is_as_large_as_others_and_gives_back_what_deep_calls_have_used";
        // Alone in a process, so that other tests' memory does not count.
        let out = common::child(name, &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let few_deep = |stacks: u32| {
        // They wait there, so each has a stack of its own.
        let threads: Vec<_> =
            (0..stacks).map(|_| vthread::spawn_local(|| hop(|| touch_and_wait(2 << 20)))).collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
    };
    let (before, deep, after) = vthread::run(|| {
        hop(|| ());
        few_deep(1);
        vthread::sleep(std::time::Duration::from_millis(5));
        let before = common::status("VmRSS");
        hop(|| touch(DEEP));
        let deep = common::status("VmRSS");
        few_deep(6);
        // The carrier has nothing to do meanwhile.
        vthread::sleep(std::time::Duration::from_millis(5));
        hop(|| touch(1000));
        (before, deep, common::status("VmRSS"))
    });
    let (used, kept) = (deep.saturating_sub(before), after.saturating_sub(before));
    // The C library's functions below use some of it, the first call of a test a few more pages.
    assert!(used * 1024 >= DEEP - (256 << 10) && kept < 2048, "{used} kB, then {kept} kB");
}

#[test]
fn where_addresses_are_few_hop_stacks_are_smaller() {
    if !common::is_child() {
        let out = common::child("where_addresses_are_few_hop_stacks_are_smaller", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let spare = (common::status("VmSize") as u64 + (34 << 10)) * 1024;
    let limit = libc::rlimit { rlim_cur: spare, rlim_max: spare };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    // Half of what is left is for chunks: one large stack would not fit beside that, and nobody gets less than was asked for.
    vthread::run(|| hop(|| touch(100 << 10)));
    let error = Builder::new().hop_stacks(64 << 20, 4).run(|| ()).expect_err("no such stack");
    assert!(matches!(error, Error::NoHopStack(_)), "{error}");
}

#[test]
fn no_number_of_bytes_is_too_large_to_be_refused() {
    let error = Builder::new().hop_stacks(usize::MAX, 4).run(|| ()).err();
    assert!(matches!(error, None | Some(Error::NoHopStack(_))), "{error:?}");
}

#[test]
fn a_wrong_size_of_hop_stacks_is_an_error_unless_the_program_says_it() {
    if !common::is_child() {
        let name = "a_wrong_size_of_hop_stacks_is_an_error_unless_the_program_says_it";
        let out = common::child(name, &[("VTHREAD_HOP_STACK", "1M")]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    for error in [Builder::new().run(|| ()).err(), Builder::new().build().err()] {
        let error = error.expect("a wrong size").to_string();
        assert!(error.starts_with("VTHREAD_HOP_STACK: 1M is no number of bytes"), "{error}");
    }
    assert!(Builder::new().hop_stacks(1 << 20, 4).run(|| ()).is_ok());
}

#[test]
fn a_runtime_inside_of_a_runtime_is_an_error() {
    vthread::run(|| {
        assert!(matches!(hop(|| Builder::new().run(|| ())), Err(Error::AlreadyACarrier)));
        assert!(matches!(Builder::new().run(|| ()), Err(Error::AlreadyACarrier)));
    });
}

#[test]
fn an_unproved_entry_runs_plainly_on_a_large_stack() {
    carry(|carrier| {
        let seen = Rc::new(Cell::new((7, 0)));
        let out = seen.clone();
        // SAFETY: a megabyte is enough for half of one.
        unsafe {
            spawn_sized(abi::UNPROVED, move || {
                let large = std::hint::black_box([1u8; 500_000]);
                yield_now();
                hop(yield_now);
                out.set((current(), large.iter().map(|&b| u32::from(b)).sum()));
            });
        }
        assert!(carrier.run().is_empty());
        assert_eq!((seen.get(), stats().hop_stacks.detaches), ((0, 500_000), 0));
    });
}

#[test]
fn chunks_are_counted_where_that_is_wanted() {
    let count = |count: bool| {
        let run = Builder::new().stacks(Mode::Exact).count_chunks(count).run(|| {
            let before = stats().chunks;
            let depth = on_chunk(|| deeper(9)) + on_chunk(|| deeper(4));
            let after = stats().chunks;
            (depth, after.taken - before.taken, after.most_bytes - before.most_bytes)
        });
        run.expect("a carrier")
    };
    let (depth, taken, bytes) = count(true);
    assert_eq!((depth, taken), (15, 15));
    // Ten at a time, of 16 bytes at least each; one of a size more or less.
    assert!((160..64 << 10).contains(&bytes), "{bytes}");
    assert_eq!(count(false), (15, 0, 0));
}
