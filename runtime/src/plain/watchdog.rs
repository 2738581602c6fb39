//! Who watches, where vthreads are OS threads: nobody.

use crate::error::Result;

/// Where vthreads are the system's own: with `VTHREAD_WHO_WAITS=SECONDS` in the environment, what this process does outside of runtimes would count.
/// Here nothing is watched.
///
/// # Errors
/// None.
pub fn watch_process() -> Result<()> {
    Ok(())
}
