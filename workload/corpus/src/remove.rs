//! Deleting a tree of any depth with two open directories.

use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, unlinkat},
    io::Errno,
};
use std::{ffi::CString, io};

/// A directory on the way down.
struct Level {
    /// Device and inode: proves that the way up leads back to where the way down came from.
    id: (u64, u64),
    /// Subdirectories that are still there.
    folders: Vec<CString>,
}

/// Deletes `name` in `dir` and all that is in it. Symbolic links are deleted, not followed. It is no error if there
/// is nothing of that name.
///
/// Goes down by name and up by `..`, because paths may be longer than `PATH_MAX` and chains longer than the
/// limit on open files.
pub(crate) fn remove(dir: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // POSIX has EPERM for directories, Linux EISDIR.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here = openat(dir, name, flags, Mode::empty())?;
    let mut levels = vec![remove_files(&here)?];
    while let Some(level) = levels.last() {
        if let Some(child) = level.folders.last() {
            here = openat(&here, child, flags, Mode::empty())?;
            levels.push(remove_files(&here)?);
            continue;
        }
        levels.pop();
        if let Some(parent) = levels.last_mut() {
            here = openat(&here, "..", flags, Mode::empty())?;
            if id(&here)? != parent.id {
                return Err(io::Error::other("the tree was moved while it was deleted"));
            }
            if let Some(empty) = parent.folders.pop() {
                unlinkat(&here, &empty, AtFlags::REMOVEDIR)?;
            }
        }
    }
    Ok(unlinkat(dir, name, AtFlags::REMOVEDIR)?)
}

fn id(dir: &OwnedFd) -> io::Result<(u64, u64)> {
    let stat = fstat(dir)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Deletes all but the subdirectories.
fn remove_files(dir: &OwnedFd) -> io::Result<Level> {
    let mut folders = vec![];
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            folders.push(name.to_owned());
            continue;
        }
        match unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) => {}
            // File systems that don't tell the type say so only now.
            Err(Errno::ISDIR | Errno::PERM) if entry.file_type() == FileType::Unknown => {
                folders.push(name.to_owned());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Level { id: id(dir)?, folders })
}
