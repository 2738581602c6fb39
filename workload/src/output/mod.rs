//! What the search says: matches on standard output, errors and progress on standard error.

mod format;
mod progress;
mod sink;
mod summary;

pub use format::{Format, Says, Style};
pub(crate) use progress::Ticker;
pub use progress::{ProgressMode, ProgressView};
pub use sink::Sink;
pub(crate) use sink::say;
pub(crate) use summary::peak_rss;
pub use summary::{Summary, Vthreads};

use crate::matcher::Malformed;
use crate::tree::Shown;
use rustix::io::Errno;
use std::fmt::{self, Display};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Why something could not be searched, or not to its end.
#[derive(Clone, Debug)]
pub enum Problem {
    /// The system said no.
    System(Errno),
    /// It is not the JSON that its name promises.
    Malformed(Malformed),
    /// The user named something that is not searched.
    NotSearched(&'static str),
}

impl From<Errno> for Problem {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(Errno::STALE) => f.write_str("replaced by another directory while it was searched"),
            Self::System(errno) => {
                // "Permission denied", without " (os error 13)".
                let text = std::io::Error::from(*errno).to_string();
                f.write_str(text.split(" (os error").next().unwrap_or(&text))
            }
            Self::Malformed(m) => {
                write!(f, "malformed JSON at line {}, column {}: {}", m.line, m.column, m.what)
            }
            Self::NotSearched(what) => f.write_str(what),
        }
    }
}

/// Where all engines report to.
#[derive(Debug)]
pub struct Output {
    format: Format,
    sink: Sink,
    progress: OnceLock<ProgressView>,
    /// Nobody reads any more, or reading further serves no one.
    closed: AtomicBool,
}

impl Output {
    /// Output in this format to this sink.
    pub fn new(format: Format, sink: Sink) -> Self {
        Self { format, sink, progress: OnceLock::new(), closed: AtomicBool::new(false) }
    }

    /// How matches are written.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Shows `view` on standard error from now on; what is written meanwhile goes around it.
    pub fn show(&self, view: ProgressView) {
        // Set once, before the search begins.
        drop(self.progress.set(view));
    }

    /// The progress that is shown, if any.
    pub fn progress(&self) -> Option<&ProgressView> {
        self.progress.get()
    }

    /// Writes what belongs to the file at `path`: one or more whole lines.
    pub fn write(&self, path: &[u8], lines: &[u8]) {
        let done = match self.progress.get() {
            Some(view) => view.suspend(|| self.sink.write(path, lines)),
            None => self.sink.write(path, lines),
        };
        if done.is_err() {
            self.closed.store(true, Relaxed);
        }
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Reports a problem: as a line of JSON, or on standard error as `zork: PATH: reason`.
    pub fn problem(&self, path: &[u8], problem: &Problem) {
        match &self.format.style {
            Style::JsonLines => self.write(path, &format::json_problem(path, problem)),
            Style::Plain { .. } => self.complain(&format!("{}: {problem}", Shown(path))),
        }
    }

    /// Writes one line to standard error, beside the progress.
    pub fn complain(&self, what: &str) {
        match self.progress.get() {
            Some(view) => view.suspend(|| say(&format!("zork: {what}"))),
            None => say(&format!("zork: {what}")),
        }
    }

    /// Writes all that is held back.
    ///
    /// # Errors
    /// What writing to the sink said first, now or before; a closed pipe is none.
    pub fn finish(&self) -> Result<(), Errno> {
        self.sink.finish()
    }

    /// Writes what has been found so far and is not to be sorted. Does nothing if somebody writes just now.
    pub fn flush(&self) {
        if self.sink.flush().is_err() {
            self.closed.store(true, Relaxed);
        }
    }

    /// Writes all that is held back, and takes the progress away, because the program is about to be ended. Blocks for as long as
    /// nobody reads.
    pub fn abandon(&self) {
        if let Some(view) = self.progress() {
            view.clear();
        }
        // There is nobody left to tell.
        let _ = self.sink.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search shall not go on until there is another match.
    #[test]
    fn who_writes_what_waits_hears_that_nobody_reads() {
        let (read, write) = rustix::pipe::pipe().expect("a pipe");
        let format = Format { style: Style::Plain { null: false }, says: Says::Path };
        let output = Output::new(format, Sink::new(write, false));
        output.write(b"a", b"a\n");
        output.flush();
        assert!(!output.is_closed());
        drop(read);
        output.write(b"b", b"b\n");
        assert!(!output.is_closed(), "it waits");
        output.flush();
        assert!(output.is_closed());
    }
}
