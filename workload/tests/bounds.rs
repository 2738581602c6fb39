//! Every stack of the search on virtual threads is proved, and the table of them is in the documents.
#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", not(vthread_plain)))]

use std::path::Path;
use std::process::Command;
use vale_threads_build::functions::display_name;
use vale_threads_build::program::Loaded;
use vale_threads_build::report::{Written, chain, entries};

/// The parts of `zork` that only the engine on virtual threads has.
const ENGINE: &str = "zork::engine::vthread::";

#[test]
fn no_entry_of_the_search_is_unproved() {
    all_are_proved(Path::new(env!("CARGO_BIN_EXE_zork")));
}

/// As it is built for users.
#[test]
fn nor_is_one_in_release() {
    // Where `cargo build --release` puts it.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "-p", "zork", "--bin", "zork", "--target-dir"]).arg(target);
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    all_are_proved(&target.join("release/zork"));
    nothing_of_io_hops(&target.join("release/zork"));
}

/// Who waits for a file off the chunks keeps a hop stack meanwhile.
fn nothing_of_io_hops(executable: &Path) {
    let data = std::fs::read(executable).expect("the executable");
    let loaded = Loaded::read(&data).expect("an executable");
    let solved = loaded.entries();
    let hopped = solved.graph.hopped.keys().map(|&function| display_name(&loaded.image, function));
    let of_io: Vec<_> = hopped.filter(|name| name.starts_with("vthread::io::")).collect();
    assert!(of_io.is_empty(), "{of_io:?}");
}

fn all_are_proved(executable: &Path) {
    let data = std::fs::read(executable).expect("the executable");
    let loaded = Loaded::read(&data).expect("an executable");
    let report = entries(&loaded);
    let mut of_the_engine = 0;
    for line in &report.lines {
        let Some(Written::Size(size)) = line.written else {
            panic!("{} has no proved bound: {}", line.name, chain(line));
        };
        assert!(u64::from(size) >= line.bytes, "{}: {size} bytes for {}", line.name, line.bytes);
        of_the_engine += usize::from(chain(line).contains(ENGINE));
    }
    // The walk, and a vthread that waits for a file.
    assert!(of_the_engine >= 2, "{of_the_engine} of {} entries", report.lines.len());
}

#[test]
fn the_table_in_the_documents_has_the_entries_of_the_engine() {
    let table = include_str!("../docs/bounds.md");
    let data = std::fs::read(env!("CARGO_BIN_EXE_zork")).expect("the executable");
    let loaded = Loaded::read(&data).expect("an executable");
    let walks = ["annotated::__vt_work", "annotated::__vt_late", "annotated::__vt_ahead"];
    let chains: String = entries(&loaded).lines.iter().map(chain).collect();
    for walk in walks {
        assert!(chains.contains(walk) && table.contains(walk), "{walk}: make workload/docs/bounds.md again");
    }
    assert!(!table.contains("unproved"), "the table has unproved entries");
}
