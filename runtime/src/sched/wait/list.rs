//! Those who wait for a thing, and their places in its list.

use super::claimed::{Claimed, ClaimedAll};
use super::{Outcome, Waiting};
use core::cell::Cell;
use core::marker::PhantomPinned;
use core::ptr::null;

/// Instead of a link's address. Two words less in the frame of every wait than words that say it.
pub(super) const NOWHERE: *const Link = core::ptr::without_provenance(1);

/// A waiter's place in a list.
pub(crate) struct Link {
    pub(super) waiting: *const Waiting,
    /// Where a value goes to or comes from; the list's users know its type.
    pub(super) slot: *mut (),
    /// Of the first, the last. [`NOWHERE`]: it is in no list.
    pub(super) previous: Cell<*const Link>,
    /// [`NOWHERE`]: it was claimed through its list.
    pub(super) next: Cell<*const Link>,
    _pinned: PhantomPinned,
}

impl Link {
    #[inline(always)]
    pub(crate) fn new(waiting: &Waiting, slot: *mut ()) -> Self {
        Self { waiting, slot, previous: Cell::new(NOWHERE), next: Cell::new(null()), _pinned: PhantomPinned }
    }

    /// Through the list that this link was in. Known to the waiter, who may have links in others, when it goes on.
    pub(crate) fn was_claimed_here(&self) -> bool {
        self.next.get() == NOWHERE
    }
}

/// Those who wait for a thing, first come, first served. Under the thing's lock. One word: the last is the first's `previous`.
#[derive(Debug)]
pub(crate) struct WaitList {
    pub(super) first: *const Link,
}

// SAFETY: links are other threads' memory that is touched under the list's lock only; see the protocol.
unsafe impl Send for WaitList {}

impl WaitList {
    pub(crate) const fn new() -> Self {
        Self { first: null() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Does anybody wait but the owner of that link?
    pub(crate) fn has_other_than(&self, link: &Link) -> bool {
        let mut next = self.first;
        // SAFETY: links in the list and their waiters are valid.
        while let Some(other) = unsafe { next.as_ref() } {
            // SAFETY: as above.
            if other.waiting != link.waiting && !unsafe { &*other.waiting }.is_claimed() {
                return true;
            }
            next = other.next.get();
        }
        false
    }

    /// # Safety
    /// Link and waiter stay where they are until the link was taken out: by a claim through this list, or by
    /// [`remove`](Self::remove).
    #[inline]
    pub(crate) unsafe fn push(&mut self, link: &Link) {
        link.next.set(null());
        // SAFETY: links in the list are valid.
        if let Some(first) = unsafe { self.first.as_ref() } {
            let last = first.previous.replace(link);
            link.previous.set(last);
            // SAFETY: as above.
            unsafe { (*last).next.set(link) };
        } else {
            link.previous.set(link);
            self.first = link;
        }
    }

    /// Takes it out, if it is in.
    ///
    /// # Safety
    /// It was pushed onto this list or onto none.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, link: &Link) {
        if link.previous.get() == NOWHERE {
            return;
        }
        let (previous, next) = (link.previous.replace(NOWHERE), link.next.get());
        let is_first = core::ptr::eq(self.first, link);
        if is_first {
            self.first = next;
        }
        // SAFETY: links in the list are valid.
        unsafe {
            if !is_first {
                (*previous).next.set(next);
            }
            // Of the last, the first has to know.
            if let Some(after) = if next.is_null() { self.first } else { next }.as_ref() {
                after.previous.set(previous);
            }
        }
    }

    /// Claims the first that nobody else has claimed.
    #[inline(always)]
    pub(crate) fn claim_first(&mut self, outcome: Outcome) -> Option<Claimed> {
        self.claim_first_if(outcome, |_| true)
    }

    /// The same, if its slot is right; nobody goes before the first.
    #[inline(always)]
    pub(crate) fn claim_first_if(
        &mut self,
        outcome: Outcome,
        is_right: impl Fn(*mut ()) -> bool,
    ) -> Option<Claimed> {
        // SAFETY: links in the list and their waiters are valid.
        while let Some(link) = unsafe { self.first.as_ref() } {
            // SAFETY: as above.
            let waiting = unsafe { &*link.waiting };
            if waiting.is_claimed() {
                // Its owner has no need for its place any more.
                self.remove_first(link);
            } else if !is_right(link.slot) {
                return None;
            } else if waiting.claim_listed(outcome) {
                self.remove_first(link);
                link.next.set(NOWHERE);
                return Some(Claimed { waiting, slot: link.slot });
            }
        }
        None
    }

    #[inline(always)]
    pub(super) fn remove_first(&mut self, first: &Link) {
        debug_assert!(core::ptr::eq(self.first, first));
        let last = first.previous.replace(NOWHERE);
        self.first = first.next.get();
        // SAFETY: links in the list are valid.
        if let Some(next) = unsafe { self.first.as_ref() } {
            next.previous.set(last);
        }
    }

    /// Claims all. They are woken when the result is used up or dropped, which should be after the lock.
    #[inline]
    pub(crate) fn claim_all(&mut self, outcome: Outcome) -> ClaimedAll {
        let mut all = ClaimedAll::new();
        while let Some(claimed) = self.claim_first(outcome) {
            all.push(claimed);
        }
        all
    }
}
