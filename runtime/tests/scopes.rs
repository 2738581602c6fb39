//! Scopes, handles, parks and times.
#![cfg(vthread_native)]

mod common;

use common::OnDrop;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use vthread::__private::{hop, on_chunk};
use vthread::{Builder, Error, WhenStuck, park, run, scope, sleep, spawn, yield_now};

const MS: Duration = Duration::from_millis(1);

#[test]
fn handles_give_results_and_payloads() {
    run(|| {
        assert_eq!(spawn(|| "done").join().ok(), Some("done"));
        let payload = spawn(|| panic_any(7u8)).join().expect_err("panics");
        assert_eq!(payload.downcast_ref(), Some(&7u8));
        let rc = vthread::spawn_local(|| Rc::new(5)).join().expect("a result");
        assert_eq!(*rc, 5);
        let handle = spawn(|| sleep(MS));
        assert!(!handle.is_finished());
        while !handle.is_finished() {
            yield_now();
        }
        handle.join().expect("no panic");
    });
}

#[test]
fn run_ends_when_all_have_ended() {
    let ended = std::sync::Arc::new(AtomicUsize::new(0));
    let inner = ended.clone();
    run(move || {
        for i in 0..20 {
            let ended = inner.clone();
            spawn(move || {
                sleep(MS * (i % 3));
                ended.fetch_add(1, SeqCst);
            });
        }
    });
    assert_eq!(ended.load(SeqCst), 20);
}

/// Children that borrow, park and end in every way, in a scope whose closure ends in every way.
fn every_child_has_ended(owner_panics: bool, child_panics: bool, join: bool) {
    let (mut counts, running) = ([0u32; 12], AtomicUsize::new(0));
    let result = catch_unwind(AssertUnwindSafe(|| {
        run(|| {
            scope(|s| {
                for (i, count) in counts.iter_mut().enumerate() {
                    let running = &running;
                    let handle = s.spawn(move || {
                        running.fetch_add(1, SeqCst);
                        let _ended = OnDrop(|| {
                            yield_now();
                            running.fetch_sub(1, SeqCst);
                        });
                        (0..i).for_each(|_| if i % 2 == 0 { hop(yield_now) } else { on_chunk(yield_now) });
                        *count += 1;
                        assert!(!child_panics || i != 5, "child");
                    });
                    match i % 3 {
                        0 if join => drop(handle.join()),
                        1 => std::mem::forget(handle),
                        _ => drop(handle),
                    }
                }
                if owner_panics {
                    resume_unwind(Box::new("owner"));
                }
            });
            assert_eq!(running.load(SeqCst), 0);
        });
    }));
    assert_eq!((counts, running.load(SeqCst)), ([1; 12], 0));
    let text = result.err().map(|payload| *payload.downcast_ref::<&str>().expect("a text"));
    assert_eq!(text, if owner_panics { Some("owner") } else { child_panics.then_some("child") });
}

#[test]
fn every_child_has_ended_whatever_panics() {
    for case in 0..8 {
        every_child_has_ended(case & 1 != 0, case & 2 != 0, case & 4 != 0);
    }
}

#[test]
fn a_joined_panic_is_the_joiners() {
    let value = run(|| scope(|s| s.spawn(|| panic_any(3)).join().expect_err("panics").downcast::<i32>()));
    assert_eq!(value.ok().as_deref(), Some(&3));
}

#[test]
fn results_that_nobody_wants_are_dropped_inside_of_the_scope() {
    let dropped = AtomicUsize::new(0);
    run(|| {
        scope(|s| {
            for _ in 0..5 {
                s.spawn(|| OnDrop(|| _ = dropped.fetch_add(1, SeqCst)));
            }
        });
        assert_eq!(dropped.load(SeqCst), 5);
        let caught = catch_unwind(AssertUnwindSafe(|| scope(|s| drop(s.spawn(|| OnDrop(|| panic_any(9)))))));
        assert_eq!(caught.expect_err("the drop's").downcast_ref(), Some(&9));
    });
}

#[test]
fn scopes_nest_and_children_spawn_siblings() {
    let count = AtomicUsize::new(0);
    run(|| {
        scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    s.spawn(|| {
                        yield_now();
                        count.fetch_add(1, SeqCst);
                    });
                    scope(|inner| {
                        for _ in 0..3 {
                            inner.spawn(|| {
                                yield_now();
                                count.fetch_add(10, SeqCst);
                            });
                        }
                    });
                    assert!(count.load(SeqCst) >= 30);
                });
            }
        });
    });
    assert_eq!(count.into_inner(), 93);
}

#[test]
fn permits_are_kept_once() {
    run(|| {
        let me = vthread::current().expect("a vthread");
        me.unpark();
        me.unpark();
        park();
        let start = Instant::now();
        vthread::park_timeout(5 * MS);
        assert!(start.elapsed() >= 5 * MS, "a second permit");
        let other = spawn(move || me.unpark());
        park();
        other.join().expect("no panic");
        // Before it starts.
        let late = spawn(park);
        late.vthread().unpark();
        late.join().expect("no panic");
    });
    assert!(vthread::current().is_none());
}

#[test]
fn other_threads_unpark() {
    let done = AtomicBool::new(false);
    Builder::new()
        .when_stuck(WhenStuck::Sleep)
        .run(|| {
            let me = vthread::current().expect("a vthread");
            std::thread::scope(|threads| {
                threads.spawn(|| {
                    for i in 0..300 {
                        if i % 50 == 0 {
                            std::thread::sleep(MS);
                        }
                        me.unpark();
                    }
                    done.store(true, SeqCst);
                    me.unpark();
                });
                while !done.load(SeqCst) {
                    park();
                }
            });
        })
        .expect("no deadlock");
}

#[test]
fn sleepers_wake_in_order_and_the_carrier_sleeps_with_them() {
    let cpu = || {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a place for the result.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    };
    let start = cpu();
    let order = RefCell::new(Vec::new());
    run(|| {
        scope(|s| {
            for i in [30u32, 10, 20, 0, 100] {
                let order = &order;
                s.spawn_local(move || {
                    sleep(i * MS);
                    order.borrow_mut().push(i);
                });
            }
        });
    });
    assert_eq!(*order.borrow(), [0, 10, 20, 30, 100]);
    assert!(cpu().saturating_sub(start) < 50 * MS, "an idle carrier uses the CPU");
}

#[test]
fn a_busy_carrier_serves_timers() {
    run(|| {
        let stop = &AtomicBool::new(false);
        scope(|s| {
            s.spawn(move || {
                while !stop.load(SeqCst) {
                    yield_now();
                }
            });
            s.spawn(move || {
                sleep(MS);
                stop.store(true, SeqCst);
            })
            .join()
            .expect("no panic");
        });
    });
}

#[test]
fn a_join_with_a_timeout_gives_the_handle_back() {
    run(|| {
        let handle = spawn(|| {
            sleep(20 * MS);
            5
        });
        let handle = handle.join_timeout(MS).expect_err("not ended yet");
        assert_eq!(handle.join_timeout(Duration::from_mins(1)).expect("ended").ok(), Some(5));
    });
}

vthread::vthread_local! {
    static OWN: Cell<u32> = Cell::new(7);
    static LOG: OnDrop<Box<dyn FnMut()>> = OnDrop(Box::new(|| {
        OWN.with(|own| OWN_SEEN.fetch_add(own.get() as usize, SeqCst));
    }));
}

static OWN_SEEN: AtomicUsize = AtomicUsize::new(0);

#[test]
fn locals_are_each_vthreads_own_and_are_dropped_at_its_end() {
    OWN.with(|own| own.set(1000));
    run(|| {
        scope(|s| {
            for i in 0..10 {
                s.spawn(move || {
                    OWN.with(|own| {
                        own.set(i);
                        yield_now();
                        assert_eq!(own.get(), i);
                    });
                    LOG.with(|_| ());
                });
            }
        });
        assert_eq!((OWN_SEEN.load(SeqCst), OWN.with(Cell::get)), (45, 7));
    });
    assert_eq!(OWN.with(Cell::get), 1000);
}

#[test]
fn names_and_ids() {
    run(|| {
        let ids = scope(|s| {
            let named = s.spawn_named("reader", || {
                vthread::current().map(|me| (me.id(), me.name().map(String::from)))
            });
            let other = s.spawn(|| vthread::current().map(|me| (me.id(), me.name().map(String::from))));
            assert_eq!(named.vthread().name(), Some("reader"));
            [named.join().ok().flatten(), other.join().ok().flatten()]
        });
        let [Some((a, Some(name))), Some((b, None))] = ids else { panic!("{ids:?}") };
        assert!(a != b && name == "reader");
    });
}

#[test]
fn finish_joins_its_blocks() {
    let (mut a, mut b, text) = (0, 0, String::from("moved"));
    let all = run(|| {
        let rest = vthread::finish! {
            async { yield_now(); a = 1; }
            async move { assert_eq!(text, "moved"); }
            async { b = 2; }
            let x = 20;
            x + 1
        };
        a + b + rest
    });
    assert_eq!(all, 24);
    let caught = catch_unwind(|| run(|| vthread::finish! { async { panic_any(4) } 0 }));
    assert_eq!(caught.expect_err("panics").downcast_ref(), Some(&4));
}

#[test]
fn a_deadlock_is_reported_and_ends_run() {
    let dropped = AtomicUsize::new(0);
    let result = Builder::new().when_stuck(WhenStuck::Report).run(|| {
        scope(|s| {
            let first = s.spawn_named("first", || {
                let _drop = OnDrop(|| {
                    sleep(MS);
                    dropped.fetch_add(1, SeqCst);
                });
                park();
            });
            let id = first.vthread().id();
            s.spawn_named("second", || drop(first.join()));
            id
        })
    });
    let Err(Error::Deadlock { report }) = result else { panic!("{result:?}") };
    assert!(report.contains("(first) parks until its unpark"), "{report}");
    assert!(report.contains("(second) waits for the end of vthread "), "{report}");
    assert!(report.contains("waits for the vthreads of its scope"), "{report}");
    assert_eq!(dropped.into_inner(), 1);
}

#[test]
fn a_vthread_cannot_wait_for_itself() {
    run(|| {
        let (sent, handle) = (Rc::new(RefCell::new(None::<vthread::JoinHandle<()>>)), ());
        let () = handle;
        let own = sent.clone();
        let child = vthread::spawn_local(move || {
            let handle = own.borrow_mut().take().expect("it was put there");
            let caught = catch_unwind(AssertUnwindSafe(|| handle.join()));
            let text = *caught.expect_err("refused").downcast::<String>().expect("a text");
            assert!(text.contains("waits for its own end"), "{text}");
            OWN_JOIN.store(true, SeqCst);
        });
        *sent.borrow_mut() = Some(child);
    });
    assert!(OWN_JOIN.load(SeqCst));
}

static OWN_JOIN: AtomicBool = AtomicBool::new(false);

#[test]
fn outside_of_a_runtime_spawning_is_refused_and_waiting_is_the_threads() {
    let text = *catch_unwind(|| spawn(|| ())).expect_err("refused").downcast::<&str>().expect("a text");
    assert!(text.contains("runs no vthreads"));
    yield_now();
    sleep(MS);
    vthread::park_timeout(MS);
    assert_eq!(scope(|_| 5), 5);
}

#[test]
fn many_spawns_leave_nothing_behind() {
    let count = if common::long() { 1_000_000 } else { 20_000 };
    Builder::new()
        .run(|| {
            for round in 0..4 {
                let ended = AtomicUsize::new(0);
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    scope(|s| {
                        for i in 0..count / 4 {
                            let ended = &ended;
                            let handle = s.spawn(move || {
                                let _ended = OnDrop(|| _ = ended.fetch_add(1, SeqCst));
                                match i % 64 {
                                    0 => resume_unwind(Box::new(i)),
                                    1 => hop(yield_now),
                                    2 if round == 3 => park(),
                                    3 => vthread::park_timeout(MS / 10),
                                    _ => {}
                                }
                            });
                            if i % 100 == 0 {
                                yield_now();
                                drop(handle);
                            }
                        }
                        if round == 3 {
                            yield_now();
                            s.cancel();
                        }
                    });
                }));
                assert!(caught.is_err() || round == 3);
                assert!(round == 3 || ended.load(SeqCst) == count / 4);
            }
            // Who sleeps gives them back.
            sleep(Duration::from_millis(1));
            let stats = vthread::stats();
            assert_eq!((stats.hop_stacks.kept, stats.hop_stacks.total <= 12), (0, true), "{stats:?}");
        })
        .expect("no deadlock");
}

thread_local! {
    static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

struct Noted(u32);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|all| all.push(self.0));
        assert!(self.0 != 2, "the second goes badly");
    }
}

vthread::vthread_local! {
    static FIRST: Noted = Noted(1);
    static SECOND: Noted = Noted(2);
}

/// None may be left for whoever drops the vthread's handle, on another thread perhaps.
#[test]
fn a_local_whose_destructor_panics_keeps_no_other_from_being_dropped() {
    run(|| {
        let handle = vthread::spawn_local(|| {
            FIRST.with(|_| ());
            SECOND.with(|_| ());
        });
        let named = handle.vthread();
        assert!(handle.join().is_err(), "the destructor's panic");
        assert_eq!(DROPPED.take(), [2, 1]);
        std::thread::spawn(move || drop(named)).join().expect("nothing is dropped there");
    });
}
