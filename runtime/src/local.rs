//! Values that each vthread has of its own.

use crate::call::hop;
use crate::carrier;
use crate::fatal::dispose;
use core::any::Any;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The address of a key, and its value. `None`: all are being dropped, and this one was.
type Local = (usize, Option<Box<dyn Any>>);

/// The values of one vthread, or of one ordinary thread.
#[derive(Default)]
pub(crate) struct Locals(RefCell<Vec<Local>>);

impl Locals {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    fn find<T: 'static>(&self, key: usize) -> Option<*const T> {
        let value_in = |(_, value): &Local| value.as_ref()?.downcast_ref::<T>().map(core::ptr::from_ref);
        let found = self.0.borrow().iter().find(|(of, _)| *of == key).map(value_in);
        assert!(found != Some(None), "vthread: a vthread_local! is used after its value was dropped");
        found.flatten()
    }

    /// Drops them all, the newest first, and those that their destructors make, which make none of a key that had one. Nobody uses one any more, but for
    /// destructors those that are left. Gives what the first destructor panicked with.
    pub(crate) fn clear(&self) -> std::thread::Result<()> {
        let mut outcome = Ok(());
        loop {
            let last = self.0.borrow_mut().iter_mut().rev().find_map(|(_, value)| value.take());
            let Some(last) = last else {
                self.0.take();
                return outcome;
            };
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

thread_local! {
    /// Has no destructor of its own, so that those of its values can use the others.
    static OF_THREAD: ManuallyDrop<Locals> = const { ManuallyDrop::new(Locals::new()) };
    static AT_END: AtEnd = const { AtEnd };
    /// Its values are being dropped.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Drops the values of an ordinary thread.
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        ENDS.set(true);
        let dropped = OF_THREAD.with(|locals| locals.clear());
        ENDS.set(false);
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }
}

/// Before an ordinary thread has a value: it will be dropped.
fn will_be_dropped() {
    let will_be = AT_END.try_with(|_| ()).is_ok() || ENDS.get();
    assert!(
        will_be,
        "vthread: a vthread_local! is used at the end of a thread, after its values were dropped"
    );
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
    /// With what the initialiser or `f` panics with; in a destructor, when it was the key's own value that was dropped; on an ordinary thread that ends, after its
    /// values were dropped.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match carrier::mounted() {
            // SAFETY: this is the vthread.
            Some(root) => self.with_of(unsafe { root.task().locals() }, f),
            None => OF_THREAD.with(|locals| {
                hop(will_be_dropped);
                self.with_of(locals, f)
            }),
        }
    }

    fn with_of<R>(&'static self, locals: &Locals, f: impl FnOnce(&T) -> R) -> R {
        // A pointer leads to the initialiser: beside `f` it would leave who calls this without a bound.
        let value = hop(|| self.value_of(locals));
        // SAFETY: boxed, and only `clear` removes it, which runs after all calls of `with` in this vthread but those of its destructors; and while one of them runs
        // no other value is dropped, and its own is out of reach.
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
                locals.0.borrow_mut().push((key, Some(made)));
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
