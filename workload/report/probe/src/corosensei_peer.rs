//! corosensei: coroutines without a scheduler.

use crate::Item;
use crate::usage::timed;
use corosensei::{Coroutine, CoroutineResult};

pub(crate) const ITEMS: &[Item] = &[("switch", |n| {
    let mut partner = Coroutine::<(), (), ()>::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    let done =
        timed(|| (0..n).map(|_| u64::from(matches!(partner.resume(()), CoroutineResult::Yield(())))).sum());
    // Dropped while suspended it would have to be unwound.
    // SAFETY: nothing on its stack needs a drop.
    unsafe { partner.force_reset() };
    done
})];
