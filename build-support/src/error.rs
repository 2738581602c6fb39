//! What can go wrong, in words that say what to do.

use std::path::PathBuf;

/// A file that cannot be analysed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The first bytes are not those of an ELF file.
    #[error("not an ELF file (bounds are proved for x86-64 ELF executables)")]
    NotElf,
    /// 32-bit or big-endian ELF.
    #[error("not a 64-bit little-endian ELF file")]
    NotElf64,
    /// Another processor.
    #[error("made for machine number {0}, not for x86-64 (62)")]
    OtherMachine(u16),
    /// An object file, core dump or other thing that is not a linked program.
    #[error("ELF type {0} is not an executable or shared object; link it first")]
    NotLinked(u16),
    /// A header points outside of the file, or contradicts itself.
    #[error("damaged or truncated ELF file: {0}")]
    Damaged(String),
}

impl From<object::read::Error> for ElfError {
    fn from(error: object::read::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// A record that contradicts the executable it is in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The section does not consist of records of this version.
    #[error("{section}+{offset:#x}: {what} (were parts of this program built with another version of vthread?)",
        section = vale_threads_abi::SECTION)]
    NotARecord {
        /// Offset in the section.
        offset: usize,
        /// What was found.
        what: String,
    },
    /// A record and the instruction it speaks of disagree.
    #[error("record about {site:#x}: {what}; please report this as a bug of vthread")]
    Contradicted {
        /// The record's site.
        site: u64,
        /// The contradiction.
        what: String,
    },
}

/// Why the link step left no executable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The real linker or another tool could not be run.
    #[error("cannot run `{tool}`: {source}")]
    Tool {
        /// The program.
        tool: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A tool that runs after the linker failed.
    #[error("`{tool}` failed: {status}")]
    ToolFailed {
        /// The program and its arguments.
        tool: String,
        /// How it ended.
        status: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The linker's output is not what the analysis understands.
    #[error("{path}: {source}", path = path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ElfError,
    },
    /// A record is wrong.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Virtual threads in something that is loaded into other programs.
    #[error("{path}: virtual threads in a shared object (`-shared`) are not supported: their sizes are proved for one whole \
        program; put them into an executable", path = path.display())]
    Shared {
        /// The linker's output.
        path: PathBuf,
    },
    /// Entries that were to be proved and are not, or recursion without a wrapper; already in words.
    #[error("{0}")]
    Unproved(String),
    /// The patched output did not read back as intended.
    #[error(
        "the patched executable does not say what was meant ({0}); please report this as a bug of vthread"
    )]
    NotVerified(String),
    /// The linker's command line was not understood.
    #[error("linker command line: {0}")]
    CommandLine(String),
}
