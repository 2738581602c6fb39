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

fn is_b(path: &[u8]) -> bool {
    path == b"b" || path.ends_with(b"a/b")
}

/// Calls of the C library that std makes for `tokio`.
mod of_std {
    use libc::{DIR, RTLD_NEXT, c_char, c_int, mode_t};
    use std::ffi::CStr;
    use std::sync::Mutex;

    type Fault = (fn(&[u8]) -> bool, i32);
    static FAULT: Mutex<Option<Fault>> = Mutex::new(None);

    /// Paths for which this is true cannot be opened from now on.
    pub fn inject(fault: Option<Fault>) {
        *FAULT.lock().expect("no panic") = fault;
    }

    /// # Safety
    /// As `open(2)` has it.
    unsafe fn fails(path: *const c_char) -> bool {
        // SAFETY: the caller's promise.
        let path = unsafe { CStr::from_ptr(path) }.to_bytes();
        let fault = FAULT.lock().expect("no panic").filter(|(is_hit, _)| is_hit(path));
        if let Some((_, errno)) = fault {
            // SAFETY: always this thread's.
            unsafe { *libc::__errno_location() = errno };
        }
        fault.is_some()
    }

    /// # Safety
    /// As `open(2)` has it.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
        // SAFETY: the caller's promise.
        if unsafe { fails(path) } {
            return -1;
        }
        // SAFETY: the path is the caller's promise; the mode is there, if only by chance, and looked at where something is created.
        unsafe { libc::openat64(libc::AT_FDCWD, path, flags, mode) }
    }

    /// # Safety
    /// As `opendir(3)` has it.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
        // SAFETY: the caller's promise.
        if unsafe { fails(path) } {
            return std::ptr::null_mut();
        }
        // SAFETY: the C library has it, with this type, and the path is the caller's promise.
        unsafe {
            let next = libc::dlsym(RTLD_NEXT, c"opendir".as_ptr());
            let next: unsafe extern "C" fn(*const c_char) -> *mut DIR = std::mem::transmute(next);
            next(path)
        }
    }
}

/// What can be looked at and never be opened is an error.
fn what_is_there_and_cannot_be_opened_is_told_of(all: &BTreeSet<String>, path: &Path) {
    let search_without = |engine: &dyn Engine, threads, is_hit: fn(&[u8]) -> bool, errno| {
        let mut calls = 0;
        of_std::inject(Some((is_hit, errno)));
        inject(Some(Box::new(move |call| match call {
            Call::Open(path) if is_hit(path.to_bytes()) => {
                calls += 1;
                // A search without end would be seen by nobody.
                assert!(calls < 1000, "{path:?} is tried again and again");
                Some(Fault::Fail(errno))
            }
            _ => None,
        })));
        let searched = search(engine, threads, path);
        inject(None);
        of_std::inject(None);
        searched
    };
    for (engine, threads) in
        zork::engine::ENGINES.iter().flat_map(|engine| [(engine, Some(2)), (engine, None)])
    {
        let name = format!("{} {threads:?}", engine.name());
        for errno in [libc::ENOENT, libc::ENOTDIR, libc::ELOOP] {
            let kept: BTreeSet<_> = all.iter().filter(|path| !path.starts_with("a/b/")).cloned().collect();
            let searched = search_without(*engine, threads, is_b, errno);
            assert_eq!(searched, (kept, 1, 0), "{name}: {errno} of a directory");
        }
        for errno in [libc::ENOENT, libc::ELOOP, libc::ENXIO, libc::ENODEV] {
            let kept: BTreeSet<_> = all.iter().filter(|path| !is_one(path.as_bytes())).cloned().collect();
            let searched = search_without(*engine, threads, is_one, errno);
            assert_eq!(searched, (kept, 3, 0), "{name}: {errno} of a file");
        }
    }
}

/// They go away between being listed and being opened, at least the first that anybody opens. Gives how many errors there are.
fn while_they_vanish(
    all: &BTreeSet<String>,
    tree: &Path,
    search: &dyn Fn() -> (BTreeSet<String>, u64, u64),
) -> u64 {
    let (ones, kept): (BTreeSet<_>, BTreeSet<_>) =
        all.iter().cloned().partition(|path| is_one(path.as_bytes()));
    let paths: Vec<_> = ones.iter().map(|path| tree.join(path)).collect();
    let contents: Vec<_> = paths.iter().map(|path| fs::read(path).expect("a file")).collect();
    let to_be_removed = paths.clone();
    inject(Some(Box::new(move |call| {
        if matches!(call, Call::Open(path) if is_one(path.to_bytes())) {
            for path in &to_be_removed {
                // Another open has done it, perhaps.
                drop(fs::remove_file(path));
            }
        }
        None
    })));
    let (found, errors, vanished) = search();
    assert_eq!(found, kept);
    assert!((1..=3).contains(&vanished), "{vanished} vanished");
    for (path, content) in paths.iter().zip(contents) {
        fs::write(path, content).expect("a file");
    }
    errors
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
    // A start that is not printed is, for `tokio`, where the program is.
    std::env::set_current_dir(tree.path()).expect("a directory");
    what_is_there_and_cannot_be_opened_is_told_of(&all, tree.path());
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

        assert_eq!(while_they_vanish(&all, tree.path(), &search), 0, "{name}: vanishing");

        // They are waited for, and cannot be opened then: each is found in the end or told of.
        let mut opens = 0;
        inject(Some(Box::new(move |call| match call {
            Call::Open(path) if is_one(path.to_bytes()) => {
                opens += 1;
                Some(if opens % 3 == 0 { Fault::Fail(libc::ENOENT) } else { Fault::Wait })
            }
            _ => None,
        })));
        let (found, errors, vanished) = search();
        assert_eq!((found.len() as u64 + errors, vanished), (all.len() as u64, 0), "{name}: waiting");

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
