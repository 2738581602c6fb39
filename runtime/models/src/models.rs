//! The models: each is one run, in whatever order shuttle chooses. Those of channels and of starts stand beside the files that they are of.

pub use crate::carrier::steal::steal;
pub use crate::channel::{calls, channel, closing, here};
pub use crate::ends::{Handle, end_elsewhere, end_here};
pub use crate::permits::{Parks, permit};
pub use crate::ring::ring;
pub use crate::scope::scope;

use crate::carrier::belong_to;
use crate::facade::set_owner;
use crate::sched::latch::Latch;
use crate::sched::lock::Lock;
use crate::sched::remote::Remote;
use crate::sched::task_ref::TaskRef;
use crate::sched::wait::{Link, Outcome, WaitList, Waiting, What};
use crate::scope::ScopeState;
use core::ptr::null_mut;
use shuttle::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use shuttle::thread;
use std::sync::Arc;

/// One owner and two others are never inside together, whenever ownership is taken away; nor are those that want to be the first.
pub fn lock(is_owned: bool, another_owner: bool) {
    set_owner(1);
    let lock = Arc::new(if is_owned { Lock::of_this_carrier(0_u32) } else { Lock::new(0) });
    let inside = Arc::new(AtomicBool::new(false));
    let enter = move |id: u32, times: u32| {
        set_owner(id);
        let add = |count: &mut u32| {
            assert!(!inside.swap(true, SeqCst), "two are inside");
            *count += 1;
            inside.store(false, SeqCst);
        };
        for _ in 0..times {
            // As most do: who is not its owner has changed nothing by having asked.
            match lock.lock_as_owner() {
                Some(mut count) => add(&mut count),
                None => add(&mut lock.lock()),
            }
        }
        *lock.lock()
    };
    let ids = [1, 0, if another_owner { 2 } else { 0 }];
    let threads = ids.map(|id| {
        let enter = enter.clone();
        thread::spawn(move || enter(id, 3))
    });
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(enter(0, 0), 9);
}

struct Shared {
    lock: Lock<WaitList>,
    claimed: AtomicU32,
}

/// Vthreads of a carrier wait in a list; others claim them there, or their time ends; each comes back to the carrier once, by its inbox,
/// and no wake-up is lost while the carrier sleeps.
pub fn inbox(claimers: usize) {
    const WAITERS: usize = 2;
    let shared = Arc::new(Shared { lock: Lock::new(WaitList::new()), claimed: AtomicU32::new(0) });
    let home = Remote::take();
    belong_to(Some(home));
    let waiters: Vec<Waiting> = (0..WAITERS).map(|_| Waiting::new(What::new(&"waits"))).collect();
    belong_to(None);
    let links: Vec<Link> = waiters.iter().map(|waiting| Link::new(waiting, null_mut())).collect();
    for link in &links {
        // SAFETY: waiters and links stay until the end of this function, when all were taken out.
        unsafe { shared.lock.lock().push(link) };
    }
    let claim = |shared: Arc<Shared>| {
        move || {
            let claimed = shared.lock.lock().claim_first(Outcome::Notified);
            shared.claimed.fetch_add(u32::from(claimed.is_some()), SeqCst);
            drop(claimed);
        }
    };
    let threads: Vec<_> = (0..claimers).map(|_| thread::spawn(claim(shared.clone()))).collect();
    // The carrier's own claim, as of a timer, against theirs.
    let timed_out = waiters[0].claim(Outcome::TimedOut);
    let theirs = claimers.min(WAITERS - usize::from(timed_out));
    let mut back = 0;
    while back < theirs {
        home.drain(|waiting| {
            assert!(!(timed_out && core::ptr::eq(waiting, &raw const waiters[0])), "claimed twice");
            back += 1;
        });
        if back < theirs {
            home.sleep(None, || false);
        }
    }
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(shared.claimed.load(SeqCst) as usize, theirs);
    for link in &links {
        // SAFETY: this is their list, if they are in any.
        unsafe { shared.lock.lock().remove(link) };
    }
    assert!(shared.lock.lock().is_empty() && !home.has_news());
    home.give_back();
}

/// A cancellation that is requested is heard, whenever the carrier goes to sleep.
pub fn requests() {
    let home = Remote::take();
    let asker = thread::spawn(|| home.request_cancellations());
    while !home.take_cancellations() {
        home.sleep(None, || false);
    }
    asker.join().expect("no panic");
    home.give_back();
}

/// A task goes when its last reference does, once and not before: the vthread's, its handle's on the same carrier, and those that others
/// were given.
pub fn references(others: usize) {
    let scope = ScopeState::with_children(1);
    let [vthread, handle] = TaskRef::new(None, Some(scope.clone()), false);
    let threads: Vec<_> = (0..others)
        .map(|_| {
            let other = vthread.clone();
            thread::spawn(move || {
                other.look();
                let another = other.clone();
                drop(other);
                thread::yield_now();
                another.look();
            })
        })
        .collect();
    if vthread.end_here() {
        drop(vthread);
    } else {
        core::mem::forget(vthread);
    }
    handle.look();
    drop(handle);
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(scope.running(), 0);
    assert_eq!(Arc::strong_count(&scope), 1);
}

/// The end of a scope, or of a call: whoever waits for it goes on when the last has said so, whenever it comes.
pub fn end() {
    let (latch, children) = (Arc::new(Latch::new()), Arc::new(AtomicU32::new(2)));
    let ended = |(latch, children): (Arc<Latch>, Arc<AtomicU32>)| {
        move || {
            if children.fetch_sub(1, SeqCst) == 1 {
                latch.set();
            }
        }
    };
    let threads = [(); 2].map(|()| thread::spawn(ended((latch.clone(), children.clone()))));
    latch.wait(What::new(&"waits for the end"));
    assert_eq!(children.load(SeqCst), 0);
    latch.wait(What::new(&"waits again"));
    for thread in threads {
        thread.join().expect("no panic");
    }
}
