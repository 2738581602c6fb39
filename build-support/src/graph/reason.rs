//! Why a function has no bound, in words.

use crate::frames::Problem;

/// Why a function has no bound of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// The interpreter could not follow it.
    Problem(Problem),
    /// A call through a pointer that is not known.
    UnknownCallee {
        /// The instruction.
        at: u64,
        /// In words.
        what: String,
        /// Why the call cannot be moved into a thunk, if it was to be.
        stays: Option<&'static str>,
    },
    /// It calls something that it was passed, and it is not known what.
    Argument {
        /// The instruction.
        at: u64,
        /// 0: rdi.
        index: u8,
    },
    /// A function of a shared library.
    Import {
        /// The instruction.
        at: u64,
        /// Its name.
        name: String,
    },
    /// A function of a shared library that returns more than once: its caller is carried out elsewhere as a whole.
    ReturnsTwice {
        /// The instruction.
        at: u64,
        /// Its name.
        name: String,
    },
    /// A call of something that cannot be bounded, and cannot be made to go elsewhere.
    CannotHop {
        /// The instruction.
        at: u64,
        /// What it calls.
        callee: String,
        /// Why not.
        why: &'static str,
    },
}

impl Reason {
    /// The instruction that is in the way.
    pub fn at(&self) -> Option<u64> {
        match self {
            Self::Problem(problem) => problem.at(),
            Self::UnknownCallee { at, .. }
            | Self::Argument { at, .. }
            | Self::Import { at, .. }
            | Self::ReturnsTwice { at, .. }
            | Self::CannotHop { at, .. } => Some(*at),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const REGISTERS: [&str; 6] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
        match self {
            Self::Problem(problem) => problem.fmt(f),
            Self::UnknownCallee { at, what, stays } => {
                write!(f, "at {at:#x} it calls {what}: the target is not known")?;
                match stays {
                    Some(why) => write!(f, ", and the call cannot be carried out elsewhere: {why}"),
                    None => Ok(()),
                }
            }
            Self::Argument { at, index } => {
                let register = REGISTERS.get(usize::from(*index)).unwrap_or(&"?");
                write!(f, "at {at:#x} it calls the function passed in {register}, and it is not known which")
            }
            Self::Import { at, name } => {
                write!(f, "at {at:#x} it calls `{name}`, which is in a shared library")
            }
            Self::ReturnsTwice { at, name } => {
                write!(f, "at {at:#x} it calls `{name}`, which returns more than once")
            }
            Self::CannotHop { at, callee, why } => write!(
                f,
                "at {at:#x} it calls `{callee}`, which has no bound and cannot be carried out elsewhere: {why}"
            ),
        }
    }
}
