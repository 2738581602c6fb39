//! What every `fork` of a program that has vthreads in it does in the child, even if that is for an `exec` only.

#![cfg(vthread_native)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts what is asked for.
struct Counting;

static ASKED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        ASKED.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Another thread may have been inside of the allocator, and is not in the child: who asks it there may wait for ever. The parent would
/// too: it waits until the child has called `exec`.
///
/// From a process of its own, where no other thread asks for memory meanwhile.
#[test]
fn a_fork_does_not_allocate_in_the_child() {
    let fork = || {
        let before = ASKED.load(SeqCst);
        // SAFETY: the child looks at one number, and ends.
        unsafe {
            match libc::fork() {
                0 => libc::_exit((ASKED.load(SeqCst) - before).try_into().unwrap_or(i32::MAX).min(100)),
                child => {
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                    assert!(libc::WIFEXITED(status), "status {status:#x}");
                    libc::WEXITSTATUS(status)
                }
            }
        }
    };
    // Once the harness has gone to sleep.
    let quiet = |fork: &dyn Fn() -> i32| (0..100).map(|_| fork()).min();
    assert_eq!(quiet(&fork), Some(0), "outside of vthreads");
    assert_eq!(vthread::run(|| vthread::hop(|| quiet(&fork))), Some(0), "in a vthread");
}
