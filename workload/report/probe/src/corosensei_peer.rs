//! corosensei: coroutines without a scheduler.

use crate::Item;
use crate::usage::timed;
use corosensei::Coroutine;

pub(crate) const ITEMS: &[Item] = &[("switch", |n| {
    let mut partner = Coroutine::<(), (), ()>::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    // Nothing but the switch, as in our loop. The compiler may keep the coroutine's handle in a register.
    let done = timed(|| {
        for _ in 0..n {
            partner.resume(());
        }
        n * u64::from(!partner.done())
    });
    // Dropped while suspended it would have to be unwound.
    // SAFETY: nothing on its stack needs a drop.
    unsafe { partner.force_reset() };
    done
})];
