//! Runtimes of several carriers: where vthreads start and stay, that nobody sleeps through work, how runtimes end.

#![cfg(vthread_native)]

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use vthread::{Error, Runtime, WhenStuck, channel};

fn runtime(carriers: usize) -> Runtime {
    Runtime::builder().carriers(carriers).build().expect("a runtime")
}

#[test]
fn work_is_shared_but_what_has_started_stays() {
    let caller = thread::current().id();
    let seen = Mutex::new(HashSet::new());
    runtime(3)
        .run(|| {
            vthread::scope(|s| {
                for _ in 0..300 {
                    s.spawn(|| {
                        let home = thread::current().id();
                        seen.lock().expect("no panic").insert(home);
                        for _ in 0..20 {
                            vthread::yield_now();
                            thread::sleep(Duration::from_micros(20));
                            assert_eq!(thread::current().id(), home);
                        }
                    });
                }
            });
        })
        .expect("it runs");
    let seen = seen.into_inner().expect("no panic");
    assert!(!seen.contains(&caller), "a vthread ran on the thread that waits");
    assert!(seen.len() > 1, "all started on one carrier");
}

#[test]
fn neither_one_that_yields_nor_one_that_does_not_keeps_a_start_waiting() {
    let (yields, stop, started) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
    let until = |flag: &AtomicBool| {
        let since = Instant::now();
        while !flag.load(SeqCst) && since.elapsed() < Duration::from_mins(1) {
            std::hint::spin_loop();
        }
        flag.load(SeqCst)
    };
    let outcome = runtime(2).run(|| {
        vthread::scope(|s| {
            // The other carrier takes this one, as we do not yield, and has something to do for ever.
            drop(s.spawn(|| {
                while !stop.load(SeqCst) {
                    yields.store(true, SeqCst);
                    vthread::yield_now();
                }
            }));
            let runs = until(&yields);
            // This one is ours, and we go on not yielding.
            drop(s.spawn(|| started.store(true, SeqCst)));
            let has_started = until(&started);
            stop.store(true, SeqCst);
            (runs, has_started)
        })
    });
    assert_eq!(outcome.expect("it runs"), (true, true));
}

#[test]
fn local_ones_start_with_their_spawner() {
    runtime(3)
        .run(|| {
            let home = thread::current().id();
            let unsendable = std::rc::Rc::new(5);
            vthread::scope(|s| {
                for _ in 0..100 {
                    let unsendable = unsendable.clone();
                    s.spawn_local(move || {
                        assert_eq!(thread::current().id(), home);
                        vthread::yield_now();
                        *unsendable
                    });
                    s.spawn(|| thread::sleep(Duration::from_micros(10)));
                }
            });
        })
        .expect("it runs");
}

#[test]
fn values_cross_carriers_in_both_directions() {
    for capacity in [0, 1, 7] {
        let sum = runtime(2).run(|| {
            let (there, requests) = channel::bounded::<u64>(capacity);
            let (back, answers) = channel::bounded(capacity);
            vthread::scope(|s| {
                for _ in 0..4 {
                    let (requests, back) = (requests.clone(), back.clone());
                    s.spawn(move || {
                        thread::sleep(Duration::from_millis(1));
                        requests.iter().for_each(|n| back.send(2 * n).expect("a receiver"));
                    });
                }
                drop((requests, back));
                s.spawn(move || (1..=2000).for_each(|n| there.send(n).expect("a receiver")));
                answers.iter().sum::<u64>()
            })
        });
        assert_eq!(sum.expect("it runs"), 2000 * 2001);
    }
}

#[test]
fn no_start_and_no_wake_up_is_lost() {
    // Carriers fall asleep between rounds.
    let runtime = runtime(2);
    let count = AtomicU64::new(0);
    for round in 0..500u64 {
        let ended = runtime.run(|| {
            vthread::scope(|s| {
                let (sender, receiver) = channel::unbounded();
                for i in 0..round % 5 {
                    let sender = sender.clone();
                    s.spawn(move || sender.send(i).expect("a receiver"));
                }
                drop(sender);
                count.fetch_add(receiver.iter().count() as u64, SeqCst);
            });
        });
        ended.expect("it runs");
    }
    assert_eq!(count.into_inner(), 1000);
}

#[test]
fn many_threads_use_one_runtime() {
    let runtime = runtime(2);
    thread::scope(|s| {
        for n in 0..4u64 {
            let runtime = &runtime;
            s.spawn(move || {
                for _ in 0..50 {
                    let answer = runtime.run(|| vthread::spawn(move || n).join().expect("no panic"));
                    assert_eq!(answer.expect("it runs"), n);
                }
            });
        }
    });
}

#[test]
fn a_panic_comes_back_to_who_runs() {
    let runtime = runtime(2);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.run(|| std::panic::resume_unwind(Box::new(7)))
    }));
    assert_eq!(caught.expect_err("a panic").downcast_ref(), Some(&7));
    assert_eq!(runtime.run(|| 8).expect("it goes on"), 8);
}

#[test]
fn a_runtime_inside_of_a_runtime_is_refused() {
    let (outer, inner) = (runtime(1), runtime(1));
    let refused = outer.run(|| matches!(inner.run(|| ()), Err(Error::AlreadyACarrier)));
    assert!(refused.expect("it runs"));
}

#[test]
fn dropping_it_ends_what_waits_for_ever() {
    struct Counts(Arc<AtomicUsize>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            // A destructor may still wait.
            vthread::sleep(Duration::from_millis(1));
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let runtime = runtime(2);
    for i in 0..40 {
        let counts = Counts(dropped.clone());
        let spawned = runtime.spawn(move || {
            let _counts = counts;
            match i % 4 {
                0 => vthread::park(),
                1 => drop(channel::rendezvous::<()>().1.recv()),
                2 => vthread::sleep(Duration::from_secs(1000)),
                _ => loop {
                    vthread::yield_now();
                },
            }
        });
        drop(spawned.expect("the runtime is here"));
    }
    runtime.run(|| vthread::sleep(Duration::from_millis(20))).expect("it runs");
    // One more that has perhaps not started.
    let counts = Counts(dropped.clone());
    drop(runtime.spawn(move || drop(counts)));
    drop(runtime);
    assert_eq!(dropped.load(SeqCst), 41);
}

#[test]
fn finishing_it_waits_for_all() {
    let ended = Arc::new(AtomicUsize::new(0));
    let runtime = runtime(2);
    for i in 0..50u64 {
        let ended = ended.clone();
        let spawned = runtime.spawn(move || {
            vthread::sleep(Duration::from_millis(i % 7));
            vthread::spawn(move || ended.fetch_add(1, SeqCst));
        });
        drop(spawned.expect("the runtime is here"));
    }
    runtime.finish();
    assert_eq!(ended.load(SeqCst), 50);
}

#[test]
fn a_cancelled_scope_reaches_all_carriers() {
    let started = AtomicUsize::new(0);
    let start = Instant::now();
    let ended = runtime(2).run(|| {
        vthread::scope(|s| {
            for _ in 0..20 {
                s.spawn(|| {
                    started.fetch_add(1, SeqCst);
                    thread::sleep(Duration::from_millis(1));
                    vthread::sleep(Duration::from_secs(1000));
                });
            }
            while started.load(SeqCst) < 10 {
                vthread::yield_now();
            }
            s.cancel();
        });
    });
    ended.expect("it runs");
    assert!(start.elapsed() < Duration::from_secs(100));
}

#[test]
fn idle_carriers_use_no_processor_time() {
    fn used() -> Duration {
        // SAFETY: fills the struct that it is given.
        let usage = unsafe {
            let mut usage: libc::rusage = core::mem::zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut usage), 0);
            usage
        };
        let time = |t: libc::timeval| Duration::new(t.tv_sec.cast_unsigned(), 1000 * t.tv_usec as u32);
        time(usage.ru_utime) + time(usage.ru_stime)
    }
    // In a process of its own: the other tests use processors.
    if std::env::var_os("VTHREAD_TEST_IDLE").is_none() {
        let me = std::env::current_exe().expect("a path");
        let status = std::process::Command::new(me)
            .args(["--exact", "idle_carriers_use_no_processor_time"])
            .env("VTHREAD_TEST_IDLE", "1")
            .status();
        return assert!(status.expect("it runs").success());
    }
    let runtime = runtime(4);
    runtime.run(|| ()).expect("it runs");
    let before = used();
    thread::sleep(Duration::from_millis(300));
    runtime.run(|| vthread::sleep(Duration::from_millis(700))).expect("it runs");
    let used = used().saturating_sub(before);
    assert!(used < Duration::from_millis(50), "{used:?} of one second");
}

#[test]
fn a_forked_child_is_told_so() {
    let runtime = runtime(1);
    runtime.run(|| ()).expect("it runs");
    // SAFETY: the child calls what needs no lock that another thread could hold, but for the allocator's, which libc
    // makes usable after a fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = matches!(runtime.run(|| ()), Err(Error::Forked));
        drop(runtime);
        // A runtime of its own works.
        let own = vthread::run(|| vthread::spawn(|| 6).join().unwrap_or(0)) == 6;
        // SAFETY: ends the child.
        unsafe { libc::_exit(i32::from(!(refused && own))) };
    }
    let mut status = 0;
    // SAFETY: our child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "status {status:#x}");
}

#[test]
fn a_blocked_carrier_is_reported_with_vthread_and_call() {
    if std::env::var_os("VTHREAD_TEST_BLOCKED").is_some() {
        return runtime(2).run(|| thread::sleep(Duration::from_millis(2500))).expect("it runs");
    }
    let me = std::env::current_exe().expect("a path");
    let output = std::process::Command::new(me)
        .args(["--exact", "--nocapture", "a_blocked_carrier_is_reported_with_vthread_and_call"])
        .env("VTHREAD_TEST_BLOCKED", "1")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("has run nobody else for").count(), 1, "{text}");
    assert!(
        text.contains("(runtime::a_blocked_carrier") && text.contains("is blocked in system call"),
        "{text}"
    );
}

#[test]
fn a_process_may_exit_during_work() {
    if std::env::var_os("VTHREAD_TEST_EXIT").is_some() {
        let _ = runtime(2).run(|| {
            for _ in 0..100 {
                vthread::spawn(|| {
                    loop {
                        vthread::yield_now();
                    }
                });
            }
            vthread::sleep(Duration::from_millis(20));
            std::process::exit(17);
        });
        return;
    }
    let me = std::env::current_exe().expect("a path");
    let status = std::process::Command::new(me)
        .args(["--exact", "a_process_may_exit_during_work"])
        .env("VTHREAD_TEST_EXIT", "1")
        .status();
    assert_eq!(status.expect("it runs").code(), Some(17));
}

/// The other carriers have nothing to do and have left by then.
#[test]
fn a_deadlock_at_the_end_of_a_runtime_ends_with_who_waits() {
    if !common::is_child() {
        let output = common::child("a_deadlock_at_the_end_of_a_runtime_ends_with_who_waits", &[]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        assert!(told.contains("at the end of a runtime") && told.contains("waits to receive"), "{told}");
        return;
    }
    let runtime = Runtime::builder().carriers(3).when_stuck(WhenStuck::Report).build().expect("a runtime");
    let (sender, receiver) = channel::rendezvous::<()>();
    let waits = runtime
        .spawn(move || {
            let own = sender;
            let result = receiver.recv();
            drop(own);
            result.is_ok()
        })
        .expect("a vthread");
    runtime.finish();
    assert!(waits.join().is_err(), "its wait was cancelled");
}

/// All look at the same time.
#[test]
fn a_deadlock_that_many_threads_wait_for_is_broken_once() {
    for _ in 0..if common::long() { 100 } else { 3 } {
        let runtime =
            Runtime::builder().carriers(2).when_stuck(WhenStuck::Report).build().expect("a runtime");
        let together = std::sync::Barrier::new(8);
        let waits = || {
            let (sender, receiver) = channel::rendezvous::<()>();
            together.wait();
            let ended = runtime.run(|| receiver.recv());
            drop(sender);
            ended
        };
        thread::scope(|s| {
            for handle in [(); 8].map(|()| s.spawn(waits)) {
                let ended = handle.join().expect("no panic");
                assert!(matches!(ended, Err(Error::Deadlock { .. })), "{ended:?}");
            }
        });
    }
}

#[test]
fn a_deadlock_across_carriers_ends_with_who_waits_for_what() {
    let runtime = Runtime::builder().carriers(2).when_stuck(WhenStuck::Report).build().expect("a runtime");
    let ended = runtime.run(|| {
        vthread::scope(|s| {
            let (a, b) = (channel::rendezvous::<()>(), channel::rendezvous::<()>());
            let (to_a, from_a, to_b, from_b) = (a.0, a.1, b.0, b.1);
            s.spawn_named("left", move || from_a.recv().map(|()| to_b.send(()).expect("a receiver")));
            s.spawn_named("right", move || from_b.recv().map(|()| to_a.send(()).expect("a receiver")));
        });
    });
    // Who unwraps it reads lines.
    assert!(format!("{:?}", ended.as_ref().err()).contains("any more:\n  vthread "), "{ended:?}");
    let Err(Error::Deadlock { report }) = ended else { panic!("no deadlock: {ended:?}") };
    for part in ["(left) waits to receive", "(right) waits to receive", "waits for the vthreads of its scope"]
    {
        assert!(report.contains(part), "{report}");
    }
    // It is over: a cancelled scope cancels nobody else.
    let others = runtime.run(|| {
        let other = vthread::spawn(|| vthread::sleep(Duration::from_millis(50)));
        vthread::scope(|s| {
            drop(s.spawn(vthread::park));
            s.cancel();
        });
        other.join().is_ok()
    });
    assert!(others.expect("no deadlock"));
    // Who waits for a time, or for another thread, is in no deadlock.
    let (sender, receiver) = channel::bounded(1);
    runtime.run(|| vthread::sleep(Duration::from_millis(1200))).expect("it ends by itself");
    let patient = Runtime::builder().carriers(2).when_stuck(WhenStuck::Sleep).build().expect("a runtime");
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(1200));
        sender.send(3)
    });
    assert_eq!(patient.run(move || receiver.recv()).expect("it is woken"), Ok(3));
    late.join().expect("no panic").expect("a receiver");
}

#[test]
fn a_finished_runtime_tells_what_it_did() {
    const CHILDREN: usize = 40;
    let runtime = runtime(2);
    let barrier = vthread::sync::Barrier::new(CHILDREN);
    let ran = runtime.run(|| {
        vthread::scope(|s| {
            for _ in 0..CHILDREN {
                s.spawn_local(|| barrier.wait());
            }
        });
    });
    ran.expect("it runs");
    let numbers = runtime.finish().vthreads;
    assert_eq!(numbers.started, CHILDREN as u64 + 1);
    assert_eq!(numbers.most_alive, CHILDREN + 1);
    // All but the last child wait, and so does the first vthread.
    assert_eq!(numbers.switches, 2 * CHILDREN as u64 + 1, "{numbers:?}");
    assert!(numbers.steals <= 1, "{numbers:?}");
}
