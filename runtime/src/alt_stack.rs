//! Stacks for signal handlers. A signal frame takes 3.3 KB, and 11.5 KB once a thread has used AMX: far more than a chunk
//! has, so no handler may run on one.

use crate::{signals, sys};
use core::ptr::null_mut;
use std::io;
use vale_threads_abi::PAGE;

const GUARD: usize = PAGE as usize;

/// Handlers that may interrupt each other on a carrier.
const NESTED: usize = 16;

/// Bytes for the frames of each.
const HANDLER: usize = 4096;

/// Bytes of a carrier's.
pub(crate) fn bytes() -> usize {
    // SAFETY: reads a constant of the process. Older kernels do not give it; then the frame has the classic size.
    let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) }.max(2048) as usize;
    (NESTED * (frame + HANDLER)).next_multiple_of(GUARD)
}

/// A thread's alternate signal stack, with an inaccessible page below. On drop the thread gets back what it had.
#[derive(Debug)]
pub(crate) struct AltStack {
    _mapped: Option<Mapped>,
    kept_before: libc::stack_t,
}

/// One of our own.
#[derive(Debug)]
struct Mapped {
    base: *mut u8,
    len: usize,
    before: libc::stack_t,
}

impl AltStack {
    /// For the calling thread, if it runs on none now. What a thread of std's has is as large as a carrier's already (`signals`), and is
    /// used: that saves each carrier six system calls when it starts and ends.
    pub(crate) fn install() -> io::Result<Self> {
        if let Some(grown) = signals::grown_stack() {
            return Ok(Self { _mapped: None, kept_before: signals::keep(grown) });
        }
        let len = bytes() + GUARD;
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
        Ok(Self { _mapped: Some(Mapped { base, len, before }), kept_before: signals::keep(stack) })
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        signals::keep(self.kept_before);
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        if signals::set_alternate_stack(&self.before) {
            // SAFETY: no handler of this thread runs while its carrier ends, so the stack is not in use.
            let _ = unsafe { sys::unmap(self.base, self.len) };
        }
    }
}
