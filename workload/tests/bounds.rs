//! Every stack of the search on virtual threads is proved, and the table of them is in the documents.
#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", not(vthread_plain)))]

use vale_threads_build::program::Loaded;
use vale_threads_build::report::{Written, chain, entries};

/// The parts of `zork` that only the engine on virtual threads has.
const ENGINE: &str = "zork::engine::vthread::";

#[test]
fn no_entry_of_the_search_is_unproved() {
    let data = std::fs::read(env!("CARGO_BIN_EXE_zork")).expect("the executable");
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
    let walks = ["annotated::__vt_work", "annotated::__vt_late"];
    let chains: String = entries(&loaded).lines.iter().map(chain).collect();
    for walk in walks {
        assert!(chains.contains(walk) && table.contains(walk), "{walk}: make workload/docs/bounds.md again");
    }
    assert!(!table.contains("unproved"), "the table has unproved entries");
}
