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
use crate::sched::deadlock::{Report, WhenStuck};
use crate::sched::remote::Remote;
use crate::sched::task::{self, Task};
use crate::sched::timers::Timers;
use crate::sched::wait::{Outcome, Waiting, What};
use crate::{faults, hop_stack, io, panic_count, signals, stacks};
use core::any::Any;
use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::ptr::null_mut;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// So many vthreads go on before a new one is started.
const BUDGET: u32 = 61;

/// What a vthread panicked with.
pub(crate) type Payload = Box<dyn Any + Send>;

/// At the top of a vthread's first chunk, as long as it lives. Its carrier's alone.
#[repr(C)]
pub(crate) struct Root {
    /// Holds a reference.
    task: *const Task,
    /// What it waits at; null while it runs or is ready.
    waiting: Cell<*const Waiting>,
    /// Neighbours among the carrier's vthreads.
    previous: Cell<*const Root>,
    next: Cell<*const Root>,
}

impl Root {
    pub(crate) fn task(&self) -> &Task {
        // SAFETY: `Carrier::start` put a reference here, which `ended` takes.
        unsafe { &*self.task }
    }

    pub(crate) fn share_task(&self) -> Arc<Task> {
        // SAFETY: as above; this is one more.
        unsafe {
            Arc::increment_strong_count(self.task);
            Arc::from_raw(self.task)
        }
    }
}

/// What a vthread does. Neither of its two unwinds.
pub(crate) trait Body {
    /// On its stack.
    fn run(self);
    /// Off it, because it will never have one.
    fn fail(self, error: Error);
}

/// A vthread that has not started: no stack yet.
pub(crate) struct Start {
    size: u32,
    entry: arch::Entry,
    /// Boxed.
    body: *mut u8,
    /// [`Body::fail`].
    fail: unsafe fn(*mut u8, Error),
    task: Arc<Task>,
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
    /// All that have started.
    roots: Cell<*const Root>,
    escaped: RefCell<Vec<Payload>>,
    session: u64,
    remote: &'static Remote,
    timers: RefCell<Timers>,
    /// Who waited for what when nothing was left that could wake anybody.
    deadlock: RefCell<Option<String>>,
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

    /// The vthread that was chosen, or the loop when that has been put off for long.
    #[inline(always)]
    fn chosen(&self, to: Option<Parked>) -> Parked {
        let Some(to) = to else { return self.next() };
        let budget = self.budget.get();
        if budget == 0 {
            self.ready.push(to);
            return self.in_loop.get();
        }
        self.budget.set(budget - 1);
        to
    }

    /// # Safety
    /// `save` gives a place that whoever resumes this vthread takes it from, once. `to` waits on this thread and is taken
    /// by nobody else; it is lost if this fails.
    #[inline(always)]
    unsafe fn switch_stacks(&self, to: Option<Parked>, save: impl FnOnce() -> *mut Parked) -> Result<()> {
        let me = self.mounted.get();
        if hop_stack::on_installed() {
            let kept = hop_stack::detach()?;
            let to = self.chosen(to);
            // SAFETY: `chosen` gives stacks that wait on this thread, each once.
            unsafe { arch::switch(to, save()) };
            kept.reattach();
        } else {
            hop_stack::check_empty();
            let to = self.chosen(to);
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
    unsafe fn switch_panicking(&self, to: Option<Parked>, save: impl FnOnce() -> *mut Parked) -> Result<()> {
        assert_panic_count();
        // Whatever fails must find the count as it was.
        if hop_stack::on_installed() {
            hop_stack::prepare()?;
        }
        let mine = panic_count::put_aside();
        // SAFETY: the caller's promise.
        let done = unsafe { self.switch_stacks(to, save) };
        panic_count::put_back(mine);
        done
    }
}

/// The one way to leave a vthread that will go on.
///
/// # Safety
/// As for [`Carrier::switch_stacks`].
#[inline(always)]
unsafe fn leave(to: Option<Parked>, save: impl FnOnce(&Carrier) -> *mut Parked) -> Result<()> {
    let Some(carrier) = carrier().filter(|c| !c.mounted.get().is_null()) else { not_on_a_vthread() };
    if std::thread::panicking() {
        // SAFETY: the caller's promise.
        return unsafe { carrier.switch_panicking(to, || save(carrier)) };
    }
    // SAFETY: as above.
    unsafe { carrier.switch_stacks(to, || save(carrier)) }
}

fn assert_panic_count() {
    assert!(
        panic_count::is_known(),
        "vthread: cannot park while panicking, because std's count of panics was not found in this executable"
    );
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
    let done = unsafe { leave(None, |carrier| carrier.ready.push_place()) };
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
            leave(None, |carrier| {
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

// --- waiting (see `sched::wait`) -------------------------------------------------------------------------------------------

/// Makes sure that the next park of this vthread succeeds, `whatever` the cap on hop stacks. Gives its carrier's remote;
/// `None`: this is no vthread.
///
/// # Panics
/// When it cannot.
#[inline(always)]
pub(crate) fn prepare_to_park(whatever: bool) -> Option<&'static Remote> {
    let carrier = carrier().filter(|c| !c.mounted.get().is_null())?;
    if std::thread::panicking() {
        assert_panic_count();
    }
    if hop_stack::on_installed() {
        let prepared = if whatever { hop_stack::prepare_beyond_cap() } else { hop_stack::prepare() };
        if let Err(error) = prepared {
            cannot_park(&error);
        }
    }
    Some(carrier.remote)
}

/// Parks the running vthread until whoever claimed `waiting` makes it ready, or until then. Goes on with `to`, if there is one.
///
/// # Safety
/// `waiting` was made by the running vthread, and `parked` is its.
#[inline(always)]
pub(crate) unsafe fn park_waiting(
    waiting: &Waiting,
    parked: *mut Parked,
    until: Option<Instant>,
    to: Option<Parked>,
) {
    let (Some(carrier), Some(root)) = (carrier(), mounted()) else { not_on_a_vthread() };
    let key = until.map(|until| hop(|| carrier.timers.borrow_mut().insert(until, waiting)));
    root.waiting.set(waiting);
    if root.task().is_cancelled() && waiting.cancellable && task::RAISES && waiting.claim(Outcome::Cancelled)
    {
        // Nobody else will make it ready.
        if let Some(to) = to {
            carrier.ready.push(to);
        }
    } else {
        // SAFETY: resumed once, by the one who claimed it. `to` was claimed by the caller.
        if let Err(error) = unsafe { leave(to, |_| parked) } {
            eprintln!("vthread: a wait that was prepared for failed: {error}");
            std::process::abort();
        }
    }
    root.waiting.set(core::ptr::null());
    if let Some(key) = key {
        hop(|| carrier.timers.borrow_mut().remove(key));
    }
}

/// Is that this thread's carrier?
#[inline(always)]
pub(crate) fn is_home(home: &'static Remote) -> bool {
    carrier().is_some_and(|c| core::ptr::eq(c.remote, home))
}

/// Makes a claimed vthread ready, if this is its carrier.
#[inline(always)]
pub(crate) fn make_ready(home: &'static Remote, parked: &Cell<Parked>) -> bool {
    match carrier() {
        Some(carrier) if core::ptr::eq(carrier.remote, home) => {
            carrier.ready.push(parked.get());
            true
        }
        _ => false,
    }
}

/// Can the caller switch straight to another vthread? Off its chunks that takes a hop stack.
#[inline(always)]
pub(crate) fn can_hand_over() -> bool {
    mounted().is_some()
        && !std::thread::panicking()
        && (!hop_stack::on_installed() || hop_stack::prepare().is_ok())
}

/// Goes on with `to`, and with the caller later.
///
/// # Safety
/// `to` waits on this thread, and nobody else resumes it. [`can_hand_over`].
#[inline(always)]
pub(crate) unsafe fn yield_to(to: Parked) {
    // SAFETY: the place is the ring's last, from which this vthread is taken once.
    if let Err(error) = unsafe { leave(Some(to), |carrier| carrier.ready.push_place()) } {
        cannot_park(&error);
    }
}

/// A scope was cancelled: whoever belongs to it must hear of it.
pub(crate) fn cancel_everywhere() {
    hop(|| {
        if let Some(carrier) = carrier() {
            carrier.cancel_waits(Task::in_cancelled_scope);
        }
        for remote in REMOTES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if !is_home(remote) {
                remote.request_cancellations();
            }
        }
    });
}

/// Of all carriers.
static REMOTES: Mutex<Vec<&'static Remote>> = Mutex::new(Vec::new());

impl Carrier {
    fn roots(&self) -> impl Iterator<Item = &Root> {
        let mut next = self.roots.get();
        core::iter::from_fn(move || {
            // SAFETY: records of vthreads that live; nobody ends while our caller looks.
            let root = unsafe { next.as_ref()? };
            next = root.next.get();
            Some(root)
        })
    }

    /// Cancels those vthreads, and ends their waits. How many?
    fn cancel_waits(&self, which: impl Fn(&Task) -> bool) -> usize {
        let mut ended = 0;
        for root in self.roots().filter(|root| which(root.task())) {
            root.task().cancel();
            // SAFETY: it is in the frame of a wait that has not ended: who goes on takes it out first.
            let waiting = unsafe { root.waiting.get().as_ref() };
            if let Some(operation) = waiting.filter(|waiting| waiting.is_operation) {
                io::cancel(operation);
                ended += 1;
            } else if let Some(waiting) = waiting
                && task::RAISES
                && waiting.cancellable
                && waiting.claim(Outcome::Cancelled)
            {
                self.ready.push(waiting.parked());
                ended += 1;
            }
        }
        ended
    }

    /// Everything waits. Cancels it all, and keeps in mind why.
    fn break_deadlock(&self) {
        let mut report = Report::new();
        for root in self.roots() {
            // SAFETY: as above.
            let waiting = unsafe { root.waiting.get().as_ref() };
            report.add(
                root.task(),
                waiting.map_or(What { action: "waits", object: 0 }, |waiting| waiting.what),
            );
        }
        let report = report.finish();
        if self.cancel_waits(|_| true) == 0 {
            eprintln!("vthread: deadlock, and no wait of these can be ended:{report}");
            std::process::abort();
        }
        self.deadlock.borrow_mut().get_or_insert(report);
    }

    /// What others have sent, and whose time has come.
    fn look_around(&self) {
        self.remote.drain(|waiting| self.ready.push(waiting.parked()));
        io::turn(|parked| self.ready.push(parked));
        if self.remote.take_cancellations() {
            self.cancel_waits(Task::in_cancelled_scope);
        }
        let mut timers = self.timers.borrow_mut();
        if !timers.is_empty() {
            let now = Instant::now();
            while let Some(waiting) = timers.take_due(now) {
                // SAFETY: it is in the frame of a wait that has not ended: who goes on takes it out first.
                let waiting = unsafe { &*waiting };
                if waiting.claim(Outcome::TimedOut) {
                    self.ready.push(waiting.parked());
                }
            }
        }
    }
}

// --- starting and ending ----------------------------------------------------------------------------------------------

/// First frame of a vthread that does `B`.
struct First<B>(core::marker::PhantomData<B>);

impl<B: Body> Enter for First<B> {
    const RESERVE: u32 = size_of::<Root>() as u32;

    /// `argument`: the [`Start`], which is valid until the first switch.
    #[inline(never)]
    unsafe extern "C-unwind" fn enter(argument: *mut u8) {
        // SAFETY: the loop waits with it in its frame; the body was boxed as a `B`, for us.
        let (body, chunk) = unsafe {
            let start = &mut *argument.cast::<Start>();
            (Box::from_raw(start.body.cast::<B>()), start.chunk.take())
        };
        (*body).run();
        ended(chunk)
    }
}

fn ended(chunk: Option<Chunk>) -> ! {
    let (Some(carrier), Some(root)) = (carrier(), mounted()) else { std::process::abort() };
    carrier.forget_root(root);
    hop(|| {
        // SAFETY: the reference that `start` put there.
        drop(unsafe { Arc::from_raw(root.task) });
    });
    hop_stack::check_empty();
    carrier.live.set(carrier.live.get() - 1);
    carrier.mounted.set(core::ptr::null());
    // We are still on it, but nobody takes it before we have left: the lists are this thread's. Its top word, which the
    // list writes, belongs to the root record, which nobody reads any more.
    drop(chunk);
    // SAFETY: the loop or another stack waits, and nothing on this one is needed any more.
    unsafe { arch::jump(carrier.next()) }
}

/// A closure whose panic is the carrier's to tell of.
struct Plain<F>(F);

impl<F: FnOnce()> Body for Plain<F> {
    fn run(self) {
        let Some(root) = mounted() else { return };
        // Nothing may have to be dropped on the chunk: what that needs has no bound.
        let outcome = ManuallyDrop::new(task::run_closure(root.task(), self.0));
        if outcome.is_err() {
            hop(move || ManuallyDrop::into_inner(outcome).err().into_iter().for_each(escaped));
        }
    }

    fn fail(self, error: Error) {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(self)));
        escaped(Box::new(error));
        dropped.err().into_iter().for_each(escaped);
    }
}

fn escaped(payload: Payload) {
    if let Some(carrier) = carrier() {
        hop(|| carrier.escaped.borrow_mut().push(payload));
    }
}

impl Start {
    fn new<B: Body>(body: B, task: Arc<Task>) -> Self {
        unsafe fn fail<B: Body>(body: *mut u8, error: Error) {
            // SAFETY: boxed as a `B` below, and not used.
            let body = unsafe { Box::from_raw(body.cast::<B>()) };
            body.fail(error);
        }
        let (size, entry) = entry_of::<First<B>>();
        let body = Box::into_raw(Box::new(body)).cast();
        Self { size, entry, body, fail: fail::<B>, task, chunk: None }
    }

    /// With another size than the link step wrote.
    #[cfg(feature = "unpatched-stand-in")]
    fn sized(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    fn fail(self, error: Error) {
        // SAFETY: it has not started.
        unsafe { (self.fail)(self.body, error) };
    }
}

impl Carrier {
    /// # Safety
    /// The body does not outlive what it borrows: the caller does not return before it has ended.
    unsafe fn spawn<B: Body>(&self, body: B, task: Arc<Task>) {
        hop(|| self.starts.borrow_mut().push_back(Start::new(body, task)));
    }

    fn remember_root(&self, root: &Root) {
        let first = self.roots.replace(root);
        root.next.set(first);
        // SAFETY: those in the list live.
        if let Some(first) = unsafe { first.as_ref() } {
            first.previous.set(root);
        }
    }

    fn forget_root(&self, root: &Root) {
        let (previous, next) = (root.previous.get(), root.next.get());
        // SAFETY: as above.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => self.roots.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.previous.set(previous);
            }
        }
    }

    /// Runs the start on a fresh stack, until it leaves. Without memory for one, the error is what it ends with.
    fn start(&self, start: Start) {
        let mut chunk = match stacks::take_for_start(start.size, start.task.entry) {
            Ok(chunk) => chunk,
            Err(error) => return start.fail(error),
        };
        self.live.set(self.live.get() + 1);
        let root = chunk.top().cast::<Root>().wrapping_sub(1);
        let mut start = ManuallyDrop::new(start);
        // SAFETY: the chunk has room for the record and, below it, for the entry; the entry takes closure and chunk out of
        // `start` before it switches back here. The loop runs on none of the stacks that `in_loop` resumes.
        unsafe {
            root.write(Root {
                task: Arc::into_raw(core::ptr::read(&raw const start.task)),
                waiting: Cell::new(core::ptr::null()),
                previous: Cell::new(core::ptr::null()),
                next: Cell::new(core::ptr::null()),
            });
            self.remember_root(&*root);
            if (*root).task().in_cancelled_scope() {
                (*root).task().cancel();
            }
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
            self.look_around();
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

    /// Runs until all have ended.
    fn run_to_the_end(&self, when_stuck: WhenStuck) {
        loop {
            self.run();
            if self.live.get() == 0 {
                return;
            }
            let first = self.timers.borrow().first();
            if io::sleep(self.remote, first) {
                continue;
            }
            if first.is_none()
                && !io::is_busy()
                && !self.remote.has_news()
                && when_stuck.is_deadlock()
                && !self.remote.has_news()
            {
                self.break_deadlock();
            } else {
                self.remote.sleep(first);
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
    let task = hop(|| Arc::new(Task::new(core::any::type_name::<F>(), None, None)));
    // SAFETY: it borrows nothing that ends.
    unsafe { carrier.spawn(Plain(closure), task) };
}

/// Starts a body on this carrier, later.
///
/// # Safety
/// It does not outlive what it borrows.
pub(crate) unsafe fn start_later<B: Body>(body: B, task: Arc<Task>) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    // SAFETY: the caller's promise.
    unsafe { carrier.spawn(body, task) };
}

/// # Panics
/// Where no vthread can be started.
pub(crate) fn assert_is_carrier() {
    assert!(carrier().is_some(), "vthread: this thread runs no vthreads: spawn inside of vthread::run");
}

/// [`spawn`] on a stack of so many bytes, or of an unproved entry; for tests without the link step.
///
/// # Safety
/// The stack is large enough for the closure: nothing proves that.
#[cfg(feature = "unpatched-stand-in")]
pub unsafe fn spawn_sized<F: FnOnce() + 'static>(size: u32, closure: F) {
    let Some(carrier) = carrier() else { not_on_a_vthread() };
    hop(|| {
        let task = Arc::new(Task::new(core::any::type_name::<F>(), None, None));
        carrier.starts.borrow_mut().push_back(Start::new(Plain(closure), task).sized(size));
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
            roots: Cell::new(core::ptr::null()),
            escaped: RefCell::default(),
            session: SESSIONS.get(),
            remote: Remote::take(),
            timers: RefCell::default(),
            deadlock: RefCell::default(),
        });
        REMOTES.lock().unwrap_or_else(PoisonError::into_inner).push(carrier.remote);
        CARRIER.set(&raw const *carrier);
        Ok(Self {
            carrier: ManuallyDrop::new(carrier),
            hops: ManuallyDrop::new(hops),
            stacks: ManuallyDrop::new(stacks),
            _alt_stack: alt_stack,
        })
    }

    /// Runs `f` as a vthread, and all that it spawns, until they have ended.
    ///
    /// When all of them wait for ever they are cancelled. If that does not end them there is no way out: their frames may not be
    /// forgotten, because others may rely on them being left in order. The process ends with a message.
    pub(crate) fn run<F: FnOnce() -> R, R>(&self, when_stuck: WhenStuck, f: F) -> Result<R> {
        let mut result = None;
        let task = Arc::new(Task::new(core::any::type_name::<F>(), None, None));
        let main = Main { f, task: task.clone(), result: &mut result };
        // SAFETY: it has ended when the carrier has run to the end.
        unsafe { self.carrier.spawn(main, task) };
        self.carrier.run_to_the_end(when_stuck);
        if let Some(report) = self.carrier.deadlock.take() {
            return Err(Error::Deadlock { report });
        }
        match result {
            Some(Ok(Ok(value))) => Ok(value),
            Some(Ok(Err(payload))) => std::panic::resume_unwind(payload),
            Some(Err(error)) => Err(error),
            None => Err(Error::Ended),
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

/// The first vthread of [`Session::run`].
struct Main<'a, F, R> {
    f: F,
    task: Arc<Task>,
    result: &'a mut Option<Result<std::thread::Result<R>>>,
}

impl<F: FnOnce() -> R, R> Body for Main<'_, F, R> {
    fn run(self) {
        let Self { f, task, result } = self;
        let task = ManuallyDrop::new(task);
        // Nothing may have to be dropped on the chunk: what that needs has no bound.
        let outcome = ManuallyDrop::new(task::run_closure(&task, f));
        hop(move || {
            drop(ManuallyDrop::into_inner(task));
            *result = Some(Ok(ManuallyDrop::into_inner(outcome)));
        });
    }

    fn fail(self, error: Error) {
        *self.result = Some(Err(error));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let starts = self.carrier.starts.take();
        for start in starts {
            start.fail(Error::Ended);
        }
        let remote = self.carrier.remote;
        REMOTES.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !core::ptr::eq(*other, remote));
        CARRIER.set(core::ptr::null());
        io::end(self.carrier.live.get() > 0);
        if self.carrier.live.get() == 0 {
            // SAFETY: dropped once, here.
            unsafe {
                ManuallyDrop::drop(&mut self.stacks);
                ManuallyDrop::drop(&mut self.hops);
                ManuallyDrop::drop(&mut self.carrier);
            }
            remote.give_back();
        } else {
            // Vthreads that wait for ever keep their stacks: other threads may refer to what is on them.
            stacks::Installed::abandon();
            hop_stack::Installed::abandon();
        }
    }
}
