//! A progress bar on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use zork_corpus::{Unit, Watch};

/// Shows how far a corpus is. Draws on standard error, and only if that is a terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar that shows up with the first plan.
    pub(crate) fn new(kind: &str) -> Self {
        Self(ProgressBar::new(0).with_message(kind.to_owned()))
    }

    /// Wipes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Watch for Bar {
    fn planned(&self, total: u64, unit: Unit) {
        let template = match unit {
            Unit::Files => "{msg} {wide_bar} {human_pos}/{human_len} entries, {eta} left",
            Unit::Bytes => "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes}, {eta} left",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
        self.0.set_length(total);
    }

    fn made(&self, units: u64) {
        self.0.inc(units);
    }
}
