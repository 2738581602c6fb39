//! Stacks for signal handlers. A signal frame takes 3.3 KB, and 11.5 KB once a thread has used AMX: far more than a chunk
//! has, so no handler may run on one.

use crate::signals;
use crate::sys;
use core::ptr::null_mut;
use std::io;
use vale_threads_abi::PAGE;

const GUARD: usize = PAGE as usize;

/// Handlers that may interrupt each other on a carrier.
const NESTED: usize = 16;

/// Bytes for the frames of each.
const HANDLER: usize = 4096;

/// A thread's alternate signal stack, with an inaccessible page below. On drop the thread gets back what it had.
#[derive(Debug)]
pub(crate) struct AltStack {
    base: *mut u8,
    len: usize,
    before: libc::stack_t,
}

impl AltStack {
    /// For the calling thread, if it runs on none now.
    pub(crate) fn install() -> io::Result<Self> {
        // SAFETY: reads a constant of the process. Older kernels do not give it; then the frame has the classic size.
        let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) }.max(2048) as usize;
        let len = (NESTED * (frame + HANDLER)).next_multiple_of(GUARD) + GUARD;
        let base = sys::map_stack(len, GUARD)?.as_ptr();
        let stack =
            libc::stack_t { ss_sp: base.wrapping_add(GUARD).cast(), ss_flags: 0, ss_size: len - GUARD };
        let mut before = libc::stack_t { ss_sp: null_mut(), ss_flags: 0, ss_size: 0 };
        // SAFETY: the memory is ours and stays until the drop, which puts back what was there before.
        if unsafe { libc::sigaltstack(&raw const stack, &raw mut before) } != 0 {
            let error = io::Error::last_os_error();
            // SAFETY: nobody uses it.
            let _ = unsafe { sys::unmap(base, len) };
            return Err(error);
        }
        Ok(Self { base, len, before })
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        if signals::put_back_alternate_stack(&self.before) {
            // SAFETY: no handler of this thread runs while its carrier ends, so the stack is not in use.
            let _ = unsafe { sys::unmap(self.base, self.len) };
        }
    }
}
