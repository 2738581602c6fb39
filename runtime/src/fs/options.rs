//! How a file is opened.

use super::{File, HERE, c_path};
use crate::io::open;
use core::ffi::CStr;
use std::io;
use std::os::fd::RawFd;
use std::path::Path;

/// As [`std::fs::OpenOptions`], with `custom_flags` and `mode` of its extension for Unix.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are std's")]
pub struct OpenOptions {
    read: bool,
    write: bool,
    append: bool,
    truncate: bool,
    create: bool,
    create_new: bool,
    custom_flags: i32,
    mode: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, on: bool) -> &mut Self {
            self.$name = on;
            self
        }
    )*};
}

impl OpenOptions {
    /// Nothing is allowed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            read: false,
            write: false,
            append: false,
            truncate: false,
            create: false,
            create_new: false,
            custom_flags: 0,
            mode: 0o666,
        }
    }

    switches! {
        /// It may be read.
        read
        /// It may be written.
        write
        /// It may be written at its end.
        append
        /// It is made empty.
        truncate
        /// It is made if it is missing.
        create
        /// It is made, and must have been missing.
        create_new
    }

    /// More flags of `open(2)`.
    pub fn custom_flags(&mut self, flags: i32) -> &mut Self {
        self.custom_flags = flags;
        self
    }

    /// The permissions of a file that is made, less the umask. `0o666` without this.
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = mode;
        self
    }

    /// Opens.
    ///
    /// # Errors
    /// As [`std::fs::OpenOptions::open`].
    ///
    /// # Panics
    /// With [`Cancelled`](crate::Cancelled), if the vthread was.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.open_at(HERE, &c_path(path.as_ref())?)
    }

    pub(super) fn open_at(&self, dir: RawFd, path: &CStr) -> io::Result<File> {
        Ok(File::from(open(dir, path, self.flags()?, self.mode)?))
    }

    /// The flags of `open(2)`, as std makes them.
    fn flags(&self) -> io::Result<i32> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
        let changes = self.truncate || self.create || self.create_new;
        let cannot = if self.append { self.truncate && !self.create_new } else { changes && !self.write };
        if cannot {
            return Err(invalid("creating or truncating a file requires write or append access"));
        }
        let access = match (self.read, self.write, self.append) {
            (true, false, false) => libc::O_RDONLY,
            (false, true, false) => libc::O_WRONLY,
            (true, true, false) => libc::O_RDWR,
            (false, _, true) => libc::O_WRONLY | libc::O_APPEND,
            (true, _, true) => libc::O_RDWR | libc::O_APPEND,
            (false, false, false) => {
                return Err(invalid("must specify at least one of read, write, or append access"));
            }
        };
        let making = match (self.create, self.truncate, self.create_new) {
            (false, false, false) => 0,
            (true, false, false) => libc::O_CREAT,
            (false, true, false) => libc::O_TRUNC,
            (true, true, false) => libc::O_CREAT | libc::O_TRUNC,
            (_, _, true) => libc::O_CREAT | libc::O_EXCL,
        };
        Ok(access | making | (self.custom_flags & !libc::O_ACCMODE))
    }
}
