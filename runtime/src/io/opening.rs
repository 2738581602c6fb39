//! How something is opened: at once if that need not wait, or while its vthread is parked.

use super::calls::{self, How, Openness};
use super::perform::{For, check, on_a_vthread, perform_waiting, try_first, would_wait_error};
use super::{Request, would_wait};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

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
    // The kernel does not say whether what it may have to make would wait.
    let makes = calls::makes(flags);
    if flags & libc::O_EXCL != 0 && makes {
        return Err(NotOpened::Cold);
    }
    let found = match open_now(dir, path, look(flags), 0, resolve) {
        Ok(found) => found,
        Err(_) if makes => return Err(NotOpened::Cold),
        Err(error) => return Err(error.into()),
    };
    let openness = calls::openness(found.as_raw_fd());
    drop(found);
    match openness {
        Openness::Others => Err(NotOpened::Others),
        _ if makes => Err(NotOpened::Cold),
        Openness::Nothing => Ok(open_now(dir, path, flags, mode, resolve)?),
        Openness::Holder => match open_regular(dir, path, flags, mode, resolve) {
            // It was in memory just now.
            Err(error) if would_wait(&error) => Err(NotOpened::Others),
            opened => Ok(opened?),
        },
    }
}

/// A regular file, if it need not be waited for, nor who has a lease of it.
fn open_regular(dir: RawFd, path: &CStr, flags: i32, mode: u32, resolve: u64) -> io::Result<OwnedFd> {
    let opened = open_now(dir, path, flags | libc::O_NONBLOCK, mode, resolve)?;
    calls::set_status(opened.as_raw_fd(), flags);
    Ok(opened)
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
    let what = match why {
        NotOpened::Failed(error) => return Err(error),
        NotOpened::Others => For::Others,
        // It may be one that waits for others. Where it is kept has to be read, one way or the other.
        NotOpened::Cold if may_wait_for_others(flags) && !calls::makes(flags) => {
            let found = open_waiting(dir, path, look(flags), 0, For::Anything)?;
            let openness = calls::openness(found.as_raw_fd());
            drop(found);
            if openness == Openness::Holder {
                match open_regular(dir, path, flags, mode, 0) {
                    // Some file systems never say what is in memory.
                    Err(error) if would_wait(&error) => {}
                    opened => return opened,
                }
            }
            if openness == Openness::Others { For::Others } else { For::Anything }
        }
        NotOpened::Cold => For::Anything,
    };
    open_waiting(dir, path, flags, mode, what)
}

fn open_waiting(dir: RawFd, path: &CStr, flags: i32, mode: u32, what: For) -> io::Result<OwnedFd> {
    let request = Request::Open { dir, path, flags, mode };
    // SAFETY: no buffer but the path, which is borrowed; the descriptor is owned at once.
    unsafe { perform_waiting(&request, what).map(|fd| OwnedFd::from_raw_fd(fd as RawFd)) }
}
