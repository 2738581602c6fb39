//! The stacks that signal handlers run on: libraries exchange them, and carriers keep theirs.
#![cfg(vthread_native)]

mod common;

use common::{carry, child, is_child};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use vthread::__private::{hop, spawn_sized};
use vthread::Builder;

static HANDLED: AtomicU64 = AtomicU64::new(0);

/// Counts that signal from now on.
fn handle(signal: libc::c_int) {
    extern "C" fn on_signal(_: libc::c_int) {
        HANDLED.fetch_add(1, Relaxed);
    }
    // SAFETY: the handler only counts.
    assert_ne!(unsafe { libc::signal(signal, on_signal as *const () as libc::sighandler_t) }, libc::SIG_ERR);
}

#[test]
fn small_alternate_stacks_are_replaced() {
    std::thread::spawn(|| {
        let before = alternate_stack();
        assert!(before.ss_size >= 16 * 4096, "std's own: {}", before.ss_size);
        carry(|_| assert_eq!(alternate_stack().ss_sp, before.ss_sp, "it is large enough for a carrier"));
        assert_eq!(alternate_stack().ss_sp, before.ss_sp);
    })
    .join()
    .expect("no panic");
}

/// What is in force.
fn alternate_stack() -> libc::stack_t {
    let mut now = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: only reads.
    assert_eq!(unsafe { libc::sigaltstack(std::ptr::null(), &raw mut now) }, 0);
    now
}

/// Libraries install alternate stacks of their own, one after the other, and put back what they found.
#[test]
fn alternate_stacks_can_be_exchanged_disabled_and_put_back() {
    std::thread::spawn(|| {
        let mut small = vec![0u8; 16 << 10];
        let mine = libc::stack_t { ss_sp: small.as_mut_ptr().cast(), ss_flags: 0, ss_size: small.len() };
        let off = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        let mut large = vec![0u8; 256 << 10];
        let theirs = libc::stack_t { ss_sp: large.as_mut_ptr().cast(), ss_flags: 0, ss_size: large.len() };
        let mut found = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
        let install = |new: &libc::stack_t, old: *mut libc::stack_t| {
            // SAFETY: the memory outlives its use: std's own is put back in the end.
            assert_eq!(unsafe { libc::sigaltstack(std::ptr::from_ref(new), old) }, 0);
        };
        let before = alternate_stack();
        // std has one already: the second small one is replaced as well.
        install(&mine, &raw mut found);
        assert_eq!(found.ss_sp, before.ss_sp);
        assert!(alternate_stack().ss_size >= 64 << 10, "{}", alternate_stack().ss_size);
        // Disabled by who wants to know what it was, another one, then put back: it is still there.
        install(&off, &raw mut found);
        assert_ne!(alternate_stack().ss_flags & libc::SS_DISABLE, 0);
        install(&theirs, std::ptr::null_mut());
        assert_eq!(alternate_stack().ss_sp, theirs.ss_sp);
        install(&off, std::ptr::null_mut());
        install(&found, std::ptr::null_mut());
        assert_eq!(alternate_stack().ss_sp, before.ss_sp);
        a_signal_is_handled();
    })
    .join()
    .expect("no panic");
}

/// On what is installed now.
fn a_signal_is_handled() {
    handle(libc::SIGUSR2);
    let handled = HANDLED.load(Relaxed);
    // SAFETY: it has a handler, which would fault on a stack that is gone.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR2) }, 0);
    assert!(HANDLED.load(Relaxed) > handled);
}

/// They may ask first, and exchange without asking: what they were told of stays all the same.
#[test]
fn an_alternate_stack_that_somebody_has_asked_for_can_be_put_back() {
    std::thread::spawn(|| {
        let mut small = vec![0u8; 16 << 10];
        let mine = libc::stack_t { ss_sp: small.as_mut_ptr().cast(), ss_flags: 0, ss_size: small.len() };
        let off = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        let found = alternate_stack();
        for new in [&mine, &off, &found] {
            // SAFETY: the memory outlives its use: what was found, which stays, is put back in the end.
            assert_eq!(unsafe { libc::sigaltstack(new, std::ptr::null_mut()) }, 0);
        }
        assert_eq!(alternate_stack().ss_sp, found.ss_sp);
        a_signal_is_handled();
    })
    .join()
    .expect("no panic");
}

#[test]
fn a_carrier_whose_thread_has_another_alternate_stack_gets_its_own() {
    std::thread::spawn(|| {
        let mut memory = vec![0u8; 1 << 20];
        let mut now = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
        let mut stds = now;
        let mine = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
        // SAFETY: the memory stays until std's stack is back.
        unsafe { libc::sigaltstack(&raw const mine, &raw mut stds) };
        carry(|_| {
            // SAFETY: only reads.
            unsafe { libc::sigaltstack(std::ptr::null(), &raw mut now) };
            assert!(now.ss_sp != mine.ss_sp && now.ss_sp != stds.ss_sp && now.ss_size >= 16 * 4096);
        });
        // SAFETY: std's stack is still mapped.
        unsafe { libc::sigaltstack(&raw const stds, &raw mut now) };
        assert_eq!(now.ss_sp, mine.ss_sp);
    })
    .join()
    .expect("no panic");
}

#[test]
fn a_carrier_keeps_its_alternate_stack() {
    // On a thread that had none: it is given back what it had.
    extern "C" fn thread(_: *mut libc::c_void) -> *mut libc::c_void {
        let off = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        assert_ne!(alternate_stack().ss_flags & libc::SS_DISABLE, 0);
        handle(libc::SIGUSR2);
        carry(|carrier| {
            let body = move || {
                // SAFETY: this thread's own.
                let disabled = hop(|| unsafe { libc::sigaltstack(&raw const off, std::ptr::null_mut()) });
                assert_eq!(disabled, 0);
                assert_eq!(hop(alternate_stack).ss_flags & libc::SS_DISABLE, 0);
                let handled = HANDLED.load(Relaxed);
                // SAFETY: it has a handler.
                assert_eq!(hop(|| unsafe { libc::raise(libc::SIGUSR2) }), 0);
                assert!(HANDLED.load(Relaxed) > handled);
            };
            // SAFETY: 48 KiB for some calls.
            unsafe { spawn_sized(48 << 10, body) };
            assert!(carrier.run().is_empty());
        });
        assert_ne!(alternate_stack().ss_flags & libc::SS_DISABLE, 0);
        std::ptr::null_mut()
    }
    let mut id = 0;
    // SAFETY: a thread with the usual attributes, which is joined.
    unsafe {
        assert_eq!(libc::pthread_create(&raw mut id, std::ptr::null(), thread, std::ptr::null_mut()), 0);
        assert_eq!(libc::pthread_join(id, std::ptr::null_mut()), 0);
    }
}

/// As a library does whose memory is its own again when it has disabled what it installed.
fn exchange_alternate_stacks() {
    let mut memory = vec![0u8; 1 << 20];
    let large = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
    let small = libc::stack_t { ss_size: 16 << 10, ..large };
    let off = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
    let own = alternate_stack().ss_sp;
    for (new, then) in [(&large, large.ss_sp), (&off, own), (&small, own), (&off, own)] {
        // SAFETY: the memory is disabled before it is freed.
        assert_eq!(unsafe { libc::sigaltstack(new, std::ptr::null_mut()) }, 0);
        let now = alternate_stack();
        assert_eq!((now.ss_sp, now.ss_flags), (then, 0));
    }
}

#[test]
fn an_alternate_stack_that_is_disabled_is_not_used_any_more() {
    // A thread that keeps std's, one that has another, and an exact one.
    std::thread::spawn(|| carry(|_| exchange_alternate_stacks())).join().expect("no panic");
    std::thread::spawn(|| {
        let mut memory = vec![0u8; 1 << 20];
        let mine = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
        let stds = alternate_stack();
        // SAFETY: the memory stays until std's stack, which stays mapped, is back.
        assert_eq!(unsafe { libc::sigaltstack(&raw const mine, std::ptr::null_mut()) }, 0);
        carry(|_| exchange_alternate_stacks());
        // SAFETY: as above.
        assert_eq!(unsafe { libc::sigaltstack(&raw const stds, std::ptr::null_mut()) }, 0);
    })
    .join()
    .expect("no panic");
    vthread::os::spawn(|| hop(exchange_alternate_stacks)).expect("a thread").join().expect("no panic");
}

/// A carrier leaves the stack that it was started on: the next handler would begin at the top again, on the frames of this one.
#[test]
fn no_handler_can_become_a_carrier() {
    static REFUSED: AtomicBool = AtomicBool::new(false);
    extern "C" fn on_signal(_: libc::c_int) {
        let carried = Builder::new().carry(|_| ());
        REFUSED.store(matches!(carried, Err(vthread::Error::NoSignalStack(_))), Relaxed);
    }
    if !is_child() {
        let out = child("no_handler_can_become_a_carrier", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        return;
    }
    // SAFETY: what the handler does may be done here, where it interrupts nothing.
    unsafe {
        libc::signal(libc::SIGUSR2, on_signal as *const () as libc::sighandler_t);
        assert_eq!(libc::raise(libc::SIGUSR2), 0);
    }
    assert!(REFUSED.load(Relaxed));
}
