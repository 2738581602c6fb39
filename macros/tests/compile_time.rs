//! What `#[vthread]` costs the compiler: `cargo test -p vale-threads-macros --test compile_time -- --ignored --nocapture`.
//!
//! The same module is compiled with and without the attribute, to a library without optimisation; the shortest of five turns counts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

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

fn compile(source: &Path, folder: &Path, library: &Path) -> Duration {
    let start = Instant::now();
    let output = Command::new("rustc")
        .args(["--edition", "2024", "--crate-type", "lib", "--crate-name", "measured", "--out-dir"])
        .args([Path::new(env!("CARGO_TARGET_TMPDIR")), source, Path::new("-L")])
        .arg(format!("dependency={}", folder.display()))
        .arg("--extern")
        .arg(format!("vthread={}", library.display()))
        .output()
        .expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    start.elapsed()
}

#[test]
#[ignore = "it measures"]
fn traits_with_many_methods() {
    let test = std::env::current_exe().expect("a path");
    let folder = test.parent().expect("a folder");
    let library = library(folder);
    println!("methods impls   without      with   more a method");
    for (methods, impls) in [(5, 1), (20, 1), (60, 1), (120, 1), (5, 10), (20, 10), (60, 10), (120, 10)] {
        let [without, with] = ["", "#[vthread::vthread]"].map(|attribute| {
            let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("measured.rs");
            std::fs::write(&source, module(attribute, methods, impls)).expect("a source");
            (0..5).map(|_| compile(&source, folder, &library)).min().unwrap_or_default()
        });
        let [without, with] = [without, with].map(|time| 1e3 * time.as_secs_f64());
        let each = (with - without) / methods as f64;
        println!("{methods:>7} {impls:>5} {without:>6.0} ms {with:>6.0} ms {each:>12.1} ms");
    }
}
