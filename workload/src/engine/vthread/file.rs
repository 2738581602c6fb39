//! Single files: opened and read at once while that needs no waiting, else left to a vthread that waits for them.

pub(super) use annotated::First;
#[vthread::vthread]
pub(super) use annotated::{finish, json, open_first, text};

use crate::behaviour::Entry;
use crate::tree::{DirUse, OpenFile, Reach, errno};
use rustix::fd::AsFd;
use rustix::io::Errno;
use vthread::io::Habit;

/// Opens an entry of `dir` if that needs no waiting: `EAGAIN`. `EPERM`: it is another user's, perhaps, and may be opened otherwise.
#[inline(never)]
pub(super) fn try_open(dir: &DirUse, entry: &Entry<'_>, habit: &mut Habit) -> Result<OpenFile, Errno> {
    let held;
    let at = if let Some(at) = entry.at {
        at
    } else {
        held = dir.descriptor()?;
        held.as_fd()
    };
    let flags = dir.without_a_trace(entry.flags()).bits().cast_signed();
    let mut open = |reach| match reach {
        Reach::Mount => habit.try_open_in_mount(at, entry.name, flags, 0),
        // Others' disks may be far away: a plain open never gets there.
        Reach::Anywhere => vthread::io::try_open_at(at, entry.name, flags, 0),
    };
    OpenFile::of(dir.short_read_is_end(), |reach| open(reach).map_err(|error| errno(&error)))
}

#[vthread::vthread(exact)]
mod annotated {
    use super::super::crew::{Late, PIECE};
    use super::super::walk::Walk;
    use super::try_open;
    use crate::behaviour::{Changed, Entry, Task, Tools, not_opened, not_read, search_json, search_text};
    use crate::output::Problem;
    use crate::tree::{Kind, Names, OpenFile};
    use rustix::fd::AsFd;
    use rustix::fs::FileType;
    use rustix::io::Errno;

    /// What came of opening a file and reading its beginning.
    pub enum First {
        /// It is open; so many bytes are in the tools' buffer.
        Here(OpenFile, Option<usize>),
        /// Another vthread does the rest, or it cannot be done.
        Done(Result<(), Changed>),
    }

    fn count(kind: Kind, tools: &mut Tools) {
        match kind {
            Kind::Json => tools.tally.json_files += 1,
            _ => tools.tally.text_files += 1,
        }
    }

    /// Opens a file and reads its beginning, while that needs no waiting. What does is left to another vthread.
    pub fn open_first(entry: &Entry<'_>, kind: Kind, walk: &mut Walk<'_, '_, '_>) -> First {
        let opened = match entry.dir {
            _ if let Some(file) = walk.tools.early.take() => Ok(file),
            Some(dir) => try_open(dir, entry, &mut walk.habit),
            None => entry.open(&walk.tools.search),
        };
        let file = match opened {
            Ok(file) => file,
            Err(Errno::AGAIN) => return leave(entry, kind, None, walk),
            // Makes room, and waits for it; asks for less.
            Err(Errno::MFILE | Errno::NFILE | Errno::PERM) => match entry.open(&walk.tools.search) {
                Ok(file) => file,
                Err(errno) => return First::Done(not_opened(&walk.tools.search, entry, errno)),
            },
            Err(errno) => return First::Done(not_opened(&walk.tools.search, entry, errno)),
        };
        // Others' disks may be far away.
        let habit = file.short_read_is_end.then_some(&mut walk.habit);
        match walk.tools.read_first(file.fd.as_fd(), habit) {
            // The rest of it may be much.
            Ok(first)
                if walk.job.is_first()
                    && !walk.tools.first_decides(file.fd.as_fd(), first, kind == Kind::Text) =>
            {
                leave(entry, kind, None, walk)
            }
            Ok(first) => {
                count(kind, &mut walk.tools);
                walk.job.has_done(1 + first / PIECE);
                First::Here(file, Some(first))
            }
            Err(Errno::AGAIN) => leave(entry, kind, Some(file), walk),
            Err(errno) => {
                count(kind, &mut walk.tools);
                First::Done(not_read(&walk.tools.search, entry, &errno.into()))
            }
        }
    }

    /// Leaves a file to a vthread that waits for it; this one goes on meanwhile, unless too many wait already.
    fn leave(entry: &Entry<'_>, kind: Kind, open: Option<OpenFile>, walk: &mut Walk<'_, '_, '_>) -> First {
        if let (Some(dir), true) = (entry.dir, walk.job.is_first()) {
            let mut names = Names::default();
            names.push(entry.name, if entry.follow { FileType::Symlink } else { FileType::RegularFile });
            walk.job.leave(Task::Batch(dir.keep(), names));
            return First::Done(Ok(()));
        }
        let crew = walk.job.crew;
        if let (Some(dir), Some(scope)) = (entry.dir, walk.job.scope)
            && let Some(place) = crew.may_wait()
        {
            // It shall ask for its bytes soon. But a share that another carrier has been roused for would start here.
            let at_once = !crew.has_offered();
            let (name, follow, looks) = (entry.name.to_owned(), entry.follow, entry.looks);
            crew.wait_for(scope, place, Late { dir: dir.keep(), name, kind, follow, looks, open, at_once });
            if at_once {
                vthread::yield_now();
            }
            return First::Done(Ok(()));
        }
        let opened = match open {
            Some(file) => Ok(file),
            None => entry.open(&walk.tools.search),
        };
        match opened {
            Ok(file) => {
                count(kind, &mut walk.tools);
                First::Here(file, None)
            }
            Err(errno) => First::Done(not_opened(&walk.tools.search, entry, errno)),
        }
    }

    /// Searches a file whose beginning has been waited for.
    pub fn finish(
        started: Result<(OpenFile, Result<Vec<u8>, Errno>), Errno>,
        file: &Late,
        walk: &mut Walk<'_, '_, '_>,
    ) -> Result<(), Changed> {
        let entry = file.entry();
        let (open, start) = match started {
            Ok(started) => started,
            Err(errno) => return not_opened(&walk.tools.search, &entry, errno),
        };
        count(file.kind, &mut walk.tools);
        match start {
            Err(errno) => not_read(&walk.tools.search, &entry, &Problem::System(errno)),
            Ok(start) => {
                let first = Some(walk.tools.put_first(&start));
                match file.kind {
                    Kind::Json => json(open, first, &entry, walk),
                    _ => text(open, first, &entry, walk),
                }
            }
        }
    }

    pub fn text(
        file: OpenFile,
        first: Option<usize>,
        entry: &Entry<'_>,
        walk: &mut Walk<'_, '_, '_>,
    ) -> Result<(), Changed> {
        match search_text(file, first, &|| entry.path(), &mut walk.tools, walk.job) {
            Ok(()) => Ok(()),
            Err(problem) => not_read(&walk.tools.search, entry, &problem),
        }
    }

    pub fn json(
        file: OpenFile,
        first: Option<usize>,
        entry: &Entry<'_>,
        walk: &mut Walk<'_, '_, '_>,
    ) -> Result<(), Changed> {
        match search_json(file, first, &|| entry.path(), &mut walk.tools) {
            Ok(()) => Ok(()),
            Err(problem) => not_read(&walk.tools.search, entry, &problem),
        }
    }
}
