//! A carrier's operations that are under way: who waits for them, and by which means they are done.
//!
//! ```text
//! vthread:  Operation in its frame -> entry in the ring, or a thread of the pool (`poll`: or none yet) -> parks, until it has completed
//! carrier:  in its loop:           submits entries, takes completions, makes vthreads ready
//!           when all wait:         waits in the ring instead of on its futex; others wake it through an eventfd
//! cancel:   asks the kernel to cancel, and the vthread goes on waiting for the completion
//! ```
//!
//! A completion names its operation by the address of the frame's [`Operation`], which stays where it is until then: no
//! timeout, unpark or cancellation ends the wait ([`Waiting::to_the_end`]).

use super::Request;
use super::perform::For;
use super::poll::{self, Ready};
use super::ring::Ring;
use crate::arch::Parked;
use crate::blocking;
use crate::call::hop;
use crate::carrier;
use crate::facade::Bell;
use crate::sched::remote::Remote;
use crate::sched::wait::{Outcome, Waiting, What};
use crate::stats::Operations;
use crate::sync::Semaphore;
use core::cell::{Cell, RefCell};
use core::ptr::null;
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::time::Instant;

/// Says by which means: `uring` (the default, where it is allowed) or `pool`.
const IO_VAR: &str = "VTHREAD_IO";
/// Calls of the pool at a time.
const POOL: usize = 32;

static POOL_PERMITS: Semaphore = Semaphore::new(POOL);

/// One operation, in the frame of who waits for it.
#[repr(C)]
pub(super) struct Operation {
    /// First: whoever has the address of one has that of the other.
    waiting: Waiting,
    result: Cell<i32>,
}

struct Reactor {
    /// `None`: the pool does it.
    ring: Option<RefCell<Ring>>,
    numbers: Cell<Operations>,
}

thread_local! {
    /// This carrier's; made when the first operation has to wait.
    static REACTOR: Cell<*const Reactor> = const { Cell::new(null()) };
    /// Of those that have ended.
    static BEFORE: Cell<Operations> = const { Cell::new(Operations { in_flight: 0, most: 0, total: 0 }) };
}

fn reactor() -> Option<&'static Reactor> {
    // SAFETY: it lives until `end`, which the carrier's loop calls when nothing runs on it any more.
    unsafe { REACTOR.get().as_ref() }
}

fn reactor_or_make() -> &'static Reactor {
    reactor().unwrap_or_else(|| {
        let wants_pool = std::env::var_os(IO_VAR).is_some_and(|v| v == "pool");
        let ring = if wants_pool || !is_forgotten_in_children() { None } else { Ring::new().ok() };
        let made =
            Box::new(Reactor { ring: ring.map(RefCell::new), numbers: Cell::new(Operations::default()) });
        // SAFETY: as above.
        let made = unsafe { &*Box::into_raw(made) };
        REACTOR.set(made);
        made
    })
}

/// A child made by `fork` has the memory of the ring as well, but that is its parent's: what it put there, the kernel would do for the parent, with
/// addresses of the child, and what it took from there the parent would wait for. So it makes one of its own. What was under way goes on
/// in the parent; in the child those who wait for it wait for ever. `false`: the system cannot be told of that.
fn is_forgotten_in_children() -> bool {
    static IS_TOLD: OnceLock<bool> = OnceLock::new();
    /// # Safety
    /// Called in the child, by its one thread.
    unsafe extern "C" fn forked() {
        REACTOR.set(null());
        // What it hears there would be missed by the parent.
        if let Some(bell) = carrier::remote().and_then(Remote::bell_if_any) {
            bell.renew();
        }
    }
    // SAFETY: it changes a variable and a descriptor of the thread's own, for which it neither allocates nor locks.
    *IS_TOLD.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(forked)) } == 0)
}

impl Reactor {
    fn begun(&self) {
        let mut numbers = self.numbers.get();
        numbers.in_flight += 1;
        numbers.total += 1;
        numbers.most = numbers.most.max(numbers.in_flight);
        self.numbers.set(numbers);
    }

    fn ended(&self) {
        let mut numbers = self.numbers.get();
        numbers.in_flight -= 1;
        self.numbers.set(numbers);
    }
}

/// Does it while the vthread that calls is parked. What the system call would return, or the negative `errno`.
///
/// # Safety
/// The request's buffers are valid, and nobody else uses them until this returns.
pub(super) unsafe fn wait_for(request: &Request<'_>, what: For) -> i32 {
    let reactor = hop(reactor_or_make);
    let Some(ring) = reactor.ring.as_ref().filter(|_| what == For::Anything) else {
        // SAFETY: the caller's promise.
        return hop(|| unsafe { wait_for_pool(reactor, request, what) });
    };
    let operation = Operation {
        waiting: Waiting::to_the_end(What::new(request.action())).of_an_operation(),
        result: Cell::new(0),
    };
    // SAFETY: the operation stays in this frame, and the buffers stay the caller's, until the completion has claimed it.
    if !hop(|| unsafe { ring.borrow_mut().push(&request.entry(), (&raw const operation) as u64) }) {
        // The kernel takes no more just now.
        // SAFETY: the caller's promise.
        return hop(|| unsafe { wait_for_pool(reactor, request, what) });
    }
    reactor.begun();
    let outcome = operation.waiting.wait(None);
    debug_assert_eq!(outcome, Outcome::Notified);
    reactor.ended();
    operation.result.get()
}

/// # Safety
/// As [`wait_for`].
unsafe fn wait_for_pool(reactor: &Reactor, request: &Request<'_>, what: For) -> i32 {
    if what == For::Anything
        && let Some((fd, events)) = request.polls()
    {
        reactor.begun();
        // SAFETY: the caller's promise.
        let result = unsafe { wait_until_ready(request, fd, events) };
        reactor.ended();
        if let Some(result) = result {
            return result;
        }
    }
    // Those of another runtime may have all of them.
    let waits = blocking::WaitsForThreads::begin();
    let permit = (what != For::Others).then(|| POOL_PERMITS.acquire(1));
    drop(waits);
    reactor.begun();
    let sent = *request;
    let result = blocking::call_elsewhere(move || {
        // The whole of it, which may be sent; its pointers alone may not.
        let request = sent;
        // SAFETY: the caller's promise: buffers are valid until we return, which we do after the call.
        unsafe { request.call() }
    });
    reactor.ended();
    drop(permit);
    match result {
        Ok(result) => result.unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
        // No thread is to be had: the carrier waits for it itself.
        // SAFETY: as above.
        Err(_) => unsafe { request.call() },
    }
}

/// Makes the call when it need not wait. `None`: nobody can say when that is, or this kernel not whether it is so now.
///
/// # Safety
/// As [`wait_for`].
unsafe fn wait_until_ready(request: &Request<'_>, fd: RawFd, events: i16) -> Option<i32> {
    loop {
        match poll::wait_until_ready(request.action(), fd, events) {
            Ready::Now => {}
            Ready::Cancelled => return Some(-libc::ECANCELED),
            Ready::Unknown => return None,
        }
        // SAFETY: the caller's promise.
        match unsafe { request.call_now() } {
            // Somebody else was faster.
            result if result == -libc::EAGAIN => {}
            // It is ready, so whoever makes the call most probably need not wait.
            result if result == -libc::EOPNOTSUPP || result == -libc::ENOSYS => return None,
            result => return Some(result),
        }
    }
}

/// Asks for the cancellation of the operation that `waiting` is part of; who waits goes on waiting. `false`: it is a parent's.
pub(crate) fn cancel(waiting: &Waiting) -> bool {
    let Some(reactor) = reactor().filter(|reactor| reactor.numbers.get().in_flight > 0) else { return false };
    match &reactor.ring {
        // The ring had no room for it.
        Some(_) if poll::cancel(waiting) => true,
        Some(ring) => {
            ring.borrow_mut().cancel((&raw const *waiting) as u64);
            true
        }
        None => poll::cancel(waiting),
    }
}

/// In the carrier's loop: hands over what is to be done, and `ready` those whose operations have completed.
#[inline]
pub(crate) fn turn(ready: impl FnMut(Parked)) {
    if let Some(reactor) = reactor()
        && reactor.numbers.get().in_flight > 0
        && let Some(ring) = &reactor.ring
    {
        let mut ring = ring.borrow_mut();
        ring.submit_some();
        deliver(&mut ring, ready);
    }
}

fn deliver(ring: &mut Ring, mut ready: impl FnMut(Parked)) {
    ring.completed(|operation, result| {
        // SAFETY: the kernel gives each operation's address back once, and its frame waits for that.
        let operation = unsafe { &*(operation as *const Operation) };
        operation.result.set(result);
        if operation.waiting.claim(Outcome::Notified) {
            ready(operation.waiting.parked());
        }
    });
}

/// Are operations under way, so that somebody will go on without another vthread's help?
pub(crate) fn is_busy() -> bool {
    reactor().is_some_and(|reactor| reactor.numbers.get().in_flight > 0)
}

/// In the carrier's loop when all wait: sleeps until an operation has completed, another thread has something for this
/// carrier, or until then; `has_more` is as in [`Remote::sleep`]. `false`: no operation is under way in a ring.
pub(crate) fn sleep(remote: &'static Remote, until: Option<Instant>, has_more: impl Fn() -> bool) -> bool {
    let Some(reactor) = reactor().filter(|reactor| reactor.numbers.get().in_flight > 0) else { return false };
    let Some(ring) = &reactor.ring else { return false };
    let mut ring = ring.borrow_mut();
    // Without a bell there is the futex, and others' news would be all that is heard: look often instead.
    let bell = remote.bell();
    let most = bell.is_none().then(|| Instant::now() + core::time::Duration::from_millis(1));
    let until = match (until, most) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    remote.sleep_elsewhere(has_more, || ring.wait(bell.map(Bell::fd), until));
    true
}

/// In words, for a report.
pub(crate) fn describe() -> String {
    let Some(reactor) = reactor() else { return String::from("no operation so far") };
    let in_flight = reactor.numbers.get().in_flight;
    match &reactor.ring {
        Some(ring) => format!("{in_flight} operations under way, {}", ring.borrow_mut().describe()),
        None => format!("{in_flight} operations under way in the pool"),
    }
}

/// The carrier ends. `waits_left`: some of its vthreads wait for ever, and may have operations under way.
pub(crate) fn end(waits_left: bool) {
    let reactor = REACTOR.replace(null()).cast_mut();
    if reactor.is_null() || waits_left {
        return;
    }
    // SAFETY: made by `reactor_or_make`, and nothing runs on this carrier any more that could use it.
    let reactor = unsafe { Box::from_raw(reactor) };
    let (now, before) = (reactor.numbers.get(), BEFORE.get());
    BEFORE.set(Operations { in_flight: 0, most: before.most.max(now.most), total: before.total + now.total });
}

/// What this thread's operations amount to.
pub(crate) fn numbers() -> Operations {
    let (now, before) = (reactor().map_or(Operations::default(), |r| r.numbers.get()), BEFORE.get());
    Operations { in_flight: now.in_flight, most: before.most.max(now.most), total: before.total + now.total }
}
