//! A huge text, searched in ranges by all workers that have nothing better to do.
//!
//! A range has the occurrences that *begin* in it, so each is found once: it reads as many bytes behind its end as an
//! occurrence may need. Who finds the file takes ranges like everybody else; who finishes the last one reports.

use super::window::make_room;
use super::{Tasks, Tools};
use crate::engine::processors;
use crate::matcher::{Detail, Found, Matcher, Progress};
use crate::output::Problem;
use crate::search::{FileReport, Search};
use crate::tree::errno;
use rustix::fd::OwnedFd;
use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::AcqRel, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a range.
const RANGE: u64 = 8 << 20;
/// Smaller files are not worth the trouble.
pub(crate) const HUGE: u64 = 4 * RANGE;
/// More helpers than this find nothing to do.
const HELPERS: u64 = 64;

/// A huge text that is being searched.
#[derive(Debug)]
pub struct HugeText {
    /// Closed by who finishes last.
    file: Mutex<Option<Arc<OwnedFd>>>,
    path: Vec<u8>,
    sparse: bool,
    ranges: u64,
    /// The next range that nobody has taken.
    next: AtomicU64,
    /// Ranges that are not finished.
    left: AtomicU64,
    count: AtomicU64,
    /// The first match was enough.
    enough: AtomicBool,
    failed: Mutex<Option<Errno>>,
}

impl HugeText {
    /// Whether a file of this size is to be shared.
    pub(super) fn is_huge(size: u64, search: &Search) -> bool {
        // A needle like "abab" can overlap itself. Which of two overlapping occurrences counts depends on all before.
        let needle = search.needle.bytes();
        let overlaps = (1..needle.len()).any(|n| needle.ends_with(&needle[..n]));
        // Line numbers depend on all that comes before, so a search for places goes from front to end.
        size >= HUGE
            && match search.detail {
                Detail::First => true,
                Detail::Count => !overlaps,
                Detail::Locations => false,
            }
    }

    pub(super) fn new(file: OwnedFd, size: u64, sparse: bool, path: Vec<u8>) -> Self {
        let ranges = size.div_ceil(RANGE);
        Self {
            file: Mutex::new(Some(Arc::new(file))),
            path,
            sparse,
            ranges,
            next: AtomicU64::new(0),
            left: AtomicU64::new(ranges),
            count: AtomicU64::new(0),
            enough: AtomicBool::new(false),
            failed: Mutex::default(),
        }
    }

    /// How many others could help.
    pub(super) fn helpers(&self) -> u64 {
        let threads = processors() as u64;
        (self.ranges - 1).min(threads.min(HELPERS) - 1)
    }

    /// Searches ranges until all are taken.
    pub(crate) fn help(&self, tools: &mut Tools, tasks: &mut dyn Tasks) {
        let Some(file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        loop {
            let range = self.next.fetch_add(1, Relaxed);
            if range >= self.ranges {
                return;
            }
            if !self.enough.load(Relaxed)
                && !tools.search.is_stopped()
                && let Err(errno) = self.search_range(&file, range, tools)
            {
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(errno);
            }
            // Release what was counted, acquire what the others counted.
            if self.left.fetch_sub(1, AcqRel) == 1 {
                self.finish(&tools.search);
                return;
            }
            // If others wait for work, the helpers that were spawned go to them.
            tasks.wanted();
        }
    }

    fn search_range(&self, file: &OwnedFd, range: u64, tools: &mut Tools) -> Result<(), Errno> {
        let Tools { search, text, buffer, tally, .. } = tools;
        let mut offset = range * RANGE;
        // The last range goes on to the end, wherever that is by now.
        let overlap = search.needle.bytes().len() as u64 - 1;
        let end = if range + 1 == self.ranges { u64::MAX } else { offset + RANGE + overlap };
        make_room(buffer, &search.needle);
        let mut held = 0;
        let mut count = 0;
        text.start();
        loop {
            if self.sparse {
                let data = next_data(file, offset)?.min(end);
                if data > offset {
                    // The needle holds no zero (see `skip_zeros`), so nothing spans a hole.
                    (held, offset) = (0, data);
                }
            }
            let room = (buffer.len() - held).min((end - offset).try_into().unwrap_or(usize::MAX));
            let n = vthread::io::read_at(file, &mut buffer[held..held + room], offset)
                .map_err(|error| errno(&error))?;
            (held, offset) = (held + n, offset + n as u64);
            tally.bytes += n as u64;
            let last = n == 0 || offset >= end;
            let mut on = |_: Found<'_>| {
                count += 1;
                ControlFlow::Continue(())
            };
            match text.scan(&buffer[..held], last, &mut on) {
                Ok(Progress::Consumed(consumed)) => {
                    buffer.copy_within(consumed..held, 0);
                    held -= consumed;
                }
                // Text is never malformed.
                Ok(Progress::Finished) | Err(_) => break,
            }
            if last || self.enough.load(Relaxed) || search.is_stopped() {
                break;
            }
        }
        self.count.fetch_add(count, Relaxed);
        if count > 0 && search.detail == Detail::First && !self.enough.swap(true, Relaxed) {
            self.report(search, 1);
        }
        Ok(())
    }

    fn report(&self, search: &Search, count: u64) {
        let path = || self.path.clone();
        let mut report = FileReport::new(search, &path);
        report.found_many(count);
        report.finish();
    }

    fn finish(&self, search: &Search) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if search.detail != Detail::First {
            self.report(search, self.count.load(Relaxed));
        }
        if let Some(errno) = *self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            search.problem(&self.path, &Problem::System(errno));
        }
    }
}

/// Where the next data is, from `offset` on; the end of the file if there is none.
fn next_data(file: &OwnedFd, offset: u64) -> Result<u64, Errno> {
    match seek(file, SeekFrom::Data(offset)) {
        Ok(data) => Ok(data),
        Err(Errno::NXIO) => Ok(seek(file, SeekFrom::End(0))?.max(offset)),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(offset),
        Err(errno) => Err(errno),
    }
}
