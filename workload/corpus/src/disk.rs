//! Making entries relative to open directories, so that no path is ever too long.

use crate::Error;
use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, CWD, FileType, Mode, OFlags, linkat, mkdirat, mknodat, openat, symlinkat},
};
use std::{fs::File, io::Write as _, path::Path};

/// A directory of the tree that is being made.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    /// From the tree's root.
    path: Vec<u8>,
}

impl Folder {
    /// The directory at `path` as the tree's root.
    pub(crate) fn root(path: &Path) -> Result<Self, Error> {
        let fd = openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(Error::io(|| format!("cannot open {}", path.display())))?;
        Ok(Self { fd, path: vec![] })
    }

    /// The path of `name` in here, from the tree's root.
    pub(crate) fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    fn failed<E: Into<std::io::Error>>(&self, what: &str, name: &[u8]) -> impl FnOnce(E) -> Error {
        Error::io(move || format!("cannot make {what} {}", self.path_of(name).escape_ascii()))
    }

    /// Makes a directory.
    pub(crate) fn folder(&self, name: &[u8]) -> Result<Self, Error> {
        mkdirat(&self.fd, name, Mode::from(0o755)).map_err(self.failed("directory", name))?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::empty()).map_err(self.failed("directory", name))?;
        Ok(Self { fd, path: self.path_of(name) })
    }

    /// Makes an empty file and hands it out.
    pub(crate) fn create(&self, name: &[u8]) -> Result<File, Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::from(0o644)).map_err(self.failed("file", name))?;
        Ok(File::from(fd))
    }

    /// Makes a file of these bytes.
    pub(crate) fn file(&self, name: &[u8], bytes: &[u8]) -> Result<(), Error> {
        self.create(name)?.write_all(bytes).map_err(self.failed("file", name))
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&self, name: &[u8], target: &[u8]) -> Result<(), Error> {
        symlinkat(target, &self.fd, name).map_err(self.failed("symbolic link", name))
    }

    /// Makes a second name for a file.
    pub(crate) fn hard_link(&self, name: &[u8], existing: &[u8]) -> Result<(), Error> {
        linkat(&self.fd, existing, &self.fd, name, AtFlags::empty()).map_err(self.failed("hard link", name))
    }

    /// Makes a FIFO that nobody writes to.
    pub(crate) fn fifo(&self, name: &[u8]) -> Result<(), Error> {
        self.node(name, FileType::Fifo, "FIFO")
    }

    /// Makes a socket that nobody listens at.
    pub(crate) fn socket(&self, name: &[u8]) -> Result<(), Error> {
        self.node(name, FileType::Socket, "socket")
    }

    fn node(&self, name: &[u8], kind: FileType, what: &str) -> Result<(), Error> {
        mknodat(&self.fd, name, kind, Mode::from(0o644), 0).map_err(self.failed(what, name))
    }
}
