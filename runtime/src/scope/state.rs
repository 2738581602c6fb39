//! What children and the owner of a scope share: how many run, the first panic, the request to end.

use crate::carrier::{self, Payload};
use crate::config::MakeAllocator;
use crate::facade::{AtomicBool, Ordering::SeqCst};
use crate::fatal::{dispose, fatal};
use crate::sched::lock::{Guard, Lock};
use crate::sched::task::{Cancelled, is_cancelled};
use crate::sched::wait::{Link, Outcome, WaitList, Waiting, What};
use std::panic::catch_unwind;
use std::sync::Arc;

/// What children and the owner of a scope share.
pub(crate) struct ScopeState {
    /// Of the vthread that opened it: a cancellation there reaches in here.
    parent: Option<Arc<ScopeState>>,
    /// Makes the allocators for the stacks of its vthreads, and of those of scopes in it; `None`: the runtime's.
    pub(crate) allocator: Option<Arc<MakeAllocator>>,
    cancelled: AtomicBool,
    children: Lock<Children>,
}

pub(super) struct Children {
    pub(super) running: usize,
    /// The first panic that no handle has taken.
    pub(super) panic: Option<Payload>,
    /// Who waits for the last to end.
    owner: WaitList,
}

impl ScopeState {
    pub(super) fn new(allocator: Option<MakeAllocator>) -> Arc<Self> {
        let parent = carrier::mounted().and_then(|root| root.task().scope.clone());
        let inherited = || parent.as_ref().and_then(|parent| parent.allocator.clone());
        Arc::new(Self {
            allocator: allocator.map(Arc::new).or_else(inherited),
            parent,
            cancelled: AtomicBool::new(false),
            children: Lock::new(Children { running: 0, panic: None, owner: WaitList::new() }),
        })
    }

    pub(super) fn lock(&self) -> Guard<'_, Children> {
        self.children.lock()
    }

    /// It, or one around it.
    pub(crate) fn is_cancelled(&self) -> bool {
        let mut scope = Some(self);
        while let Some(this) = scope {
            if this.cancelled.load(SeqCst) {
                return true;
            }
            scope = this.parent.as_deref();
        }
        false
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, SeqCst);
    }

    pub(super) fn panicked(&self, payload: Payload) {
        // Who is to end has ended, if it is this scope that was cancelled, or who calls (the child, as a rule), by its runtime. A child that dies of
        // another scope's cancellation, passed on, has panicked.
        let is_expected = payload.is::<Cancelled>() && (self.is_cancelled() || is_cancelled());
        if !is_expected {
            // Another one's is dropped after the lock, and keeps no child from ending if it panics.
            let second = {
                let panic = &mut self.lock().panic;
                if panic.is_none() { panic.replace(payload) } else { Some(payload) }
            };
            dispose(second);
        }
    }

    pub(super) fn child_begins(&self) {
        self.lock().running += 1;
    }

    pub(super) fn child_ended(&self) {
        let mut children = self.lock();
        children.running -= 1;
        if children.running == 0 {
            let owner = children.owner.claim_all(Outcome::Notified);
            drop(children);
            owner.wake();
        }
    }

    /// Never unwinds: what children borrow would go away.
    pub(super) fn wait_for_children(&self) {
        while self.lock().running > 0 {
            let must = || Waiting::to_the_end(What::new(&"waits for the vthreads of its scope"));
            let Ok(waiting) = catch_unwind(must) else {
                fatal(format_args!("a scope cannot wait for its vthreads here, nor go on without them"));
            };
            let link = Link::new(&waiting, core::ptr::null_mut());
            let mut children = self.lock();
            if children.running > 0 {
                // SAFETY: no timeout and no cancellation ends this wait, only a claim through the list.
                unsafe { children.owner.push(&link) };
                drop(children);
                waiting.wait(None);
            }
        }
    }
}
