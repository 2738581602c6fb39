//! Calls that block, inside of vthreads: on ordinary threads, which are kept for a while because to make one takes some ten
//! microseconds.

use crate::call::hop;
use crate::carrier::{self, Group};
use crate::fatal::fatal;
use crate::sched::latch::Latch;
use crate::sched::task::checkpoint;
use crate::sched::wait::What;
use core::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Calls `f` on an ordinary thread, while the vthread waits and others run on its carrier: for calls that may block long. On
/// an ordinary thread, `f` is simply called.
///
/// At most 512 such calls run at a time; more of them wait for their turn. A thread that has nothing to do for ten seconds
/// ends. A cancellation does not end the wait: `f` may borrow.
///
/// ```
/// let path = String::from("/proc/self/comm");
/// let name = vthread::run(|| vthread::blocking(|| std::fs::read_to_string(&path)));
/// assert!(name.is_ok());
/// ```
///
/// # Panics
/// With what `f` panics with; with [`Cancelled`](crate::Cancelled), if the vthread was cancelled before or meanwhile; when the
/// system has no thread for it.
pub fn blocking<F: FnOnce() -> R + Send, R: Send>(f: F) -> R {
    match try_blocking(f) {
        Ok(result) => result,
        Err(error) => panic!("vthread: no thread for a blocking call: {error}"),
    }
}

/// [`blocking`], for callers that have another way where the system has no thread for it.
///
/// # Errors
/// `f` has not been called: no thread of the pool is left, and none could be started (`ulimit -u`).
///
/// # Panics
/// With what `f` panics with; with [`Cancelled`](crate::Cancelled), as `blocking`.
pub fn try_blocking<F: FnOnce() -> R + Send, R: Send>(f: F) -> io::Result<R> {
    if carrier::mounted().is_none() {
        // On an ordinary stack that is a plain call; a bound of whoever may call this from both leaves `f` out.
        return Ok(hop(f));
    }
    checkpoint();
    let result = call_elsewhere(f);
    // What was cancelled during the call is told so at its end, also if the call was over before it was waited for.
    hop(carrier::hear_of_cancellation);
    checkpoint();
    Ok(result?.unwrap_or_else(|payload| resume_unwind(payload)))
}

/// [`try_blocking`] without a look for a cancellation.
pub(crate) fn call_elsewhere<F: FnOnce() -> R + Send, R: Send>(f: F) -> io::Result<thread::Result<R>> {
    // Whether this stack can be left must be known before there is somebody to wait for.
    let _ = carrier::prepare_to_park(true);
    let (mut result, ended) = (None, Latch::new());
    // Memory, locks and threads need a large stack. Who waits keeps none.
    hop(|| {
        let (result, ended) = (&mut result, &ended);
        // `vthread::run` runs on a thread that may itself make a call for somebody: that is who waits for this one, too.
        let caller = match CALLER.get() {
            0 => carrier::group().map_or(0, |group| Arc::as_ptr(group).addr()),
            caller => caller,
        };
        let job: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
            CALLER.set(caller);
            *result = Some(catch_unwind(AssertUnwindSafe(f)));
            CALLER.set(0);
            ended.set();
        });
        // SAFETY: only the type changes. What the job borrows is the frame around this one, which is not left before the job has set the
        // latch, its last access: see below. The pool drops no job, unless it gives it back.
        let job = unsafe { core::mem::transmute::<Box<dyn FnOnce() + Send + '_>, Job>(job) };
        POOL.start(job).map_err(|(error, _job)| error)
    })?;
    let waits = WaitsForThreads::begin();
    let wait = || ended.wait(What::new(&"waits for a blocking call"));
    if catch_unwind(AssertUnwindSafe(wait)).is_err() {
        hop(|| fatal(format_args!("a blocking call cannot be waited for here, nor left alone")));
    }
    drop(waits);
    Ok(result.unwrap_or_else(|| Err(Box::new("the blocking call has not run"))))
}

/// Has `job` run on a thread of the pool.
///
/// # Errors
/// No thread is to be had.
pub(crate) fn start_elsewhere(job: Job) -> io::Result<()> {
    POOL.start(job).map_err(|(error, _job)| error)
}

thread_local! {
    /// Calls that this carrier's vthreads wait for, or for their turn to make.
    static WAITED_FOR: Cell<usize> = const { Cell::new(0) };

    /// Where the runtime is whose vthread waits for the call that this thread makes; 0 for none.
    static CALLER: Cell<usize> = const { Cell::new(0) };
}

/// Does a vthread of these carriers wait for the call that this thread makes?
pub(crate) fn is_called_by(group: &Group) -> bool {
    CALLER.get() == core::ptr::from_ref(group).addr()
}

/// Runs that such calls make in other runtimes: of which, and for which. Those that exist as long as the entry does.
static RUNS: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

fn runs() -> MutexGuard<'static, Vec<(usize, usize)>> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives, something runs on these carriers that a blocking call waits for.
pub(crate) struct CallsInto((usize, usize));

/// This thread is about to run something there. `None`: no vthread waits for that.
pub(crate) fn calls_into(group: &Group) -> Option<CallsInto> {
    let caller = CALLER.get();
    (caller != 0).then(|| {
        let run = (core::ptr::from_ref(group).addr(), caller);
        runs().push(run);
        CallsInto(run)
    })
}

impl Drop for CallsInto {
    fn drop(&mut self) {
        let mut runs = runs();
        if let Some(place) = runs.iter().position(|run| *run == self.0) {
            runs.swap_remove(place);
        }
    }
}

/// Might a vthread of these carriers wait for what this thread does: for a call that a vthread makes which runs, perhaps, because of a call of theirs?
pub(crate) fn may_be_called_by(group: &Group) -> bool {
    let target = core::ptr::from_ref(group).addr();
    let here = carrier::group().map(|group| Arc::as_ptr(group).addr());
    let mut reached: Vec<usize> =
        here.into_iter().chain([CALLER.get()]).filter(|&caller| caller != 0).collect();
    if reached.is_empty() {
        return false;
    }
    let runs = runs();
    let mut next = 0;
    while let Some(&callee) = reached.get(next) {
        next += 1;
        for &(of, by) in runs.iter() {
            if of == callee && !reached.contains(&by) {
                reached.push(by);
            }
        }
    }
    reached.contains(&target)
}

/// While it lives, a vthread of this carrier waits for what such threads do, be it for other runtimes.
pub(crate) struct WaitsForThreads(());

impl WaitsForThreads {
    pub(crate) fn begin() -> Self {
        WAITED_FOR.set(WAITED_FOR.get() + 1);
        Self(())
    }
}

impl Drop for WaitsForThreads {
    fn drop(&mut self) {
        WAITED_FOR.set(WAITED_FOR.get() - 1);
    }
}

/// Do vthreads of this carrier wait for such calls? Then they are in no deadlock.
pub(crate) fn is_busy() -> bool {
    WAITED_FOR.get() > 0
}

/// When those threads that are idle now have ended: until then the process seems to have others that could wake somebody.
pub(crate) fn next_look() -> Option<Instant> {
    (POOL.lock().threads > 0).then(|| Instant::now() + KEPT_FOR)
}

/// Does not unwind.
type Job = Box<dyn FnOnce() + Send>;

const MOST_THREADS: usize = 512;
const KEPT_FOR: Duration = Duration::from_secs(10);

static POOL: Pool = Pool {
    state: Mutex::new(State { waiting: VecDeque::new(), threads: 0, idle: 0, process: 0 }),
    more: Condvar::new(),
};

struct Pool {
    state: Mutex<State>,
    /// There is a job for an idle thread.
    more: Condvar,
}

struct State {
    /// Jobs that no thread has taken.
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    /// Whose threads these are: a child after `fork` has none of them.
    process: u32,
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the job run on a thread, soon. Without any thread, gives it back.
    fn start(&'static self, job: Job) -> Result<(), (io::Error, Job)> {
        let mut state = self.lock();
        if state.process != process::id() {
            // What waits there is waited for by vthreads of the parent.
            core::mem::take(&mut state.waiting).into_iter().for_each(core::mem::forget);
            *state = State { waiting: VecDeque::new(), threads: 0, idle: 0, process: process::id() };
        }
        state.waiting.push_back(job);
        if state.waiting.len() <= state.idle {
            self.more.notify_one();
        } else if state.threads < MOST_THREADS {
            state.threads += 1;
            let name = String::from("vthread-blocking");
            if let Err(error) = thread::Builder::new().name(name).spawn(|| self.work()) {
                state.threads -= 1;
                // Otherwise one of those that there are takes it.
                if state.threads == 0
                    && let Some(job) = state.waiting.pop_back()
                {
                    return Err((error, job));
                }
            }
        }
        Ok(())
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (again, wait) =
                self.more.wait_timeout(state, KEPT_FOR).unwrap_or_else(PoisonError::into_inner);
            state = again;
            state.idle -= 1;
            if wait.timed_out() && state.waiting.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}
