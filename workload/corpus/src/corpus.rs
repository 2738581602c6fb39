//! The way in: which corpus, and where to.

use crate::{
    Error, Expected, GENERATOR,
    disk::Folder,
    place::{self, EXPECTED, TREE},
    shapes::{self, Recipe},
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Above this, a scale is taken for a mistake.
const MOST_SCALE: f64 = 1000.0;

/// What a corpus is to be hard at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Many directories of about ten small text files each: at scale 1, 200,000 in 20,000.
    Wide,
    /// Chains of 700 directories, whose paths are longer than `PATH_MAX`: at scale 1, four of them.
    Deep,
    /// One directory of very many entries: at scale 1, 100,000.
    Flat,
    /// A few huge texts, with matches across the borders of usual buffers, and a sparse one: at scale 1, together
    /// 416 MiB and 8 GiB of holes.
    Big,
    /// JSON from 1 KB to some MB with all that its grammar has, some of it malformed: at scale 1, 5,000 files.
    JsonHeavy,
    /// A bit of everything, and all the traps: links, FIFOs, sockets, odd names, odd bytes. At scale 1, about
    /// 10,000 files.
    Mix,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 6] = [Self::Wide, Self::Deep, Self::Flat, Self::Big, Self::JsonHeavy, Self::Mix];

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Deep => "deep",
            Self::Flat => "flat",
            Self::Big => "big",
            Self::JsonHeavy => "json-heavy",
            Self::Mix => "mix",
        }
    }
}

/// What progress is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Files.
    Files,
    /// Bytes.
    Bytes,
}

/// Hears how the writing goes on, from several threads. `()` doesn't listen.
pub trait Watch: Sync {
    /// About `total` units are to be made.
    fn planned(&self, total: u64, unit: Unit);
    /// So many more are made.
    fn made(&self, units: u64);
}

impl Watch for () {
    fn planned(&self, _: u64, _: Unit) {}
    fn made(&self, _: u64) {}
}

/// A corpus that can be written.
///
/// Its random text is made once and cleaned: a byte that is not in the needle is put over the last byte of each
/// accidental occurrence. Files are slices of it, with plants and near misses between.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
    pub(crate) scale: f64,
    pub(crate) needle: Vec<u8>,
    pub(crate) force: bool,
}

impl Corpus {
    /// A corpus of usual size whose needle is `zork`.
    pub fn new(kind: Kind, seed: u64) -> Self {
        Self { kind, seed, scale: 1.0, needle: b"zork".to_vec(), force: false }
    }

    /// How large, as a multiple of the usual size: above 0. Depth is not scaled, and one of each trap remains.
    #[must_use]
    pub fn scale(mut self, scale: f64) -> Self {
        self.scale = scale;
        self
    }

    /// What is to be found. Kinds with JSON want UTF-8.
    #[must_use]
    pub fn needle(mut self, needle: impl AsRef<[u8]>) -> Self {
        self.needle = needle.as_ref().into();
        self
    }

    /// Whether another corpus may be deleted to make room for this one. Only what its marker file lists is
    /// deleted: the tree and the answers.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Writes the tree to `dir/tree` and the answers to `dir/expected.json`, and returns the answers. If this very
    /// corpus stands there already, it is left as it is, unless [`Corpus::force`].
    ///
    /// # Errors
    /// [`Error`]; what was written till then stays, and its marker says that it may be replaced.
    pub fn write(&self, dir: &Path) -> Result<Expected, Error> {
        self.write_watched(dir, &())
    }

    /// The same, telling `watch` how it goes on.
    ///
    /// # Errors
    /// As [`Corpus::write`].
    pub fn write_watched(&self, dir: &Path, watch: &dyn Watch) -> Result<Expected, Error> {
        if !(self.scale > 0.0 && self.scale <= MOST_SCALE) {
            return Err(Error::Scale { scale: self.scale, most: MOST_SCALE });
        }
        let recipe = Recipe::new(self, watch)?;
        if let Some(expected) = place::prepare(dir, self, shapes::needs(&recipe))? {
            return Ok(expected);
        }
        let mut part = shapes::write(&recipe, &Folder::root(&dir.join(TREE))?)?;
        part.totals.directories += 1;
        part.matches.sort_unstable();
        part.errors.sort_unstable();
        let expected = Expected {
            generator: GENERATOR,
            kind: self.kind,
            seed: self.seed,
            scale: self.scale,
            needle: self.needle.clone(),
            totals: part.totals,
            matches: part.matches,
            errors: part.errors,
        };
        expected.write(&dir.join(EXPECTED))?;
        Ok(expected)
    }
}
