//! Virtual threads: stackful threads of ordinary Rust whose stacks are exactly as large as a link-time proof says.

mod allocator;
mod arch;
mod call;
mod chunk;
mod config;
mod error;
mod extents;
mod hop_stack;
mod marks;
mod region;
mod run;
mod stacks;
mod sys;

pub use allocator::{Arena, Heap, Pool, Region, StackAllocator};
pub use config::{Mode, STACKS_VAR};
pub use error::{Error, Result};
pub use run::{Builder, run};
pub use stacks::HighWater;

/// For the code that `#[vthread]` writes. Not for people: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::call::{current, hop, on_chunk};
    pub use crate::{__plain_only as plain_only, __select as select, __tag as tag};
    pub use vale_threads_abi as abi;

    /// How many stacks this thread has handed out the slow way: all of them where the link step has not run, and in the
    /// modes that check.
    pub fn chunks_taken() -> u64 {
        crate::stacks::Stacks::with(crate::stacks::Stacks::taken_slowly).unwrap_or(0)
    }
}
