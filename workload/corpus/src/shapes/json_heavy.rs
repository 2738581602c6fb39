//! JSON of all sizes and sorts.

use super::{Needs, Recipe};
use crate::{
    Error, Unit,
    disk::Folder,
    json::{Document, Fault},
    parallel::in_parallel,
    part::Part,
    rng::Rng,
};

/// Files at scale 1.
const FILES: u64 = 5000;
/// Files of a directory, which one thread makes.
const FOLDER: u64 = 25;
/// One file in so many is malformed.
const MALFORMED: u64 = 50;
/// One file in so many has a byte order mark.
const MARKED: u64 = 40;

pub(super) fn needs(recipe: &Recipe<'_>) -> Needs {
    let files = recipe.scaled(FILES);
    // The average file has about 70 KB; one alone may have 4 MB.
    Needs { bytes: files * 80_000 + (8 << 20), inodes: files + files.div_ceil(FOLDER) }
}

pub(super) fn write(recipe: &Recipe<'_>, root: &Folder) -> Result<Part, Error> {
    let files = recipe.scaled(FILES);
    recipe.watch.planned(files, Unit::Files);
    files_in(recipe, root, files)
}

/// Makes so many files in directories in `root`.
pub(super) fn files_in(recipe: &Recipe<'_>, root: &Folder, files: u64) -> Result<Part, Error> {
    let filler = recipe.json()?;
    in_parallel(files.div_ceil(FOLDER), |number| {
        let (mut part, mut rng) = (Part::default(), recipe.rng(number));
        let folder = part.folder(root, format!("dir{number:03}"))?;
        let first = number * FOLDER;
        let last = (first + FOLDER).min(files);
        for file in first..last {
            let (name, planted) = (format!("file{file:05}.json"), rng.one_in(5));
            let json = if file % MALFORMED == MALFORMED / 2 {
                let size = rng.between(0, 20_000);
                Fault::numbered(file / MALFORMED, filler).write(filler, &mut rng, size, planted)
            } else {
                let (size, document) = (size(&mut rng), *rng.pick(&Document::MIX));
                if file % MARKED == 0 {
                    document.write_marked(filler, &mut rng, size, planted)
                } else {
                    document.write(filler, &mut rng, size, planted)
                }
            };
            part.json(&folder, name, json)?;
        }
        recipe.watch.made(last - first);
        Ok(part)
    })
}

/// Many small ones and few large ones, as everywhere.
fn size(rng: &mut Rng) -> usize {
    match rng.below(100) {
        0 => rng.between(1 << 20, 4 << 20),
        1..=9 => rng.between(64 << 10, 512 << 10),
        10..=29 => rng.between(8 << 10, 64 << 10),
        _ => rng.between(1 << 10, 8 << 10),
    }
}
