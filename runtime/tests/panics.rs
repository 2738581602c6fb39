//! Panics raised and caught on every kind of stack, by vthreads that park meanwhile.
#![cfg(vthread_native)]

mod common;

use common::{Lot, OnDrop, carry};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use std::thread::panicking;
use vthread::__private::{current, hop, on_chunk, spawn, yield_now};
use vthread::Builder;

/// Counts, and parks in its drop.
struct Guard<'a>(&'a Cell<usize>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let here = current();
        assert!(panicking());
        yield_now();
        assert!(panicking() && current() == here);
        self.0.set(self.0.get() + 1);
    }
}

const PLACES: [&str; 4] =
    ["in a hop", "in a nested hop", "on the chunk after a detach", "in a hop of an inner chunk"];

/// Raises at one of four places, with guards on the way.
fn throw(at: usize, drops: &Cell<usize>) {
    let raise = || {
        hop(|| panic_any(PLACES[at]));
    };
    let _on_the_chunk = Guard(drops);
    match at {
        0 => hop(|| {
            let _g = Guard(drops);
            yield_now();
            raise();
        }),
        1 => hop(|| {
            let _g = Guard(drops);
            hop(|| {
                let _g = Guard(drops);
                on_chunk(|| hop(raise));
            });
        }),
        2 => {
            hop(yield_now);
            hop(|| hop(yield_now));
            raise();
        }
        _ => on_chunk(|| {
            let _g = Guard(drops);
            hop(|| {
                yield_now();
                raise();
            });
        }),
    }
}

fn caught(f: impl FnOnce()) -> &'static str {
    catch_unwind(AssertUnwindSafe(f)).expect_err("panics").downcast_ref().copied().unwrap_or("something else")
}

#[test]
fn every_place_to_raise_with_every_place_to_catch() {
    carry(|carrier| {
        let (drops, right) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        for i in 0..480 {
            let (drops, right) = (drops.clone(), right.clone());
            spawn(move || {
                let (at, here) = (i / 3 % 4, current());
                let said = match i % 3 {
                    0 => hop(|| caught(|| throw(at, &drops))),
                    1 => {
                        let said = caught(|| throw(at, &drops));
                        assert_eq!(current(), here);
                        said
                    }
                    _ => return throw(at, &drops),
                };
                assert!(!panicking());
                hop(yield_now);
                right.set(right.get() + usize::from(said == PLACES[at]));
            });
        }
        let escaped = carrier.run();
        assert!(escaped.iter().all(|p| p.downcast_ref::<&str>().is_some_and(|text| PLACES.contains(text))));
        assert_eq!((escaped.len(), right.get(), drops.get()), (160, 320, 40 * 3 * (2 + 3 + 1 + 2)));
        assert!(!panicking());
        assert_eq!((carrier.live(), vthread::stats().hop_stacks.kept), (0, 0));
    });
}

#[test]
fn who_panics_does_not_poison_others() {
    carry(|carrier| {
        let lot = Lot::new(2);
        let mutex = Rc::new(Mutex::new(0));
        for place in 0..2 {
            let lot = lot.clone();
            spawn(move || {
                let unwind = || {
                    let _drop = OnDrop(|| {
                        lot.park(place);
                        assert!(panicking());
                    });
                    resume_unwind(Box::new(place));
                };
                let result = catch_unwind(AssertUnwindSafe(|| {
                    if place == 0 {
                        hop(unwind)
                    } else {
                        unwind()
                    };
                }));
                assert_eq!(result.expect_err("panics").downcast_ref(), Some(&place));
                assert!(!panicking());
            });
        }
        let other = mutex.clone();
        spawn(move || {
            assert!(!panicking());
            *other.lock().expect("not poisoned") += 1;
            // A panic of its own is not "a panic while panicking".
            assert!(catch_unwind(|| resume_unwind(Box::new(()))).is_err());
        });
        assert!(carrier.run().is_empty());
        assert_eq!((lot.waiting(), mutex.is_poisoned(), panicking()), (vec![0, 1], false, false));
        assert_eq!(*mutex.lock().expect("not poisoned"), 1);
        lot.wake(1);
        lot.wake(0);
        assert!(carrier.run().is_empty());
    });
}

#[test]
fn at_the_cap_the_one_that_wants_to_park_is_refused() {
    let carried = Builder::new().hop_stacks(256 << 10, 4).carry(|carrier| {
        let said = Rc::new(RefCell::new(Vec::new()));
        let lot = Lot::new(10);
        for place in 0..10 {
            let (lot, said) = (lot.clone(), said.clone());
            spawn(move || {
                hop(|| {
                    let attempt = || {
                        let result = catch_unwind(AssertUnwindSafe(|| lot.park(place)));
                        said.borrow_mut().extend(result.err().and_then(|e| e.downcast::<String>().ok()));
                    };
                    if place % 2 == 0 {
                        return attempt();
                    }
                    // The same in a drop during an unwind: the count of panics must come out right.
                    let result = catch_unwind(AssertUnwindSafe(|| {
                        let _drop = OnDrop(|| {
                            attempt();
                            assert!(panicking());
                        });
                        resume_unwind(Box::new(place));
                    }));
                    assert!(result.is_err() && !panicking());
                });
            });
        }
        assert!(carrier.run().is_empty());
        let waiting = lot.waiting();
        assert_eq!((waiting.len(), said.borrow().len()), (3, 7));
        assert!(said.borrow().iter().all(|text| text.contains("all 4 hop stacks are kept")));
        for place in waiting {
            lot.wake(place);
        }
        assert!(carrier.run().is_empty());
    });
    carried.expect("a carrier");
}

#[test]
fn a_panic_at_the_root_is_what_the_vthread_ends_with() {
    carry(|carrier| {
        spawn(|| panic_any(5u8));
        spawn(|| hop(|| panic_any(6u8)));
        spawn(|| ());
        let mut said: Vec<u8> = carrier.run().into_iter().map(|p| *p.downcast().expect("a number")).collect();
        said.sort_unstable();
        assert_eq!(said, [5, 6]);
    });
    let payload = catch_unwind(|| vthread::run(|| panic_any(7u8))).expect_err("panics");
    assert_eq!(payload.downcast_ref(), Some(&7u8));
}

#[test]
fn drops_run_from_the_inside_out() {
    struct Tell<'a>(&'a RefCell<Vec<u32>>, u32);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
        }
    }
    fn descend(log: &RefCell<Vec<u32>>, n: u32) {
        let _tell = Tell(log, n);
        if n == 40 {
            panic_any(());
        }
        if n.is_multiple_of(3) { hop(|| descend(log, n + 1)) } else { on_chunk(|| descend(log, n + 1)) }
    }
    let log = RefCell::new(Vec::new());
    let result = catch_unwind(AssertUnwindSafe(|| vthread::run(|| descend(&log, 0))));
    assert!(result.is_err());
    assert_eq!(*log.borrow(), (0..=40).rev().collect::<Vec<_>>());
}

#[test]
fn a_panic_in_a_drop_while_panicking_ends_the_process_as_always() {
    if common::is_child() {
        vthread::run(|| {
            let _drop = OnDrop(|| panic!("second"));
            on_chunk(|| panic!("first"));
        });
        return;
    }
    let out = common::child("a_panic_in_a_drop_while_panicking_ends_the_process_as_always", &[]);
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success());
    assert!(
        text.contains("first") && text.contains("second") && text.contains("panic in a destructor"),
        "{text}"
    );
}

#[test]
fn a_panic_hook_may_park_while_others_panic() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static IN_HOOKS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
    const COUNT: u32 = 50;
    if !common::is_child() {
        let out = common::child("a_panic_hook_may_park_while_others_panic", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {
        // Several are in the hook at once, each with a count of its own: otherwise the second would be a panic in the first's hook, which
        // ends the process.
        let now = IN_HOOKS[0].fetch_add(1, Relaxed) + 1;
        IN_HOOKS[1].fetch_max(now, Relaxed);
        for _ in 0..3 {
            yield_now();
            assert!(panicking());
        }
        IN_HOOKS[0].fetch_sub(1, Relaxed);
    }));
    let lock = Rc::new(Mutex::new(0));
    carry(|carrier| {
        for i in 0..COUNT {
            let lock = lock.clone();
            spawn(move || {
                let payload = match i % 3 {
                    0 => catch_unwind(|| panic!("{i}")),
                    1 => catch_unwind(|| on_chunk(|| hop(|| panic!("{i}")))),
                    _ => hop(|| catch_unwind(|| on_chunk(|| panic!("{i}")))),
                };
                assert!(!panicking());
                // Not poisoned, although others are in the midst of their panics.
                *lock.lock().expect("nobody panicked while holding it") += 1;
                let payload: Box<String> = payload.expect_err("a panic").downcast().expect("a text");
                assert_eq!(*payload, i.to_string());
            });
        }
        assert!(carrier.run().is_empty());
        assert_eq!(carrier.live(), 0);
    });
    std::panic::set_hook(usual);
    assert_eq!(*lock.lock().expect("not poisoned"), COUNT);
    assert!(IN_HOOKS[1].load(Relaxed) > 1, "they took turns within the hook");
}

#[test]
fn the_default_hook_and_a_full_backtrace_work_in_a_hop() {
    if common::is_child() {
        vthread::run(|| {
            let result = catch_unwind(|| on_chunk(|| hop(|| panic!("with a backtrace"))));
            assert!(result.is_err());
        });
        return;
    }
    let name = "the_default_hook_and_a_full_backtrace_work_in_a_hop";
    let out = common::child(name, &[("RUST_BACKTRACE", "full")]);
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{text}");
    // Both stacks are in it, and it ends at the root.
    assert!(
        text.contains("with a backtrace") && text.contains("__morestack") && text.contains(name),
        "{text}"
    );
    assert!(!text.contains("__libc_start"), "{text}");
}
