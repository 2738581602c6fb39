//! What somebody waits for, in words: for reports of deadlocks.

use core::fmt;

/// The one action whose object is an id. A static, so that its address tells it from all others.
static THE_END_OF: &str = "waits for the end of vthread";

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
    pub(crate) const fn of_the_end_of(id: u64) -> Self {
        Self { action: &THE_END_OF, object: id as usize }
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
            id if core::ptr::eq(self.action, &raw const THE_END_OF) => write!(f, "{} {id}", self.action),
            address => write!(f, "{} at {address:#x}", self.action),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_no_id_however_small_it_is_nor_an_id_an_address() {
        let at = |object| What { object, ..What::new(&"waits for the mutex") }.to_string();
        assert_eq!(at(0x4a6_3280), "waits for the mutex at 0x4a63280");
        assert_eq!(at(0), "waits for the mutex");
        assert_eq!(What::of_the_end_of(7).to_string(), "waits for the end of vthread 7");
        assert_eq!(
            What::of_the_end_of(1 << 40).to_string(),
            format!("waits for the end of vthread {}", 1u64 << 40)
        );
    }
}
