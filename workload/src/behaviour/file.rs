//! Text and JSON files: opened, read window by window, shown to their matcher.

use super::window::Window;
use super::{Behaviour, Changed, Entry, HugeText, Task, Tasks, Tools};
use crate::matcher::{Detail, Matcher};
use crate::output::Problem;
use crate::search::{FileReport, Search};
use crate::tree::OpenFile;
use rustix::fd::AsFd;
use rustix::io::Errno;
use std::sync::Arc;

/// `.txt`: the bytes. A huge one is shared among the workers.
#[derive(Debug)]
pub(super) struct TextFile;

impl Behaviour for TextFile {
    fn search(&self, entry: &Entry<'_>, tools: &mut Tools, tasks: &mut dyn Tasks) -> Result<(), Changed> {
        let file = match tools.open(entry) {
            Ok(file) => file,
            Err(errno) => return not_opened(&tools.search, entry, errno),
        };
        tools.tally.text_files += 1;
        search_text(file, None, &|| entry.path(), tools, tasks)
            .or_else(|problem| not_read(&tools.search, entry, &problem))
    }
}

/// Searches an open text from its beginning. If it is huge, others may help, and go on after this has returned.
/// `first`: so many bytes are in the tools' buffer already.
pub(crate) fn search_text(
    file: OpenFile,
    first: Option<usize>,
    path: &(dyn Fn() -> Vec<u8> + Sync),
    tools: &mut Tools,
    tasks: &mut dyn Tasks,
) -> Result<(), Problem> {
    let Tools { search, text, buffer, tally, early, .. } = tools;
    let OpenFile { fd, short_read_is_end } = file;
    let mut window = Window::new(fd.as_fd(), buffer, &search.needle, short_read_is_end).begun(first);
    let (size, sparse) = if window.fill()? { (0, false) } else { window.size()? };
    // A needle that holds a zero may be found in a hole.
    let sparse = sparse && !search.needle.bytes().contains(&0);
    if HugeText::is_huge(size, search)
        && tasks.parallel()
        // Where one match is enough it may be near, and nobody has to be called for help.
        && !(search.detail == Detail::First && window.has_match(text))
    {
        let huge = Arc::new(HugeText::new(fd, size, sparse, path()));
        for _ in 0..huge.helpers() {
            tasks.spawn(Task::Share(Arc::clone(&huge)));
        }
        huge.help(tools, tasks);
        return Ok(());
    }
    let shown = show(search, path, &mut window, text, sparse);
    tally.bytes += window.read;
    early.close(fd);
    shown
}

/// `.json`: its string values.
#[derive(Debug)]
pub(super) struct JsonFile;

impl Behaviour for JsonFile {
    fn search(&self, entry: &Entry<'_>, tools: &mut Tools, _: &mut dyn Tasks) -> Result<(), Changed> {
        let file = match tools.open(entry) {
            Ok(file) => file,
            Err(errno) => return not_opened(&tools.search, entry, errno),
        };
        tools.tally.json_files += 1;
        search_json(file, None, &|| entry.path(), tools)
            .or_else(|problem| not_read(&tools.search, entry, &problem))
    }
}

/// Searches an open JSON file from its beginning. `first` as in [`search_text`].
pub(crate) fn search_json(
    file: OpenFile,
    first: Option<usize>,
    path: &(dyn Fn() -> Vec<u8> + Sync),
    tools: &mut Tools,
) -> Result<(), Problem> {
    let Tools { search, json, buffer, tally, early, .. } = tools;
    let OpenFile { fd, short_read_is_end } = file;
    let mut window = Window::new(fd.as_fd(), buffer, &search.needle, short_read_is_end).begun(first);
    let shown = match window.fill() {
        Ok(_) => show(search, path, &mut window, json, false),
        Err(errno) => Err(errno.into()),
    };
    tally.bytes += window.read;
    early.close(fd);
    shown
}

/// Shows the whole file to `matcher`, and reports what it finds.
fn show(
    search: &Search,
    path: &(dyn Fn() -> Vec<u8> + Sync),
    window: &mut Window<'_>,
    matcher: &mut dyn Matcher,
    sparse: bool,
) -> Result<(), Problem> {
    let mut report = FileReport::new(search, path);
    matcher.start();
    let shown = window.show(matcher, sparse, &mut |found| report.found(found));
    report.finish();
    shown
}

pub(crate) fn not_opened(search: &Search, entry: &Entry<'_>, errno: Errno) -> Result<(), Changed> {
    match errno {
        // Gone; or a symbolic link, a socket, a device without a driver by now.
        Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NODEV if entry.dir.is_some() => Err(Changed(errno)),
        // Somebody has a lease on it, and does not give it up: no reason to be silent about it.
        Errno::AGAIN => {
            search.problem(&entry.path(), &errno.into());
            Ok(())
        }
        _ => not_read(search, entry, &errno.into()),
    }
}

pub(crate) fn not_read(search: &Search, entry: &Entry<'_>, problem: &Problem) -> Result<(), Changed> {
    match problem {
        // A directory, or a FIFO that somebody writes to, by now.
        Problem::System(errno @ (Errno::ISDIR | Errno::AGAIN)) if entry.dir.is_some() => Err(Changed(*errno)),
        _ => {
            search.problem(&entry.path(), problem);
            Ok(())
        }
    }
}
