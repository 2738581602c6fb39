//! Little is allowed, or much is there: few descriptors, large directories, huge files, long needles.

mod support;

use rustix::fs::{AtFlags, CWD, linkat};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;
use support::{Tree, Zork, for_each_engine, for_each_engine_and_beginning, long_tests, write_at, zork};

/// Deep, wide, and bushy: whoever keeps every directory open until its children are done needs hundreds of descriptors.
fn deep_and_wide() -> (Tree, Vec<String>) {
    let (tree, mut expected) = (Tree::new(), vec![]);
    for i in 0..150 {
        tree.file(format!("wide/{i}/x/a.txt"), "zork");
        tree.file(format!("wide/{i}/b.txt"), if i % 3 == 0 { "zork" } else { "none" });
        expected.push(format!("wide/{i}/x/a.txt"));
        if i % 3 == 0 {
            expected.push(format!("wide/{i}/b.txt"));
        }
    }
    tree.dir("deep");
    let name = "a-name-of-some-length".repeat(3);
    let innermost = tree.chain(200, &name, |level, dir| {
        write_at(dir, "before.txt", b"zork");
        write_at(dir, "zz.txt", b"zork");
        rustix::fs::mkdirat(dir, "beside", 0o755.into()).expect("a directory");
        let beside =
            rustix::fs::openat(dir, "beside", rustix::fs::OFlags::RDONLY, 0.into()).expect("a directory");
        write_at(&beside, "c.txt", if level % 2 == 0 { b"zork" } else { b"none" });
    });
    let mut path = String::new();
    for (level, part) in innermost.split('/').enumerate() {
        path = format!("{path}{part}/");
        expected.push(format!("{path}before.txt"));
        expected.push(format!("{path}zz.txt"));
        if level % 2 == 1 {
            expected.push(format!("{path}beside/c.txt"));
        }
    }
    (tree, expected)
}

#[test]
fn few_descriptors_lose_nothing() {
    let (tree, expected) = deep_and_wide();
    for_each_engine_and_beginning(|engine| {
        zork(engine).within(tree.root()).descriptors(64, 0).run().found(&expected);
        // Somebody else's, too.
        zork(engine).within(tree.root()).descriptors(64, 40).run().found(&expected);
        zork(engine).args(["-j", "64"]).within(tree.root()).descriptors(64, 0).run().found(&expected);
        for few in ["5", "6", "9", "20"] {
            zork(engine).args(["--max-open-files", few]).within(tree.root()).run().found(&expected);
        }
    });
}

/// The fewest descriptors that do: 0 to 2, the program's own, those that are kept for libraries, and five for the search.
const FEWEST: u64 = 16;

#[test]
fn the_fewest_descriptors_will_do() {
    let (tree, expected) = deep_and_wide();
    for_each_engine_and_beginning(|engine| {
        let run = |limit, inherited| zork(engine).within(tree.root()).descriptors(limit, inherited).run();
        run(FEWEST, 0).found(&expected);
        zork(engine)
            .args(["-j", "8", "--follow"])
            .within(tree.root())
            .descriptors(FEWEST + 5, 3)
            .run()
            .found(&expected);
    });
}

#[test]
fn fewer_are_an_error_that_says_what_to_do() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    for_each_engine(|engine| {
        let say = |n| {
            format!(
                "zork: {n} more open files are not enough: the search needs at least 5 (see `ulimit -n` and --max-open-files)"
            )
        };
        let run = |limit, inherited| zork(engine).within(tree.root()).descriptors(limit, inherited).run();
        run(FEWEST - 1, 0).trouble(&[], &[&say(4)]);
        run(64, 55).trouble(&[], &[&say(0)]);
        zork(engine).args(["--max-open-files", "4"]).within(tree.root()).run().trouble(&[], &[&say(4)]);
    });
}

#[test]
fn where_there_is_no_thread_the_error_says_so() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    for engine in ["tokio", "tokio-batched"] {
        let (mut found, mut refused) = (0, 0);
        for mib in (8..=64).step_by(2) {
            let ended = zork(engine).within(tree.root()).addresses(mib << 20).run();
            match ended.status.code() {
                Some(0) => found += 1,
                Some(2) => {
                    let says = format!("zork: cannot start the engine {engine}: no OS thread: ");
                    assert!(ended.stderr.starts_with(&says), "{mib} MiB: {}", ended.stderr);
                    refused += 1;
                }
                // At the limit it is chance which thread allocates first, and an allocation has no way to say who is to be told.
                _ if ended.stderr.starts_with("memory allocation of ") => {}
                // Less than the program itself takes: the loader has ended it.
                _ => assert!(found == 0 && !ended.stderr.contains("panicked"), "{}", ended.stderr),
            }
        }
        assert!(found > 0 && refused > 0, "{engine}: {found} {refused}");
    }
}

#[test]
fn where_addresses_are_few_the_default_does_what_it_can() {
    let tree = Tree::new();
    tree.file("a.txt", "zork");
    let default = || Zork::plain().within(tree.root());
    let named = || zork(&support::engines()[0]).within(tree.root());
    let vthread = support::engines()[0] == "vthread";
    let (mut found, mut instead, mut refused) = (0, 0, 0);
    for mib in (32..=80).step_by(4).chain([4096]) {
        let (default, named) = (default().addresses(mib << 20).run(), named().addresses(mib << 20).run());
        for ended in [&default, &named] {
            assert!(!ended.stderr.contains("panicked"), "{mib} MiB: {}", ended.stderr);
        }
        match (default.code(), named.code()) {
            (0, 0) => found += 1,
            (0, 2) => instead += 1,
            (2, 2) => refused += 1,
            // Less than the program itself takes: the loader has ended it.
            _ => assert!(found + instead == 0, "{mib} MiB: {} {}", default.stderr, named.stderr),
        }
        if named.code() == 2 {
            assert!(
                named.stderr.starts_with("zork: cannot start the engine "),
                "{mib} MiB: {}",
                named.stderr
            );
        }
        if vthread && (default.code(), named.code()) == (0, 2) {
            let begun = zork("vthread after 1").arg("--stats").within(tree.root()).addresses(mib << 20).run();
            assert_eq!(
                (begun.code(), begun.lines()),
                (0, vec!["a.txt".to_owned()]),
                "{mib} MiB: {}",
                begun.stderr
            );
            assert!(begun.stderr.starts_with("engine           vthread (1 thread)\n"), "{}", begun.stderr);
        }
        if default.code() == 0 {
            default.found(["a.txt"]);
        }
    }
    assert!(found > 0 && instead > 0 && refused == 0, "{found} {instead} {refused}");
}

#[test]
fn huge_files_take_no_more_descriptors_than_there_are() {
    let tree = Tree::new();
    let mut expected = vec![];
    for i in 0..12 {
        let file = File::create(tree.path(format!("{i}.txt"))).expect("a file");
        file.write_all_at(b"zork", (30 + 3 * i) << 20).expect("writes");
        expected.push(format!("{i}.txt:1"));
    }
    for_each_engine_and_beginning(|engine| {
        let args = ["-c", "-j", "8"];
        zork(engine).args(args).within(tree.root()).descriptors(FEWEST, 0).run().found(&expected);
        zork(engine).arg("-c").within(tree.root()).descriptors(FEWEST, 0).run().found(&expected);
        zork(engine).args(args).within(tree.root()).descriptors(64, 0).run().found(&expected);
    });
}

#[test]
fn a_directory_may_have_a_hundred_thousand_entries() {
    let entries = 100_000;
    // Of files of other names there are more; with all of them to be read, the slowest engine would take half a minute.
    let every = if long_tests() { 1 } else { 10 };
    let tree = Tree::new();
    let (yes, no) = (tree.file("first/0.txt", "zork"), tree.file("first/1.txt", "none"));
    tree.dir("all");
    let mut expected = vec!["first/0.txt".to_owned()];
    let mut links = 0;
    let mut target = no.clone();
    for i in 0..entries {
        let text = i % every == 0;
        let name = format!("all/{i}.{}", if text { "txt" } else { "md" });
        if text && i % 1000 == 0 {
            linkat(CWD, &yes, CWD, tree.path(&name), AtFlags::empty()).expect("a link");
            expected.push(name);
            continue;
        }
        linkat(CWD, &target, CWD, tree.path(&name), AtFlags::empty()).expect("a link");
        links += 1;
        if links % 30_000 == 0 {
            // A file system allows only so many links to a file.
            target = tree.file(format!("first/more{links}.txt"), "none");
        }
    }
    for_each_engine_and_beginning(|engine| {
        zork(engine).within(tree.root()).run().found(&expected);
        zork(engine).args(["-j", "8"]).within(tree.root()).descriptors(64, 0).run().found(&expected);
    });
}

/// Several workers ask one descriptor for names, and find directories among them.
#[test]
fn a_listing_of_many_parts_is_searched_once() {
    let (tree, mut expected) = (Tree::new(), vec![]);
    let long = "-of-some-length".repeat(6);
    for i in 0..1500 {
        let name = if i % 100 == 0 { format!("all/{i}/a.txt") } else { format!("all/{i}{long}.txt") };
        tree.file(&name, if i % 7 == 0 { "zork" } else { "none" });
        if i % 7 == 0 {
            expected.push(name);
        }
    }
    for_each_engine_and_beginning(|engine| {
        zork(engine).args(["-j", "2"]).within(tree.root()).run().found(&expected);
        zork(engine).args(["-j", "5"]).within(tree.root()).descriptors(64, 0).run().found(&expected);
        let counted = zork(engine).arg("--stats").within(tree.root()).run();
        assert!(counted.stderr.contains("1500 text, 0 JSON"), "{}", counted.stderr);
    });
}

const RANGE: usize = 8 << 20;
const WINDOW: usize = 128 << 10;

/// Where the needle is in a text of 42 MB: across each border that an engine may cut at, in each way that it can be.
fn places() -> Vec<usize> {
    let mut places: Vec<usize> = (0..=4).map(|i| (i + 1) * RANGE - 4 + i).collect();
    // Windows of a range, and of the whole: each leaves three bytes over for the next.
    places.extend(
        (0..4).flat_map(|range| (1..8).map(move |w| range * RANGE + w * WINDOW - w * 3 - (w + range) % 5)),
    );
    places.extend((8..60).map(|w| 4 * RANGE + w * (WINDOW - 3) - w % 6));
    places.extend((200..250).map(|w| w * (WINDOW - 3) - w % 6));
    // And anywhere.
    let mut random = 42_usize;
    for _ in 0..200 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        places.push((random >> 20) % (5 * RANGE));
    }
    places.push(0);
    places.push(SIZE - 4);
    places.sort_unstable();
    places.dedup_by(|b, a| *b < *a + 8);
    places
}

const SIZE: usize = 5 * RANGE + 1_000_000;

#[test]
fn matches_across_borders_are_found_once() {
    let places = places();
    assert!(places.len() > 300);
    let mut text = vec![b'.'; SIZE];
    text.iter_mut().skip(70).step_by(71).for_each(|b| *b = b'\n');
    for at in &places {
        text[*at..at + 4].copy_from_slice(b"zork");
    }
    // One byte after the other, as anyone would believe it.
    let (mut line, mut column, mut locations, mut next) = (1, 1, vec![], places.iter().peekable());
    for (at, byte) in text.iter().enumerate() {
        if next.next_if_eq(&&at).is_some() {
            locations.push(format!("huge.txt:{line}:{column}"));
        }
        (line, column) = if *byte == b'\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    let tree = Tree::new();
    tree.file("huge.txt", &text);
    for_each_engine(|engine| {
        for threads in ["1", "2", "8"] {
            let run = |arg: &str| zork(engine).args(["-j", threads, arg]).within(tree.root()).run();
            run("-c").found([format!("huge.txt:{}", places.len())]);
        }
        zork(engine).within(tree.root()).run().found(["huge.txt"]);
        let ended = zork(engine).args(["-n", "--sort", "path"]).within(tree.root()).run();
        assert_eq!(ended.text().lines().collect::<Vec<_>>(), locations);
    });
}

#[test]
fn one_match_in_a_huge_file_is_found_wherever_it_is() {
    let tree = Tree::new();
    let file = File::create(tree.path("huge.txt")).expect("a file");
    // Stored, not a hole.
    file.write_all_at(&vec![b'.'; SIZE], 0).expect("writes");
    for at in [0, RANGE - 2, 4 * RANGE - 1, SIZE - 4] {
        file.write_all_at(b"zork", at as u64).expect("writes");
        for_each_engine_and_beginning(|engine| {
            zork(engine).within(tree.root()).run().found(["huge.txt"]);
            zork(engine).args(["-c", "huge.txt"]).within(tree.root()).run().found(["huge.txt:1"]);
            assert_eq!(zork(engine).arg("-q").within(tree.root()).run().code(), 0);
        });
        file.write_all_at(b"....", at as u64).expect("writes");
    }
    for_each_engine(|engine| zork(engine).within(tree.root()).run().found::<&str>([]));
}

#[test]
fn a_needle_that_overlaps_itself_counts_the_same_in_a_huge_file() {
    let tree = Tree::new();
    let mut text = vec![b'.'; SIZE];
    // 1001 times "a" across each border.
    for border in 1..=5 {
        text[border * RANGE - 500..=border * RANGE + 500].fill(b'a');
    }
    tree.file("huge.txt", text);
    for_each_engine(|engine| {
        for (needle, count) in [("aa", 2500), ("aaa", 1665), (".a", 5), ("a", 5005)] {
            let ended = zork(engine).args(["-c", "--needle", needle]).within(tree.root()).run();
            ended.found([format!("huge.txt:{count}")]);
        }
    });
}

#[test]
fn holes_are_not_read() {
    const GB: u64 = 1 << 30;
    let tree = Tree::new();
    let file = File::create(tree.path("sparse.txt")).expect("a file");
    file.set_len(8 * GB).expect("a length");
    // The last island but one ends with the half of what the last one begins with.
    let islands: [(u64, &[u8]); 4] = [
        (5 * GB + 12_345, b"zork\nzork"),
        (6 * GB, b"zo"),
        (8 * GB - 200_000, b"zork"),
        (8 * GB - 4, b"zork"),
    ];
    for (at, island) in islands {
        file.write_all_at(island, at).expect("writes");
    }
    let empty = File::create(tree.path("nothing.txt")).expect("a file");
    empty.set_len(8 * GB).expect("a length");
    let locations = [
        format!("sparse.txt:1:{}", 5 * GB + 12_346),
        "sparse.txt:2:1".to_owned(),
        format!("sparse.txt:2:{}", 8 * GB - 200_000 - (5 * GB + 12_350) + 1),
        format!("sparse.txt:2:{}", 8 * GB - 4 - (5 * GB + 12_350) + 1),
    ];
    for_each_engine(|engine| {
        let run = |args: &[&str]| {
            zork(engine).args(args).within(tree.root()).patience(Duration::from_mins(3)).run()
        };
        run(&[]).found(["sparse.txt"]);
        run(&["-c"]).found(["sparse.txt:4"]);
        run(&["-c", "-j", "1"]).found(["sparse.txt:4"]);
        run(&["-n"]).found(&locations);
    });
}

#[test]
fn needles_may_be_long() {
    // The longest that an argument can be.
    let needle: String = (0_u64..).map(|i| char::from(b'a' + (i * i % 23) as u8)).take(131_071).collect();
    let tree = Tree::new();
    let mut text = vec![b'.'; 2 << 20];
    for at in [100_000, 1_000_000] {
        text[at..at + needle.len()].copy_from_slice(needle.as_bytes());
    }
    text.extend_from_slice(needle.as_bytes());
    text.extend_from_slice(&needle.as_bytes()[..131_070]);
    tree.file("a.txt", text);
    tree.file("short.txt", &needle[..1000]);
    for_each_engine(|engine| {
        zork(engine).args(["-c", "--needle", &needle]).within(tree.root()).run().found(["a.txt:3"]);
    });
}
