//! The models of channels, between ordinary threads.

#[path = "../../src/channel/here.rs"]
mod fast;
#[path = "../../src/channel/queue.rs"]
mod queue;
#[path = "../../src/channel/thin.rs"]
mod thin;

use crate::carrier::here::run;
use crate::carrier::me_at_ease;
use fast::Called;
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

/// As `Sender::send`.
fn send(queue: &Queue<u32>, value: u32) {
    let sent = match queue.send_here(value) {
        Ok(sent) => sent,
        Err(value) => match me_at_ease() {
            Some(me) => queue.send_thin(me, value),
            None => queue.send(value, Some(None)),
        },
    };
    assert!(sent.is_ok(), "there is a receiver");
}

/// As `Receiver::recv`.
fn recv(queue: &Queue<u32>) -> Option<u32> {
    let otherwise = || match me_at_ease() {
        Some(me) => queue.recv_thin(me),
        None => queue.recv(Some(None), None),
    };
    queue.recv_here().unwrap_or_else(otherwise).ok()
}

/// A channel between two vthreads of a carrier, by plain accesses, until somebody from outside sends as well, an ordinary thread or a vthread of
/// another carrier, who tries it by plain accesses first: whenever it comes, every value passes once and in order.
pub fn here(capacity: usize, outside_is_a_carrier: bool) {
    let queue = Arc::new(Queue::new(capacity));
    queue.count(1, 0);
    let sender = |first: u32| {
        let queue = queue.clone();
        move || {
            (0..2).for_each(|i| send(&queue, first + i));
            queue.drop_sender();
        }
    };
    let receiver = {
        let queue = queue.clone();
        move || {
            let mut got = vec![];
            while let Some(value) = recv(&queue) {
                got.push(value);
            }
            assert!(
                got.iter().filter(|&&value| value < 10).is_sorted()
                    && got.iter().filter(|&&value| value >= 10).is_sorted()
            );
            got.sort_unstable();
            assert_eq!(got, [0, 1, 10, 11]);
            queue.drop_receiver();
        }
    };
    let outside: Box<dyn FnOnce()> = if outside_is_a_carrier {
        Box::new(run(vec![Box::new(sender(10))]))
    } else {
        let outside = thread::spawn(sender(10));
        Box::new(|| outside.join().expect("no panic"))
    };
    run(vec![Box::new(receiver), Box::new(sender(0))])();
    outside();
}

/// Calls that are answered by a vthread of the same carrier, while a thread from outside calls too.
pub fn calls() {
    let (requests, answers) = (Arc::new(Queue::new(0)), Arc::new(Queue::new(0)));
    requests.count(1, 0);
    let caller = {
        let (requests, answers) = (requests.clone(), answers.clone());
        move || {
            for i in 0..2 {
                let answer = match requests.call_here(i, &answers) {
                    Called::Answered(answer) => answer.ok(),
                    Called::Sent(receiver) => answers.recv(Some(None), Some(receiver)).ok(),
                    Called::Not(value) => {
                        let receiver = requests.send_later(value).expect("there is a receiver");
                        answers.recv(Some(None), receiver).ok()
                    }
                };
                assert_eq!(answer, Some(i + 100));
            }
            requests.drop_sender();
        }
    };
    let server = {
        let (requests, answers) = (requests.clone(), answers.clone());
        move || {
            let mut from_outside = 0;
            while let Some(request) = recv(&requests) {
                if request < 10 {
                    send(&answers, request + 100);
                } else {
                    from_outside += 1;
                }
            }
            assert_eq!(from_outside, 1);
        }
    };
    let outside = thread::spawn(move || {
        send(&requests, 10);
        requests.drop_sender();
    });
    run(vec![Box::new(server), Box::new(caller)])();
    outside.join().expect("no panic");
}
