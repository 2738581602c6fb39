//! What vthreads wait with for each other: as in `std::sync`, but who waits parks, and others run meanwhile.
//!
//! All of them work between vthreads of different runtimes and ordinary threads too, which block. All are fair: first come,
//! first served, and what is released goes to who waits before anybody else can take it. Nothing is poisoned by a panic.
//!
//! Every call that may wait panics with [`Cancelled`](crate::Cancelled) if the vthread is cancelled; it has not taken anything then.

mod barrier;
mod condvar;
mod mutex;
mod notify;
mod rwlock;
mod semaphore;

pub use barrier::Barrier;
pub use condvar::Condvar;
pub use mutex::{Mutex, MutexGuard};
pub use notify::Notify;
pub use rwlock::{ReadGuard, RwLock, WriteGuard};
pub use semaphore::{Permits, Semaphore};
