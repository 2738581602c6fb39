//! Many directories of few small texts.

use super::{Needs, Recipe};
use crate::{Error, Unit, disk::Folder, parallel::in_parallel, part::Part, rng::Rng, text::Text};

/// Directories at scale 1.
const FOLDERS: u64 = 20_000;
/// Directories of a group: the first holds the others.
const GROUP: u64 = 100;
/// Files of a directory, on average.
const FILES: usize = 10;
/// One file in so many holds the needle.
const PLANTED: u64 = 10;

pub(super) fn needs(recipe: &Recipe<'_>) -> Needs {
    let folders = recipe.scaled(FOLDERS);
    Needs { bytes: folders * (FILES as u64 + 1) * 4096, inodes: folders * (FILES as u64 + 1) }
}

pub(super) fn write(recipe: &Recipe<'_>, root: &Folder) -> Result<Part, Error> {
    let folders = recipe.scaled(FOLDERS);
    recipe.watch.planned(folders * FILES as u64, Unit::Files);
    in_parallel(folders.div_ceil(GROUP), |group| {
        let (mut part, mut rng) = (Part::default(), recipe.rng(group));
        let size = GROUP.min(folders - group * GROUP);
        let outer = part.folder(root, format!("group{group:03}"))?;
        // Every second directory makes up for the last one's surplus of files: the total is exact.
        let mut surplus = 0;
        for number in 0..size {
            let files = if number % 2 == 1 {
                FILES - surplus
            } else if number + 1 < size {
                surplus = rng.between(0, 5);
                FILES + surplus
            } else {
                FILES
            };
            if number == 0 {
                fill(recipe, &outer, files, &mut rng, &mut part)?;
            } else {
                let inner = part.folder(&outer, format!("dir{number:02}"))?;
                fill(recipe, &inner, files, &mut rng, &mut part)?;
            }
        }
        Ok(part)
    })
}

fn fill(
    recipe: &Recipe<'_>,
    folder: &Folder,
    files: usize,
    rng: &mut Rng,
    part: &mut Part,
) -> Result<(), Error> {
    for file in 0..files {
        let (size, planted) = (rng.between(1000, 4000), rng.one_in(PLANTED));
        let text = Text::ordinary(&recipe.filler, rng, size, planted);
        part.text(folder, format!("file{file:02}.txt"), text)?;
    }
    recipe.watch.made(files as u64);
    Ok(())
}
