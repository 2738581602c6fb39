//! A deadlock in a process that has no other thread is found without being asked for. Not with the test harness: it has
//! threads.

#[cfg(not(vthread_native))]
fn main() {}

#[cfg(vthread_native)]
fn main() {
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
    // A thread that watches because it was asked to is ours, and hides no deadlock.
    if std::env::var_os("VTHREAD_WHO_WAITS").is_none() {
        let mut me = std::process::Command::new(std::env::current_exe().expect("a path"));
        assert!(me.env("VTHREAD_WHO_WAITS", "60").status().expect("it runs").success());
    }
    println!("lonely: ok");
}
