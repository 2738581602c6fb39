//! The models of a vthread's permit.

use crate::carrier::here;
use crate::carrier::me_at_ease;
use crate::facade::set_owner;
use crate::sched::task_ref::TaskRef;
use shuttle::sync::atomic::{AtomicU32, Ordering::SeqCst};
use shuttle::thread;
use std::sync::Arc;

/// How the vthread parks.
#[derive(Clone, Copy, Debug)]
pub enum Parks {
    /// At ease, with as little on its stack as there can be.
    Thinly,
    /// As `park_timeout` does.
    Otherwise,
}

/// A vthread parks twice, and an ordinary thread or a vthread of another carrier unparks it twice, the second time when the first permit was
/// taken: none is lost, and none is taken that was not granted. `is_owned`: the lock belongs to the vthread's carrier at first.
pub fn permit(parks: Parks, from_a_carrier: bool, is_owned: bool) {
    const TIMES: u32 = 2;
    let (granted, taken) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let [task, other] = TaskRef::new(None, None, is_owned);
    let parker = {
        let (granted, taken, task) = (granted.clone(), taken.clone(), task.clone());
        move || {
            for _ in 0..TIMES {
                match me_at_ease() {
                    Some(me) if matches!(parks, Parks::Thinly) => task.park_thin(me),
                    _ => task.park(None),
                }
                let taken = taken.fetch_add(1, SeqCst) + 1;
                assert!(granted.load(SeqCst) >= taken, "went on without a permit");
            }
        }
    };
    let unparker = |times: u32, task: TaskRef| {
        let (granted, taken) = (granted.clone(), taken.clone());
        move || {
            for _ in 0..times {
                granted.fetch_add(1, SeqCst);
                task.unpark();
                // The next one is for the next park.
                while taken.load(SeqCst) < granted.load(SeqCst) {
                    thread::yield_now();
                }
            }
        }
    };
    let outside = unparker(TIMES, other);
    let carrier = here::run(vec![Box::new(parker)]);
    if from_a_carrier {
        here::run(vec![Box::new(outside)])();
    } else {
        set_owner(0);
        outside();
    }
    carrier();
    assert_eq!(taken.load(SeqCst), TIMES, "a permit was lost");
    // One is kept, however often it is granted.
    let again = task.clone();
    here::run(vec![Box::new(move || {
        again.unpark();
        again.unpark();
        again.park(None);
    })])();
    drop(task);
}
