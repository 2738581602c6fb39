//! A spinner on standard error for searches that take long, and the timer that flushes what was found.

use crate::search::Search;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::process::{Resource, getrlimit};
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// When progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum ProgressMode {
    /// On a terminal, once a search has taken a second.
    #[default]
    Auto,
    /// From the start: a spinner on a terminal, elsewhere a line every second.
    Always,
    /// Not at all.
    Never,
}

/// The spinner.
#[derive(Debug)]
pub struct ProgressView {
    bar: ProgressBar,
    from: Instant,
    delay: Duration,
    /// When the last line was written, where there is no terminal.
    line: Option<Mutex<Instant>>,
}

impl ProgressView {
    /// The spinner that this mode wants, if any.
    pub fn new(mode: ProgressMode) -> Option<Self> {
        let delay = match mode {
            ProgressMode::Never => return None,
            ProgressMode::Auto if !std::io::stderr().is_terminal() => return None,
            ProgressMode::Auto => Duration::from_secs(1),
            ProgressMode::Always => Duration::ZERO,
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        let line = (!std::io::stderr().is_terminal()).then(|| Mutex::new(now));
        Some(Self { bar, from: now, delay, line })
    }

    /// Runs `f` while the spinner is out of the way.
    pub fn suspend<R>(&self, f: impl FnOnce() -> R) -> R {
        self.bar.suspend(f)
    }

    /// Takes the spinner away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn update(&self, search: &Search) {
        if self.from.elapsed() < self.delay {
            return;
        }
        let counts = &search.counts;
        let message = format!(
            "{} files, {} directories, {}, {} matched",
            HumanCount(counts.text_files.load(Relaxed) + counts.json_files.load(Relaxed)),
            HumanCount(counts.directories.load(Relaxed)),
            HumanBytes(counts.bytes.load(Relaxed)),
            HumanCount(counts.files_matched.load(Relaxed)),
        );
        if let Some(line) = &self.line {
            let mut last = line.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= Duration::from_secs(1) {
                *last = Instant::now();
                super::say(&format!("zork: {message}"));
            }
            return;
        }
        if self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(message);
        self.bar.tick();
    }
}

/// A thread that wakes ten times a second until [`stop`](Self::stop): it shows progress, and sees to it that what was found does not
/// wait in a buffer. It is [started](Self::start) late: a search that takes less than a tenth of a second needs none.
#[derive(Debug)]
pub(crate) struct Ticker(Mutex<Ticking>);

#[derive(Debug)]
enum Ticking {
    NotYet,
    /// Stopped when the sender is dropped. No handle: it need not be waited for.
    Since(Sender<()>, Option<JoinHandle<()>>),
    NoMore,
}

impl Ticker {
    /// How often it wakes.
    pub(crate) const EVERY: Duration = Duration::from_millis(100);

    /// For this search: none yet. Where addresses are limited there is one at once, because an engine shares out what is left of
    /// them, and a thread that comes later takes what was counted on.
    pub(crate) fn new(search: &Arc<Search>) -> Arc<Self> {
        let ticker = Arc::new(Self(Mutex::new(Ticking::NotYet)));
        if getrlimit(Resource::As).current.is_some() {
            ticker.start(search);
        }
        ticker
    }

    fn lock(&self) -> MutexGuard<'_, Ticking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the thread, unless the search has ended. The first of its times is now.
    pub(crate) fn start(&self, search: &Arc<Search>) {
        let mut ticking = self.lock();
        if !matches!(*ticking, Ticking::NotYet) {
            return;
        }
        let (stop, stopped) = channel();
        let (search, is_shown) = (Arc::clone(search), search.output.progress().is_some());
        let tick = move || {
            loop {
                search.output.flush();
                if let Some(view) = search.output.progress() {
                    view.update(&search);
                }
                if let Err(RecvTimeoutError::Disconnected) = stopped.recv_timeout(Self::EVERY) {
                    break;
                }
            }
            if let Some(view) = search.output.progress() {
                view.clear();
            }
        };
        // Without the thread there is no progress to be seen, and all is written at the end.
        let thread = std::thread::Builder::new().name("zork-ticker".into()).spawn(tick).ok();
        // Where nothing is shown, there is nothing to be waited for.
        *ticking = Ticking::Since(stop, thread.filter(|_| is_shown));
    }

    /// The search has ended.
    pub(crate) fn stop(&self) {
        let ticking = std::mem::replace(&mut *self.lock(), Ticking::NoMore);
        if let Ticking::Since(stop, thread) = ticking {
            drop(stop);
            // A panic there is its own message.
            drop(thread.map(JoinHandle::join));
        }
    }
}
