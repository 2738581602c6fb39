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
    println!("lonely: ok");
}
