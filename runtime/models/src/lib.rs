//! The runtime's own files about what threads do to each other, compiled with a `facade` behind which shuttle decides who runs when.
//!
//! What is a vthread in the runtime is a thread of the model here: switches between stacks are no matter of threads. Shuttle explores orders of
//! sequentially consistent steps, so this shows that the protocols are right, not that the weaker orders of memory accesses are
//! enough: those are argued where they stand. A failing order is printed, and `shuttle::replay` runs it again.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "a part of the runtime without the rest")]
#![allow(clippy::inline_always, reason = "as in the runtime")]
#![allow(clippy::missing_panics_doc, reason = "a model that finds something panics")]

mod call;
mod carrier;
mod channel;
mod ends;
mod facade;
#[path = "../../src/fatal.rs"]
mod fatal;
pub mod models;
mod permits;
mod ring;
mod scope;

mod arch {
    pub(crate) type Parked = *mut u8;
}

mod config {
    /// Models take no chunks.
    pub(crate) type MakeAllocator = ();
}

mod local {
    /// Models have none.
    #[derive(Default)]
    pub(crate) struct Locals;
}

mod sched {
    pub(crate) fn may_keep_tasks() -> bool {
        true
    }

    #[path = "../../../src/sched/latch.rs"]
    pub(crate) mod latch;
    #[path = "../../../src/sched/lock/mod.rs"]
    pub(crate) mod lock;
    #[path = "../../../src/sched/remote.rs"]
    pub(crate) mod remote;
    #[path = "../../../src/sched/starts.rs"]
    pub(crate) mod starts;
    pub(crate) mod task;
    #[path = "../../../src/sched/task_ref.rs"]
    pub(crate) mod task_ref;
    #[path = "../../../src/sched/timers.rs"]
    pub(crate) mod timers;
    #[path = "../../../src/sched/wait/mod.rs"]
    pub(crate) mod wait;
}
