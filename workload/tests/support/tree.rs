//! Directory trees that are made for one test, however odd, and removed after it.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, chmodat, mkdirat, mknodat, openat, renameat, symlinkat,
    unlinkat,
};
use std::ffi::{CStr, OsStr};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory for one test. Below it anything goes: paths longer than `PATH_MAX`, directories without permissions.
pub struct Tree {
    dir: TempDir,
}

impl Tree {
    /// An empty one, that every user may enter.
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("zork-test-").expect("a temporary directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        Self { dir }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The path of something in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file, and makes the directories on the way to it.
    pub fn file(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name.as_ref());
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("directories");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Makes a directory, and those on the way to it.
    pub fn dir(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name.as_ref());
        fs::create_dir_all(&path).expect("directories");
        path
    }

    /// Makes a symbolic link.
    pub fn link(&self, target: impl AsRef<Path>, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        symlinkat(target.as_ref(), CWD, &path).expect("a symbolic link");
        path
    }

    /// Makes a FIFO.
    pub fn fifo(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).expect("a FIFO");
        path
    }

    /// Makes a socket.
    pub fn socket(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        path
    }

    /// Makes a directory that has an end, but none that a test waits for, if links are followed: two hundred directories with links to
    /// each other, so that each is listed under 33 names, and files of this content in all.
    pub fn endless(&self, name: &str, content: &str) {
        const DIRECTORIES: usize = 200;
        for one in 0..DIRECTORIES {
            let dir = self.dir(format!("{name}-parts/{one}"));
            self.file(format!("{name}-parts/{one}/file.txt"), content);
            for other in (0..DIRECTORIES).filter(|other| *other != one) {
                self.link(format!("../{other}"), dir.join(format!("link{other}")));
            }
        }
        self.link(format!("{name}-parts/0"), name);
    }

    /// Sets permissions.
    pub fn chmod(&self, name: impl AsRef<Path>, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("chmod");
    }

    /// Makes directories named `name` in one another, from descriptor to descriptor; `each` puts things into them. The
    /// outermost one is level 1. Returns the path of the innermost one, relative to the tree.
    pub fn chain(&self, levels: usize, name: &str, each: impl Fn(usize, &OwnedFd)) -> String {
        let mut here = open_dir(CWD, self.root());
        let mut path = String::new();
        for level in 1..=levels {
            mkdirat(&here, name, Mode::from_raw_mode(0o755)).expect("a directory");
            here = open_dir(&here, name);
            path.push_str(if level == 1 { "" } else { "/" });
            path.push_str(name);
            each(level, &here);
        }
        path
    }
}

/// Writes a file into an open directory.
pub fn write_at(dir: &OwnedFd, name: &str, content: &[u8]) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::from_raw_mode(0o644)).expect("a file");
    assert_eq!(rustix::io::write(&file, content), Ok(content.len()));
}

fn open_dir(base: impl AsFd, path: impl rustix::path::Arg) -> OwnedFd {
    openat(base, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .expect("a directory")
}

/// Directories are moved up before they are emptied: no path gets long, and few descriptors are open.
impl Drop for Tree {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What is left may show what went wrong, and is removed as far as that is easy.
            return;
        }
        let top = open_dir(CWD, self.root());
        let mut moved = 0_u64;
        let mut left: Vec<std::ffi::CString> = directories_after_unlinking(&top);
        while let Some(name) = left.pop() {
            let dir = open_dir(&top, &*name);
            for below in directories_after_unlinking(&dir) {
                moved += 1;
                let to = format!("zork-test-moved-{moved}");
                renameat(&dir, &*below, &top, &*to).expect("a move");
                left.push(std::ffi::CString::new(to).expect("no NUL"));
            }
            unlinkat(&top, &*name, AtFlags::REMOVEDIR).expect("a removal");
        }
    }
}

fn directories_after_unlinking(dir: &OwnedFd) -> Vec<std::ffi::CString> {
    let mut directories = vec![];
    for entry in Dir::read_from(dir).expect("a listing") {
        let entry = entry.expect("an entry");
        let name: &CStr = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            chmodat(dir, name, Mode::from_raw_mode(0o700), AtFlags::empty()).expect("chmod");
            directories.push(name.to_owned());
        } else {
            unlinkat(dir, name, AtFlags::empty()).expect("a removal");
        }
    }
    directories
}
