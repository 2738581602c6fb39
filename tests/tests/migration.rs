//! What docs/MIGRATION.md says that things are called here: each of them is called so, and does it.

#![cfg(vthread_link_step)]

use std::cell::Cell;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use vthread::channel::{self, oneshot, watch};
use vthread::sync::{Barrier, Condvar, Mutex, Notify, RwLock, Semaphore};

const SOON: Duration = Duration::from_secs(20);

#[vthread::test]
fn from_std_threads() {
    assert_eq!(vthread::spawn(|| 1).join().expect("no panic"), 1);
    let not_send = std::rc::Rc::new(2);
    assert_eq!(vthread::spawn_local(move || *not_send).join().expect("no panic"), 2);

    let mut sum = 0;
    vthread::scope(|s| {
        s.spawn(|| sum += 1);
    });
    assert_eq!(sum, 1);

    let me = vthread::current().expect("a vthread");
    vthread::spawn(move || me.unpark());
    vthread::park();
    vthread::sleep(Duration::from_millis(1));
    vthread::yield_now();
}

#[vthread::test]
fn locks_are_never_poisoned() {
    let shared = Arc::new((Mutex::new(0), Condvar::new(), RwLock::new(0), Barrier::new(2)));
    let other = shared.clone();
    let child = vthread::spawn(move || {
        *other.0.lock() += 1;
        other.1.notify_one();
        *other.2.write() += 1;
        other.3.wait();
        let _held = other.0.lock();
        panic!("while it holds a lock");
    });
    let mut count = shared.0.lock();
    while *count == 0 {
        count = shared.1.wait(count);
    }
    drop(count);
    shared.3.wait();
    child.join().expect_err("it panicked");
    assert_eq!((*shared.0.lock(), *shared.2.read()), (1, 1));
}

#[vthread::test]
fn channels_and_locals() {
    let (sender, receiver) = channel::bounded(1);
    let second = receiver.clone();
    sender.send(1).expect("there is a receiver");
    assert_eq!(second.recv(), Ok(1));
    let (sender, receiver) = channel::rendezvous();
    vthread::spawn(move || sender.send(2));
    assert_eq!(receiver.recv(), Ok(2));
    let (sender, receiver) = channel::unbounded();
    sender.send(3).expect("there is a receiver");
    assert_eq!(receiver.recv_timeout(SOON), Ok(3));
    let (sender, receiver) = oneshot::channel();
    sender.send(4).expect("there is a receiver");
    assert_eq!(receiver.recv(), Ok(4));
    let (sender, mut receiver) = watch::channel(5);
    sender.send(6);
    assert_eq!(*receiver.recv().expect("there is a sender"), 6);

    vthread::vthread_local! {
        static OWN: Cell<u32> = Cell::new(0);
    }
    OWN.with(|own| own.set(1));
    assert_eq!(vthread::spawn(|| OWN.with(Cell::get)).join().expect("no panic"), 0);

    let thread = vthread::os::spawn(|| 7).expect("a thread");
    assert_eq!(thread.join().expect("no panic"), 7);
}

#[vthread::test]
fn from_rayon() {
    let (a, b) = vthread::scope(|s| {
        let a = s.spawn(|| 1);
        (2, a.join().expect("no panic"))
    });
    let mut c = 0;
    let d = vthread::finish! {
        async { c += 3 }
        4
    };
    assert_eq!((a, b, c, d), (2, 1, 3, 4));
}

#[vthread::test]
fn from_tokio() {
    let semaphore = Semaphore::new(0);
    let short = Duration::from_millis(1);
    assert!(semaphore.acquire_timeout(1, short).is_none());
    vthread::park_timeout(short);
    assert!(Notify::new().wait_timeout(short) || Mutex::new(()).lock_timeout(SOON).is_some());
    let long = vthread::spawn(move || vthread::sleep(short)).join_timeout(SOON);
    long.expect("it ends in time").expect("no panic");

    assert_eq!(vthread::blocking(|| 5), 5);
    assert_eq!(vthread::block_on(async { 6 }), 6);

    let (sender, receiver) = channel::unbounded();
    sender.send(7).expect("there is a receiver");
    vthread::select! {
        recv(receiver) -> got => assert_eq!(got, Ok(7)),
        default(SOON) => panic!("it was sent"),
    }

    let cancelled = vthread::scope(|s| {
        let waits = s.spawn(vthread::park);
        s.cancel();
        waits.join().expect_err("cancelled")
    });
    assert!(cancelled.is::<vthread::Cancelled>());
}

#[vthread::test]
fn files_and_sockets() {
    let path = std::env::temp_dir().join(format!("vthread-migration-{}", std::process::id()));
    vthread::fs::write(&path, "text").expect("written");
    assert_eq!(vthread::fs::read_to_string(&path).expect("read"), "text");
    vthread::fs::remove_file(&path).expect("removed");

    // The reader waits before anything is written, on the same carrier: it must park, or its time is over.
    let listener = TcpListener::bind(("localhost", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = vthread::blocking(|| TcpStream::connect(address)).expect("connected");
    let (mut server, _) = vthread::blocking(|| listener.accept()).expect("accepted");
    client.set_read_timeout(Some(SOON)).expect("a socket");
    let reader = vthread::spawn_local(move || {
        let mut buffer = [0; 8];
        let read = vthread::io::read(&client, &mut buffer).expect("read");
        buffer[..read].to_vec()
    });
    vthread::yield_now();
    server.write_all(b"hello").expect("there is room");
    assert_eq!(reader.join().expect("no panic"), b"hello");

    // The writer waits for room, and the reader for what it writes: again one must park for the other.
    let much = vec![7; 64 << 20];
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let sent = much.len();
    let writes = vthread::spawn_local(move || {
        let mut rest = &much[..];
        while !rest.is_empty() {
            let written = vthread::io::write(&writer, rest).expect("there is a reader");
            rest = &rest[written..];
        }
    });
    let (mut buffer, mut got) = (vec![0; 1 << 20], 0);
    loop {
        let read = vthread::io::read(&reader, &mut buffer).expect("read");
        assert!(buffer[..read].iter().all(|byte| *byte == 7));
        got += read;
        if read == 0 {
            break;
        }
    }
    writes.join().expect("no panic");
    assert_eq!(got, sent);
}

/// `#[vthread::main]`: the function is a vthread, whoever calls it.
#[vthread::main]
fn main_of_another_program() {
    assert!(vthread::current().is_some());
    assert_eq!(vthread::spawn(|| 8).join().expect("no panic"), 8);
    MAIN_HAS_RUN.store(true, Relaxed);
}

static MAIN_HAS_RUN: AtomicBool = AtomicBool::new(false);

#[test]
fn a_main_function_is_a_vthread() {
    assert!(vthread::current().is_none());
    main_of_another_program();
    assert!(MAIN_HAS_RUN.load(Relaxed));
}

#[test]
fn what_is_counted() {
    let runtime = vthread::Runtime::builder().carriers(2).build().expect("a runtime");
    let here = runtime.run(|| {
        let children: Vec<_> = (0..10).map(|_| vthread::spawn_local(vthread::yield_now)).collect();
        for child in children {
            child.join().expect("no panic");
        }
        vthread::stats().vthreads.started
    });
    let here = here.expect("no deadlock");
    assert_eq!((here, runtime.finish().vthreads.started), (11, 11));
}

#[test]
fn who_wants_more_hop_stacks_than_there_are_panics_and_says_so() {
    let many = |at_most| {
        let run = vthread::Builder::new().hop_stacks(256 << 10, at_most).run(|| {
            let barrier = Barrier::new(3);
            vthread::scope(|s| {
                // On a stack for calls without a bound.
                let waits = [(), (), ()].map(|()| s.spawn(|| vthread::hop(|| barrier.wait())));
                // Whoever could not wait is missed by the others.
                vthread::sleep(Duration::from_millis(50));
                s.cancel();
                waits.map(vthread::ScopedJoinHandle::join)
            })
        });
        run.expect("no deadlock")
    };
    assert!(many(10).iter().all(Result::is_ok));
    let says = |outcome: std::thread::Result<bool>| outcome.err()?.downcast::<String>().ok();
    let said: Vec<_> = many(2).into_iter().filter_map(says).collect();
    assert!(
        said.iter().any(|text| text.contains("all 2 hop stacks") && text.contains("Builder::hop_stacks")),
        "{said:?}"
    );
}
