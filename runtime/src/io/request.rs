//! What the kernel is asked for: as an entry of a ring, or as a system call.

use super::calls::How;
use core::ffi::CStr;
#[cfg(vthread_native)]
use io_uring::{
    opcode,
    squeue::Entry,
    types::{Fd, FsyncFlags, OpenHow},
};
use std::os::fd::RawFd;

/// In offsets: where the file stands.
pub(crate) const POSITION: u64 = u64::MAX;

/// One operation. Pointers must stay valid until it has completed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request<'a> {
    Read { fd: RawFd, to: *mut u8, len: u32, offset: u64 },
    Write { fd: RawFd, from: *const u8, len: u32, offset: u64 },
    Open { dir: RawFd, path: &'a CStr, flags: i32, mode: u32 },
    OpenAs { dir: RawFd, path: &'a CStr, how: &'a How },
    Sync { fd: RawFd, data_only: bool },
    Unlink { dir: RawFd, path: &'a CStr, flags: i32 },
    MakeDir { dir: RawFd, path: &'a CStr, mode: u32 },
    Rename { from_dir: RawFd, from: &'a CStr, to_dir: RawFd, to: &'a CStr },
    Link { from_dir: RawFd, from: &'a CStr, to_dir: RawFd, to: &'a CStr },
    Symlink { target: &'a CStr, dir: RawFd, path: &'a CStr },
}

// SAFETY: the pointers are to buffers that the one who waits keeps for the operation alone.
unsafe impl Send for Request<'_> {}

impl Request<'_> {
    /// The same for so many bytes at most.
    #[cfg(feature = "inject-faults")]
    pub(crate) fn at_most(mut self, most: usize) -> Self {
        if let Self::Read { len, .. } | Self::Write { len, .. } = &mut self {
            *len = (*len).min(most as u32);
        }
        self
    }

    /// What it waits for, as `poll(2)` has it, if it is a read or a write of something that says so.
    #[cfg(vthread_native)]
    pub(crate) fn polls(&self) -> Option<(RawFd, i16)> {
        match *self {
            Self::Read { fd, .. } => Some((fd, libc::POLLIN)),
            Self::Write { fd, .. } => Some((fd, libc::POLLOUT)),
            _ => None,
        }
        .filter(|&(fd, _)| super::calls::can_be_polled(fd))
    }

    /// The system call, if it need not wait: else `-EAGAIN`; `-EOPNOTSUPP` if nobody can say.
    ///
    /// # Safety
    /// As [`call`](Self::call).
    #[cfg(vthread_native)]
    pub(crate) unsafe fn call_now(&self) -> i32 {
        // SAFETY: the caller's promise.
        unsafe {
            match *self {
                Self::Read { fd, to, len, offset } => super::calls::read_now(fd, to, len as usize, offset),
                Self::Write { fd, from, len, offset } => {
                    super::calls::write_now(fd, from, len as usize, offset)
                }
                _ => -libc::EOPNOTSUPP,
            }
        }
    }

    /// In words, for reports.
    #[cfg_attr(not(vthread_native), allow(dead_code, reason = "nobody looks for deadlocks there"))]
    pub(crate) fn action(&self) -> &'static &'static str {
        match self {
            Self::Read { .. } => &"waits for a read",
            Self::Write { .. } => &"waits for a write",
            Self::Open { .. } | Self::OpenAs { .. } => &"waits for an open",
            Self::Sync { .. } => &"waits for an fsync",
            Self::Unlink { .. } => &"waits for a removal",
            Self::MakeDir { .. } => &"waits for a mkdir",
            Self::Rename { .. } => &"waits for a rename",
            Self::Link { .. } | Self::Symlink { .. } => &"waits for a link",
        }
    }

    /// The entry of a ring.
    #[cfg(vthread_native)]
    pub(crate) fn entry(&self) -> Entry {
        match *self {
            Self::Read { fd, to, len, offset } => opcode::Read::new(Fd(fd), to, len).offset(offset).build(),
            Self::Write { fd, from, len, offset } => {
                opcode::Write::new(Fd(fd), from, len).offset(offset).build()
            }
            Self::Open { dir, path, flags, mode } => {
                opcode::OpenAt::new(Fd(dir), path.as_ptr()).flags(flags).mode(mode).build()
            }
            Self::OpenAs { dir, path, how } => {
                // Both are the kernel's `struct open_how`.
                let how = core::ptr::from_ref(how).cast::<OpenHow>();
                opcode::OpenAt2::new(Fd(dir), path.as_ptr(), how).build()
            }
            Self::Sync { fd, data_only } => {
                let flags = if data_only { FsyncFlags::DATASYNC } else { FsyncFlags::empty() };
                opcode::Fsync::new(Fd(fd)).flags(flags).build()
            }
            Self::Unlink { dir, path, flags } => {
                opcode::UnlinkAt::new(Fd(dir), path.as_ptr()).flags(flags).build()
            }
            Self::MakeDir { dir, path, mode } => {
                opcode::MkDirAt::new(Fd(dir), path.as_ptr()).mode(mode).build()
            }
            Self::Rename { from_dir, from, to_dir, to } => {
                opcode::RenameAt::new(Fd(from_dir), from.as_ptr(), Fd(to_dir), to.as_ptr()).build()
            }
            Self::Link { from_dir, from, to_dir, to } => {
                opcode::LinkAt::new(Fd(from_dir), from.as_ptr(), Fd(to_dir), to.as_ptr()).build()
            }
            Self::Symlink { target, dir, path } => {
                opcode::SymlinkAt::new(Fd(dir), target.as_ptr(), path.as_ptr()).build()
            }
        }
    }

    /// The system call. What it returns, or the negative `errno`.
    ///
    /// # Safety
    /// Buffers are valid for their lengths.
    pub(crate) unsafe fn call(&self) -> i32 {
        // SAFETY: paths end with a NUL, buffers are the caller's promise.
        let result = unsafe {
            match *self {
                Self::Read { fd, to, len, offset: POSITION } => {
                    return super::calls::read(fd, to, len as usize);
                }
                Self::Read { fd, to, len, offset } => {
                    libc::pread64(fd, to.cast(), len as usize, offset as i64)
                }
                Self::Write { fd, from, len, offset: POSITION } => libc::write(fd, from.cast(), len as usize),
                Self::Write { fd, from, len, offset } => {
                    libc::pwrite64(fd, from.cast(), len as usize, offset as i64)
                }
                Self::Open { dir, path, flags, mode } => {
                    return super::calls::open(dir, path, flags, mode);
                }
                Self::OpenAs { dir, path, how } => return super::calls::open_as(dir, path, how),
                Self::Sync { fd, data_only: true } => libc::fdatasync(fd) as isize,
                Self::Sync { fd, data_only: false } => libc::fsync(fd) as isize,
                Self::Unlink { dir, path, flags } => libc::unlinkat(dir, path.as_ptr(), flags) as isize,
                Self::MakeDir { dir, path, mode } => libc::mkdirat(dir, path.as_ptr(), mode) as isize,
                Self::Rename { from_dir, from, to_dir, to } => {
                    libc::renameat(from_dir, from.as_ptr(), to_dir, to.as_ptr()) as isize
                }
                Self::Link { from_dir, from, to_dir, to } => {
                    libc::linkat(from_dir, from.as_ptr(), to_dir, to.as_ptr(), 0) as isize
                }
                Self::Symlink { target, dir, path } => {
                    libc::symlinkat(target.as_ptr(), dir, path.as_ptr()) as isize
                }
            }
        };
        // SAFETY: `errno` is always this thread's.
        if result < 0 { -unsafe { *libc::__errno_location() } } else { result as i32 }
    }
}
