//! The models of a vthread's end: its handle, who waits for it, and its result.

use crate::carrier::here;
use crate::facade::set_owner;
use crate::sched::task::Ended;
use crate::sched::task_ref::TaskRef;
use shuttle::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use shuttle::thread;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

/// Of one vthread: whether its result is there, and how often it was taken or dropped. It is no step of the model but where it is looked at.
#[derive(Default)]
struct Result {
    is_there: AtomicBool,
    taken: AtomicU32,
}

impl Result {
    fn take(&self) {
        assert!(self.is_there.load(SeqCst), "taken before it was there");
        assert_eq!(self.taken.fetch_add(1, SeqCst), 0, "taken twice");
    }
}

/// What `scope::child` does at the end of a vthread.
fn end(task: TaskRef, result: &Result) {
    result.is_there.store(true, SeqCst);
    let Ended { is_unwanted, has_reference } = task.end();
    if is_unwanted {
        result.take();
    }
    if has_reference {
        drop(task);
    } else {
        core::mem::forget(task);
    }
}

/// What a handle does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// It is dropped.
    Drops,
    /// It joins, as long as it takes.
    Joins,
    /// It joins until a time that is over, and is dropped if that was too early.
    JoinsInTime,
    /// It is polled, and is dropped or joined when it was woken.
    Polls,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Handle {
    fn acts(self, task: &TaskRef, result: &Result) {
        let has_ended = match self {
            Self::Drops => false,
            Self::Joins => {
                if !task.join_here() {
                    while !task.join(None) {}
                }
                true
            }
            Self::JoinsInTime => task.wait_for_end(Some(Instant::now())),
            Self::Polls => {
                let woken = Arc::new(Woken(AtomicBool::new(false)));
                if !task.has_ended_or_wakes(&Waker::from(woken.clone())) {
                    while !woken.0.load(SeqCst) {
                        thread::yield_now();
                    }
                }
                assert!(task.has_ended(), "woken too early");
                true
            }
        };
        // A join takes the result; who has not joined asks who drops it.
        if has_ended || task.leave_result() {
            result.take();
        }
    }
}

/// A vthread of one carrier ends while its handle is used by another carrier's vthread, or by an ordinary thread: the result is taken once, by
/// one of the two, and the task goes once, after both. `is_owned`: the lock of the task belongs to the vthread's carrier at first.
pub fn end_elsewhere(handle: Handle, by_a_vthread: bool, is_owned: bool) {
    let result = Arc::new(Result::default());
    let both = Arc::new(std::sync::Mutex::new(None));
    let (made, to_end) = (both.clone(), result.clone());
    let is_made = Arc::new(AtomicBool::new(false));
    let says_so = is_made.clone();
    let vthread = here::run(vec![Box::new(move || {
        let [task, its_handle] = TaskRef::new(None, None, is_owned);
        *made.lock().expect("no panic") = Some(its_handle);
        says_so.store(true, SeqCst);
        thread::yield_now();
        end(task, &to_end);
    })]);
    let acts = {
        let result = result.clone();
        move || {
            while !is_made.load(SeqCst) {
                thread::yield_now();
            }
            let task = both.lock().expect("no panic").take().expect("it was made");
            // A handle that has come from another thread.
            handle.acts(&task, &result);
        }
    };
    if by_a_vthread {
        here::run(vec![Box::new(acts)])();
    } else {
        set_owner(0);
        acts();
    }
    vthread();
    assert_eq!(result.taken.load(SeqCst), 1, "the result was lost");
}

/// The same on one carrier, where both go without atomic operations, beside a thread that has a reference and takes the lock away.
pub fn end_here(handle: Handle, interferes: bool) {
    let result = Arc::new(Result::default());
    let other: Arc<std::sync::Mutex<Option<TaskRef>>> = Arc::default();
    let tasks = Arc::new(std::sync::Mutex::new(None));
    let (made, given) = (tasks.clone(), other.clone());
    let (to_end, to_act) = (result.clone(), result.clone());
    let is_made = Arc::new(AtomicBool::new(false));
    let says_so = is_made.clone();
    let joins = here::run(vec![
        Box::new(move || {
            let [task, its_handle] = TaskRef::new(None, None, true);
            if interferes {
                *given.lock().expect("no panic") = Some(task.clone());
            }
            *made.lock().expect("no panic") = Some(task);
            says_so.store(true, SeqCst);
            handle.acts(&its_handle, &to_act);
        }),
        Box::new(move || {
            let task = tasks.lock().expect("no panic").take().expect("it was made");
            end(task, &to_end);
        }),
    ]);
    if interferes {
        while !is_made.load(SeqCst) {
            thread::yield_now();
        }
        set_owner(0);
        let task = other.lock().expect("no panic").take().expect("it was made");
        // As a `select!` on another thread does, and finds out by waiting or not.
        let _ = task.wait_for_end(Some(Instant::now()));
        drop(task);
    }
    joins();
    assert_eq!(result.taken.load(SeqCst), 1, "the result was lost");
}
