//! Files that are opened before their turn, and closed after it.
//!
//! ```text
//! open read close  open read close  open read close    each call finds the processor's caches full of what the two others needed
//! open open open   read read read   close close close  seven eighths of the time, where files are small and in memory
//! ```
//! Only names that are listed as files are opened so. What cannot be opened now is left to its turn, which says so, waits, or looks what it is.

use crate::tree::{Names, OpenFile};
use rustix::fd::OwnedFd;
use rustix::fs::FileType;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::CStr;

/// Files that a worker has open at a time for this, at most. Twice as many were hardly faster.
pub(crate) const EARLY: usize = 16;

/// The files of some names of a batch, one after the other.
///
/// ```text
/// files                 c  d  e         c is next
/// taken = 3    a  b  n                  n is searched now; a and b are in `closing` until the next ones are opened
/// ```
#[derive(Debug, Default)]
pub(crate) struct Early {
    files: VecDeque<OpenFile>,
    now: Option<OpenFile>,
    taken: usize,
    closing: Vec<OwnedFd>,
}

impl Early {
    /// Opens files of the next names, at most so many, if all that were opened have had their turn; closes those. One alone gains nothing.
    pub(crate) fn fill(
        &mut self,
        names: &Names,
        most: usize,
        mut open: impl FnMut(&CStr) -> Result<OpenFile, Errno>,
    ) {
        if !self.files.is_empty() {
            return;
        }
        self.end();
        if most < 2 || names.len() < 2 {
            return;
        }
        for name in names.upcoming().take(most.min(EARLY)) {
            let is_file = name.file_type == FileType::RegularFile;
            let Some(file) = is_file.then(|| open(name.name).ok()).flatten() else { break };
            self.files.push_back(file);
        }
    }

    /// It is the next name's turn. To be called for each that is taken.
    pub(crate) fn go_on(&mut self) {
        self.now = self.files.pop_front();
        self.taken += usize::from(self.now.is_some());
    }

    /// The file whose turn it is, if it was opened before.
    pub(crate) fn take(&mut self) -> Option<OpenFile> {
        self.now.take()
    }

    /// Closes a file that was searched: later, with others, if not more are open then than were opened.
    pub(crate) fn close(&mut self, fd: OwnedFd) {
        if self.closing.len() < self.taken {
            self.closing.push(fd);
        } else {
            close(fd);
        }
    }

    /// Only so many names are left: others have taken the later ones.
    pub(crate) fn keep(&mut self, names: usize) {
        self.files.drain(names.min(self.files.len())..).for_each(|file| close(file.fd));
    }

    /// Closes all: nobody goes on with these names.
    pub(crate) fn end(&mut self) {
        let opened = self.files.drain(..).chain(self.now.take()).map(|file| file.fd);
        opened.chain(self.closing.drain(..)).for_each(close);
        self.taken = 0;
    }
}

/// A file that was only read: an error says nothing of what was found in it.
fn close(fd: OwnedFd) {
    drop(vthread::io::close(fd));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{OFlags, fcntl_setfl};
    use std::ffi::CString;
    use std::io::{PipeReader, Read};

    /// Each file is one end of a pipe.
    #[derive(Default)]
    struct Files {
        opened: Vec<(CString, PipeReader)>,
        early: Early,
    }

    impl Files {
        fn fill(&mut self, names: &Names, most: usize) -> usize {
            let before = self.opened.len();
            self.early.fill(names, most, |name| {
                if name == c"gone" {
                    return Err(Errno::NOENT);
                }
                let (reader, writer) = std::io::pipe().expect("a pipe");
                fcntl_setfl(&reader, OFlags::NONBLOCK).expect("a flag");
                self.opened.push((name.to_owned(), reader));
                Ok(OpenFile { fd: writer.into(), short_read_is_end: true })
            });
            self.opened.len() - before
        }

        /// How many are open: of the others the end has been closed.
        fn open(&mut self) -> usize {
            self.opened.iter().filter(|(_, reader)| (&*reader).read(&mut [0]).is_err()).count()
        }
    }

    fn names(of: &[(&CStr, FileType)]) -> Names {
        let mut names = Names::default();
        for (name, file_type) in of {
            names.push(name, *file_type);
        }
        names
    }

    #[test]
    fn files_are_opened_up_to_what_is_none_and_taken_in_order() {
        let (file, link) = (FileType::RegularFile, FileType::Symlink);
        let all = [(c"a", file), (c"b", file), (c"l", link), (c"c", file), (c"gone", file), (c"d", file)];
        let (mut names, mut files, mut taken) = (names(&all), Files::default(), vec![]);
        while !names.is_empty() {
            files.fill(&names, EARLY);
            files.early.go_on();
            let name = names.pop().expect("one is left").name.to_owned();
            let was_open = files.open();
            let is_taken = files.early.take().is_some();
            // It was closed when it was dropped.
            assert_eq!(files.open(), was_open - usize::from(is_taken));
            taken.push((name, is_taken));
        }
        // The last is alone.
        let is_taken = [("a", true), ("b", true), ("l", false), ("c", true), ("gone", false), ("d", false)];
        assert_eq!(taken, is_taken.map(|(name, is)| (CString::new(name).expect("no NUL"), is)));
        let opened: Vec<&CStr> = files.opened.iter().map(|(name, _)| &**name).collect();
        assert_eq!(opened, [c"a", c"b", c"c"], "each once");
    }

    #[test]
    fn no_more_are_open_than_may_be_and_none_is_kept() {
        let many = names(&[(c"a", FileType::RegularFile); 3 * EARLY]);
        for (most, opens) in [(0, 0), (1, 0), (2, 2), (5, 5), (EARLY, EARLY), (2 * EARLY, EARLY)] {
            let mut files = Files::default();
            assert_eq!((files.fill(&many, most), files.open()), (opens, opens));
            // Nobody wants it.
            files.early.go_on();
            files.early.go_on();
            let left = opens.saturating_sub(1);
            assert_eq!(files.open(), left);
            files.early.keep(2);
            assert_eq!(files.open(), left.min(3), "one has its turn");
            files.early.end();
            assert!(files.open() == 0 && files.early.take().is_none());
        }
    }

    #[test]
    fn what_was_searched_is_closed_when_the_next_are_opened() {
        let many = names(&[(c"a", FileType::RegularFile); 8]);
        let mut files = Files::default();
        assert_eq!(files.fill(&many, 4), 4);
        for _ in 0..4 {
            assert_eq!(files.fill(&many, 4), 0, "some are left");
            files.early.go_on();
            let file = files.early.take().expect("it was opened");
            files.early.close(file.fd);
            assert_eq!(files.open(), 4);
        }
        // One more than were opened.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        files.early.close(writer.into());
        assert_eq!((&reader).read(&mut [0]).expect("its end"), 0);
        assert_eq!((files.fill(&many, 4), files.open()), (4, 4));
        files.early.end();
        assert_eq!(files.open(), 0);
    }
}
