//! Virtual threads on OS threads of their own, whose stacks are exactly as large as was proved.
//!
//! What the original design of virtual threads starts with: the proved sizes alone, without a scheduler. A thread here blocks
//! as an OS thread does, and costs the address space of its bound, the C library's needs, and stacks for hops and signals that
//! are touched when they are used.
//!
//! ```
//! let thread = vthread::os::spawn(|| 6 * 7)?;
//! assert_eq!(thread.join().unwrap(), 42);
//! # Ok::<(), std::io::Error>(())
//! ```

mod scope;
mod stack;

pub use scope::{Scope, ScopedJoinHandle, scope};

use crate::arch;
use crate::call::{Enter, entry_of};
use crate::config::{Mode, StackConfig};
use crate::fatal::dispose;
use crate::stacks::Promise;
use crate::{faults, panic_count, region, signals, stacks};
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use stack::Memory;
use std::ffi::CString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::Result as Outcome;
use vale_threads_abi as abi;

/// Where a thread leaves its result.
struct Packet<R> {
    outcome: UnsafeCell<Option<Outcome<R>>>,
    is_finished: AtomicBool,
}

// SAFETY: the thread writes before it ends; others read after they have joined it. What is passed is a result.
unsafe impl<R: Send> Sync for Packet<R> {}
// SAFETY: as above.
unsafe impl<R: Send> Send for Packet<R> {}

/// What a thread starts with.
struct Job<F, R> {
    closure: F,
    packet: Arc<Packet<R>>,
    hop_top: *mut u8,
    signal_stack: libc::stack_t,
    /// Of the spawner: until the thread has what handlers need, signals wait.
    signals: libc::sigset_t,
    name: Option<CString>,
    promise: *const Promise,
}

/// First frame of our own on a thread.
struct Main<F, R>(PhantomData<(F, R)>);

impl<F: FnOnce() -> R, R> Enter for Main<F, R> {
    const FLAGS: u32 = abi::flags::RAW;

    /// `argument`: a boxed [`Job`].
    #[inline(never)]
    unsafe extern "C-unwind" fn enter(argument: *mut u8) {
        let job = argument.cast::<Job<F, R>>();
        // SAFETY: the spawner boxed it for us. The hop stack comes first: this stack counts as a chunk, so everything else
        // may hop. It and what is set up here stay until the thread is joined, because destructors of thread-locals run yet.
        let job = unsafe {
            arch::set_hop_top((*job).hop_top);
            Promise::give((*job).promise);
            Box::from_raw(job)
        };
        // Past our own `sigaltstack`, which would give it a larger one that nobody gives back.
        signals::set_alternate_stack(&job.signal_stack);
        signals::keep(job.signal_stack);
        // SAFETY: a set that the system gave.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const job.signals, core::ptr::null_mut()) };
        if let Some(name) = &job.name {
            // SAFETY: a text that ends with 0.
            unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
        }
        let outcome = catch_unwind(AssertUnwindSafe(job.closure));
        // SAFETY: whoever else has the packet looks at it after this thread.
        unsafe { *job.packet.outcome.get() = Some(outcome) };
        job.packet.is_finished.store(true, Release);
        // Who let go of the handle leaves the result to us, and below us is the C library, which nothing may unwind into.
        dispose(job.packet);
    }
}

/// A thread that has not been joined.
struct Running {
    thread: libc::pthread_t,
    memory: Memory,
    promise: Box<Promise>,
}

// SAFETY: the promise is the thread's until it has ended, and then its joiner's.
unsafe impl Send for Running {}

/// Joined once, by a handle or by a scope. Whoever else joins it waits for that.
struct Thread {
    state: Mutex<State>,
    is_joined: Condvar,
}

enum State {
    Running(Running),
    /// Somebody is about to have joined this one.
    Joining(libc::pthread_t),
    Joined,
}

/// Threads whose handles were dropped: their memory is in use until they end.
static LEFT: Mutex<Vec<Running>> = Mutex::new(Vec::new());

impl Running {
    /// With it: whoever calls is that thread, or one that it waits for itself.
    fn join(self) -> Result<(), Self> {
        // SAFETY: not joined yet.
        if unsafe { libc::pthread_join(self.thread, core::ptr::null_mut()) } != 0 {
            return Err(self);
        }
        drop(self.promise);
        // SAFETY: joined just now, so the thread uses its memory no more.
        unsafe { self.memory.give_back() };
        Ok(())
    }

    /// Joins it if it has ended.
    fn try_join(self) -> Option<Self> {
        // SAFETY: not joined yet. It waits for nothing.
        if unsafe { libc::pthread_tryjoin_np(self.thread, core::ptr::null_mut()) } != 0 {
            return Some(self);
        }
        drop(self.promise);
        // SAFETY: joined just now.
        unsafe { self.memory.give_back() };
        None
    }

    /// Collects the memory of threads that nobody will join and that have ended.
    fn collect() {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = 0;
        while index < left.len() {
            if let Some(running) = left.swap_remove(index).try_join() {
                // Back to its place.
                left.push(running);
                let last = left.len() - 1;
                left.swap(index, last);
                index += 1;
            }
        }
    }
}

impl Thread {
    fn new(running: Running) -> Self {
        Self { state: Mutex::new(State::Running(running)), is_joined: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What nobody has joined, nor is about to.
    fn take(&self) -> Option<Running> {
        let mut state = self.lock();
        match mem::replace(&mut *state, State::Joined) {
            State::Running(running) => Some(running),
            other => {
                *state = other;
                None
            }
        }
    }

    /// `false`: it never ends, because it waits for whoever calls.
    fn join(&self) -> bool {
        let mut state = self.lock();
        let running = loop {
            match mem::replace(&mut *state, State::Joined) {
                State::Joined => return true,
                State::Running(running) => break running,
                State::Joining(thread) => {
                    *state = State::Joining(thread);
                    // SAFETY: no pointers.
                    if unsafe { libc::pthread_equal(thread, libc::pthread_self()) } != 0 {
                        return false;
                    }
                    state = self.is_joined.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        *state = State::Joining(running.thread);
        drop(state);
        let left = running.join();
        let is_joined = left.is_ok();
        *self.lock() = left.err().map_or(State::Joined, State::Running);
        self.is_joined.notify_all();
        is_joined
    }

    /// Collects its memory if it has ended. Is there nothing left to join?
    fn collect(&self) -> bool {
        let mut state = self.lock();
        let (next, is_joined) = match mem::replace(&mut *state, State::Joined) {
            State::Running(running) => match running.try_join() {
                Some(running) => (State::Running(running), false),
                None => (State::Joined, true),
            },
            State::Joining(thread) => (State::Joining(thread), false),
            State::Joined => (State::Joined, true),
        };
        *state = next;
        is_joined
    }
}

/// Settings of a thread.
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
    config: StackConfig,
}

impl Builder {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the system calls the thread; it shows the first 15 bytes.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Bytes of the guarded stack for an entry that has no bound (16 MiB by default, of which only what is used costs memory).
    #[must_use]
    pub fn unproved_stack(mut self, bytes: usize) -> Self {
        self.config.unproved = Some(bytes);
        self
    }

    /// Starts `f` on a thread of its own.
    ///
    /// # Errors
    /// When the system gives no memory, no mapping (`vm.max_map_count`) or no thread (`ulimit -u`, `kernel.pid_max`).
    pub fn spawn<F, R>(self, f: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        // SAFETY: it borrows nothing that ends.
        let (thread, packet) = unsafe { self.start(f)? };
        Ok(JoinHandle { thread: Arc::new(thread), packet })
    }

    /// Starts `f` in a scope, which does not end before it.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_scoped<'scope, F, R>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, R>>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + 'scope,
    {
        let panicked = scope.panicked.clone();
        let noting = move || {
            let outcome = catch_unwind(AssertUnwindSafe(f));
            if outcome.is_err() {
                panicked.fetch_add(1, Release);
            }
            outcome
        };
        // SAFETY: the scope joins it before what it borrows ends.
        let (thread, packet) = unsafe { self.start(noting)? };
        let thread = Arc::new(thread);
        scope.threads.lock().unwrap_or_else(PoisonError::into_inner).add(thread.clone());
        Ok(ScopedJoinHandle { thread, packet, panicked: scope.panicked.clone(), scope: PhantomData })
    }

    /// # Safety
    /// The thread is joined before anything ends that `f` or its result borrow.
    unsafe fn start<F: FnOnce() -> R, R>(self, f: F) -> io::Result<(Thread, Arc<Packet<R>>)> {
        static ONCE: Once = Once::new();
        region::reserve()?;
        ONCE.call_once(|| {
            panic_count::find();
            faults::install();
            signals::sweep();
        });
        Running::collect();
        let name = self.name.map(CString::new).transpose()?.map(|name| {
            let text = name.to_string_lossy();
            // The system takes 15 bytes; cut where a character ends.
            let end = (0..=text.len().min(15)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
            CString::new(&text[..end]).unwrap_or_default()
        });
        let (size, entry) = entry_of::<Main<F, R>>();
        let bound = match size {
            abi::UNPATCHED => Some(stacks::unpatched(core::any::type_name::<F>())),
            abi::UNPROVED => None,
            bound => Some(bound as usize),
        };
        let mode = Mode::from_environment().map_err(io::Error::other)?.unwrap_or_default();
        let config = StackConfig { mode, ..self.config };
        let config = config.with_hop_stacks(None).map_err(io::Error::other)?;
        let memory = Memory::take(bound, config.unproved(), config.hop_size)?;
        let promise = Box::new(Promise::new(config, core::any::type_name::<F>(), memory.lowest()));
        let packet = Arc::new(Packet { outcome: UnsafeCell::new(None), is_finished: AtomicBool::new(false) });
        let waiting = SignalsWait::begin();
        let job = Box::into_raw(Box::new(Job {
            closure: f,
            packet: packet.clone(),
            hop_top: memory.hop_top(),
            signal_stack: memory.signal_stack(),
            signals: waiting.before,
            name,
            promise: &raw const *promise,
        }));
        // SAFETY: the memory is free and stays until the thread is joined; the thread takes the job over.
        match unsafe { create(&memory, entry, job.cast()) } {
            Ok(thread) => Ok((Thread::new(Running { thread, memory, promise }), packet)),
            Err(error) => {
                // SAFETY: no thread has seen the job or the memory.
                unsafe {
                    drop(Box::from_raw(job));
                    memory.give_back();
                }
                Err(error)
            }
        }
    }
}

/// No signal is handled on this thread as long as this lives, nor on threads that it starts meanwhile. Those begin on a stack that counts
/// as a chunk, with neither a hop stack nor one for handlers.
pub(crate) struct SignalsWait {
    before: libc::sigset_t,
}

impl SignalsWait {
    pub(crate) fn begin() -> Self {
        // SAFETY: sets of ours; a set of zeros is an empty one.
        unsafe {
            let (mut all, mut before) = (mem::zeroed(), mem::zeroed());
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }
}

impl Drop for SignalsWait {
    fn drop(&mut self) {
        // SAFETY: what was in force before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, core::ptr::null_mut()) };
    }
}

/// Starts a thread on this memory.
///
/// # Safety
/// Nobody uses the memory before the thread is joined. `argument` is what `entry` wants.
unsafe fn create(memory: &Memory, entry: arch::Entry, argument: *mut u8) -> io::Result<libc::pthread_t> {
    let (base, len) = memory.stack();
    let mut attr = MaybeUninit::uninit();
    let mut thread = 0;
    // SAFETY: attributes are initialised, used and destroyed. The entry has the machine's C calling convention and takes a pointer;
    // what it leaves as a result is never looked at; it does not unwind, since it catches what the closure panics with.
    let code = unsafe {
        type Start = extern "C" fn(*mut libc::c_void) -> *mut libc::c_void;
        let start = mem::transmute::<arch::Entry, Start>(entry);
        libc::pthread_attr_init(attr.as_mut_ptr());
        let mut code = libc::pthread_attr_setstack(attr.as_mut_ptr(), base.cast(), len);
        if code == 0 {
            code = libc::pthread_create(&raw mut thread, attr.as_ptr(), start, argument.cast());
        }
        libc::pthread_attr_destroy(attr.as_mut_ptr());
        code
    };
    match code {
        0 => Ok(thread),
        libc::EAGAIN => Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "the system starts no more threads: its limit is reached (ulimit -u, kernel.pid_max, kernel.threads-max or \
             the control group's)",
        )),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Runs `f` on an OS thread with an exact stack.
///
/// # Errors
/// As [`Builder::spawn`].
pub fn spawn<F, R>(f: F) -> io::Result<JoinHandle<R>>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    Builder::new().spawn(f)
}

/// A thread to be joined. Dropped, it leaves the thread alone.
pub struct JoinHandle<R> {
    thread: Arc<Thread>,
    packet: Arc<Packet<R>>,
}

/// Waits, and takes the result.
fn join<R>(thread: &Thread, packet: &Packet<R>) -> Outcome<R> {
    assert!(thread.join(), "vthread: a thread cannot join itself, nor one that waits for it");
    // SAFETY: the thread has ended, and the handle, of which there is one, is used up by this.
    let outcome = unsafe { (*packet.outcome.get()).take() };
    outcome.unwrap_or_else(|| Err(Box::new("the thread ended without a result")))
}

impl<R> JoinHandle<R> {
    /// Waits until the thread has ended.
    ///
    /// # Errors
    /// With what it panicked with.
    ///
    /// # Panics
    /// When it is the thread that calls, or one that joins this one.
    pub fn join(self) -> Outcome<R> {
        join(&self.thread, &self.packet)
    }

    /// Has it come to its end? Then [`join`](Self::join) hardly waits.
    pub fn is_finished(&self) -> bool {
        self.packet.is_finished.load(Acquire)
    }
}

impl<R> Drop for JoinHandle<R> {
    fn drop(&mut self) {
        if let Some(running) = self.thread.take() {
            LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(running);
        }
    }
}

impl<R> fmt::Debug for JoinHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("is_finished", &self.is_finished()).finish_non_exhaustive()
    }
}
