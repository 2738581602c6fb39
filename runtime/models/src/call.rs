//! Here every stack is large.

pub(crate) fn hop<F: FnOnce() -> R, R>(f: F) -> R {
    f()
}
