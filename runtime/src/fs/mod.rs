//! Files and directories, as `std::fs` has them, for virtual threads and ordinary threads alike.
//!
//! What is in memory is read at once; what is not, parks the vthread and lets others run. How, and what may block all the
//! same: see [`crate::io`].
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! let path = std::env::temp_dir().join(format!("vthread-fs-{}", std::process::id()));
//! let text = vthread::run(|| {
//!     vthread::fs::write(&path, "It is pitch black.")?;
//!     vthread::fs::read_to_string(&path)
//! })?;
//! assert_eq!(text, "It is pitch black.");
//! vthread::fs::remove_file(&path)
//! # }
//! ```

mod dir;
mod file;
mod options;

pub use dir::{Dir, DirEntry, ReadDir};
pub use file::File;
pub use options::OpenOptions;
/// Those of `std`.
pub use std::fs::{FileType, Metadata, Permissions};

use crate::io::{Request, elsewhere, perform};
use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Relative to nothing else.
const HERE: i32 = libc::AT_FDCWD;

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a path cannot hold a NUL byte"))
}

/// For requests without buffers other than paths.
fn done(request: &Request<'_>) -> io::Result<()> {
    // SAFETY: the paths are borrowed by the request, and no descriptor comes of it.
    unsafe { perform(request) }.map(drop)
}

/// The whole file.
///
/// # Errors
/// As [`std::fs::read`].
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The whole file, which must be UTF-8.
///
/// # Errors
/// As [`std::fs::read_to_string`].
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Makes or overwrites the file.
///
/// # Errors
/// As [`std::fs::write`].
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    File::create(path)?.write_all(contents.as_ref())
}

/// Copies contents and permissions; gives the number of bytes.
///
/// # Errors
/// As [`std::fs::copy`].
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let (from, to) = (from.as_ref(), to.as_ref());
    elsewhere(|| std::fs::copy(from, to))
}

/// What a path leads to, symbolic links followed.
///
/// # Errors
/// As [`std::fs::metadata`].
pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    dir::metadata_at(HERE, &c_path(path.as_ref())?, true)
}

/// What a path names: of a symbolic link, the link's own.
///
/// # Errors
/// As [`std::fs::symlink_metadata`].
pub fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    dir::metadata_at(HERE, &c_path(path.as_ref())?, false)
}

/// Is there something?
///
/// # Errors
/// As [`std::fs::exists`].
pub fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    match metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The entries of a directory, without `.` and `..`.
///
/// # Errors
/// As [`std::fs::read_dir`].
pub fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let path = path.as_ref();
    Ok(ReadDir::new(Dir::open(path)?, path.to_owned()))
}

/// Renames, and replaces what had the name.
///
/// # Errors
/// As [`std::fs::rename`].
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (c_path(from.as_ref())?, c_path(to.as_ref())?);
    done(&Request::Rename { from_dir: HERE, from: &from, to_dir: HERE, to: &to })
}

/// Removes a file or symbolic link.
///
/// # Errors
/// As [`std::fs::remove_file`].
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    done(&Request::Unlink { dir: HERE, path: &c_path(path.as_ref())?, flags: 0 })
}

/// Removes an empty directory.
///
/// # Errors
/// As [`std::fs::remove_dir`].
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    done(&Request::Unlink { dir: HERE, path: &c_path(path.as_ref())?, flags: libc::AT_REMOVEDIR })
}

/// Removes a directory with all that is in it.
///
/// # Errors
/// As [`std::fs::remove_dir_all`].
pub fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    elsewhere(|| std::fs::remove_dir_all(path))
}

/// Makes a directory.
///
/// # Errors
/// As [`std::fs::create_dir`].
pub fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    done(&Request::MakeDir { dir: HERE, path: &c_path(path.as_ref())?, mode: 0o777 })
}

/// Makes a directory, and those above it that are missing.
///
/// # Errors
/// As [`std::fs::create_dir_all`].
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    elsewhere(|| std::fs::create_dir_all(path))
}

/// Gives a file another name.
///
/// # Errors
/// As [`std::fs::hard_link`].
pub fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (c_path(original.as_ref())?, c_path(link.as_ref())?);
    done(&Request::Link { from_dir: HERE, from: &from, to_dir: HERE, to: &to })
}

/// Makes a symbolic link, as [`std::os::unix::fs::symlink`].
///
/// # Errors
/// As there.
pub fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let (target, path) = (c_path(original.as_ref())?, c_path(link.as_ref())?);
    done(&Request::Symlink { target: &target, dir: HERE, path: &path })
}

/// Where a symbolic link leads.
///
/// # Errors
/// As [`std::fs::read_link`].
pub fn read_link(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref();
    elsewhere(|| std::fs::read_link(path))
}

/// The absolute path, without symbolic links.
///
/// # Errors
/// As [`std::fs::canonicalize`].
pub fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref();
    elsewhere(|| std::fs::canonicalize(path))
}

/// Changes who may do what.
///
/// # Errors
/// As [`std::fs::set_permissions`].
#[allow(clippy::needless_pass_by_value, reason = "as std has it")]
pub fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    let path = path.as_ref();
    elsewhere(|| std::fs::set_permissions(path, permissions.clone()))
}
