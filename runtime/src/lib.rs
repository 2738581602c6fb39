//! Virtual threads: stackful threads of ordinary Rust whose stacks are exactly as large as a link-time proof says.

#![allow(
    clippy::inline_always,
    reason = "what switches stacks must be part of its caller, at every optimisation level"
)]
#![allow(clippy::cast_ptr_alignment, reason = "tops of stacks are bytes by type and aligned by construction")]

mod allocator;
mod config;
mod error;
mod marks;
mod run;
mod stats;

#[cfg(vthread_native)]
mod alt_stack;
#[cfg(vthread_native)]
mod arch;
#[cfg(vthread_native)]
mod call;
#[cfg(vthread_native)]
mod carrier;
#[cfg(vthread_native)]
mod chunk;
#[cfg(vthread_native)]
mod extents;
#[cfg(vthread_native)]
mod faults;
#[cfg(vthread_native)]
mod hop_stack;
#[cfg(vthread_native)]
pub mod os;
#[cfg(vthread_native)]
mod panic_count;
#[cfg(vthread_native)]
mod region;
#[cfg(vthread_native)]
mod ring;
#[cfg(vthread_native)]
mod signals;
#[cfg(vthread_native)]
mod stacks;
#[cfg(vthread_native)]
mod sys;

#[cfg(not(vthread_native))]
#[path = "plain/call.rs"]
mod call;
#[cfg(not(vthread_native))]
#[path = "plain/os.rs"]
pub mod os;
#[cfg(not(vthread_native))]
#[path = "plain/region.rs"]
mod region;

pub use allocator::{Arena, Heap, Pool, Region, StackAllocator};
pub use config::{Mode, STACKS_VAR};
pub use error::{Error, Result};
pub use run::{Builder, run};
pub use stats::{HighWater, HopStacks, Stats, stats};

/// For the code that `#[vthread]` writes. Not for people: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::call::{current, hop, on_chunk, on_chunk_exact};
    pub use crate::{__plain_only as plain_only, __select as select, __tag as tag};
    #[cfg(all(vthread_native, feature = "unpatched-stand-in"))]
    pub use crate::{
        call::on_chunk_sized,
        carrier::{raw, spawn_sized},
    };
    #[cfg(vthread_native)]
    pub use crate::{
        carrier::{Waiter, spawn, yield_now},
        run::Carrying,
        signals::sweep,
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
