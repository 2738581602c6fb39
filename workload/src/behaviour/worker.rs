//! A worker: runs tasks, one after the other, with its own buffers and matchers.

use super::{Behaviours, Changed, Entry, Looks, Subdirectory, Task, Tasks, Tools};
use crate::output::Problem;
use crate::search::{Root, Search};
use crate::tree::{DirUse, Kind, Names, READ};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, OFlags, RawDir, statat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Bytes for one `getdents64`: about a thousand names.
pub(crate) const LISTING: usize = 32 << 10;
/// A batch that is being searched is shared when so many bytes have been read ...
pub(crate) const SHARE_BYTES: u64 = 256 << 10;
/// ... or when so many entries are left.
pub(crate) const SHARE_NAMES: usize = 64;

/// Runs tasks. See the module [`crate::behaviour`].
#[derive(Debug)]
pub struct Worker {
    behaviours: Behaviours,
    tools: Tools,
    listing: Vec<MaybeUninit<u8>>,
    names: Names,
}

impl Worker {
    /// A worker for this search.
    pub fn new(search: &Arc<Search>) -> Self {
        Self {
            behaviours: Behaviours::new(),
            tools: Tools::new(search),
            listing: vec![MaybeUninit::uninit(); LISTING],
            names: Names::default(),
        }
    }

    /// Does `task`, and leaves what comes of it in `tasks`.
    pub fn run(&mut self, task: Task, tasks: &mut dyn Tasks) {
        if self.tools.search.is_stopped() {
            return;
        }
        match task {
            Task::Root(number) => {
                let search = Arc::clone(&self.tools.search);
                self.root(&search.roots[number], tasks);
            }
            Task::Directory(found) => self.subdirectory(&found, tasks),
            Task::Batch(dir, mut names) => {
                let fd = dir.descriptor().ok();
                self.batch(&dir, fd.as_deref().map(AsFd::as_fd), &mut names, tasks);
            }
            Task::Rest(dir, rest) => self.go_on(&dir, Ok(Arc::clone(rest.fd())), tasks),
            Task::Share(huge) => huge.help(&mut self.tools, tasks),
        }
        self.tools.flush();
    }

    fn root(&mut self, root: &Root, tasks: &mut dyn Tasks) {
        let path = root.path.to_bytes();
        let search = Arc::clone(&self.tools.search);
        // Looked at before it is opened: opening a device may do something.
        let file_type = match search.files.type_of_path(path) {
            Ok(file_type) => file_type,
            Err(errno) => return search.problem(path, &errno.into()),
        };
        match Kind::of(file_type, path) {
            Some(Kind::Directory) => match DirUse::open_root(&search.files, &root.path, root.shown) {
                Ok(dir) => self.list(&dir, tasks),
                Err(errno) => search.problem(path, &errno.into()),
            },
            Some(kind) => {
                let looks = Looks::default();
                let entry = Entry { dir: None, at: None, name: &root.path, follow: true, looks };
                if let Err(Changed(errno)) = self.behaviours.of(kind).search(&entry, &mut self.tools, tasks) {
                    search.problem(path, &errno.into());
                }
            }
            None => search.problem(path, &Problem::NotSearched("not a directory, .txt or .json file")),
        }
    }

    fn subdirectory(&mut self, found: &Subdirectory, tasks: &mut dyn Tasks) {
        let Subdirectory { parent, name, follow, looks } = found;
        match parent.open_child(name, *follow) {
            // A link above the start leads back to it by way of ordinary directories.
            Ok(dir) => match self.tools.search.is_to_be_listed(&dir) {
                Ok(true) => self.list(&dir, tasks),
                Ok(false) => {}
                Err(errno) => self.tools.search.problem(&dir.path(), &errno.into()),
            },
            Err(errno @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => {
                self.visit(parent, None, name, FileType::Unknown, looks.after(errno), tasks);
            }
            Err(errno) => self.tools.search.problem(&parent.path_of(name), &errno.into()),
        }
    }

    /// Searches all entries of `dir`.
    fn list(&mut self, dir: &DirUse, tasks: &mut dyn Tasks) {
        self.tools.tally.directories += 1;
        self.go_on(dir, dir.descriptor(), tasks);
    }

    /// Searches what its listing still has.
    fn go_on(&mut self, dir: &DirUse, fd: Result<Arc<OwnedFd>, Errno>, tasks: &mut dyn Tasks) {
        let mut names = std::mem::take(&mut self.names);
        let mut listing = std::mem::take(&mut self.listing);
        if let Err(errno) = fd.and_then(|fd| self.list_with(dir, &fd, &mut listing, &mut names, tasks)) {
            self.tools.search.problem(&dir.path(), &errno.into());
        }
        self.names = names;
        self.listing = listing;
    }

    fn list_with(
        &mut self,
        dir: &DirUse,
        fd: &OwnedFd,
        listing: &mut [MaybeUninit<u8>],
        names: &mut Names,
        tasks: &mut dyn Tasks,
    ) -> Result<(), Errno> {
        let mut entries = RawDir::new(fd, listing);
        while next_names(&self.tools.search, &mut entries, names)? {
            self.batch(dir, Some(fd.as_fd()), names, tasks);
            if self.tools.search.is_stopped() {
                break;
            }
        }
        Ok(())
    }

    /// Searches the entries of `dir`, whose descriptor is `at`, that are in `names`; others may take half of what is left.
    fn batch(&mut self, dir: &DirUse, at: Option<BorrowedFd<'_>>, names: &mut Names, tasks: &mut dyn Tasks) {
        let search = Arc::clone(&self.tools.search);
        let mut since = self.tools.tally.bytes;
        loop {
            if let Some(at) = at {
                let local = dir.short_read_is_end();
                let open = |name: &CStr| search.files.open_now(at, name, READ | OFlags::NOFOLLOW, local);
                self.tools.early.fill(names, search.files.early(), open);
            }
            let Some(entry) = names.pop() else { break };
            self.tools.early.go_on();
            self.visit(dir, at, entry.name, entry.file_type, Looks::default(), tasks);
            if search.is_stopped() {
                break;
            }
            let much = names.len() >= SHARE_NAMES || self.tools.tally.bytes - since > SHARE_BYTES;
            if much && !names.is_empty() && tasks.wanted() {
                since = self.tools.tally.bytes;
                tasks.spawn(Task::Batch(dir.keep(), names.split()));
                self.tools.early.keep(names.len());
            }
        }
        self.tools.early.end();
    }

    /// Searches one entry, as what it is.
    fn visit(
        &mut self,
        dir: &DirUse,
        at: Option<BorrowedFd<'_>>,
        name: &CStr,
        mut file_type: FileType,
        mut looks: Looks,
        tasks: &mut dyn Tasks,
    ) {
        loop {
            let (kind, follow) = match kind_of(&self.tools.search, dir, name, file_type) {
                Ok(Some(kind)) => kind,
                Ok(None) => return,
                Err(Errno::NOENT) => break,
                Err(errno) => return self.tools.search.problem(&dir.path_of(name), &errno.into()),
            };
            // It is there, whatever was said.
            if let Some(errno) = looks.enough() {
                return self.tools.search.problem(&dir.path_of(name), &errno.into());
            }
            let entry = Entry { dir: Some(dir), at, name, follow, looks };
            match self.behaviours.of(kind).search(&entry, &mut self.tools, tasks) {
                Ok(()) => return,
                Err(Changed(errno)) => looks = looks.after(errno),
            }
            file_type = FileType::Unknown;
        }
        self.tools.tally.vanished += 1;
    }
}

/// Reads the next part of a listing into `names`: what needs a look at all. `false`: there is no more.
pub(crate) fn next_names<Fd: AsFd>(
    search: &Search,
    entries: &mut RawDir<'_, Fd>,
    names: &mut Names,
) -> Result<bool, Errno> {
    names.clear();
    loop {
        match entries.next() {
            None => return Ok(!names.is_empty()),
            Some(Err(Errno::INTR)) => {}
            // Removed while it is listed: what is left of it is nothing.
            Some(Err(Errno::NOENT)) => return Ok(false),
            Some(Err(errno)) => return Err(errno),
            Some(Ok(entry)) => {
                let (name, file_type) = (entry.file_name(), entry.file_type());
                names.list(name);
                if is_wanted(search, name, file_type) {
                    names.push(name, file_type);
                }
            }
        }
        if entries.is_buffer_empty() && !names.is_empty() {
            return Ok(true);
        }
    }
}

/// Whether an entry needs a look at all.
fn is_wanted(search: &Search, name: &CStr, file_type: FileType) -> bool {
    let name = name.to_bytes();
    match file_type {
        FileType::Directory | FileType::Unknown => name != b"." && name != b"..",
        FileType::Symlink => search.follow,
        file_type => Kind::of(file_type, name).is_some(),
    }
}

/// What an entry is, and whether it is so by way of a symbolic link. `None`: to be skipped.
pub(crate) fn kind_of(
    search: &Search,
    dir: &DirUse,
    name: &CStr,
    listed: FileType,
) -> Result<Option<(Kind, bool)>, Errno> {
    let look = |flags| {
        let status = statat(&*dir.descriptor()?, name, flags)?;
        Ok::<_, Errno>(FileType::from_raw_mode(status.st_mode))
    };
    let mut file_type = listed;
    if file_type == FileType::Unknown {
        file_type = look(AtFlags::SYMLINK_NOFOLLOW)?;
    }
    let linked = file_type == FileType::Symlink && search.follow;
    if linked {
        file_type = match look(AtFlags::empty()) {
            Ok(file_type) => file_type,
            // A link to nowhere is an error only if its name says that it should be searched.
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR)
                if Kind::of_file_named(name.to_bytes()).is_none() =>
            {
                return Ok(None);
            }
            Err(errno) => {
                search.problem(&dir.path_of(name), &errno.into());
                return Ok(None);
            }
        };
    }
    Ok(Kind::of(file_type, name.to_bytes()).map(|kind| (kind, linked)))
}
