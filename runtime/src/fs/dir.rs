//! Directories by descriptor, and their entries.

use super::{File, HERE, Metadata, OpenOptions, c_path, done};
use crate::io::{Request, elsewhere, open, open_and_tell, try_blocking};
use core::ffi::CStr;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Bytes for one `getdents64`: about a thousand names.
const LISTING: usize = 32 << 10;

/// An open directory. What is opened relative to it is found though the directory is moved, and however long its path is.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use vthread::fs::Dir;
/// let dir = Dir::open("/proc/self")?;
/// assert!(dir.metadata_at("comm")?.is_file());
/// let names: Vec<_> = dir.read_dir()?.map(|entry| entry.unwrap().file_name()).collect();
/// assert!(names.iter().any(|name| name == "comm"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    /// It was not in memory when it was opened; nor is its listing, then.
    is_cold: bool,
}

impl Dir {
    /// Opens a directory.
    ///
    /// # Errors
    /// As `openat(2)`.
    ///
    /// # Panics
    /// Here and below: with [`Cancelled`](crate::Cancelled), if the vthread was.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        open_dir(HERE, &c_path(path.as_ref())?)
    }

    /// Opens a directory relative to this one.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn open_dir_at(&self, path: impl AsRef<Path>) -> io::Result<Self> {
        open_dir(self.as_raw_fd(), &c_path(path.as_ref())?)
    }

    /// Opens a file relative to this directory, to read it.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn open_at(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.open_at_with(path, OpenOptions::new().read(true))
    }

    /// Opens a file relative to this directory.
    ///
    /// # Errors
    /// As [`OpenOptions::open`].
    pub fn open_at_with(&self, path: impl AsRef<Path>, how: &OpenOptions) -> io::Result<File> {
        how.open_at(self.as_raw_fd(), &c_path(path.as_ref())?)
    }

    /// What an entry leads to, symbolic links followed.
    ///
    /// # Errors
    /// As [`std::fs::metadata`].
    pub fn metadata_at(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        metadata_at(self.as_raw_fd(), &c_path(path.as_ref())?, true)
    }

    /// What an entry is: of a symbolic link, the link's own.
    ///
    /// # Errors
    /// As [`std::fs::symlink_metadata`].
    pub fn symlink_metadata_at(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        metadata_at(self.as_raw_fd(), &c_path(path.as_ref())?, false)
    }

    /// Makes a directory in this one.
    ///
    /// # Errors
    /// As `mkdirat(2)`.
    pub fn create_dir_at(&self, path: impl AsRef<Path>) -> io::Result<()> {
        done(&Request::MakeDir { dir: self.as_raw_fd(), path: &c_path(path.as_ref())?, mode: 0o777 })
    }

    /// Removes a file or symbolic link.
    ///
    /// # Errors
    /// As `unlinkat(2)`.
    pub fn remove_file_at(&self, path: impl AsRef<Path>) -> io::Result<()> {
        done(&Request::Unlink { dir: self.as_raw_fd(), path: &c_path(path.as_ref())?, flags: 0 })
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// As `unlinkat(2)`.
    pub fn remove_dir_at(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let flags = libc::AT_REMOVEDIR;
        done(&Request::Unlink { dir: self.as_raw_fd(), path: &c_path(path.as_ref())?, flags })
    }

    /// Moves an entry of this directory to `to` in `other`, and replaces what had that name.
    ///
    /// # Errors
    /// As `renameat(2)`.
    pub fn rename_at(&self, from: impl AsRef<Path>, other: &Self, to: impl AsRef<Path>) -> io::Result<()> {
        let (from, to) = (c_path(from.as_ref())?, c_path(to.as_ref())?);
        done(&Request::Rename { from_dir: self.as_raw_fd(), from: &from, to_dir: other.as_raw_fd(), to: &to })
    }

    /// Its entries, from the first on, without `.` and `..`. Their [`path`](DirEntry::path)s are their names.
    ///
    /// # Errors
    /// As `openat(2)`: the listing has a position of its own, and so a descriptor.
    pub fn read_dir(&self) -> io::Result<ReadDir> {
        let mut again = open_dir(self.as_raw_fd(), c".")?;
        again.is_cold |= self.is_cold;
        Ok(ReadDir::new(again, PathBuf::new()))
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Dir {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<OwnedFd> for Dir {
    fn from(fd: OwnedFd) -> Self {
        Self { fd, is_cold: false }
    }
}

fn open_dir(base: RawFd, path: &CStr) -> io::Result<Dir> {
    let (fd, is_cold) = open_and_tell(base, path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
    Ok(Dir { fd, is_cold })
}

/// By way of a descriptor that is only for that (`O_PATH`): to find it may wait, to look at it does not.
pub(super) fn metadata_at(dir: RawFd, path: &CStr, follow: bool) -> io::Result<Metadata> {
    let flags = libc::O_PATH | if follow { 0 } else { libc::O_NOFOLLOW };
    match open(dir, path, flags, 0) {
        Ok(found) => std::fs::File::from(found).metadata(),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
            metadata_without_a_descriptor(dir, path, follow).unwrap_or(Err(error))
        }
        Err(error) => Err(error),
    }
}

/// None is left: std needs none, and nobody can say whether it waits. `None`: nor can the directory be named to it.
#[cold]
fn metadata_without_a_descriptor(dir: RawFd, path: &CStr, follow: bool) -> Option<io::Result<Metadata>> {
    let mut full = PathBuf::new();
    if dir != HERE {
        full.push(format!("/proc/self/fd/{dir}"));
        std::fs::symlink_metadata(&full).ok()?;
    }
    full.push(OsStr::from_bytes(path.to_bytes()));
    let look = || if follow { std::fs::metadata(&full) } else { std::fs::symlink_metadata(&full) };
    Some(elsewhere(look))
}

/// The entries of a directory; see [`read_dir`](super::read_dir).
#[derive(Debug)]
pub struct ReadDir {
    dir: std::sync::Arc<Dir>,
    path: std::sync::Arc<PathBuf>,
    /// What `getdents64` wrote; aligned as it wants.
    listing: Box<[u64]>,
    /// The bytes of it that have not been looked at.
    held: core::ops::Range<usize>,
    ended: bool,
}

impl ReadDir {
    pub(super) fn new(dir: Dir, path: PathBuf) -> Self {
        Self {
            dir: dir.into(),
            path: path.into(),
            listing: vec![0; LISTING / size_of::<u64>()].into(),
            held: 0..0,
            ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.dir.is_cold
            && let Ok(listed) = try_blocking(|| self.list())
        {
            return listed;
        }
        // Without a thread for it, the carrier waits.
        self.list()
    }

    /// Asks for the next entries, and keeps them at once: they are not told twice, and who has waited for them may be cancelled.
    fn list(&mut self) -> io::Result<()> {
        loop {
            let (dir, to) = (self.dir.as_raw_fd(), self.listing.as_mut_ptr());
            // SAFETY: the buffer is ours, and so long.
            let n = unsafe { libc::syscall(libc::SYS_getdents64, dir, to, size_of_val(&*self.listing)) };
            if let Ok(n) = usize::try_from(n) {
                self.held = 0..n;
                self.ended = n == 0;
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.raw_os_error() == Some(libc::EINTR) {
                continue;
            }
            self.ended = true;
            // Removed meanwhile: nothing is left of it.
            return if error.raw_os_error() == Some(libc::ENOENT) { Ok(()) } else { Err(error) };
        }
    }

    /// The record at the front: inode, offset, length (2 bytes at 16), type (18), name and NUL (from 19).
    fn take(&mut self) -> Option<(CString, u8)> {
        // SAFETY: plain integers seen as bytes.
        let bytes = unsafe {
            let all = core::slice::from_raw_parts(self.listing.as_ptr().cast::<u8>(), LISTING);
            &all[self.held.clone()]
        };
        let length = usize::from(u16::from_ne_bytes(*bytes.get(16..)?.first_chunk()?));
        let name = CStr::from_bytes_until_nul(bytes.get(19..length)?).ok()?;
        let taken = (name.to_owned(), bytes[18]);
        self.held.start += length;
        Some(taken)
    }
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.held.is_empty() {
                if self.ended {
                    return None;
                }
                if let Err(error) = self.fill() {
                    return Some(Err(error));
                }
                continue;
            }
            let Some((name, kind)) = self.take() else {
                self.ended = true;
                self.held = 0..0;
                return Some(Err(io::ErrorKind::InvalidData.into()));
            };
            if !matches!(name.to_bytes(), b"." | b"..") {
                let (dir, path) = (self.dir.clone(), self.path.clone());
                return Some(Ok(DirEntry { dir, path, name, kind }));
            }
        }
    }
}

/// An entry of a directory, as [`std::fs::DirEntry`].
#[derive(Clone, Debug)]
pub struct DirEntry {
    dir: std::sync::Arc<Dir>,
    path: std::sync::Arc<PathBuf>,
    name: CString,
    /// `d_type`.
    kind: u8,
}

impl DirEntry {
    /// Its name.
    pub fn file_name(&self) -> OsString {
        OsString::from_vec(self.name.to_bytes().to_vec())
    }

    /// Its name, without a copy.
    pub fn name(&self) -> &CStr {
        &self.name
    }

    /// The path that the listing began with, and its name.
    pub fn path(&self) -> PathBuf {
        self.path.join(OsStr::from_bytes(self.name.to_bytes()))
    }

    /// Is it a directory, as far as the listing says? `None`: it does not say.
    pub fn is_dir(&self) -> Option<bool> {
        (self.kind != libc::DT_UNKNOWN).then_some(self.kind == libc::DT_DIR)
    }

    /// Its type; a symbolic link is one.
    ///
    /// # Errors
    /// As [`metadata`](Self::metadata).
    pub fn file_type(&self) -> io::Result<super::FileType> {
        self.metadata().map(|metadata| metadata.file_type())
    }

    /// What it is, symbolic links not followed.
    ///
    /// # Errors
    /// As [`std::fs::symlink_metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        metadata_at(self.dir.as_raw_fd(), &self.name, false)
    }
}
