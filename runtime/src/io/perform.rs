//! How a call is made: plainly, at once if it need not wait, or while its vthread is parked.

use super::{At, Request, calls, calls::How, request::POSITION, would_wait};
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

/// Does it, and waits for it: the vthread parks, an ordinary thread blocks. Interrupted calls are made again.
///
/// # Safety
/// The request's buffers are valid, and nobody else uses them until this returns. Whoever gets a descriptor owns it before the
/// next checkpoint.
pub(crate) unsafe fn perform(request: &Request<'_>) -> io::Result<u32> {
    // SAFETY: the caller's promise.
    unsafe { perform_waiting(request, For::Anything) }
}

/// # Safety
/// As [`perform`].
unsafe fn perform_waiting(request: &Request<'_>, what: For) -> io::Result<u32> {
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
        if result != -libc::EINTR {
            return check(result);
        }
        checkpoint();
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
use super::inject::try_first;

#[cfg(not(feature = "inject-faults"))]
#[inline(always)]
#[allow(clippy::unnecessary_wraps, reason = "tests make it fail")]
fn try_first(_: &Request<'_>) -> Result<bool, i32> {
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
    if on_a_vthread()
        && let Tried::Done(read) = tried_read(fd, buffer, At::Position)
    {
        return read;
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
    let read = unsafe { perform_waiting(&request, what) };
    checkpoint();
    Ok(read? as usize)
}

/// What is not in memory, at the position of a file. A system call locks the position, so that of two who read there at a time each gets bytes of
/// its own; a ring does not. So the ring only brings them into memory, and a call that need not wait any more reads them.
#[cold]
fn read_at_position(fd: BorrowedFd<'_>, buffer: &mut [u8], can_tell: bool) -> io::Result<usize> {
    /// What was brought into memory can be gone before it is read.
    const TRIES: u32 = 2;
    if !calls::has_position(fd.as_raw_fd()) {
        return read_waiting(fd, buffer, At::Position);
    }
    if can_tell && calls::is_cached(fd.as_raw_fd()) {
        for _ in 0..TRIES {
            let Some(position) = calls::position(fd.as_raw_fd()) else { break };
            read_waiting(fd, buffer, At::Offset(position))?;
            if let Tried::Done(read) = tried_read(fd, buffer, At::Position) {
                return read;
            }
        }
    }
    read_waiting_for(fd, buffer, At::Position, For::Position)
}

fn would_wait_error() -> io::Error {
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
    let moves = at == At::Position && on_a_vthread() && calls::has_position(fd);
    let what = if moves { For::Position } else { For::Anything };
    // SAFETY: the buffer is borrowed until this returns, and that is when the operation has completed.
    let written = unsafe { perform_waiting(&request, what) };
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

/// Why something was not opened that must not wait.
enum NotOpened {
    Failed(io::Error),
    /// What it is, or its names, are not in memory.
    Cold,
    /// It would wait for others.
    Others,
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> Self {
        if would_wait(&error) { Self::Cold } else { Self::Failed(error) }
    }
}

/// What can be opened without waiting.
#[inline]
pub(super) fn try_open(dir: RawFd, path: &CStr, flags: i32, mode: u32, resolve: u64) -> io::Result<OwnedFd> {
    tried_open(dir, path, flags, mode, resolve).map_err(|error| match error {
        NotOpened::Failed(error) => error,
        NotOpened::Cold | NotOpened::Others => would_wait_error(),
    })
}

#[inline]
fn tried_open(dir: RawFd, path: &CStr, flags: i32, mode: u32, resolve: u64) -> Result<OwnedFd, NotOpened> {
    let flags = flags | libc::O_CLOEXEC;
    match try_first(&Request::Open { dir, path, flags, mode }) {
        Ok(true) => {}
        Ok(false) => return Err(NotOpened::Cold),
        Err(errno) => return Err(io::Error::from_raw_os_error(errno).into()),
    }
    if may_wait_for_others(flags) {
        return open_unless_it_waits(dir, path, flags, mode, resolve);
    }
    Ok(open_now(dir, path, flags, mode, resolve)?)
}

/// May an open with these flags wait for more than a disk?
#[inline]
fn may_wait_for_others(flags: i32) -> bool {
    flags & (libc::O_NONBLOCK | libc::O_PATH | libc::O_DIRECTORY) == 0
}

/// To open a FIFO waits for who opens its other end, a terminal for its line, and a file that somebody has a lease of for that one. So it is looked
/// first what it is, which has no effect on any of them.
fn open_unless_it_waits(
    dir: RawFd,
    path: &CStr,
    flags: i32,
    mode: u32,
    resolve: u64,
) -> Result<OwnedFd, NotOpened> {
    let makes = calls::makes(flags);
    if flags & libc::O_EXCL != 0 && makes {
        return Err(NotOpened::Cold);
    }
    let found = match open_now(dir, path, look(flags), 0, resolve) {
        Ok(found) => found,
        Err(error) if makes && error.kind() == io::ErrorKind::NotFound => return Err(NotOpened::Cold),
        Err(error) => return Err(error.into()),
    };
    let kind = calls::kind(found.as_raw_fd());
    drop(found);
    match kind {
        libc::S_IFIFO | libc::S_IFCHR | libc::S_IFBLK => Err(NotOpened::Others),
        // The kernel does not say whether it would wait.
        _ if makes => Err(NotOpened::Cold),
        libc::S_IFREG => {
            let opened = match open_now(dir, path, flags | libc::O_NONBLOCK, mode, resolve) {
                // It was in memory just now.
                Err(error) if would_wait(&error) => return Err(NotOpened::Others),
                opened => opened?,
            };
            calls::set_status(opened.as_raw_fd(), flags);
            Ok(opened)
        }
        _ => Ok(open_now(dir, path, flags, mode, resolve)?),
    }
}

/// The flags to look what an open with these would open.
fn look(flags: i32) -> i32 {
    libc::O_PATH | libc::O_CLOEXEC | flags & libc::O_NOFOLLOW
}

#[inline]
fn open_now(dir: RawFd, path: &CStr, flags: i32, mode: u32, resolve: u64) -> io::Result<OwnedFd> {
    loop {
        match calls::open_now(dir, path, flags, mode, resolve) {
            result if result == -libc::EINTR => {}
            // SAFETY: the kernel has just given it to us.
            result => return unsafe { owned(result) },
        }
    }
}

/// Opens it, as `call` does. Blocks the carrier if it has to wait.
#[inline]
pub(super) fn open_here(
    dir: RawFd,
    path: &CStr,
    flags: i32,
    mode: u32,
    call: impl Fn(RawFd, &CStr, i32, u32) -> i32,
) -> io::Result<OwnedFd> {
    let flags = flags | libc::O_CLOEXEC;
    loop {
        #[cfg(feature = "inject-faults")]
        match super::inject::ask(&Request::Open { dir, path, flags, mode }) {
            super::inject::Asked::Fail(libc::EINTR) => continue,
            super::inject::Asked::Fail(errno) => return Err(io::Error::from_raw_os_error(errno)),
            super::inject::Asked::Do(_) => {}
        }
        match call(dir, path, flags, mode) {
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

/// Opens it if the path leads to no other mount: `EXDEV`, also if nobody can tell.
#[inline]
pub(super) fn open_in_mount(dir: RawFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    let flags = flags | libc::O_CLOEXEC;
    let mut what = For::Anything;
    if on_a_vthread() {
        match tried_open(dir, path, flags, mode, libc::RESOLVE_NO_XDEV) {
            Ok(opened) => return Ok(opened),
            Err(NotOpened::Failed(error)) => return Err(error),
            Err(NotOpened::Cold) => {}
            Err(NotOpened::Others) => what = For::Others,
        }
    }
    let Some(how) = How::in_mount(flags, mode) else {
        return Err(io::Error::from_raw_os_error(libc::EXDEV));
    };
    // SAFETY: no buffers but the path and `how`, which are borrowed until this returns; the descriptor is owned at once.
    let opened = unsafe {
        perform_waiting(&Request::OpenAs { dir, path, how: &how }, what)
            .map(|fd| OwnedFd::from_raw_fd(fd as RawFd))
    };
    checkpoint();
    opened.map_err(|error| {
        let result = calls::or_cannot_tell(-error.raw_os_error().unwrap_or(libc::EIO));
        io::Error::from_raw_os_error(-result)
    })
}

/// Opens it, and tells whether a vthread had to wait for that.
#[inline]
pub(crate) fn open_and_tell(dir: RawFd, path: &CStr, flags: i32, mode: u32) -> io::Result<(OwnedFd, bool)> {
    let flags = flags | libc::O_CLOEXEC;
    if !on_a_vthread() {
        return open_waiting(dir, path, flags, mode, For::Anything).map(|fd| (fd, false));
    }
    match tried_open(dir, path, flags, mode, 0) {
        Ok(fd) => Ok((fd, false)),
        Err(why) => open_after_try(dir, path, flags, mode, why).map(|fd| (fd, true)),
    }
}

#[cold]
fn open_after_try(dir: RawFd, path: &CStr, flags: i32, mode: u32, why: NotOpened) -> io::Result<OwnedFd> {
    let why = match why {
        // It may be one that waits for others. Where it is kept has to be read, one way or the other.
        NotOpened::Cold if may_wait_for_others(flags) && !calls::makes(flags) => {
            drop(open_waiting(dir, path, look(flags), 0, For::Anything)?);
            match tried_open(dir, path, flags, mode, 0) {
                Ok(fd) => return Ok(fd),
                Err(why) => why,
            }
        }
        why => why,
    };
    match why {
        NotOpened::Failed(error) => Err(error),
        NotOpened::Cold => open_waiting(dir, path, flags, mode, For::Anything),
        NotOpened::Others => open_waiting(dir, path, flags, mode, For::Others),
    }
}

fn open_waiting(dir: RawFd, path: &CStr, flags: i32, mode: u32, what: For) -> io::Result<OwnedFd> {
    let request = Request::Open { dir, path, flags, mode };
    // SAFETY: no buffer but the path, which is borrowed; the descriptor is owned at once.
    let opened = unsafe { perform_waiting(&request, what).map(|fd| OwnedFd::from_raw_fd(fd as RawFd)) };
    checkpoint();
    opened
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
