//! Chains of directories whose paths are longer than `PATH_MAX`.

use super::{Needs, Recipe};
use crate::{Error, Unit, disk::Folder, parallel::in_parallel, part::Part, text::Text};

/// Chains at scale 1.
const CHAINS: u64 = 4;
/// Directories of a chain, whatever the scale.
pub(super) const LEVELS: u64 = 700;

pub(super) fn needs(recipe: &Recipe<'_>) -> Needs {
    let levels = recipe.scaled(CHAINS) * LEVELS;
    Needs { bytes: levels * 6 * 4096, inodes: levels * 6 }
}

pub(super) fn write(recipe: &Recipe<'_>, root: &Folder) -> Result<Part, Error> {
    let chains = recipe.scaled(CHAINS);
    recipe.watch.planned(chains * LEVELS, Unit::Files);
    in_parallel(chains, |number| {
        let mut part = Part::default();
        let top = part.folder(root, format!("chain{number}"))?;
        // Names of about 8 bytes: 700 levels are 6,300 bytes, of which the kernel takes 4,096 at once.
        chain(recipe, &top, number, LEVELS, b"level", &mut part)?;
        Ok(part)
    })
}

/// A chain of `levels` directories in `top`, each with files and a directory at its side. The last always holds the
/// needle.
pub(super) fn chain(
    recipe: &Recipe<'_>,
    top: &Folder,
    number: u64,
    levels: u64,
    name: &[u8],
    part: &mut Part,
) -> Result<(), Error> {
    let mut rng = recipe.rng(number);
    let mut here: Option<Folder> = None;
    for level in 0..levels {
        let mut full_name = name.to_vec();
        full_name.extend_from_slice(format!("{level:03}").as_bytes());
        let next = part.folder(here.as_ref().unwrap_or(top), &full_name)?;
        for file in 0..rng.between(1, 2) {
            let (size, planted) = (rng.between(0, 300), rng.one_in(6));
            part.text(
                &next,
                format!("at{file}.txt"),
                Text::ordinary(&recipe.filler, &mut rng, size, planted),
            )?;
        }
        // Some stand before the next level in byte order, some behind.
        let side = part.folder(&next, if rng.one_in(2) { "a-side" } else { "z-side" })?;
        let planted = rng.one_in(6) || level + 1 == levels;
        part.text(&side, "side.txt", Text::ordinary(&recipe.filler, &mut rng, 100, planted))?;
        recipe.watch.made(1);
        here = Some(next);
    }
    Ok(())
}
