//! What can go wrong, and what to do about it.

use std::{io, path::PathBuf};

/// Why a corpus was not written, or not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done to which path.
        doing: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The directory holds things that no generator put there.
    #[error("{}: not empty, and not made by this generator: give a new or empty directory", dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory holds another corpus, or one that was never finished.
    #[error("{}: already holds {found}: give another directory, or force it to be replaced", dir.display())]
    Occupied {
        /// The directory.
        dir: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The marker file of the directory isn't one that a generator wrote.
    #[error("{}: not a marker of this generator ({what}): look at the directory, and empty it by hand", path.display())]
    Marker {
        /// The marker file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file system is too full.
    #[error(
        "{}: {kind} at this scale needs about {needed} {what}, and {free} are free: choose a smaller scale or another file system",
        dir.display()
    )]
    NoSpace {
        /// The directory.
        dir: PathBuf,
        /// The kind of corpus.
        kind: &'static str,
        /// What there is too little of: "MiB" or "inodes".
        what: &'static str,
        /// How much is needed.
        needed: u64,
        /// How much there is.
        free: u64,
    },
    /// The needle can't be planted in such a corpus.
    #[error("the needle {what}")]
    Needle {
        /// Why not.
        what: &'static str,
    },
    /// The scale isn't a positive number, or is out of proportion.
    #[error("scale {scale}: must be above 0 and at most {most}")]
    Scale {
        /// What was asked for.
        scale: f64,
        /// The largest scale there is.
        most: f64,
    },
    /// A file of expected answers can't be understood.
    #[error("{}: not a file of expected answers: {source}", path.display())]
    Expected {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Error {
    /// For `map_err`: says what was being done, only when it failed.
    pub(crate) fn io<E: Into<io::Error>>(doing: impl FnOnce() -> String) -> impl FnOnce(E) -> Self {
        move |source| Self::Io { doing: doing(), source: source.into() }
    }
}
