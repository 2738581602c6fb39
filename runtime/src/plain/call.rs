//! Calls between stacks where there is one stack a thread: plain calls.

/// Calls `f`.
#[inline(always)]
pub fn on_chunk<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}

/// Calls `f`.
#[inline(always)]
pub fn on_chunk_exact<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}

/// Calls `f`. Where vthreads have chunks of a proved size, it is carried out on an ordinary large stack.
#[inline(always)]
pub fn hop<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}

/// [`current`].
#[inline(always)]
pub fn current_here() -> i64 {
    0
}

/// The context word: never on a chunk.
#[inline(always)]
pub fn current() -> i64 {
    0
}
