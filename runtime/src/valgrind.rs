//! Where valgrind runs the program it is told of every chunk: a stack pointer that jumps looks to it like a frame that grows or
//! shrinks by what lies between, whose contents it would then take for garbage.
//!
//! Memcheck needs more, because it keeps a state of every byte, and changes that of the [`RED_ZONE`] below a stack pointer with it:
//!
//! - A chunk's top is the lowest address of its neighbour, so it would not know which of both a stack pointer is on that has just
//!   been set to it. And a push near the end of a chunk would make the top of the next one below undefined. So chunks lie apart.
//! - What was popped is not accessible until it is pushed again. A chunk that is used again begins to be used elsewhere: a vthread's
//!   has a record at its top. So all of it becomes accessible, and undefined, whenever it is handed out.
//! - Valgrind looks stacks up in a list, so it only knows those that are in use.
//!
//! For that, all chunks are handed out by the slow path there, as in the modes that check. Tools that count see the usual one.

use crate::arch::valgrind_request;
use std::collections::HashMap;

/// Requests that all its tools know (`valgrind.h`).
const RUNNING_ON_VALGRIND: usize = 0x1001;
const STACK_REGISTER: usize = 0x1501;
const STACK_DEREGISTER: usize = 0x1502;

/// Memcheck's own: memory that may be written, whatever it thinks that it is; and read.
const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
const MAKE_MEM_DEFINED: usize = 0x4d43_0002;

/// Bytes below the stack pointer that belong to a function as those above do (System V ABI, 3.2.2).
pub(crate) const RED_ZONE: usize = 128;

/// Does valgrind run the program?
pub(crate) fn is_running() -> bool {
    valgrind_request([RUNNING_ON_VALGRIND, 0, 0]) != 0
}

/// Is it memcheck that runs the program? Other tools do not answer its requests, which give -1.
pub(crate) fn is_memcheck() -> bool {
    let byte = 0u8;
    valgrind_request([MAKE_MEM_DEFINED, &raw const byte as usize, 1]) == usize::MAX
}

/// Memory that may be read again, whatever was popped there.
pub(crate) fn may_be_read(at: *const u8, len: usize) {
    valgrind_request([MAKE_MEM_DEFINED, at as usize, len]);
}

/// Memory below a stack pointer that is written to nevertheless.
pub(crate) fn may_be_written(at: *const u8, len: usize) {
    valgrind_request([MAKE_MEM_UNDEFINED, at as usize, len]);
}

/// Tells of one stack of `size` bytes from `base` on. Gives valgrind's number for it, or some number where there is none.
///
/// With its top, which is where the stack pointer is at first. Of two that touch, the one told of last has the address between.
pub(crate) fn register(base: usize, size: usize) -> usize {
    valgrind_request([STACK_REGISTER, base, base + size])
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
        Self(is_running().then(HashMap::new))
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
