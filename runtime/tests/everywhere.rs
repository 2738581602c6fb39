//! What holds on every system, where vthreads have carriers and where each has an OS thread.

mod common;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use vthread::channel::{bounded, oneshot, rendezvous, unbounded, watch};
use vthread::sync::{Barrier, Condvar, Mutex, Notify, RwLock, Semaphore};
use vthread::{Cancelled, concurrent_for, current, parallel_for, run, scope, sleep, spawn, spawn_local};

const MS: Duration = Duration::from_millis(1);

#[test]
fn vthreads_borrow_end_and_give_results() {
    let mut counts = [0; 8];
    let ended = AtomicUsize::new(0);
    let names = run(|| {
        scope(|s| {
            let handles = counts.iter_mut().enumerate().map(|(i, count)| {
                let ended = &ended;
                s.spawn_named(&format!("v{i}"), move || {
                    let _ended = common::OnDrop(|| {
                        ended.fetch_add(1, SeqCst);
                    });
                    sleep(MS / 4);
                    *count = i;
                    current().expect("a vthread").name().expect("a name").to_owned()
                })
            });
            let handles: Vec<_> = handles.collect();
            handles.into_iter().map(|h| h.join().expect("no panic")).collect::<Vec<_>>()
        })
    });
    assert_eq!((counts, ended.into_inner()), ([0, 1, 2, 3, 4, 5, 6, 7], 8));
    assert_eq!(names.concat(), "v0v1v2v3v4v5v6v7");
    assert!(current().is_none());
}

#[test]
fn run_waits_for_all_and_panics_are_passed_on() {
    let ended = std::sync::Arc::new(AtomicUsize::new(0));
    let inner = ended.clone();
    run(move || {
        for _ in 0..8 {
            let ended = inner.clone();
            spawn(move || {
                sleep(MS);
                ended.fetch_add(1, SeqCst);
            });
        }
    });
    assert_eq!(ended.load(SeqCst), 8);
    let payload = run(|| spawn(|| panic_any(7u8)).join()).expect_err("panics");
    assert_eq!(payload.downcast_ref(), Some(&7u8));
    let caught = catch_unwind(AssertUnwindSafe(|| run(|| scope(|s| drop(s.spawn(|| panic_any("child")))))));
    assert_eq!(caught.expect_err("panics").downcast_ref(), Some(&"child"));
}

#[test]
fn cancellation_ends_waits() {
    let (begun, dropped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    run(|| {
        let (_sender, receiver) = rendezvous::<u8>();
        let (none, notify) = (Semaphore::new(0), Notify::new());
        let waits: [&(dyn Fn() + Sync); 5] = [
            &|| assert!(receiver.recv().is_ok()),
            &|| drop(none.acquire(1)),
            &|| notify.wait(),
            &|| sleep(Duration::from_hours(1)),
            &vthread::park,
        ];
        scope(|s| {
            let children = waits.map(|wait| {
                let (begun, dropped) = (&begun, &dropped);
                s.spawn(move || {
                    begun.fetch_add(1, SeqCst);
                    let _dropped = common::OnDrop(|| {
                        dropped.fetch_add(1, SeqCst);
                    });
                    wait();
                })
            });
            while begun.load(SeqCst) < waits.len() {
                sleep(MS);
            }
            sleep(2 * MS);
            s.cancel();
            for child in children {
                assert!(child.join().expect_err("cancelled").is::<Cancelled>());
            }
            // Who comes late does not begin.
            assert!(s.spawn(|| ()).join().expect_err("cancelled").is::<Cancelled>());
        });
    });
    assert_eq!(dropped.into_inner(), 5);
}

/// What a child died of is told, unless it was that child, or its scope, that was to end.
#[test]
fn another_scopes_cancellation_is_a_panic_of_who_dies_of_it() {
    let dies_of_another_ones = || {
        let of_another = scope(|other| {
            other.cancel();
            other.spawn(|| ()).join().expect_err("cancelled")
        });
        resume_unwind(of_another);
    };
    run(|| {
        for joined in [true, false] {
            let ended = catch_unwind(AssertUnwindSafe(|| {
                scope(|s| {
                    let child = s.spawn(dies_of_another_ones);
                    if joined {
                        assert!(child.join().expect_err("it died").is::<Cancelled>());
                    }
                });
            }));
            // A handle that has given it has told it.
            assert_eq!(ended.is_ok(), joined);
            assert!(ended.err().is_none_or(|payload| payload.is::<Cancelled>()));
        }
        // As that of its own, or of one around it, is none.
        scope(|s| {
            s.spawn(|| scope(|inner| drop(inner.spawn(vthread::park))));
            s.cancel();
        });
    });
}

#[test]
fn nobody_gets_more_carriers_than_there_are_threads() {
    for count in [usize::MAX, 1 << 40, (1 << 22) + 1] {
        let error = vthread::Runtime::builder().carriers(count).build().expect_err("too many");
        assert!(error.to_string().contains(&count.to_string()), "{error}");
    }
}

/// A destructor may have a scope whose children end with the runtime: that is no panic, which would be one too many there.
#[test]
fn a_runtime_that_ends_cancels_the_scopes_of_destructors() {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    let runtime = vthread::Runtime::builder().carriers(1).build().expect("a thread");
    let panicked = runtime.spawn(|| {
        let _scope = common::OnDrop(|| {
            scope(|s| {
                s.spawn(|| {
                    BEGUN.fetch_add(1, SeqCst);
                    vthread::park();
                });
            });
            ENDED.fetch_add(1, SeqCst);
        });
        resume_unwind(Box::new("its own"));
    });
    while BEGUN.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    drop(runtime);
    let payload = panicked.expect("no child").join().expect_err("it panicked");
    assert_eq!((payload.downcast_ref(), ENDED.load(SeqCst)), (Some(&"its own"), 1));
}

#[test]
fn values_pass_through_every_kind_of_channel() {
    let total = run(|| {
        let kinds = [rendezvous(), bounded(3), unbounded()];
        let mut total = 0;
        for (sender, receiver) in kinds {
            scope(|s| {
                for _ in 0..2 {
                    let sender = sender.clone();
                    s.spawn(move || (1..=50).for_each(|n| sender.send(n).expect("a receiver")));
                }
                drop(sender);
                total += receiver.iter().sum::<u32>();
            });
        }
        let (once, answer) = oneshot::channel();
        spawn(move || once.send(5));
        let (state, mut changes) = watch::channel(0);
        spawn(move || (1..=9).for_each(|n| state.send(n)));
        while *changes.recv().expect("a sender") != 9 {}
        total + answer.recv().expect("a sender")
    });
    assert_eq!(total, 3 * 2 * 1275 + 5);
}

#[test]
fn locks_exclude() {
    let (plain, shared, permits) = (Mutex::new(0), RwLock::new(0), Semaphore::new(2));
    let (barrier, changed) = (Barrier::new(4), Condvar::new());
    run(|| {
        scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    barrier.wait();
                    for _ in 0..50 {
                        let _permit = permits.acquire(1);
                        *shared.write() += 1;
                        *plain.lock() += 1;
                        changed.notify_all();
                    }
                });
            }
            let mut count = plain.lock();
            while *count < 200 {
                count = changed.wait(count);
            }
        });
    });
    assert_eq!((plain.into_inner(), *shared.read()), (200, 200));
}

vthread::vthread_local! {
    static DEPTH: Cell<u32> = Cell::new(0);
}

#[test]
fn what_is_not_send_stays_and_locals_are_each_ones_own() {
    run(|| {
        DEPTH.with(|d| d.set(5));
        let rc = Rc::new(Cell::new(1));
        let inner = rc.clone();
        let thread = std::thread::current().id();
        let child = spawn_local(move || {
            inner.set(2);
            (std::thread::current().id(), DEPTH.with(Cell::get))
        });
        assert_eq!(child.join().expect("no panic"), (thread, 0));
        assert_eq!((rc.get(), DEPTH.with(Cell::get)), (2, 5));
    });
}

/// Waits when it is dropped, and says that it was not left in the middle.
struct Patient;

static PATIENT_TO_THE_END: AtomicUsize = AtomicUsize::new(0);

impl Drop for Patient {
    fn drop(&mut self) {
        vthread::yield_now();
        sleep(MS);
        drop(Semaphore::new(1).acquire(1));
        PATIENT_TO_THE_END.fetch_add(1, SeqCst);
    }
}

vthread::vthread_local! {
    static PATIENT: Patient = Patient;
}

#[test]
fn destructors_of_locals_of_a_cancelled_vthread_are_carried_out_to_the_end() {
    run(|| {
        let is_made = Semaphore::new(0);
        scope(|s| {
            let child = s.spawn(|| {
                PATIENT.with(|_| ());
                is_made.release(1);
                vthread::park();
            });
            drop(is_made.acquire(1));
            s.cancel();
            assert!(child.join().expect_err("cancelled").is::<Cancelled>());
        });
    });
    assert_eq!(PATIENT_TO_THE_END.load(SeqCst), 1);
}

#[test]
fn loops_see_every_item() {
    let (here, anywhere) = (Cell::new(0), AtomicUsize::new(0));
    run(|| {
        concurrent_for(1..=100, 7, |n| here.set(here.get() + n));
        parallel_for(1..=1000, 3, |n| {
            anywhere.fetch_add(n, SeqCst);
        });
    });
    assert_eq!((here.get(), anywhere.into_inner()), (5050, 500_500));
}

#[test]
fn a_runtime_ends_with_what_it_has() {
    let runtime = vthread::Runtime::builder().carriers(2).build().expect("threads");
    let sum = runtime
        .run(|| scope(|s| [1, 2, 3].map(|n| s.spawn(move || n * n)).map(|h| h.join().expect("no panic"))));
    assert_eq!(sum.expect("a result"), [1, 4, 9]);
    let caught = catch_unwind(AssertUnwindSafe(|| runtime.run(|| panic_any(3))));
    assert_eq!(caught.expect_err("panics").downcast_ref(), Some(&3));
    let later = runtime.spawn(|| sleep(MS)).expect("a vthread");
    let endless = runtime.spawn(vthread::park).expect("a vthread");
    later.join().expect("no panic");
    drop(runtime);
    assert!(endless.join().expect_err("cancelled").is::<Cancelled>());
}

/// What a waker panics with is dropped there, which may panic as well.
#[test]
fn a_waker_that_panics_ends_nobody() {
    use std::future::{Future, IntoFuture};
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};

    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "the payload");
        }
    }
    struct Panics(AtomicUsize);
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
            panic_any(PanicsWhenDropped);
        }
    }
    let panics = Arc::new(Panics(AtomicUsize::new(0)));
    let go_on = Semaphore::new(0);
    let result = run(|| {
        scope(|s| {
            let mut end = std::pin::pin!(
                s.spawn(|| {
                    drop(go_on.acquire(1));
                    5
                })
                .into_future()
            );
            let waker = Waker::from(panics.clone());
            assert!(end.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            go_on.release(1);
            while panics.0.load(SeqCst) == 0 {
                sleep(MS);
            }
            end.poll(&mut Context::from_waker(Waker::noop())).map(|result| result.expect("no panic"))
        })
    });
    assert_eq!(result, std::task::Poll::Ready(5));
}

/// As std has it: with no number of an error that the system was not asked for.
#[test]
fn how_a_file_cannot_be_opened_is_told_as_by_std() {
    let [path, none] = [std::env::temp_dir(), std::path::PathBuf::new()];
    for (read, append, create, truncate) in [
        (false, false, false, false),
        (false, false, true, false),
        (true, false, true, false),
        (true, false, false, true),
        (false, true, false, true),
    ] {
        let mut std = std::fs::OpenOptions::new();
        let mut ours = vthread::fs::File::options();
        std.read(read).append(append).create(create).truncate(truncate);
        ours.read(read).append(append).create(create).truncate(truncate);
        for path in [&path, &none] {
            let (std, ours) = (std.open(path).expect_err("std"), ours.open(path).expect_err("ours"));
            let told = |e: &std::io::Error| (e.raw_os_error(), e.kind(), e.to_string());
            assert_eq!(told(&ours), told(&std));
        }
    }
}
