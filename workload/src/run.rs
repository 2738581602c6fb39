//! From the command line to the exit status.

use crate::cli::Cli;
use crate::engine::{Engine, Sequential};
use crate::matcher::{Detail, Needle};
use crate::output::{Format, Output, ProgressMode, ProgressView, Says, Sink, Style, Ticker, say};
use crate::search::{Counts, Root, Run, Search};
use crate::tree::{OpenFiles, Shown};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::ffi::CString;
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Something was found, and all could be read.
pub const FOUND: u8 = 0;
/// Nothing was found, and all could be read.
pub const NOT_FOUND: u8 = 1;
/// Something could not be read, or the search could not be made at all.
pub const TROUBLE: u8 = 2;

/// Why there was no search at all.
#[derive(Debug, thiserror::Error)]
enum NoSearch {
    #[error(transparent)]
    TooFewFiles(#[from] crate::tree::TooFewFiles),
    #[error("{0}: a path cannot hold a NUL byte")]
    Nul(String),
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    #[error("cannot start the engine {name}: {source}")]
    Engine { name: &'static str, source: std::io::Error },
    #[error(transparent)]
    Watch(#[from] vthread::Error),
}

/// Does what the command line says; returns the exit status. If there was no search at all, standard error says why.
pub fn run(cli: &Cli) -> u8 {
    try_to_run(cli).unwrap_or_else(|error| {
        say(&format!("zork: {error}"));
        TROUBLE
    })
}

fn try_to_run(cli: &Cli) -> Result<u8, NoSearch> {
    if let Some(shell) = cli.completions {
        return print(&Cli::completion_script(shell));
    }
    if cli.list_engines {
        return print(Cli::engine_list().as_bytes());
    }
    let search = Arc::new(search(cli)?);
    // Also while there is no runtime: whatever keeps a search waiting can be seen. Not before the table of descriptors has grown, which a process
    // of several threads waits for.
    vthread::watch_process()?;
    let ticker = Ticker::new(&search);
    watch(&search, &ticker);
    let mut engine = cli.engine();
    let mut ran = engine.run(&search);
    // The default shall not be what keeps a search from being made; who is asked for by name says why it cannot.
    if ran.is_err() && cli.engine.is_none() && search.counts.is_untouched() {
        engine = &Sequential;
        ran = engine.run(&search);
    }
    ticker.stop();
    ran.map_err(|source| NoSearch::Engine { name: engine.name(), source })?;
    finish(cli, engine, &search)
}

fn print(text: &[u8]) -> Result<u8, NoSearch> {
    match std::io::stdout().write_all(text) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(NoSearch::Output(e)),
        _ => Ok(FOUND),
    }
}

fn search(cli: &Cli) -> Result<Search, NoSearch> {
    let (detail, says) = match cli {
        Cli { quiet: true, .. } => (Detail::First, Says::Nothing),
        Cli { locations: true, .. } => (Detail::Locations, Says::Locations),
        Cli { count: true, .. } => (Detail::Count, Says::Count),
        _ => (Detail::First, Says::Path),
    };
    let style = if cli.json { Style::JsonLines } else { Style::Plain { null: cli.null } };
    let stdout = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3);
    let stdout: OwnedFd = stdout.map_err(|errno| NoSearch::Output(errno.into()))?;
    let output = Output::new(Format { style, says }, Sink::new(stdout, cli.sort.is_some()));
    let progress = if cli.quiet { ProgressMode::Never } else { cli.progress };
    if let Some(view) = ProgressView::new(progress) {
        output.show(view);
    }
    Ok(Search {
        // The command line refuses the empty needle.
        needle: Needle::new(cli.needle.as_bytes()).unwrap_or_else(|| unreachable!("an empty needle")),
        detail,
        quiet: cli.quiet,
        follow: cli.follow,
        threads: cli.threads.map(usize::from),
        roots: roots(&cli.paths)?,
        files: Arc::new(OpenFiles::new(cli.max_open_files.map(usize::from))?),
        output,
        counts: Counts::new(cli.stats),
        run: Run::start(),
    })
}

fn roots(paths: &[PathBuf]) -> Result<Vec<Root>, NoSearch> {
    if paths.is_empty() {
        return Ok(vec![Root { path: c".".to_owned(), shown: false }]);
    }
    let root = |path: &PathBuf| {
        let bytes = path.clone().into_os_string().into_vec();
        match CString::new(bytes) {
            Ok(path) => Ok(Root { path, shown: true }),
            Err(e) => Err(NoSearch::Nul(Shown(&e.into_vec()).to_string())),
        }
    };
    paths.iter().map(root).collect()
}

fn finish(cli: &Cli, engine: &dyn Engine, search: &Search) -> Result<u8, NoSearch> {
    // Reads files of the system's.
    let summary = (cli.json || cli.stats).then(|| search.summary(engine.name(), engine.threads(search)));
    let wrote = search.output.finish();
    if let (true, Some(summary)) = (cli.json, &summary) {
        // Last, whatever the order of the rest.
        search.output.write(b"", &summary.to_json_line());
    }
    wrote.and_then(|()| search.output.finish()).map_err(|errno| NoSearch::Output(errno.into()))?;
    if let (true, Some(summary)) = (cli.stats, &summary) {
        say(&summary.to_string());
    }
    let found = search.counts.files_matched.load(Relaxed) > 0;
    let trouble = search.counts.errors.load(Relaxed) > 0;
    Ok(match (found, trouble) {
        (true, _) if cli.quiet => FOUND,
        (_, true) => TROUBLE,
        (true, false) => FOUND,
        (false, false) => NOT_FOUND,
    })
}

/// The signals that this process was started to ignore, as by `nohup` or as a shell's background job: bit 0 is signal 1.
fn ignored_signals() -> u64 {
    // With room for all of it: it comes in one piece then, and not in ten.
    let mut status = Vec::with_capacity(8 << 10);
    let opened = std::fs::File::open("/proc/self/status");
    let _ = opened.and_then(|file| file.take(64 << 10).read_to_end(&mut status));
    let status = String::from_utf8_lossy(&status);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// What the process is told while it searches.
type Told = SignalDelivery<UnixStream, SignalOnly>;

/// Starts a thread that waits for signals, and starts the ticker when the search takes long.
fn watch(search: &Arc<Search>, ticker: &Arc<Ticker>) {
    let (search, ticker) = (Arc::clone(search), Arc::clone(ticker));
    let watch = move || {
        // Caught only from here on: if there is no thread to wait for them, signals end the process as ever.
        let (since, mut told) = (Instant::now(), heed().ok());
        while let Some(left) = Ticker::EVERY.checked_sub(since.elapsed()) {
            match &mut told {
                Some(told) => wait(told, Some(left), &search),
                None => std::thread::sleep(left),
            }
        }
        // On a thread of its own: it blocks when nobody takes the output, and signals are heeded nevertheless.
        ticker.start(&search);
        while let Some(told) = &mut told {
            wait(told, None, &search);
        }
    };
    drop(std::thread::Builder::new().name("zork-watch".into()).spawn(watch));
}

/// Catches the signals that end a process, except those that it was started to ignore.
fn heed() -> std::io::Result<Told> {
    let ignored = ignored_signals();
    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let (read, write) = UnixStream::pair()?;
    SignalDelivery::with_pipe(read, write, SignalOnly, heeded)
}

/// Waits for a signal, or so long. May return for nothing.
fn wait(told: &mut Told, so_long: Option<Duration>, search: &Arc<Search>) {
    let so_long = so_long.and_then(|so_long| Timespec::try_from(so_long).ok());
    // When it fails it was interrupted by a signal, perhaps by one of these.
    let _ = poll(&mut [PollFd::new(told.get_read(), PollFlags::IN)], so_long.as_ref());
    if let Some(signal) = told.pending().next() {
        end_on(signal, search);
    }
}

/// On Ctrl-C and its like: writes what was found, and ends as the signal would have.
fn end_on(signal: i32, search: &Arc<Search>) {
    /// For writing what was found. Who does not read it within this time does not get it: the user wants the end.
    const GRACE: Duration = Duration::from_millis(500);
    let search = Arc::clone(search);
    let (done, written) = channel();
    let write = move || {
        search.output.abandon();
        // Nobody waits any more if it took too long.
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(write).is_ok() {
        let _ = written.recv_timeout(GRACE);
    }
    // Ends the process, so that a shell sees what happened.
    drop(signal_hook::low_level::emulate_default_handler(signal));
}
