//! The command line: what is searched, exit statuses, switches, help.

mod support;

use support::{Tree, Zork, for_each_engine, zork};

fn small() -> Tree {
    let tree = Tree::new();
    tree.file("a.txt", "one zork");
    tree.file("b.txt", "none");
    tree.file("sub/c.txt", "zork and zork\nand zork");
    tree.file("sub/.hidden/d.txt", "zork");
    tree.file(".gitignore", "*");
    tree.file("sub/.hidden/.txt", "zork");
    for skipped in ["e.TXT", "f", "txt", "g.txt~", "h.txt.bak", "i.md", "j.jsonl"] {
        tree.file(skipped, "zork");
    }
    tree
}

#[test]
fn exit_statuses_are_those_of_grep() {
    let tree = small();
    for_each_engine(|engine| {
        assert_eq!(zork(engine).arg(tree.root()).run().code(), 0);
        assert_eq!(zork(engine).args(["--needle", "grue"]).arg(tree.root()).run().code(), 1);
        let missing = zork(engine).arg(tree.path("missing")).arg(tree.root()).run();
        assert_eq!(missing.code(), 2);
        assert_eq!(missing.lines().len(), 4, "the rest is still searched");
        assert_eq!(
            missing.stderr,
            format!("zork: {}: No such file or directory\n", tree.path("missing").display())
        );
    });
}

#[test]
fn without_a_path_the_current_directory_is_searched() {
    let tree = small();
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.root()).run();
        run(&[]).found(["a.txt", "sub/c.txt", "sub/.hidden/d.txt", "sub/.hidden/.txt"]);
        run(&["."]).found(["./a.txt", "./sub/c.txt", "./sub/.hidden/d.txt", "./sub/.hidden/.txt"]);
        run(&["./sub"]).found(["./sub/c.txt", "./sub/.hidden/d.txt", "./sub/.hidden/.txt"]);
        run(&["sub"]).found(["sub/c.txt", "sub/.hidden/d.txt", "sub/.hidden/.txt"]);
        run(&["sub/.."]).found([
            "sub/../a.txt",
            "sub/../sub/c.txt",
            "sub/../sub/.hidden/d.txt",
            "sub/../sub/.hidden/.txt",
        ]);
    });
}

#[test]
fn a_slash_behind_a_directory_stays_one() {
    let tree = small();
    for_each_engine(|engine| {
        let run = |path: &str| zork(engine).arg(path).within(tree.root()).run();
        run("sub/.hidden/").found(["sub/.hidden/d.txt", "sub/.hidden/.txt"]);
        run("sub//.hidden//").found(["sub//.hidden//d.txt", "sub//.hidden//.txt"]);
        run("a.txt/").trouble(&[], &["zork: a.txt/: Not a directory"]);
        let absolute = format!("{}/", tree.path("sub/.hidden").display());
        run(&absolute).found([format!("{absolute}d.txt"), format!("{absolute}.txt")]);
    });
}

#[test]
fn files_can_be_named() {
    let tree = small();
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.root()).run();
        run(&["a.txt"]).found(["a.txt"]);
        run(&["b.txt"]).found::<&str>([]);
        run(&["./a.txt", "sub/c.txt"]).found(["./a.txt", "sub/c.txt"]);
        let other = "not a directory, .txt or .json file";
        run(&["f", "a.txt"]).trouble(&["a.txt"], &[&format!("zork: f: {other}")]);
        run(&["e.TXT"]).trouble(&[], &[&format!("zork: e.TXT: {other}")]);
        run(&["--", "-x.txt"]).trouble(&[], &["zork: -x.txt: No such file or directory"]);
        run(&[""]).trouble(&[], &["zork: : No such file or directory"]);
        run(&["", "a.txt"]).trouble(&["a.txt"], &["zork: : No such file or directory"]);
    });
}

#[test]
fn paths_that_overlap_are_searched_as_often_as_they_are_named() {
    let tree = small();
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.root()).run();
        run(&["a.txt", "a.txt"]).found(["a.txt", "a.txt"]);
        run(&["sub", "sub/.hidden", "sub/c.txt"]).found([
            "sub/c.txt",
            "sub/.hidden/d.txt",
            "sub/.hidden/.txt",
            "sub/.hidden/d.txt",
            "sub/.hidden/.txt",
            "sub/c.txt",
        ]);
        let hundred: Vec<&str> = std::iter::repeat_n("sub/.hidden", 100).collect();
        assert_eq!(run(&hundred).lines().len(), 200);
    });
}

#[test]
fn a_symbolic_link_that_is_named_is_followed() {
    let tree = small();
    tree.link("sub", "to-dir");
    tree.link("a.txt", "to-file.txt");
    tree.link("f", "to-other.txt");
    tree.link("nowhere", "to-nothing.txt");
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.root()).run();
        run(&["to-dir"]).found(["to-dir/c.txt", "to-dir/.hidden/d.txt", "to-dir/.hidden/.txt"]);
        run(&["to-dir/"]).found(["to-dir/c.txt", "to-dir/.hidden/d.txt", "to-dir/.hidden/.txt"]);
        run(&["to-file.txt"]).found(["to-file.txt"]);
        // The name says how, as it does below a directory.
        run(&["to-other.txt"]).found(["to-other.txt"]);
        run(&["to-nothing.txt"]).trouble(&[], &["zork: to-nothing.txt: No such file or directory"]);
    });
}

#[test]
fn counts() {
    let tree = small();
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.path("sub")).run();
        run(&["-c"]).found(["c.txt:3", ".hidden/d.txt:1", ".hidden/.txt:1"]);
        run(&["--count", "--needle", "grue"]).found::<&str>([]);
        assert_eq!(run(&["-c0", "c.txt"]).stdout, b"c.txt\x003\n");
    });
}

#[test]
fn occurrences_that_overlap_count_as_grep_counts_them() {
    let tree = Tree::new();
    tree.file("a.txt", "aaaaa a aa\naa");
    tree.file("b.txt", "abababa");
    for_each_engine(|engine| {
        let run = |needle: &str| zork(engine).args(["-c", "--needle", needle]).within(tree.root()).run();
        run("aa").found(["a.txt:4"]);
        run("aba").found(["b.txt:2"]);
        run("a").found(["a.txt:10", "b.txt:4"]);
    });
}

#[test]
fn locations() {
    let tree = small();
    tree.file("sub/.hidden/bom.txt", "\u{feff}zork\n\n\r\nzorkzork\n é zork");
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.path("sub")).run();
        run(&["-n", "c.txt"]).found(["c.txt:1:1", "c.txt:1:10", "c.txt:2:5"]);
        // Columns are bytes; a byte order mark is three of them.
        run(&["-n", ".hidden/bom.txt"]).found([
            ".hidden/bom.txt:1:4",
            ".hidden/bom.txt:4:1",
            ".hidden/bom.txt:4:5",
            ".hidden/bom.txt:5:5",
        ]);
        let null = run(&["-n", "-0", "c.txt"]);
        assert_eq!(null.stdout, b"c.txt\x001:1\nc.txt\x001:10\nc.txt\x002:5\n");
    });
}

#[test]
fn quiet_says_nothing() {
    let tree = small();
    for_each_engine(|engine| {
        let found = zork(engine).args(["-q", "--progress", "always"]).arg(tree.root()).run();
        assert_eq!((found.code(), found.text(), &*found.stderr), (0, "", ""));
        let nothing = zork(engine).args(["-q", "--needle", "grue"]).arg(tree.root()).run();
        assert_eq!((nothing.code(), nothing.text(), &*nothing.stderr), (1, "", ""));
        // What was looked for is there, so nobody has to care.
        let both = zork(engine).arg("-q").arg(tree.path("missing")).arg(tree.root()).run();
        assert_eq!((both.code(), both.text()), (0, ""));
        let trouble = zork(engine).args(["-q", "--needle", "grue"]).arg(tree.path("missing")).run();
        assert_eq!((trouble.code(), trouble.text()), (2, ""));
    });
}

#[test]
fn what_stopping_early_leaves_out_has_not_vanished() {
    let tree = Tree::new();
    for i in 0..300 {
        tree.file(format!("d{}/{i}.txt", i % 7), "zork");
    }
    for_each_engine(|engine| {
        let ended = zork(engine).args(["-q", "--stats"]).arg(tree.root()).run();
        assert_eq!(ended.code(), 0);
        assert!(!ended.stderr.contains("vanished"), "{}", ended.stderr);
    });
}

#[test]
fn needles_are_bytes() {
    let tree = Tree::new();
    tree.file("binary.txt", b"\0\0\xff\xfezork\0\n\xc3\x28");
    tree.file("latin.txt", b"gr\xfce");
    tree.file("lines.txt", "one\ntwo");
    tree.file("unicode.txt", "ein Gr\u{fc}e");
    for_each_engine(|engine| {
        use std::os::unix::ffi::OsStrExt as _;
        let run = |needle: &[u8]| {
            let needle = std::ffi::OsStr::from_bytes(needle);
            zork(engine).args(["-n".as_ref(), "--needle".as_ref(), needle]).within(tree.root()).run()
        };
        run(b"zork").found(["binary.txt:1:5"]);
        run(b"\xffe").found::<&str>([]);
        run(b"\xfce").found(["latin.txt:1:3"]);
        run(b"\xc3(").found(["binary.txt:2:1"]);
        run(b"e\nt").found(["lines.txt:1:3"]);
        run("üe".as_bytes()).found(["unicode.txt:1:7"]);
        run(b"--needle").found::<&str>([]);
        run(b"-0").found::<&str>([]);
    });
}

#[test]
fn utf_16_is_not_decoded() {
    let tree = Tree::new();
    let wide: Vec<u8> = "\u{feff}zork".encode_utf16().flat_map(u16::to_le_bytes).collect();
    tree.file("wide.txt", wide);
    for_each_engine(|engine| {
        zork(engine).within(tree.root()).run().found::<&str>([]);
        zork(engine).args(["--needle", "k"]).within(tree.root()).run().found(["wide.txt"]);
    });
}

#[test]
fn any_number_of_threads_will_do() {
    let tree = small();
    for_each_engine(|engine| {
        for threads in ["1", "2", "7", "64", "5000", "18446744073709551615"] {
            let ended = zork(engine).args(["-j", threads]).within(tree.root()).run();
            ended.found(["a.txt", "sub/c.txt", "sub/.hidden/d.txt", "sub/.hidden/.txt"]);
        }
    });
}

#[test]
fn a_wrong_command_line_gets_a_hint() {
    for (args, hint) in [
        (&["--cuont"][..], "--count"),
        (&["--engine", "go"], "tokio-batched"),
        (&["--engine", "sequental"], "sequential"),
        (&["--needle", ""], "empty word"),
        (&["-j", "0"], "--threads"),
        (&["-j", "many"], "--threads"),
        (&["--max-open-files", "0"], "--max-open-files"),
        (&["--sort", "size"], "path"),
        (&["--progress", "perhaps"], "always"),
        (&["--completions", "cmd"], "bash"),
        (&["-q", "-c"], "cannot be used with"),
        (&["-q", "--json"], "cannot be used with"),
        (&["-c", "-n"], "cannot be used with"),
        (&["-0", "--json"], "cannot be used with"),
        (&["-n", "-n"], "cannot be used multiple times"),
    ] {
        let ended = Zork::plain().args(args).run();
        assert_eq!(ended.code(), 2, "{args:?}");
        assert_eq!(ended.text(), "");
        assert!(ended.stderr.contains(hint), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("--help"), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn help_has_examples() {
    let long = Zork::plain().arg("--help").run();
    assert_eq!((long.code(), &*long.stderr), (0, ""));
    for needed in
        ["Examples:", "zork -n --needle", "xargs -0", "Exit status: 0", "[PATH]...", "--max-open-files"]
    {
        assert!(long.text().contains(needed), "{needed}: {}", long.text());
    }
    assert_eq!(Zork::plain().arg("-h").run().code(), 0);
    let version = Zork::plain().arg("--version").run();
    assert_eq!(version.text(), format!("zork {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn engines_are_listed_and_searched_with_by_default() {
    let listed = Zork::plain().arg("--list-engines").run();
    assert_eq!((listed.code(), &*listed.stderr), (0, ""));
    for line in listed.text().lines() {
        assert!(line.split_whitespace().count() > 3, "a name and what it is: {line}");
    }
    assert_eq!(listed.text().matches("(default)").count(), 1);
    let default = listed.text().lines().find(|l| l.ends_with("(default)")).expect("there is one");
    let tree = small();
    let ended = Zork::plain().args(["--stats"]).arg(tree.root()).run();
    let name = default.split_whitespace().next().expect("a name");
    assert!(ended.stderr.starts_with(&format!("engine           {name} (")), "{}", ended.stderr);
}

/// Without any runtime, too, as before the first one: here nobody takes the output.
#[test]
fn a_search_that_stands_still_is_told_of_where_somebody_asks() {
    let tree = Tree::new();
    // More than a pipe holds.
    tree.file("a.txt", "zork ".repeat(50_000));
    let search = zork("sequential").env("VTHREAD_WHO_WAITS", "1").arg("--locations").arg(tree.root());
    let (search, mut output) = search.spawn();
    std::thread::sleep(std::time::Duration::from_secs(4));
    std::io::copy(&mut output, &mut std::io::sink()).expect("a pipe");
    let ended = search.wait();
    assert_eq!(ended.code(), 0);
    for part in ["there has been no runtime for 1.", "(zork) is blocked in system call 1"] {
        assert!(ended.stderr.contains(part), "no {part:?} in {}", ended.stderr);
    }
    let refused = Zork::plain().env("VTHREAD_WHO_WAITS", "soon").arg(tree.root()).run();
    assert_eq!(refused.code(), 2);
    assert_eq!(refused.stderr, "zork: VTHREAD_WHO_WAITS: soon is no number of seconds\n");
}

#[test]
fn completions_know_the_switches() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Zork::plain().args(["--completions", shell]).run();
        assert_eq!((script.code(), &*script.stderr), (0, ""));
        for known in ["max-open-files", "tokio-batched"] {
            // clap writes no values for these two shells.
            let values = !matches!(shell, "elvish" | "powershell");
            if values || known.starts_with("max") {
                assert!(script.text().contains(known), "{shell}: {known}");
            }
        }
    }
    let dir = Tree::new();
    let script = Zork::plain().args(["--completions", "bash"]).run();
    let path = dir.file("zork.bash", &script.stdout);
    let parsed = std::process::Command::new("bash").arg("-n").arg(path).status();
    assert!(parsed.map_or(true, |s| s.success()), "bash, if there is one, can read it");
}
