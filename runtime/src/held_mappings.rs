//! Mappings for the moment when the system gives no more.
//!
//! A process can have 65,530 (`vm.max_map_count`), and each guarded stack takes two. Who is refused one passes an error on or panics, and what runs
//! then wants some as well: a backtrace maps the executable, and the allocator memory. Without any, `std` waits for itself: what reports
//! the failed allocation wants the lock of the backtrace that it failed in. So some are held where there are many stacks, and given back when one is refused.

use crate::sys;
use core::ptr::null_mut;
use core::sync::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{AcqRel, Relaxed},
};

/// So many guards are made before any are held, and before any are again.
const MANY: usize = 4096;

/// How many are held: each page of these is one, as every second is accessible.
const PAGES: usize = 128;

const PAGE: usize = vale_threads_abi::PAGE as usize;

/// Guards made so far.
static MADE: AtomicUsize = AtomicUsize::new(0);

static HELD: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// A guard has been made.
pub(crate) fn guard_made() {
    if MADE.fetch_add(1, Relaxed) % MANY == MANY - 1 && HELD.load(Relaxed).is_null() {
        hold();
    }
}

fn hold() {
    let Ok(at) = sys::reserve(PAGES * PAGE) else { return };
    let at = at.as_ptr();
    // SAFETY: whole pages of what was just reserved.
    let split = |page: usize| unsafe { sys::commit(at as usize + page * PAGE, PAGE) };
    let is_whole = (0..PAGES).step_by(2).all(|page| split(page).is_ok());
    if !is_whole || HELD.compare_exchange(null_mut(), at, AcqRel, Relaxed).is_err() {
        // SAFETY: nobody has seen it.
        let _ = unsafe { sys::unmap(at, PAGES * PAGE) };
    }
}

/// A mapping was refused.
pub(crate) fn give_back() {
    let at = HELD.swap(null_mut(), AcqRel);
    if !at.is_null() {
        // SAFETY: who takes it from there owns it, and nobody uses the pages.
        let _ = unsafe { sys::unmap(at, PAGES * PAGE) };
    }
}
