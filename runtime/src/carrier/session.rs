//! An OS thread is a carrier as long as its session lives.

use super::start::{Body, OwnStarts, Where, take_body};
use super::{CARRIER, Carrier, Member, Numbers, Payload, SESSIONS, park::REMOTES};
use crate::alt_stack::AltStack;
use crate::arch;
use crate::call::hop;
use crate::config::StackConfig;
use crate::error::{Error, Result};
use crate::fatal::never_unwinding;
use crate::ring::Ring;
use crate::sched::deadlock::WhenStuck;
use crate::sched::lock::bias;
use crate::sched::remote::Remote;
use crate::sched::task::{self, Task};
use crate::sched::task_ref::{self, TaskRef};
use crate::sched::timers::Timers;
use crate::{faults, hop_stack, io, panic_count, signals, stacks, valgrind};
use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::ptr::null_mut;
use core::sync::atomic::Ordering::Relaxed;
use std::sync::PoisonError;

/// This thread is a carrier as long as this lives.
pub(crate) struct Session {
    carrier: ManuallyDrop<Box<Carrier>>,
    hops: ManuallyDrop<hop_stack::Installed>,
    stacks: ManuallyDrop<stacks::Installed>,
    _alt_stack: AltStack,
    _outer: Initialisers,
}

/// The initialisers of thread-locals that the whole session runs in. They hold up none of its vthreads: all have ended, or never go on, when
/// those return.
struct Initialisers(usize);

impl Initialisers {
    fn put_aside() -> Self {
        let outer = Self(arch::pins());
        // SAFETY: counted again when the session ends.
        unsafe { arch::set_pins(0) };
        outer
    }
}

impl Drop for Initialisers {
    fn drop(&mut self) {
        // SAFETY: no vthread of the session runs any more, so these are all that this thread is in.
        unsafe { arch::set_pins(self.0) };
    }
}

impl Session {
    pub(crate) fn new(config: StackConfig) -> Result<Self> {
        Self::of(config, None)
    }

    /// As a member of a group.
    pub(crate) fn of(config: StackConfig, member: Option<Member>) -> Result<Self> {
        if !CARRIER.get().is_null() || !arch::hop_top().is_null() {
            return Err(Error::AlreadyACarrier);
        }
        panic_count::find();
        faults::install();
        if valgrind::is_running() {
            io::do_without_openat2();
        }
        // What was installed before main, past our definitions. Of a group the first looks: none runs anything before all have started.
        if member.as_ref().is_none_or(Member::is_first) {
            signals::sweep();
        }
        let alt_stack = AltStack::install().map_err(Error::NoSignalStack)?;
        let hops = hop_stack::Installed::new(&config)?;
        let stacks = stacks::Installed::new(config)?;
        SESSIONS.set(SESSIONS.get() + 1);
        let carrier = Box::new(Carrier {
            ready: Ring::new(),
            starts: OwnStarts::new(),
            in_loop: Cell::new(null_mut()),
            mounted: Cell::new(core::ptr::null()),
            budget: Cell::new(0),
            ahead: Cell::new(null_mut()),
            put_aside: Cell::new(0),
            live: Cell::new(0),
            numbers: Numbers::default(),
            roots: Cell::new(core::ptr::null()),
            escaped: RefCell::default(),
            session: SESSIONS.get(),
            remote: member.as_ref().map_or_else(Remote::take, |member| member.seat().remote),
            timers: Timers::new(),
            deadlock: RefCell::default(),
            member,
        });
        REMOTES.lock().unwrap_or_else(PoisonError::into_inner).push(carrier.remote);
        if let Some(member) = &carrier.member {
            member.seat().mounted.store((&raw const carrier.mounted).addr(), Relaxed);
        }
        bias::set_id(carrier.remote.id);
        CARRIER.set(&raw const *carrier);
        Ok(Self {
            carrier: ManuallyDrop::new(carrier),
            hops: ManuallyDrop::new(hops),
            stacks: ManuallyDrop::new(stacks),
            _alt_stack: alt_stack,
            _outer: Initialisers::put_aside(),
        })
    }

    /// Runs `f` as a vthread, and all that it spawns, until they have ended.
    ///
    /// When all of them wait for ever they are cancelled. If that does not end them there is no way out: their frames may not be
    /// forgotten, because others may rely on them being left in order. The process ends with a message.
    pub(crate) fn run<F: FnOnce() -> R, R>(&self, when_stuck: WhenStuck, f: F) -> Result<R> {
        let mut result = None;
        let [task, _] = TaskRef::new(None, None, true);
        let main = Main { f, result: &mut result };
        // SAFETY: it has ended when the carrier has run to the end.
        unsafe { self.carrier.spawn(main, task, Where::Here) };
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

    /// Runs what the group has, until it ends.
    pub(crate) fn serve(&self) {
        self.carrier.serve();
    }

    /// Runs until all vthreads have ended or wait. Gives what those ended with that did not return, since the last time.
    pub(crate) fn run_ready(&self) -> Vec<Payload> {
        never_unwinding("a carrier", || self.carrier.run());
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
    result: &'a mut Option<Result<std::thread::Result<R>>>,
}

impl<F: FnOnce() -> R, R> Body for Main<'_, F, R> {
    fn name() -> &'static str {
        core::any::type_name::<F>()
    }

    unsafe fn run() -> bool {
        let mut result = None;
        let place = &mut result;
        let take = move || {
            // SAFETY: the caller's promise.
            let Self { f, result } = unsafe { take_body::<Self>() };
            *place = Some(result);
            f
        };
        // Nothing may have to be dropped on the chunk: what that needs has no bound.
        let outcome = ManuallyDrop::new(task::run_closure(take));
        let Some(result) = result else { return true };
        hop(move || *result = Some(Ok(ManuallyDrop::into_inner(outcome))));
        true
    }

    fn fail(self, _: &Task, error: Error) -> bool {
        *self.result = Some(Err(error));
        true
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        while let Some(start) = self.carrier.starts.pop() {
            start.fail(Error::Ended);
        }
        let remote = self.carrier.remote;
        REMOTES.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !core::ptr::eq(*other, remote));
        CARRIER.set(core::ptr::null());
        // From here on whoever gets the remote may own what this carrier owned.
        bias::set_id(0);
        task_ref::free_spare();
        io::end(self.carrier.live.get() > 0);
        // The remotes of a group's carriers are used as long as the group.
        let is_member = self.carrier.member.is_some();
        if self.carrier.live.get() == 0 {
            // SAFETY: dropped once, here.
            unsafe {
                ManuallyDrop::drop(&mut self.stacks);
                ManuallyDrop::drop(&mut self.hops);
                ManuallyDrop::drop(&mut self.carrier);
            }
            if !is_member {
                remote.give_back();
            }
        } else {
            // Vthreads that wait for ever keep their stacks: other threads may refer to what is on them.
            stacks::Installed::abandon();
            hop_stack::Installed::abandon();
        }
    }
}
