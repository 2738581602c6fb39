//! A batch of directory entries: what one `getdents64` returned, or the half of it that another worker took.

use rustix::fs::FileType;
use std::ffi::CStr;

/// One entry of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The name within the directory.
    pub name: &'a CStr,
    /// Its type as the directory tells it; `Unknown` on file systems that do not.
    pub file_type: FileType,
}

/// Bytes of an entry of a listing besides its name: inode, offset, length, type, and a NUL.
const RECORD: usize = 20;

/// Names that are still to be visited, without an allocation for each.
#[derive(Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
    /// Where each name begins in `bytes`, and where it ends, behind its NUL.
    entries: Vec<(u32, u32, FileType)>,
    next: usize,
    /// So many at the front are directories.
    directories: usize,
    listed: usize,
}

impl Names {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.next = 0;
        self.directories = 0;
        self.listed = 0;
    }

    /// Adds an entry, before any has been taken. Directories come first: while the files beside them are searched, another worker can list them.
    ///
    /// # Panics
    /// If all names together have 4 GiB; those of a listing have some KiB.
    pub fn push(&mut self, name: &CStr, file_type: FileType) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        let end = self.bytes.len();
        // `name` relies on it that nothing is cut off here.
        assert!(u32::try_from(end).is_ok(), "names of 4 GiB");
        self.entries.push((start as u32, end as u32, file_type));
        if file_type == FileType::Directory {
            let last = self.entries.len() - 1;
            self.entries.swap(self.directories, last);
            self.directories += 1;
        }
    }

    /// Notes an entry of the listing, whether it is added or not.
    pub fn list(&mut self, name: &CStr) {
        self.listed += RECORD + name.count_bytes();
    }

    /// Bytes that the noted entries took in the listing, or somewhat less: it rounds up.
    pub fn listed(&self) -> usize {
        self.listed
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.entries.len() - self.next
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that are left, in their order.
    pub fn upcoming(&self) -> impl Iterator<Item = Name<'_>> {
        let all = self.entries[self.next..].iter();
        all.map(|&(start, end, file_type)| Name { name: name(&self.bytes, start, end), file_type })
    }

    /// Takes the first one that is left.
    pub fn pop(&mut self) -> Option<Name<'_>> {
        let (start, end, file_type) = *self.entries.get(self.next)?;
        self.next += 1;
        Some(Name { name: name(&self.bytes, start, end), file_type })
    }

    /// Takes all that is left.
    #[must_use]
    pub fn rest(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Splits off the later half of what is left.
    #[must_use]
    pub fn split(&mut self) -> Self {
        let middle = self.next + self.len() / 2;
        let mut half = Self::default();
        for (start, end, file_type) in self.entries.drain(middle..) {
            half.push(name(&self.bytes, start, end), file_type);
        }
        half
    }
}

#[inline]
#[allow(
    unsafe_code,
    reason = "to look for the NUL again takes longer than all else that is done with most names"
)]
fn name(bytes: &[u8], start: u32, end: u32) -> &CStr {
    // SAFETY: between these two, which are no larger than a `u32`, `push` has put the bytes of a `CStr` with its NUL, and nothing changes them
    // until `clear`, which forgets both.
    unsafe { CStr::from_bytes_with_nul_unchecked(&bytes[start as usize..end as usize]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_come_first() {
        let mut names = Names::default();
        let (file, dir) = (FileType::RegularFile, FileType::Directory);
        for (name, file_type) in [(c"a", file), (c"b", dir), (c"c", file), (c"d", dir)] {
            names.push(name, file_type);
        }
        let mut all = vec![];
        while let Some(n) = names.pop() {
            all.push((n.name.to_owned(), n.file_type));
        }
        let (first, rest) = all.split_at(2);
        assert!(first.iter().all(|(_, file_type)| *file_type == dir), "{all:?}");
        assert!(rest.iter().all(|(_, file_type)| *file_type == file), "{all:?}");
        all.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(all.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), [c"a", c"b", c"c", c"d"]);
    }

    #[test]
    fn a_split_loses_nothing() {
        let mut names = Names::default();
        for name in [c"a", c"bb", c"", c"dddd", c"e\n"] {
            names.push(name, FileType::RegularFile);
        }
        assert_eq!(names.pop().map(|n| n.name.to_owned()), Some(c"a".to_owned()));
        let mut half = names.split();
        let mut all = vec![];
        while let Some(n) = names.pop() {
            all.push(n.name.to_owned());
        }
        while let Some(n) = half.pop() {
            all.push(n.name.to_owned());
        }
        assert_eq!(all, [c"bb", c"", c"dddd", c"e\n"].map(ToOwned::to_owned));
        assert!(names.is_empty() && half.split().is_empty());
    }
}
