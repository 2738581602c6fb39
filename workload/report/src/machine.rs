//! Where this runs.

use crate::data::Machine;
use std::fs::read_to_string;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::process::Command;

/// This machine.
pub(crate) fn this() -> Machine {
    let info = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|l| l.starts_with(name));
        line.and_then(|l| l.split_once(':')).map_or("?", |(_, value)| value.trim()).to_owned()
    };
    let (family, model) = (field("cpu family"), field("model"));
    Machine {
        processor: format!("{} (family {family}, model {model})", field("model name")),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_gib: memory("MemTotal:") as f64 / f64::from(1 << 30),
        kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
        file_system: file_system(Path::new(env!("CARGO_MANIFEST_DIR"))),
    }
}

/// A field of `/proc/meminfo`, in bytes.
pub(crate) fn memory(name: &str) -> u64 {
    let info = read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The type of the file system that `path` is on: that of its longest mount point.
fn file_system(path: &Path) -> String {
    let mounts = read_to_string("/proc/mounts").unwrap_or_default();
    let found = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind) = (fields.next()?, fields.next()?);
        path.starts_with(at).then_some((at.len(), kind))
    });
    found.max_by_key(|(length, _)| *length).map_or("?", |(_, kind)| kind).to_owned()
}

/// The first line that the program prints about its version.
pub(crate) fn version(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let text = String::from_utf8_lossy(&text);
    text.lines().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned())
}

/// Of today, and the time, UTC.
pub(crate) fn date() -> String {
    version("date", &["-u", "+%Y-%m-%d %H:%M UTC"]).unwrap_or_default()
}

/// The commit, outside of a repository.
pub(crate) const UNKNOWN: &str = "unknown";

/// The last commit that changed what is measured, and whether files differ from it. Documents are not measured, so that a report
/// can be committed between the parts of a run.
pub(crate) fn commit() -> String {
    const MEASURED: [&str; 5] =
        ["--", ":/", ":(top,exclude)*.md", ":(top,exclude)docs", ":(top,exclude)paper"];
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .args(MEASURED)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["log", "-1", "--abbrev=12", "--format=%h"]).filter(|c| !c.is_empty()) else {
        return UNKNOWN.to_owned();
    };
    match git(&["diff", "HEAD"]).filter(|changes| !changes.is_empty()) {
        Some(changes) => {
            let mut hash = std::hash::DefaultHasher::new();
            changes.hash(&mut hash);
            // Other changes are another thing to measure.
            format!("{commit}, with changes {:08x}", hash.finish() as u32)
        }
        None => commit,
    }
}
