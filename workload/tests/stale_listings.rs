//! Between being listed and being opened, an entry may go away or become something else. Here that happens each time: workers get
//! listings that are not true any more. (`tests/traps.rs` lets it happen at random, to all engines.)

mod support;

use rustix::fs::FileType;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use support::Tree;
use zork::behaviour::{Task, Tasks, Worker};
use zork::matcher::{Detail, Needle};
use zork::output::{Format, Output, Says, Sink, Style};
use zork::search::{Counts, Run, Search};
use zork::tree::{DirUse, Names, OpenFiles};

/// Tasks that wait to be run here.
#[derive(Default)]
struct Queue(Vec<Task>);

impl Tasks for Queue {
    fn spawn(&mut self, task: Task) {
        self.0.push(task);
    }

    fn wanted(&mut self) -> bool {
        false
    }

    fn parallel(&self) -> bool {
        false
    }
}

/// What a search says of the tree if these entries are listed in its root: the paths that match, and how many errors there are
/// and how many entries have vanished.
fn searched(tree: &Tree, listed: &[(&str, FileType)], follow: bool) -> (Vec<String>, u64, u64) {
    let (read, write) = rustix::pipe::pipe().expect("a pipe");
    let format = Format { style: Style::Plain { null: false }, says: Says::Path };
    let search = Arc::new(Search {
        needle: Needle::new(b"zork").expect("not empty"),
        detail: Detail::First,
        quiet: false,
        follow,
        threads: None,
        roots: vec![],
        files: Arc::new(OpenFiles::new(None).expect("enough descriptors")),
        output: Output::new(format, Sink::new(write, true)),
        counts: Counts::default(),
        run: Run::start(),
    });
    let root = CString::new(tree.root().as_os_str().as_bytes()).expect("no NUL");
    let dir = DirUse::open_root(&search.files, &root, false).expect("a directory");
    let mut names = Names::default();
    for (name, file_type) in listed {
        names.push(&CString::new(*name).expect("no NUL"), *file_type);
    }
    let (mut worker, mut queue) = (Worker::new(&search), Queue(vec![Task::Batch(dir, names)]));
    while let Some(task) = queue.0.pop() {
        worker.run(task, &mut queue);
    }
    search.output.finish().expect("writes");
    let (errors, vanished) = (search.counts.errors.load(Relaxed), search.counts.vanished.load(Relaxed));
    // The pipe's other end closes, so that reading comes to an end.
    drop((worker, search));
    let lines = std::io::read_to_string(std::fs::File::from(read)).expect("reads");
    (lines.lines().map(ToOwned::to_owned).collect(), errors, vanished)
}

#[test]
fn what_is_gone_is_counted_and_no_error() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    let listed = [
        ("gone.txt", FileType::RegularFile),
        ("gone.json", FileType::RegularFile),
        ("gone", FileType::Directory),
        ("gone-unknown.txt", FileType::Unknown),
        ("a.txt", FileType::RegularFile),
    ];
    assert_eq!(searched(&tree, &listed, false), (vec!["a.txt".into()], 0, 4));
}

#[test]
fn what_is_something_else_is_treated_as_that() {
    let tree = Tree::new();
    tree.file("was-a-directory.txt", "zork");
    tree.file("was-a-directory", "zork");
    tree.file("was-a-file.txt/inside.txt", "zork");
    tree.fifo("is-a-fifo.txt");
    tree.socket("is-a-socket.json");
    tree.link("was-a-directory.txt", "is-a-link.txt");
    tree.link("was-a-file.txt", "is-a-link-to-a-directory");
    let listed = [
        ("was-a-directory.txt", FileType::Directory),
        ("was-a-directory", FileType::Directory),
        ("was-a-file.txt", FileType::RegularFile),
        ("is-a-fifo.txt", FileType::RegularFile),
        ("is-a-socket.json", FileType::RegularFile),
        ("is-a-link.txt", FileType::RegularFile),
        ("is-a-link-to-a-directory", FileType::Directory),
    ];
    let plain = ["was-a-directory.txt", "was-a-file.txt/inside.txt"].map(ToOwned::to_owned);
    let (found, errors, vanished) = searched(&tree, &listed, false);
    assert_eq!((found, errors), (plain.to_vec(), 0));
    // A FIFO that nobody writes to reads as an empty file; nothing is lost by that.
    assert_eq!(vanished, 0);
    let followed = [
        "is-a-link-to-a-directory/inside.txt",
        "is-a-link.txt",
        "was-a-directory.txt",
        "was-a-file.txt/inside.txt",
    ];
    assert_eq!(searched(&tree, &listed, true), (followed.map(ToOwned::to_owned).to_vec(), 0, 0));
}

#[test]
fn file_systems_that_do_not_tell_types_are_asked() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    tree.file("b.md", "zork");
    tree.file("dir/c.txt", "zork");
    tree.fifo("fifo.txt");
    tree.link("a.txt", "link.txt");
    let listed = ["a.txt", "b.md", "dir", "fifo.txt", "link.txt"].map(|name| (name, FileType::Unknown));
    let plain = ["a.txt", "dir/c.txt"].map(ToOwned::to_owned).to_vec();
    assert_eq!(searched(&tree, &listed, false), (plain, 0, 0));
    let followed = ["a.txt", "dir/c.txt", "link.txt"].map(ToOwned::to_owned).to_vec();
    assert_eq!(searched(&tree, &listed, true), (followed, 0, 0));
}
