//! The models of channels, between ordinary threads.

#[path = "../../src/channel/queue.rs"]
mod queue;

use queue::Queue;
use shuttle::thread;
use std::sync::Arc;

/// Values pass through a channel of that capacity once and in order, and its end is heard.
pub fn channel(capacity: usize) {
    let queue = Arc::new(Queue::new(capacity));
    queue.count(1, 0);
    let senders = [0, 10].map(|first| {
        let queue = queue.clone();
        thread::spawn(move || {
            for i in 0..2 {
                assert!(queue.send(first + i, Some(None)).is_ok());
            }
            queue.drop_sender();
        })
    });
    let mut got = vec![];
    while let Ok(value) = queue.recv(Some(None), None) {
        got.push(value);
    }
    for sender in senders {
        sender.join().expect("no panic");
    }
    assert!(
        got.iter().filter(|&&value| value < 10).is_sorted()
            && got.iter().filter(|&&value| value >= 10).is_sorted()
    );
    got.sort_unstable();
    assert_eq!(got, [0, 1, 10, 11]);
    queue.drop_receiver();
}

/// Nobody waits for ever whose channel has lost its other side.
pub fn closing() {
    let queue = Arc::new(Queue::new(0));
    let sender = {
        let queue = queue.clone();
        thread::spawn(move || queue.send(1, Some(None)).is_ok())
    };
    let receiver = thread::spawn({
        let queue = queue.clone();
        move || {
            let got = queue.recv(None, None).is_ok();
            queue.drop_receiver();
            got
        }
    });
    assert_eq!(sender.join().expect("no panic"), receiver.join().expect("no panic"));
}
