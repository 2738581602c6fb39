//! `zork-report corpus`: writes a corpus and says what is in it.

use crate::bar::Bar;
use anyhow::Result;
use clap::{Args as ClapArgs, builder::PossibleValue};
use indicatif::{BinaryBytes, HumanCount};
use std::{
    ffi::OsString,
    io::{self, Write as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};
use zork_corpus::{Corpus, EXPECTED, Expected, Kind, TREE};

/// What the command line says.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// What the corpus is to be hard at.
    #[arg(value_enum)]
    kind: KindName,
    /// Directory to write to: new, empty, or with the same corpus, which is then left as it is.
    dir: PathBuf,
    /// The same seed makes the same bytes, everywhere.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Size, as a multiple of the usual one.
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    scale: f64,
    /// What a search is to find.
    #[arg(long, value_name = "TEXT", default_value = "zork", allow_hyphen_values = true)]
    needle: OsString,
    /// Replace the corpus that DIR holds: deletes DIR/tree and DIR/expected.json, if a corpus's marker is there.
    #[arg(long)]
    force: bool,
}

/// A kind as clap sees it.
#[derive(Clone, Copy)]
struct KindName(Kind);

impl clap::ValueEnum for KindName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [KindName; Kind::ALL.len()] = {
            let mut all = [KindName(Kind::Wide); Kind::ALL.len()];
            let mut number = 0;
            while number < all.len() {
                all[number] = KindName(Kind::ALL[number]);
                number += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(match self.0 {
            Kind::Wide => "200,000 small texts in 20,000 directories",
            Kind::Deep => "4 chains of 700 directories, with paths longer than PATH_MAX",
            Kind::Flat => "100,000 entries in one directory",
            Kind::Big => "416 MiB of text in 3 files, and a sparse one of 8 GiB",
            Kind::JsonHeavy => "5,000 JSON files up to 4 MB, 100 of them malformed",
            Kind::Mix => "about 10,000 files, and all the traps: links, FIFOs, odd names, odd bytes",
        }))
    }
}

/// Writes the corpus.
pub(crate) fn run(args: &Args) -> Result<()> {
    let Args { kind: KindName(kind), dir, seed, scale, needle, force } = args;
    let corpus = Corpus::new(*kind, *seed).scale(*scale).needle(needle.as_bytes()).force(*force);
    let bar = Bar::new(kind.name());
    let written = corpus.write_watched(dir, &bar);
    bar.finish();
    Ok(summarize(dir, &written?)?)
}

fn summarize(dir: &Path, expected: &Expected) -> io::Result<()> {
    let totals = &expected.totals;
    let mut out = io::stdout().lock();
    writeln!(out, "{} in {}", expected.kind.name(), dir.join(TREE).display())?;
    writeln!(out, "  directories {}", HumanCount(totals.directories))?;
    for (what, tally) in [("text", totals.text), ("json", totals.json), ("other", totals.other)] {
        if tally.files > 0 {
            writeln!(out, "  {what:<11} {} files, {}", HumanCount(tally.files), BinaryBytes(tally.bytes))?;
        }
    }
    if totals.special > 0 {
        writeln!(out, "  special     {} links, FIFOs and sockets", totals.special)?;
    }
    let needle = expected.needle.escape_ascii();
    let (files, times) = (expected.matches.len() as u64, expected.occurrences());
    writeln!(out, "  \"{needle}\" in {} files, {} times", HumanCount(files), HumanCount(times))?;
    writeln!(out, "  malformed   {} files", expected.errors.len())?;
    writeln!(out, "answers in {}", dir.join(EXPECTED).display())
}
