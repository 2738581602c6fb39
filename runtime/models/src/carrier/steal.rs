//! The model of carriers that share starts.

use super::member::Group;
use super::start::Start;
use shuttle::sync::atomic::{AtomicU32, Ordering::SeqCst};
use shuttle::thread;
use std::sync::Arc;

/// Two carriers and an ordinary thread: what is published is started once, and nobody sleeps while there is something to start.
pub fn steal() {
    const STARTS: u32 = 4;
    let (group, members) = Group::new(2);
    let done = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = members
        .into_iter()
        .enumerate()
        .map(|(index, member)| {
            let (group, done) = (group.clone(), done.clone());
            thread::spawn(move || {
                if index == 0 {
                    // One carrier publishes, and then is busy: the other has to come.
                    (0..2).for_each(|_| member.publish(Start(1)));
                }
                loop {
                    while let Some(Start(one)) = member.pop().or_else(|| member.steal()) {
                        done.fetch_add(one, SeqCst);
                    }
                    if group.is_ending() && !group.has_starts() {
                        return;
                    }
                    let more = || group.has_starts() || group.is_ending();
                    member.while_asleep(false, true, || member.seat().remote.sleep(None, more));
                }
            })
        })
        .collect();
    (0..2).for_each(|_| group.inject(Start(1)));
    while done.load(SeqCst) < STARTS {
        thread::yield_now();
    }
    group.end(false);
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(done.load(SeqCst), STARTS);
}
