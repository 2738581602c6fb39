//! One carrier's `io_uring`.

use io_uring::squeue::Entry;
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, opcode};
use std::io;
use std::os::fd::RawFd;
use std::time::Instant;

/// Entries that wait for their submission.
const ENTRIES: u32 = 128;
/// Completions that wait to be taken; the kernel keeps more if need be.
const COMPLETIONS: u32 = 1024;
/// So many entries are submitted at once; fewer only when the carrier has nothing better to do, or after so many turns.
const BATCH: usize = 16;
const TURNS: u32 = 16;

/// Not an operation: somebody has news for the carrier.
const BELL: u64 = 0;
/// Not an operation: a cancellation was requested.
const CANCEL: u64 = 1;

pub(super) struct Ring {
    uring: IoUring,
    is_bell_watched: bool,
    /// With entries that wait.
    turns: u32,
}

impl Ring {
    /// # Errors
    /// Where rings are forbidden, or too old for what we ask of them.
    pub(super) fn new() -> io::Result<Self> {
        let uring = IoUring::builder()
            .setup_cqsize(COMPLETIONS)
            .setup_clamp()
            // Completions are noted when this thread makes a system call anyway, never by an interrupt of its own.
            .setup_coop_taskrun()
            .setup_taskrun_flag()
            .setup_single_issuer()
            .build(ENTRIES)?;
        let mut knows = Probe::new();
        uring.submitter().register_probe(&mut knows)?;
        let needs = [
            opcode::Read::CODE,
            opcode::Write::CODE,
            opcode::OpenAt::CODE,
            opcode::OpenAt2::CODE,
            opcode::Fsync::CODE,
            opcode::UnlinkAt::CODE,
            opcode::MkDirAt::CODE,
            opcode::RenameAt::CODE,
            opcode::LinkAt::CODE,
            opcode::SymlinkAt::CODE,
            opcode::AsyncCancel::CODE,
            opcode::PollAdd::CODE,
        ];
        if needs.into_iter().all(|code| knows.is_supported(code)) {
            Ok(Self { uring, is_bell_watched: false, turns: 0 })
        } else {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Takes an entry, to be submitted soon. `false`: there is no room, now.
    ///
    /// # Safety
    /// What it points to stays valid until it has completed. `name` is the address of something.
    pub(super) unsafe fn push(&mut self, entry: &Entry, name: u64) -> bool {
        let entry = entry.clone().user_data(name);
        for _ in 0..2 {
            // SAFETY: the caller's promise.
            if unsafe { self.uring.submission().push(&entry) }.is_ok() {
                if self.uring.submission().len() >= BATCH {
                    self.submit();
                }
                return true;
            }
            self.submit();
        }
        false
    }

    /// Asks for the cancellation of an operation.
    pub(super) fn cancel(&mut self, name: u64) {
        let entry = opcode::AsyncCancel::new(name).build();
        // SAFETY: it points to nothing. If there is no room, the operation is waited for.
        unsafe { self.push(&entry, CANCEL) };
        self.submit();
    }

    fn submit(&mut self) {
        self.turns = 0;
        // What the kernel does not take now (EAGAIN, EBUSY, EINTR) stays, and is submitted again.
        drop(self.uring.submit());
    }

    /// Submits what waits, if that is much or has waited long.
    pub(super) fn submit_some(&mut self) {
        let waiting = self.uring.submission().len();
        if waiting > 0 {
            self.turns += 1;
            if waiting >= BATCH || self.turns >= TURNS {
                self.submit();
            }
        }
    }

    /// Takes the operations that have completed, with their results.
    pub(super) fn completed(&mut self, mut each: impl FnMut(u64, i32)) {
        if self.uring.submission().taskrun() || self.uring.submission().cq_overflow() {
            /// `IORING_ENTER_GETEVENTS`: note what has completed.
            const GET_EVENTS: u32 = 1;
            // SAFETY: no signal mask is passed. If it fails, the next turn tries again.
            drop(unsafe { self.uring.submitter().enter::<libc::sigset_t>(0, 0, GET_EVENTS, None) });
        }
        for completion in self.uring.completion() {
            match completion.user_data() {
                BELL => self.is_bell_watched = false,
                CANCEL => {}
                name => each(name, completion.result()),
            }
        }
    }

    /// In words, for a report.
    pub(super) fn describe(&mut self) -> String {
        let entries = self.uring.submission();
        let (waiting, work, overflow) = (entries.len(), entries.taskrun(), entries.cq_overflow());
        drop(entries);
        let completed = self.uring.completion().len();
        let watched = if self.is_bell_watched { "watched" } else { "not watched" };
        let work = if work { ", with work for this thread in the kernel" } else { "" };
        let overflow = if overflow { ", with more completions than fit" } else { "" };
        format!(
            "{waiting} entries not submitted, {completed} completions not taken, bell {watched}{work}{overflow}"
        )
    }

    /// Submits everything, and waits for a completion, for the bell, or until then. May return for nothing.
    pub(super) fn wait(&mut self, bell: Option<RawFd>, until: Option<Instant>) {
        if let Some(bell) = bell
            && !self.is_bell_watched
        {
            let entry = opcode::PollAdd::new(Fd(bell), libc::POLLIN as u32).build();
            // SAFETY: the bell is never closed.
            self.is_bell_watched = unsafe { self.push(&entry, BELL) };
            if !self.is_bell_watched {
                return self.submit();
            }
        }
        self.turns = 0;
        let done = match until {
            None => self.uring.submit_and_wait(1),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let left = Timespec::new().sec(left.as_secs()).nsec(left.subsec_nanos());
                self.uring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&left))
            }
        };
        // EINTR, ETIME, EAGAIN, EBUSY: the caller looks around, and comes back.
        drop(done);
    }
}
