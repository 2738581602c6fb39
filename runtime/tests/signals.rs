//! Signals while vthreads run: nothing is lost, nothing on a chunk is overwritten, children inherit what they should.
#![cfg(vthread_native)]

mod common;

use common::{child, is_child, long};
use std::hint::black_box;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use vthread::__private::{hop, on_chunk_sized, spawn_sized, sweep, yield_now};
use vthread::{Builder, Mode};

static HANDLED: AtomicU64 = AtomicU64::new(0);
static OVERRUN: AtomicU64 = AtomicU64::new(0);
static ON_CHUNK: AtomicU64 = AtomicU64::new(0);

extern "C" fn on_timer(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes both. The overrun lies where a timer's signal has it.
    let (overrun, rsp) = unsafe {
        let rsp = (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RSP as usize] as usize;
        (*info.cast::<libc::c_int>().add(5), rsp)
    };
    HANDLED.fetch_add(1, Relaxed);
    OVERRUN.fetch_add(overrun as u64, Relaxed);
    // A hungry handler, as a profiler's is.
    let mut scratch = [rsp as u8; 2000];
    black_box(&mut scratch);
    let far = (scratch.as_ptr() as usize).abs_diff(rsp) > 1 << 20;
    ON_CHUNK.fetch_add(u64::from(far), Relaxed);
    black_box(parent());
}

/// Called by handlers and by vthreads, for which its call of the C library hops.
#[inline(never)]
fn parent() -> libc::pid_t {
    // SAFETY: asks for a number.
    unsafe { libc::getppid() }
}

fn handle(signal: libc::c_int, flags: libc::c_int) {
    // SAFETY: the handler touches atomics and its own frame only.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_timer as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | flags;
        assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0);
    }
}

/// Sends `signal` to this thread every so many nanoseconds.
struct Timer(libc::timer_t);

impl Timer {
    fn start(signal: libc::c_int, every: i64) -> Self {
        // SAFETY: structs of ours, filled as timer_create(2) wants.
        unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = signal;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer = std::mem::zeroed();
            assert_eq!(libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer), 0);
            let every = libc::timespec { tv_sec: 0, tv_nsec: every };
            let spec = libc::itimerspec { it_interval: every, it_value: every };
            assert_eq!(libc::timer_settime(timer, 0, &raw const spec, std::ptr::null_mut()), 0);
            Self(timer)
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// Large enough for the work in a debug build, too small for a signal frame on top of it.
const CHUNK: u32 = 4 << 10;

/// Fills most of a chunk, looks at it again for a while and after others had their turn, and gives how many words were wrong.
fn work(seed: u64) -> u64 {
    looks(seed, |turn| {
        if turn % 10 == 0 {
            yield_now();
        }
    })
}

/// The same without others.
fn filled(seed: u64) -> u64 {
    looks(seed, |_| ())
}

#[inline]
fn looks(seed: u64, between: impl Fn(u32)) -> u64 {
    let mut words = [seed; 128];
    let mut wrong = 0;
    for turn in 0..40 {
        between(turn);
        let words = black_box(&mut words);
        for word in words.iter() {
            wrong += u64::from(*word != seed);
        }
    }
    wrong
}

/// Vthreads that fill chunks side by side, and yield; gives wrong words and calls. `first` is done on the carrier.
fn storm(time: Duration, first: impl FnOnce()) -> (u64, u64) {
    storm_beside(time, first, |_| ())
}

/// The same beside a vthread that does something else until the end.
fn storm_with(time: Duration, other: impl FnOnce(Instant) + 'static) -> (u64, u64) {
    storm_beside(time, || (), other)
}

fn storm_beside(time: Duration, first: impl FnOnce(), other: impl FnOnce(Instant) + 'static) -> (u64, u64) {
    let totals = std::rc::Rc::new((std::cell::Cell::new(0), std::cell::Cell::new(0)));
    let outcome = Builder::new().stacks(Mode::Exact).carry(|carrier| {
        first();
        let end = Instant::now() + time;
        // SAFETY: as below; it calls little on its chunk.
        unsafe { spawn_sized(48 << 10, move || other(end)) };
        for i in 0..16u64 {
            let totals = totals.clone();
            // SAFETY: 48 KiB for some calls; what runs on a small chunk needs about 2 KiB.
            unsafe {
                spawn_sized(48 << 10, move || {
                    // Each of them once, also where the storm leaves little time for anything else.
                    loop {
                        let wrong = on_chunk_sized(CHUNK, || work(i)) + on_chunk_sized(CHUNK, || work(!i));
                        totals.0.set(totals.0.get() + wrong);
                        totals.1.set(totals.1.get() + 2);
                        if hop(|| Instant::now() >= end) {
                            break;
                        }
                        yield_now();
                        hop(yield_now);
                    }
                });
            }
        }
        assert!(carrier.run().is_empty());
    });
    outcome.expect("a carrier");
    (totals.0.get(), totals.1.get())
}

fn seconds() -> Duration {
    Duration::from_millis(if long() { 20_000 } else { 700 })
}

#[test]
fn a_storm_of_signals_damages_nothing() {
    if !is_child() {
        let out = child("a_storm_of_signals_damages_nothing", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    // One asks for the alternate stack, the others do not.
    handle(libc::SIGALRM, libc::SA_RESTART);
    handle(libc::SIGPROF, libc::SA_ONSTACK);
    handle(libc::SIGUSR1, 0);
    let threads: Vec<_> = (0..2)
        .map(|_| {
            std::thread::spawn(|| {
                let started = Instant::now();
                let timers = [(libc::SIGALRM, 200_000), (libc::SIGPROF, 170_000), (libc::SIGUSR1, 199_000)];
                let running: Vec<_> = timers.map(|(signal, every)| Timer::start(signal, every)).into();
                let (wrong, calls) = storm(seconds(), || ());
                drop(running);
                let expected: u64 =
                    timers.iter().map(|&(_, every)| started.elapsed().as_nanos() as u64 / every as u64).sum();
                (wrong, calls, expected)
            })
        })
        .collect();
    let mut expected = 0;
    for thread in threads {
        let (wrong, calls, signals) = thread.join().expect("no panic");
        assert_eq!(wrong, 0);
        assert!(calls > 100);
        expected += signals;
    }
    // What is merged while a signal is pending is counted as an overrun; none is lost.
    let seen = HANDLED.load(Relaxed) + OVERRUN.load(Relaxed);
    assert!(seen.abs_diff(expected) < expected / 50 + 60, "{seen} of {expected}");
    assert!(ON_CHUNK.load(Relaxed) > 50, "no signal came while a chunk was in use");
}

/// A C library that handles signals itself: by `signal`, and by `sigaction` without `SA_ONSTACK`. Its handler is hungry.
const LIBRARY: &str = r"
    #include <signal.h>
    #include <string.h>
    static volatile long handled;
    static void on_signal(int number, siginfo_t *info, void *context) {
        volatile char scratch[3000];
        memset((char *)scratch, number, sizeof scratch);
        handled++;
    }
    static void plainly(int number) { on_signal(number, 0, 0); }
    int install(int by_signal, int by_action) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = on_signal;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        return signal(by_signal, plainly) == SIG_ERR || sigaction(by_action, &action, 0);
    }
    long count(void) { return handled; }
";

type Install = extern "C" fn(libc::c_int, libc::c_int) -> libc::c_int;
type Count = extern "C" fn() -> libc::c_long;

/// Loads it; gives what installs its handlers and what counts their calls.
fn library() -> (Install, Count) {
    let place =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("handlers-{}.so", std::process::id()));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-x", "c", "-", "-o"]).arg(&place).stdin(Stdio::piped());
    let mut cc = cc.spawn().expect("a C compiler");
    std::io::Write::write_all(&mut cc.stdin.take().expect("a pipe"), LIBRARY.as_bytes()).expect("written");
    assert!(cc.wait().expect("its end").success());
    let name = std::ffi::CString::new(place.to_str().expect("a name")).expect("no zeros");
    // SAFETY: our own library, whose functions have these types; it is never closed.
    unsafe {
        let library = libc::dlopen(name.as_ptr(), libc::RTLD_NOW);
        let _ = std::fs::remove_file(&place);
        assert!(!library.is_null());
        let find = |name: &std::ffi::CStr| {
            let found = libc::dlsym(library, name.as_ptr());
            assert!(!found.is_null());
            found
        };
        let install = std::mem::transmute::<*mut libc::c_void, Install>(find(c"install"));
        (install, std::mem::transmute::<*mut libc::c_void, Count>(find(c"count")))
    }
}

/// Processes are forked and executed by one vthread while others fill chunks, all in a storm of timers and of SIGCHLD, handled by a
/// C library that knows of no alternate stack.
#[test]
fn a_storm_with_children_and_a_c_library_s_handlers_damages_nothing() {
    const NAME: &str = "a_storm_with_children_and_a_c_library_s_handlers_damages_nothing";
    if !is_child() {
        let out = child(NAME, &[]);
        assert!(out.status.success(), "{:?} {}", out.status, String::from_utf8_lossy(&out.stderr));
        return;
    }
    let (install, count) = library();
    assert_eq!(install(libc::SIGCHLD, libc::SIGPROF), 0);
    assert!(is_on_stack(libc::SIGCHLD) && is_on_stack(libc::SIGPROF));
    handle(libc::SIGALRM, 0);
    let started = Instant::now();
    let timers = [(libc::SIGPROF, 300_000), (libc::SIGALRM, 260_000)]
        .map(|(signal, every)| Timer::start(signal, every));
    let children = std::rc::Rc::new(std::cell::Cell::new(0u32));
    let made = children.clone();
    let (wrong, calls) = storm_with(seconds(), move |end| {
        while hop(|| Instant::now() < end) {
            let seed = u64::from(made.get());
            let fine = hop(|| {
                let text = Command::new("sh").args(["-c", "echo $((6 * 7))"]).output().expect("a shell");
                text.status.success() && text.stdout == b"42\n"
            });
            assert!(fine);
            // A copy of this carrier that runs on chunks itself, in its own storm, and ends.
            // SAFETY: the child only computes and ends.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                // SAFETY: as in `storm`.
                let wrong = unsafe { on_chunk_sized(CHUNK, || filled(seed)) };
                // SAFETY: ends the child.
                unsafe { libc::_exit(i32::from(wrong != 0)) };
            }
            let status = hop(|| {
                let mut status = -1;
                // SAFETY: our child.
                while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 {}
                status
            });
            assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status}");
            made.set(made.get() + 2);
            yield_now();
        }
    });
    drop(timers);
    assert_eq!(wrong, 0);
    assert!(calls > 20 && children.get() >= 2, "{calls} calls, {} children", children.get());
    // Signals of children that end at once are one.
    let ticks = started.elapsed().as_nanos() as i64 / 300_000;
    assert!(count() > 0 && count() <= ticks + 2 * i64::from(children.get()) + 10, "{} in {ticks}", count());
    assert!(HANDLED.load(Relaxed) > 0);
}

#[test]
fn threads_with_exact_stacks_start_and_end_in_a_storm() {
    const NAME: &str = "threads_with_exact_stacks_start_and_end_in_a_storm";
    // Numbers of threads are given one after the other: the next ones get a signal as soon as there is such a thread.
    static LAST: AtomicI32 = AtomicI32::new(0);
    if !is_child() {
        let out = child(NAME, &[]);
        assert!(out.status.success(), "{:?} {}", out.status, String::from_utf8_lossy(&out.stderr));
        return;
    }
    handle(libc::SIGUSR1, 0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|s| {
        s.spawn(|| {
            while !is_over.load(Relaxed) {
                let last = LAST.load(Relaxed);
                for next in last + 1..last + 12 {
                    // SAFETY: a signal that has a handler, for threads of this process if they are such.
                    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), next, libc::SIGUSR1) };
                }
            }
        });
        let end = Instant::now() + seconds();
        // On a busy machine the one who sends may hardly have run by then.
        let latest = end + Duration::from_mins(1);
        while Instant::now() < end || HANDLED.load(Relaxed) <= 100 && Instant::now() < latest {
            let start = |_| {
                let thread = vthread::os::spawn(|| {
                    // The latest, not the highest: numbers begin anew at some point.
                    // SAFETY: asks for a number.
                    LAST.store(hop(|| unsafe { libc::gettid() }), Relaxed);
                    are_signals_kept_from_here(7)
                });
                thread.expect("a thread")
            };
            let threads: Vec<_> = (0..4).map(start).collect();
            let blocked: u64 = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
            assert_eq!(blocked, 0);
        }
        is_over.store(true, Relaxed);
    });
    assert!(HANDLED.load(Relaxed) > 100, "{}", HANDLED.load(Relaxed));
}

/// Gives 1 if signals are kept from this thread, and 0 otherwise.
fn are_signals_kept_from_here(seed: u64) -> u64 {
    black_box([seed; 16]);
    black_box(parent());
    // SAFETY: a set of ours is filled.
    let mask = hop(|| unsafe {
        let mut set = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
        libc::sigismember(&raw const set, libc::SIGUSR1)
    });
    u64::from(mask != 0)
}

#[test]
fn without_alternate_stacks_the_storm_would_do_damage() {
    if !is_child() {
        // The control: the same test finds what goes wrong when handlers run where they are.
        let out = child("without_alternate_stacks_the_storm_would_do_damage", &[]);
        assert!(!out.status.success(), "the storm test cannot fail");
        return;
    }
    handle(libc::SIGALRM, 0);
    let _timer = Timer::start(libc::SIGALRM, 100_000);
    // After the carrier's start, which would repair it.
    let (wrong, _) = storm(seconds(), || strip_on_stack(libc::SIGALRM));
    assert_eq!(wrong, 0);
}

#[repr(C)]
#[derive(Default)]
struct KernelAction {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

fn kernel_action(signal: libc::c_int, new: *const KernelAction) -> KernelAction {
    let mut old = KernelAction::default();
    // SAFETY: the kernel's own layout.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, new, &raw mut old, 8usize) };
    old
}

/// Installs the same handler past the C library.
fn strip_on_stack(signal: libc::c_int) {
    let mut action = kernel_action(signal, std::ptr::null());
    action.flags &= !(libc::SA_ONSTACK as u64);
    kernel_action(signal, &raw const action);
}

fn is_on_stack(signal: libc::c_int) -> bool {
    kernel_action(signal, std::ptr::null()).flags & libc::SA_ONSTACK as u64 != 0
}

extern "C" fn nothing(_: libc::c_int) {}

#[test]
fn every_way_to_install_a_handler_gets_the_alternate_stack() {
    // SAFETY: as the C library has them.
    unsafe extern "C" {
        fn bsd_signal(signal: libc::c_int, handler: libc::sighandler_t) -> libc::sighandler_t;
        fn sysv_signal(signal: libc::c_int, handler: libc::sighandler_t) -> libc::sighandler_t;
        fn sigset(signal: libc::c_int, handler: libc::sighandler_t) -> libc::sighandler_t;
        fn siginterrupt(signal: libc::c_int, interrupt: libc::c_int) -> libc::c_int;
    }
    let handler = nothing as *const () as libc::sighandler_t;
    let signal = libc::SIGRTMIN() + 5;
    let flags = |signal| kernel_action(signal, std::ptr::null()).flags as libc::c_int;
    // SAFETY: a handler that does nothing, for a signal that nobody sends.
    unsafe {
        for install in [libc::signal, bsd_signal, sysv_signal, sigset] {
            libc::signal(signal, libc::SIG_DFL);
            assert_eq!(install(signal, handler), libc::SIG_DFL);
            assert!(is_on_stack(signal));
            assert_eq!(libc::signal(signal, libc::SIG_DFL), handler);
        }
        libc::signal(signal, handler);
        assert_ne!(flags(signal) & libc::SA_RESTART, 0);
        assert_eq!(siginterrupt(signal, 1), 0);
        assert_eq!(flags(signal) & (libc::SA_RESTART | libc::SA_ONSTACK), libc::SA_ONSTACK);
        libc::signal(signal, handler);
        assert_eq!(flags(signal) & libc::SA_RESTART, 0);
        assert_eq!(siginterrupt(signal, 0), 0);
        assert_ne!(flags(signal) & libc::SA_RESTART, 0);
        libc::signal(signal, libc::SIG_DFL);
        assert_eq!(libc::signal(65, handler), libc::SIG_ERR);
        assert_eq!(libc::signal(signal, libc::SIG_ERR), libc::SIG_ERR);
    }
}

#[test]
fn a_sweep_finds_what_came_another_way() {
    let signal = libc::SIGRTMIN() + 6;
    handle(signal, 0);
    strip_on_stack(signal);
    assert!(!is_on_stack(signal));
    assert_ne!(sweep() & 1 << (signal - 1), 0);
    assert!(is_on_stack(signal));
    assert_eq!(sweep() & 1 << (signal - 1), 0);
}

static CHILDREN: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_child(_: libc::c_int) {
    CHILDREN.fetch_add(1, Relaxed);
}

#[test]
fn children_are_made_and_waited_for_by_vthreads() {
    if !is_child() {
        let out = child("children_are_made_and_waited_for_by_vthreads", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    let blocked = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("proc");
        status.lines().find(|l| l.starts_with("SigBlk")).expect("a mask").to_owned()
    };
    // SAFETY: the handler counts.
    unsafe { libc::signal(libc::SIGCHLD, on_child as *const () as libc::sighandler_t) };
    let before = blocked();
    vthread::run(|| {
        assert_eq!(hop(blocked), before, "a carrier blocks nothing");
        for _ in 0..5 {
            let mut sh = Command::new("sh");
            sh.args(["-c", "grep SigBlk /proc/self/status"]).stdout(Stdio::piped());
            let mut sh = sh.spawn().expect("a shell");
            let mut text = String::new();
            sh.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
            assert!(sh.wait().expect("its end").success());
            assert_eq!(text.trim(), before, "the child inherits the mask");
            yield_now();
        }
        // A child that goes on as a copy of this carrier, on this chunk.
        // SAFETY: the child runs vthreads, writes nothing and ends at once.
        match unsafe { libc::fork() } {
            0 => {
                let fine = vthread::__private::on_chunk(|| hop(|| 41) + 1) == 42;
                // SAFETY: ends the child.
                unsafe { libc::_exit(if fine { 7 } else { 8 }) };
            }
            pid => {
                let mut status = 0;
                // SAFETY: our child.
                while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 {}
                assert_eq!(libc::WEXITSTATUS(status), 7);
            }
        }
    });
    assert!(CHILDREN.load(Relaxed) > 0);
}
