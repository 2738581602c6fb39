//! A carrier's ring and its bell, as the kernel treats them; and the model of a carrier that sleeps there.
//!
//! The carrier's half is that of the runtime's `io/ring`: one poll of the bell at a time, which ends with a completion, and is made again before
//! the next sleep. The kernel's half is what `io_uring` does with a poll: whoever rings makes it due, and it completes when the carrier's thread is in
//! the kernel next, or, if the bell was silenced meanwhile, may go on instead.

use crate::carrier::belong_to;
use crate::sched::lock::Lock;
use crate::sched::remote::Remote;
use crate::sched::wait::{Link, Outcome, WaitList, Waiting, What};
use core::ptr::null_mut;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Condvar, Mutex, MutexGuard};
use shuttle::thread;
use std::sync::{Arc, PoisonError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Poll {
    #[default]
    None,
    Waits,
    /// Somebody has rung.
    Due,
}

#[derive(Debug, Default)]
struct Kernel {
    is_rung: bool,
    poll: Poll,
    completions: Vec<u32>,
}

/// Not an operation: the poll of the bell.
const BELL: u32 = 0;

/// The bell, and the part of the kernel that knows it.
#[derive(Debug)]
pub(crate) struct Bell {
    kernel: Mutex<Kernel>,
    /// Something the carrier may sleep for.
    changed: Condvar,
}

impl Bell {
    #[expect(clippy::unnecessary_wraps, reason = "as the runtime's")]
    pub(crate) fn new() -> Option<Self> {
        Some(Self { kernel: Mutex::default(), changed: Condvar::new() })
    }

    fn kernel(&self) -> MutexGuard<'_, Kernel> {
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn silence(&self) {
        let mut kernel = self.kernel();
        kernel.is_rung = false;
        // On the way back from the call.
        kernel.work();
    }

    pub(crate) fn ring(&self) {
        let mut kernel = self.kernel();
        kernel.is_rung = true;
        if kernel.poll == Poll::Waits {
            kernel.poll = Poll::Due;
        }
        drop(kernel);
        self.changed.notify_all();
    }

    /// The kernel has carried an operation out.
    fn complete(&self, name: u32) {
        self.kernel().completions.push(name);
        self.changed.notify_all();
    }
}

impl Kernel {
    /// What the carrier's thread does in the kernel before all else.
    fn work(&mut self) {
        if self.poll == Poll::Due {
            if self.is_rung || thread_rng().r#gen() {
                self.poll = Poll::None;
                self.completions.push(BELL);
            } else {
                self.poll = Poll::Waits;
            }
        }
    }

    fn watch(&mut self) {
        assert_eq!(self.poll, Poll::None, "the bell is watched twice");
        self.poll = if self.is_rung { Poll::Due } else { Poll::Waits };
    }
}

struct Ring {
    bell: &'static Bell,
    is_bell_watched: bool,
}

impl Ring {
    fn completed(&mut self, mut each: impl FnMut(u32)) {
        for name in core::mem::take(&mut self.bell.kernel().completions) {
            if name == BELL {
                self.is_bell_watched = false;
            } else {
                each(name);
            }
        }
    }

    fn wait(&mut self) {
        let mut kernel = self.bell.kernel();
        if !self.is_bell_watched {
            kernel.watch();
            self.is_bell_watched = true;
        }
        kernel.work();
        while kernel.completions.is_empty() {
            kernel = self.bell.changed.wait(kernel).unwrap_or_else(PoisonError::into_inner);
            kernel.work();
        }
    }
}

/// A carrier has operations under way while others send to it: whether it sleeps in its ring, on its futex or not at all, it hears of everything. The
/// last operation waits for what is sent, so none of its completions makes up for a bell that is not heard.
pub fn ring(claimers: usize, operations: u32) {
    let home = Remote::take();
    let bell = home.bell().expect("a bell");
    *bell.kernel() = Kernel::default();
    belong_to(Some(home));
    let waiters: Vec<Waiting> = (0..claimers).map(|_| Waiting::new(What::new(&"waits"))).collect();
    belong_to(None);
    let links: Vec<Link> = waiters.iter().map(|waiting| Link::new(waiting, null_mut())).collect();
    let list = Arc::new(Lock::new(WaitList::new()));
    for link in &links {
        // SAFETY: waiters and links stay until the end of this function, when all were taken out.
        unsafe { list.lock().push(link) };
    }
    let claim = |list: Arc<Lock<WaitList>>| {
        move || {
            let claimed = list.lock().claim_first(Outcome::Notified);
            drop(claimed);
        }
    };
    let mut threads: Vec<_> = (0..claimers).map(|_| thread::spawn(claim(list.clone()))).collect();
    threads.push(thread::spawn(move || (1..operations).for_each(|name| bell.complete(name))));
    let (mut back, mut under_way, mut is_last_done) = (0, operations, false);
    let mut ring = Ring { bell, is_bell_watched: false };
    loop {
        home.drain(|_| back += 1);
        if under_way > 0 {
            ring.completed(|_| under_way -= 1);
        }
        if back == claimers && under_way == 0 {
            break;
        }
        if back == claimers && !core::mem::replace(&mut is_last_done, true) {
            bell.complete(operations);
        }
        if under_way > 0 {
            // Silent before it is said where the carrier sleeps: after that it is rung for this sleep.
            let _ = home.bell();
            home.sleep_elsewhere(|| false, || ring.wait());
        } else {
            home.sleep(None, || false);
        }
    }
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert!(list.lock().is_empty() && !home.has_news());
    home.give_back();
}
