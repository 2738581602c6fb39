//! Reading and writing descriptors, from virtual threads and from ordinary ones alike.
//!
//! On a virtual thread a call is tried first in a way that cannot wait (`preadv2` with `RWF_NOWAIT`, `openat2` with
//! `RESOLVE_CACHED`): what is in the page cache costs one system call and nothing else. What would wait goes to the carrier's
//! `io_uring`, and the vthread parks; so many operations are under way at a time, and the carrier runs others meanwhile. Where
//! `io_uring` is not to be had (old kernels, seccomp) or not wanted (the environment variable `VTHREAD_IO=pool`), a small
//! pool of threads makes the calls, and one more waits for pipes, sockets and terminals to be ready. On an ordinary thread all of this is the plain system call.
//!
//! # Who owns the buffers
//!
//! The kernel writes into the caller's buffer, so a call returns only when its own operation has completed. A cancellation
//! of the vthread asks the kernel to cancel the operation, and goes on waiting until it has; an unpark ends no such wait.
//! A regular file's read that has begun cannot be cancelled: it is waited for. What has been done all the same, bytes that were read or written, a file that was
//! opened, is told as ever, and the next call that has to wait panics with [`Cancelled`](crate::Cancelled).
//!
//! # Descriptors that do not block
//!
//! What is marked `O_NONBLOCK` and is no file (a pipe, a socket, a terminal) gives [`WouldBlock`](ErrorKind::WouldBlock) where a read or write would wait, on a vthread as everywhere
//! else. Who wants to wait for it takes the mark off (`set_nonblocking(false)`), or calls [`try_read`] and [`read_after_try`], which waits all the same. What `std` opens and
//! accepts does not have that mark; what comes from `tokio` has. The timeouts of a socket (`set_read_timeout`) are not heeded on a vthread.
//!
//! # The position of a file
//!
//! As everywhere on Linux, of several who read or write at the position of one regular file that is open each gets bytes of its own. A ring does not see to that: it
//! only brings what is to be read there into memory, and a system call reads it; writes that would wait, and reads of file systems that do not know
//! `RWF_NOWAIT`, are made by threads of the pool. Reads and writes at offsets need none of this.
//!
//! # What may still block the carrier
//!
//! Plain reads and opens of a [`Habit`]. Listing directories, for which the kernel has no other call: one that had to be waited for when it was opened
//! is listed on a thread of [`blocking`](crate::blocking), any other at once. Writes of up to 64 KiB to regular files on file systems that
//! do not know `RWF_NOWAIT` for them (ext4): they end in the page cache. A read, write or seek at the position of a file at which another thread reads or
//! writes just now. And, where no thread is to be had, what needs one.
//!
//! Opens do not: what is no regular file or directory (a FIFO, whose other end must be opened too; a terminal; a disk), or somebody has a lease of, is opened by a
//! thread of [`blocking`](crate::blocking), of which there are 512, and no cancellation ends that. A FIFO whose name is not in memory, opened with
//! flags that would make a file if there were none, is opened by the ring or the pool, which open few at a time. A hot open of a regular file takes five system calls for
//! all this, with `O_NONBLOCK` in its flags one.

mod calls;
mod habit;
#[cfg(feature = "inject-faults")]
pub mod inject;
mod opening;
mod perform;
mod request;

#[cfg(vthread_native)]
mod poll;
#[cfg(vthread_native)]
mod reactor;
#[cfg(vthread_native)]
mod ring;

#[cfg(vthread_native)]
pub(crate) use calls::do_without_openat2;
pub use habit::Habit;
pub(crate) use opening::{open, open_and_tell};
pub(crate) use perform::{elsewhere, perform, try_blocking};
#[cfg(vthread_native)]
pub(crate) use reactor::{cancel, describe, end, is_busy, numbers, sleep, turn};
pub(crate) use request::Request;

use perform::{read_waiting, read_with, write_with};
use std::ffi::CStr;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

/// Where a read or write begins: at the position of the file, which moves on, or at an offset of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Position,
    Offset(u64),
}

/// Reads from where the file stands, as `read(2)`. Interrupted calls are made again.
///
/// ```
/// use std::io::{Seek, Write};
/// let mut file = tempfile();
/// # fn tempfile() -> std::fs::File {
/// #     let path = std::env::temp_dir().join(format!("vthread-io-{}", std::process::id()));
/// #     let all = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
/// #     std::fs::remove_file(&path).unwrap();
/// #     all
/// # }
/// file.write_all(b"grue").unwrap();
/// file.rewind().unwrap();
/// let mut buffer = [0; 8];
/// let read = vthread::run(|| vthread::io::read(&file, &mut buffer));
/// assert_eq!(read.unwrap(), 4);
/// ```
///
/// # Errors
/// As `read(2)`.
///
/// # Panics
/// With [`Cancelled`](crate::Cancelled), if the vthread was and this has to wait.
#[inline]
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    read_with(fd.as_fd(), buffer, At::Position)
}

/// [`read`] of a file that nobody else reads or writes at its position meanwhile: what has to be waited for is not read twice.
///
/// # Errors
/// As [`read`].
///
/// # Panics
/// As [`read`].
#[inline]
pub fn read_alone(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    perform::read_alone(fd.as_fd(), buffer)
}

/// Reads from `offset`, as `pread(2)`.
///
/// # Errors
/// As `pread(2)`.
///
/// # Panics
/// As [`read`].
#[inline]
pub fn read_at(fd: impl AsFd, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    read_with(fd.as_fd(), buffer, At::Offset(offset))
}

/// [`read`] of what needs no waiting. Never parks. On an ordinary thread, too.
///
/// # Errors
/// [`ErrorKind::WouldBlock`] when the bytes are not in memory; else as [`read`].
#[inline]
pub fn try_read(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    perform::try_read(fd.as_fd(), buffer, At::Position)
}

/// [`read`] of what [`try_read`] has just found not to be in memory: waits for it without another try, on a vthread also where `O_NONBLOCK` is set. For those who alone
/// use the file's position.
///
/// # Errors
/// As [`read`].
///
/// # Panics
/// As [`read`].
#[inline]
pub fn read_after_try(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    read_waiting(fd.as_fd(), buffer, At::Position)
}

/// Opens what can be opened without waiting: names that the kernel has in memory, and no FIFO, terminal, disk or leased file, unless `flags` have `O_NONBLOCK`.
/// Never parks. `flags` and `mode` as for `openat(2)`. On kernels that cannot tell, a disk is waited for.
///
/// # Errors
/// [`ErrorKind::WouldBlock`] when it would have to wait; else as `openat(2)`.
#[inline]
pub fn try_open_at(dir: impl AsFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    opening::try_open(dir.as_fd().as_raw_fd(), path, flags, mode, 0)
}

/// [`try_open_at`] by a path that leads to no other mount: what is opened is on the same file system as `dir`.
///
/// # Errors
/// [`ErrorKind::CrossesDevices`] when the path leads to another mount, or the kernel cannot tell where it leads; else as `try_open_at`.
#[inline]
pub fn try_open_in_mount(dir: impl AsFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    opening::try_open(dir.as_fd().as_raw_fd(), path, flags, mode, libc::RESOLVE_NO_XDEV)
}

/// Opens `path` relative to `dir`. `flags` and `mode` as for `openat(2)`; `O_CLOEXEC` is added.
///
/// # Errors
/// As `openat(2)`.
///
/// # Panics
/// As [`read`].
#[inline]
pub fn open_at(dir: impl AsFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    open(dir.as_fd().as_raw_fd(), path, flags, mode)
}

/// [`open_at`] by a path that leads to no other mount: what is opened is on the same file system as `dir`.
///
/// # Errors
/// [`ErrorKind::CrossesDevices`] when the path leads to another mount, or the kernel cannot tell where it leads, before Linux 5.6 or because
/// it refuses these flags for the file; else as `openat(2)`.
///
/// # Panics
/// As [`read`].
#[inline]
pub fn open_in_mount(dir: impl AsFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    opening::open_in_mount(dir.as_fd().as_raw_fd(), path, flags, mode)
}

/// Writes at the position of the file, as `write(2)`.
///
/// # Errors
/// As `write(2)`.
///
/// # Panics
/// As [`read`].
#[inline]
pub fn write(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    write_with(fd.as_fd(), bytes, At::Position)
}

/// Writes at `offset`, as `pwrite(2)`.
///
/// # Errors
/// As `pwrite(2)`.
///
/// # Panics
/// As [`read`].
#[inline]
pub fn write_at(fd: impl AsFd, bytes: &[u8], offset: u64) -> io::Result<usize> {
    write_with(fd.as_fd(), bytes, At::Offset(offset))
}

/// Closes a descriptor, as `close(2)`. To drop it closes it as well, but tells nobody of errors (of a network's file system, say), and takes
/// longer on a vthread: std calls libc for it.
///
/// ```
/// let file = std::fs::File::open("/dev/null").unwrap();
/// vthread::io::close(file).unwrap();
/// ```
///
/// # Errors
/// As `close(2)`. The descriptor is closed all the same.
#[inline]
pub fn close(fd: impl Into<OwnedFd>) -> io::Result<()> {
    // SAFETY: it was owned, and nobody owns it any more.
    match unsafe { calls::close(fd.into().into_raw_fd()) } {
        // It is closed all the same, and to say that it was interrupted would have somebody try again.
        0 | INTERRUPTED => Ok(()),
        result => Err(io::Error::from_raw_os_error(-result)),
    }
}

const INTERRUPTED: i32 = -libc::EINTR;

/// Would this have waited?
#[inline]
pub(crate) fn would_wait(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}
