//! `vthread::run`, whose calling thread is the carrier itself: it can be seen by who [watches the process](super::process), where somebody asks for it.

use super::process;
use crate::carrier::{Group, Member, Session};
use crate::config::StackConfig;
use crate::error::Result;
use crate::sched::deadlock::WhenStuck;

/// Runs `f` as a vthread on this thread, which is told about if it stands still and somebody has asked for that.
pub(crate) fn run<F: FnOnce() -> R, R>(config: StackConfig, when_stuck: WhenStuck, f: F) -> Result<R> {
    if !process::is_asked_for()? {
        return Session::new(config)?.run(when_stuck, f);
    }
    // Carriers of a group can be seen from outside.
    let (group, members) = Group::new(1);
    members.iter().for_each(Member::is_this_thread);
    process::watch_group(&group)?;
    // It stays until the session has ended.
    let result = Session::of(config, members.into_iter().next())?.run(when_stuck, f);
    drop(group);
    result
}
