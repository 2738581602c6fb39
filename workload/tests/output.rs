//! What is written, and where to: paths as bytes, JSON lines, statistics, progress; pipes that close, fill up, or refuse.

mod support;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustix::process::{Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{Tree, Zork, for_each_engine, zork};

/// Files of this number, all of which match, with names of this length.
fn many(files: usize, length: usize) -> Tree {
    let tree = Tree::new();
    for i in 0..files {
        tree.file(format!("d{}/{i:0length$}.txt", i % 10), "zork");
    }
    tree
}

fn dev_full() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("/dev/full is there")
}

/// A pipe that nobody reads any more.
fn closed_pipe() -> rustix::fd::OwnedFd {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    drop(read);
    write
}

#[test]
fn odd_names_are_written_as_they_are() {
    let tree = Tree::new();
    let names: [&[u8]; 6] =
        [b"new\nline.txt", b"\xff\xfe.txt", b" .txt", b"-0.txt", b"a:1.txt", b"\x1b[31m.txt"];
    for name in names {
        tree.file(OsStr::from_bytes(name), "zork");
    }
    for_each_engine(|engine| {
        let ended = zork(engine).args(["-0", "--sort", "path"]).within(tree.root()).run();
        let mut expected = names.map(<[u8]>::to_vec);
        expected.sort();
        assert_eq!(ended.stdout, expected.map(|n| [&*n, b"\0"].concat()).concat());
        assert_eq!((ended.code(), &*ended.stderr), (0, ""));
        let lines = zork(engine).args(["--sort", "path"]).within(tree.root()).run();
        assert_eq!(lines.stdout, names_with_newlines(&names));
    });
}

fn names_with_newlines(names: &[&[u8]]) -> Vec<u8> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.iter().flat_map(|n| [n, &b"\n"[..]].concat()).collect()
}

#[test]
fn messages_are_lines_of_text_whatever_the_path_is() {
    let tree = Tree::new();
    for_each_engine(|engine| {
        let odd = OsStr::from_bytes(b"a\nb\xff\x1b[31m.txt");
        let ended = zork(engine).arg(odd).within(tree.root()).run();
        ended.trouble(&[], &["zork: a\\nb\\xff\\u{1b}[31m.txt: No such file or directory"]);
    });
}

#[test]
fn sorting_is_by_bytes() {
    let tree = Tree::new();
    for name in ["b.txt", "a/z.txt", "a.txt", "a-b.txt", "B.txt", "a/b/c.txt", "é.txt", "z/a.txt"] {
        tree.file(name, "zork zork");
    }
    let expected = ["B.txt", "a-b.txt", "a.txt", "a/b/c.txt", "a/z.txt", "b.txt", "z/a.txt", "é.txt"];
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(["--sort", "path"]).args(args).within(tree.root()).run();
        assert_eq!(run(&[]).text().lines().collect::<Vec<_>>(), expected);
        assert_eq!(run(&["-c"]).text().lines().collect::<Vec<_>>(), expected.map(|p| format!("{p}:2")));
        let places = expected.iter().flat_map(|p| [format!("{p}:1:1"), format!("{p}:1:6")]);
        assert_eq!(run(&["-n"]).text().lines().collect::<Vec<_>>(), places.collect::<Vec<_>>());
    });
}

#[test]
fn json_lines_say_what_the_lines_for_people_say() {
    let tree = Tree::new();
    tree.file("a.txt", "zork\n zork");
    tree.file("sub/b.txt", "zork");
    tree.file("sub/none.txt", "nothing");
    tree.file(OsStr::from_bytes(b"\xfe\n.txt"), "zork");
    let odd = json!({ "bytes": BASE64_STANDARD.encode(b"\xfe\n.txt") });
    for_each_engine(|engine| {
        let run = |args: &[&str]| {
            let args = ["--json", "--sort", "path"].iter().chain(args);
            let ended = zork(engine).args(args).within(tree.root()).run();
            assert_eq!((ended.code(), &*ended.stderr), (0, ""));
            let mut lines = ended.json();
            let summary = lines.pop().expect("a summary");
            assert_eq!(summary["type"], "summary");
            (lines, summary)
        };
        let (lines, summary) = run(&[]);
        assert_eq!(
            lines,
            [
                json!({ "type": "match", "path": { "text": "a.txt" } }),
                json!({ "type": "match", "path": { "text": "sub/b.txt" } }),
                json!({ "type": "match", "path": odd }),
            ]
        );
        assert_eq!((&summary["engine"], &summary["files_matched"]), (&json!(engine), &json!(3)));
        assert_eq!((&summary["text_files"], &summary["json_files"]), (&json!(4), &json!(0)));
        assert_eq!((&summary["directories"], &summary["errors"]), (&json!(2), &json!(0)));
        for number in [
            "threads",
            "bytes",
            "matches",
            "vanished",
            "most_tasks",
            "wall_seconds",
            "cpu_seconds",
            "peak_rss_bytes",
        ] {
            assert!(summary[number].is_number(), "{number}: {summary}");
        }
        let (lines, summary) = run(&["-c"]);
        assert_eq!(lines[0], json!({ "type": "match", "path": { "text": "a.txt" }, "count": 2 }));
        assert_eq!((lines.len(), &summary["matches"]), (3, &json!(4)));
        let (lines, _) = run(&["-n"]);
        assert_eq!(lines[1], json!({ "type": "match", "path": { "text": "a.txt" }, "line": 2, "column": 2 }));
        assert_eq!((lines.len(), &lines[3]["path"]), (4, &odd));
    });
}

#[test]
fn json_lines_hold_errors_too() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    for_each_engine(|engine| {
        let ended = zork(engine).args(["--json", "missing", "a.txt"]).within(tree.root()).run();
        assert_eq!((ended.code(), &*ended.stderr), (2, ""));
        let lines = ended.json();
        let error =
            json!({ "type": "error", "path": { "text": "missing" }, "message": "No such file or directory" });
        assert!(lines.contains(&error), "{lines:?}");
        assert!(lines.contains(&json!({ "type": "match", "path": { "text": "a.txt" } })), "{lines:?}");
        assert_eq!((&lines[2]["type"], &lines[2]["errors"]), (&json!("summary"), &json!(1)));
        let nothing = zork(engine).args(["--json", "--needle", "grue"]).within(tree.root()).run();
        assert_eq!((nothing.code(), nothing.json().len()), (1, 1));
    });
}

#[test]
fn statistics_go_to_standard_error() {
    let tree = many(20, 3);
    tree.file("none.txt", "0123456789");
    for_each_engine(|engine| {
        let ended = zork(engine).args(["--stats", "-c"]).arg(tree.root()).run();
        assert_eq!((ended.code(), ended.lines().len()), (0, 20));
        if engine == "vthread" {
            // A walk is an entry, and the behaviours behind `dyn` are called on chunks of their own.
            let number = |what: &str| -> u64 {
                let line = ended.stderr.lines().find_map(|line| line.strip_prefix(what)).expect(what);
                line.split([' ', ',']).find_map(|n| n.parse().ok()).expect(what)
            };
            assert!(number("chunk calls") >= 20, "{}", ended.stderr);
            // Each file is opened, read and closed by calls of the system.
            assert!(number("hops") >= 3 * 21, "{}", ended.stderr);
            assert!(number("switches") >= 1 && number("hop stacks       at most") >= 1, "{}", ended.stderr);
            assert!(
                ended.stderr.contains(" steals\n") && ended.stderr.contains(" in flight\n"),
                "{}",
                ended.stderr
            );
            assert!(number("stacks") >= 1000 && number("virtual threads") >= 1, "{}", ended.stderr);
        }
        for line in [
            &format!("engine           {engine} ("),
            "files            21 text, 0 JSON\n",
            "directories      11\n",
            "bytes            90 (",
            "matches          20 in 20 files\n",
            "errors           0\n",
            "wall time        ",
            "CPU time         ",
            "peak memory      ",
            "most tasks alive ",
        ] {
            assert!(ended.stderr.contains(line), "{line}: {}", ended.stderr);
        }
    });
}

#[test]
fn the_statistics_count_the_threads_that_there_were() {
    if support::engines()[0] != "vthread" {
        return;
    }
    let tree = many(20, 3);
    for (first, says, started) in
        [("48", "vthread (1 thread)\n", false), ("0", "vthread (2 threads)\n", true)]
    {
        let mut zork = zork(&format!("vthread after {first}"));
        if started {
            zork = zork.args(["--threads", "2"]);
        }
        let ended = zork.args(["--stats", "-c"]).arg(tree.root()).run();
        assert!(ended.stderr.starts_with(&format!("engine           {says}")), "{}", ended.stderr);
        assert_eq!(!ended.stderr.contains("virtual threads  0 started"), started, "{}", ended.stderr);
    }
}

#[test]
fn a_pipe_that_closes_ends_it_quietly_and_soon() {
    let tree = many(300, 200);
    tree.endless("endless", "zork");
    for_each_engine(|engine| {
        for args in
            [&["."][..], &["-n", "."], &["-c", "."], &["--json", "."], &["--sort", "path", "d0", "d1"]]
        {
            let (running, stdout) = zork(engine).arg("--follow").args(args).within(tree.root()).spawn();
            let mut first = String::new();
            BufReader::new(stdout).read_line(&mut first).expect("reads");
            assert!(first.contains(".txt"), "{first}");
            let ended = running.wait();
            assert_eq!((ended.code(), &*ended.stderr), (0, ""), "{args:?}");
        }
        let never = zork(engine).arg(tree.root()).stdout(closed_pipe()).run();
        assert_eq!((never.code(), &*never.stderr), (0, ""));
    });
    for args in [&["--help"][..], &["--list-engines"], &["--completions", "zsh"]] {
        let ended = Zork::plain().args(args).stdout(closed_pipe()).run();
        assert_eq!((ended.code(), &*ended.stderr), (0, ""), "{args:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let tree = many(300, 100);
    for_each_engine(|engine| {
        for args in [&[][..], &["-n"], &["-c"], &["--json"], &["--sort", "path"]] {
            let ended = zork(engine).args(args).arg(tree.root()).stdout(dev_full()).run();
            assert_eq!(ended.code(), 2);
            assert!(
                ended.stderr.starts_with("zork: cannot write to standard output: No space left"),
                "{ended:?}"
            );
            assert_eq!(ended.stderr.lines().count(), 1);
        }
        // Nothing is written, so nothing fails.
        let nothing = zork(engine).args(["--needle", "grue"]).arg(tree.root()).stdout(dev_full()).run();
        assert_eq!((nothing.code(), &*nothing.stderr), (1, ""));
        let quiet = zork(engine).arg("-q").arg(tree.root()).stdout(dev_full()).run();
        assert_eq!((quiet.code(), &*quiet.stderr), (0, ""));
    });
    for args in [&["--list-engines"][..], &["--completions", "bash"], &["--completions", "powershell"]] {
        let ended = Zork::plain().args(args).stdout(dev_full()).run();
        assert_eq!(ended.code(), 2, "{args:?}");
        assert!(ended.stderr.contains("No space left"), "{args:?}: {ended:?}");
    }
}

#[test]
fn messages_that_nobody_takes_do_no_harm() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    for_each_engine(|engine| {
        let to: [fn() -> Stdio; 2] = [|| dev_full().into(), || closed_pipe().into()];
        for to in to {
            let args = ["--stats", "--progress", "always", "missing", "a.txt"];
            let ended = zork(engine).args(args).within(tree.root()).stderr(to()).run();
            assert_eq!((ended.code(), ended.text()), (2, "a.txt\n"));
            let too_few = zork(engine).args(["--max-open-files", "1"]).stderr(to()).run();
            assert_eq!(too_few.code(), 2);
        }
    });
}

#[test]
fn a_pipe_that_does_not_block_loses_nothing() {
    let tree = many(800, 200);
    for_each_engine(|engine| {
        let flags = rustix::pipe::PipeFlags::CLOEXEC;
        let (read, write) = rustix::pipe::pipe_with(flags).expect("a pipe");
        rustix::io::ioctl_fionbio(&write, true).expect("a flag");
        let running = zork(engine).arg(tree.root()).stdout(write).start();
        // The reader comes late, so that the pipe fills up.
        std::thread::sleep(Duration::from_millis(50));
        let mut all = vec![];
        File::from(read).read_to_end(&mut all).expect("reads");
        let ended = running.wait();
        assert_eq!((ended.code(), &*ended.stderr), (0, ""));
        assert_eq!(memchr::memchr_iter(b'\n', &all).count(), 800);
        assert_eq!(all.len(), 800 * (tree.root().as_os_str().len() + "/d0/.txt\n".len() + 200));
    });
}

/// Five files that are found soon, and a tree without any that nobody ever gets to the end of.
fn five_and_endless() -> Tree {
    let tree = Tree::new();
    for i in 0..5 {
        tree.file(format!("found/{i}.txt"), "zork");
    }
    tree.endless("endless", "nothing");
    tree
}

const FIVE: &str = "found/0.txt\nfound/1.txt\nfound/2.txt\nfound/3.txt\nfound/4.txt\n";

#[test]
fn a_signal_ends_it_with_what_was_found() {
    let tree = five_and_endless();
    let one = |engine: &str, signal: Signal, args: &[&str]| {
        let (progress, stderr) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
        let args = args.iter().chain(&["--follow", "--progress", "always", "found", "endless"]);
        let running = zork(engine).args(args).within(tree.root()).stderr(stderr).start();
        // Sorted output is held back until the end: this is how one knows from outside that something was found.
        let mut lines = BufReader::new(File::from(progress)).lines();
        lines
            .find(|l| l.as_ref().is_ok_and(|l| l.contains("5 matched")))
            .expect("found at last")
            .expect("reads");
        kill_process(running.id(), signal).expect("a signal");
        let ended = running.wait();
        assert_eq!(ended.status.signal(), Some(signal.as_raw()), "{ended:?}");
        assert_eq!(support::sorted(ended.text().lines()), support::sorted(FIVE.lines()));
        ended
    };
    std::thread::scope(|scope| {
        for engine in support::engines() {
            scope.spawn(|| one(engine, Signal::INT, &[]));
            scope.spawn(|| assert_eq!(one(engine, Signal::TERM, &["--sort", "path"]).text(), FIVE));
        }
    });
}

#[test]
fn a_signal_ends_it_though_nobody_takes_its_output() {
    let tree = many(400, 200);
    for_each_engine(|engine| {
        for pause in [15, 60, 250] {
            let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
            rustix::pipe::fcntl_setpipe_size(&write, 4096).expect("a small pipe");
            let running = zork(engine).arg(tree.root()).stdout(write).start();
            std::thread::sleep(Duration::from_millis(pause));
            kill_process(running.id(), Signal::INT).expect("a signal");
            let ended = running.wait();
            assert_eq!(ended.status.signal(), Some(Signal::INT.as_raw()), "{ended:?}");
            drop(read);
        }
    });
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let tree = many(300, 20);
    for_each_engine(|engine| {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
        rustix::pipe::fcntl_setpipe_size(&write, 4096).expect("a small pipe");
        // As nohup does, and shells for jobs in the background.
        let ignored = zork(engine).arg(tree.root()).stdout(write).ignoring(&[libc::SIGHUP, libc::SIGINT]);
        let running = ignored.start();
        std::thread::sleep(Duration::from_millis(100));
        for signal in [Signal::HUP, Signal::INT] {
            kill_process(running.id(), signal).expect("a signal");
        }
        let mut all = String::new();
        File::from(read).read_to_string(&mut all).expect("reads");
        assert_eq!((running.wait().code(), all.lines().count()), (0, 300));
    });
}

#[test]
fn progress_in_a_pipe_is_lines_and_only_if_wanted() {
    let tree = five_and_endless();
    for_each_engine(|engine| {
        let run = |when: &str| zork(engine).args(["--progress", when, "found"]).within(tree.root()).run();
        run("never").found(FIVE.lines());
        run("auto").found(FIVE.lines());
        let always = run("always");
        assert_eq!((always.code(), always.lines().len()), (0, 5));
        assert!(always.stderr.lines().all(|l| l.starts_with("zork: ")), "{}", always.stderr);
    });
    let (progress, stderr) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    let args = ["--follow", "--progress", "always", "endless"];
    let running = Zork::plain().args(args).within(tree.root()).stderr(stderr).start();
    let mut line = String::new();
    BufReader::new(File::from(progress)).read_line(&mut line).expect("reads");
    kill_process(running.id(), Signal::TERM).expect("a signal");
    drop(running.wait());
    assert!(line.starts_with("zork: ") && line.ends_with(" matched\n"), "{line:?}");
    assert!(!line.contains(['\r', '\x1b']), "{line:?}");
}

#[test]
fn progress_on_a_terminal_is_drawn_and_wiped() {
    let tree = five_and_endless();
    let run = |when: &str, enough: &str| {
        let terminal =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a terminal");
        let name = ptsname(&terminal, vec![]).expect("a name").into_string().expect("UTF-8");
        let user_side = OpenOptions::new().read(true).write(true).open(name).expect("a terminal");
        let args = ["--follow", "--progress", when, "found", "endless"];
        let running =
            Zork::plain().args(args).within(tree.root()).stdout(Stdio::null()).stderr(user_side).start();
        let (mut seen, mut more, start) = (vec![], [0; 4096], Instant::now());
        while !String::from_utf8_lossy(&seen).contains(enough) {
            assert!(start.elapsed() < Duration::from_secs(30), "no progress to be seen");
            let mut ready = [rustix::event::PollFd::new(&terminal, rustix::event::PollFlags::IN)];
            let timeout = rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            if rustix::event::poll(&mut ready, Some(&timeout)).expect("polls") > 0 {
                let n = rustix::io::read(&terminal, &mut more).expect("reads");
                seen.extend_from_slice(&more[..n]);
            }
        }
        kill_process(running.id(), Signal::INT).expect("a signal");
        assert_eq!(running.wait().status.signal(), Some(Signal::INT.as_raw()));
    };
    run("always", "5 matched");
    // By itself after a second.
    run("auto", "5 matched");
}
