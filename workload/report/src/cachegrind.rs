//! Counts of instructions, where clocks are too noisy.

use crate::child;
use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Instructions that doing it once takes: the difference of two runs, divided, so that start-up drops out.
///
/// `arguments(n)` make the program do it `n` times.
pub(crate) fn per_turn(
    program: &Path,
    arguments: impl Fn(u64) -> Vec<OsString>,
    few: u64,
    many: u64,
) -> Result<f64> {
    let [few_count, many_count] = [few, many].map(|n| count(program, &arguments(n)));
    Ok((many_count? - few_count?) / (many - few) as f64)
}

fn count(program: &Path, arguments: &[OsString]) -> Result<f64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    let outcome = child::run(command.arg(program).args(arguments), Duration::from_mins(1))?;
    let stderr = outcome.stderr.clone();
    outcome.text()?;
    instructions(&stderr).context("valgrind printed no count of instructions")
}

/// `==123== I refs:        1,234,567`
fn instructions(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains("I ") && line.contains("refs:"))?;
    line.rsplit(':').next()?.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::instructions;

    #[test]
    fn the_count_is_read() {
        let said =
            "==7== Cachegrind, a high-precision tracing profiler\n==7== \n==7== I refs:        1,234,567\n";
        assert_eq!(instructions(said), Some(1_234_567.0));
        assert_eq!(instructions("==7== I   refs:      12\n"), Some(12.0));
        assert_eq!(instructions("nothing"), None);
    }
}
