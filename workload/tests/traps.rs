//! What trees hold that programs stumble over: paths without end, links in circles, things that block, things that change.

mod support;

use rustix::fs::{AtFlags, CWD, RenameFlags, renameat_with, unlinkat};
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};
use support::{Tree, for_each_engine_and_beginning, for_each_engine_and_stacks, long_tests, write_at, zork};

#[test]
fn paths_longer_than_the_kernel_takes() {
    let name = "long".repeat(50);
    let tree = Tree::new();
    let innermost = tree.chain(700, &name, |level, dir| {
        write_at(dir, "a.txt", if level % 7 == 0 { b"zork" } else { b"none" });
    });
    assert!(innermost.len() > 140_000);
    let expected =
        || (1..=700).filter(|l| l % 7 == 0).map(|l| format!("{}a.txt", format!("{name}/").repeat(l)));
    for_each_engine_and_stacks(|engine| {
        zork(engine).within(tree.root()).run().found(expected());
        zork(engine).args(["--follow", "-j", "3"]).within(tree.root()).run().found(expected());
    });
}

#[test]
fn paths_longer_than_the_kernel_takes_can_be_named() {
    let name = "long".repeat(50);
    let tree = Tree::new();
    let innermost = tree.chain(60, &name, |level, dir| {
        if level == 60 {
            write_at(dir, "a.txt", b"zork");
            write_at(dir, "b.txt", b"none");
        }
    });
    assert!(innermost.len() > 12_000);
    let inside = &innermost[..201 * 40 + 200];
    for_each_engine_and_stacks(|engine| {
        let run = |path: &str| zork(engine).arg(path).within(tree.root()).run();
        run(&innermost).found([format!("{innermost}/a.txt")]);
        run(inside).found([format!("{innermost}/a.txt")]);
        run(&format!("{innermost}/a.txt")).found([format!("{innermost}/a.txt")]);
        run(&format!("{innermost}/b.txt")).found::<&str>([]);
        let absolute = format!("{}/{innermost}", tree.root().display());
        run(&absolute).found([format!("{absolute}/a.txt")]);
        let missing = format!("{innermost}/c.txt");
        run(&missing).trouble(&[], &[&format!("zork: {missing}: No such file or directory")]);
        let too_long = "n".repeat(5000);
        run(&too_long).trouble(&[], &[&format!("zork: {too_long}: File name too long")]);
        let slashes = format!("{}/{}", tree.root().display(), "/".repeat(9000));
        run(&format!("{slashes}{inside}")).found([format!("{slashes}{innermost}/a.txt")]);
    });
}

#[test]
fn a_chain_of_directories_may_be_very_long() {
    let levels = if long_tests() { 20_000 } else { 3_000 };
    let tree = Tree::new();
    let innermost = tree.chain(levels, "d", |level, dir| {
        if level == levels {
            write_at(dir, "a.txt", b"zork");
        }
    });
    for_each_engine_and_stacks(|engine| {
        zork(engine).within(tree.root()).run().found([format!("{innermost}/a.txt")]);
        zork(engine).arg("--follow").within(tree.root()).run().found([format!("{innermost}/a.txt")]);
    });
}

#[test]
fn links_are_left_alone() {
    let tree = Tree::new();
    tree.file("real/a.txt", "zork");
    tree.link("real/a.txt", "b.txt");
    tree.link("real", "dir");
    tree.link("real", "dir.txt");
    tree.link(".", "self");
    tree.link("..", "up");
    tree.link("missing.txt", "broken.txt");
    tree.link("loop2.txt", "loop1.txt");
    tree.link("loop1.txt", "loop2.txt");
    for_each_engine_and_stacks(|engine| {
        zork(engine).within(tree.root()).run().found(["real/a.txt"]);
    });
}

#[test]
fn links_are_followed_if_that_is_wanted() {
    let tree = Tree::new();
    tree.file("real/a.txt", "zork");
    tree.file("elsewhere/data", "zork");
    tree.link("real/a.txt", "b.txt");
    tree.link("../elsewhere/data", "real/data.txt");
    tree.link("real", "dir");
    tree.link("a.txt", "real/no-extension");
    tree.link("dir", "twice");
    for_each_engine_and_stacks(|engine| {
        zork(engine).arg("-L").within(tree.root()).run().found([
            "b.txt",
            "dir/a.txt",
            "dir/data.txt",
            "real/a.txt",
            "real/data.txt",
            "twice/a.txt",
            "twice/data.txt",
        ]);
    });
}

#[test]
fn links_in_circles_come_to_an_end() {
    let tree = Tree::new();
    tree.file("a/x.txt", "zork");
    tree.file("b/y.txt", "zork");
    tree.link(".", "a/self");
    tree.link("..", "a/up");
    tree.link("../b", "a/to-b");
    tree.link("../a", "b/to-a");
    for_each_engine_and_stacks(|engine| {
        let run = |path: &str| zork(engine).args(["--follow", path]).within(tree.root()).run();
        run("a").found(["a/x.txt", "a/to-b/y.txt", "a/up/b/y.txt"]);
        run("b").found(["b/y.txt", "b/to-a/x.txt"]);
    });
}

/// There are some 10^17 ways through them without a circle.
#[test]
fn links_that_cross_each_other_come_to_an_end_and_nothing_is_missed() {
    const DIRECTORIES: usize = 18;
    let tree = Tree::new();
    for i in 0..DIRECTORIES {
        tree.file(format!("{i}/file.txt"), "zork");
        for j in (0..DIRECTORIES).filter(|j| *j != i) {
            tree.link(format!("../{j}"), format!("{i}/to-{j}"));
        }
    }
    for_each_engine_and_stacks(|engine| {
        let ended = zork(engine).args(["-L", "0"]).within(tree.root()).run();
        assert_eq!(ended.code(), 0, "{engine}: {}", ended.text());
        let found = ended.lines();
        // Files by the directory that each is in, which is what the last link leads to.
        for i in 1..DIRECTORIES {
            let end = format!("/to-{i}/file.txt");
            let names = found.iter().filter(|path| path.ends_with(&end)).count();
            assert!((1..=32).contains(&names), "{engine}: {names} names of directory {i}");
        }
        assert!(found.iter().any(|path| path == "0/file.txt"), "{engine}");
    });
}

#[test]
fn broken_links_are_errors_if_they_should_have_been_searched() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    tree.link("missing", "broken");
    tree.link("missing", "broken.txt");
    tree.link("loop.json", "loop.json");
    tree.link("loop", "loop");
    tree.link("a.txt/not-a-directory", "through.txt");
    tree.link("a.txt/not-a-directory", "through");
    for_each_engine_and_stacks(|engine| {
        zork(engine).within(tree.root()).run().found(["a.txt"]);
        zork(engine).arg("--follow").within(tree.root()).run().trouble(
            &["a.txt"],
            &[
                "zork: broken.txt: No such file or directory",
                "zork: loop.json: Too many levels of symbolic links",
                "zork: through.txt: Not a directory",
            ],
        );
    });
}

#[test]
fn nothing_that_blocks_is_opened() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    tree.fifo("fifo.txt");
    tree.fifo("fifo.json");
    tree.socket("socket.txt");
    tree.link("/dev/zero", "device.txt");
    tree.link("/dev/tty", "terminal.txt");
    tree.link("fifo.txt", "to-fifo.txt");
    for_each_engine_and_stacks(|engine| {
        zork(engine).within(tree.root()).run().found(["a.txt"]);
        zork(engine).arg("--follow").within(tree.root()).run().found(["a.txt"]);
        for named in
            ["fifo.txt", "fifo.json", "socket.txt", "device.txt", "terminal.txt", "to-fifo.txt", "/dev/null"]
        {
            let message = format!("zork: {named}: not a directory, .txt or .json file");
            zork(engine).args([named, "a.txt"]).within(tree.root()).run().trouble(&["a.txt"], &[&message]);
        }
    });
}

/// As a file server has it for its clients: who opens the file without blocking is refused until the lease is given up.
#[test]
fn a_lease_is_waited_for() {
    let fcntl = |file: &File, command: libc::c_int, argument: libc::c_int| {
        // SAFETY: no pointer is among the arguments.
        unsafe { libc::fcntl(file.as_raw_fd(), command, argument) }
    };
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    tree.file("b.txt", "zork");
    tree.file("c.json", "[\"zork\"]");
    let files = ["b.txt", "c.json"]
        .map(|name| OpenOptions::new().read(true).write(true).open(tree.path(name)).expect("a file"));
    for_each_engine_and_beginning(|engine| {
        for file in &files {
            if fcntl(file, libc::F_SETLEASE, libc::F_WRLCK) != 0 {
                return println!("no leases on this file system: {}", std::io::Error::last_os_error());
            }
            // Nobody gets the signal that somebody wants it: by default it ends a process.
            assert_eq!(fcntl(file, libc::F_SETOWN, 0), 0);
        }
        let ended = AtomicBool::new(false);
        let search = std::thread::scope(|scope| {
            for file in &files {
                scope.spawn(|| {
                    while fcntl(file, libc::F_GETLEASE, 0) == libc::F_WRLCK && !ended.load(Relaxed) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    // To write back what clients have takes some time.
                    std::thread::sleep(Duration::from_millis(50));
                    assert_eq!(fcntl(file, libc::F_SETLEASE, libc::F_UNLCK), 0);
                });
            }
            let search = zork(engine).within(tree.root()).run();
            ended.store(true, Relaxed);
            search
        });
        search.found(["a.txt", "b.txt", "c.json"]);
    });
}

/// The holder does not give it up, and the kernel takes it away after 45 seconds only. Engines whose workers wait for a file themselves may all be waiting.
#[test]
fn nobody_waits_for_a_lease_when_enough_is_found() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    tree.file("b.txt", "none");
    let file = OpenOptions::new().read(true).write(true).open(tree.path("b.txt")).expect("a file");
    for_each_engine_and_beginning(|engine| {
        if !matches!(engine, "vthread" | "tokio") {
            return;
        }
        // SAFETY: no pointer is among the arguments.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) } != 0 {
            return println!("no leases on this file system: {}", std::io::Error::last_os_error());
        }
        // SAFETY: as above.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETOWN, 0) }, 0);
        let search = zork(engine).arg("-q").within(tree.root()).patience(Duration::from_secs(30)).run();
        assert_eq!((search.code(), search.text(), &*search.stderr), (0, "", ""));
        // SAFETY: as above.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) }, 0);
    });
}

#[test]
fn what_may_not_be_read_is_an_error_and_the_rest_is_searched() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    tree.file("secret.txt", "zork");
    tree.file("closed/b.txt", "zork");
    tree.file("listed/c.txt", "zork");
    tree.dir("listed/d");
    tree.file("entered/e.txt", "zork");
    tree.file("z/f.txt", "zork");
    tree.chmod("secret.txt", 0);
    tree.chmod("closed", 0);
    tree.chmod("listed", 0o444);
    tree.chmod("entered", 0o111);
    for_each_engine_and_stacks(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.root()).by_ordinary_user().run();
        run(&[]).trouble(
            &["a.txt", "z/f.txt"],
            &[
                "zork: closed: Permission denied",
                "zork: entered: Permission denied",
                "zork: listed/c.txt: Permission denied",
                "zork: listed/d: Permission denied",
                "zork: secret.txt: Permission denied",
            ],
        );
        run(&["closed", "a.txt"]).trouble(&["a.txt"], &["zork: closed: Permission denied"]);
        run(&["closed/b.txt"]).trouble(&[], &["zork: closed/b.txt: Permission denied"]);
        run(&["secret.txt"]).trouble(&[], &["zork: secret.txt: Permission denied"]);
        // What may be entered but not listed can still be named.
        run(&["entered/e.txt"]).found(["entered/e.txt"]);
        // The directory that nobody named has a name in messages.
        let here = zork(engine).within(tree.path("entered")).by_ordinary_user().run();
        here.trouble(&[], &["zork: .: Permission denied"]);
    });
}

#[test]
fn a_search_leaves_no_trace_in_files_of_ones_own() {
    let tree = Tree::new();
    let mut all = vec![tree.root().to_owned(), tree.dir("dir"), tree.dir("dir/sub")];
    for i in 0..60 {
        all.push(tree.file(format!("dir/{i}.txt"), "zork"));
        all.push(tree.file(format!("dir/sub/{i}.json"), "[\"zork\"]"));
    }
    // So old that whoever reads them makes the system write down when.
    let old = SystemTime::now() - Duration::from_secs(1_000_000);
    for path in &all {
        let file = File::open(path).expect("it exists");
        file.set_times(FileTimes::new().set_accessed(old)).expect("it is ours");
    }
    for_each_engine_and_stacks(|engine| {
        // It opens by paths, as its users would.
        if engine == "tokio" {
            return;
        }
        assert_eq!(zork(engine).within(tree.root()).run().lines().len(), 120, "{engine}");
        for path in &all {
            let accessed = fs::metadata(path).and_then(|status| status.accessed()).expect("it exists");
            assert_eq!(accessed, old, "{engine}: {}", path.display());
        }
    });
}

#[test]
fn the_current_directory_may_be_gone() {
    for_each_engine_and_stacks(|engine| {
        let tree = Tree::new();
        let gone = tree.dir("gone");
        let path = std::ffi::CString::new(gone.to_str().expect("UTF-8")).expect("no NUL");
        let remove = move || Ok(unlinkat(CWD, &*path, AtFlags::REMOVEDIR)?);
        let ended = zork(engine).within(&gone).before_exec(remove).run();
        ended.found::<&str>([]);
    });
}

#[test]
fn empty_things_are_fine() {
    let tree = Tree::new();
    tree.file("empty.txt", "");
    tree.dir("empty");
    tree.dir("directory.txt");
    tree.file("directory.json/a.txt", "zork");
    for_each_engine_and_stacks(|engine| {
        zork(engine).within(tree.root()).run().found(["directory.json/a.txt"]);
        zork(engine).args(["empty.txt", "empty"]).within(tree.root()).run().found::<&str>([]);
        zork(engine).args(["-n", "empty.txt"]).within(tree.root()).run().found::<&str>([]);
    });
}

/// Lets `disturb` loose on a tree while it is searched again and again. Each search has to find what nobody touches, and to end.
fn searched_while(tree: &Tree, args: &[&str], disturb: impl Fn(u32) + Sync, check: impl Fn(&support::Ended)) {
    let times = if long_tests() { 200 } else { 12 };
    for_each_engine_and_stacks(|engine| {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0.. {
                    if done.load(Relaxed) {
                        return;
                    }
                    disturb(round);
                }
            });
            // A failed check must not leave the other thread running.
            let searched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                for _ in 0..times {
                    check(&zork(engine).args(args).within(tree.root()).run());
                }
            }));
            done.store(true, Relaxed);
            if let Err(failed) = searched {
                std::panic::resume_unwind(failed);
            }
        });
    });
}

#[test]
fn things_may_vanish_and_appear_while_they_are_searched() {
    let tree = Tree::new();
    for i in 0..40 {
        tree.file(format!("stays/{i}.txt"), "zork");
        tree.file(format!("moves/{i}/a/b.txt"), "zork");
    }
    let disturb = |round: u32| {
        let i = round % 40;
        drop(fs::remove_dir_all(tree.path(format!("moves/{i}"))));
        tree.file(format!("moves/{i}/a/b.txt"), "zork");
    };
    searched_while(&tree, &[], disturb, |ended| {
        // Nobody has to care about what is gone.
        assert_eq!((ended.code(), &*ended.stderr), (0, ""));
        assert_eq!(ended.lines().iter().filter(|l| l.starts_with("stays/")).count(), 40);
        assert!(ended.lines().iter().all(|l| l.contains(".txt")), "{:?}", ended.text());
    });
}

#[test]
fn things_may_become_something_else_while_they_are_searched() {
    let tree = Tree::new();
    tree.file("stays.txt", "zork");
    tree.fifo("spare-fifo");
    tree.file("spare-dir/inside.txt", "zork");
    tree.file("outside.md", "zork");
    tree.link("../outside.md", "spare-link");
    for i in 0..60 {
        tree.file(format!("changes/{i:02}.txt"), "zork");
    }
    let exchange = |a: &Path, b: &Path| renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE);
    let disturb = |round: u32| {
        let entry = tree.path(format!("changes/{:02}.txt", round % 60));
        let spare = tree.path(["spare-fifo", "spare-dir", "spare-link"][round as usize % 3]);
        exchange(&entry, &spare).expect("an exchange");
        std::thread::yield_now();
        exchange(&entry, &spare).expect("an exchange");
    };
    let known = |line: &str| {
        line.starts_with("changes/") || ["stays.txt", "spare-dir/inside.txt", "spare-fifo"].contains(&line)
    };
    searched_while(&tree, &[], disturb, |ended| {
        assert_eq!((ended.code(), &*ended.stderr), (0, ""), "{:?}", ended.text());
        let lines = ended.lines();
        assert!(lines.contains(&"stays.txt".to_owned()));
        assert!(lines.iter().all(|l| known(l)), "{lines:?}");
        // Links are not followed, not even for a moment.
        assert!(lines.len() <= 62, "{lines:?}");
    });
}

#[test]
fn files_may_grow_and_shrink_while_they_are_read() {
    const LONG: u64 = 3 << 20;
    let tree = Tree::new();
    let changing = File::create(tree.path("changes.txt")).expect("a file");
    changing.write_all_at(b"zork\n", 0).expect("writes");
    let mut stays = vec![b'.'; 1 << 20];
    stays.extend_from_slice(b"zork");
    tree.file("stays.txt", &stays);
    let disturb = |round: u32| {
        changing.set_len(if round.is_multiple_of(2) { LONG } else { 5 }).expect("a length");
        changing.write_all_at(b"zork", 200_000).expect("writes");
        OpenOptions::new()
            .append(true)
            .open(tree.path("changes.txt"))
            .and_then(|mut f| f.write_all(b"zork"))
            .expect("writes");
    };
    searched_while(&tree, &["-c"], disturb, |ended| {
        assert_eq!((ended.code(), &*ended.stderr), (0, ""));
        let lines = ended.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("changes.txt:"));
        assert_eq!(lines[1], "stays.txt:1");
    });
}

#[test]
fn huge_files_may_grow_and_shrink_while_they_are_read() {
    let tree = Tree::new();
    let changing = File::create(tree.path("changes.txt")).expect("a file");
    changing.write_all_at(b"zork\n", 0).expect("writes");
    let disturb = |round: u32| {
        changing.set_len(if round.is_multiple_of(2) { 200 << 20 } else { 20 << 20 }).expect("a length");
        changing.write_all_at(b"zork", 100 << 20).expect("writes");
    };
    searched_while(&tree, &["-c", "-j", "4"], disturb, |ended| {
        assert_eq!((ended.code(), &*ended.stderr), (0, ""));
        assert!(["changes.txt:1\n", "changes.txt:2\n"].contains(&ended.text()), "{}", ended.text());
    });
}
