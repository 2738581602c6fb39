//! How a call is made: plainly, at once if it need not wait, or while its vthread is parked.

use super::{At, Request, calls, request::POSITION, would_wait};
#[cfg(vthread_native)]
use crate::carrier;
#[cfg(vthread_native)]
use crate::sched::task::checkpoint;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

#[cfg(not(vthread_native))]
fn checkpoint() {}

/// Bytes that are written at once where the file system cannot say whether that would wait.
const SMALL_WRITE: usize = 64 << 10;
/// The kernel moves no more in a call.
const MOST: usize = 0x7fff_f000;

#[inline]
fn on_a_vthread() -> bool {
    #[cfg(vthread_native)]
    return carrier::mounted().is_some();
    #[cfg(not(vthread_native))]
    return false;
}

#[inline]
fn check(result: i32) -> io::Result<u32> {
    u32::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))
}

/// Does it, and waits for it: the vthread parks, an ordinary thread blocks. Interrupted calls are made again.
///
/// # Safety
/// The request's buffers are valid, and nobody else uses them until this returns. Whoever gets a descriptor owns it before the
/// next checkpoint.
pub(crate) unsafe fn perform(request: &Request<'_>) -> io::Result<u32> {
    loop {
        #[cfg(feature = "inject-faults")]
        let (injected, request) = match super::inject::ask(request) {
            super::inject::Asked::Fail(errno) => (Some(-errno), *request),
            super::inject::Asked::Do(request) => (None, request),
        };
        #[cfg(feature = "inject-faults")]
        let request = &request;
        // SAFETY: the caller's promise.
        #[cfg(not(feature = "inject-faults"))]
        let result = unsafe { once(request) };
        // SAFETY: as above.
        #[cfg(feature = "inject-faults")]
        let result = injected.unwrap_or_else(|| unsafe { once(request) });
        if result != -libc::EINTR {
            return check(result);
        }
        checkpoint();
    }
}

/// # Safety
/// As [`perform`].
#[inline]
unsafe fn once(request: &Request<'_>) -> i32 {
    #[cfg(vthread_native)]
    if carrier::mounted().is_some() {
        checkpoint();
        // SAFETY: the caller's promise.
        return unsafe { super::reactor::wait_for(request) };
    }
    // SAFETY: the caller's promise.
    unsafe { request.call() }
}

/// May a call be tried without waiting, as far as tests are concerned?
#[cfg(feature = "inject-faults")]
use super::inject::try_first;

#[cfg(not(feature = "inject-faults"))]
#[inline(always)]
#[allow(clippy::unnecessary_wraps, reason = "tests make it fail")]
fn try_first(_: &Request<'_>) -> Result<bool, i32> {
    Ok(true)
}

fn read_request(fd: RawFd, buffer: &mut [u8], at: At) -> Request<'static> {
    let offset = match at {
        At::Position => POSITION,
        At::Offset(offset) => offset,
    };
    Request::Read { fd, to: buffer.as_mut_ptr(), len: buffer.len().min(MOST) as u32, offset }
}

#[inline]
pub(super) fn read_with(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At) -> io::Result<usize> {
    if on_a_vthread() {
        match try_read(fd, buffer, at) {
            Err(error) if would_wait(&error) => {}
            done => return done,
        }
    }
    read_waiting(fd, buffer, at)
}

/// Without trying first.
#[inline]
pub(super) fn read_waiting(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At) -> io::Result<usize> {
    let request = read_request(fd.as_raw_fd(), buffer, at);
    // SAFETY: the buffer is borrowed until this returns, and that is when the operation has completed.
    let read = unsafe { perform(&request) };
    checkpoint();
    Ok(read? as usize)
}

fn would_wait_error() -> io::Error {
    io::Error::from_raw_os_error(libc::EAGAIN)
}

/// What can be read without waiting.
#[inline]
pub(super) fn try_read(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    let request = read_request(fd, buffer, at);
    match try_first(&request) {
        Ok(true) => {}
        Ok(false) => return Err(would_wait_error()),
        Err(errno) => return Err(io::Error::from_raw_os_error(errno)),
    }
    let Request::Read { to, len, offset, .. } = request else { return Ok(0) };
    loop {
        // SAFETY: the buffer is borrowed, and the call returns when it is done.
        match unsafe { calls::read_now(fd, to, len as usize, offset) } {
            result if result == -libc::EINTR => {}
            // The file system cannot say whether a read would wait.
            result if result == -libc::EOPNOTSUPP || result == -libc::ENOSYS => {
                if !calls::is_in_memory(fd) {
                    return Err(would_wait_error());
                }
                // SAFETY: as above.
                let result = unsafe { request.call() };
                if result != -libc::EINTR {
                    return check(result).map(|n| n as usize);
                }
            }
            result => return check(result).map(|n| n as usize),
        }
    }
}

/// Reads at the position of the file. Blocks the carrier if it has to wait.
#[inline]
pub(super) fn read_here(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let request = read_request(fd.as_raw_fd(), buffer, At::Position);
    loop {
        #[cfg(feature = "inject-faults")]
        match super::inject::ask(&request) {
            super::inject::Asked::Fail(libc::EINTR) => {}
            super::inject::Asked::Fail(errno) => return check(-errno).map(|n| n as usize),
            super::inject::Asked::Do(asked) => {
                // SAFETY: the buffer is borrowed, no more of it is asked for, and the call returns when it is done.
                return check(unsafe { asked.call() }).map(|n| n as usize);
            }
        }
        #[cfg(not(feature = "inject-faults"))]
        // SAFETY: the buffer is borrowed, and the call returns when it is done.
        match unsafe { request.call() } {
            result if result == -libc::EINTR => {}
            result => return check(result).map(|n| n as usize),
        }
    }
}

pub(super) fn write_with(fd: BorrowedFd<'_>, bytes: &[u8], at: At) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    let offset = match at {
        At::Position => POSITION,
        At::Offset(offset) => offset,
    };
    let request = Request::Write { fd, from: bytes.as_ptr(), len: bytes.len().min(MOST) as u32, offset };
    if on_a_vthread() && try_first(&request).is_ok_and(|now| now) {
        // SAFETY: the buffer is borrowed, and the call returns when it is done.
        match unsafe { calls::write_now(fd, bytes.as_ptr(), bytes.len().min(MOST), offset) } {
            result if result == -libc::EAGAIN || result == -libc::EINTR => {}
            result if result == -libc::EOPNOTSUPP || result == -libc::ENOSYS => {
                if bytes.len() <= SMALL_WRITE && calls::is_regular(fd) {
                    // SAFETY: as above.
                    return check(unsafe { request.call() }).map(|n| n as usize);
                }
            }
            result => return check(result).map(|n| n as usize),
        }
    }
    // SAFETY: the buffer is borrowed until this returns, and that is when the operation has completed.
    let written = unsafe { perform(&request) };
    checkpoint();
    Ok(written? as usize)
}

/// What an open has given.
///
/// # Safety
/// Nobody else owns it.
#[inline]
unsafe fn owned(result: i32) -> io::Result<OwnedFd> {
    // SAFETY: an open descriptor, if it is no error, by the caller's promise nobody's.
    check(result).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// What can be opened without waiting.
#[inline]
pub(super) fn try_open(dir: RawFd, path: &CStr, flags: i32, mode: u32, resolve: u64) -> io::Result<OwnedFd> {
    let flags = flags | libc::O_CLOEXEC;
    match try_first(&Request::Open { dir, path, flags, mode }) {
        Ok(true) => {}
        Ok(false) => return Err(would_wait_error()),
        Err(errno) => return Err(io::Error::from_raw_os_error(errno)),
    }
    loop {
        match calls::open_now(dir, path, flags, mode, resolve) {
            result if result == -libc::EINTR => {}
            // SAFETY: the kernel has just given it to us.
            result => return unsafe { owned(result) },
        }
    }
}

/// Opens it. Blocks the carrier if it has to wait.
#[inline]
pub(super) fn open_here(dir: RawFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    let flags = flags | libc::O_CLOEXEC;
    loop {
        #[cfg(feature = "inject-faults")]
        match super::inject::ask(&Request::Open { dir, path, flags, mode }) {
            super::inject::Asked::Fail(libc::EINTR) => continue,
            super::inject::Asked::Fail(errno) => return Err(io::Error::from_raw_os_error(errno)),
            super::inject::Asked::Do(_) => {}
        }
        match calls::open(dir, path, flags, mode) {
            result if result == -libc::EINTR => {}
            // SAFETY: the kernel has just given it to us.
            result => return unsafe { owned(result) },
        }
    }
}

/// Opens it.
#[inline]
pub(crate) fn open(dir: RawFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    open_and_tell(dir, path, flags, mode).map(|(fd, _)| fd)
}

/// Opens it, and tells whether a vthread had to wait for that.
#[inline]
pub(crate) fn open_and_tell(dir: RawFd, path: &CStr, flags: i32, mode: u32) -> io::Result<(OwnedFd, bool)> {
    let flags = flags | libc::O_CLOEXEC;
    let tried = on_a_vthread();
    if tried {
        match try_open(dir, path, flags, mode, 0) {
            Err(error) if would_wait(&error) => {}
            done => return done.map(|fd| (fd, false)),
        }
    }
    // SAFETY: no buffer but the path, which is borrowed; the descriptor is owned at once.
    let opened = unsafe {
        perform(&Request::Open { dir, path, flags, mode }).map(|fd| OwnedFd::from_raw_fd(fd as RawFd))
    };
    checkpoint();
    opened.map(|fd| (fd, tried))
}

/// Calls `f`, on another thread if this is a vthread: what has no request may block.
#[cfg(vthread_native)]
pub(crate) use crate::blocking::{blocking, try_blocking};
#[cfg(not(vthread_native))]
pub(crate) fn blocking<R>(f: impl FnOnce() -> R) -> R {
    f()
}
#[cfg(not(vthread_native))]
#[allow(clippy::unnecessary_wraps, reason = "on carriers there may be no thread for it")]
pub(crate) fn try_blocking<R>(f: impl FnOnce() -> R) -> io::Result<R> {
    Ok(f())
}
