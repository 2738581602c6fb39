//! The directory that a corpus is written into: whose it is, and whether there is room.

use crate::{Corpus, Error, Expected, GENERATOR, Kind, expected::text_or_hex, remove::remove, shapes::Needs};
use rustix::fs::{CWD, Mode, OFlags, openat, statvfs};
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

/// Name of the tree in a corpus's directory.
pub const TREE: &str = "tree";
/// Name of the file of answers in a corpus's directory.
pub const EXPECTED: &str = "expected.json";
const UNFINISHED: &str = "expected.json.unfinished";
const MARKER: &str = ".zork-corpus";
/// What the generator makes. A marker that lists anything else isn't believed.
const MADE: [&str; 3] = [TREE, EXPECTED, UNFINISHED];

/// What the marker file says.
#[derive(Serialize, Deserialize)]
struct Marker {
    generator: u32,
    kind: Kind,
    seed: u64,
    scale: f64,
    #[serde(with = "text_or_hex")]
    needle: Vec<u8>,
    /// What the generator makes beside the marker, and what may be deleted.
    made: Vec<String>,
}

impl Marker {
    fn of(corpus: &Corpus) -> Self {
        Self {
            generator: GENERATOR,
            kind: corpus.kind,
            seed: corpus.seed,
            scale: corpus.scale,
            needle: corpus.needle.clone(),
            made: MADE.map(str::to_owned).to_vec(),
        }
    }

    /// `None` if there is no marker in `dir`.
    fn read(dir: &Path) -> Result<Option<Self>, Error> {
        let path = dir.join(MARKER);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(Error::Io { doing: format!("cannot read {}", path.display()), source });
            }
        };
        let marker: Self = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Marker { path: path.clone(), what: error.to_string() })?;
        match marker.made.iter().find(|name| !MADE.contains(&name.as_str())) {
            Some(name) => Err(Error::Marker { path, what: format!("it lists {name:?}") }),
            None => Ok(Some(marker)),
        }
    }

    fn write(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join(MARKER);
        let write = || fs::write(&path, serde_json::to_vec(self)?);
        write().map_err(Error::io(|| format!("cannot write {}", path.display())))
    }

    fn is_for(&self, corpus: &Corpus) -> bool {
        self.generator == GENERATOR
            && (self.kind, self.seed, self.scale) == (corpus.kind, corpus.seed, corpus.scale)
            && self.needle == corpus.needle
    }

    fn describe(&self, whole: bool) -> String {
        let Self { generator, kind, seed, scale, needle, .. } = self;
        let (unfinished, needle) = (if whole { "the" } else { "an unfinished" }, needle.escape_ascii());
        format!(
            "{unfinished} corpus {} (seed {seed}, scale {scale}, needle \"{needle}\", generator {generator})",
            kind.name()
        )
    }
}

/// Makes `dir` ready for `corpus`: an empty tree and a marker in it. If this very corpus is there already, returns
/// its answers instead.
pub(crate) fn prepare(dir: &Path, corpus: &Corpus, needs: Needs) -> Result<Option<Expected>, Error> {
    fs::create_dir_all(dir).map_err(Error::io(|| format!("cannot make {}", dir.display())))?;
    if let Some(marker) = Marker::read(dir)? {
        let whole = dir.join(EXPECTED).is_file() && dir.join(TREE).is_dir();
        if whole && !corpus.force && marker.is_for(corpus) {
            return Expected::read(&dir.join(EXPECTED)).map(Some);
        }
        if !corpus.force {
            return Err(Error::Occupied { dir: dir.to_owned(), found: marker.describe(whole) });
        }
        clear(dir, &marker)?;
    } else {
        let mut entries =
            fs::read_dir(dir).map_err(Error::io(|| format!("cannot read {}", dir.display())))?;
        if entries.next().is_some() {
            return Err(Error::Foreign { dir: dir.to_owned() });
        }
    }
    check_space(dir, corpus.kind, needs)?;
    Marker::of(corpus).write(dir)?;
    let tree = dir.join(TREE);
    fs::create_dir(&tree).map_err(Error::io(|| format!("cannot make {}", tree.display())))?;
    Ok(None)
}

/// Deletes what `marker` says was made, and last the marker.
fn clear(dir: &Path, marker: &Marker) -> Result<(), Error> {
    let delete = || {
        let fd = openat(CWD, dir, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // The answers first: a tree without them is unfinished, and never taken for whole.
        for name in marker.made.iter().rev() {
            remove(&fd, name)?;
        }
        remove(&fd, MARKER)
    };
    delete().map_err(Error::io(|| format!("cannot delete the old corpus in {}", dir.display())))
}

fn check_space(dir: &Path, kind: Kind, needs: Needs) -> Result<(), Error> {
    let free = statvfs(dir).map_err(Error::io(|| format!("cannot ask how full {} is", dir.display())))?;
    let no_space =
        |what, needed, free| Error::NoSpace { dir: dir.to_owned(), kind: kind.name(), what, needed, free };
    let bytes = free.f_bavail.saturating_mul(free.f_frsize);
    if needs.bytes > bytes {
        return Err(no_space("MiB", needs.bytes >> 20, bytes >> 20));
    }
    // Some file systems make inodes as they go and report none.
    if free.f_files > 0 && needs.inodes > free.f_favail {
        return Err(no_space("inodes", needs.inodes, free.f_favail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_system_is_noticed_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let corpus = Corpus::new(Kind::Big, 1);
        let needs = Needs { bytes: u64::MAX, inodes: 0 };
        let error = prepare(dir.path(), &corpus, needs).unwrap_err().to_string();
        assert!(error.contains("big at this scale needs about 17592186044415 MiB"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(prepare(dir.path(), &corpus, Needs { bytes: 1, inodes: 1 }).unwrap().is_none());
    }
}
