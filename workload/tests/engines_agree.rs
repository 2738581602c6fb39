//! On trees that were made at random, with everything in them that a tree can have, all engines say the same, and what a
//! simple program says that is nothing but clear.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Tree, engines, long_tests, zork};

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn content(&mut self, json: bool) -> String {
        let words = ["zork", "zo", "rk", " ", "\n", "none", "zorkzork", "é"];
        let escaped = ["zork", "z\\u006frk", "\\n", "none", "\\\\u007aork", "é"];
        let length = if self.below(60) == 0 { 60_000 } else { [0, 3, 40, 400][self.below(4)] };
        let words: Vec<&str> =
            (0..length).map(|_| self.one_of(if json { &escaped } else { &words })).collect();
        match (json, self.below(6)) {
            (false, _) => words.concat(),
            (true, 0) => format!("[\"{}\", wrong]", words.concat()),
            (true, _) => format!("{{\"zork\": [\"{}\", 1.5e3, {{\"a\": \"zork\"}}]}}", words.concat()),
        }
    }

    fn fill(&mut self, tree: &Tree, dir: &str, depth: usize) {
        for i in 0..self.below(14) {
            let stem = format!("{dir}{}{i}", self.one_of(&["a", "zz", "ü", " ", ".", "-"]));
            match self.below(16) {
                0..5 => drop(tree.file(format!("{stem}.txt"), self.content(false))),
                5..9 => drop(tree.file(format!("{stem}.json"), self.content(true))),
                9 => drop(tree.file(format!("{stem}.md"), "zork")),
                10 => drop(tree.fifo(format!("{stem}.txt"))),
                11 => {
                    // With many links to directories, the ways through the tree would soon be more than anybody can go.
                    let circles = dir.split('/').count() < 4;
                    let targets = [".", "..", "../..", "missing", "a1/a1.txt", "zz1.txt", "a2.json"];
                    let target = self.one_of(if circles { &targets } else { &targets[3..] });
                    tree.link(target, format!("{stem}{}", self.one_of(&["", ".txt", ".json"])));
                }
                _ if depth > 0 => {
                    tree.dir(&stem);
                    self.fill(tree, &format!("{stem}/"), depth - 1);
                }
                _ => {}
            }
        }
    }
}

/// What is in each file that links do not lead to, as somebody would find it out who has all the time and memory.
fn oracle(dir: &Path, counts: &mut BTreeMap<PathBuf, usize>, malformed: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a listing") {
        let entry = entry.expect("an entry");
        let (path, file_type) = (entry.path(), entry.file_type().expect("a type"));
        let bytes = || fs::read(&path).expect("a file");
        if file_type.is_dir() {
            oracle(&path, counts, malformed);
        } else if file_type.is_file() && path.extension().is_some_and(|e| e == "txt") {
            counts.insert(path.clone(), String::from_utf8_lossy(&bytes()).matches("zork").count());
        } else if file_type.is_file() && path.extension().is_some_and(|e| e == "json") {
            match serde_json::from_slice(&bytes()) {
                Ok(value) => drop(counts.insert(path.clone(), in_value(&value))),
                Err(_) => malformed.push(path.clone()),
            }
        }
    }
}

fn in_value(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(s) => s.matches("zork").count(),
        serde_json::Value::Array(all) => all.iter().map(in_value).sum(),
        serde_json::Value::Object(all) => all.values().map(in_value).sum(),
        _ => 0,
    }
}

#[test]
fn engines_agree_with_each_other_and_with_an_oracle() {
    for seed in 0..if long_tests() { 60 } else { 5 } {
        println!("--- seed {seed}");
        let tree = Tree::new();
        // Links lead two directories up, and must not lead out of the tree.
        Random(seed).fill(&tree, "in/side/", 2);
        tree.link("../..", "in/side/up");
        tree.file("one.txt", "zork");
        agree_with_oracle(&tree);
        agree(tree.root(), &[".", "one.txt"]);
    }
}

fn agree_with_oracle(tree: &Tree) {
    let (mut counts, mut malformed) = (BTreeMap::new(), vec![]);
    oracle(tree.root(), &mut counts, &mut malformed);
    let lines = counts.iter().filter(|(path, count)| **count > 0 && !malformed.contains(path));
    let mut expected: Vec<String> =
        lines.map(|(path, count)| format!("{}:{count}", path.display())).collect();
    expected.sort();
    for engine in engines() {
        let ended = zork(engine).arg("-c").arg(tree.root()).run();
        let mut lines = ended.lines();
        // What stands before a mistake is found, too; the oracle cannot know that.
        lines.retain(|l| !malformed.iter().any(|m| l.starts_with(&format!("{}:", m.display()))));
        assert_eq!(lines, expected, "{engine}");
        assert_eq!(ended.stderr.lines().count(), malformed.len(), "{engine}: {}", ended.stderr);
        assert_eq!(ended.code(), if malformed.is_empty() { 0 } else { 2 }, "{engine}");
    }
}

/// All engines say the same about these paths, whatever they are asked.
fn agree(dir: &Path, paths: &[&str]) {
    for args in [
        &["-n"][..],
        &["-c", "-L"],
        &["-n", "-L", "-j", "1"],
        &["-n", "-j", "7"],
        &["--needle", "zo", "-c"],
        &["--needle", "\n", "--max-open-files", "7"],
    ] {
        let mut first = None;
        for engine in engines() {
            let ended = zork(engine).args(["--sort", "path"]).args(args).args(paths).within(dir).run();
            let said = (ended.stdout.clone(), support::sorted(ended.stderr.lines()), ended.code());
            let (_, expected) = first.get_or_insert_with(|| (engine, said.clone()));
            assert!(*expected == said, "{engine} {args:?}: {expected:?} {said:?}");
        }
    }
    let mut first = None;
    for engine in engines() {
        let ended = zork(engine).args(["--json", "-c", "-L"]).args(paths).within(dir).run();
        let mut summary = ended.json().pop().expect("a summary");
        let summary = summary.as_object_mut().expect("an object");
        for differs in ["engine", "threads", "most_tasks", "wall_seconds", "cpu_seconds", "peak_rss_bytes"] {
            assert!(summary.remove(differs).is_some(), "{differs}");
        }
        // Where there are some.
        assert_eq!(summary.remove("vthreads").is_some(), engine == "vthread");
        let expected = first.get_or_insert_with(|| summary.clone());
        assert_eq!(expected, summary, "{engine}");
    }
}

/// Sources and documents of other people, if there are any on this machine: `ZORK_REAL_TREE`, or cargo's registry.
#[test]
fn engines_agree_on_a_large_real_tree() {
    if !long_tests() {
        return;
    }
    let registry = || {
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")))?;
        Some(home.join("registry/src"))
    };
    let tree = std::env::var_os("ZORK_REAL_TREE").map(PathBuf::from).or_else(registry).filter(|t| t.is_dir());
    if let Some(tree) = tree {
        agree(&tree, &["."]);
    }
}
