//! `tokio::fs` with paths of any length: those longer than `PATH_MAX` are reached through `/proc/self/fd`.

use super::Place;
use crate::search::Search;
use crate::tree::{LEASED, LOOKS_AGAIN, READ};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::fs::{File, OpenOptions};

/// What is at `path`.
pub(super) async fn look(path: &Path, follow: bool) -> io::Result<FileType> {
    let (path, _handle) = reach(path).await?;
    let status =
        if follow { tokio::fs::metadata(path).await? } else { tokio::fs::symlink_metadata(path).await? };
    Ok(FileType::from_raw_mode(status.mode()))
}

/// A path that the kernel accepts, and the directory that must stay open for it.
pub(super) async fn reach(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    /// With `/proc/self/fd/N/` in front still below `PATH_MAX`.
    const LONGEST: usize = 4000;
    let mut rest = path.as_os_str().as_bytes();
    if rest.is_empty() {
        return Ok((PathBuf::from("."), None));
    }
    let mut reached: Option<File> = None;
    loop {
        let mut here = PathBuf::new();
        if let Some(dir) = &reached {
            here.push(format!("/proc/self/fd/{}", dir.as_raw_fd()));
        }
        if rest.len() <= LONGEST {
            here.push(OsStr::from_bytes(rest));
            return Ok((here, reached));
        }
        let cut = rest[..LONGEST].iter().rposition(|b| *b == b'/');
        let cut = cut.ok_or_else(|| io::Error::from(Errno::NAMETOOLONG))?;
        here.push(OsStr::from_bytes(&rest[..=cut]));
        let through = (OFlags::PATH | OFlags::DIRECTORY).bits() as i32;
        reached = Some(OpenOptions::new().read(true).custom_flags(through).open(here).await?);
        rest = &rest[cut..];
        rest = &rest[rest.iter().take_while(|b| **b == b'/').count()..];
    }
}

pub(super) async fn open(search: &Search, place: &Place) -> io::Result<File> {
    let flags = if place.follow { READ } else { READ | OFlags::NOFOLLOW };
    let (path, _handle) = reach(&place.path).await?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits() as i32);
    let since = Instant::now();
    loop {
        match options.open(&path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if since.elapsed() > LEASED || search.is_stopped() {
                    // Not what a FIFO says when it is read: it is no change.
                    return Err(Errno::BUSY.into());
                }
                tokio::time::sleep(LOOKS_AGAIN).await;
            }
            opened => return opened,
        }
    }
}
