//! Nothing stands still in silence where somebody has asked: whatever the process does, and whoever it is that does not get on.

#![cfg(vthread_native)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use vthread::{Runtime, WhenStuck, channel};

const AGAIN: &str = "VTHREAD_TEST_AGAIN";
/// Longer than anybody here needs.
const LONG: Duration = Duration::from_mins(1);

/// In the process that stands still, does that. In the other, starts that one, and reads what it says until all parts have been said; it is stopped then.
/// A part that begins with `!` is not to be said before the last of the others.
fn says(name: &str, parts: &[&str], stand_still: impl FnOnce()) {
    if std::env::var_os(AGAIN).is_some() {
        return stand_still();
    }
    let mut me = Command::new(std::env::current_exe().expect("a path"));
    me.args(["--exact", name, "--nocapture"]).env(AGAIN, "1").env("VTHREAD_WHO_WAITS", "1");
    let mut me = me.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let stderr = me.stderr.take().expect("piped");
    let (line, lines) = std::sync::mpsc::channel();
    thread::spawn(move || {
        BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|l| line.send(l))
    });
    let (wanted, unwanted): (Vec<&str>, Vec<&str>) = parts.iter().partition(|part| !part.starts_with('!'));
    let (mut said, until) = (String::new(), Instant::now() + LONG);
    while !wanted.iter().all(|part| said.contains(part)) {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => said += &(line + "\n"),
            Err(error) => {
                me.kill().expect("no error");
                panic!("{error}: of {wanted:?} not all in {said}");
            }
        }
    }
    me.kill().expect("no error");
    me.wait().expect("no error");
    for part in unwanted {
        assert!(!said.contains(&part[1..]), "{part} in {said}");
    }
}

#[test]
fn a_process_before_its_first_runtime() {
    const NAME: &str = "a_process_before_its_first_runtime";
    says(NAME, &["there has been no runtime for 1.", &NAME[..10], ") is blocked in system call"], || {
        vthread::watch_process().expect("a thread");
        let (mut silent, _end) = std::io::pipe().expect("a pipe");
        let _ = silent.read(&mut [0]);
    });
}

#[test]
fn a_process_after_its_last_runtime_that_computes() {
    const NAME: &str = "a_process_after_its_last_runtime_that_computes";
    says(NAME, &["there has been no runtime for 1.", "computes, and wants "], || {
        vthread::watch_process().expect("a thread");
        assert_eq!(vthread::run(|| 5), 5);
        loop {
            std::hint::spin_loop();
        }
    });
}

#[test]
fn a_runtime_that_is_being_made() {
    let parts = ["no carrier has turned its loop for 1.", "carrier 0 (thread ", "runs, awake"];
    says("a_runtime_that_is_being_made", &parts, || {
        let made = Runtime::builder().carriers(1).allocator(|| {
            thread::sleep(LONG);
            vthread::Heap::default()
        });
        drop(made.build());
    });
}

/// A carrier has nothing left to do, but its thread does not end.
#[test]
fn a_join_that_never_ends() {
    struct Slow;

    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(LONG);
        }
    }

    thread_local! {
        static SLOW: Slow = const { Slow };
    }

    let parts = [
        "no carrier has turned its loop for 1.",
        "have ended their loops",
        "has left, awake",
        "in system call",
    ];
    says("a_join_that_never_ends", &parts, || {
        let runtime = Runtime::builder().carriers(2).build().expect("a runtime");
        runtime.run(|| SLOW.with(|_| ())).expect("no deadlock");
        runtime.finish();
    });
}

#[test]
fn a_carrier_that_spins_in_a_vthread_while_others_go_on() {
    const NAME: &str = "a_carrier_that_spins_in_a_vthread_while_others_go_on";
    let parts = [
        "others go on, but carrier ",
        "while_others_go_on::",
        "alone for ",
        "and computes, and wants ",
        "!no carrier has turned",
    ];
    says(NAME, &parts, || {
        let runtime = Runtime::builder().carriers(2).report_blocked_after(Duration::MAX).build();
        let run = runtime.expect("a runtime").run(|| {
            vthread::scope(|s| {
                drop(s.spawn_named("spinner", || {
                    loop {
                        std::hint::spin_loop();
                    }
                }));
                drop(s.spawn(|| {
                    loop {
                        vthread::sleep(Duration::from_millis(1));
                    }
                }));
            });
        });
        run.expect("no deadlock");
    });
}

/// The kernel takes nothing from its ring, so that each of its sleeps ends at once.
#[test]
fn a_carrier_that_spins_idle() {
    fn refuse_rings() {
        let code = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
        let enter = libc::SYS_io_uring_enter as u32;
        let mut program = [
            code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
            code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, enter),
            code(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EAGAIN as u32),
            code(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: a program that the kernel checks, for this thread.
        let refused = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
        };
        assert_eq!(refused, 0);
    }

    let parts = [
        "no carrier has turned its loop for 1.",
        "it looks for something to do, over and over",
        "waits for a read",
    ];
    says("a_carrier_that_spins_idle", &parts, || {
        let (silent, _end) = std::io::pipe().expect("a pipe");
        let runtime = Runtime::builder().carriers(1).when_stuck(WhenStuck::Sleep).build().expect("a runtime");
        let run = runtime.run(|| {
            refuse_rings();
            vthread::io::read(&silent, &mut [0]).expect("the end")
        });
        run.expect("no deadlock");
    });
}

#[test]
fn carriers_that_turn_their_loops_in_vain() {
    let parts = [
        "gone on after a wait, but carriers have turned",
        "(eager) does not wait",
        "(patient) waits to receive",
    ];
    says("carriers_that_turn_their_loops_in_vain", &parts, || {
        let (_sender, receiver) = channel::bounded::<()>(1);
        let runtime = Runtime::builder().carriers(2).build().expect("a runtime");
        let run = runtime.run(|| {
            vthread::scope(|s| {
                drop(s.spawn_named("patient", || receiver.recv().is_ok()));
                for _ in 0..3 {
                    drop(s.spawn_named("eager", || {
                        loop {
                            vthread::yield_now();
                        }
                    }));
                }
            });
        });
        run.expect("no deadlock");
    });
}

/// Who hands messages to each other for ever is alike at each look, if one looks after as many switches each time.
#[test]
fn who_goes_on_is_not_told_of() {
    let parts = ["there has been no runtime", "!turned"];
    says("who_goes_on_is_not_told_of", &parts, || {
        vthread::watch_process().expect("a thread");
        let runtime = Runtime::builder().carriers(2).build().expect("a runtime");
        let run = runtime.run(|| {
            vthread::scope(|s| {
                for rooms in [1, 2] {
                    let ((to, there), (back, here)) = (channel::bounded(rooms), channel::bounded(rooms));
                    drop(
                        s.spawn_local(move || while there.recv().is_ok_and(|n: u64| back.send(n).is_ok()) {}),
                    );
                    let since = Instant::now();
                    while since.elapsed() < Duration::from_secs(4) {
                        for n in 0..1000 {
                            to.send(n).expect("there is a receiver");
                            assert_eq!(here.recv(), Ok(n));
                        }
                    }
                }
            });
        });
        run.expect("no deadlock");
        // An idle runtime is no reason for a word either.
        thread::sleep(Duration::from_secs(3));
        runtime.finish();
        thread::sleep(LONG);
    });
}
