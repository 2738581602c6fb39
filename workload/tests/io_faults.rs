//! Calls that fail, are interrupted, read little or have to wait: what one of them does to its file it does to no other.
#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

use rustix::fd::OwnedFd;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use vthread::__private::inject::{Call, Fault, inject};
use zork::engine::Engine;
use zork::matcher::{Detail, Needle};
use zork::output::{Format, Output, Says, Sink, Style};
use zork::search::{Counts, Root, Run, Search};
use zork::tree::OpenFiles;

/// Files in each of the directories.
const FILES: usize = 30;

fn tree() -> (tempfile::TempDir, BTreeSet<String>) {
    let tree = tempfile::tempdir().expect("a directory");
    let mut all = BTreeSet::new();
    for dir in ["a", "a/b", "c"] {
        fs::create_dir(tree.path().join(dir)).expect("a directory");
        for i in 0..FILES {
            let (name, text) = match i % 2 {
                0 => (format!("{dir}/{i}.txt"), format!("{}zork", " ".repeat(1000 * i))),
                _ => (format!("{dir}/{i}.json"), format!("[{:1$}\"zork\"]", "", 1000 * i)),
            };
            fs::write(tree.path().join(&name), text).expect("a file");
            all.insert(name);
        }
    }
    (tree, all)
}

/// What is found, how many errors there are, and how many files have vanished.
fn search(engine: &dyn Engine, threads: Option<usize>, path: &Path) -> (BTreeSet<String>, u64, u64) {
    let (found, search) = searched(engine, threads, path, false);
    (found, search.counts.errors.load(Relaxed), search.counts.vanished.load(Relaxed))
}

fn searched(
    engine: &dyn Engine,
    threads: Option<usize>,
    path: &Path,
    quiet: bool,
) -> (BTreeSet<String>, Arc<Search>) {
    let mut out = tempfile::tempfile().expect("a file");
    let sink = Sink::new(OwnedFd::from(out.try_clone().expect("a descriptor")), false);
    let format = Format { style: Style::Plain { null: true }, says: Says::Path };
    let root = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    let search = Arc::new(Search {
        needle: Needle::new(b"zork").expect("not empty"),
        detail: Detail::First,
        quiet,
        follow: false,
        threads,
        roots: vec![Root { path: root, shown: false }],
        files: Arc::new(OpenFiles::new(None).expect("files")),
        output: Output::new(format, sink),
        counts: Counts::default(),
        run: Run::start(),
    });
    engine.run(&search).expect("a search");
    search.output.finish().expect("an output");
    let mut found = String::new();
    out.rewind().expect("a file");
    out.read_to_string(&mut found).expect("text");
    let found = found.split('\0').filter(|path| !path.is_empty()).map(Into::into).collect();
    (found, search)
}

fn is_one(path: &[u8]) -> bool {
    path.ends_with(b"7.json") && !path.ends_with(b"17.json") && !path.ends_with(b"27.json")
}

fn is_file(path: &[u8]) -> bool {
    path.ends_with(b".txt") || path.ends_with(b".json")
}

/// One test: faults are the whole process's.
#[test]
fn a_fault_of_one_file_is_no_other_ones() {
    let (tree, all) = tree();
    let without = |path: &str| {
        let mut all = all.clone();
        all.remove(path);
        all
    };
    // `tokio` makes its calls by itself.
    let engines = zork::engine::ENGINES.iter().filter(|engine| engine.name() != "tokio");
    // Without a number of threads, `vthread` does the first files before it has any vthread.
    for (engine, threads) in engines.flat_map(|engine| [(engine, Some(2)), (engine, None)]) {
        let name = format!("{} {threads:?}", engine.name());
        let search = || search(*engine, threads, tree.path());
        assert_eq!(search(), (all.clone(), 0, 0), "{name}");

        // Everything has to wait, is interrupted and gives little.
        let mut calls = 0_u32;
        inject(Some(Box::new(move |call| {
            calls += 1;
            match (calls % 5, call) {
                (0, _) => Some(Fault::Fail(libc::EINTR)),
                (1, Call::Read(_)) => Some(Fault::Short(4096)),
                _ => Some(Fault::Wait),
            }
        })));
        assert_eq!(search(), (all.clone(), 0, 0), "{name}: waits, interruptions");

        // Names are not in memory. Who waits for an open does so on its chunk, and takes no hop stack along.
        inject(Some(Box::new(|call| matches!(call, Call::Open(_)).then_some(Fault::Wait))));
        let (found, search_of_names) = searched(*engine, threads, tree.path(), false);
        assert_eq!(found, all, "{name}: opens wait");
        if let Some(vthreads) = search_of_names.counts.vthreads.get() {
            assert!(vthreads.operations >= all.len() as u64, "{vthreads:?}");
            assert_eq!(vthreads.detaches, 0, "{vthreads:?}");
        }

        // One cannot be opened, in each of the three directories.
        for errno in [libc::EIO, libc::ENOMEM, libc::EACCES, libc::EPERM] {
            inject(Some(Box::new(move |call| match call {
                Call::Open(path) if is_one(path.to_bytes()) => Some(Fault::Fail(errno)),
                _ => None,
            })));
            let (found, errors, vanished) = search();
            let kept: BTreeSet<_> = all.iter().filter(|path| !is_one(path.as_bytes())).cloned().collect();
            assert_eq!((found, errors, vanished), (kept, 3, 0), "{name}: {errno}");
        }

        // They go away between being listed and being opened.
        inject(Some(Box::new(|call| match call {
            Call::Open(path) if is_one(path.to_bytes()) => Some(Fault::Fail(libc::ENOENT)),
            _ => None,
        })));
        let (found, errors, vanished) = search();
        assert_eq!((found.len(), errors, vanished), (all.len() - 3, 0, 3), "{name}: vanishing");

        // One read fails, whichever it is.
        for number in [0, 40] {
            let mut reads = 0;
            inject(Some(Box::new(move |call| {
                reads += i32::from(matches!(call, Call::Read(_)));
                (matches!(call, Call::Read(_)) && reads == number + 1).then_some(Fault::Fail(libc::EIO))
            })));
            let (found, errors, vanished) = search();
            assert_eq!((found.len(), errors, vanished), (all.len() - 1, 1, 0), "{name}: a read");
            let lost = all.difference(&found).next().expect("one");
            assert_eq!(found, without(lost), "{name}: a read");
        }

        // For a while no descriptor is left.
        let mut opens = 0;
        inject(Some(Box::new(move |call| {
            opens += i32::from(matches!(call, Call::Open(_)));
            (matches!(call, Call::Open(_)) && (20..30).contains(&opens)).then_some(Fault::Fail(libc::EMFILE))
        })));
        assert_eq!(search(), (all.clone(), 0, 0), "{name}: no descriptors");

        // There is none for a directory until a match ends the search, which waits for that directory to be waited for.
        if threads.is_some() && engine.name() != "sequential" {
            let mut asked = 0;
            inject(Some(Box::new(move |call| match call {
                Call::Open(path) if path == c"c" => {
                    asked += 1;
                    Some(Fault::Fail(libc::EMFILE))
                }
                Call::Open(path) if is_file(path.to_bytes()) && asked < 3 => Some(Fault::Fail(libc::EMFILE)),
                _ => None,
            })));
            let (_, search) = searched(*engine, threads, tree.path(), true);
            let counts =
                [&search.counts.files_matched, &search.counts.errors].map(|count| count.load(Relaxed));
            assert!(counts[0] > 0 && counts[1] == 0, "{name}: {counts:?} matched and errors");
        }
        inject(None);
    }
}
