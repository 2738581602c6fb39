//! OS threads with exact stacks.

mod common;

use common::long;
#[cfg(vthread_native)]
use common::{child, is_child, status};
use std::cell::{Cell, RefCell};
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use vthread::__private::{current, hop, on_chunk};
use vthread::os;

/// The context word on such a thread: its stack counts as a chunk. In debug builds an entry may have no bound, because closures
/// are called through pointers there; then it runs plainly, which is right too.
fn is_inside(flag: i64) -> bool {
    flag == i64::from(cfg!(vthread_native)) || cfg!(debug_assertions)
}

/// The C library's `malloc` reserves 64 MiB for a thread that finds it busy, which is not what is measured.
#[cfg(vthread_native)]
const ONE_ARENA: [(&str, &str); 1] = [("MALLOC_ARENA_MAX", "1")];

#[test]
fn a_thread_gives_its_result() {
    let text = String::from("moved");
    let thread = os::Builder::new().name("a name that is too long").spawn(move || {
        let name = std::fs::read_to_string("/proc/thread-self/comm").expect("proc");
        (text, name)
    });
    let (text, name) = thread.expect("a thread").join().expect("no panic");
    assert_eq!((text.as_str(), name.as_str()), ("moved", "a name that is \n"));
}

#[test]
fn its_stack_counts_as_a_chunk() {
    let thread = os::spawn(|| (current(), hop(current), on_chunk(|| on_chunk(current))));
    let (here, off, on) = thread.expect("a thread").join().expect("no panic");
    assert!(is_inside(here) && off == 0 && is_inside(on) && here == on);
}

#[test]
fn a_panic_is_what_join_gives() {
    let thread = os::spawn(|| on_chunk(|| hop(|| panic_any(9u8)))).expect("a thread");
    assert_eq!(thread.join().expect_err("panics").downcast_ref(), Some(&9u8));
}

#[test]
fn scoped_threads_borrow() {
    let (mut numbers, sum) = (vec![1, 2, 3], AtomicUsize::new(0));
    let doubled = os::scope(|s| {
        let threads: Vec<_> = numbers
            .iter_mut()
            .map(|n| {
                let sum = &sum;
                s.spawn(move || {
                    *n *= 2;
                    sum.fetch_add(*n, SeqCst);
                    *n
                })
            })
            .collect();
        // Threads start threads.
        s.spawn(|| s.spawn(|| sum.fetch_add(100, SeqCst)).is_ok()).expect("a thread");
        threads.into_iter().map(|t| t.expect("a thread").join().expect("no panic")).sum::<usize>()
    });
    assert_eq!((doubled, sum.into_inner(), numbers), (12, 112, vec![2, 4, 6]));
}

#[test]
fn a_scope_ends_after_its_threads_whatever_panics() {
    let ended = AtomicUsize::new(0);
    let slow = || {
        std::thread::sleep(std::time::Duration::from_millis(30));
        ended.fetch_add(1, SeqCst);
    };
    let by_itself = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        os::scope(|s| {
            s.spawn(slow).expect("a thread");
            panic_any(1u8);
        });
    }));
    assert_eq!(by_itself.expect_err("panics").downcast_ref(), Some(&1u8));
    assert_eq!(ended.load(SeqCst), 1);
    let by_a_thread = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        os::scope(|s| {
            s.spawn(slow).expect("a thread");
            s.spawn(|| panic_any(2u8)).expect("a thread");
        });
    }));
    assert!(by_a_thread.is_err());
    assert_eq!(ended.load(SeqCst), 2);
    // One that is joined has told its panic.
    os::scope(|s| assert!(s.spawn(|| panic_any(3u8)).expect("a thread").join().is_err()));
}

/// Panics when it is dropped.
#[cfg(vthread_native)]
struct Bad(&'static AtomicUsize);

#[cfg(vthread_native)]
impl Drop for Bad {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        panic_any("a result that panics in its drop");
    }
}

#[test]
#[cfg(vthread_native)]
fn a_result_that_nobody_wants_may_panic_in_its_drop() {
    static BAD: AtomicUsize = AtomicUsize::new(0);
    let gate = Arc::new(Mutex::new(()));
    let held = gate.lock().expect("no panic");
    // The handles go first, so the threads drop what they give: a result, and what they panic with.
    for is_panic in [false, true] {
        let gate = gate.clone();
        let thread = os::spawn(move || {
            drop(gate.lock());
            if is_panic { panic_any(Bad(&BAD)) } else { Bad(&BAD) }
        });
        drop(thread.expect("a thread"));
    }
    drop(held);
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while BAD.load(SeqCst) < 2 && std::time::Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(BAD.load(SeqCst), 2);
    // They have ended, and others go on.
    assert_eq!(os::spawn(|| 5).expect("a thread").join().expect("no panic"), 5);
}

struct Noisy(&'static AtomicUsize);

impl Drop for Noisy {
    fn drop(&mut self) {
        // Ordinary code, in the C library's call at the thread's end.
        let text = format!("{:?}", std::hint::black_box([1u8; 1000]));
        self.0.fetch_add(usize::from(text.len() == 3000 && is_inside(on_chunk(current))), SeqCst);
    }
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static WITH_DROP: RefCell<Vec<Noisy>> = const { RefCell::new(Vec::new()) };
    static PLAIN: Cell<u32> = const { Cell::new(5) };
}

#[test]
fn thread_locals_are_initialised_and_dropped() {
    let threads: Vec<_> = (0..8)
        .map(|i| {
            os::spawn(move || {
                assert_eq!(PLAIN.replace(i), 5);
                WITH_DROP.with(|v| v.borrow_mut().push(Noisy(&DROPPED)));
            })
            .expect("a thread")
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(DROPPED.load(SeqCst), 8);
}

#[test]
#[cfg(vthread_native)]
fn many_threads_one_after_the_other_cost_nothing_in_the_end() {
    if !is_child() {
        // Alone in a process, so that other tests' threads do not count.
        let out = child("many_threads_one_after_the_other_cost_nothing_in_the_end", &ONE_ARENA);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let run = |n| {
        for i in 0..n {
            assert_eq!(os::spawn(move || on_chunk(|| i)).expect("a thread").join().expect("no panic"), i);
        }
        // Left alone, they are collected by those that come later.
        for _ in 0..n {
            drop(os::spawn(|| on_chunk(|| ())).expect("a thread"));
        }
    };
    run(200);
    let before = status("VmSize");
    run(if long() { 5000 } else { 400 });
    // Those that were left alone may run yet; who starts the next thread collects them. 64 are kept, of 16 MiB and more each; 800 would be 13 GB.
    let kept = 64 * 18 * 1024;
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut after = usize::MAX;
    while after > before + kept && std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(20));
        os::spawn(|| ()).expect("a thread").join().expect("no panic");
        after = status("VmSize");
    }
    assert!(after <= before + kept, "{before} kB to {after} kB");
}

#[test]
#[cfg(vthread_native)]
fn a_scope_keeps_no_stacks_of_threads_that_have_ended() {
    if !is_child() {
        let out = child("a_scope_keeps_no_stacks_of_threads_that_have_ended", &ONE_ARENA);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let count = if long() { 100_000 } else { 3000 };
    // The region is reserved by the first.
    os::spawn(|| ()).expect("a thread").join().expect("no panic");
    let (ended, mut most) = (AtomicUsize::new(0), 0);
    let kept = os::scope(|s| {
        let mut kept = Vec::new();
        let before = status("VmSize");
        for i in 0..count {
            let ended = &ended;
            let thread = s.spawn(move || {
                ended.fetch_add(1, SeqCst);
                i
            });
            // No more than some at once, however slow the machine is.
            while ended.load(SeqCst) + 50 < i {
                std::thread::yield_now();
            }
            if i % 100 == 0 {
                most = most.max(status("VmSize").saturating_sub(before));
                kept.push(thread.expect("a thread"));
            }
        }
        // Those that were collected still give their results.
        kept.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(kept, (0..count).step_by(100).collect::<Vec<_>>());
    assert_eq!(ended.into_inner(), count);
    // A thread takes 16 MB of addresses: 3000 would be 50 GB. Some fifty are alive, and 64 kept.
    assert!(most < 6 * 1024 * 1024, "{most} kB");
}

/// Starts threads that wait for each other until `count` are alive or the system refuses.
fn at_once(count: usize) -> (usize, Option<std::io::Error>) {
    let gate = Arc::new((Mutex::new(false), Condvar::new(), AtomicUsize::new(0)));
    let mut threads = Vec::new();
    let mut refused = None;
    for _ in 0..count {
        let gate = gate.clone();
        let body = move || {
            gate.2.fetch_add(1, SeqCst);
            let mut open = gate.0.lock().expect("no panic");
            while !*open {
                open = gate.1.wait(open).expect("no panic");
            }
        };
        match os::spawn(body) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    *gate.0.lock().expect("no panic") = true;
    gate.1.notify_all();
    let started = threads.len();
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(gate.2.load(SeqCst), started);
    (started, refused)
}

#[test]
fn many_at_once() {
    let count = if long() { 10_000 } else { 1000 };
    let (started, refused) = at_once(count);
    assert_eq!(started, count, "{refused:?}");
}

#[test]
#[cfg(vthread_native)]
fn past_the_limit_the_error_is_clear() {
    if !is_child() {
        let out = child("past_the_limit_the_error_is_clear", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    // A limit that this process alone meets: on its address space, above what the region takes of it.
    vthread::run(|| ());
    let now = status("VmSize") as u64 * 1024;
    let limit = libc::rlimit { rlim_cur: now + (1 << 30), rlim_max: now + (1 << 30) };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    let (started, refused) = at_once(100_000);
    let error = refused.expect("refused").to_string();
    assert!(started > 10 && (error.contains("memory") || error.contains("no more threads")), "{error}");
    // Afterwards it works again.
    assert_eq!(os::spawn(|| 5).expect("a thread").join().expect("no panic"), 5);
}

#[test]
#[cfg(vthread_native)]
fn threads_have_stacks_and_signal_stacks_of_their_own() {
    let barrier = std::sync::Barrier::new(4);
    let places = os::scope(|s| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                s.spawn(|| {
                    let local = 0u8;
                    let mut alt = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
                    // SAFETY: only reads.
                    unsafe { libc::sigaltstack(std::ptr::null(), &raw mut alt) };
                    barrier.wait();
                    assert!(alt.ss_size >= 64 << 10);
                    [&raw const local as usize >> 12, alt.ss_sp as usize, hop(|| &raw const local as usize)]
                })
            })
            .collect();
        threads.into_iter().map(|t| t.expect("a thread").join().expect("no panic")).collect::<Vec<_>>()
    });
    for i in 0..3 {
        assert_eq!(places.iter().map(|p| p[i]).collect::<std::collections::HashSet<_>>().len(), 4);
    }
}

#[test]
#[cfg(vthread_native)]
fn parking_there_is_a_clear_panic() {
    let thread = os::spawn(vthread::__private::yield_now).expect("a thread");
    let payload = thread.join().expect_err("panics");
    assert!(payload.downcast_ref::<&str>().is_some_and(|text| text.contains("only a vthread can park")));
}

#[test]
#[cfg(vthread_native)]
fn run_there_is_a_call_on_a_chunk() {
    use vthread::__private::current;
    let thread = os::spawn(|| {
        let before = current();
        // No carrier: it cannot spawn, and what it runs is part of the thread.
        let inside = vthread::run(|| (current(), std::thread::current().id()));
        let spawned = std::panic::catch_unwind(|| vthread::spawn(|| 5));
        let text =
            spawned.err().and_then(|payload| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let error = vthread::Builder::new().run(|| ()).expect_err("a stack that counts as a chunk");
        (before, inside == (1, std::thread::current().id()), text, error.to_string())
    });
    let (before, same, text, error) = thread.expect("a thread").join().expect("no panic");
    assert!(before == 1 && same);
    assert!(text.expect("a panic").contains("inside of vthread::run"));
    assert!(error.starts_with("this thread runs vthreads already"), "{error}");
}

/// One that never ends, since it waits for itself, must not be taken for one that has.
#[test]
#[cfg(vthread_native)]
fn a_thread_does_not_join_itself() {
    let (tell, told) = std::sync::mpsc::channel::<os::JoinHandle<()>>();
    let (tell_end, end) = std::sync::mpsc::channel();
    let thread = os::spawn(move || {
        let own = told.recv().expect("a handle");
        let payload =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| own.join())).expect_err("itself");
        let mut on_stack = [7_u8; 4096];
        std::hint::black_box(&mut on_stack);
        // Its stack is nobody else's yet.
        let other = os::spawn(|| std::hint::black_box([9_u8; 4096])[0]).expect("a thread");
        assert_eq!(other.join().expect("no panic"), 9);
        assert!(std::hint::black_box(&on_stack).iter().all(|byte| *byte == 7));
        tell_end.send(payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a receiver");
    });
    tell.send(thread.expect("a thread")).expect("a receiver");
    assert!(end.recv().expect("the end").expect("a text").contains("cannot join itself"));

    let has_ended = std::sync::atomic::AtomicBool::new(false);
    os::scope(|s| {
        let (tell, told) = std::sync::mpsc::channel::<os::ScopedJoinHandle<'_, ()>>();
        let has_ended = &has_ended;
        let thread = s.spawn(move || {
            let own = told.recv().expect("a handle");
            let joined = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| own.join()));
            std::thread::sleep(std::time::Duration::from_millis(20));
            has_ended.store(joined.is_err(), SeqCst);
        });
        tell.send(thread.expect("a thread")).expect("a receiver");
    });
    assert!(has_ended.into_inner(), "the scope has ended before its thread");
}

/// The scope ends, and so joins it, while another thread of the scope does.
#[test]
fn whoever_joins_second_waits_as_well() {
    for _ in 0..50 {
        let sum = std::sync::atomic::AtomicU64::new(0);
        os::scope(|s| {
            let (tell, told) = std::sync::mpsc::channel::<os::ScopedJoinHandle<'_, u64>>();
            let sum = &sum;
            s.spawn(move || {
                let slow = told.recv().expect("a handle");
                std::thread::sleep(std::time::Duration::from_micros(100));
                sum.fetch_add(slow.join().expect("no panic"), SeqCst);
            })
            .expect("a thread");
            // The last one is the first that the scope joins.
            let slow = s.spawn(|| {
                std::thread::sleep(std::time::Duration::from_micros(300));
                21
            });
            tell.send(slow.expect("a thread")).expect("a receiver");
        });
        assert_eq!(sum.into_inner(), 21);
    }
}
