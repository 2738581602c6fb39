//! Virtual threads: stackful threads of ordinary Rust whose stacks are exactly as large as a link-time proof says.
//!
//! ```
//! let answer = vthread::run(|| {
//!     // An ordinary function, on a stack of a few hundred bytes. What needs more, as formatting does, runs elsewhere.
//!     format!("{}", 6 * 7)
//! });
//! assert_eq!(answer, "42");
//! ```
//!
//! The idea is that of Vale's virtual threads (`VirtualThreads.md` in the Vale repository). A thread's stack is made of *chunks*,
//! each exactly as large as the code needs that runs on it. A package that links an executable says in its `build.rs`
//!
//! ```ignore
//! fn main() { vale_threads_build::link_step() }
//! ```
//!
//! and the link step proves the sizes from the machine code and writes them into the executable. Calls that have no bound
//! *hop*: they are carried out on an ordinary big stack. An entry without a bound gets a large guarded stack. Without the
//! link step a program does not link, and says why.
//!
//! # What holds on a virtual thread
//!
//! - It never changes its OS thread once it has started. Values that are not `Send`, and thread-locals, stay valid while it is
//!   parked; so does what it borrows. `std::thread::current()` and `errno` are the OS thread's, which it shares with the other
//!   virtual threads of its carrier: read `errno` before the next park.
//! - It may park anywhere: in a `Display`, in a comparator, in a drop, while it panics. Off its chunks it keeps a big stack
//!   meanwhile ([`Builder::hop_stacks`]).
//! - A panic unwinds through chunks and hops to its `catch_unwind`, wherever that is, and runs every drop. At the root it ends
//!   the thread.
//! - No signal handler runs on a chunk: the executable's own `sigaction` and its relatives add `SA_ONSTACK`, and carriers have
//!   signal stacks of their own. Signals are not blocked, and children inherit the mask as it is.
//! - A fault says which thread it was and what was exceeded. `VTHREAD_STACKS=guarded` puts an inaccessible page directly below
//!   every chunk, `VTHREAD_STACKS=painted` measures how deep each entry goes ([`stats()`]).
//! - `VTHREAD_HOP_STACK=BYTES` makes hop stacks larger, where the program does not say how large they are ([`Builder::hop_stacks`]).
//! - With `VTHREAD_WHO_WAITS=SECONDS`, what stands still for so long says so on standard error: a [`Runtime`] or [`run()`] whose carriers have not gone on, be
//!   it that they wait, are blocked, or do nothing but sleep and wake up; one of its carriers that runs the same vthread all the time; vthreads that only yield to each other; the making and
//!   the end of a runtime; and after [`watch_process()`], whatever the process does without any. It is told what each thread does, and who waits for what. A thread that is
//!   there for nothing else looks twice a second, from the first of these to the end of the process. Without it nothing of this is there.
//!   A test ([`#[vthread::test]`](macro@test)) in which all have waited for ten seconds does so unasked.
//!
//! # What does not
//!
//! - Scopes on a thread do not nest like a stack: a guard that is entered, as `tracing`'s spans and `scoped-tls` do it, is seen
//!   by the other virtual threads of the carrier while its owner is parked. `stdout().lock()` is such a guard: it is
//!   reentrant for the whole OS thread, so lines mix that others write meanwhile. Worse are crates that keep the address of something on the
//!   stack in a thread-local as long as a scope lasts (`scoped-tls`): if two virtual threads of a carrier park in such scopes and leave them in
//!   another order than they entered, a later one restores an address that is not valid any more. Do not park in these. `tokio`'s `Handle::enter` wants its guards dropped in
//!   reverse order, and panics where two vthreads of a carrier park with one each: enter, do what needs it, and drop the guard before a park.
//! - The initialiser of a lazy `thread_local!` must not park: another virtual thread would initialise the same one, and the first would then replace
//!   a value that is in use. The park panics instead, in most programs. It goes unnoticed, and is undefined behaviour, where the compiler has
//!   inlined what std does there: for values without a destructor, and with `opt-level = "z"`; and for all above 256 in one program. What the link
//!   step could not do it writes to the file that `VTHREAD_LINK_LOG` names. A [`vthread_local!`] may park.
//! - A `std` lock that is held across a park and wanted by another virtual thread of the same carrier hangs the carrier, as does
//!   any call that blocks.
//! - Recursion whose depth grows with the data may overflow where it is not the recursion of `#[vthread]` code, or goes through a function pointer, a boxed closure or a trait of others
//!   without `#[vthread(recursive)]`: such code recurses on the hop stack, of 16 MiB, so as deep as on an ordinary thread, and so does the drop of a long list of boxes or a deep tree. What is
//!   too deep ends the program with a message.
//! - Values that are sent, and results, pass over that stack too, some copies at a time: what has more than 8 KiB should be boxed. What has more than 2 MiB
//!   (512 KiB without optimisation) ends the program with the same message.
//! - A virtual thread does not wait while it is on a stack of somebody else's, as inside of `stacker::grow`: it panics.
//! - Handlers of signals that swap stacks themselves or scan the interrupted one, libraries loaded with `RTLD_DEEPBIND`,
//!   `pthread_cancel` of a carrier, and shadow stacks (CET) are not supported.
//! - Executables only: in a dynamic library the runtime does not link.
//!
//! # Elsewhere
//!
//! On other processors, systems and C libraries, and with `--cfg vthread_plain`, the same code compiles, and every vthread is an OS thread
//! with a stack of the usual size. What must stay on its parent's thread ([`spawn_local`], [`concurrent_for`]) runs at once,
//! and nobody looks for deadlocks.

#![allow(
    clippy::inline_always,
    reason = "what switches stacks must be part of its caller, at every optimisation level"
)]
#![allow(clippy::cast_ptr_alignment, reason = "tops of stacks are bytes by type and aligned by construction")]

mod allocator;
mod config;
mod error;
mod facade;
mod fatal;
#[cfg(target_os = "linux")]
pub mod fs;
#[cfg(target_os = "linux")]
pub mod io;
mod marks;
mod run;
mod stats;

#[cfg(vthread_native)]
mod alt_stack;
#[cfg(vthread_native)]
mod arch;
#[cfg(vthread_native)]
mod blocking;
#[cfg(vthread_native)]
mod call;
#[cfg(vthread_native)]
mod carrier;
pub mod channel;
#[cfg(vthread_native)]
mod chunk;
#[cfg(vthread_native)]
mod extents;
#[cfg(vthread_native)]
mod faults;
mod finish;
mod for_each;
mod future;
#[cfg(vthread_native)]
mod held_mappings;
#[cfg(vthread_native)]
mod hop_stack;
mod local;
#[cfg(vthread_native)]
pub mod os;
#[cfg(vthread_native)]
mod panic_count;
#[cfg(vthread_native)]
mod region;
#[cfg(vthread_native)]
mod ring;
#[cfg(vthread_native)]
mod runtime;
mod sched;
mod scope;
mod select;
#[cfg(vthread_native)]
mod signals;
#[cfg(vthread_native)]
mod stacks;
pub mod sync;
#[cfg(vthread_native)]
mod sys;
#[cfg(vthread_native)]
mod valgrind;
#[cfg(vthread_native)]
mod watchdog;

#[cfg(not(vthread_native))]
#[path = "plain/arch.rs"]
mod arch;
#[cfg(not(vthread_native))]
#[path = "plain/blocking.rs"]
mod blocking;
#[cfg(not(vthread_native))]
#[path = "plain/call.rs"]
mod call;
#[cfg(not(vthread_native))]
#[path = "plain/carrier.rs"]
mod carrier;
#[cfg(not(vthread_native))]
#[path = "plain/os.rs"]
pub mod os;
#[cfg(not(vthread_native))]
#[path = "plain/region.rs"]
mod region;
#[cfg(not(vthread_native))]
#[path = "plain/runtime.rs"]
mod runtime;
#[cfg(not(vthread_native))]
#[path = "plain/stacks.rs"]
mod stacks;
#[cfg(not(vthread_native))]
#[path = "plain/watchdog.rs"]
mod watchdog;

pub use allocator::{Arena, Heap, Pool, Region, StackAllocator};
pub use blocking::{blocking, try_blocking};
pub use call::hop;
pub use config::{Mode, STACKS_VAR};
pub use error::{Error, Result};
pub use for_each::{concurrent_for, parallel_for};
pub use future::{JoinFuture, block_on};
pub use local::LocalKey;
pub use run::{Builder, run};
pub use runtime::Runtime;
pub use sched::deadlock::WhenStuck;
pub use sched::task::{
    Cancelled, Vthread, checkpoint, current, is_cancelled, park, park_timeout, sleep, yield_now,
};
pub use scope::{JoinHandle, Scope, ScopedJoinHandle, scope, scope_in, spawn, spawn_local};
pub use stacks::trim;
pub use stats::{Chunks, HighWater, HopStacks, Operations, Stats, Vthreads, stats};
pub use watchdog::watch_process;

/// For the code that `#[vthread]` writes. Not for people: it changes without notice.
#[doc(hidden)]
pub mod __private {
    #[cfg(not(vthread_native))]
    pub use crate::call::{Pair, Word};
    pub use crate::call::{
        current, current_here, enter_on_chunk, entered, give, hop, on_chunk, on_chunk_exact, with_room,
    };
    #[cfg(all(target_os = "linux", feature = "inject-faults"))]
    pub use crate::io::inject;
    pub use crate::marks::Known;
    #[cfg(vthread_native)]
    pub use crate::marks::VTABLE;
    pub use crate::run::{report_entry, report_test, run_entry, run_test};
    pub use crate::select::{Chosen, after, select};
    pub use crate::{
        __after_call as after_call, __before_call as before_call, __bit as bit, __by_others as by_others,
        __by_stack as by_stack, __callee_here as callee_here, __current as current,
        __current_here as current_here, __enter_on_chunk as enter_on_chunk, __entry as entry,
        __known_here as known_here, __plain_only as plain_only, __select as select, __tag as tag,
    };
    #[cfg(vthread_native)]
    pub use crate::{
        __sized_entry as sized_entry,
        arch::{Pair, REGION, Word},
        call::on_chunk_sized,
        carrier::{Waiter, raw, spawn, spawn_sized, yield_now},
        run::Carrying,
        signals::sweep,
        watchdog::lost_wake_ups,
    };
    pub use vale_threads_abi as abi;

    /// How many stacks this thread has handed out the slow way: all of them where the link step has not run, and in the
    /// modes that check.
    pub fn chunks_taken() -> u64 {
        #[cfg(not(vthread_native))]
        return 0;
        #[cfg(vthread_native)]
        crate::stacks::Stacks::with(crate::stacks::Stacks::taken_slowly).unwrap_or(0)
    }
}

pub use vale_threads_macros::{main, test, vthread};
