//! Virtual threads on one carrier.

use crate::usage::{resident, timed};
use crate::work::{Far, code, formats, shuffled, unit};
use crate::{Done, Item};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;
use vthread::__private::{hop, raw};
use vthread::sync::Semaphore;
use vthread::{Arena, Builder, Heap, Mode, channel};

pub(crate) const ITEMS: &[Item] = &[
    ("switch", switches),
    ("yield", yields),
    ("spawn", spawns),
    ("ping-pong", ping_pong),
    ("call-reply", call_reply),
    ("stream", stream),
    ("wake", wakes),
    ("ping-pong across", ping_pong_across),
    ("stream across", stream_across),
    ("timer", timers),
    ("call", |n| inside(move || timed(|| code::calls(n)))),
    ("small call", |n| inside(move || timed(|| code::small_calls(n)))),
    ("call heap", |n| with(Builder::new().allocator(Heap::default), move || timed(|| code::calls(n)))),
    ("call arena", |n| with(Builder::new().allocator(Arena::default), move || timed(|| code::calls(n)))),
    ("depth", |n| inside(move || timed(|| code::depth(n)))),
    ("depth heap", |n| with(Builder::new().allocator(Heap::default), move || timed(|| code::depth(n)))),
    ("merged", |n| inside(move || timed(|| code::merged(n)))),
    ("unmerged", |n| inside(move || timed(|| code::unmerged(n)))),
    ("hop", |n| inside(move || timed(|| (0..n).fold(0, |x, _| hop(|| black_box(x) + 1))))),
    ("format", |n| inside(move || timed(|| formats(n)))),
    ("format large", |n| on_large_stack(move || timed(|| formats(n)))),
    ("tasks", tasks),
    ("live", |n| live(Builder::new(), n)),
    ("live heap", |n| live(Builder::new().allocator(Heap::default), n)),
    ("live large", live_large),
    ("random wake", random_wakes),
    ("fan-out 1", |n| fan_out(1, n)),
    ("fan-out 2", |n| fan_out(2, n)),
];

/// As one vthread.
fn inside<R>(f: impl FnOnce() -> R) -> R {
    with(Builder::new(), f)
}

fn with<R>(builder: Builder, f: impl FnOnce() -> R) -> R {
    builder.run(f).unwrap_or_else(|error| {
        eprintln!("zork-probe: {error}");
        std::process::exit(1)
    })
}

// --- switching ---------------------------------------------------------------------------------------------------------

struct Partner {
    there: raw::Parked,
    back: raw::Parked,
}

/// # Safety
/// `shared` is a [`Partner`] that stays, and that nobody else uses while this runs; `back` is who has gone on with it last.
#[allow(clippy::cast_ptr_alignment, reason = "argument blocks are bytes by type")]
unsafe extern "C-unwind" fn partner(shared: *mut u8) {
    let shared = shared.cast::<Partner>();
    loop {
        // SAFETY: both sides use it only while they run.
        unsafe { raw::switch((*shared).back, &raw mut (*shared).there) };
    }
}

/// Round trips to another stack, without a scheduler, but as the scheduler does it: who is parked is stored in memory, where others find it.
fn switches(n: u64) -> Done {
    let mut stack = vec![0u128; 4096];
    let null = std::ptr::null_mut();
    timed(|| {
        let mut shared = Partner { there: null, back: null };
        let shared = &raw mut shared;
        // SAFETY: a stack of its own, and it goes on only here.
        unsafe {
            raw::enter(stack.as_mut_ptr_range().end.cast(), &raw mut (*shared).back, partner, shared.cast());
            for _ in 1..n {
                raw::switch((*shared).there, &raw mut (*shared).back);
            }
            n * u64::from(!(*shared).there.is_null())
        }
    })
}

/// Two take turns.
fn yields(n: u64) -> Done {
    inside(|| {
        let other = vthread::spawn_local(move || turns(n / 2));
        timed(|| turns(n / 2) + other.join().unwrap_or(0))
    })
}

fn turns(n: u64) -> u64 {
    (0..n).for_each(|_| vthread::yield_now());
    n
}

fn spawns(n: u64) -> Done {
    inside(|| timed(|| (0..n).map(|_| vthread::spawn_local(|| 1).join().unwrap_or(0)).sum()))
}

/// All at once, then all are joined.
fn tasks(n: u64) -> Done {
    inside(|| {
        timed(|| {
            let handles: Vec<_> = (0..n).map(|_| vthread::spawn_local(|| black_box(1))).collect();
            handles.into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
        })
    })
}

// --- channels ----------------------------------------------------------------------------------------------------------

/// A value there, a value back, as a sender and a receiver each.
fn ping_pong(n: u64) -> Done {
    inside(|| {
        let ((there, requests), (back, answers)) = (channel::rendezvous(), channel::rendezvous());
        let server =
            vthread::spawn_local(move || requests.iter().all(|request: u64| back.send(request + 1).is_ok()));
        let done = timed(|| {
            (0..n).fold(0, |last, _| match there.send(last) {
                Ok(()) => answers.recv().unwrap_or(0),
                Err(_) => 0,
            })
        });
        drop(there);
        let _ = server.join();
        done
    })
}

/// The same by calls and answers, which hand over in one step.
fn call_reply(n: u64) -> Done {
    inside(|| {
        let ((there, requests), (back, answers)) = (channel::rendezvous(), channel::rendezvous::<u64>());
        let server = vthread::spawn_local(move || {
            let mut request = requests.recv();
            while let Ok(number) = request {
                request = back.call(number + 1, &requests).map_err(|_| channel::RecvError);
            }
        });
        let done = timed(|| (0..n).fold(0, |last, _| there.call(last, &answers).unwrap_or(0)));
        drop((there, answers));
        let _ = server.join();
        done
    })
}

/// A sender, a receiver, room for 64.
fn stream(n: u64) -> Done {
    inside(|| {
        let (sender, receiver) = channel::bounded(64);
        let child = vthread::spawn_local(move || (0..n).all(|i| sender.send(i).is_ok()));
        let done = timed(|| receiver.iter().count() as u64);
        let _ = child.join();
        done
    })
}

/// Runs `here` on one carrier, once `there` has started on another one; `there` does not move any more.
fn on_two<R: Send>(there: impl FnOnce() + Send + 'static, here: impl FnOnce() -> R + Send) -> R {
    let runtime = Builder::new().carriers(2).build();
    let done = runtime.and_then(|runtime| {
        runtime.run(|| {
            let started = Arc::new(AtomicBool::new(false));
            let is_started = started.clone();
            let other = vthread::spawn(move || {
                started.store(true, Release);
                there();
            });
            // This carrier is busy: only the other one can have taken it.
            while !is_started.load(Acquire) {
                std::hint::spin_loop();
            }
            let done = here();
            let _ = other.join();
            done
        })
    });
    done.unwrap_or_else(|error| {
        eprintln!("zork-probe: {error}");
        std::process::exit(1)
    })
}

/// [`ping_pong`], each on a carrier of its own.
fn ping_pong_across(n: u64) -> Done {
    let ((there, requests), (back, answers)) = (channel::rendezvous(), channel::rendezvous());
    let server = move || {
        let _ = requests.iter().all(|Far(request)| back.send(Far(request + 1)).is_ok());
    };
    on_two(server, move || {
        timed(|| {
            (0..n).fold(0, |last, _| match there.send(Far(last)) {
                Ok(()) => answers.recv().map_or(0, |Far(answer)| answer),
                Err(_) => 0,
            })
        })
    })
}

/// [`stream`], each on a carrier of its own.
fn stream_across(n: u64) -> Done {
    let (sender, receiver) = channel::bounded(64);
    let sends = move || {
        let _ = (0..n).all(|i| sender.send(Far(i)).is_ok());
    };
    on_two(sends, move || {
        timed(|| {
            receiver.iter().fold(0, |count, Far(number)| {
                black_box(number);
                count + 1
            })
        })
    })
}

/// A vthread and an ordinary thread that wake each other.
fn wakes(n: u64) -> Done {
    let turn = Arc::new(AtomicU64::new(0));
    inside(|| {
        let Some(me) = vthread::current() else {
            eprintln!("zork-probe: no vthread runs");
            std::process::exit(1)
        };
        let theirs = turn.clone();
        let other = std::thread::spawn(move || {
            for round in 0..n {
                while theirs.load(Relaxed) != 2 * round + 1 {
                    std::thread::park();
                }
                theirs.store(2 * round + 2, Relaxed);
                me.unpark();
            }
        });
        let done = timed(|| {
            for round in 0..n {
                turn.store(2 * round + 1, Relaxed);
                other.thread().unpark();
                while turn.load(Relaxed) != 2 * round + 2 {
                    vthread::park();
                }
            }
            turn.load(Relaxed) / 2
        });
        let _ = other.join();
        done
    })
}

/// A hundred that sleep a millisecond at a time.
fn timers(n: u64) -> Done {
    inside(|| {
        timed(|| {
            let each = n / 100;
            let sleep = move || (0..each).map(|_| vthread::sleep(Duration::from_millis(1))).count() as u64;
            let handles: Vec<_> = (0..100).map(|_| vthread::spawn_local(sleep)).collect();
            handles.into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
        })
    })
}

// --- many at a time ----------------------------------------------------------------------------------------------------

/// So many wait for a permit each; then they get it.
fn live(builder: Builder, n: u64) -> Done {
    with(builder, || {
        let (before, gate) = (resident(), Arc::new(Semaphore::new(0)));
        let (arrived, passed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut with = 0;
        let done = timed(|| {
            for _ in 0..n {
                let (gate, arrived, passed) = (gate.clone(), arrived.clone(), passed.clone());
                drop(vthread::spawn_local(move || {
                    arrived.fetch_add(1, Relaxed);
                    gate.acquire(1).forget();
                    passed.fetch_add(1, Relaxed);
                }));
            }
            wait_until(&arrived, n);
            with = resident();
            gate.release(n as usize);
            wait_until(&passed, n);
            passed.load(Relaxed)
        });
        Done { resident: Some((before, with)), ..done }
    })
}

/// So many wait, and are woken one after the other in random order.
fn random_wakes(n: u64) -> Done {
    inside(|| {
        let passed = Arc::new(AtomicU64::new(0));
        let start = || {
            let passed = passed.clone();
            let waits = vthread::spawn_local(move || {
                vthread::park();
                passed.fetch_add(1, Relaxed);
            });
            waits.vthread()
        };
        let all: Vec<_> = (0..n).map(|_| start()).collect();
        vthread::yield_now();
        let order = shuffled(n);
        timed(|| {
            for i in order {
                all[i as usize].unpark();
            }
            wait_until(&passed, n);
            passed.load(Relaxed)
        })
    })
}

/// Independent work, started by one vthread.
fn fan_out(carriers: usize, n: u64) -> Done {
    let runtime = Builder::new().carriers(carriers).build();
    let done = runtime.and_then(|runtime| {
        runtime.run(|| {
            timed(|| {
                let handles: Vec<_> = (0..n).map(|i| vthread::spawn(move || unit(i))).collect();
                handles.into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
            })
        })
    });
    done.unwrap_or_else(|error| {
        eprintln!("zork-probe: {error}");
        std::process::exit(1)
    })
}

fn wait_until(counter: &AtomicU64, n: u64) {
    while counter.load(Relaxed) < n {
        vthread::yield_now();
    }
}

/// Runs `f` on a chunk of a megabyte, where nothing hops: it counts as a large stack.
fn on_large_stack<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: more than anything here needs.
    with(Builder::new(), || unsafe { vthread::__private::on_chunk_sized(1 << 20, f) })
}

/// [`live`], each with a guarded stack of 64 KiB instead of a proved one: what other libraries give.
fn live_large(n: u64) -> Done {
    let gate = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let outcome = Builder::new().carry(|carrier| {
        let before = resident();
        let passed = std::rc::Rc::new(std::cell::Cell::new(0));
        let mut with = 0;
        let done = timed(|| {
            for _ in 0..n {
                let (gate, passed) = (gate.clone(), passed.clone());
                // SAFETY: more than a wait needs.
                unsafe {
                    vthread::__private::spawn_sized(64 << 10, move || {
                        let place = std::rc::Rc::new(vthread::__private::Waiter::new());
                        gate.borrow_mut().push(place.clone());
                        place.park();
                        passed.set(passed.get() + 1);
                    });
                }
            }
            carrier.run();
            with = resident();
            gate.borrow().iter().for_each(|place| {
                place.wake();
            });
            carrier.run();
            passed.get()
        });
        Done { resident: Some((before, with)), ..done }
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("zork-probe: {error}");
        std::process::exit(1)
    })
}

/// Does everything once with painted stacks, and prints for each entry: bytes it was given, bytes it used at most, how often, name.
pub(crate) fn painted(n: u64) -> ExitCode {
    let entries = with(Builder::new().stacks(Mode::Painted), || {
        let mut answers = vec![code::calls(n), code::depth(n.min(100)), code::unmerged(n), formats(n)];
        let (sender, receiver) = channel::bounded(4);
        let child = vthread::spawn_local(move || (0..n).all(|i| sender.send(format!("{i}")).is_ok()));
        answers.push(receiver.iter().map(|text| text.len() as u64).sum());
        answers.push(u64::from(child.join().unwrap_or(false)));
        let sleeper = vthread::spawn_local(|| vthread::sleep(Duration::from_micros(10)));
        let sorter = vthread::spawn_local(move || {
            let mut numbers: Vec<u64> = (0..n).rev().collect();
            numbers.sort_unstable_by_key(|x| x.wrapping_mul(0x9e37_79b9));
            numbers.len() as u64
        });
        answers.push(sorter.join().unwrap_or(0));
        let _ = sleeper.join();
        black_box(&answers);
        vthread::stats().high_water
    });
    for (name, high) in &entries {
        println!("{} {} {} {name}", high.size, high.used, high.count);
    }
    if entries.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
