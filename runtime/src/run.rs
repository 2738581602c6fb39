//! Running a closure as a virtual thread.

use crate::arch;
use crate::call::{RunSlot, Slot, entry_of};
use crate::config::{Mode, StackConfig};
use crate::error::Result;
use crate::{hop_stack, stacks};

/// Runs `f` as a virtual thread and gives its result. On a thread that runs vthreads already, it is an ordinary call.
///
/// # Panics
/// With what `f` panics with, and when the stacks cannot be had; [`Builder::run`] gives an error then.
pub fn run<F: FnOnce() -> R, R>(f: F) -> R {
    if arch::hop_top().is_null() {
        Builder::new().run(f).unwrap_or_else(|error| panic!("vthread::run: {error}"))
    } else {
        crate::call::on_chunk(f)
    }
}

/// Settings for [`run`].
#[derive(Debug, Default)]
pub struct Builder {
    mode: Option<Mode>,
    config: StackConfig,
}

impl Builder {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How chunks are handed out. Without this, the environment variable `VTHREAD_STACKS` says it.
    #[must_use]
    pub fn stacks(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Runs `f` as a virtual thread on this thread.
    ///
    /// # Errors
    /// When the stacks cannot be had, when a setting is wrong, or when this thread runs vthreads already.
    ///
    /// # Panics
    /// With what `f` panics with.
    pub fn run<F: FnOnce() -> R, R>(self, f: F) -> Result<R> {
        let mode = match self.mode {
            Some(mode) => mode,
            None => Mode::from_environment()?.unwrap_or_default(),
        };
        let config = StackConfig { mode, ..self.config };
        let _hops = hop_stack::Installed::new(&config)?;
        let _stacks = stacks::Installed::new(config)?;
        let (size, entry) = entry_of::<RunSlot<F, R>>();
        let chunk = stacks::take_for_start(size, core::any::type_name::<F>())?;
        let mut slot = Slot::<F, R>::new(f);
        // SAFETY: the chunk is free and fits `entry`; `slot` holds the closure.
        unsafe {
            arch::call_on(slot.as_argument(), entry, chunk.top());
            Ok(slot.into_result())
        }
    }
}
