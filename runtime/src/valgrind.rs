//! Where valgrind runs the program it is told of every chunk: a stack pointer that jumps looks to it like a frame that grows or
//! shrinks by what lies between, whose contents it would then take for garbage.

use crate::arch::valgrind_request;
use std::collections::HashMap;

/// Requests that all its tools know (`valgrind.h`).
const RUNNING_ON_VALGRIND: usize = 0x1001;
const STACK_REGISTER: usize = 0x1501;
const STACK_DEREGISTER: usize = 0x1502;

/// Memcheck's own: memory that may be written, whatever it thinks that it is.
const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;

/// Memory below a stack pointer that is written to nevertheless.
pub(crate) fn may_be_written(at: *const u8, len: usize) {
    valgrind_request([MAKE_MEM_UNDEFINED, at as usize, len]);
}

/// Tells of one stack of `size` bytes from `base` on. Gives valgrind's number for it, or some number where there is none.
pub(crate) fn register(base: usize, size: usize) -> usize {
    // The last byte on it, not the one behind.
    valgrind_request([STACK_REGISTER, base, base + size - 1])
}

/// Takes that back.
pub(crate) fn deregister(number: usize) {
    valgrind_request([STACK_DEREGISTER, number, 0]);
}

/// The stacks that valgrind knows of one thread's, by top: its number for each. Empty where there is no valgrind.
pub(crate) struct Registered(Option<HashMap<usize, usize>>);

impl Registered {
    /// Asks once whether there is a valgrind.
    pub(crate) fn new() -> Self {
        Self((valgrind_request([RUNNING_ON_VALGRIND, 0, 0]) != 0).then(HashMap::new))
    }

    /// A stack of `size` bytes from `base` on.
    pub(crate) fn add(&mut self, base: usize, size: usize) {
        if let Some(numbers) = &mut self.0 {
            numbers.insert(base + size, register(base, size));
        }
    }

    /// A stack that is none any more.
    pub(crate) fn remove(&mut self, top: usize) {
        if let Some(number) = self.0.as_mut().and_then(|numbers| numbers.remove(&top)) {
            deregister(number);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.iter().flat_map(HashMap::values).for_each(|number| deregister(*number));
    }
}
