//! Waits in one list with as little on the vthread's stack as there can be.

use super::super::lock::Guard;
use super::super::task::checkpoint;
use super::in_list::list_in;
use super::{Link, Outcome, WaitList, Waiting, What};
use crate::call::hop;
use crate::carrier;
use core::mem::MaybeUninit;

/// A vthread that waits in one list. In the frame of the wait, and nowhere else while it does.
#[cfg(vthread_native)]
pub(crate) struct InList {
    pub(super) waiting: Waiting,
    pub(super) link: Link,
}

#[cfg(vthread_native)]
impl InList {
    /// Makes it in `place`, and puts it into a list of what `guard` locks. The running vthread then leaves for what this gives.
    ///
    /// # Panics
    /// With [`Cancelled`](super::super::task::Cancelled), if that is what happened.
    ///
    /// # Safety
    /// There is room. It stays there until the vthread goes on, and then until the link was taken out. Called by [`wait_thin`].
    #[inline(always)]
    pub(crate) unsafe fn enlist<S>(
        place: *mut Self,
        guard: Guard<'_, S>,
        list: impl FnOnce(&mut S) -> &mut WaitList,
        what: What,
        slot: *mut (),
    ) -> carrier::Next {
        // Who is cancelled would not leave.
        checkpoint();
        let (guard, state) = guard.into_raw();
        // SAFETY: the caller's promise. The guard locks the state and the list in it. Nothing from here on unwinds or lets others run once it is in the list.
        unsafe {
            let list = list_in(state, list);
            (&raw mut (*place).waiting).write(Waiting::of_vthread(what, carrier::home(), true, true));
            (&raw mut (*place).link).write(Link::new(&(*place).waiting, slot));
            (*list).push(&(*place).link);
            drop(guard);
            carrier::begin_wait(&(*place).waiting, None, None)
        }
    }

    /// Takes it out of its list, if it is in.
    ///
    /// # Safety
    /// That is its list, under its lock.
    pub(crate) unsafe fn remove_from(&self, list: &mut WaitList) {
        // SAFETY: the caller's promise.
        unsafe { list.remove(&self.link) };
    }
}

/// Waits in one list, for as long as it takes, with as little on the vthread's stack as there can be: what it waits in and what its
/// caller has. `begin` looks whether it has to wait, and if so [enlists](InList::enlist) itself and gives what is to go on; `end` is told how the
/// wait has ended, and takes the link out unless it was notified. Both are hopped to.
///
/// # Safety
/// `end` does that.
#[cfg(vthread_native)]
#[inline(always)]
pub(crate) unsafe fn wait_thin(
    me: carrier::AtEase,
    begin: impl FnOnce(*mut InList) -> carrier::Next,
    end: impl FnOnce(&InList, Outcome),
) {
    let mut place = MaybeUninit::<InList>::uninit();
    let place = place.as_mut_ptr();
    let root = me.root();
    let next = hop(move || begin(place));
    if next.is_nobody() {
        return;
    }
    // SAFETY: at ease. `begin` has made what is there; whoever resumes from there has claimed it, which happens once.
    unsafe { me.leave_for(next, (*place).waiting.parked_place().as_ptr()) };
    hop(move || {
        carrier::end_wait(root, None);
        // SAFETY: as above. A vthread's has nothing to drop.
        let place = unsafe { &*place };
        end(place, place.waiting.outcome());
    });
}
