//! Values that each vthread has of its own.

use crate::call::hop;
use crate::carrier;
use crate::fatal::dispose;
use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The values of one vthread, or of one ordinary thread, by the address of their key.
#[derive(Default)]
pub(crate) struct Locals(RefCell<Vec<(usize, Box<dyn Any>)>>);

impl Locals {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    fn find<T: 'static>(&self, key: usize) -> Option<*const T> {
        let all = self.0.borrow();
        let (_, value) = all.iter().find(|(of, _)| *of == key)?;
        value.downcast_ref::<T>().map(core::ptr::from_ref)
    }

    /// Drops them all, the newest first, and those that their destructors make. Nobody uses one any more. Gives what the first
    /// destructor panicked with.
    pub(crate) fn clear(&self) -> std::thread::Result<()> {
        let mut outcome = Ok(());
        loop {
            let Some(last) = self.0.borrow_mut().pop() else { return outcome };
            // None may stay: another thread would drop it.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(last))) {
                if outcome.is_ok() {
                    outcome = Err(payload);
                } else {
                    dispose(payload);
                }
            }
        }
    }

    /// Forgets those that were made after all were dropped, by what the result's destructor does: whoever drops the task may be another
    /// thread, and they need not be `Send`.
    pub(crate) fn forget(&mut self) {
        core::mem::forget(core::mem::take(self.0.get_mut()));
    }
}

impl Drop for Locals {
    fn drop(&mut self) {
        if !self.0.get_mut().is_empty()
            && let Err(payload) = self.clear()
        {
            resume_unwind(payload);
        }
    }
}

thread_local! {
    static OF_THREAD: Locals = const { Locals::new() };
}

/// A value that each vthread has of its own, as [`std::thread::LocalKey`] is of threads. Made by [`vthread_local!`].
///
/// Ordinary threads have one each as well. What is made in a vthread is dropped when its closure has returned or
/// panicked, in the vthread.
///
/// [`vthread_local!`]: crate::vthread_local
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> Self {
        Self { init }
    }

    /// Calls `f` with the vthread's value, which is made now if there is none.
    ///
    /// # Panics
    /// With what the initialiser or `f` panics with; on an ordinary thread that ends, after its values were dropped.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match carrier::mounted() {
            // SAFETY: this is the vthread.
            Some(root) => self.with_of(unsafe { root.task().locals() }, f),
            None => OF_THREAD.with(|locals| self.with_of(locals, f)),
        }
    }

    fn with_of<R>(&'static self, locals: &Locals, f: impl FnOnce(&T) -> R) -> R {
        // A pointer leads to the initialiser: beside `f` it would leave who calls this without a bound.
        let value = hop(|| self.value_of(locals));
        // SAFETY: boxed, and only `clear` removes it, which runs after all calls of `with` in this vthread, or in
        // a destructor of another value, whose own value is out of reach then.
        f(unsafe { &*value })
    }

    fn value_of(&'static self, locals: &Locals) -> *const T {
        let key = core::ptr::from_ref(self).addr();
        locals.find(key).unwrap_or_else(|| {
            let made = (self.init)();
            // The initialiser may have used the key itself.
            locals.find(key).unwrap_or_else(|| {
                let made = Box::new(made);
                let value: *const T = &raw const *made;
                locals.0.borrow_mut().push((key, made));
                value
            })
        })
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// Declares values that each vthread has of its own.
///
/// ```
/// use std::cell::Cell;
/// vthread::vthread_local! {
///     static DEPTH: Cell<u32> = Cell::new(0);
/// }
/// vthread::run(|| {
///     DEPTH.with(|d| d.set(5));
///     let other = vthread::spawn(|| DEPTH.with(Cell::get));
///     assert_eq!((other.join().unwrap(), DEPTH.with(Cell::get)), (0, 5));
/// });
/// ```
#[macro_export]
macro_rules! vthread_local {
    ($($(#[$attribute:meta])* $visible:vis static $name:ident: $type:ty = $init:expr);* $(;)?) => {$(
        $(#[$attribute])*
        $visible static $name: $crate::LocalKey<$type> = $crate::LocalKey::new(|| $init);
    )*};
}
