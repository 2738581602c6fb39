//! A carrier's operations that are under way: who waits for them, and by which means they are done.
//!
//! ```text
//! vthread:  Operation in its frame -> entry in the ring, or a thread of the pool -> parks, until the operation has completed
//! carrier:  in its loop:           submits entries, takes completions, makes vthreads ready
//!           when all wait:         waits in the ring instead of on its futex; others wake it through an eventfd
//! cancel:   asks the kernel to cancel, and the vthread goes on waiting for the completion
//! ```
//!
//! A completion names its operation by the address of the frame's [`Operation`], which stays where it is until then: no
//! timeout, unpark or cancellation ends the wait ([`Waiting::to_the_end`]).

use super::Request;
use super::ring::Ring;
use crate::blocking;
use crate::call::hop;
use crate::carrier::{Reactor, install_reactor};
use crate::sched::wait::{Outcome, Waiting, What};
use crate::stats::Operations as Numbers;
use crate::sync::Semaphore;
use core::cell::{Cell, RefCell};
use core::ptr::null;
use std::os::fd::RawFd;
use std::rc::Rc;
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

/// One carrier's.
struct Operations {
    ring: RefCell<Ring>,
    /// An eventfd that others write to while the carrier waits in the ring.
    bell: RawFd,
}

thread_local! {
    /// This carrier's; made when the first operation has to wait.
    static OPERATIONS: Cell<*const Operations> = const { Cell::new(null()) };
    /// Of this thread, in rings and in the pool.
    static NUMBERS: Cell<Numbers> = const { Cell::new(Numbers { in_flight: 0, most: 0, total: 0 }) };
    /// No ring is to be had here.
    static USES_POOL: Cell<bool> = const { Cell::new(false) };
}

fn operations() -> Option<&'static Operations> {
    // SAFETY: the carrier has it, from when the pointer is set until `end`, which it calls when nothing runs on it any more.
    unsafe { OPERATIONS.get().as_ref() }
}

/// `None`: the pool does it.
fn operations_or_make() -> Option<&'static Operations> {
    if USES_POOL.get() {
        return None;
    }
    operations().or_else(|| {
        let wants_pool = std::env::var_os(IO_VAR).is_some_and(|v| v == "pool");
        let make = |bell| {
            let made = Rc::new(Operations { ring: RefCell::new(Ring::new()?), bell });
            OPERATIONS.set(Rc::as_ptr(&made));
            Ok(made as Rc<dyn Reactor>)
        };
        if wants_pool || install_reactor(make).is_err() {
            USES_POOL.set(true);
            OPERATIONS.set(null());
        }
        operations()
    })
}

fn begun() {
    let mut numbers = NUMBERS.get();
    numbers.in_flight += 1;
    numbers.total += 1;
    numbers.most = numbers.most.max(numbers.in_flight);
    NUMBERS.set(numbers);
}

fn ended() {
    let mut numbers = NUMBERS.get();
    numbers.in_flight -= 1;
    NUMBERS.set(numbers);
}

impl Operations {
    fn deliver(&self) -> usize {
        let mut count = 0;
        self.ring.borrow_mut().completed(|operation, result| {
            let operation = operation as *const Operation;
            // SAFETY: the kernel gives each operation's address back once, and its frame waits for that: nothing else ends
            // the wait.
            unsafe {
                (*operation).result.set(result);
                Waiting::finish(&raw const (*operation).waiting, Outcome::Notified);
            }
            count += 1;
        });
        count
    }
}

impl Reactor for Operations {
    fn poll(&self) -> usize {
        if self.under_way() == 0 {
            return 0;
        }
        self.ring.borrow_mut().submit_some();
        self.deliver()
    }

    fn wait(&self, until: Option<Instant>) {
        self.ring.borrow_mut().wait(self.bell, until);
        let mut rung = 0_u64;
        // SAFETY: eight bytes of ours, from a descriptor that stays. It fails if nobody has rung.
        unsafe { libc::read(self.bell, (&raw mut rung).cast(), size_of::<u64>()) };
        self.deliver();
    }

    fn under_way(&self) -> usize {
        NUMBERS.get().in_flight
    }
}

/// Does it while the vthread that calls is parked. What the system call would return, or the negative `errno`.
///
/// # Safety
/// The request's buffers are valid, and nobody else uses them until this returns.
pub(super) unsafe fn wait_for(request: &Request<'_>) -> i32 {
    let Some(operations) = hop(operations_or_make) else { return hop(|| wait_for_pool(request)) };
    let operation = Operation {
        waiting: Waiting::to_the_end(What { action: request.action(), object: 0 }).of_an_operation(),
        result: Cell::new(0),
    };
    // SAFETY: the operation stays in this frame, and the buffers stay the caller's, until the completion has claimed it.
    if !hop(|| unsafe { operations.ring.borrow_mut().push(&request.entry(), (&raw const operation) as u64) })
    {
        // SAFETY: the caller's promise.
        return hop(|| unsafe { request.call() });
    }
    begun();
    let outcome = operation.waiting.wait(None);
    debug_assert_eq!(outcome, Outcome::Notified);
    ended();
    operation.result.get()
}

fn wait_for_pool(request: &Request<'_>) -> i32 {
    let permit = POOL_PERMITS.acquire(1);
    begun();
    let request = *request;
    let result = blocking::call_elsewhere(move || {
        // The whole of it, which may be sent; its pointers alone may not.
        let request = request;
        // SAFETY: buffers are valid until we return, which we do after the call.
        unsafe { request.call() }
    });
    ended();
    drop(permit);
    result.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// Asks for the cancellation of the operation that `waiting` is part of; who waits goes on waiting.
pub(crate) fn cancel(waiting: &Waiting) {
    if let Some(operations) = operations() {
        operations.ring.borrow_mut().cancel((&raw const *waiting) as u64);
    }
}

/// Are operations under way, so that somebody will go on without another vthread's help?
pub(crate) fn is_busy() -> bool {
    NUMBERS.get().in_flight > 0
}

/// The carrier of this thread ends. What waits for ever keeps its ring.
pub(crate) fn end() {
    OPERATIONS.set(null());
    USES_POOL.set(false);
    NUMBERS.set(Numbers { in_flight: 0, ..NUMBERS.get() });
}

/// What this thread's operations amount to.
pub(crate) fn numbers() -> Numbers {
    NUMBERS.get()
}
