//! What the scheduler names of stacks, where nobody switches between them.

/// A stack that waits: there is none.
pub(crate) type Parked = *mut u8;

/// A system call: what it gives, or the negative `errno`.
///
/// # Safety
/// The call is one that the kernel carries out without harm to anybody's memory, with these arguments.
#[cfg(target_os = "linux")]
pub(crate) unsafe fn system_call(number: libc::c_long, arguments: [usize; 6]) -> isize {
    let of = |n: usize| arguments[n];
    // SAFETY: the caller's promise; `errno` is always this thread's.
    unsafe {
        match libc::syscall(number, of(0), of(1), of(2), of(3), of(4), of(5)) {
            -1 => -(*libc::__errno_location() as isize),
            result => result as isize,
        }
    }
}
