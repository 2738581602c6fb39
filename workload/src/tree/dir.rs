//! A directory of the tree: its name, its parent, and its descriptor for as long as that is of use.
//!
//! Names are needed for as long as anything below may be printed; a descriptor only until the last child has been
//! opened. So a [`Dir`] (names) lives longer than its [`DirUse`]s (descriptor): a chain of 700 directories keeps 700
//! names but not 700 descriptors. If [`OpenFiles`] closes a descriptor that is still of use, the directory is found again
//! from its nearest open ancestor, and must be the same one.

use super::{OpenFiles, Visits, errno};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, OFlags, fstat, fstatfs};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Acquire};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which file it is: device and inode.
type Identity = (u64, u64);

/// A directory: where it is, and perhaps its descriptor.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is asked alone, and no two of them exclude each other"
)]
pub struct Dir {
    parent: Option<Arc<Dir>>,
    name: CString,
    /// Whether `name` is part of the paths that are printed; not so for the `.` that nobody typed.
    shown: bool,
    /// Bytes of the printed paths of its entries before their own names.
    before: usize,
    /// Whether a symbolic link may stand for this directory.
    follow: bool,
    /// Whether a symbolic link stands for this directory or for one above it, below the start.
    linked: bool,
    /// Whether a short read tells the end of a file on this mount. Asked for each file: not behind the lock.
    local: bool,
    files: Arc<OpenFiles>,
    users: AtomicUsize,
    handle: Mutex<Handle>,
}

#[derive(Debug)]
struct Handle {
    /// The descriptor, shared with whoever uses it just now.
    fd: Option<Arc<OwnedFd>>,
    /// Whether [`OpenFiles`] counts it.
    held: bool,
    /// Known once it has been asked for.
    identity: Option<Identity>,
}

/// A right to a directory's descriptor. The last one that goes closes it.
#[derive(Debug)]
pub struct DirUse(Arc<Dir>);

impl DirUse {
    /// Opens a directory that the user named. `shown`: whether `path` is to be printed in front of what is found.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn open_root(files: &Arc<OpenFiles>, path: &CStr, shown: bool) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = files.open_long(CWD, path.to_bytes(), flags)?;
        let local = is_local(&fd);
        Ok(Self::new(files, None, path.to_owned(), shown, true, fd, local))
    }

    /// Opens the directory `name` of this one. A symbolic link of that name is an error (`ELOOP`, `ENOTDIR`), unless `follow`.
    ///
    /// # Errors
    /// As `openat(2)`; `ESTALE` if this directory had to be found again and another one is in its place.
    pub fn open_child(&self, name: &CStr, follow: bool) -> Result<Self, Errno> {
        let (base, flags) = (self.0.descriptor()?, Dir::flags(follow));
        let quietly = self.0.files.without_a_trace(flags).bits().cast_signed();
        // On the same mount it is the same file system, and nobody has to be asked which.
        let at_once = vthread::io::try_open_in_mount(&*base, name, quietly, 0);
        if let Ok(fd) = at_once {
            return Ok(self.child(name, follow, fd, self.short_read_is_end()));
        }
        let fd = self.0.files.open(base.as_fd(), name, flags)?;
        let local = is_local(&fd);
        Ok(self.child(name, follow, fd, local))
    }

    /// [`open_child`](Self::open_child), if that needs no waiting: `EAGAIN`. Nothing is closed to make room for it: `EMFILE`.
    ///
    /// # Errors
    /// As `open_child`.
    pub fn try_open_child(&self, name: &CStr, follow: bool) -> Result<Self, Errno> {
        let base = self.0.descriptor()?;
        let flags = self.0.files.without_a_trace(Dir::flags(follow)).bits().cast_signed();
        if let Ok(fd) = vthread::io::try_open_in_mount(&*base, name, flags, 0) {
            return Ok(self.child(name, follow, fd, self.short_read_is_end()));
        }
        // It may be another mount, or a kernel that cannot tell.
        let fd = vthread::io::try_open_at(&*base, name, flags, 0).map_err(|error| errno(&error))?;
        let local = is_local(&fd);
        Ok(self.child(name, follow, fd, local))
    }

    fn child(&self, name: &CStr, follow: bool, fd: OwnedFd, local: bool) -> Self {
        let files = &self.0.files;
        Self::new(files, Some(Arc::clone(&self.0)), name.to_owned(), true, follow, fd, local)
    }

    fn new(
        files: &Arc<OpenFiles>,
        parent: Option<Arc<Dir>>,
        name: CString,
        shown: bool,
        follow: bool,
        fd: OwnedFd,
        local: bool,
    ) -> Self {
        let handle = Handle { fd: Some(Arc::new(fd)), held: false, identity: None };
        let linked = parent.as_ref().is_some_and(|parent| parent.linked || follow);
        let own = name.to_bytes();
        let own = if shown { own.len() + usize::from(needs_slash(own)) } else { 0 };
        let before = parent.as_ref().map_or(0, |parent| parent.before) + own;
        Self(Arc::new(Dir {
            linked,
            parent,
            name,
            shown,
            before,
            follow,
            local,
            files: Arc::clone(files),
            users: AtomicUsize::new(1),
            handle: Mutex::new(handle),
        }))
    }

    /// Another right to the descriptor, for something below that is to be opened later.
    #[must_use]
    pub fn keep(&self) -> Self {
        self.0.users.fetch_add(1, AcqRel);
        let mut handle = self.0.handle();
        if !handle.held && handle.fd.is_some() {
            handle.held = true;
            self.0.files.count_held();
            drop(handle);
            self.0.files.hold(Arc::downgrade(&self.0));
        }
        Self(Arc::clone(&self.0))
    }

    /// The descriptor, opened again if it had to be closed.
    ///
    /// # Errors
    /// As `openat(2)`; `ESTALE` if another directory is in its place.
    pub fn descriptor(&self) -> Result<Arc<OwnedFd>, Errno> {
        self.0.descriptor()
    }

    /// See [`OpenFiles::without_a_trace`].
    pub fn without_a_trace(&self, flags: OFlags) -> OFlags {
        self.0.files.without_a_trace(flags)
    }

    /// Whether a short read tells the end of a file on this directory's mount.
    pub fn short_read_is_end(&self) -> bool {
        self.0.local
    }

    /// Where links are followed: whether this directory is to be listed. Not if it is one of its own ancestors, where everything
    /// is found anyway, nor if [`Visits`] have been enough.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn is_to_be_listed(&self, visits: &Visits) -> Result<bool, Errno> {
        let me = self.0.identity()?;
        let mut above = self.0.parent.as_ref();
        while let Some(dir) = above {
            if dir.identity()? == me {
                return Ok(false);
            }
            above = dir.parent.as_ref();
        }
        Ok(!self.0.linked || visits.admit(me))
    }

    /// The path of the entry `name`, as it is printed.
    pub fn path_of(&self, name: &CStr) -> Vec<u8> {
        self.0.path_of(name.to_bytes())
    }

    /// The path of the directory itself, as it is printed.
    pub fn path(&self) -> Vec<u8> {
        let name = self.0.name.to_bytes();
        self.0.parent.as_ref().map_or_else(|| name.to_vec(), |parent| parent.path_of(name))
    }
}

impl Drop for DirUse {
    fn drop(&mut self) {
        if self.0.users.fetch_sub(1, AcqRel) == 1 {
            self.0.close();
        }
    }
}

impl Dir {
    fn flags(follow: bool) -> OFlags {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if follow { flags } else { flags | OFlags::NOFOLLOW }
    }

    fn handle(&self) -> MutexGuard<'_, Handle> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn descriptor(self: &Arc<Self>) -> Result<Arc<OwnedFd>, Errno> {
        if let Some(fd) = &self.handle().fd {
            return Ok(Arc::clone(fd));
        }
        let fd = Arc::new(self.open_again()?);
        let status = fstat(&fd)?;
        let mut handle = self.handle();
        if handle.identity.is_some_and(|known| known != (status.st_dev, status.st_ino)) {
            return Err(Errno::STALE);
        }
        // Another worker may have been faster; two descriptors of one directory serve as well as one.
        if handle.fd.is_none() && self.users.load(Acquire) > 0 {
            handle.fd = Some(Arc::clone(&fd));
            handle.held = true;
            self.files.count_held();
            drop(handle);
            self.files.hold(Arc::downgrade(self));
        }
        Ok(fd)
    }

    /// Walks down from the nearest ancestor that is open.
    fn open_again(&self) -> Result<OwnedFd, Errno> {
        let mut below = vec![self.name.to_bytes()];
        let mut above = self.parent.as_ref();
        while let Some(dir) = above {
            let open = dir.handle().fd.clone();
            if let Some(fd) = open {
                return self.files.open_long(fd.as_fd(), &joined(&below), Self::flags(self.follow));
            }
            below.push(dir.name.to_bytes());
            above = dir.parent.as_ref();
        }
        // A root is opened as the user named it.
        self.files.open_long(CWD, &joined(&below), Self::flags(self.follow || below.len() == 1))
    }

    fn identity(self: &Arc<Self>) -> Result<Identity, Errno> {
        if let Some(known) = self.handle().identity {
            return Ok(known);
        }
        let status = fstat(self.descriptor()?)?;
        let identity = (status.st_dev, status.st_ino);
        self.handle().identity = Some(identity);
        Ok(identity)
    }

    /// Whether something below it is still to be opened.
    pub(super) fn is_of_use(&self) -> bool {
        self.users.load(Acquire) > 0
    }

    /// Closes the descriptor though it is still of use, and remembers which directory it was. Returns whether it was open.
    pub(super) fn close_for_now(&self) -> bool {
        let mut handle = self.handle();
        let Some(fd) = handle.fd.take() else { return false };
        if handle.identity.is_none() {
            handle.identity = fstat(&fd).ok().map(|s| (s.st_dev, s.st_ino));
        }
        self.released(&mut handle);
        true
    }

    fn close(&self) {
        let mut handle = self.handle();
        handle.fd = None;
        self.released(&mut handle);
    }

    fn released(&self, handle: &mut Handle) {
        if std::mem::take(&mut handle.held) {
            self.files.released();
        }
    }

    /// Of an entry. From its end to its beginning, without a list of its parts: where directories are a chain of hundreds, this is most of
    /// what is computed.
    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut end = self.before;
        let mut path = vec![0; end + name.len()];
        path[end..].copy_from_slice(name);
        let mut above = Some(self);
        while let Some(dir) = above {
            if dir.shown {
                let name = dir.name.to_bytes();
                if needs_slash(name) {
                    end -= 1;
                    path[end] = b'/';
                }
                let start = end - name.len();
                path[start..end].copy_from_slice(name);
                end = start;
            }
            above = dir.parent.as_deref();
        }
        path
    }
}

/// Not so the start, if the user typed one.
fn needs_slash(name: &[u8]) -> bool {
    !name.ends_with(b"/")
}

/// Dropping a chain of parents must not recurse: it may be a hundred thousand long.
impl Drop for Dir {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(dir) = parent {
            parent = Arc::into_inner(dir).and_then(|mut last| last.parent.take());
        }
    }
}

/// Joins names that are given last first.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut path = Vec::with_capacity(parts.iter().map(|p| p.len() + 1).sum());
    for part in parts.iter().rev() {
        if !path.is_empty() && !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(part);
    }
    path
}

fn is_local(dir: &OwnedFd) -> bool {
    fstatfs(dir).is_ok_and(|fs| short_read_is_end(fs.f_type as u64))
}

/// File systems whose reads come from the page cache and end early only at the end of the file, or at a page's border
/// (an I/O error, a signal): there a read that ends elsewhere needs no second one to see the end.
fn short_read_is_end(magic: u64) -> bool {
    const LOCAL: [u64; 8] = [
        0xef53,      // ext2, ext3, ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0x0102_1994, // tmpfs
        0xf2f5_2010, // f2fs
        0x794c_7630, // overlayfs: what lies below it is usually one of these, and never a network's or FUSE's own
        0xe0f5_e1e2, // erofs
        0x7371_7368, // squashfs
    ];
    LOCAL.contains(&(magic & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_slash_between_its_parts_and_none_else() {
        let top = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(top.path().join("one/two")).expect("two directories");
        let top = top.path().to_str().expect("a name in UTF-8");
        let files = Arc::new(OpenFiles::new(None).expect("files"));
        let paths = |start: &str, shown: bool| {
            let start = CString::new(start).expect("a path");
            let root = DirUse::open_root(&files, &start, shown).expect("a start");
            let two = root
                .open_child(c"one", false)
                .and_then(|one| one.open_child(c"two", false))
                .expect("a child");
            let all = [root.path(), root.path_of(c"leaf"), two.path(), two.path_of(c"leaf")];
            all.map(|path| String::from_utf8(path).expect("UTF-8"))
        };
        let below =
            |start: &str| [format!("{start}leaf"), format!("{start}one/two"), format!("{start}one/two/leaf")];
        for (start, shown, before) in [
            (top.to_owned(), true, format!("{top}/")),
            (format!("{top}/"), true, format!("{top}/")),
            (format!("{top}//"), true, format!("{top}//")),
            (top.to_owned(), false, String::new()),
        ] {
            let all = paths(&start, shown);
            assert_eq!(all[0], start);
            assert_eq!(all[1..], below(&before));
        }
    }
}
