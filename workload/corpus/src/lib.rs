//! Seeded directory trees, with the answers that a search through them must give.
//!
//! A corpus is written into a directory of its own:
//! ```text
//! DIR/.zork-corpus   the marker: which corpus this is, and what may be deleted to replace it
//! DIR/tree/          what is to be searched
//! DIR/expected.json  the answers, written last: where it stands, the corpus is whole
//! ```
//! The same kind, seed, scale and needle make the same bytes on every machine and in every version that has the
//! same [`GENERATOR`] number.
//!
//! The answers come from construction: the generator knows what it planted, and searches for nothing. What
//! stands between the plants can't hold the needle, whatever the needle is, because of two rules:
//! - Random text is cleaned once, when it is made: see [`Corpus`].
//! - Every piece of a file or of a JSON string begins with a *separator*, a byte (in JSON a character) that is
//!   not in the needle. So no occurrence reaches across pieces, and each lies inside one piece.
//!
//! What counts as an answer:
//! - Files whose names end in `.txt`, exactly: the needle's bytes, occurrences that don't overlap, leftmost first.
//!   UTF-16 is bytes like any other, so a needle in UTF-16 is none.
//! - Files whose names end in `.json`, exactly: the same in the decoded text of each string value, not in keys.
//!   A byte order mark at the start is skipped, and counts in the first line's columns. A malformed file is
//!   an error at the first byte that cannot be, which may be the end; strings completed before it still count.
//! - Symbolic links aren't followed. Hidden and ignored files count.
//!
//! ```
//! use zork_corpus::{Corpus, Expected, Kind};
//!
//! let dir = tempfile::tempdir()?;
//! let expected = Corpus::new(Kind::Wide, 7).scale(0.001).needle(b"xyzzy").write(dir.path())?;
//! assert_eq!(expected.totals.text.files, 200);
//! assert_eq!(Expected::read(&dir.path().join(zork_corpus::EXPECTED))?, expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod corpus;
mod cursor;
mod disk;
mod error;
mod expected;
mod filler;
mod json;
mod parallel;
mod part;
mod place;
mod remove;
mod rng;
mod shapes;
mod text;

pub use corpus::{Corpus, Kind, Unit, Watch};
pub use error::Error;
pub use expected::{Expected, FileError, FileMatches, Location, Tally, Totals};
pub use place::{EXPECTED, TREE};

/// Goes up whenever the same parameters would make other bytes.
pub const GENERATOR: u32 = 1;
