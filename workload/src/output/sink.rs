//! Standard output: lines as they are found, whole and never mixed; or all at the end, sorted.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Held back at most, when nobody waits for each line.
const FULL: usize = 16 << 10;

/// Where matches go.
#[derive(Debug)]
pub struct Sink {
    /// Whether somebody looks on: then each line is written at once.
    at_once: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    to: OwnedFd,
    waiting: Vec<u8>,
    /// Path and lines, in the order in which they came; sorted at the end. `None`: not to be sorted.
    sorted: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    failed: Option<Errno>,
}

impl Sink {
    /// Writes to `to`; sorted by path and all at the end, if that is wanted.
    pub fn new(to: OwnedFd, sorted: bool) -> Self {
        let at_once = rustix::termios::isatty(&to);
        let sorted = sorted.then(Vec::new);
        Self { at_once, state: Mutex::new(State { to, waiting: vec![], sorted, failed: None }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes whole lines that belong to the file at `path`.
    ///
    /// # Errors
    /// What writing said first: nothing more will be written.
    pub fn write(&self, path: &[u8], lines: &[u8]) -> Result<(), Errno> {
        let mut state = self.state();
        if let Some(all) = &mut state.sorted {
            all.push((path.to_vec(), lines.to_vec()));
        } else {
            state.waiting.extend_from_slice(lines);
            if self.at_once || state.waiting.len() >= FULL {
                state.write_out();
            }
        }
        state.failed.map_or(Ok(()), Err)
    }

    /// Writes what waits, unless another thread writes just now.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn flush(&self) -> Result<(), Errno> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        state.write_out();
        state.failed.map_or(Ok(()), Err)
    }

    /// Sorts, if that is wanted, and writes all that waits.
    ///
    /// # Errors
    /// What writing said first, now or before; a closed pipe is none.
    pub fn finish(&self) -> Result<(), Errno> {
        let mut state = self.state();
        state.write_sorted();
        state.write_out();
        match state.failed {
            None | Some(Errno::PIPE) => Ok(()),
            Some(errno) => Err(errno),
        }
    }
}

impl State {
    fn write_sorted(&mut self) {
        let Some(mut all) = self.sorted.take() else { return };
        // Stable: what belongs to one file stays in its order.
        all.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, lines) in all {
            self.waiting.extend_from_slice(&lines);
            if self.waiting.len() >= FULL {
                self.write_out();
            }
        }
    }

    fn write_out(&mut self) {
        if self.failed.is_none() {
            self.failed = write_all(self.to.as_fd(), &self.waiting).err();
        }
        self.waiting.clear();
    }
}

/// Writes one line to standard error. If that cannot be written to, nobody is there to be told.
pub(crate) fn say(line: &str) {
    // In one piece, so that the lines of several threads do not mix.
    let _ = write_all(rustix::stdio::stderr(), format!("{line}\n").as_bytes());
}

fn write_all(to: BorrowedFd<'_>, mut rest: &[u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        match rustix::io::write(to, rest) {
            Ok(n) => rest = &rest[n..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                // Somebody made the pipe or terminal non-blocking: wait until it takes more.
                let _ = poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None);
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
