//! Few huge texts, with the needle where readers cut them.

use super::{Needs, Recipe};
use crate::{Error, Unit, disk::Folder, filler::Filler, parallel::in_parallel, part::Part, text::Text};
use std::{collections::BTreeSet, fs::File, os::unix::fs::FileExt as _};

const MIB: u64 = 1 << 20;
/// Sizes at scale 1.
const LINES: u64 = 256 * MIB;
const ONE_LINE: u64 = 128 * MIB;
const DENSE: u64 = 32 * MIB;
const SPARSE: u64 = 8192 * MIB;

/// Borders of usual buffers and of ranges that are searched side by side. All multiples of the last one get a plant,
/// of the others the first few.
const BORDERS: [u64; 4] = [64 << 10, 128 << 10, MIB, RANGE];
const FIRST_FEW: u64 = 64;
const RANGE: u64 = 8 * MIB;

/// Data between the holes of the sparse file.
const ISLAND: u64 = 64 << 10;
/// How much is made at once.
const PIECE: usize = 1 << 20;

pub(super) fn needs(recipe: &Recipe<'_>) -> Needs {
    let bytes = recipe.scaled(LINES) + recipe.scaled(ONE_LINE) + recipe.scaled(DENSE);
    Needs { bytes: bytes + 16 * ISLAND, inodes: 4 }
}

pub(super) fn write(recipe: &Recipe<'_>, root: &Folder) -> Result<Part, Error> {
    recipe.watch.planned(needs(recipe).bytes, Unit::Bytes);
    let one_line = recipe.filler.clone().in_one_line();
    let texts = [
        ("lines.txt", &recipe.filler, LINES),
        ("one-line.txt", &one_line, ONE_LINE),
        ("dense.txt", &recipe.filler, DENSE),
        ("sparse.txt", &recipe.filler, SPARSE),
    ];
    in_parallel(texts.len() as u64, |number| {
        let (name, filler, size) = texts[number as usize];
        let size = recipe.scaled(size);
        let mut huge = Huge {
            recipe,
            text: Text::new(filler, &recipe.rng(number)),
            file: root.create(name.as_bytes())?,
            name,
        };
        match name {
            "sparse.txt" => huge.sparse(filler, size)?,
            "dense.txt" => {
                // Often, and at distances that have no common divisor with a border.
                let step = (4099 + filler.needle().len()) as u64;
                huge.plants((1..size / step).map(|number| number * step), size)?;
            }
            _ => huge.plants(borders(size, filler), size)?,
        }
        let mut part = Part::default();
        let size = huge.text.size();
        part.text_made(root, name.as_bytes(), size, huge.text.finish().1);
        Ok(part)
    })
}

/// Where the needle goes so that it lies across borders, each time a byte further: from right behind the border to
/// right before it. The first is at the start of the file.
fn borders(size: u64, filler: &Filler) -> impl Iterator<Item = u64> + use<> {
    let length = filler.needle().len() as u64;
    let mut borders = BTreeSet::new();
    for step in BORDERS {
        let few = if step == RANGE { u64::MAX } else { FIRST_FEW };
        borders.extend((1..few).map(|number| number * step).take_while(|border| *border < size));
    }
    let shifted = borders.into_iter().zip((0..=length).cycle());
    std::iter::once(0).chain(shifted.map(|(border, shift)| border.saturating_sub(shift)))
}

/// A huge file in the making.
struct Huge<'a> {
    recipe: &'a Recipe<'a>,
    text: Text<'a>,
    file: File,
    name: &'static str,
}

impl Huge<'_> {
    /// A file of `size` bytes with the needle at `offsets`, and at the very end.
    fn plants(&mut self, offsets: impl Iterator<Item = u64>, size: u64) -> Result<(), Error> {
        let end = size.saturating_sub(self.text.needle_length());
        for offset in offsets.filter(|offset| *offset < end) {
            self.plant_at(offset)?;
        }
        self.plant_at(end)?;
        self.flush()
    }

    /// The needle at `offset`, with text before; nothing at all if the last plant is in the way.
    fn plant_at(&mut self, offset: u64) -> Result<(), Error> {
        while self.text.size() + (PIECE as u64) < offset {
            self.text.fill(PIECE);
            self.flush()?;
        }
        if self.text.fill_towards(offset) {
            self.text.plant();
        }
        Ok(())
    }

    /// Islands of text in a sea of zeros that takes no room on the disk.
    fn sparse(&mut self, filler: &Filler, size: u64) -> Result<(), Error> {
        self.file.set_len(size).map_err(self.failed())?;
        let half = ISLAND / 2;
        // About borders of ranges, where offsets outgrow 32 bits, and at the ends.
        let mut starts = vec![0, (4 << 30) - half, (2 << 30) - half, size.saturating_sub(ISLAND)];
        starts.extend((1..7).map(|part| (size * part / 7 / RANGE * RANGE).saturating_sub(half)));
        starts.sort_unstable();
        let length = filler.needle().len() as u64;
        for (number, start) in starts.into_iter().enumerate() {
            if start < self.text.size() || start + ISLAND > size {
                continue;
            }
            self.text.hole_up_to(start);
            if start + ISLAND == size {
                self.plant_at(size.saturating_sub(length))?;
            } else {
                self.plant_at((start + half).saturating_sub(number as u64 % (length + 1)))?;
                self.text.fill_towards(start + ISLAND);
                // Zeros may be in the needle too.
                self.text.separate();
            }
            self.flush()?;
        }
        if self.text.size() < size {
            self.text.hole_up_to(size);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let (offset, bytes) = self.text.take();
        self.file.write_all_at(&bytes, offset).map_err(self.failed())?;
        self.recipe.watch.made(bytes.len() as u64);
        Ok(())
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let name = self.name;
        Error::io(move || format!("cannot write {name}"))
    }
}
