//! One carrier's core: vthreads that start, park, go on and end on one OS thread.
//!
//! A parked vthread is its stack pointer ([`Parked`]), and nothing else refers to it. All switching goes through
//! [`switch::leave`], which keeps the hop stacks' invariant and std's panic count.
//!
//! [`switch`] leaves stacks, [`me`] does that where nothing is special, [`park`] waits, [`start`] begins and ends vthreads, [`idle`] is the loop that they come back to,
//! a [`session`] makes an OS thread a carrier, and a [`member`] shares its starts with the other carriers of a runtime.

mod idle;
mod me;
mod member;
mod park;
pub mod raw;
mod session;
mod start;
mod switch;

use crate::arch::Parked;
use crate::ring::Ring;
use crate::sched::remote::Remote;
use crate::sched::task::Task;
use crate::sched::task_ref::TaskRef;
use crate::sched::timers::Timers;
use crate::sched::wait::Waiting;
use crate::stats::Vthreads;
use core::any::Any;
use core::cell::{Cell, RefCell};
use std::sync::Arc;

pub(crate) use me::{AtEase, Me, Next, begin_wait, end_wait, home, me, me_at_ease};
pub(crate) use member::{Group, Member, Seat};
pub(crate) use park::{
    can_hand_over, can_park, cancel_everywhere, is_home, make_ready, park_waiting, prepare_to_park, yield_to,
};
pub(crate) use session::Session;
pub use start::spawn;
pub use start::spawn_sized;
pub(crate) use start::{Body, Where, inject, start_later, stays_here, take_body};
pub(crate) use switch::yield_however;
pub use switch::{Waiter, yield_now};

/// What a vthread panicked with.
pub(crate) type Payload = Box<dyn Any + Send>;

/// At the top of a vthread's first chunk, as long as it lives. Its carrier's alone.
#[repr(C)]
pub(crate) struct Root {
    /// Holds a reference.
    task: *const Task,
    /// What it waits at; null while it runs or is ready.
    waiting: Cell<*const Waiting>,
    /// Neighbours among the carrier's vthreads. The lowest bits of the address are flags: a word of its own for them would be sixteen
    /// bytes more of every vthread.
    previous: Cell<*const Root>,
    next: Cell<*const Root>,
}

/// It was asked to end.
const CANCELLED: usize = 1;
/// It has left with the stacks of its scope installed: which they are is in its task's room.
const HAS_STACKS: usize = 2;
/// Its locals are dropped: nothing is raised there any more.
const ENDING: usize = 4;
/// Its stack was lent the slow way, and goes back by another list than the one of its size.
const LENT: usize = 8;
const FLAGS: usize = CANCELLED | HAS_STACKS | ENDING | LENT;

impl Root {
    /// Where the address of the task is.
    pub(crate) const TASK: usize = core::mem::offset_of!(Root, task);

    #[inline(always)]
    pub(crate) fn task(&self) -> &Task {
        // SAFETY: `Carrier::prepare` put a reference here, which `ended` takes.
        unsafe { &*self.task }
    }

    #[inline(always)]
    fn entry(&self) -> crate::arch::Entry {
        // SAFETY: a vthread has a task that can be started.
        unsafe { self.task().about.get().unwrap_unchecked() }.entry
    }

    /// Was it asked to end?
    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.has(CANCELLED)
    }

    /// Is it to unwind? Not once its locals are being dropped: a destructor would be left in the middle.
    pub(crate) fn raises(&self) -> bool {
        self.previous.get().addr() & (CANCELLED | ENDING) == CANCELLED
    }

    /// Its closure has been left, and what it still does is done to the end.
    pub(crate) fn begins_to_end(&self) {
        self.set_flag(ENDING);
    }

    fn cancel(&self) {
        self.set_flag(CANCELLED);
    }

    #[inline(always)]
    fn has(&self, flag: usize) -> bool {
        self.previous.get().addr() & flag != 0
    }

    fn set_flag(&self, flag: usize) {
        self.previous.set(self.previous.get().map_addr(|address| address | flag));
    }

    fn clear_flag(&self, flag: usize) {
        self.previous.set(self.previous.get().map_addr(|address| address & !flag));
    }

    fn previous(&self) -> *const Self {
        self.previous.get().map_addr(|address| address & !FLAGS)
    }

    fn set_previous(&self, previous: *const Self) {
        let flags = self.previous.get().addr() & FLAGS;
        self.previous.set(previous.map_addr(|address| address | flags));
    }

    pub(crate) fn share_task(&self) -> TaskRef {
        // SAFETY: as above; this is one more.
        unsafe { TaskRef::share(self.task) }
    }
}

pub(crate) struct Carrier {
    ready: Ring,
    /// Vthreads that have not started, and can start only here.
    starts: start::OwnStarts,
    /// The loop, while a vthread runs.
    in_loop: Cell<Parked>,
    /// The vthread that runs; null in the loop.
    mounted: Cell<*const Root>,
    budget: Cell<u32>,
    /// Whom the running vthread wants to go on, when it leaves to the loop, which makes it ready: the vthread may wait already, and must not
    /// allocate.
    ahead: Cell<Parked>,
    /// What is left of the budget while a vthread is mounted that must leave to the loop.
    put_aside: Cell<u32>,
    live: Cell<usize>,
    numbers: Numbers,
    /// All that have started.
    roots: Cell<*const Root>,
    escaped: RefCell<Vec<Payload>>,
    session: u64,
    remote: &'static Remote,
    timers: Timers,
    /// Who waited for what when nothing was left that could wake anybody.
    deadlock: RefCell<Option<String>>,
    /// Of a runtime with several carriers.
    member: Option<Member>,
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

/// What other threads see of this thread's carrier.
pub(crate) fn remote() -> Option<&'static Remote> {
    carrier().map(|carrier| carrier.remote)
}

/// The vthread that runs on this thread.
#[inline(always)]
pub(crate) fn mounted() -> Option<&'static Root> {
    // SAFETY: its record lives as long as the vthread, which is running.
    carrier().and_then(|c| unsafe { c.mounted.get().as_ref() })
}

/// Looks whether the vthread that runs was cancelled: it hears of that else when the carrier has looked around, so not before its next wait.
pub(crate) fn hear_of_cancellation() {
    if let (Some(carrier), Some(root)) = (carrier(), mounted())
        && carrier.is_cancelled(root.task())
    {
        root.cancel();
    }
}

/// What this thread is a carrier of, with others.
pub(crate) fn group() -> Option<&'static Arc<Group>> {
    carrier().and_then(|carrier| carrier.member.as_ref()).map(|member| &member.group)
}

/// Is the running vthread the only one that there can be on this thread?
pub(crate) fn is_alone() -> bool {
    carrier().is_some_and(|carrier| {
        carrier.member.is_none() && carrier.live.get() == 1 && carrier.starts.is_empty()
    })
}

/// What is counted. See [`Vthreads`].
#[derive(Default)]
struct Numbers {
    started: Cell<u64>,
    most_alive: Cell<usize>,
    steals: Cell<u64>,
    switches: Cell<u64>,
}

/// Of this thread, for the statistics.
pub(crate) fn numbers() -> Vthreads {
    carrier().map_or_else(Vthreads::default, |Carrier { numbers, .. }| Vthreads {
        started: numbers.started.get(),
        most_alive: numbers.most_alive.get(),
        steals: numbers.steals.get(),
        switches: numbers.switches.get(),
    })
}

#[cold]
#[inline(never)]
fn not_on_a_vthread() -> ! {
    panic!("vthread: only a vthread can park or yield; call it inside of vthread::run")
}
