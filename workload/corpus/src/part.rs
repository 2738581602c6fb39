//! A part of a tree: makes its files and keeps the books on them.

use crate::{
    Error, FileError, FileMatches, Location, Totals, disk::Folder, expected::Tally, json::Json, text::Text,
};

/// What was made so far, and what a search must find there.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) totals: Totals,
    pub(crate) matches: Vec<FileMatches>,
    pub(crate) errors: Vec<FileError>,
}

impl Part {
    /// Makes a directory.
    pub(crate) fn folder(&mut self, parent: &Folder, name: impl AsRef<[u8]>) -> Result<Folder, Error> {
        self.totals.directories += 1;
        parent.folder(name.as_ref())
    }

    /// Makes a text file.
    pub(crate) fn text(
        &mut self,
        folder: &Folder,
        name: impl AsRef<[u8]>,
        text: Text<'_>,
    ) -> Result<(), Error> {
        let (bytes, found) = text.finish();
        folder.file(name.as_ref(), &bytes)?;
        self.text_made(folder, name.as_ref(), bytes.len() as u64, found);
        Ok(())
    }

    /// Notes a text file that was made elsewhere.
    pub(crate) fn text_made(&mut self, folder: &Folder, name: &[u8], size: u64, found: Vec<Location>) {
        debug_assert!(name.ends_with(b".txt"));
        self.totals.text.count(size);
        self.found(folder, name, found);
    }

    /// Makes a JSON file.
    pub(crate) fn json(
        &mut self,
        folder: &Folder,
        name: impl AsRef<[u8]>,
        json: Json<'_>,
    ) -> Result<(), Error> {
        let name = name.as_ref();
        debug_assert!(name.ends_with(b".json"));
        let (bytes, found, fault) = json.finish();
        folder.file(name, &bytes)?;
        self.totals.json.count(bytes.len() as u64);
        self.found(folder, name, found);
        if let Some(Location { line, column, .. }) = fault {
            self.errors.push(FileError { path: folder.path_of(name), line, column });
        }
        Ok(())
    }

    /// Makes a file that is not to be searched.
    pub(crate) fn other(
        &mut self,
        folder: &Folder,
        name: impl AsRef<[u8]>,
        bytes: &[u8],
    ) -> Result<(), Error> {
        self.totals.other.count(bytes.len() as u64);
        folder.file(name.as_ref(), bytes)
    }

    /// Counts something that is neither file nor directory, if it could be made.
    pub(crate) fn special(&mut self, made: Result<(), Error>) -> Result<(), Error> {
        self.totals.special += 1;
        made
    }

    fn found(&mut self, folder: &Folder, name: &[u8], at: Vec<Location>) {
        if !at.is_empty() {
            self.matches.push(FileMatches { path: folder.path_of(name), at });
        }
    }

    /// Adds what another part made.
    pub(crate) fn add(&mut self, other: Self) {
        self.totals.directories += other.totals.directories;
        self.totals.special += other.totals.special;
        self.totals.text.add(other.totals.text);
        self.totals.json.add(other.totals.json);
        self.totals.other.add(other.totals.other);
        self.matches.extend(other.matches);
        self.errors.extend(other.errors);
    }
}

impl Tally {
    fn count(&mut self, size: u64) {
        self.add(Self { files: 1, bytes: size });
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}
