//! A runtime of several carriers: OS threads that run vthreads, while the threads that use it wait and watch.

use crate::arch;
use crate::blocking;
use crate::carrier::{self, Group, Member, Session};
use crate::config::StackConfig;
use crate::error::{Error, Result};
use crate::fatal::say;
use crate::run::Builder;
use crate::sched::task::Cancelled;
use crate::scope::{JoinHandle, start_in};
use crate::stats::{Stats, stats};
use crate::watchdog::{EVERY, Watchdog};
use core::convert::Infallible;
use core::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// OS threads that run vthreads, one for each processor if not told otherwise.
///
/// A vthread that is [spawned](crate::spawn) may start on any of them, which is why its closure must be `Send`. It then stays
/// where it is. [`spawn_local`](crate::spawn_local) starts on the spawner's carrier.
///
/// ```
/// let runtime = vthread::Runtime::builder().carriers(2).build().unwrap();
/// let numbers = Vec::from_iter(1..=100u64);
/// let sum = runtime.run(|| {
///     vthread::scope(|s| {
///         let halves = numbers.chunks(50).map(|half| s.spawn(|| half.iter().sum::<u64>()));
///         Vec::from_iter(halves).into_iter().map(|half| half.join().unwrap()).sum::<u64>()
///     })
/// });
/// assert_eq!(sum.unwrap(), 5050);
/// ```
///
/// Dropping it cancels what has not ended, as [`Scope::cancel`](crate::Scope::cancel) does, and waits until it has;
/// [`finish`](Self::finish) only waits. A vthread of another runtime parks meanwhile. One of its own vthreads cannot wait for that: who drops it there, or in a call that it makes by
/// [`blocking`](crate::blocking()), as the last owner of an `Arc`, goes on,
/// cancelled like the others, and its threads end when they have ended. The same is done where it may be so: by a vthread of another runtime in which a
/// call made by one of its own [runs](Self::run) something.
pub struct Runtime {
    group: Arc<Group>,
    carriers: Vec<thread::JoinHandle<Stats>>,
    /// Disconnected when the last of them has ended.
    ended: Mutex<mpsc::Receiver<Infallible>>,
    watchdog: Watchdog,
    /// A child after a `fork` has none of the threads.
    process: u32,
}

impl Runtime {
    /// Settings, to be used by [`Builder::build`].
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(
        count: usize,
        config: &StackConfig,
        watch: impl FnOnce(Arc<Group>) -> Result<Watchdog>,
    ) -> Result<Self> {
        let (group, members) = Group::new(count);
        let watchdog = watch(group.clone())?;
        let (alive, ended) = mpsc::channel();
        let (carriers, ended, process) = (Vec::new(), Mutex::new(ended), std::process::id());
        let mut runtime = Self { group, carriers, ended, watchdog, process };
        // On an error the drop ends those that have started.
        runtime.start(members, config, alive)?;
        Ok(runtime)
    }

    /// Starts the carriers. `alive` belongs to them alone: who waits for their end waits for the last one of it.
    fn start(
        &mut self,
        members: Vec<Member>,
        config: &StackConfig,
        alive: mpsc::Sender<Infallible>,
    ) -> Result<()> {
        let (count, (say, hear)) = (members.len(), mpsc::channel());
        for (index, member) in members.into_iter().enumerate() {
            let (config, say, alive) = (config.clone(), say.clone(), alive.clone());
            let carrier = thread::Builder::new()
                .name(format!("vthread-{index}"))
                .spawn(move || {
                    // Until it has ended, also if it panics.
                    let _alive = alive;
                    carry(config, member, &say)
                })
                .map_err(Error::NoThread)?;
            self.carriers.push(carrier);
        }
        drop((say, alive));
        hear.iter().take(count).collect()
    }

    fn check(&self) -> Result<()> {
        if self.process == std::process::id() { Ok(()) } else { Err(Error::Forked) }
    }

    /// Runs `f` as a vthread, and gives its result when it has ended. What it has spawned outside of scopes goes on.
    ///
    /// The calling thread waits meanwhile, and watches the carriers: one that is blocked for long is reported on standard error
    /// ([`Builder::report_blocked_after`]).
    ///
    /// # Errors
    /// When this thread runs vthreads itself, when there is no stack for `f`, in a forked child, and when all vthreads wait for
    /// each other ([`Builder::when_stuck`]; it takes a second to be seen): all of their waits are cancelled then.
    ///
    /// # Panics
    /// With what `f` panics with.
    pub fn run<F: FnOnce() -> R + Send, R: Send>(&self, f: F) -> Result<R> {
        self.check()?;
        if !arch::hop_top().is_null() {
            return Err(Error::AlreadyACarrier);
        }
        let deadlocks = self.deadlocks_before();
        let _called = blocking::calls_into(&self.group);
        // SAFETY: it has ended when `join_outside` returns, which does not unwind.
        let handle = unsafe { start_in(&self.group, f) };
        let result = handle.join_outside(EVERY, || self.watchdog.look());
        result.or_else(|payload| {
            if payload.is::<Cancelled>()
                && let Some(report) = self.group.deadlock_after(deadlocks)
            {
                return Err(Error::Deadlock { report });
            }
            match payload.downcast::<Error>() {
                Ok(error) => Err(*error),
                Err(payload) => resume_unwind(payload),
            }
        })
    }

    /// How many deadlocks there have been, before what is run now. While one is being broken, what begins might be taken for a part of it; carriers whose
    /// waits are being ended sleep, so that it does not take long until they have done so, and none has left while somebody runs something. But one may
    /// have begun with something just before, and be busy with it for as long as it likes. So this waits for a while only. Then that deadlock is
    /// one that is still to come: whose wait it ends is told of it as of any other.
    fn deadlocks_before(&self) -> u64 {
        let since = Instant::now();
        loop {
            let (begun, broken) = self.group.deadlocks();
            if begun == broken || since.elapsed() >= EVERY {
                return broken;
            }
            thread::sleep(Duration::from_micros(50));
        }
    }

    /// Starts a vthread. From whatever thread.
    ///
    /// # Errors
    /// In a forked child.
    pub fn spawn<F, T>(&self, f: F) -> Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.check()?;
        // SAFETY: it borrows nothing that ends.
        Ok(unsafe { start_in(&self.group, f) })
    }

    /// How many carriers it has.
    pub fn carriers(&self) -> usize {
        self.carriers.len()
    }

    /// Waits until every vthread has ended, and ends the runtime. Those that wait for each other are told of on standard error, and
    /// their waits cancelled ([`Builder::when_stuck`]). Gives the numbers of all carriers, added up; those that are the most
    /// there was at a time are no less than what all had at one time.
    ///
    /// # Panics
    /// When one of its own vthreads calls, which would wait for itself, be it by [`blocking`](crate::blocking()). A vthread of another runtime in which such
    /// a call [runs](Self::run) something may be somebody else's: it waits, if need be for ever.
    pub fn finish(mut self) -> Stats {
        assert!(!self.runs_us(), "vthread: a vthread waits for the end of its own runtime");
        self.end(false)
    }

    /// Might one of its vthreads wait for what this thread does, be it by way of other runtimes?
    fn may_run_us(&self) -> bool {
        self.runs_us() || blocking::may_be_called_by(&self.group)
    }

    /// Is this one of its carriers, or does one of its vthreads wait for what this thread does?
    fn runs_us(&self) -> bool {
        carrier::group().is_some_and(|group| Arc::ptr_eq(group, &self.group))
            || blocking::is_called_by(&self.group)
    }

    fn end(&mut self, cancel: bool) -> Stats {
        let mut stats = Stats::default();
        if self.check().is_err() {
            // Nobody is there to be waited for; what the threads of the parent use stays.
            self.carriers.drain(..).for_each(core::mem::forget);
            return stats;
        }
        self.group.end(cancel);
        let is_waited_for = if cancel { self.may_run_us() } else { self.runs_us() };
        if is_waited_for {
            // Nobody is left who could wait for them. They share the group, and need nothing else of us.
            self.carriers.clear();
            return stats;
        }
        let (deadlocks, _) = self.group.deadlocks();
        self.wait();
        if let Some(report) = self.group.deadlock_after(deadlocks) {
            // Nobody waits for a result in which it could be.
            say(format_args!("at the end of a runtime, {}", Error::Deadlock { report }));
        }
        for carrier in self.carriers.drain(..) {
            if let Ok(of_one) = carrier.join() {
                stats.add(&of_one);
            }
        }
        stats
    }

    /// Waits until the carriers have ended. A vthread of another runtime parks, where it can: whom ours wait for may be on its carrier. Where it is alone there it
    /// does not, since this thread is then one that could wake nobody, which tells a deadlock.
    fn wait(&self) {
        if carrier::mounted().is_some() && carrier::can_park() && !carrier::is_alone() {
            match blocking::call_elsewhere(|| self.wait_here()) {
                Ok(Ok(())) => return,
                Ok(Err(payload)) => resume_unwind(payload),
                // There is no thread for it.
                Err(_) => {}
            }
        }
        self.wait_here();
    }

    fn wait_here(&self) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while matches!(ended.recv_timeout(EVERY), Err(mpsc::RecvTimeoutError::Timeout)) {
            self.watchdog.look();
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.end(true);
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("carriers", &self.carriers.len()).finish_non_exhaustive()
    }
}

/// What a carrier's OS thread does. Gives what it did.
fn carry(config: StackConfig, member: Member, say: &mpsc::Sender<Result<()>>) -> Stats {
    member.is_this_thread();
    match Session::of(config, Some(member)) {
        Ok(session) => {
            let _ = say.send(Ok(()));
            session.serve();
            stats()
        }
        Err(error) => {
            let _ = say.send(Err(error));
            Stats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicBool, Ordering::SeqCst};

    #[test]
    fn nobody_waits_for_a_carrier_that_is_busy_while_a_deadlock_is_broken() {
        let runtime = Arc::new(Runtime::builder().carriers(2).build().expect("a runtime"));
        let (begun, may_end) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begins, ends) = (begun.clone(), may_end.clone());
        let busy = move || {
            begins.store(true, SeqCst);
            while !ends.load(SeqCst) {
                core::hint::spin_loop();
            }
        };
        let busy = runtime.spawn(busy).expect("no child");
        while !begun.load(SeqCst) {
            thread::yield_now();
        }
        // As if it had begun with that between the last look and this.
        runtime.group.break_deadlock();
        let (say, hear) = mpsc::channel();
        let other = runtime.clone();
        let runs = thread::spawn(move || say.send(other.run(|| 7).ok()));
        let heard = hear.recv_timeout(Duration::from_secs(30));
        assert!(!busy.is_finished());
        may_end.store(true, SeqCst);
        assert_eq!(heard, Ok(Some(7)), "it waited for the carrier");
        let _ = runs.join();
        busy.join().expect("no wait of it was ended");
    }
}
