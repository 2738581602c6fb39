//! The memory of an OS thread with an exact stack.
//!
//! ```text
//! in the region:   | guard | reserve, 64 KiB | bound | start and exit, 4 KiB | TLS and thread descriptor |  <- pthread's end
//! a mapping:       | guard | hop stack | signal stack, 64 KiB or more |
//! ```
//!
//! The thread's own stack counts as a chunk, so recursion and virtual calls take chunks and what has no bound hops. The reserve
//! is for destructors of thread-locals, which the C library calls after the entry has returned. All of it costs memory
//! only where it is touched. An entry without a bound gets an ordinary large stack instead of the first.

use crate::region;
use crate::sys;
use crate::valgrind;
use std::io;
use std::sync::{Mutex, PoisonError};
use vale_threads_abi::PAGE;

const GUARD: usize = PAGE as usize;

/// Frames of the C library above the entry (176 bytes) and below it at the thread's end (about 330), and room for one lazy
/// binding: libc itself is not bound eagerly, and the resolver saves all vector registers (3,256 bytes seen).
const START_AND_EXIT: usize = 4096;

/// For destructors of thread-locals.
const RESERVE: usize = 64 << 10;

/// Stacks of ended threads that are kept, at most.
const SPARE: usize = 64;

/// Thread descriptor and static thread-locals, which the C library puts at the end of a thread's stack.
///
/// glibc's private `__pthread_get_minstack` is a page more than that and `PTHREAD_STACK_MIN`. It is looked up, never linked, as
/// std does.
fn thread_locals() -> usize {
    type Minimum = unsafe extern "C" fn(*const libc::pthread_attr_t) -> usize;
    // SAFETY: a function of this type under this name, in every glibc that has it; the attributes are initialised and destroyed.
    let minimum = unsafe {
        let found = libc::dlsym(libc::RTLD_DEFAULT, c"__pthread_get_minstack".as_ptr());
        if found.is_null() {
            libc::sysconf(libc::_SC_THREAD_STACK_MIN).max(0) as usize
        } else {
            let minimum = core::mem::transmute::<*mut libc::c_void, Minimum>(found);
            let mut attr = core::mem::zeroed();
            libc::pthread_attr_init(&raw mut attr);
            let size = minimum(&raw const attr);
            libc::pthread_attr_destroy(&raw mut attr);
            size
        }
    };
    minimum.saturating_sub(GUARD + libc::PTHREAD_STACK_MIN).max(4096)
}

/// Where a thread's own stack lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Region,
    Mapping,
}

/// All memory of one thread.
#[derive(Debug)]
pub(super) struct Memory {
    place: Place,
    base: *mut u8,
    len: usize,
    side: *mut u8,
    side_len: usize,
    /// Bytes of the hop stack.
    hop: usize,
    /// Valgrind's number for the hop stack. It finds out about the thread's own by itself.
    registered: usize,
}

// SAFETY: it only names memory, which is one thread's at a time.
unsafe impl Send for Memory {}

static UNUSED: Mutex<Vec<Memory>> = Mutex::new(Vec::new());

/// Bytes of a signal stack: some handlers deep, with the largest frames of this machine.
fn signal_stack() -> usize {
    // SAFETY: reads a constant of the process.
    let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    (4 * (frame + 4096)).next_multiple_of(GUARD).max(64 << 10)
}

impl Memory {
    /// For an entry that needs `bound` bytes; `None`: of unknown need, which gets `unproved` bytes. With a hop stack of `hop` bytes, whole pages.
    pub(super) fn take(bound: Option<usize>, unproved: usize, hop: usize) -> io::Result<Self> {
        let (place, need) = match bound {
            Some(bound) => (Place::Region, bound),
            None => (Place::Mapping, unproved),
        };
        let stack = (thread_locals() + START_AND_EXIT + need).max(libc::PTHREAD_STACK_MIN) + RESERVE;
        let len = stack.next_multiple_of(GUARD) + GUARD;
        let unused = {
            let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = unused.iter().position(|m| (m.len, m.hop, m.place) == (len, hop, place));
            fits.map(|index| unused.swap_remove(index))
        };
        unused.map_or_else(|| Self::new(place, len, hop), Ok)
    }

    fn new(place: Place, len: usize, hop: usize) -> io::Result<Self> {
        let side_len = GUARD + hop + signal_stack();
        let side = sys::map_stack(side_len, GUARD)?.as_ptr();
        let base = match place {
            Place::Mapping => sys::map_stack(len, GUARD).map(core::ptr::NonNull::as_ptr),
            Place::Region => region::take(len, GUARD).and_then(|base| {
                // SAFETY: just taken.
                match unsafe { sys::protect(base, GUARD) } {
                    Ok(()) => Ok(base),
                    Err(error) => {
                        // SAFETY: just taken, and still readable and writable.
                        unsafe { region::give(base, len) };
                        Err(error)
                    }
                }
            }),
        };
        match base {
            Ok(base) => {
                let registered = valgrind::register(side as usize + GUARD, hop);
                Ok(Self { place, base, len, side, side_len, hop, registered })
            }
            Err(error) => {
                // SAFETY: just mapped.
                let _ = unsafe { sys::unmap(side, side_len) };
                Err(error)
            }
        }
    }

    /// Lowest address and length of what the thread gets as its stack.
    pub(super) fn stack(&self) -> (*mut u8, usize) {
        (self.base.wrapping_add(GUARD), self.len - GUARD)
    }

    /// Lowest addresses of the thread's stack and of its hop stack.
    pub(super) fn lowest(&self) -> [usize; 2] {
        [self.base as usize + GUARD, self.side as usize + GUARD]
    }

    /// Top of the thread's hop stack.
    pub(super) fn hop_top(&self) -> *mut u8 {
        self.side.wrapping_add(GUARD + self.hop)
    }

    /// The thread's signal stack.
    pub(super) fn signal_stack(&self) -> libc::stack_t {
        let start = GUARD + self.hop;
        libc::stack_t {
            ss_sp: self.side.wrapping_add(start).cast(),
            ss_flags: 0,
            ss_size: self.side_len - start,
        }
    }

    /// Puts it by for the next thread.
    ///
    /// # Safety
    /// The thread that used it has been joined, or never started.
    pub(super) unsafe fn give_back(self) {
        let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
        unused.push(self);
        if unused.len() > SPARE {
            let oldest = unused.swap_remove(0);
            drop(unused);
            oldest.release();
        }
    }

    fn release(self) {
        valgrind::deregister(self.registered);
        // SAFETY: nobody's any more. A guard that cannot be lifted (mappings used up) is lost to the region with its stack.
        unsafe {
            let _ = sys::unmap(self.side, self.side_len);
            match self.place {
                Place::Mapping => {
                    let _ = sys::unmap(self.base, self.len);
                }
                Place::Region => {
                    if sys::unprotect(self.base, GUARD).is_ok() {
                        region::give(self.base, self.len);
                    }
                }
            }
        }
    }
}
