//! What somebody waits for, in words: for reports of deadlocks.

use core::fmt;

/// What somebody waits for, in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct What {
    /// One word: it is in the frame of every wait.
    pub(super) action: &'static &'static str,
    /// Id of a vthread, or address of a thing; 0: neither.
    pub(super) object: usize,
}

impl What {
    #[inline(always)]
    pub(crate) const fn new(action: &'static &'static str) -> Self {
        Self { action, object: 0 }
    }

    #[inline(always)]
    pub(crate) const fn of_vthread(action: &'static &'static str, id: u64) -> Self {
        Self { action, object: id as usize }
    }

    #[inline(always)]
    pub(crate) fn of<T>(action: &'static &'static str, thing: &T) -> Self {
        Self { action, object: core::ptr::from_ref(thing).addr() }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object {
            0 => f.write_str(self.action),
            // Ids are counted, addresses are not that small.
            id @ ..0x1_0000_0000 => write!(f, "{} {id}", self.action),
            address => write!(f, "{} at {address:#x}", self.action),
        }
    }
}
