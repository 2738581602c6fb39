//! What becomes of a wake-up that is lost: it is found, repaired and told of. And who asks for it is told who waits for what.

#![cfg(vthread_native)]

use std::io::{BufRead, Write};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use vthread::__private::inject::{lose_wake_ups, wake_ups_to_be_lost};
use vthread::__private::lost_wake_ups;
use vthread::{Runtime, WhenStuck, channel};

/// Faults are the process's.
static ONE: Mutex<()> = Mutex::new(());

fn runtime(carriers: usize) -> Runtime {
    Runtime::builder().carriers(carriers).when_stuck(WhenStuck::Sleep).build().expect("a runtime")
}

/// Calls `wake` when the carriers sleep for sure, and has the wake-up that it makes lost. The runtime's thread goes on all the same.
fn lose_the_wake_up(of: &Runtime, wake: impl FnOnce() + Send + 'static, run: impl FnOnce() + Send) {
    let before = lost_wake_ups();
    let waker = thread::spawn(|| {
        thread::sleep(Duration::from_millis(300));
        lose_wake_ups(1);
        wake();
        let lost = wake_ups_to_be_lost() == 0;
        lose_wake_ups(0);
        lost
    });
    of.run(run).expect("it ends");
    assert!(waker.join().expect("no panic"), "nobody slept");
    assert_eq!(lost_wake_ups(), before + 1);
}

#[test]
fn a_carrier_that_misses_its_wake_up_is_found_and_woken() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (sender, receiver) = channel::bounded(1);
    lose_the_wake_up(
        &runtime(2),
        move || sender.send(7).expect("a receiver"),
        move || assert_eq!(receiver.recv(), Ok(7)),
    );
}

#[test]
fn a_carrier_that_misses_its_bell_is_found_and_woken() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (sender, receiver) = channel::bounded(1);
    let (silent, mut end) = std::io::pipe().expect("a pipe");
    lose_the_wake_up(
        &runtime(1),
        move || sender.send(7).expect("a receiver"),
        move || {
            vthread::scope(|s| {
                // Its operation is under way, so the carrier sleeps in its ring.
                s.spawn_local(|| assert_eq!(vthread::io::read(&silent, &mut [0; 8]).expect("a read"), 1));
                s.spawn_local(|| {
                    assert_eq!(receiver.recv(), Ok(7));
                    end.write_all(&[1]).expect("a pipe");
                });
            });
        },
    );
}

#[test]
fn a_start_that_nobody_is_woken_for_is_found() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (sender, receiver) = channel::bounded(1);
    let runtime = std::sync::Arc::new(runtime(2));
    let spawner = runtime.clone();
    lose_the_wake_up(
        &runtime,
        move || drop(spawner.spawn(move || sender.send(7).expect("a receiver")).expect("no child")),
        move || assert_eq!(receiver.recv(), Ok(7)),
    );
}

/// This test, alone, as another process.
fn again(name: &str, seconds: &str) -> Output {
    let mut me = Command::new(std::env::current_exe().expect("a path"));
    me.args(["--exact", name, "--nocapture"]).env("VTHREAD_TEST_AGAIN", "1");
    me.env("VTHREAD_WHO_WAITS", seconds).output().expect("it runs")
}

#[test]
fn who_waits_for_a_blocking_call_is_in_no_deadlock() {
    let call = || vthread::blocking(|| thread::sleep(Duration::from_millis(1500)));
    let one = vthread::Builder::new().when_stuck(WhenStuck::Report).run(call);
    one.expect("no deadlock");
    let two = Runtime::builder().carriers(2).when_stuck(WhenStuck::Report).build().expect("a runtime");
    two.run(call).expect("no deadlock");
}

/// Its own vthread waits for that, by way of a run that can be seen from outside.
#[test]
fn who_is_watched_cannot_finish_its_own_runtime_either() {
    const NAME: &str = "who_is_watched_cannot_finish_its_own_runtime_either";
    if std::env::var_os("VTHREAD_TEST_AGAIN").is_some() {
        let (give, take) = std::sync::mpsc::channel::<Runtime>();
        let (say, hear) = std::sync::mpsc::channel();
        let runtime = runtime(1);
        let finish = move || {
            let its = take.recv().expect("it is sent");
            let finish = std::panic::AssertUnwindSafe(|| drop(its.finish()));
            say.send(std::panic::catch_unwind(finish).is_err()).expect("the test waits");
        };
        let call = move || vthread::blocking(|| vthread::run(|| vthread::blocking(finish)));
        drop(runtime.spawn(call).expect("the runtime is here"));
        give.send(runtime).expect("the vthread is there");
        assert!(hear.recv_timeout(Duration::from_secs(20)).expect("it does not wait for itself"));
        return;
    }
    for seconds in ["60", ""] {
        let told = again(NAME, seconds);
        assert!(told.status.success(), "{seconds:?}: {}", String::from_utf8_lossy(&told.stderr));
    }
}

/// Without a ring, operations are made by a few threads, for all runtimes of the process.
#[test]
fn who_waits_for_its_turn_in_the_pool_is_in_no_deadlock() {
    const NAME: &str = "who_waits_for_its_turn_in_the_pool_is_in_no_deadlock";
    if std::env::var_os("VTHREAD_TEST_AGAIN").is_none() {
        let mut me = Command::new(std::env::current_exe().expect("a path"));
        me.args(["--exact", NAME, "--nocapture"]).env("VTHREAD_TEST_AGAIN", "1").env("VTHREAD_IO", "pool");
        let told = me.output().expect("it runs");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        return;
    }
    let (theirs, their_end) = std::io::pipe().expect("a pipe");
    let (ours, mut our_end) = std::io::pipe().expect("a pipe");
    thread::scope(|threads| {
        // More than are made at a time.
        threads.spawn(|| {
            let all = vthread::Builder::new().when_stuck(WhenStuck::Sleep).run(|| {
                vthread::scope(|s| {
                    for _ in 0..100 {
                        drop(s.spawn_local(|| {
                            assert_eq!(vthread::io::read(&theirs, &mut [0]).expect("the end"), 0);
                        }));
                    }
                });
            });
            all.expect("no deadlock");
        });
        thread::sleep(Duration::from_millis(300));
        threads.spawn(move || {
            thread::sleep(Duration::from_millis(300));
            our_end.write_all(b"x").expect("a reader");
            drop(their_end);
        });
        let read = || vthread::io::read(&ours, &mut [0]);
        let one = vthread::Builder::new().when_stuck(WhenStuck::Report).run(read);
        assert_eq!(one.expect("no deadlock").expect("a byte"), 1);
    });
}

#[test]
fn a_deadlock_that_cannot_be_ended_ends_the_process_with_who_waits() {
    /// Waits while its vthread panics: nothing ends that.
    struct Waits(channel::Receiver<u8>);

    impl Drop for Waits {
        fn drop(&mut self) {
            let _ = self.0.recv();
        }
    }

    if std::env::var_os("VTHREAD_TEST_AGAIN").is_some() {
        let (_sender, receiver) = channel::bounded(1);
        let two = Runtime::builder().carriers(2).when_stuck(WhenStuck::Report).build().expect("a runtime");
        let ended = two.run(|| {
            vthread::scope(|s| {
                drop(s.spawn_named("stubborn", || {
                    let _waits = Waits(receiver);
                    std::panic::resume_unwind(Box::new(()));
                }));
            });
        });
        panic!("it ended: {ended:?}");
    }
    let told = again("a_deadlock_that_cannot_be_ended_ends_the_process_with_who_waits", "");
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&told.status), Some(libc::SIGABRT), "{said}");
    for part in ["no wait of these can be ended", "(stubborn) waits to receive", "vthreads of its scope"] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

#[vthread::test]
fn a_test_in_which_all_wait_says_so_without_being_asked_and_goes_on() {
    const NAME: &str = "a_test_in_which_all_wait_says_so_without_being_asked_and_goes_on";
    if std::env::var_os("VTHREAD_TEST_AGAIN").is_some() {
        let (sender, receiver) = channel::bounded(1);
        let late = thread::spawn(move || {
            thread::sleep(Duration::from_secs(13));
            sender.send(7)
        });
        // That one waits for a time is no reason for a word.
        vthread::sleep(Duration::from_millis(100));
        assert_eq!(receiver.recv(), Ok(7));
        return late.join().expect("no panic").expect("a receiver");
    }
    let told = vthread::blocking(|| {
        let mut me = Command::new(std::env::current_exe().expect("a path"));
        me.args(["--exact", NAME]).env("VTHREAD_TEST_AGAIN", "1").env_remove("VTHREAD_WHO_WAITS");
        me.output().expect("it runs")
    });
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{said}");
    for part in
        ["no carrier has turned its loop for 1", "unless another thread wakes one", NAME, "waits to receive"]
    {
        assert_eq!(said.matches(part).count(), 1, "{part:?} in {said}");
    }
}

/// Under `vthread::run`, where the calling thread is the carrier.
#[test]
fn who_asks_is_told_of_a_carrier_that_nobody_waits_for() {
    const NAME: &str = "who_asks_is_told_of_a_carrier_that_nobody_waits_for";
    if std::env::var_os("VTHREAD_TEST_AGAIN").is_some() {
        let (sender, receiver) = channel::bounded(1);
        let late = thread::spawn(move || {
            thread::sleep(Duration::from_secs(3));
            sender.send(7)
        });
        // First all wait, then a lock of std's stops the carrier.
        let lock = Mutex::new(());
        vthread::run(|| assert_eq!(receiver.recv(), Ok(7)));
        late.join().expect("no panic").expect("a receiver");
        vthread::run(|| {
            vthread::scope(|s| {
                for _ in ["holds", "is blocked"] {
                    s.spawn(|| {
                        let _held = lock.lock();
                        vthread::yield_now();
                    });
                }
            });
        });
        return;
    }
    let mut me = Command::new(std::env::current_exe().expect("a path"));
    me.args(["--exact", NAME, "--nocapture"]).env("VTHREAD_TEST_AGAIN", "1").env("VTHREAD_WHO_WAITS", "1");
    let mut me = me.stderr(std::process::Stdio::piped()).spawn().expect("it runs");
    // It hangs at the end, as it must.
    let mut said = String::new();
    let mut lines = std::io::BufReader::new(me.stderr.take().expect("piped")).lines();
    while !said.contains("is mounted") {
        said += &(lines.next().expect("a line").expect("text") + "\n");
    }
    me.kill().expect("no error");
    me.wait().expect("no error");
    for part in
        ["rests, asleep", "waits to receive from the channel", "is blocked in system call", ") is mounted"]
    {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

/// A deadlock is one also where a thread of ours watches.
#[test]
fn who_asks_is_told_of_a_deadlock_as_others_are() {
    const NAME: &str = "who_asks_is_told_of_a_deadlock_as_others_are";
    if std::env::var_os("VTHREAD_TEST_AGAIN").is_some() {
        let ended = vthread::Builder::new().when_stuck(WhenStuck::Report).run(vthread::park);
        assert!(matches!(ended, Err(vthread::Error::Deadlock { .. })), "{ended:?}");
        let sum = vthread::run(|| {
            let parts: Vec<_> = (0..100).map(|n| vthread::spawn(move || n)).collect();
            parts.into_iter().map(|part| part.join().expect("no panic")).sum::<u32>()
        });
        return assert_eq!(sum, 4950);
    }
    let told = again(NAME, "5");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn who_asks_is_told_who_waits_for_what() {
    if std::env::var_os("VTHREAD_TEST_AGAIN").is_some() {
        let (sender, receiver) = channel::bounded(1);
        let (silent, mut end) = std::io::pipe().expect("a pipe");
        let late = thread::spawn(move || {
            thread::sleep(Duration::from_secs(4));
            sender.send(7)
        });
        let ran = runtime(2).run(|| {
            vthread::scope(|s| {
                s.spawn_named("reader", || {
                    assert_eq!(vthread::io::read(&silent, &mut [0; 8]).expect("a read"), 1);
                });
                s.spawn_named("receiver", || {
                    assert_eq!(receiver.recv(), Ok(7));
                    end.write_all(&[1]).expect("a pipe");
                });
            });
            // Until somebody has looked.
            vthread::sleep(Duration::from_millis(1500));
        });
        ran.expect("it ends");
        return late.join().expect("no panic").expect("a receiver");
    }
    let told = again("who_asks_is_told_who_waits_for_what", "0.5");
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{said}");
    for part in [
        "no carrier has turned its loop for",
        "carrier 1 (thread ",
        "rests, asleep in its ring, with nothing sent to it and nothing to start",
        "is blocked in system call",
        "1 operations under way, 0 entries not submitted",
        "(reader) waits for a read",
        "(receiver) waits to receive",
        "waits for the vthreads of its scope",
        "carriers turn their loops again",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert!(!said.contains("please report"), "{said}");
    let refused = again("who_asks_is_told_who_waits_for_what", "soon");
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr) + String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("VTHREAD_WHO_WAITS") && said.contains("soon"), "{said}");
}
