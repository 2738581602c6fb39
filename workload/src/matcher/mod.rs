//! The matchers: what decides whether a file's bytes hold the needle, whoever reads them.
//!
//! All engines use these and nothing else. A matcher never reads: it is shown a *window* of the file's bytes,
//! says what it found and how much of the window it is done with, and is shown the rest again together with more.
//! So one matcher serves blocking reads, async reads and `io_uring` alike, with one buffer and no copies but of
//! the few bytes that a window leaves over.

pub mod json;
mod text;

pub use json::JsonMatcher;
pub use text::TextMatcher;

use memchr::memmem;
use std::ops::ControlFlow;

/// The word that is searched for: at least one byte.
#[derive(Clone, Debug)]
pub struct Needle {
    finder: memmem::Finder<'static>,
}

impl Needle {
    /// A needle of these bytes; `None` if there are none, because the empty word is everywhere and nowhere.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self { finder: memmem::Finder::new(bytes).into_owned() })
    }

    /// The bytes, as given.
    pub fn bytes(&self) -> &[u8] {
        self.finder.needle()
    }

    /// A searcher for the bytes, made once.
    pub fn finder(&self) -> &memmem::Finder<'static> {
        &self.finder
    }
}

/// How much a matcher has to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// Whether there is an occurrence: after the first one, no further ones are reported.
    First,
    /// How many occurrences there are; where they are need not be known.
    Count,
    /// Where each occurrence is.
    Locations,
}

/// One occurrence of the needle. Occurrences do not overlap: the search goes on behind each, as `grep -o` does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found<'a> {
    /// Line of the occurrence's first byte, from 1. Lines end with `\n`. 0 unless [`Detail::Locations`].
    pub line: u64,
    /// Byte within that line, from 1. 0 unless [`Detail::Locations`].
    pub column: u64,
    /// In JSON, where the string is that holds the occurrence (RFC 6901): empty for the whole document. `None` in
    /// text, and unless [`Detail::Locations`].
    pub pointer: Option<&'a str>,
}

/// Why a file is not what its name says, and where that shows.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct Malformed {
    /// Line of the first byte that cannot be, from 1.
    pub line: u64,
    /// Byte within that line, from 1.
    pub column: u64,
    /// What is wrong with it, such as "expected a value".
    pub what: String,
}

/// Where a matcher reports to; `Break` means that nobody wants to hear more of this file.
pub type OnFound<'a> = dyn FnMut(Found<'_>) -> ControlFlow<()> + 'a;

/// What a matcher wants next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The first so many bytes of the window are done with. The next window starts behind them. If the window was
    /// full and this is 0, the next one has to be larger.
    Consumed(usize),
    /// Nothing more in this file matters: the rest need not be read.
    Finished,
}

/// Decides whether a file holds the needle. One is made per worker and used for file after file.
pub trait Matcher: Send {
    /// Forgets the last file. To be called before each.
    fn start(&mut self);

    /// Looks at `window`: the bytes of the file that follow those already consumed. `last` says that the file ends with it;
    /// then the file is judged as a whole and all is consumed.
    ///
    /// # Errors
    /// [`Malformed`] if the file breaks the rules of its kind. What was reported before stays true.
    fn scan(&mut self, window: &[u8], last: bool, on: &mut OnFound<'_>) -> Result<Progress, Malformed>;

    /// The file goes on with `held`, which the last window left over, and then so many zero bytes (a hole of a sparse file).
    /// Returns `false` if the matcher has to see them; `true` if it takes them as seen, `held` included.
    fn skip_zeros(&mut self, _held: &[u8], _zeros: u64) -> bool {
        false
    }
}
