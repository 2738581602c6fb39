//! What a search did, in numbers.

use serde::Serialize;
use std::fmt::{self, Display};

/// The closing summary: `--stats` for people, the last of the JSON lines for programs.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Which engine searched.
    pub engine: &'static str,
    /// Threads that it was allowed.
    pub threads: usize,
    /// `.txt` files opened.
    pub text_files: u64,
    /// `.json` files opened.
    pub json_files: u64,
    /// Directories opened.
    pub directories: u64,
    /// Bytes read from files (holes of sparse files are not read).
    pub bytes: u64,
    /// Files with at least one match.
    pub files_matched: u64,
    /// Matches; when only files are asked for, one a file.
    pub matches: u64,
    /// What could not be read, or not to its end.
    pub errors: u64,
    /// Entries that went away between being listed and being opened.
    pub vanished: u64,
    /// Most directories, batches and ranges that waited or were being searched at one time.
    pub most_tasks: u64,
    /// Seconds from start to end.
    pub wall_seconds: f64,
    /// Seconds of processor time, all threads, in the program and in the kernel.
    pub cpu_seconds: f64,
    /// The most memory that the process had at one time, in bytes; `None` where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

impl Summary {
    /// The line of JSON that closes the output.
    pub fn to_json_line(&self) -> Vec<u8> {
        super::format::json_summary(self)
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |n: u64| if self.wall_seconds > 0.0 { n as f64 / self.wall_seconds } else { 0.0 };
        writeln!(f, "engine           {} ({} threads)", self.engine, self.threads)?;
        writeln!(f, "files            {} text, {} JSON", self.text_files, self.json_files)?;
        writeln!(f, "directories      {}", self.directories)?;
        writeln!(f, "bytes            {} ({:.0} MB/s)", self.bytes, rate(self.bytes) / 1e6)?;
        writeln!(f, "matches          {} in {} files", self.matches, self.files_matched)?;
        writeln!(f, "errors           {}", self.errors)?;
        if self.vanished > 0 {
            writeln!(f, "vanished         {}", self.vanished)?;
        }
        writeln!(f, "wall time        {:.3} s", self.wall_seconds)?;
        writeln!(f, "CPU time         {:.3} s", self.cpu_seconds)?;
        if let Some(bytes) = self.peak_rss_bytes {
            writeln!(f, "peak memory      {:.1} MB", bytes as f64 / 1e6)?;
        }
        write!(f, "most tasks alive {}", self.most_tasks)
    }
}

/// The most memory this process ever had, in bytes.
pub(crate) fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
