//! A deadlock in a process that has no other thread is found without being asked for. Not with the test harness: it has
//! threads.

#[cfg(not(vthread_native))]
fn main() {}

#[cfg(vthread_native)]
fn main() {
    alone_and_not();
    beside_the_kernels_own();
    who_waits_at_the_end_of_a_runtime();
    // A thread that watches because it was asked to is ours, and hides no deadlock.
    if std::env::var_os("VTHREAD_WHO_WAITS").is_none() {
        let mut me = std::process::Command::new(std::env::current_exe().expect("a path"));
        let output = me.env("VTHREAD_WHO_WAITS", "60").output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        // Of carriers that have left there is nothing to tell.
        assert_eq!(told.matches("vthread: ").count(), 1, "{told}");
        assert!(told.contains("at the end of a runtime") && told.contains("waits to receive"), "{told}");
    }
    println!("lonely: ok");
}

#[cfg(vthread_native)]
fn alone_and_not() {
    let result = vthread::Builder::new().run(|| {
        vthread::scope(|s| {
            s.spawn_named("lonely", vthread::park);
        });
    });
    let Err(vthread::Error::Deadlock { report }) = result else { panic!("{result:?}") };
    assert!(report.contains("(lonely) parks until its unpark"), "{report}");
    // With another thread, it may be the one that wakes.
    let woken = vthread::Builder::new().run(|| {
        let me = vthread::current().expect("a vthread");
        std::thread::scope(|threads| {
            threads.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(20));
                me.unpark();
            });
            vthread::park();
        });
    });
    woken.expect("no deadlock");
}

/// What cannot be read at once may get the process a thread of the kernel's, which stays and wakes nobody.
#[cfg(vthread_native)]
fn beside_the_kernels_own() {
    let result = vthread::Builder::new().run(|| {
        for _ in 0..4 {
            vthread::fs::read("/proc/cpuinfo").expect("readable");
        }
        vthread::park();
    });
    assert!(matches!(result, Err(vthread::Error::Deadlock { .. })), "{result:?}");
}

/// Two of three carriers have nothing to do and have left by then, and so have their threads.
#[cfg(vthread_native)]
fn who_waits_at_the_end_of_a_runtime() {
    // With two others there are as many threads as three carriers and one that waits for them.
    let (runtime, sender, woken) = waiting();
    let others = [Some(sender), None].map(|sender| {
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(1700));
            sender.map(|sender| sender.send(5))
        })
    });
    runtime.finish();
    assert_eq!(woken.join().expect("nobody cancels it"), Ok(5));
    for other in others {
        assert!(matches!(other.join(), Ok(None | Some(Ok(())))));
    }
    let (runtime, _sender, waits) = waiting();
    runtime.finish();
    assert!(waits.join().is_err(), "its wait was cancelled");
    // The one vthread of a thread waits for it as an ordinary thread does. Who is watched could have others, and is told of by that.
    if std::env::var_os("VTHREAD_WHO_WAITS").is_none() {
        let (runtime, _sender, waits) = waiting();
        vthread::run(|| drop(runtime.finish()));
        assert!(waits.join().is_err(), "its wait was cancelled");
    }
}

/// A runtime with a vthread that waits for what comes from outside.
#[cfg(vthread_native)]
fn waiting() -> (
    vthread::Runtime,
    vthread::channel::Sender<i32>,
    vthread::JoinHandle<Result<i32, vthread::channel::RecvError>>,
) {
    let runtime = vthread::Runtime::builder().carriers(3).build().expect("a runtime");
    let (sender, receiver) = vthread::channel::bounded(1);
    let own = sender.clone();
    let waits = runtime.spawn(move || {
        let result = receiver.recv();
        drop(own);
        result
    });
    (runtime, sender, waits.expect("a vthread"))
}
