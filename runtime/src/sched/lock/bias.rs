//! Who may be an owner of locks, and what it costs others to take that away.

use crate::facade::{OWNERS_ALWAYS_PAY, membarrier, owner, set_owner};
use crate::fatal::fatal;
use core::cell::Cell;
// What is counted here decides nothing about the protocol.
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Mutex, PoisonError};

thread_local! {
    /// How many locks this thread's carriers have been made owners of, and may be without asking again.
    static GRANTED: Cell<u32> = const { Cell::new(0) };
    /// Of those, how many they may be yet.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// Of the whole process.
static TAKEN_AWAY: AtomicU32 = AtomicU32::new(0);

const UNKNOWN: u8 = 0;
const HAS_BARRIER: u8 = 1;
const HAS_NONE: u8 = 2;
static KERNEL: AtomicU8 = AtomicU8::new(UNKNOWN);

/// One in so many may be taken away before the others are no longer worth it.
const WORTH: u32 = 16;
/// So many may always be.
const FREE: u32 = 256;

#[inline(always)]
pub(crate) fn id() -> u32 {
    owner()
}

/// Called before `main`: to register when there are other threads takes the kernel 15 milliseconds, since it waits until all processors
/// have noticed; for a process with one thread it is nothing.
pub(crate) fn find_out() {
    KERNEL.store(if register() { HAS_BARRIER } else { HAS_NONE }, Relaxed);
}

/// This thread is a carrier with that id from now on; with 0, it is none.
pub(crate) fn set_id(id: u32) {
    if KERNEL.load(Relaxed) == UNKNOWN {
        find_out();
    }
    LARGEST.fetch_max(id, Relaxed);
    if id != 0 && id <= LEFT_BEHIND.load(Relaxed) {
        SURVIVORS.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }
    // Without the barrier nobody is an owner.
    set_owner(if KERNEL.load(Relaxed) == HAS_BARRIER { id } else { 0 });
}

/// Is this thread to be the owner of another lock? To take one away costs microseconds, so it is where that is rare.
#[inline(always)]
pub(super) fn grant() -> bool {
    match LEFT.get() {
        0 => grant_several(),
        left => {
            LEFT.set(left - 1);
            true
        }
    }
}

/// Asks for this one and some more.
#[cold]
#[inline(never)]
fn grant_several() -> bool {
    const SEVERAL: u32 = 64;
    let pays = OWNERS_ALWAYS_PAY || TAKEN_AWAY.load(Relaxed) <= FREE + GRANTED.get() / WORTH;
    if pays {
        GRANTED.set(GRANTED.get().saturating_add(SEVERAL));
        LEFT.set(SEVERAL - 1);
    }
    pays
}

pub(super) fn taken_away() {
    TAKEN_AWAY.fetch_add(1, Relaxed);
}

/// Owners that a `fork` has left behind: those up to this id, but for [`FORKER`] and [`SURVIVORS`].
static LEFT_BEHIND: AtomicU32 = AtomicU32::new(0);
/// The owner that the forking thread was.
static FORKER: AtomicU32 = AtomicU32::new(0);
/// Carriers made since that have an id of before.
static SURVIVORS: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// The largest id of an owner.
static LARGEST: AtomicU32 = AtomicU32::new(0);

/// In a child made by `fork`: the other threads are not here. Every `fork` of the program calls this, also one that is for an `exec` only: it must
/// not allocate, because another thread may have been inside of the allocator.
pub(crate) extern "C" fn forked() {
    LEFT_BEHIND.store(LARGEST.load(Relaxed), Relaxed);
    FORKER.store(id(), Relaxed);
    // At a fork within a fork another thread may hold it: then it is lost, as every mutex is.
    if let Ok(mut survivors) = SURVIVORS.try_lock() {
        survivors.clear();
    }
}

/// # Panics
/// Never: it ends the process if `owner`, which is inside of a lock, was left behind by a `fork`. It will not leave, and what it was changing is
/// as it was in the middle.
pub(super) fn assert_is_alive(owner: u32) {
    if owner <= LEFT_BEHIND.load(Relaxed)
        && owner != FORKER.load(Relaxed)
        && !SURVIVORS.lock().unwrap_or_else(PoisonError::into_inner).contains(&owner)
    {
        fatal(format_args!(
            "a thing that vthreads wait for was in use by a carrier that is not in this process: another thread has forked meanwhile. \
             After a fork use what that thread had, or exec"
        ));
    }
}

/// Commands of `membarrier(2)`, from `linux/membarrier.h`.
const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

fn register() -> bool {
    membarrier(REGISTER_PRIVATE_EXPEDITED)
}

/// Every thread of the process executes a full barrier between the beginning and the end of this call.
pub(super) fn barrier_on_all_threads() {
    fence(SeqCst);
    // A process made by `fork` may have to register anew.
    if !(membarrier(PRIVATE_EXPEDITED) || register() && membarrier(PRIVATE_EXPEDITED)) {
        fatal(format_args!("the kernel refuses the barrier (membarrier) that it has granted before"));
    }
    fence(SeqCst);
}

/// # Panics
/// Never: it ends the process. To unwind out of an allocator is undefined.
pub(super) fn assert_not_held_by_us(is_owner: bool) {
    if is_owner {
        fatal(format_args!(
            "a thing that vthreads wait for is used from inside of itself, by the global allocator"
        ));
    }
}
