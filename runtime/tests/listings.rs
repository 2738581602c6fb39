//! Listings of directories that were not in memory: on a thread of their own, if there is one. Limits, threads and faults are the
//! process's, so this is one test.
#![cfg(vthread_native)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use vthread::__private::inject::{Call, Fault, inject};
use vthread::{blocking, fs, run, try_blocking};

/// Threads for blocking calls.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("proc").flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("vthread-blockin")).count()
}

/// Calls `f` while this process may map so little more that no thread's stack fits.
fn without_threads<R>(f: impl FnOnce() -> R) -> R {
    let set = |limit: libc::rlimit| {
        // SAFETY: the struct is valid for reads.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    };
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct is valid for writes.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut before) }, 0);
    let pages = std::fs::read_to_string("/proc/self/statm").expect("proc");
    let pages: u64 = pages.split(' ').next().and_then(|n| n.parse().ok()).expect("a size");
    set(libc::rlimit { rlim_cur: pages * 4096 + (1 << 20), ..before });
    let result = f();
    set(before);
    result
}

#[test]
fn what_is_not_in_memory_is_listed_on_a_thread_if_there_is_one() {
    let place = std::env::temp_dir().join(format!("vthread-listings-{}", std::process::id()));
    std::fs::create_dir_all(place.join("grue")).expect("a directory");
    let listed = || {
        let names =
            fs::read_dir(&place).expect("a listing").map(|entry| entry.expect("an entry").file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["grue"]);
        let dir = fs::Dir::open(&place).expect("the directory");
        assert_eq!(dir.read_dir().expect("a listing").count(), 1);
    };
    run(|| {
        listed();
        assert_eq!(threads(), 0, "it was in memory");
        inject(Some(Box::new(|call| matches!(call, Call::Open(_)).then_some(Fault::Wait))));
        without_threads(|| {
            listed();
            assert!(try_blocking(|| panic!("no thread, no call")).is_err());
            let refused = catch_unwind(AssertUnwindSafe(|| blocking(|| ()))).expect_err("a panic");
            let why = refused.downcast_ref::<String>().expect("words");
            assert!(why.starts_with("vthread: no thread for a blocking call: "), "{why}");
        });
        assert_eq!(threads(), 0, "there was none to be had");
        listed();
        assert_ne!(threads(), 0, "it had to be waited for");
        assert_eq!(try_blocking(|| 7).expect("a thread"), 7);
        inject(None);
    });
    std::fs::remove_dir_all(&place).expect("ours");
}
