//! Faults for tests: calls that fail though nothing is wrong, are interrupted, read less than they could, or have to wait; wake-ups that
//! do not arrive.

use super::Request;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Mutex, PoisonError};

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// A read of so many bytes.
    Read(usize),
    /// A write of so many bytes.
    Write(usize),
    /// An open of this path.
    Open(&'a CStr),
    /// Anything else.
    Other,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this `errno`; `EINTR` and `EAGAIN` as the kernel would say them.
    Fail(i32),
    /// A read or write moves so many bytes at most.
    Short(usize),
    /// Nothing is to be had without waiting.
    Wait,
}

type Hook = Box<dyn FnMut(Call<'_>) -> Option<Fault> + Send>;

static IS_SET: AtomicBool = AtomicBool::new(false);
static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

/// From now on all calls of the process are shown to `hook` before they are made.
pub fn inject(hook: Option<Hook>) {
    let mut place = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    IS_SET.store(hook.is_some(), Release);
    *place = hook;
}

static TO_BE_LOST: AtomicU32 = AtomicU32::new(0);

/// So many of the next calls that end a carrier's sleep do nothing.
pub fn lose_wake_ups(count: u32) {
    TO_BE_LOST.store(count, Relaxed);
}

/// How many of them are still to be made.
pub fn wake_ups_to_be_lost() -> u32 {
    TO_BE_LOST.load(Relaxed)
}

#[cfg_attr(not(vthread_native), allow(dead_code, reason = "there are no carriers"))]
pub(crate) fn is_wake_up_lost() -> bool {
    TO_BE_LOST.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
}

pub(super) enum Asked<'a> {
    Fail(i32),
    Do(Request<'a>),
}

#[inline(never)]
fn fault(request: &Request<'_>) -> Option<Fault> {
    if !IS_SET.load(Acquire) {
        return None;
    }
    let call = match request {
        Request::Read { len, .. } => Call::Read(*len as usize),
        Request::Write { len, .. } => Call::Write(*len as usize),
        Request::Open { path, .. } | Request::OpenAs { path, .. } => Call::Open(path),
        _ => Call::Other,
    };
    let mut hook = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    hook.as_mut().and_then(|hook| hook(call))
}

/// Before a call that may wait.
pub(super) fn ask<'a>(request: &Request<'a>) -> Asked<'a> {
    match fault(request) {
        Some(Fault::Fail(errno)) => Asked::Fail(errno),
        Some(Fault::Short(most)) => Asked::Do(request.at_most(most)),
        Some(Fault::Wait) | None => Asked::Do(*request),
    }
}

/// Before a call that may not.
pub(super) fn try_first(request: &Request<'_>) -> Result<bool, i32> {
    match fault(request) {
        Some(Fault::Fail(libc::EINTR)) | None => Ok(true),
        Some(Fault::Fail(errno)) => Err(errno),
        // Short ones are for those that wait.
        Some(Fault::Short(_) | Fault::Wait) => Ok(false),
    }
}
