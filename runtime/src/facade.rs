//! What the protocols between threads are made of: atomics, mutexes, parks, futexes, barriers.
//!
//! The models in `runtime/models` compile the same files with a facade of their own, behind which shuttle decides who runs when.

pub(crate) use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering, fence,
};
#[cfg(vthread_native)]
pub(crate) use core::sync::atomic::{AtomicU64, compiler_fence};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::{Thread, current, panicking, park, park_timeout, yield_now};

#[cfg(vthread_native)]
mod linux {
    use super::AtomicU32;
    use core::cell::Cell;
    use core::ptr;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::time::Instant;

    thread_local! {
        /// This thread's id as an owner of locks; 0 where no carrier runs.
        static OWNER: Cell<u32> = const { Cell::new(0) };
    }

    #[inline(always)]
    pub(crate) fn owner() -> u32 {
        OWNER.get()
    }

    pub(crate) fn set_owner(id: u32) {
        OWNER.set(id);
    }

    // SAFETY: the section is a list of functions that the C library calls before `main`. It passes the arguments of `main`, which this one
    // leaves alone; what it does are system calls, which need nothing of std's that is not there yet.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static BEFORE_MAIN: extern "C" fn() = {
        extern "C" fn before_main() {
            crate::sched::lock::bias::find_out();
            // SAFETY: the handler changes what is told of owners alone. Where there is no memory for it, a child hangs that would have
            // ended with a message.
            unsafe { libc::pthread_atfork(None, None, Some(crate::sched::lock::bias::forked)) };
        }
        before_main
    };

    /// Are owners of locks worth having, however often that is taken away?
    pub(crate) const OWNERS_ALWAYS_PAY: bool = false;

    /// `membarrier(2)`. `false`: it is refused.
    pub(crate) fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: the commands used here have no effect but barriers.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    /// Waits while the word has that value, until then at most. May return for nothing.
    pub(crate) fn futex_wait(word: &AtomicU32, value: u32, until: Option<Instant>) {
        let timeout = until.map(|until| {
            let left = until.saturating_duration_since(Instant::now());
            libc::timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        futex(word, libc::FUTEX_WAIT, value, timeout.as_ref().map_or(ptr::null(), ptr::from_ref));
    }

    /// Wakes one that waits there.
    pub(crate) fn futex_wake(word: &AtomicU32) {
        #[cfg(feature = "inject-faults")]
        if crate::io::inject::is_wake_up_lost() {
            return;
        }
        futex(word, libc::FUTEX_WAKE, 1, ptr::null());
    }

    fn futex(word: &AtomicU32, operation: libc::c_int, value: u32, timeout: *const libc::timespec) {
        // SAFETY: a valid word, and a valid timeout or none. Every result is fine: the caller looks again.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                operation | libc::FUTEX_PRIVATE_FLAG,
                value,
                timeout,
            )
        };
    }

    /// Ends a sleep in a ring: an eventfd that does not block.
    #[derive(Debug)]
    pub(crate) struct Bell(OwnedFd);

    impl Bell {
        /// `None`: there is none to be had.
        pub(crate) fn new() -> Option<Self> {
            // SAFETY: makes a descriptor, which nobody else has.
            unsafe {
                let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
                (fd >= 0).then(|| Self(OwnedFd::from_raw_fd(fd)))
            }
        }

        /// In a child made by `fork`: another one, in place of the parent's, which stays the parent's alone.
        pub(crate) fn renew(&self) {
            if let Some(Self(new)) = Self::new() {
                // SAFETY: the descriptor stays open, and ours.
                unsafe { libc::dup3(new.as_raw_fd(), self.fd(), libc::O_CLOEXEC) };
            }
        }

        pub(crate) fn fd(&self) -> RawFd {
            self.0.as_raw_fd()
        }

        /// Forgets that it was rung.
        pub(crate) fn silence(&self) {
            let mut rung = 0_u64;
            // SAFETY: eight bytes of ours. It fails if nobody has rung.
            unsafe { libc::read(self.fd(), (&raw mut rung).cast(), size_of::<u64>()) };
        }

        pub(crate) fn ring(&self) {
            #[cfg(feature = "inject-faults")]
            if crate::io::inject::is_wake_up_lost() {
                return;
            }
            let one = 1_u64;
            // SAFETY: eight bytes of ours. It fails only if it has been rung more often than can be counted.
            unsafe { libc::write(self.fd(), (&raw const one).cast(), size_of::<u64>()) };
        }
    }
}

#[cfg(vthread_native)]
pub(crate) use linux::{Bell, OWNERS_ALWAYS_PAY, futex_wait, futex_wake, membarrier, owner, set_owner};
