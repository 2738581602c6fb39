//! Hop stacks: ordinary big stacks for the calls that no bound is known for.

use crate::arch;
use crate::config::StackConfig;
use crate::error::{Error, Result};
use crate::sys;
use vale_threads_abi::PAGE;

/// This thread's first hop stack, installed as long as this lives.
pub(crate) struct Installed {
    base: *mut u8,
    len: usize,
}

impl Installed {
    pub(crate) fn new(config: &StackConfig) -> Result<Self> {
        let len = config.hop_size;
        let base = sys::map_stack(len, PAGE as usize).map_err(Error::NoHopStack)?.as_ptr();
        // SAFETY: a fresh stack.
        unsafe { arch::set_hop_top(base.wrapping_add(len)) };
        Ok(Self { base, len })
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // SAFETY: no chunk is in use on this thread any more, so nothing hops.
        unsafe {
            arch::set_hop_top(core::ptr::null_mut());
            let _ = sys::unmap(self.base, self.len);
        }
    }
}
