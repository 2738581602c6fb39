//! The directory tree: directories by descriptor, what their entries are, and how many may be open.

mod dir;
mod kind;
mod names;
mod open_files;
mod shown;
mod visits;

pub use dir::{Dir, DirUse};
pub use kind::Kind;
pub use names::{Name, Names};
pub(crate) use open_files::{LEASED, LOOKS_AGAIN, Reach};
pub use open_files::{OpenFile, OpenFiles, TooFewFiles};
pub use shown::Shown;
pub use visits::Visits;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// How everything below a directory is opened: never waiting for a FIFO's writer, never becoming a terminal's owner.
pub const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// What the system said.
pub(crate) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
