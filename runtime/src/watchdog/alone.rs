//! Who watches `vthread::run`, whose calling thread is the carrier itself: a thread of its own, where the environment asks for it.

use super::EVERY;
use super::standstill::Standstill;
use crate::carrier::{Group, Member, Session};
use crate::config::StackConfig;
use crate::error::{Error, Result};
use crate::sched::deadlock::WhenStuck;
use core::convert::Infallible;
use std::sync::{Arc, mpsc};
use std::thread;

/// Runs `f` as a vthread on this thread, which is told about if it stands still and somebody has asked for that.
pub(crate) fn run<F: FnOnce() -> R, R>(config: StackConfig, when_stuck: WhenStuck, f: F) -> Result<R> {
    let Some(standstill) = Standstill::from_environment(false)? else {
        return Session::new(config)?.run(when_stuck, f);
    };
    // Carriers of a group can be seen from outside.
    let (group, members) = Group::new(1);
    members.iter().for_each(Member::is_this_thread);
    // Dropped after the session.
    let _watcher = Watcher::start(group, standstill)?;
    Session::of(config, members.into_iter().next())?.run(when_stuck, f)
}

/// A thread that looks until this is dropped.
struct Watcher {
    thread: Option<thread::JoinHandle<()>>,
    /// Disconnects when it is to end.
    alive: Option<mpsc::Sender<Infallible>>,
    /// A child after a `fork` has no such thread.
    process: u32,
}

impl Watcher {
    fn start(group: Arc<Group>, standstill: Standstill) -> Result<Self> {
        let (alive, ended) = mpsc::channel::<Infallible>();
        let look = move || {
            while matches!(ended.recv_timeout(EVERY), Err(mpsc::RecvTimeoutError::Timeout)) {
                standstill.look(&group);
            }
        };
        let thread =
            thread::Builder::new().name("vthread-watch".into()).spawn(look).map_err(Error::NoThread)?;
        Ok(Self { thread: Some(thread), alive: Some(alive), process: std::process::id() })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let (thread, alive) = (self.thread.take(), self.alive.take());
        if self.process != std::process::id() {
            // Nobody is there to hear of it, and what it was inside of stays locked.
            return core::mem::forget((thread, alive));
        }
        drop(alive);
        if let Some(thread) = thread {
            // It does not panic: what it calls says so on standard error at most.
            let _ = thread.join();
        }
    }
}
