//! Frames that will be wanted, analysed by another thread while the call graph is built.
//!
//! Who builds the graph asks for one frame after the other; what it will ask for next stands in the frames that are there. Nothing depends
//! on who is faster: a function's frame is the same whoever analyses it.

use crate::frames::{self, Callee, Frame, Place, Program, Target};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// More threads would wait for the one that builds the graph.
const MOST_THREADS: usize = 3;

/// Analyses in advance, for executions in all places.
pub(crate) struct Ahead<'a, 'd> {
    program: Program<'a, 'd>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// What has been named and not yet been looked at.
    queue: Vec<u64>,
    /// By number of the function.
    frames: Vec<Progress>,
    closed: bool,
    /// Threads that wait for a change: telling nobody would be a system call all the same.
    waiting: usize,
}

#[derive(Clone)]
enum Progress {
    Untouched,
    Claimed,
    Done(Arc<Frame>),
}

/// Ends the threads, also when the one that builds the graph panics.
pub(crate) struct Closing<'s, 'a, 'd>(&'s Ahead<'a, 'd>);

impl<'a, 'd> Ahead<'a, 'd> {
    /// Begins with `first`.
    pub(crate) fn new(program: Program<'a, 'd>, first: impl Iterator<Item = u64>) -> Self {
        let state = State {
            queue: first.collect(),
            frames: vec![Progress::Untouched; program.functions.len()],
            closed: false,
            waiting: 0,
        };
        Ahead { program, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// How many threads may help.
    pub(crate) fn threads() -> usize {
        std::thread::available_parallelism().map_or(0, |n| n.get() - 1).min(MOST_THREADS)
    }

    /// Held while somebody asks.
    pub(crate) fn closing(&self) -> Closing<'_, 'a, 'd> {
        Closing(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment: a thread that panicked left nothing half done but its claim.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The frame of the function with this number, if somebody has analysed it or is at it. `None`: the caller is to do it.
    pub(crate) fn get(&self, number: usize) -> Option<Arc<Frame>> {
        let mut state = self.lock();
        loop {
            match state.frames.get(number)? {
                Progress::Done(frame) => return Some(Arc::clone(frame)),
                Progress::Untouched => {
                    state.frames[number] = Progress::Claimed;
                    return None;
                }
                // A thread that panicked does not come back to what it has claimed, and has told all there was to tell.
                Progress::Claimed if state.closed => return None,
                Progress::Claimed => state = self.wait(state),
            }
        }
    }

    /// What the frame's function calls will probably be wanted.
    pub(crate) fn follow(&self, frame: &Frame) {
        // What cannot be bounded or never returns will be carried out elsewhere, and what it calls is not of interest.
        if !frame.problems.is_empty() || !frame.returns && frame.sites.iter().all(|s| !s.tail) {
            return;
        }
        let mut state = self.lock();
        for site in &frame.sites {
            if let Callee::Targets(targets) = &site.callee {
                for target in targets {
                    if let Target::Function(next) = target {
                        state.queue.push(*next);
                    }
                }
            }
        }
        self.tell(&state);
    }

    fn wait<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        state.waiting += 1;
        let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    /// Something has changed, and `state` is still locked: whoever is to wait has not looked yet, or is counted.
    fn tell(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Analyses until nobody asks any more.
    pub(crate) fn work(&self) {
        // Should this thread panic, nobody waits for what it has claimed.
        let _closing = self.closing();
        let mut state = self.lock();
        while !state.closed {
            let Some(next) = state.queue.pop() else {
                state = self.wait(state);
                continue;
            };
            let Some((number, function)) = self.program.functions.number_at(next) else { continue };
            if !matches!(state.frames[number], Progress::Untouched) {
                continue;
            }
            state.frames[number] = Progress::Claimed;
            drop(state);
            let frame = Arc::new(frames::analyse(self.program, function, Place::Anywhere));
            state = self.lock();
            state.frames[number] = Progress::Done(Arc::clone(&frame));
            self.tell(&state);
            drop(state);
            self.follow(&frame);
            state = self.lock();
        }
    }
}

impl Drop for Closing<'_, '_, '_> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Loaded;
    use std::sync::mpsc;
    use std::time::Duration;

    /// A thread has panicked in the middle of a function: who wants that one does not wait for ever.
    #[test]
    fn nobody_waits_for_a_thread_that_is_gone() {
        let path = std::env::current_exe().expect("a path");
        let data = std::fs::read(path).expect("readable");
        let loaded = Loaded::read(&data).expect("an executable");
        let ahead = Ahead::new(loaded.program(), std::iter::empty());
        assert!(ahead.get(0).is_none(), "claimed");
        drop(ahead.closing());
        let (done, is_done) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let frame = ahead.get(0);
                done.send(frame.is_none()).expect("somebody waits");
            });
            let answer = is_done.recv_timeout(Duration::from_secs(20));
            // Else the scope would wait for a thread that waits.
            ahead.changed.notify_all();
            assert_eq!(answer, Ok(true));
        });
    }
}
