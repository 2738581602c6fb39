//! The system calls that never wait, and what a file system is like.

use crate::arch::system_call;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::os::fd::RawFd;

/// `preadv2` with `RWF_NOWAIT`. `-EAGAIN`: it would wait.
///
/// # Safety
/// `to` is valid for writes of `len` bytes.
#[inline]
pub(super) unsafe fn read_now(fd: RawFd, to: *mut u8, len: usize, offset: u64) -> i32 {
    let part = libc::iovec { iov_base: to.cast(), iov_len: len };
    // SAFETY: one buffer, by the caller's promise.
    unsafe { vectored(libc::SYS_preadv2, fd, &part, offset) }
}

/// `pwritev2` with `RWF_NOWAIT`. `-EAGAIN`: it would wait.
///
/// # Safety
/// `from` is valid for reads of `len` bytes.
#[inline]
pub(super) unsafe fn write_now(fd: RawFd, from: *const u8, len: usize, offset: u64) -> i32 {
    let part = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: len };
    // SAFETY: as above; the buffer is only read.
    unsafe { vectored(libc::SYS_pwritev2, fd, &part, offset) }
}

/// `preadv2` or `pwritev2`, with `RWF_NOWAIT`.
///
/// # Safety
/// `part` is a buffer that is valid for this.
#[inline]
unsafe fn vectored(call: libc::c_long, fd: RawFd, part: &libc::iovec, offset: u64) -> i32 {
    // The offset is in two halves, of which a kernel of 64 bits wants all in the first. All ones: the position of the file.
    let (half, other) =
        if cfg!(target_pointer_width = "64") { (offset, 0) } else { (offset & 0xffff_ffff, offset >> 32) };
    let flags = libc::RWF_NOWAIT.cast_unsigned() as usize;
    // SAFETY: one buffer, by the caller's promise.
    unsafe {
        system_call(call, [number(fd), &raw const *part as usize, 1, half as usize, other as usize, flags])
            as i32
    }
}

/// A descriptor, or `AT_FDCWD`, as an argument of a system call.
#[inline(always)]
pub(super) fn number(fd: RawFd) -> usize {
    fd as isize as usize
}

/// `read`, from where the file stands. May wait.
///
/// # Safety
/// `to` is valid for writes of `len` bytes.
#[inline]
pub(super) unsafe fn read(fd: RawFd, to: *mut u8, len: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { system_call(libc::SYS_read, [number(fd), to as usize, len, 0, 0, 0]) as i32 }
}

/// `close`.
///
/// # Safety
/// The descriptor is the caller's, who does not use it again.
#[inline]
pub(super) unsafe fn close(fd: RawFd) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { system_call(libc::SYS_close, [number(fd), 0, 0, 0, 0, 0]) as i32 }
}

/// There is no `openat2`, or it does not know `RESOLVE_CACHED` (Linux 5.12).
static CANNOT_TELL: AtomicBool = AtomicBool::new(false);

/// Valgrind would say at length that it does not know `openat2`.
#[cfg(vthread_native)]
pub(crate) fn do_without_openat2() {
    CANNOT_TELL.store(true, Relaxed);
}

/// Does an open with these flags make or change what it opens?
#[inline]
pub(super) fn makes(flags: i32) -> bool {
    flags & (libc::O_CREAT | libc::O_TRUNC) != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE
}

/// `openat2` with `RESOLVE_CACHED` and `resolve`. `-EAGAIN`: it would wait, or might.
#[inline]
pub(super) fn open_now(dir: RawFd, path: &CStr, flags: i32, mode: u32, resolve: u64) -> i32 {
    // The kernel refuses to say so for what is created or truncated.
    if makes(flags) {
        return -libc::EAGAIN;
    }
    if !CANNOT_TELL.load(Relaxed) {
        let result = open_as(dir, path, &How::new(flags, 0, libc::RESOLVE_CACHED | resolve));
        match -result {
            libc::ENOSYS | libc::EINVAL | libc::EPERM => {}
            _ => return result,
        }
        // EINVAL may be the flags' fault, EPERM that of seccomp or of the file: the plain call will tell.
        if -result == libc::ENOSYS {
            CANNOT_TELL.store(true, Relaxed);
        }
    }
    if resolve == 0 { open(dir, path, flags, mode) } else { open_in_mount(dir, path, flags, mode) }
}

/// How `openat2` opens: the kernel's `struct open_how`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct How {
    flags: u64,
    mode: u64,
    resolve: u64,
}

impl How {
    #[inline]
    fn new(flags: i32, mode: u32, resolve: u64) -> Self {
        Self { flags: u64::from(flags.cast_unsigned()), mode: u64::from(mode), resolve }
    }

    /// By a path that leads to no other mount. `None`: this kernel cannot tell.
    #[inline]
    pub(super) fn in_mount(flags: i32, mode: u32) -> Option<Self> {
        // It refuses a mode where nothing is created.
        let mode = if flags & libc::O_CREAT == 0 { 0 } else { mode };
        (!CANNOT_TELL.load(Relaxed)).then(|| Self::new(flags, mode, libc::RESOLVE_NO_XDEV))
    }
}

/// `openat2`. May wait, unless `how` forbids it.
#[inline]
pub(super) fn open_as(dir: RawFd, path: &CStr, how: &How) -> i32 {
    let how = core::ptr::from_ref(how);
    let arguments = [number(dir), path.as_ptr() as usize, how as usize, size_of::<How>(), 0, 0];
    // SAFETY: the path ends with a NUL, and the struct is the kernel's and has the size that is said.
    unsafe { system_call(libc::SYS_openat2, arguments) as i32 }
}

/// `openat2` by a path that leads to no other mount: `-EXDEV` if it does, or if nobody can tell. May wait.
#[inline]
pub(super) fn open_in_mount(dir: RawFd, path: &CStr, flags: i32, mode: u32) -> i32 {
    How::in_mount(flags, mode).map_or(-libc::EXDEV, |how| or_cannot_tell(open_as(dir, path, &how)))
}

/// What `openat2` says where it cannot say where a path leads: `-EXDEV`. `EINVAL` may be the flags' fault, `EPERM` that of seccomp or of the file.
#[inline]
pub(super) fn or_cannot_tell(result: i32) -> i32 {
    if result == -libc::ENOSYS {
        CANNOT_TELL.store(true, Relaxed);
    }
    match -result {
        libc::ENOSYS | libc::EINVAL | libc::EPERM => -libc::EXDEV,
        _ => result,
    }
}

/// `openat`. May wait.
#[inline]
pub(super) fn open(dir: RawFd, path: &CStr, flags: i32, mode: u32) -> i32 {
    let arguments = [number(dir), path.as_ptr() as usize, flags as usize, mode as usize, 0, 0];
    // SAFETY: the path ends with a NUL.
    unsafe { system_call(libc::SYS_openat, arguments) as i32 }
}

/// Are this file's bytes made or kept in memory, so that a plain read does not wait?
pub(super) fn is_in_memory(fd: RawFd) -> bool {
    const KEPT: [u32; 2] = [
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
    ];
    const MADE: [u32; 5] = [
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
    let Some(status) = status(fd).filter(|s| kind(s) == libc::S_IFREG) else { return false };
    // Of what is made a few wait for what happens (`/proc/kmsg`). As who reads such a one takes it from others, not everybody may, and the many that all may read are not asked.
    let does_not_wait = || status.st_mode & libc::S_IROTH != 0 || is_ready(fd);
    KEPT.contains(&magic) || MADE.contains(&magic) && does_not_wait()
}

/// Is there something to be read?
fn is_ready(fd: RawFd) -> bool {
    let mut polled = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: a struct of integers.
    let mut no_time: libc::timespec = unsafe { core::mem::zeroed() };
    let arguments = [&raw mut polled as usize, 1, &raw mut no_time as usize, 0, 0, 0];
    // SAFETY: an array of one, which is filled, and no time to wait for.
    unsafe { system_call(libc::SYS_ppoll, arguments) == 1 }
}

/// What `fstat` says.
pub(super) fn status(fd: RawFd) -> Option<libc::stat> {
    // SAFETY: fills a struct of integers.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        (libc::fstat(fd, &raw mut status) == 0).then_some(status)
    }
}

/// `S_IFREG` and so on; 0 for what has no type, as an eventfd.
fn kind(status: &libc::stat) -> libc::mode_t {
    status.st_mode & libc::S_IFMT
}

/// Does `poll(2)` say when this can be read or written? Files and directories always can, it says.
#[cfg(vthread_native)]
pub(super) fn can_be_polled(fd: RawFd) -> bool {
    status(fd).is_some_and(|s| !matches!(kind(&s), libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK))
}

/// Is this a regular file?
pub(super) fn is_regular(fd: RawFd) -> bool {
    status(fd).is_some_and(|s| kind(&s) == libc::S_IFREG)
}

/// Do reads and writes of this begin where the ones before have ended?
pub(super) fn has_position(fd: RawFd) -> bool {
    status(fd).is_some_and(|s| matches!(kind(&s), libc::S_IFREG | libc::S_IFBLK))
}

/// Is this marked `O_NONBLOCK`, and something for which that means anything? Then no read or write of it waits.
#[cold]
pub(super) fn never_waits(fd: RawFd) -> bool {
    // SAFETY: no pointers.
    let is_marked = unsafe { libc::fcntl(fd, libc::F_GETFL) & libc::O_NONBLOCK != 0 };
    is_marked && !has_position(fd)
}

/// What is waited for where this is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Openness {
    Nothing,
    /// Who has a lease of it.
    Holder,
    /// Who opens the other end, or what the device is.
    Others,
}

/// The same of what was found, by a descriptor that is only for that.
pub(super) fn openness(fd: RawFd) -> Openness {
    /// `null`, `zero`, `urandom` and so on.
    const MEMORY: libc::c_uint = 1;
    match status(fd).map(|s| (kind(&s), s.st_rdev)) {
        Some((libc::S_IFREG, _)) => Openness::Holder,
        Some((libc::S_IFCHR, device)) if libc::major(device) == MEMORY => Openness::Nothing,
        Some((libc::S_IFIFO | libc::S_IFCHR | libc::S_IFBLK, _)) => Openness::Others,
        _ => Openness::Nothing,
    }
}

/// Where the next one begins.
pub(super) fn position(fd: RawFd) -> Option<u64> {
    // SAFETY: no pointers.
    u64::try_from(unsafe { libc::lseek64(fd, 0, libc::SEEK_CUR) }).ok()
}

/// Does what is read stay in memory?
pub(super) fn is_cached(fd: RawFd) -> bool {
    // SAFETY: no pointers.
    unsafe { libc::fcntl(fd, libc::F_GETFL) & libc::O_DIRECT == 0 }
}

/// Sets those of the flags that an open file can change.
pub(super) fn set_status(fd: RawFd, flags: i32) {
    // SAFETY: no pointers. It fails for none that the file was opened with.
    unsafe { libc::fcntl(fd, libc::F_SETFL, flags) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write as _;
    use std::os::fd::AsRawFd;

    #[test]
    fn what_waits_for_something_to_happen_is_asked() {
        let (from, mut to) = std::io::pipe().expect("a pipe");
        assert!(!is_ready(from.as_raw_fd()));
        to.write_all(b"x").expect("a reader");
        assert!(is_ready(from.as_raw_fd()));
        // The second is its owner's alone.
        for path in ["/proc/self/comm", "/proc/self/environ"] {
            assert!(is_in_memory(File::open(path).expect("proc").as_raw_fd()), "{path}");
        }
    }
}
