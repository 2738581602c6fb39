//! The one range of addresses that all chunks of the process lie in.
//!
//! ```text
//! base                              frontier                                base + len
//!  | in use | free | in use | free   |  reserved, never used: PROT_NONE          |
//!  '------ readable and writable ----'
//! ```
//!
//! It is reserved once and never given up, so that "on a chunk" is a range test. Memory below the frontier is
//! committed; what is given back stays readable and writable there but holds no pages. Lowest addresses first
//! keeps the number of mappings at two and page tables small.

use crate::arch::REGION;
use crate::extents::Extents;
use crate::sys;
use core::cell::UnsafeCell;
use std::io;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vale_threads_abi::PAGE;

/// The frontier moves by multiples of this, and small chunks are cut from pieces of this size: a huge page.
pub(crate) const SLAB: usize = 2 << 20;

/// Asked for first. Costs no memory and, untouched, no page tables.
const WANTED: usize = 4 << 40;

/// Less than this is not worth starting with.
const LEAST: usize = 16 << 20;

struct State {
    base: usize,
    len: usize,
    frontier: usize,
    free: Extents,
}

static STATE: Mutex<State> = Mutex::new(State { base: 0, len: 0, frontier: 0, free: Extents::new() });

fn state() -> MutexGuard<'static, State> {
    // Nothing panics while it is held.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of the region, by what has become of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) reserved: usize,
    pub(crate) committed: usize,
    pub(crate) taken: usize,
}

/// What the region is used for now.
pub(crate) fn usage() -> Use {
    let s = state();
    let committed = s.frontier - s.base;
    Use { reserved: s.len, committed, taken: committed - s.free.total() }
}

/// Reserves the region if that has not been done.
pub(crate) fn reserve() -> io::Result<()> {
    let mut s = state();
    if s.len != 0 {
        return Ok(());
    }
    // Half of what a limit on address space leaves: the rest of the program needs some too.
    let mut want = sys::address_space_left().map_or(WANTED, |left| WANTED.min(left / 2)) / SLAB * SLAB;
    let at = loop {
        match sys::reserve(want + SLAB) {
            Ok(at) => break at,
            Err(_) if want / 2 >= LEAST => want = want / 2 / SLAB * SLAB,
            Err(e) => return Err(e),
        }
    };
    let base = (at.as_ptr() as usize).next_multiple_of(SLAB);
    // A few gigabytes of parked threads are mostly pages that are used sparsely; huge ones would cost seven times
    // the memory at one per cent use. Only advice: old kernels lack it.
    let _ = sys::no_huge_pages(base, want);
    (s.base, s.len, s.frontier) = (base, want, base);
    crate::arch::tune();
    REGION.base.store(base, Relaxed);
    REGION.len.store(want, Release);
    // Last: until then no address is below it.
    REGION.end.store(base + want, Release);
    survive_forks();
    Ok(())
}

/// Does something that must be done before there is the first chunk, if there is none.
pub(crate) fn unless_reserved(f: impl FnOnce()) {
    let s = state();
    if s.len == 0 {
        f();
    }
}

/// A `fork` copies the region as it is at a moment when nobody changes it. The child has the thread that forked alone: that
/// one's vthreads go on in both, other carriers' in the parent only.
fn survive_forks() {
    static HELD: Held = Held(UnsafeCell::new(None));
    struct Held(UnsafeCell<Option<MutexGuard<'static, State>>>);
    // SAFETY: touched only by who holds the lock.
    unsafe impl Sync for Held {}

    /// # Safety
    /// Called before a `fork`, by the thread that makes it.
    unsafe extern "C" fn before() {
        let guard = state();
        // SAFETY: we hold the lock.
        unsafe { *HELD.0.get() = Some(guard) };
    }
    /// # Safety
    /// Called after it, in both processes, by that thread.
    unsafe extern "C" fn after() {
        // SAFETY: this thread, or the one that it is a copy of, took the lock in `before`.
        drop(unsafe { (*HELD.0.get()).take() });
    }
    // SAFETY: all three only take and release a lock. Where it fails, a child that is made while another thread takes memory
    // cannot take any itself.
    unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
}

/// `len` bytes of committed memory, a multiple of [`PAGE`], at a multiple of `align`. They read as zero, unless they were
/// given back without being cleared.
pub(crate) fn take(len: usize, align: usize) -> io::Result<*mut u8> {
    debug_assert!(len.is_multiple_of(PAGE as usize) && align.is_power_of_two() && SLAB.is_multiple_of(align));
    let mut s = state();
    if len > s.len {
        return Err(io::Error::from(io::ErrorKind::OutOfMemory));
    }
    // Alignment by asking for more and giving the ends back: everything is a multiple of a page.
    let slack = align.saturating_sub(PAGE as usize);
    let found = loop {
        if let Some(found) = s.free.take(len + slack) {
            break found;
        }
        let tail = s.frontier;
        let have = s.free.take_last(tail).map_or(0, |(start, have)| {
            s.free.give(start, have);
            have
        });
        let more = (len + slack - have).next_multiple_of(SLAB);
        if s.base + s.len - tail < more {
            return Err(io::Error::from(io::ErrorKind::OutOfMemory));
        }
        // SAFETY: between the frontier and the end of what was reserved, of which nothing is in use.
        unsafe { sys::commit(tail, more)? };
        s.frontier += more;
        s.free.give(tail, more);
    };
    let start = found.next_multiple_of(align);
    if start > found {
        s.free.give(found, start - found);
    }
    if found + slack > start {
        s.free.give(start + len, found + slack - start);
    }
    Ok(start as *mut u8)
}

/// Gives memory back, to the system too.
///
/// # Safety
/// `[at, at + len)` came from [`take`], whole pages of it, is readable and writable, and nobody uses it any more.
pub(crate) unsafe fn give(at: *mut u8, len: usize) {
    // SAFETY: the caller's promise. It fails only for locked memory, which then stays as it is.
    let _ = unsafe { sys::discard(at, len) };
    state().free.give(at as usize, len);
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicBool;

    #[test]
    fn there_is_no_more_than_all() {
        reserve().expect("a region");
        for len in [usize::MAX - (PAGE as usize - 1), usize::MAX / 2 + 1, 1 << 50] {
            let error = take(len, SLAB).expect_err("too much");
            assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        }
    }

    #[test]
    fn a_child_takes_memory_whatever_other_threads_did() {
        reserve().expect("a region");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Relaxed) {
                        let at = take(SLAB, SLAB).expect("memory");
                        // SAFETY: taken just now.
                        unsafe { give(at, SLAB) };
                    }
                });
            }
            for _ in 0..200 {
                // SAFETY: the child takes memory, for which `malloc` is prepared as well, and ends.
                match unsafe { libc::fork() } {
                    // SAFETY: as above.
                    0 => unsafe {
                        // Who waits for ever is killed.
                        libc::alarm(10);
                        let code = i32::from(take(SLAB, SLAB).is_err());
                        libc::_exit(code)
                    },
                    child => {
                        let mut status = -1;
                        // SAFETY: our child.
                        while unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {}
                        assert_eq!(status, 0);
                    }
                }
            }
            stop.store(true, Relaxed);
        });
    }
}
