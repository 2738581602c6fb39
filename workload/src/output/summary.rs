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
    /// Of the engine on virtual threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vthreads: Option<Vthreads>,
    /// Seconds from start to end.
    pub wall_seconds: f64,
    /// Seconds of processor time, all threads, in the program and in the kernel.
    pub cpu_seconds: f64,
    /// The most memory that the process had at one time, in bytes; `None` where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

/// What virtual threads amounted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Vthreads {
    /// How many were started.
    pub spawned: u64,
    /// Most that had started and not ended at one time, of each carrier, added up.
    pub most_alive: u64,
    /// How often an idle carrier took starts from elsewhere; the first vthread may count.
    pub steals: u64,
    /// How often one went on or started.
    pub switches: u64,
    /// Bytes of addresses that were taken for chunks, of all carriers. What was never touched costs nothing.
    pub stack_bytes_taken: u64,
    /// Bytes of chunks in use at one time at most, of each carrier, added up; 0 where `--stats` does not ask.
    pub stack_bytes_most: u64,
    /// Calls onto a chunk of their own; 0 where `--stats` does not ask.
    pub chunk_calls: u64,
    /// Most hop stacks of all carriers.
    pub hop_stacks: u64,
    /// How often a vthread parked off its chunks.
    pub detaches: u64,
    /// How often one was carried over to a hop stack and back; 0 where the system does not let that be counted.
    pub hops: u64,
    /// Reads and opens that had to be waited for.
    pub operations: u64,
    /// Most of these under way at one time, on all carriers.
    pub most_in_flight: u64,
}

impl From<&vthread::Stats> for Vthreads {
    fn from(stats: &vthread::Stats) -> Self {
        Self {
            spawned: stats.vthreads.started,
            most_alive: stats.vthreads.most_alive as u64,
            steals: stats.vthreads.steals,
            switches: stats.vthreads.switches,
            stack_bytes_taken: stats.region_taken as u64,
            stack_bytes_most: stats.chunks.most_bytes as u64,
            chunk_calls: stats.chunks.taken.saturating_sub(stats.vthreads.started),
            hop_stacks: stats.hop_stacks.most as u64,
            detaches: stats.hop_stacks.detaches,
            hops: stats.hops,
            operations: stats.operations.total,
            most_in_flight: stats.operations.most as u64,
        }
    }
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
        let many = if self.threads == 1 { "" } else { "s" };
        writeln!(f, "engine           {} ({} thread{many})", self.engine, self.threads)?;
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
        if let Some(vthreads) = &self.vthreads {
            let Vthreads { spawned, most_alive, steals, switches, .. } = *vthreads;
            writeln!(f, "virtual threads  {spawned} started, at most {most_alive} alive")?;
            writeln!(f, "switches         {switches}, {steals} steals")?;
            let (most, per) = (vthreads.stack_bytes_most, vthreads.stack_bytes_most / most_alive.max(1));
            writeln!(f, "stacks           {most} bytes in use at peak, {per} a virtual thread")?;
            writeln!(f, "chunk calls      {}", vthreads.chunk_calls)?;
            writeln!(f, "stack chunks     {} bytes of addresses taken", vthreads.stack_bytes_taken)?;
            writeln!(f, "hops             {}", vthreads.hops)?;
            writeln!(f, "hop stacks       at most {}, {} detaches", vthreads.hop_stacks, vthreads.detaches)?;
            writeln!(
                f,
                "I/O waited for   {} operations, at most {} in flight",
                vthreads.operations, vthreads.most_in_flight
            )?;
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
