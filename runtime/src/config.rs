//! Settings of stacks: by builder, by environment.

use crate::allocator::StackAllocator;
use crate::error::{Error, Result};
use core::fmt;
use std::sync::Arc;

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

/// Makes an allocator for each thread that runs vthreads.
pub(crate) type MakeAllocator = Arc<dyn Fn() -> Box<dyn StackAllocator> + Send + Sync>;

/// Everything about the stacks of a runtime.
#[cfg_attr(not(vthread_native), allow(dead_code, reason = "nothing to set there"))]
#[derive(Clone)]
pub(crate) struct StackConfig {
    pub(crate) mode: Mode,
    /// `None`: the pool.
    pub(crate) allocator: Option<MakeAllocator>,
    /// Bytes for an entry without a bound.
    pub(crate) unproved: usize,
    /// Bytes of a hop stack, guard included.
    pub(crate) hop_size: usize,
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
            unproved: 1 << 20,
            hop_size: 256 << 10,
            hop_cap: 20_000,
            count: false,
            keep: 16 << 20,
        }
    }
}

impl fmt::Debug for StackConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackConfig").field("mode", &self.mode).finish_non_exhaustive()
    }
}
