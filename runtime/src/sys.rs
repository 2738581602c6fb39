//! The system calls on memory, with their errors.

use crate::held_mappings;
use core::ffi::c_void;
use core::ptr::NonNull;
use std::io;
use std::sync::OnceLock;

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Why a mapping was refused. There may be no more, and the caller's way out of that needs some.
fn refused() -> io::Error {
    let error = io::Error::last_os_error();
    held_mappings::give_back();
    error
}

fn map(len: usize, access: libc::c_int, extra: libc::c_int) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | extra;
    // SAFETY: a new mapping where the kernel likes it disturbs nothing.
    let at = unsafe { libc::mmap(core::ptr::null_mut(), len, access, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(refused());
    }
    NonNull::new(at.cast()).ok_or_else(|| io::Error::other("the kernel mapped address zero"))
}

/// Addresses without memory.
pub(crate) fn reserve(len: usize) -> io::Result<NonNull<u8>> {
    map(len, libc::PROT_NONE, 0)
}

/// A stack of `len` bytes with an inaccessible part of `guard` bytes at its low end.
pub(crate) fn map_stack(len: usize, guard: usize) -> io::Result<NonNull<u8>> {
    let at = map(len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_STACK)?;
    // Since Linux 6.7 that is what `MAP_STACK` says.
    let _ = no_huge_pages(at.as_ptr() as usize, len);
    // SAFETY: the low end of the mapping just made.
    match unsafe { protect(at.as_ptr(), guard) } {
        Ok(()) => Ok(at),
        Err(e) => {
            // SAFETY: nobody has seen it.
            let _ = unsafe { unmap(at.as_ptr(), len) };
            Err(e)
        }
    }
}

/// Makes reserved addresses readable and writable.
///
/// # Safety
/// The caller owns `[at, at + len)`, whole pages that came from [`reserve`].
pub(crate) unsafe fn commit(at: usize, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    check(unsafe { libc::mprotect(at as *mut c_void, len, libc::PROT_READ | libc::PROT_WRITE) })
}

/// Makes memory inaccessible.
///
/// # Safety
/// The caller owns `[at, at + len)`, whole pages, and nothing accesses it.
pub(crate) unsafe fn protect(at: *mut u8, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    if unsafe { libc::mprotect(at.cast(), len, libc::PROT_NONE) } != 0 {
        return Err(refused());
    }
    held_mappings::guard_made();
    Ok(())
}

/// Undoes [`protect`].
///
/// # Safety
/// The caller owns `[at, at + len)`, whole pages.
pub(crate) unsafe fn unprotect(at: *mut u8, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    check(unsafe { libc::mprotect(at.cast(), len, libc::PROT_READ | libc::PROT_WRITE) })
}

/// Asks for small pages.
pub(crate) fn no_huge_pages(at: usize, len: usize) -> io::Result<()> {
    // SAFETY: advice about the region, which changes no contents.
    check(unsafe { libc::madvise(at as *mut c_void, len, libc::MADV_NOHUGEPAGE) })
}

/// Asks for the memory of `[at, at + len)` at once, where that is several pages: cheaper than a fault for each. Only advice: what it does
/// not do (old kernels lack it), the faults will.
pub(crate) fn populate(at: usize, len: usize) {
    const PAGE: usize = vale_threads_abi::PAGE as usize;
    let start = at.next_multiple_of(PAGE);
    let len = (at + len).saturating_sub(start) / PAGE * PAGE;
    if len > PAGE {
        // SAFETY: changes no contents; an error changes nothing at all.
        unsafe { libc::madvise(start as *mut c_void, len, libc::MADV_POPULATE_WRITE) };
    }
}

/// Is there memory in this page of ours? `false` where the system does not say.
fn is_touched(page: usize) -> bool {
    let mut is_there = 0u8;
    // SAFETY: writes one byte, for one page.
    let result = unsafe { libc::mincore(page as *mut c_void, 1, &raw mut is_there) };
    result == 0 && is_there & 1 == 1
}

/// Gives pages back; they read as zero afterwards.
///
/// # Safety
/// The caller owns `[at, at + len)`, whole pages, and needs nothing of what is there.
pub(crate) unsafe fn discard(at: *mut u8, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    check(unsafe { libc::madvise(at.cast(), len, libc::MADV_DONTNEED) })
}

/// Gives back the memory of an empty stack, `[lowest, top)`, but for the uppermost 128 KiB, if somebody has gone so deep.
///
/// # Safety
/// The caller owns the stack, which is mapped from the page `lowest`, and nobody uses it below `top`.
pub(crate) unsafe fn discard_the_deep(lowest: usize, top: usize) {
    const PAGE: usize = vale_threads_abi::PAGE as usize;
    const KEPT: usize = 128 << 10;
    let deep = top.saturating_sub(KEPT) / PAGE * PAGE;
    // Who goes deeper than that has touched this page: stacks are probed.
    if deep > lowest && is_touched(deep - PAGE) {
        // SAFETY: whole pages, and the caller's promise.
        let _ = unsafe { discard(lowest as *mut u8, deep - lowest) };
    }
}

/// Ends a mapping.
///
/// # Safety
/// The caller owns the mapping, and nothing accesses it any more.
pub(crate) unsafe fn unmap(at: *mut u8, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    check(unsafe { libc::munmap(at.cast(), len) })
}

/// Does the system promise memory for every address that may be written (`vm.overcommit_memory` is 2)?
pub(crate) fn addresses_are_memory() -> bool {
    static SAID: OnceLock<bool> = OnceLock::new();
    let read = || std::fs::read("/proc/sys/vm/overcommit_memory").is_ok_and(|said| said.starts_with(b"2"));
    *SAID.get_or_init(read)
}

/// What `RLIMIT_AS` leaves of the address space, in bytes; `None` without a limit.
pub(crate) fn address_space_left() -> Option<usize> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills a struct of ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) } != 0
        || limit.rlim_cur == libc::RLIM_INFINITY
    {
        return None;
    }
    // First field of statm: pages of address space in use.
    let used = std::fs::read_to_string("/proc/self/statm").ok();
    let pages: usize = used.and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0);
    Some((limit.rlim_cur as usize).saturating_sub(pages * vale_threads_abi::PAGE as usize))
}
