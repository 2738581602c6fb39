//! Virtual threads: stackful threads of ordinary Rust whose stacks are exactly as large as a link-time proof says.

#![allow(
    clippy::inline_always,
    reason = "what switches stacks must be part of its caller, at every optimisation level"
)]
#![allow(clippy::cast_ptr_alignment, reason = "tops of stacks are bytes by type and aligned by construction")]

mod allocator;
mod alt_stack;
mod arch;
mod call;
mod carrier;
pub mod channel;
mod chunk;
mod config;
mod error;
mod extents;
mod faults;
mod finish;
mod hop_stack;
mod local;
mod marks;
pub mod os;
mod panic_count;
mod region;
mod ring;
mod run;
mod sched;
mod scope;
mod signals;
mod stacks;
mod stats;
pub mod sync;
mod sys;

pub use allocator::{Arena, Heap, Pool, Region, StackAllocator};
pub use config::{Mode, STACKS_VAR};
pub use error::{Error, Result};
pub use hop_stack::HopStacks;
pub use local::LocalKey;
pub use run::{Builder, run};
pub use sched::deadlock::WhenStuck;
pub use sched::task::{
    Cancelled, Vthread, checkpoint, current, is_cancelled, park, park_timeout, sleep, yield_now,
};
pub use scope::{JoinHandle, Scope, ScopedJoinHandle, scope, spawn, spawn_local};
pub use stacks::HighWater;
pub use stats::{Stats, stats};

/// For the code that `#[vthread]` writes. Not for people: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::call::{current, hop, on_chunk};
    pub use crate::carrier::{Waiter, spawn, yield_now};
    pub use crate::run::Carrying;
    pub use crate::signals::sweep;
    pub use crate::{__plain_only as plain_only, __select as select, __tag as tag};
    #[cfg(feature = "unpatched-stand-in")]
    pub use crate::{call::on_chunk_sized, carrier::spawn_sized};
    pub use vale_threads_abi as abi;

    /// How many stacks this thread has handed out the slow way: all of them where the link step has not run, and in the
    /// modes that check.
    pub fn chunks_taken() -> u64 {
        crate::stacks::Stacks::with(crate::stacks::Stacks::taken_slowly).unwrap_or(0)
    }
}
