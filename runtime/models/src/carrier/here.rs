//! A carrier whose vthreads are threads of the model: one of them has the turn, and hands it on where it leaves its stack.

use super::{Next, Root};
use crate::arch::Parked;
use crate::facade::set_owner;
use crate::sched::remote::Remote;
use crate::sched::task::Task;
use crate::sched::wait::Waiting;
use core::cell::Cell;
use core::ptr::without_provenance_mut;
use shuttle::sync::{Condvar, Mutex, MutexGuard};
use shuttle::thread;
use std::collections::VecDeque;
use std::sync::PoisonError;

/// A carrier.
struct Here {
    home: &'static Remote,
    turn: Mutex<Turn>,
    changed: Condvar,
}

struct Turn {
    /// Which vthread runs.
    of: usize,
    ready: VecDeque<usize>,
    live: usize,
}

/// The vthread that runs.
#[derive(Clone, Copy)]
pub(crate) struct Me {
    here: &'static Here,
    number: usize,
}

/// The same: here nothing keeps a vthread from leaving.
#[derive(Clone, Copy)]
pub(crate) struct AtEase(Me);

shuttle::thread_local! {
    static ME: Cell<Option<Me>> = Cell::new(None);
}

pub(crate) fn me() -> Option<Me> {
    ME.with(Cell::get)
}

pub(crate) fn me_at_ease() -> Option<AtEase> {
    me().map(AtEase)
}

/// Runs these on one carrier, until they have ended.
pub(crate) fn run(vthreads: Vec<Box<dyn FnOnce() + Send>>) -> impl FnOnce() {
    let turn = Turn { of: 0, ready: (1..vthreads.len()).collect(), live: vthreads.len() };
    // Of one order: a few words, which nobody frees.
    let here: &'static Here =
        Box::leak(Box::new(Here { home: Remote::take(), turn: Mutex::new(turn), changed: Condvar::new() }));
    let run = |(number, vthread): (usize, Box<dyn FnOnce() + Send>)| {
        thread::spawn(move || {
            let me = Me { here, number };
            ME.with(|place| place.set(Some(me)));
            set_owner(here.home.id);
            here.wait_for_turn(number);
            vthread();
            here.end();
        })
    };
    let threads: Vec<_> = vthreads.into_iter().enumerate().map(run).collect();
    move || {
        for thread in threads {
            thread.join().expect("no panic");
        }
        here.home.give_back();
    }
}

impl Here {
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_turn(&self, number: usize) {
        let mut turn = self.lock();
        while turn.of != number {
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_turn(&self, to: usize) {
        self.lock().of = to;
        self.changed.notify_all();
    }

    /// The carrier's loop: who goes on.
    fn next(&self) -> usize {
        loop {
            self.home.drain(|waiting| self.lock().ready.push_back(number_of(waiting.parked())));
            let next = self.lock().ready.pop_front();
            match next {
                Some(next) => return next,
                None => self.home.sleep(None, || false),
            }
        }
    }

    fn end(&self) {
        let left = {
            let mut turn = self.lock();
            turn.live -= 1;
            turn.live
        };
        if left > 0 {
            self.give_turn(self.next());
        }
    }
}

/// A vthread's stack pointer is its number, from one.
fn number_of(parked: Parked) -> usize {
    parked.addr() - 1
}

impl Me {
    pub(crate) fn home(self) -> &'static Remote {
        self.here.home
    }

    pub(crate) fn make_ready(self, parked: Parked) {
        self.here.lock().ready.push_back(number_of(parked));
    }

    #[expect(clippy::unused_self, reason = "as the runtime's")]
    pub(crate) fn is_cancelled(self) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "as the runtime's")]
    pub(crate) fn has_news(self) -> bool {
        false
    }

    /// No vthread of a model joins itself.
    #[expect(clippy::unused_self, reason = "as the runtime's")]
    pub(crate) fn is_of(self, _: &Task) -> bool {
        false
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the runtime's")]
    pub(crate) fn at_ease(self) -> Option<AtEase> {
        Some(AtEase(self))
    }

    /// Leaves, and goes on when somebody has made it ready.
    ///
    /// # Safety
    /// `save` is valid, and nobody else uses it.
    pub(super) unsafe fn park(self, save: *mut Parked, to: Option<Parked>) {
        // SAFETY: the caller's promise.
        unsafe { save.write(without_provenance_mut(self.number + 1)) };
        self.leave(to.map(number_of));
    }

    fn leave(self, to: Option<usize>) {
        let to = to.unwrap_or_else(|| self.here.next());
        self.here.give_turn(to);
        self.here.wait_for_turn(self.number);
    }
}

impl AtEase {
    pub(crate) fn home(self) -> &'static Remote {
        self.0.home()
    }

    #[expect(clippy::unused_self, reason = "as the runtime's")]
    pub(crate) fn root(self) -> &'static Root {
        const { &Root(()) }
    }

    /// # Safety
    /// As [`Me::park`].
    pub(crate) unsafe fn leave_for(self, next: Next, save: *mut Parked) {
        let Next::Somebody(to) = next else { return };
        // SAFETY: the caller's promise.
        unsafe { self.0.park(save, (!to.is_null()).then_some(to)) };
    }

    /// # Safety
    /// As [`Me::park`].
    pub(crate) unsafe fn park_uncancelled<const STARTS: bool>(
        self,
        _: &Waiting,
        parked: *mut Parked,
        to: Option<Parked>,
    ) {
        // SAFETY: the caller's promise.
        unsafe { self.0.park(parked, to) };
    }

    /// # Safety
    /// None: it is one that waits.
    pub(crate) unsafe fn yield_to(self, to: Parked) {
        self.0.here.lock().ready.push_back(self.0.number);
        self.0.leave(Some(number_of(to)));
    }

    pub(crate) fn yield_now(self) {
        self.0.here.lock().ready.push_back(self.0.number);
        self.0.leave(None);
    }
}
