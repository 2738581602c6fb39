//! Settings of stacks: by builder, by environment.

use crate::allocator::StackAllocator;
use crate::error::{Error, Result};
use core::fmt;
use core::ops::RangeInclusive;
use std::ffi::OsStr;
use std::sync::Arc;
use vale_threads_abi as abi;

/// How chunks are handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// From free lists, exactly as large as was proved.
    #[default]
    Exact,
    /// Each in pages of its own with an inaccessible page directly below, so that one byte too many is a fault. About
    /// 32,000 at a time (`vm.max_map_count`), and slow.
    Guarded,
    /// Filled with a pattern, to see how deep each entry went. Slow.
    Painted,
}

/// The environment variable that sets a [`Mode`] where the program sets none: `exact`, `guarded` or `painted`.
pub const STACKS_VAR: &str = "VTHREAD_STACKS";

impl Mode {
    /// What [`STACKS_VAR`] says.
    pub(crate) fn from_environment() -> Result<Option<Self>> {
        match std::env::var_os(STACKS_VAR) {
            None => Ok(None),
            Some(text) => match text.to_str() {
                Some("" | "exact") => Ok(Some(Self::Exact)),
                Some("guarded") => Ok(Some(Self::Guarded)),
                Some("painted") => Ok(Some(Self::Painted)),
                _ => Err(Error::Setting {
                    name: STACKS_VAR,
                    problem: format!("{} is none of exact, guarded, painted", text.display()),
                }),
            },
        }
    }
}

/// The environment variable for the bytes of a hop stack, where the program sets none.
const HOP_STACK_VAR: &str = "VTHREAD_HOP_STACK";
/// What it may say. All of one stack must be touched before it costs that much memory, but addresses are not without end either.
const HOP_STACK_BYTES: RangeInclusive<usize> = 64 << 10..=1 << 40;

/// What `VTHREAD_HOP_STACK` says.
fn hop_size_from_environment() -> Result<Option<usize>> {
    std::env::var_os(HOP_STACK_VAR).map_or(Ok(None), |text| hop_size(&text))
}

fn hop_size(text: &OsStr) -> Result<Option<usize>> {
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = text.to_str().and_then(|text| text.parse().ok());
    match bytes.filter(|bytes| HOP_STACK_BYTES.contains(bytes)) {
        Some(bytes) => Ok(Some(bytes)),
        None => Err(Error::Setting {
            name: HOP_STACK_VAR,
            problem: format!(
                "{} is no number of bytes from {} (64 KiB) to {} (1 TiB)",
                text.display(),
                HOP_STACK_BYTES.start(),
                HOP_STACK_BYTES.end()
            ),
        }),
    }
}

/// Bytes of a stack for code of which nothing is known: twice what the main thread of a process has as a rule (`ulimit -s`), so that what recurses
/// there recurses here. Only what is used costs memory, beside a page of the kernel's own for each stack that is used at all.
const LARGE_STACK: usize = 16 << 20;

/// Bytes of such a stack where addresses are few (`ulimit -v`), as a hop stack and for an entry without a bound.
const SMALL_HOP_STACK: usize = 256 << 10;
#[cfg(vthread_native)]
const SMALL_UNPROVED: usize = 1 << 20;

/// Is the number of addresses limited, so that the program needs them for other things? Or do they count as memory?
#[cfg(vthread_native)]
fn are_addresses_few() -> bool {
    const FEW: usize = 16 << 30;
    crate::sys::address_space_left().is_some_and(|left| left < FEW) || crate::sys::addresses_are_memory()
}

/// There are no such stacks.
#[cfg(not(vthread_native))]
fn are_addresses_few() -> bool {
    false
}

/// Makes an allocator for each thread that runs vthreads.
pub(crate) type MakeAllocator = Arc<dyn Fn() -> Box<dyn StackAllocator> + Send + Sync>;

/// Everything about the stacks of a runtime.
#[cfg_attr(not(vthread_native), allow(dead_code, reason = "nothing to set there"))]
#[derive(Clone)]
pub(crate) struct StackConfig {
    pub(crate) mode: Mode,
    /// `None`: the pool.
    pub(crate) allocator: Option<MakeAllocator>,
    /// Bytes for an entry without a bound, if somebody has said how many.
    pub(crate) unproved: Option<usize>,
    /// Bytes of a hop stack, guard included.
    pub(crate) hop_size: usize,
    /// Bytes that will do where the system gives no such stack: as many, if somebody has asked for them.
    pub(crate) hop_least: usize,
    /// Hop stacks per carrier at most.
    pub(crate) hop_cap: usize,
    /// Every chunk is handed out by the slow path, which counts it.
    pub(crate) count: bool,
    /// Bytes of free chunks that an idle thread keeps.
    pub(crate) keep: usize,
}

impl Default for StackConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Exact,
            allocator: None,
            unproved: None,
            hop_size: LARGE_STACK,
            hop_least: SMALL_HOP_STACK,
            hop_cap: 20_000,
            count: false,
            keep: 16 << 20,
        }
    }
}

impl StackConfig {
    /// Bytes for an entry without a bound.
    #[cfg(vthread_native)]
    pub(crate) fn unproved(&self) -> usize {
        match self.unproved {
            Some(bytes) => bytes.clamp(*HOP_STACK_BYTES.start(), *HOP_STACK_BYTES.end()),
            None if are_addresses_few() => SMALL_UNPROVED,
            None => LARGE_STACK,
        }
    }

    /// With hop stacks of about so many bytes, or of as many as the environment says.
    pub(crate) fn with_hop_stacks(self, bytes: Option<usize>) -> Result<Self> {
        let asked_for = match bytes {
            None => hop_size_from_environment()?,
            bytes => bytes,
        };
        Ok(match asked_for {
            Some(bytes) => {
                let bytes = bytes.clamp(*HOP_STACK_BYTES.start(), *HOP_STACK_BYTES.end());
                let bytes = bytes.next_multiple_of(abi::PAGE as usize);
                Self { hop_size: bytes, hop_least: bytes, ..self }
            }
            None if are_addresses_few() => Self { hop_size: self.hop_least, ..self },
            None => self,
        })
    }
}

impl fmt::Debug for StackConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackConfig").field("mode", &self.mode).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_hop_stack_are_a_number_or_a_clear_error() {
        let read = |text: &str| hop_size(OsStr::new(text)).map_err(|error| error.to_string());
        assert_eq!(
            (read(""), read("65536"), read("1048576")),
            (Ok(None), Ok(Some(1 << 16)), Ok(Some(1 << 20)))
        );
        for wrong in ["65535", "1M", "-1", "1099511627777", "99999999999999999999999"] {
            let error = read(wrong).expect_err("no size");
            assert!(error.contains("VTHREAD_HOP_STACK: ") && error.contains(wrong), "{error}");
            assert!(error.contains("from 65536 (64 KiB) to 1099511627776 (1 TiB)"), "{error}");
        }
    }
}
