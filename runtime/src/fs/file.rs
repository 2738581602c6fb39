//! An open file.

use super::{Metadata, OpenOptions, Permissions};
use crate::io::{self as vio, Request, elsewhere};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::path::Path;

/// An open file, as [`std::fs::File`]; closed when dropped.
#[derive(Debug)]
pub struct File(std::fs::File);

impl File {
    /// Opens a file to read it.
    ///
    /// # Errors
    /// As [`std::fs::File::open`].
    ///
    /// # Panics
    /// Here and below: with [`Cancelled`](crate::Cancelled), if the vthread was.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).open(path)
    }

    /// Makes a file, or an existing one empty, to write it.
    ///
    /// # Errors
    /// As [`std::fs::File::create`].
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file that must have been missing, to read and write it.
    ///
    /// # Errors
    /// As [`std::fs::File::create_new`].
    pub fn create_new(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// The other ways to open one.
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Reads from `offset`; the position stays.
    ///
    /// # Errors
    /// As `pread(2)`.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        vio::read_at(self, buffer, offset)
    }

    /// Fills the buffer from `offset`.
    ///
    /// # Errors
    /// As `pread(2)`; [`io::ErrorKind::UnexpectedEof`] when the file ends before.
    pub fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let n = self.read_at(buffer, offset)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = &mut buffer[n..];
            offset += n as u64;
        }
        Ok(())
    }

    /// Writes at `offset`; the position stays.
    ///
    /// # Errors
    /// As `pwrite(2)`.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        vio::write_at(self, bytes, offset)
    }

    /// Writes all at `offset`.
    ///
    /// # Errors
    /// As `pwrite(2)`.
    pub fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let n = self.write_at(bytes, offset)?;
            if n == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[n..];
            offset += n as u64;
        }
        Ok(())
    }

    /// Waits until contents and metadata are on the disk.
    ///
    /// # Errors
    /// As `fsync(2)`.
    pub fn sync_all(&self) -> io::Result<()> {
        super::done(&Request::Sync { fd: self.as_raw_fd(), data_only: false })
    }

    /// Waits until the contents are on the disk.
    ///
    /// # Errors
    /// As `fdatasync(2)`.
    pub fn sync_data(&self) -> io::Result<()> {
        super::done(&Request::Sync { fd: self.as_raw_fd(), data_only: true })
    }

    /// Cuts the file off, or lengthens it with zeros.
    ///
    /// # Errors
    /// As `ftruncate(2)`.
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        elsewhere(|| self.0.set_len(size))
    }

    /// Its type, size, times and so on. Never waits: they are in memory while it is open.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// Changes who may do what.
    ///
    /// # Errors
    /// As `fchmod(2)`.
    #[allow(clippy::needless_pass_by_value, reason = "as std has it")]
    pub fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        elsewhere(|| self.0.set_permissions(permissions.clone()))
    }

    /// Another descriptor of the same open file, with the same position.
    ///
    /// # Errors
    /// As `dup(2)`.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// What is left, as far as that can be told.
    fn size_hint(&self) -> usize {
        let size = self.metadata().map_or(0, |metadata| metadata.len());
        let position = (&self.0).stream_position().unwrap_or(0);
        usize::try_from(size.saturating_sub(position)).unwrap_or(0)
    }
}

/// Bytes behind which there is room for more, until it is dropped: what has been read stays, also when the read fails or is cancelled.
struct Room<'a> {
    bytes: &'a mut Vec<u8>,
    read: usize,
}

impl<'a> Room<'a> {
    /// What `bytes` have room for, and no more than so much.
    fn new(bytes: &'a mut Vec<u8>, most: usize) -> Self {
        let read = bytes.len();
        bytes.resize(bytes.capacity().min(read + most), 0);
        Self { bytes, read }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.bytes.truncate(self.read);
    }
}

impl Read for &File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        vio::read(*self, buffer)
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        const LEAST: usize = 32;
        const MOST: usize = 1 << 20;
        let before = bytes.len();
        // One more than there should be: the read that finds the end needs no growth.
        bytes.try_reserve(self.size_hint().saturating_add(1).max(LEAST))?;
        loop {
            if bytes.len() == bytes.capacity() {
                bytes.try_reserve(LEAST)?;
            }
            let mut more = Room::new(bytes, MOST);
            let read = vio::read(*self, &mut more.bytes[more.read..])?;
            more.read += read;
            if read == 0 {
                drop(more);
                return Ok(bytes.len() - before);
            }
        }
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        let more = std::str::from_utf8(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8"))?;
        text.push_str(more);
        Ok(bytes.len())
    }
}

impl Write for &File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        vio::write(*self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&self.0).seek(to)
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        (&*self).read_to_end(bytes)
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        (&*self).read_to_string(text)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl FromRawFd for File {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { std::fs::File::from_raw_fd(fd) })
    }
}

impl IntoRawFd for File {
    fn into_raw_fd(self) -> RawFd {
        self.0.into_raw_fd()
    }
}

impl From<OwnedFd> for File {
    fn from(fd: OwnedFd) -> Self {
        Self(fd.into())
    }
}

impl From<File> for OwnedFd {
    fn from(file: File) -> Self {
        file.0.into()
    }
}

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> Self {
        Self(file)
    }
}

impl From<File> for std::fs::File {
    fn from(file: File) -> Self {
        file.0
    }
}
