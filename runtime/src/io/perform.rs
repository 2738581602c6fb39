//! How a call is made: plainly, at once if it need not wait, or while its vthread is parked.

use super::calls;
use super::{At, Request, request::POSITION};
#[cfg(vthread_native)]
use crate::carrier;
#[cfg(vthread_native)]
use crate::sched::task::checkpoint;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

#[cfg(not(vthread_native))]
fn checkpoint() {}

/// Bytes that are written at once where the file system cannot say whether that would wait.
const SMALL_WRITE: usize = 64 << 10;
/// The kernel moves no more in a call.
const MOST: usize = 0x7fff_f000;

#[inline]
pub(super) fn on_a_vthread() -> bool {
    #[cfg(vthread_native)]
    return carrier::mounted().is_some();
    #[cfg(not(vthread_native))]
    return false;
}

#[inline]
pub(super) fn check(result: i32) -> io::Result<u32> {
    u32::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))
}

/// What a vthread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// A disk, or the other end of what is open: the ring does it, if there is one.
    Anything,
    /// A disk, and the file's position moves: a thread does it, since a ring does not lock that.
    Position,
    /// Others, for as long as they like: a thread does it that is not one of those few for disks, of which a ring has some, too.
    Others,
}

/// Does it, and waits for it: the vthread parks, an ordinary thread blocks. Interrupted calls are made again. What has been done is told, also to who was
/// cancelled meanwhile: bytes that were read are nowhere else. The next call that has to wait raises.
///
/// # Safety
/// The request's buffers are valid, and nobody else uses them until this returns or unwinds.
pub(crate) unsafe fn perform(request: &Request<'_>) -> io::Result<u32> {
    // SAFETY: the caller's promise.
    unsafe { perform_waiting(request, For::Anything) }
}

/// # Safety
/// As [`perform`].
pub(super) unsafe fn perform_waiting(request: &Request<'_>, what: For) -> io::Result<u32> {
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
        let result = unsafe { once(request, what) };
        // SAFETY: as above.
        #[cfg(feature = "inject-faults")]
        let result = injected.unwrap_or_else(|| unsafe { once(request, what) });
        if result >= 0 {
            return check(result);
        }
        // It may have failed because the vthread was cancelled.
        checkpoint();
        if result != -libc::EINTR {
            return check(result);
        }
    }
}

/// # Safety
/// As [`perform`].
#[inline]
unsafe fn once(request: &Request<'_>, what: For) -> i32 {
    #[cfg(vthread_native)]
    if carrier::mounted().is_some() {
        checkpoint();
        // SAFETY: the caller's promise.
        return unsafe { super::reactor::wait_for(request, what) };
    }
    let _ = what;
    // SAFETY: the caller's promise.
    unsafe { request.call() }
}

/// May a call be tried without waiting, as far as tests are concerned?
#[cfg(feature = "inject-faults")]
pub(super) use super::inject::try_first;

#[cfg(not(feature = "inject-faults"))]
#[inline(always)]
#[allow(clippy::unnecessary_wraps, reason = "tests make it fail")]
pub(super) fn try_first(_: &Request<'_>) -> Result<bool, i32> {
    Ok(true)
}

/// As the kernel has it, which takes no offset that a file cannot have.
#[inline]
fn offset(at: At) -> io::Result<u64> {
    match at {
        At::Position => Ok(POSITION),
        At::Offset(offset) if i64::try_from(offset).is_ok() => Ok(offset),
        At::Offset(_) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
    }
}

#[inline]
fn read_request(fd: RawFd, buffer: &mut [u8], at: At) -> io::Result<Request<'static>> {
    let offset = offset(at)?;
    Ok(Request::Read { fd, to: buffer.as_mut_ptr(), len: buffer.len().min(MOST) as u32, offset })
}

#[inline]
pub(super) fn read_with(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At) -> io::Result<usize> {
    if on_a_vthread() {
        match tried_read(fd, buffer, at) {
            Tried::Done(read) => return read,
            Tried::WouldWait if at == At::Position => return read_at_position(fd, buffer, true),
            Tried::CannotTell if at == At::Position => return read_at_position(fd, buffer, false),
            Tried::WouldWait | Tried::CannotTell => {}
        }
    }
    read_waiting(fd, buffer, at)
}

/// At the position of a file that nobody else reads or writes there meanwhile.
#[inline]
pub(super) fn read_alone(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    if on_a_vthread() {
        if let Tried::Done(read) = tried_read(fd, buffer, At::Position) {
            return read;
        }
        if calls::never_waits(fd.as_raw_fd()) {
            return read_here(fd, buffer);
        }
    }
    read_waiting(fd, buffer, At::Position)
}

/// Without trying first. At the position of the file: of one that nobody else reads or writes there meanwhile.
#[inline]
pub(super) fn read_waiting(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At) -> io::Result<usize> {
    read_waiting_for(fd, buffer, at, For::Anything)
}

fn read_waiting_for(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At, what: For) -> io::Result<usize> {
    let request = read_request(fd.as_raw_fd(), buffer, at)?;
    // SAFETY: the buffer is borrowed until this returns, and that is when the operation has completed.
    unsafe { perform_waiting(&request, what) }.map(|n| n as usize)
}

/// What is not in memory, at the position of a file. A system call locks the position, so that of two who read there at a time each gets bytes of
/// its own; a ring does not. So the ring only brings them into memory, and a call that need not wait any more reads them.
#[cold]
fn read_at_position(fd: BorrowedFd<'_>, buffer: &mut [u8], can_tell: bool) -> io::Result<usize> {
    /// What was brought into memory can be gone before it is read.
    const TRIES: u32 = 2;
    /// The less there is of it, the less likely.
    const AHEAD: usize = 1 << 20;
    if !calls::has_position(fd.as_raw_fd()) {
        if calls::never_waits(fd.as_raw_fd()) {
            return read_here(fd, buffer);
        }
        return read_waiting(fd, buffer, At::Position);
    }
    if can_tell && calls::is_cached(fd.as_raw_fd()) {
        for _ in 0..TRIES {
            let Some(position) = calls::position(fd.as_raw_fd()) else { break };
            let most = buffer.len().min(AHEAD);
            let part = &mut buffer[..most];
            read_waiting(fd, part, At::Offset(position))?;
            if let Tried::Done(read) = tried_read(fd, part, At::Position) {
                return read;
            }
        }
    }
    read_waiting_for(fd, buffer, At::Position, For::Position)
}

pub(super) fn would_wait_error() -> io::Error {
    io::Error::from_raw_os_error(libc::EAGAIN)
}

/// What has become of a read that must not wait.
enum Tried {
    Done(io::Result<usize>),
    WouldWait,
    /// The file system does not say whether it would.
    CannotTell,
}

/// What can be read without waiting.
#[inline]
pub(super) fn try_read(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At) -> io::Result<usize> {
    match tried_read(fd, buffer, at) {
        Tried::Done(read) => read,
        Tried::WouldWait | Tried::CannotTell => Err(would_wait_error()),
    }
}

#[inline]
fn tried_read(fd: BorrowedFd<'_>, buffer: &mut [u8], at: At) -> Tried {
    let done = |result| Tried::Done(check(result).map(|n| n as usize));
    let fd = fd.as_raw_fd();
    let request = match read_request(fd, buffer, at) {
        Ok(request) => request,
        Err(error) => return Tried::Done(Err(error)),
    };
    match try_first(&request) {
        Ok(true) => {}
        Ok(false) | Err(libc::EAGAIN) => return Tried::WouldWait,
        Err(errno) => return done(-errno),
    }
    let Request::Read { to, len, offset, .. } = request else { return done(0) };
    loop {
        // SAFETY: the buffer is borrowed, and the call returns when it is done.
        match unsafe { calls::read_now(fd, to, len as usize, offset) } {
            result if result == -libc::EINTR => {}
            result if result == -libc::EAGAIN => return Tried::WouldWait,
            result if result == -libc::EOPNOTSUPP || result == -libc::ENOSYS => {
                if !calls::is_in_memory(fd) {
                    return Tried::CannotTell;
                }
                // SAFETY: as above.
                let result = unsafe { request.call() };
                if result != -libc::EINTR {
                    return done(result);
                }
            }
            result => return done(result),
        }
    }
}

/// Reads at the position of the file. Blocks the carrier if it has to wait.
#[inline]
pub(super) fn read_here(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let request = read_request(fd.as_raw_fd(), buffer, At::Position)?;
    // SAFETY: the buffer is borrowed until this returns.
    unsafe { do_here(&request) }
}

/// Does it here and now, and again if it was interrupted.
///
/// # Safety
/// The request's buffers are valid until this returns.
#[inline]
unsafe fn do_here(request: &Request<'_>) -> io::Result<usize> {
    loop {
        #[cfg(feature = "inject-faults")]
        match super::inject::ask(request) {
            super::inject::Asked::Fail(libc::EINTR) => {}
            super::inject::Asked::Fail(errno) => return check(-errno).map(|n| n as usize),
            super::inject::Asked::Do(asked) => {
                // SAFETY: no more of a buffer is asked for, and the call returns when it is done.
                return check(unsafe { asked.call() }).map(|n| n as usize);
            }
        }
        #[cfg(not(feature = "inject-faults"))]
        // SAFETY: the caller's promise; the call returns when it is done.
        match unsafe { request.call() } {
            result if result == -libc::EINTR => {}
            result => return check(result).map(|n| n as usize),
        }
    }
}

pub(super) fn write_with(fd: BorrowedFd<'_>, bytes: &[u8], at: At) -> io::Result<usize> {
    let (fd, offset) = (fd.as_raw_fd(), offset(at)?);
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
    let mut what = For::Anything;
    if at == At::Position && on_a_vthread() {
        if calls::has_position(fd) {
            what = For::Position;
        } else if calls::never_waits(fd) {
            // SAFETY: the buffer is borrowed until this returns.
            return unsafe { do_here(&request) };
        }
    }
    // SAFETY: the buffer is borrowed until this returns, and that is when the operation has completed.
    unsafe { perform_waiting(&request, what) }.map(|n| n as usize)
}

/// Calls `f`, on another thread if this is a vthread: what has no request may block. Without a thread for it, the carrier waits.
pub(crate) fn elsewhere<R: Send>(f: impl Fn() -> R + Send + Sync) -> R {
    try_blocking(&f).unwrap_or_else(|_| f())
}

#[cfg(vthread_native)]
pub(crate) use crate::blocking::try_blocking;
#[cfg(not(vthread_native))]
#[allow(clippy::unnecessary_wraps, reason = "on carriers there may be no thread for it")]
pub(crate) fn try_blocking<R>(f: impl FnOnce() -> R) -> io::Result<R> {
    Ok(f())
}
