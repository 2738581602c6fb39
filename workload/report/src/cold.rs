//! Puts the bytes of all files out of memory; names, inodes and directories stay.

use std::fs::{File, read_dir};
use std::os::fd::AsRawFd;
use std::path::Path;

/// Once, after files were written: what has not reached the disk cannot be put out.
pub(crate) fn settle() {
    // SAFETY: has no arguments.
    unsafe { libc::sync() };
}

/// As far as paths reach.
pub(crate) fn evict(dir: &Path) {
    let Ok(entries) = read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => evict(&path),
            Ok(kind) if kind.is_file() => {
                if let Ok(file) = File::open(&path) {
                    // SAFETY: advice about an open file, all of it.
                    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
                }
            }
            _ => {}
        }
    }
}
