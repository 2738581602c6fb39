//! Faults for tests: calls that fail though nothing is wrong, are interrupted, read less than they could, or have to wait.

use super::Request;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
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
        Request::Open { path, .. } => Call::Open(path),
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
