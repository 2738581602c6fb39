//! One directory of very many entries.

use super::{Needs, Recipe};
use crate::{Error, Unit, disk::Folder, json::Document, parallel::in_parallel, part::Part, text::Text};

/// Entries at scale 1.
const ENTRIES: u64 = 100_000;
/// Entries of a part, which one thread makes.
const PART: u64 = 500;

pub(super) fn needs(recipe: &Recipe<'_>) -> Needs {
    let entries = recipe.scaled(ENTRIES);
    Needs { bytes: entries * 4096, inodes: entries }
}

pub(super) fn write(recipe: &Recipe<'_>, root: &Folder) -> Result<Part, Error> {
    let entries = recipe.scaled(ENTRIES);
    recipe.watch.planned(entries, Unit::Files);
    entries_in(recipe, root, entries)
}

/// Makes so many entries in `folder`.
pub(super) fn entries_in(recipe: &Recipe<'_>, folder: &Folder, entries: u64) -> Result<Part, Error> {
    let json = recipe.json()?;
    in_parallel(entries.div_ceil(PART), |number| {
        let (mut part, mut rng) = (Part::default(), recipe.rng(number));
        let first = number * PART;
        let last = (first + PART).min(entries);
        for entry in first..last {
            let (size, planted) = (rng.between(0, 1000), rng.one_in(10));
            match rng.below(20) {
                0 => {
                    let document = Document::Records.write(json, &mut rng, size, planted);
                    part.json(folder, format!("entry{entry:06}.json"), document)?;
                }
                1 => {
                    // Would match, if it were a text.
                    let (bytes, _) = Text::ordinary(&recipe.filler, &mut rng, size, true).finish();
                    part.other(folder, format!("entry{entry:06}.log"), &bytes)?;
                }
                2 if rng.one_in(4) => {
                    part.folder(folder, format!("entry{entry:06}.txt"))?;
                }
                _ => {
                    let text = Text::ordinary(&recipe.filler, &mut rng, size, planted);
                    part.text(folder, format!("entry{entry:06}.txt"), text)?;
                }
            }
        }
        recipe.watch.made(last - first);
        Ok(part)
    })
}
