//! The system calls that never wait, and what a file system is like.

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::os::fd::RawFd;

/// Of the last call that failed.
#[inline]
pub(super) fn errno() -> i32 {
    // SAFETY: always this thread's.
    unsafe { *libc::__errno_location() }
}

fn or_errno(result: isize) -> i32 {
    if result < 0 { -errno() } else { result as i32 }
}

/// `preadv2` with `RWF_NOWAIT`. `-EAGAIN`: it would wait.
///
/// # Safety
/// `to` is valid for writes of `len` bytes.
#[inline]
pub(super) unsafe fn read_now(fd: RawFd, to: *mut u8, len: usize, offset: u64) -> i32 {
    let part = libc::iovec { iov_base: to.cast(), iov_len: len };
    // SAFETY: one buffer, by the caller's promise. The offset -1 is the position of the file.
    or_errno(unsafe { libc::preadv2(fd, &raw const part, 1, offset as i64, libc::RWF_NOWAIT) })
}

/// `pwritev2` with `RWF_NOWAIT`. `-EAGAIN`: it would wait.
///
/// # Safety
/// `from` is valid for reads of `len` bytes.
#[inline]
pub(super) unsafe fn write_now(fd: RawFd, from: *const u8, len: usize, offset: u64) -> i32 {
    let part = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: len };
    // SAFETY: as above; the buffer is only read.
    or_errno(unsafe { libc::pwritev2(fd, &raw const part, 1, offset as i64, libc::RWF_NOWAIT) })
}

/// There is no `openat2`, or it does not know `RESOLVE_CACHED` (Linux 5.12).
static CANNOT_TELL: AtomicBool = AtomicBool::new(false);

/// Valgrind would say at length that it does not know `openat2`.
#[cfg(vthread_native)]
pub(crate) fn do_without_openat2() {
    CANNOT_TELL.store(true, Relaxed);
}

/// `openat2` with `RESOLVE_CACHED` and `resolve`. `-EAGAIN`: it would wait, or might.
#[inline]
pub(super) fn open_now(dir: RawFd, path: &CStr, flags: i32, mode: u32, resolve: u64) -> i32 {
    // The kernel refuses to say so for what is created or truncated.
    if flags & (libc::O_CREAT | libc::O_TRUNC) != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE {
        return -libc::EAGAIN;
    }
    if !CANNOT_TELL.load(Relaxed) {
        // SAFETY: a struct of integers.
        let mut how: libc::open_how = unsafe { core::mem::zeroed() };
        how.flags = u64::from(flags.cast_unsigned());
        how.resolve = libc::RESOLVE_CACHED | resolve;
        // SAFETY: the path ends with a NUL, and the struct has the size that is said.
        let result = or_errno(unsafe {
            libc::syscall(libc::SYS_openat2, dir, path.as_ptr(), &raw const how, size_of::<libc::open_how>())
        } as isize);
        match -result {
            libc::ENOSYS | libc::EINVAL | libc::EPERM => {}
            _ => return result,
        }
        // EINVAL may be the flags' fault, EPERM that of seccomp or of the file: the plain call will tell.
        if -result == libc::ENOSYS {
            CANNOT_TELL.store(true, Relaxed);
        }
    }
    if resolve != 0 {
        return -libc::EAGAIN;
    }
    // SAFETY: the path ends with a NUL.
    or_errno(unsafe { libc::openat(dir, path.as_ptr(), flags, mode) } as isize)
}

/// Are this file's bytes made or kept in memory, so that a plain read does not wait?
pub(super) fn is_in_memory(fd: RawFd) -> bool {
    const IN_MEMORY: [u32; 7] = [
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0x0000_9fa0, // proc
        0x6265_6572, // sysfs
        0x6367_7270, // cgroup2
        0x6462_6720, // debugfs
        0x7363_6673, // securityfs
    ];
    // SAFETY: fills a struct of integers.
    let magic = unsafe {
        let mut status: libc::statfs = core::mem::zeroed();
        if libc::fstatfs(fd, &raw mut status) != 0 {
            return false;
        }
        status.f_type as u32
    };
    IN_MEMORY.contains(&magic) && is_regular(fd)
}

/// Is this a regular file?
pub(super) fn is_regular(fd: RawFd) -> bool {
    // SAFETY: fills a struct of integers.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        libc::fstat(fd, &raw mut status) == 0 && status.st_mode & libc::S_IFMT == libc::S_IFREG
    }
}
