//! One carrier's core: vthreads that start, park, go on and end on one OS thread.
//!
//! A parked vthread is its stack pointer ([`Parked`]), and nothing else refers to it. All switching goes through
//! [`leave`], which keeps the hop stacks' invariant and std's panic count.

use crate::alt_stack::AltStack;
use crate::arch::{self, Parked};
use crate::call::{Enter, entry_of, hop};
use crate::chunk::Chunk;
use crate::config::StackConfig;
use crate::error::{Error, Result};
use crate::ring::Ring;
use crate::{faults, hop_stack, panic_count, signals, stacks};
use core::any::Any;
use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::ptr::null_mut;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// So many vthreads go on before a new one is started.
const BUDGET: u32 = 61;

/// What a vthread panicked with.
pub(crate) type Payload = Box<dyn Any + Send>;

/// At the top of a vthread's first chunk, as long as it lives.
#[repr(C)]
pub(crate) struct Root {
    /// Of its entry.
    pub(crate) name: &'static str,
    pub(crate) id: u64,
    /// Keeps the size a multiple of 16.
    _rest: u64,
}

/// A vthread that has not started: no stack yet.
pub(crate) struct Start {
    size: u32,
    entry: arch::Entry,
    /// The boxed closure.
    closure: *mut u8,
    /// Frees the closure unused.
    discard: unsafe fn(*mut u8),
    name: &'static str,
    /// Set when it starts.
    chunk: Option<Chunk>,
}

pub(crate) struct Carrier {
    ready: Ring,
    starts: RefCell<VecDeque<Start>>,
    /// The loop, while a vthread runs.
    in_loop: Cell<Parked>,
    /// The vthread that runs; null in the loop.
    mounted: Cell<*const Root>,
    budget: Cell<u32>,
    live: Cell<usize>,
    next_id: Cell<u64>,
    escaped: RefCell<Vec<Payload>>,
    session: u64,
}

thread_local! {
    static CARRIER: Cell<*const Carrier> = const { Cell::new(core::ptr::null()) };
    static SESSIONS: Cell<u64> = const { Cell::new(0) };
}

/// This thread's carrier.
#[inline(always)]
fn carrier() -> Option<&'static Carrier> {
    // SAFETY: a `Session` keeps it while the pointer is set, and vthreads, which alone hold on to the reference, run only
    // inside of a session and never leave the OS thread.
    unsafe { CARRIER.get().as_ref() }
}

/// The vthread that runs on this thread.
pub(crate) fn mounted() -> Option<&'static Root> {
    // SAFETY: its record lives as long as the vthread, which is running.
    carrier().and_then(|c| unsafe { c.mounted.get().as_ref() })
}

#[cold]
#[inline(never)]
fn not_on_a_vthread() -> ! {
    panic!("vthread: only a vthread can park or yield; call it inside of vthread::run")
}

// --- switching -----------------------------------------------------------------------------------------------------

impl Carrier {
    /// Who goes on when the running vthread leaves.
    #[inline(always)]
    fn next(&self) -> Parked {
        let budget = self.budget.get();
        if budget == 0 {
            return self.in_loop.get();
        }
        self.budget.set(budget - 1);
        self.ready.pop().unwrap_or_else(|| self.in_loop.get())
    }

    /// # Safety
    /// `save` gives a place that whoever resumes this vthread takes it from, once.
    #[inline(always)]
    unsafe fn switch_stacks(&self, save: impl FnOnce() -> *mut Parked) -> Result<()> {
        let me = self.mounted.get();
        if hop_stack::on_installed() {
            let kept = hop_stack::detach()?;
            let to = self.next();
            // SAFETY: `next` gives stacks that wait on this thread, each once.
            unsafe { arch::switch(to, save()) };
            kept.reattach();
        } else {
            hop_stack::check_empty();
            let to = self.next();
            // SAFETY: as above.
            unsafe { arch::switch(to, save()) };
            hop_stack::check_empty();
        }
        self.mounted.set(me);
        Ok(())
    }

    /// The same, while this vthread panics: at every switch std's count is none, and who panics keeps its own.
    ///
    /// # Safety
    /// As above.
    #[cold]
    #[inline(never)]
    unsafe fn switch_panicking(&self, save: impl FnOnce() -> *mut Parked) -> Result<()> {
        assert!(
            panic_count::is_known(),
            "vthread: cannot park while panicking, because std's count of panics was not found in this executable"
        );
        // Whatever fails must find the count as it was.
        if hop_stack::on_installed() {
            hop_stack::prepare()?;
        }
        let mine = panic_count::put_aside();
        // SAFETY: the caller's promise.
        let done = unsafe { self.switch_stacks(save) };
        panic_count::put_back(mine);
        done
    }
}

/// The one way to leave a vthread that will go on.
///
/// # Safety
/// As for [`Carrier::switch_stacks`].
#[inline(always)]
unsafe fn leave(save: impl FnOnce(&Carrier) -> *mut Parked) -> Result<()> {
    let Some(carrier) = carrier().filter(|c| !c.mounted.get().is_null()) else { not_on_a_vthread() };
    if std::thread::panicking() {
        // SAFETY: the caller's promise.
        return unsafe { carrier.switch_panicking(|| save(carrier)) };
    }
    // SAFETY: as above.
    unsafe { carrier.switch_stacks(|| save(carrier)) }
}

#[cold]
#[inline(never)]
fn cannot_park(error: &Error) -> ! {
    panic!("vthread: cannot park here: {error}")
}

/// Lets every vthread that is ready go first.
///
/// # Panics
/// Outside of a vthread, and off its chunks when no hop stack is left.
#[inline(always)]
pub fn yield_now() {
    // SAFETY: the place is the ring's last, from which this vthread is taken once.
    let done = unsafe { leave(|carrier| carrier.ready.push_place()) };
    if let Err(error) = done {
        cannot_park(&error);
    }
}

/// A place for one vthread to wait at.
#[derive(Debug, Default)]
pub struct Waiter {
    parked: Cell<Parked>,
    session: Cell<u64>,
}

impl Waiter {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { parked: Cell::new(null_mut()), session: Cell::new(0) }
    }

    /// Does a vthread wait?
    pub fn is_waiting(&self) -> bool {
        !self.parked.get().is_null()
    }

    /// Parks the running vthread until [`wake`](Self::wake).
    ///
    /// # Panics
    /// Outside of a vthread, when another one waits here, and off its chunks when no hop stack is left.
    #[inline(always)]
    pub fn park(&self) {
        assert!(!self.is_waiting(), "vthread: two vthreads wait at one place");
        // SAFETY: `wake` takes it from this place, once.
        let done = unsafe {
            leave(|carrier| {
                self.session.set(carrier.session);
                self.parked.as_ptr()
            })
        };
        if let Err(error) = done {
            cannot_park(&error);
        }
    }

    /// Makes the vthread that waits here ready. `false`: none does, or it belongs to a runtime that has ended.
    #[inline(always)]
    pub fn wake(&self) -> bool {
        let Some(carrier) = carrier() else { return false };
        if !self.is_waiting() || self.session.get() != carrier.session {
            return false;
        }
        carrier.ready.push(self.parked.replace(null_mut()));
        true
    }
}

// --- starting and ending ----------------------------------------------------------------------------------------------

/// First frame of a vthread that runs `F`.
struct First<F>(core::marker::PhantomData<F>);

impl<F: FnOnce()> Enter for First<F> {
    const RESERVE: u32 = size_of::<Root>() as u32;

    /// `argument`: the [`Start`], which is valid until the first switch.
    #[inline(never)]
    unsafe extern "C-unwind" fn enter(argument: *mut u8) {
        // SAFETY: the loop waits with it in its frame; the closure was boxed as an `F`, for us.
        let (closure, chunk) = unsafe {
            let start = &mut *argument.cast::<Start>();
            (Box::from_raw(start.closure.cast::<F>()), start.chunk.take())
        };
        // Nothing here may have to drop a payload: what its drop needs has no bound.
        let payload = match catch_unwind(AssertUnwindSafe(|| (*closure)())) {
            Ok(()) => None,
            Err(payload) => Some(ManuallyDrop::new(payload)),
        };
        ended(payload, chunk)
    }
}

fn ended(payload: Option<ManuallyDrop<Payload>>, chunk: Option<Chunk>) -> ! {
    let Some(carrier) = carrier() else { std::process::abort() };
    if let Some(payload) = payload {
        hop(|| carrier.escaped.borrow_mut().push(ManuallyDrop::into_inner(payload)));
    }
    hop_stack::check_empty();
    carrier.live.set(carrier.live.get() - 1);
    carrier.mounted.set(core::ptr::null());
    // We are still on it, but nobody takes it before we have left: the lists are this thread's. Its top word, which the
    // list writes, belongs to the root record, which nobody reads any more.
    drop(chunk);
    // SAFETY: the loop or another stack waits, and nothing on this one is needed any more.
    unsafe { arch::jump(carrier.next()) }
}

impl Start {
    fn new<F: FnOnce()>(closure: F, name: &'static str) -> Self {
        unsafe fn discard<F>(closure: *mut u8) {
            // SAFETY: boxed as an `F` below, and not used.
            drop(unsafe { Box::from_raw(closure.cast::<F>()) });
        }
        let (size, entry) = entry_of::<First<F>>();
        let closure = Box::into_raw(Box::new(closure)).cast();
        Self { size, entry, closure, discard: discard::<F>, name, chunk: None }
    }

    /// With another size than the link step wrote.
    #[cfg(feature = "unpatched-stand-in")]
    fn sized(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    fn discard(self) {
        // SAFETY: it has not started.
        unsafe { (self.discard)(self.closure) };
    }
}

impl Carrier {
    /// # Safety
    /// The closure does not outlive what it borrows: the caller does not return before it has ended.
    unsafe fn spawn<F: FnOnce()>(&self, closure: F, name: &'static str) {
        hop(|| self.starts.borrow_mut().push_back(Start::new(closure, name)));
    }

    /// Runs the start on a fresh stack, until it leaves. Without memory for one, the error is what it ends with.
    fn start(&self, start: Start) {
        let mut chunk = match stacks::take_for_start(start.size, start.name) {
            Ok(chunk) => chunk,
            Err(error) => {
                start.discard();
                self.escaped.borrow_mut().push(Box::new(error));
                return;
            }
        };
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        self.live.set(self.live.get() + 1);
        let root = chunk.top().cast::<Root>().wrapping_sub(1);
        let mut start = ManuallyDrop::new(start);
        // SAFETY: the chunk has room for the record and, below it, for the entry; the entry takes closure and chunk out of
        // `start` before it switches back here. The loop runs on none of the stacks that `in_loop` resumes.
        unsafe {
            root.write(Root { name: start.name, id, _rest: 0 });
            self.mounted.set(root);
            start.chunk = Some(core::ptr::read(&raw mut chunk));
            core::mem::forget(chunk);
            let argument = (&raw mut *start).cast();
            arch::enter(root.cast(), self.in_loop.as_ptr(), start.entry, argument);
        }
        self.mounted.set(core::ptr::null());
    }

    /// Runs what is ready and what has not started, until everything has ended or waits.
    fn run(&self) {
        debug_assert!(!arch::on_chunk_now() && self.mounted.get().is_null());
        loop {
            hop_stack::check_empty();
            self.budget.set(BUDGET);
            let start = self.starts.borrow_mut().pop_front();
            if let Some(start) = start {
                self.start(start);
            } else if let Some(ready) = self.ready.pop() {
                // SAFETY: it waits on this thread, and was taken once. Whoever leaves last comes back to `in_loop`.
                unsafe { arch::switch(ready, self.in_loop.as_ptr()) };
                self.mounted.set(core::ptr::null());
            } else {
                return;
            }
        }
    }
}

/// Starts a vthread on this carrier, later.
///
/// # Panics
/// Outside of a runtime.
pub fn spawn<F: FnOnce() + 'static>(closure: F) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    // SAFETY: it borrows nothing that ends.
    unsafe { carrier.spawn(closure, core::any::type_name::<F>()) };
}

/// [`spawn`] on a stack of so many bytes, or of an unproved entry; for tests without the link step.
///
/// # Safety
/// The stack is large enough for the closure: nothing proves that.
#[cfg(feature = "unpatched-stand-in")]
pub unsafe fn spawn_sized<F: FnOnce() + 'static>(size: u32, closure: F) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    hop(|| {
        let start = Start::new(closure, core::any::type_name::<F>()).sized(size);
        carrier.starts.borrow_mut().push_back(start);
    });
}

/// The bare context switch, for benchmarks: what it costs without queues, hop stacks and counts.
#[cfg(feature = "unpatched-stand-in")]
pub mod raw {
    /// A stack that waits to go on.
    pub type Parked = *mut u8;

    /// A function that is entered on a stack of its own.
    pub type Entry = unsafe extern "C-unwind" fn(*mut u8);

    /// Goes on with `to`; `*save` becomes the caller.
    ///
    /// # Safety
    /// `to` was saved by [`switch`] or [`enter`] on this OS thread and has not gone on since.
    #[inline(always)]
    pub unsafe fn switch(to: Parked, save: *mut Parked) {
        // SAFETY: the caller's promise.
        unsafe { crate::arch::switch(to, save) }
    }

    /// Starts `entry(argument)`, which never returns, on a stack that ends at `top`; `*save` becomes the caller.
    ///
    /// # Safety
    /// The stack is free, large enough and ends at a multiple of 16.
    #[inline(always)]
    pub unsafe fn enter(top: *mut u8, save: *mut Parked, entry: Entry, argument: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { crate::arch::enter(top, save, entry, argument) }
    }
}

/// This thread is a carrier as long as this lives.
pub(crate) struct Session {
    carrier: ManuallyDrop<Box<Carrier>>,
    hops: ManuallyDrop<hop_stack::Installed>,
    stacks: ManuallyDrop<stacks::Installed>,
    _alt_stack: AltStack,
}

impl Session {
    pub(crate) fn new(config: StackConfig) -> Result<Self> {
        if !CARRIER.get().is_null() || !arch::hop_top().is_null() {
            return Err(Error::AlreadyACarrier);
        }
        panic_count::find();
        faults::install();
        // What was installed before main, past our definitions.
        signals::sweep();
        let alt_stack = AltStack::install().map_err(Error::NoSignalStack)?;
        let hops = hop_stack::Installed::new(&config)?;
        let stacks = stacks::Installed::new(config)?;
        SESSIONS.set(SESSIONS.get() + 1);
        let carrier = Box::new(Carrier {
            ready: Ring::new(),
            starts: RefCell::default(),
            in_loop: Cell::new(null_mut()),
            mounted: Cell::new(core::ptr::null()),
            budget: Cell::new(0),
            live: Cell::new(0),
            next_id: Cell::new(1),
            escaped: RefCell::default(),
            session: SESSIONS.get(),
        });
        CARRIER.set(&raw const *carrier);
        Ok(Self {
            carrier: ManuallyDrop::new(carrier),
            hops: ManuallyDrop::new(hops),
            stacks: ManuallyDrop::new(stacks),
            _alt_stack: alt_stack,
        })
    }

    /// Runs `f` as a vthread, and all that it spawns until they end or wait.
    ///
    /// When `f` itself waits for ever there is no way out: its frames may not be forgotten, because others may rely on them
    /// being left in order, and nobody is left to wake it. The process ends with a message.
    pub(crate) fn run<F: FnOnce() -> R, R>(&self, f: F) -> Result<R> {
        let mut result = None;
        let body = || result = Some(catch_unwind(AssertUnwindSafe(f)));
        // SAFETY: below, either it has ended or the process does.
        unsafe { self.carrier.spawn(body, core::any::type_name::<F>()) };
        self.carrier.run();
        match result {
            Some(Ok(value)) => Ok(value),
            Some(Err(payload)) => std::panic::resume_unwind(payload),
            None if self.carrier.live.get() > 0 => {
                eprintln!(
                    "vthread: deadlock: {} waits, and nothing is left that could wake it",
                    core::any::type_name::<F>()
                );
                std::process::abort()
            }
            // It did not start.
            None => {
                let mut payloads = self.carrier.escaped.take().into_iter();
                Err(payloads.find_map(|p| p.downcast::<Error>().ok()).map_or(Error::NotACarrier, |e| *e))
            }
        }
    }

    /// Runs until all vthreads have ended or wait. Gives what those ended with that did not return, since the last time.
    pub(crate) fn run_ready(&self) -> Vec<Payload> {
        self.carrier.run();
        self.carrier.escaped.take()
    }

    /// Vthreads that have started and not ended.
    pub(crate) fn live(&self) -> usize {
        self.carrier.live.get()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let starts = self.carrier.starts.take();
        starts.into_iter().for_each(Start::discard);
        CARRIER.set(core::ptr::null());
        if self.carrier.live.get() == 0 {
            // SAFETY: dropped once, here.
            unsafe {
                ManuallyDrop::drop(&mut self.stacks);
                ManuallyDrop::drop(&mut self.hops);
                ManuallyDrop::drop(&mut self.carrier);
            }
        } else {
            // Vthreads that wait for ever keep their stacks: other threads may refer to what is on them.
            stacks::Installed::abandon();
            hop_stack::Installed::abandon();
        }
    }
}
