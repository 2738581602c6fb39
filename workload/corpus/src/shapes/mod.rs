//! The kinds of trees: a file each.

mod big;
mod deep;
mod flat;
mod json_heavy;
mod mix;
mod wide;

use crate::{
    Corpus, Error, Kind, Watch,
    disk::Folder,
    filler::{Filler, JsonFiller},
    part::Part,
    rng::Rng,
};

/// Streams of random numbers that aren't those of a part.
const TEXT_STREAM: u64 = u64::MAX;
const JSON_STREAM: u64 = u64::MAX - 1;

/// What a tree takes of a file system, at most and roughly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    pub(crate) bytes: u64,
    pub(crate) inodes: u64,
}

/// What all shapes work with.
pub(crate) struct Recipe<'a> {
    pub(crate) kind: Kind,
    seed: u64,
    scale: f64,
    /// Random text for `.txt`.
    pub(crate) filler: Filler,
    /// Random text for `.json`: only in kinds that have such files.
    json_filler: Option<JsonFiller>,
    pub(crate) watch: &'a dyn Watch,
}

impl<'a> Recipe<'a> {
    pub(crate) fn new(corpus: &Corpus, watch: &'a dyn Watch) -> Result<Self, Error> {
        let &Corpus { kind, seed, scale, ref needle, .. } = corpus;
        if kind == Kind::Big && needle.iter().all(|byte| *byte == 0) {
            return Err(Error::Needle { what: "is all zero bytes, as the holes of sparse files are" });
        }
        let with_json = matches!(kind, Kind::Flat | Kind::JsonHeavy | Kind::Mix);
        let stream = |stream| Rng::new(seed, kind.name(), stream);
        let filler = Filler::new(needle, &mut stream(TEXT_STREAM))?;
        let json_filler = with_json.then(|| JsonFiller::new(needle, &mut stream(JSON_STREAM))).transpose()?;
        Ok(Self { kind, seed, scale, filler, json_filler, watch })
    }

    /// The random numbers of part `part`.
    pub(crate) fn rng(&self, part: u64) -> Rng {
        Rng::new(self.seed, self.kind.name(), part)
    }

    /// How many of something there are, of which there are `usual` at scale 1.
    pub(crate) fn scaled(&self, usual: u64) -> u64 {
        ((usual as f64 * self.scale).round() as u64).max(1)
    }

    /// Random text for JSON.
    pub(crate) fn json(&self) -> Result<&JsonFiller, Error> {
        self.json_filler.as_ref().ok_or(Error::Needle { what: "can't be written in JSON" })
    }
}

/// What the tree takes.
pub(crate) fn needs(recipe: &Recipe<'_>) -> Needs {
    match recipe.kind {
        Kind::Wide => wide::needs(recipe),
        Kind::Deep => deep::needs(recipe),
        Kind::Flat => flat::needs(recipe),
        Kind::Big => big::needs(recipe),
        Kind::JsonHeavy => json_heavy::needs(recipe),
        Kind::Mix => mix::needs(recipe),
    }
}

/// Makes the tree in `root`.
pub(crate) fn write(recipe: &Recipe<'_>, root: &Folder) -> Result<Part, Error> {
    match recipe.kind {
        Kind::Wide => wide::write(recipe, root),
        Kind::Deep => deep::write(recipe, root),
        Kind::Flat => flat::write(recipe, root),
        Kind::Big => big::write(recipe, root),
        Kind::JsonHeavy => json_heavy::write(recipe, root),
        Kind::Mix => mix::write(recipe, root),
    }
}
