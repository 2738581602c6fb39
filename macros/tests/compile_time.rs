//! What `#[vthread]` costs the compiler: `cargo test -p vale-threads-macros --test compile_time -- --ignored --nocapture`, with `--release`
//! for optimised builds.
//!
//! The same module is compiled with and without the attribute in turn, as `cargo check` and as `cargo build` do it, to a library. Of five
//! turns that which took the processor the shortest counts: user time of the compiler, which hardly depends on what else runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A trait with so many methods, so many types that implement it, and calls of all through trait objects.
fn module(attribute: &str, methods: usize, impls: usize) -> String {
    let mut text = format!("{attribute}\npub mod m {{\n");
    let list = |each: &dyn Fn(usize) -> String| (0..methods).map(each).collect::<String>();
    let _ = writeln!(
        text,
        "pub trait T {{ {} }}",
        list(&|m| format!("fn m{m}(&self, a: u64, b: &str) -> u64;\n"))
    );
    for ty in 0..impls {
        let bodies = list(&|m| {
            let next = if m + 1 < methods { format!("self.m{}(a, b)", m + 1) } else { "7".to_owned() };
            format!(
                "fn m{m}(&self, a: u64, b: &str) -> u64 {{ self.0 + a * {m} + b.len() as u64 + {next} }}\n"
            )
        });
        let _ = writeln!(text, "pub struct S{ty}(pub u64); impl T for S{ty} {{ {bodies} }}");
    }
    let calls = list(&|m| format!("sum += t.m{m}({m}, \"x\");\n"));
    let _ = writeln!(
        text,
        "pub fn all(of: &[Box<dyn T>]) -> u64 {{ let mut sum = 0; for t in of {{ {calls} }} sum }}"
    );
    let made: Vec<_> = (0..impls).map(|ty| format!("Box::new(S{ty}(1))")).collect();
    let made = made.join(", ");
    text + &format!("pub fn made() -> Vec<Box<dyn T>> {{ vec![{made}] }} }}\n")
}

/// The library `vthread` that this test itself is linked with.
fn library(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder).expect("the folder of this test").flatten();
    let mut all: Vec<_> = files
        .filter(|f| {
            let name = f.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".rlib").is_some_and(|name| name.starts_with("libvthread-"))
        })
        .collect();
    all.sort_by_key(|f| f.metadata().and_then(|m| m.modified()).expect("a time"));
    all.last().expect("cargo has built it for this test").path()
}

/// What the compiler is asked for.
#[derive(Clone, Copy)]
enum Build {
    Check,
    Full,
}

/// User time of all processes that have ended here.
fn time_of_children() -> Duration {
    // SAFETY: zeros are a value of the structure, and the call writes nothing else.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage), 0);
        usage
    };
    let part = |n: i64| u64::try_from(n).expect("no time is negative");
    Duration::from_secs(part(usage.ru_utime.tv_sec)) + Duration::from_micros(part(usage.ru_utime.tv_usec))
}

fn compile(source: &Path, build: Build, folder: &Path, library: &Path) -> Duration {
    let before = time_of_children();
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--edition", "2024", "--crate-type", "lib", "--crate-name", "measured", "--out-dir"])
        .args([Path::new(env!("CARGO_TARGET_TMPDIR")), source, Path::new("-L")])
        .arg(format!("dependency={}", folder.display()))
        .arg("--extern")
        .arg(format!("vthread={}", library.display()));
    if !cfg!(debug_assertions) {
        rustc.arg("-O");
    }
    if let Build::Check = build {
        rustc.args(["--emit", "metadata"]);
    }
    let output = rustc.output().expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    time_of_children().checked_sub(before).expect("it only grows")
}

#[test]
#[ignore = "it measures"]
fn traits_with_many_methods() {
    const TURNS: usize = 5;
    let test = std::env::current_exe().expect("a path");
    let folder = test.parent().expect("a folder");
    let library = library(folder);
    println!("methods impls    check: without     with  ratio    build: without     with  ratio");
    for (methods, impls) in [(5, 1), (5, 8), (20, 1), (120, 1), (20, 10), (60, 10), (120, 10)] {
        let sources = ["", "#[vthread::vthread]"].map(|attribute| {
            let name = if attribute.is_empty() { "without.rs" } else { "with.rs" };
            let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&source, module(attribute, methods, impls)).expect("a source");
            source
        });
        print!("{methods:>7} {impls:>5}");
        for build in [Build::Check, Build::Full] {
            let mut best = [Duration::MAX; 2];
            for _ in 0..TURNS {
                for (best, source) in best.iter_mut().zip(&sources) {
                    *best = compile(source, build, folder, &library).min(*best);
                }
            }
            let [without, with] = best.map(|time| 1e3 * time.as_secs_f64());
            print!(" {without:>15.0} ms {with:>5.0} ms {:>6.1}", with / without);
        }
        println!();
    }
}
