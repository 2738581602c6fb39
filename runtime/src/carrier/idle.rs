//! The carrier's loop: what runs next, what others have sent, and how it waits when nothing can run.
//!
//! After [`BUDGET`] resumptions at the latest the loop looks around: at what other threads have sent, at timers, at I/O, and at
//! what has not started. So a vthread that yields often keeps nobody waiting.

use super::start::Start;
use super::{Carrier, Member};
use crate::fatal::never_unwinding;
use crate::sched::deadlock::WhenStuck;
use crate::sched::task::Task;
use crate::sched::wait::Outcome;
use crate::watchdog::threads_that_watch;
use crate::{arch, blocking, hop_stack, io, stacks};
use core::ptr::null_mut;
use std::time::Instant;

/// Does somebody wait for the system, and so go on without another vthread's help?
fn is_busy() -> bool {
    io::is_busy() || blocking::is_busy()
}

/// So many vthreads go on before the loop looks around.
const BUDGET: u32 = 61;

impl Carrier {
    /// What others have sent, what has happened, and whose time has come.
    fn look_around(&self) {
        self.remote.drain(|waiting| self.ready.push(waiting.parked()));
        if self.remote.take_cancellations() {
            self.cancel_waits(|task| self.is_cancelled(task));
            if let Some(member) = &self.member {
                member.shall_tell(|index| self.tell_who_waits(index));
                member.samples(|| self.shorten_the_round(), || self.sample());
                if member.shall_break(|| self.who_waits()) {
                    self.cancel_waits(|_| true);
                }
            }
        }
        io::turn(|parked| self.ready.push(parked));
        let timers = &self.timers;
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

    /// This round of the loop is as long as chance will have it, so that what is seen after it is not the same each time for having gone on in step.
    #[cold]
    fn shorten_the_round(&self) {
        // Else there may be no round.
        if !self.ready.is_empty() {
            let turn = self.member.as_ref().map_or(0, Member::turns_so_far);
            let budget = (turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u32 % BUDGET;
            self.put_aside.set(BUDGET - budget);
            self.budget.set(budget);
        }
    }

    /// Is the task to end, because of its scope or because of its runtime?
    #[inline(always)]
    pub(super) fn is_cancelled(&self, task: &Task) -> bool {
        task.in_cancelled_scope() || self.member.as_ref().is_some_and(|member| member.group.is_cancelled())
    }

    /// Of those that this carrier may start. Those that only it can start and those that others could take turns.
    fn next_start(&self) -> Option<Start> {
        let own = || self.starts.pop();
        let Some(member) = &self.member else { return own() };
        if member.turn() { own().or_else(|| member.pop()) } else { member.pop().or_else(own) }
    }

    fn steal(&self) -> Option<Start> {
        let start = self.member.as_ref()?.steal()?;
        self.numbers.steals.set(self.numbers.steals.get() + 1);
        Some(start)
    }

    /// Now and then, though this carrier has something to do: a vthread that yields without end must not keep it from what another one has, where
    /// one runs that never lets others run.
    fn start_of_a_busy_carrier(&self) -> Option<Start> {
        self.member.as_ref()?.looks_for_others().then(|| self.steal())?
    }

    /// Runs what is ready and what has not started, until everything has ended or waits.
    pub(super) fn run(&self) {
        debug_assert!(!arch::on_chunk_now() && self.mounted.get().is_null());
        loop {
            hop_stack::check_empty();
            let ahead = self.ahead.replace(null_mut());
            if !ahead.is_null() {
                self.ready.push(ahead);
            }
            self.budget.set(BUDGET);
            self.look_around();
            if let Some(start) = self.next_start().or_else(|| self.start_of_a_busy_carrier()) {
                self.start(start);
            } else if let Some(ready) = self.ready.pop() {
                // SAFETY: it waits on this thread, and was taken once. Whoever leaves last comes back to `in_loop`.
                unsafe { arch::switch(ready, self.in_loop.as_ptr()) };
                self.mounted.set(core::ptr::null());
                stacks::scoped::unmount();
            } else if let Some(start) = self.steal() {
                self.start(start);
            } else {
                return;
            }
            // The first one, and each that another one switched to directly.
            let left = self.budget.get() + self.put_aside.take();
            let switches = 1 + u64::from(BUDGET - left);
            self.numbers.switches.set(self.numbers.switches.get() + switches);
            if let Some(member) = &self.member {
                member.has_turned();
            }
        }
    }

    /// Runs until all have ended.
    pub(super) fn run_to_the_end(&self, when_stuck: WhenStuck) {
        never_unwinding("a carrier", || self.until_all_have_ended(when_stuck));
    }

    fn until_all_have_ended(&self, when_stuck: WhenStuck) {
        loop {
            self.run();
            if self.live.get() == 0 {
                return;
            }
            let first = self.timers.first();
            let is_waiting = first.is_none() && !is_busy();
            let is_stuck = is_waiting && !self.remote.has_news();
            if is_stuck && when_stuck.is_deadlock(1 + threads_that_watch()) && !self.remote.has_news() {
                self.break_deadlock();
                continue;
            }
            // Idle threads of ours keep a deadlock from being seen, but not for ever.
            let sleep = || self.sleep(first.or_else(blocking::next_look), || false);
            match &self.member {
                Some(member) => member.while_asleep(is_waiting, false, sleep),
                None => sleep(),
            }
        }
    }

    /// Runs what this carrier gets as a member of its group, until the group ends and nothing is left to do here.
    pub(super) fn serve(&self) {
        never_unwinding("a carrier", || self.until_the_group_ends());
    }

    fn until_the_group_ends(&self) {
        let Some(member) = &self.member else { return };
        loop {
            self.run();
            if member.group.is_ending() && self.live.get() == 0 && !member.group.has_starts() {
                member.leaves();
                return;
            }
            let first = self.timers.first();
            let (live, busy) = (self.live.get(), first.is_some() || is_busy());
            member.while_asleep(live > 0 && !busy, live == 0, || {
                self.sleep(first, || {
                    member.group.has_starts() || member.group.is_ending() && self.live.get() == 0
                });
            });
        }
    }

    /// The one place where a carrier blocks: until another thread has something for it, until an event, or until then.
    fn sleep(&self, until: Option<Instant>, has_more: impl Fn() -> bool) {
        // Memory that is kept for chunks goes back, some of it at a time, when nobody wants it for a while.
        let until = until.into_iter().chain(stacks::idle()).min();
        hop_stack::give_back_the_deep();
        if !io::sleep(self.remote, until, &has_more) {
            self.remote.sleep(until, has_more);
        }
    }
}
