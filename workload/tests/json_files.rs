//! JSON files, as the whole program treats them: what is a match, what is an error, and that both may be true of one file.

mod support;

use serde_json::json;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use support::{Tree, for_each_engine, long_tests, zork};

#[test]
fn values_are_searched_after_decoding() {
    let tree = Tree::new();
    let (yes, no) = (
        [
            ("plain", r#"{"a": "zork"}"#),
            ("root", r#""a zork""#),
            ("escaped", r#"["z\u006frk"]"#),
            ("all-escaped", r#"["\u007A\u006f\u0072\u006B"]"#),
            ("duplicate-key", r#"{"a": "none", "a": "zork", "a": "none"}"#),
            ("first-of-duplicates", r#"{"a": "zork", "a": "none"}"#),
            ("deep", r#"[[[{"a": [[["zork"]]]}]]]"#),
            ("behind-escapes", r#"["\\\"\/\b\f\n\r\t\u00e9zork"]"#),
            ("byte-order-mark", "\u{feff}[\"zork\"]"),
            ("white", " \t\r\n[ \"zork\"\n]\r\n"),
        ],
        [
            ("key", r#"{"zork": "none", "z\u006frk": 1}"#),
            ("double-escaped", r#"["\\u007aork", "z\\u006frk"]"#),
            ("apart", r#"["zo", "rk", "zo\nrk", "zo\u0000rk"]"#),
            ("not-strings", "[1, 2.5e9, true, false, null, {}, []]"),
            ("other-case", r#"["ZORK", "\u005aork"]"#),
        ],
    );
    for (name, content) in yes.iter().chain(&no) {
        tree.file(format!("{name}.json"), content);
    }
    for_each_engine(|engine| {
        zork(engine).within(tree.root()).run().found(yes.map(|(name, _)| format!("{name}.json")));
    });
}

#[test]
fn any_needle_is_found_however_it_is_written() {
    let tree = Tree::new();
    tree.file("slash.json", r#"["a\/b", "a/b", "\u0061\u002f\u0062"]"#);
    tree.file("line.json", r#"["x\ny", "x\u000ay", "x\\ny"]"#);
    tree.file("accent.json", r#"["\u00e9t\u00E9", "été", "et\u00e9"]"#);
    tree.file("face.json", r#"["\ud83d\ude00", "😀", "\uD83D\uDE00"]"#);
    tree.file("lone.json", r#"["\ud83d", "\ude00", "\ude00\ud83d"]"#);
    tree.file("quote.json", r#"["say \"hi\"", "say \u0022hi\u0022"]"#);
    tree.file("backslash.json", r#"["a\\b", "a\u005cb", "a\\\\b"]"#);
    for_each_engine(|engine| {
        let run = |needle: &str| zork(engine).args(["-c", "--needle", needle]).within(tree.root()).run();
        run("a/b").found(["slash.json:3"]);
        run("x\ny").found(["line.json:2"]);
        run("été").found(["accent.json:2"]);
        run("😀").found(["face.json:3"]);
        run("say \"hi\"").found(["quote.json:2"]);
        run("a\\b").found(["backslash.json:2"]);
        run("\\").found(["backslash.json:4", "line.json:1"]);
        run("\\u").found::<&str>([]);
        run("\"").found(["quote.json:4"]);
    });
}

#[test]
fn pointers_say_where_a_value_is() {
    let tree = Tree::new();
    tree.file(
        "a.json",
        "{\"users\": [0, 1, 2,\n {\"name\": \"zork and z\\u006frk\"}],\n \"~/\": {\"\": \"zork\"}}",
    );
    tree.file("key.json", r#"{"two\nlines": "zork"}"#);
    tree.file("like-it.json", r#"{"two\\nlines": "zork", "\u0085\\u{85}": "zork"}"#);
    tree.file("root.json", "\n \"zork\"");
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.root()).run();
        run(&["-n"]).found([
            "a.json:2:12:/users/3/name",
            "a.json:2:21:/users/3/name",
            "a.json:3:14:/~0~1/",
            "key.json:1:17:/two\\nlines",
            r"like-it.json:1:18:/two\\nlines",
            r"like-it.json:1:43:/\u{85}\\u{85}",
            "root.json:2:3:",
        ]);
        let lines = run(&["-n", "--json", "--sort", "path"]).json();
        let path = json!({ "text": "key.json" });
        assert_eq!(
            lines[3],
            json!({ "type": "match", "path": path, "line": 1, "column": 17, "pointer": "/two\nlines" })
        );
        let backslashes = [&lines[4]["pointer"], &lines[5]["pointer"]];
        assert_eq!(backslashes, [&json!("/two\\nlines"), &json!("/\u{85}\\u{85}")]);
        assert_eq!((&lines[6]["pointer"], &lines[7]["json_files"]), (&json!(""), &json!(4)));
    });
}

#[test]
fn what_is_malformed_is_an_error_and_what_came_before_it_counts() {
    let tree = Tree::new();
    tree.file("fine.json", r#"["zork"]"#);
    tree.file("late.json", "[\"zork\", \"zork\",\n x, \"zork\"]");
    tree.file("early.json", "x \"zork\"");
    let message = |name: &str, line: u32, column: u32, what: &str| {
        format!("zork: {name}: malformed JSON at line {line}, column {column}: {what}")
    };
    let late = message("late.json", 2, 2, "expected a value");
    let early = message("early.json", 1, 1, "expected a value");
    for_each_engine(|engine| {
        let run = |args: &[&str]| zork(engine).args(args).within(tree.root()).run();
        run(&[]).trouble(&["fine.json", "late.json"], &[&late, &early]);
        run(&["-c"]).trouble(&["fine.json:1", "late.json:2"], &[&late, &early]);
        run(&["-n", "late.json"]).trouble(&["late.json:1:3:/0", "late.json:1:11:/1"], &[&late]);
        run(&["early.json"]).trouble(&[], &[&early]);
        // The file is still read to its end when all that was asked for is known.
        run(&["late.json"]).trouble(&["late.json"], &[&late]);
        let quiet = run(&["-q", "fine.json"]);
        assert_eq!((quiet.code(), &*quiet.stderr), (0, ""));
        assert_eq!(run(&["-q", "early.json"]).code(), 2);
        let lines = run(&["--json", "late.json"]).json();
        let error = json!({ "type": "error", "path": { "text": "late.json" }, "line": 2, "column": 2,
            "message": "malformed JSON at line 2, column 2: expected a value" });
        assert!(lines.contains(&error), "{lines:?}");
        assert_eq!((&lines[2]["errors"], &lines[2]["files_matched"]), (&json!(1), &json!(1)));
    });
}

#[test]
fn the_grammar_is_strict() {
    let tree = Tree::new();
    let wrong: [(&str, &[u8], &str); 16] = [
        ("empty", b"", "1:1"),
        ("white", b" \n ", "2:2"),
        ("comma", b"[1,]", "1:4"),
        ("comment", b"// a\n1", "1:1"),
        ("two", b"{}\n{}", "2:1"),
        ("zero", b"[01]", "1:3"),
        ("plus", b"+1", "1:1"),
        ("single", b"['a']", "1:2"),
        ("bare", b"{a: 1}", "1:2"),
        ("nan", b"NaN", "1:1"),
        ("tab", b"[\"a\tb\"]", "1:4"),
        ("escape", b"[\"\\x\"]", "1:4"),
        ("hex", b"[\"\\u12g4\"]", "1:7"),
        ("latin", b"[\"gr\xfc\xdfe\"]", "1:5"),
        ("nul", b"[1]\0", "1:4"),
        ("wide", b"\xff\xfe[\0]\0", "1:1"),
    ];
    for (name, content, _) in wrong {
        tree.file(format!("{name}.json"), content);
    }
    let right = ["-0.0e-0", "[]", "{}", "\"\"", "1e999999", "[\"\\ud800\"]", " null\n"];
    for (i, content) in right.iter().enumerate() {
        tree.file(format!("right{i}.json"), content);
    }
    for_each_engine(|engine| {
        let ended = zork(engine).args(["--json"]).within(tree.root()).run();
        let mut errors: Vec<String> = ended
            .json()
            .iter()
            .filter(|l| l["type"] == "error")
            .map(|l| format!("{} {}:{}", l["path"]["text"].as_str().expect("text"), l["line"], l["column"]))
            .collect();
        errors.sort();
        let mut expected = wrong.map(|(name, _, place)| format!("{name}.json {place}"));
        expected.sort();
        assert_eq!(errors, expected);
        assert_eq!(ended.code(), 2);
    });
}

/// Bytes of a window, as all engines read.
const WINDOW: usize = 128 << 10;

#[test]
fn borders_of_windows_make_no_difference() {
    let tree = Tree::new();
    // A match, an escape, a surrogate pair, a number across a border, moved byte by byte.
    for shift in 0..14 {
        let fill = "x".repeat(WINDOW - 20 + shift);
        tree.file(format!("{shift}.json"), format!(r#"["{fill}z\u006frk", 1234567890]"#));
        let fill = "x".repeat(2 * WINDOW - 20 + shift);
        tree.file(format!("face{shift}.json"), format!(r#"["{fill}\ud83d\ude00 zork"]"#));
        let fill = " ".repeat(WINDOW - 20 + shift);
        tree.file(format!("white{shift}.json"), format!("{fill}[1234567890, true, \"\\\\zork\"]{fill}"));
        tree.file(format!("wrong{shift}.json"), format!("{fill}[1234567890, tru3, \"zork\"]"));
    }
    for_each_engine(|engine| {
        let ended = zork(engine).args(["-n", "--sort", "path"]).within(tree.root()).run();
        let expected = (0..14).flat_map(|shift| {
            [
                format!("{shift}.json:1:{}:/0", WINDOW - 20 + shift + 3),
                format!("face{shift}.json:1:{}:/0", 2 * WINDOW - 20 + shift + 3 + 13),
                format!("white{shift}.json:1:{}:/2", WINDOW - 20 + shift + 23),
            ]
        });
        let expected: Vec<String> = expected.collect();
        assert_eq!(ended.lines(), support::sorted(expected.iter().map(|l| &**l)));
        let errors = (0..14).map(|shift| {
            let column = WINDOW - 20 + shift + 17;
            format!("zork: wrong{shift}.json: malformed JSON at line 1, column {column}: expected `true`")
        });
        let errors: Vec<String> = errors.collect();
        assert_eq!(support::sorted(ended.stderr.lines()), support::sorted(errors.iter().map(|l| &**l)));
        assert_eq!(ended.code(), 2);
        let faces = zork(engine).args(["-c", "--needle", "😀 z"]).within(tree.root()).run();
        assert_eq!(faces.lines().len(), 14);
    });
}

#[test]
fn strings_numbers_keys_and_nesting_have_no_limits() {
    let tree = Tree::new();
    let mut long = vec![b'x'; 4 << 20];
    long[0] = b'"';
    long[3 << 20..][..4].copy_from_slice(b"zork");
    long.extend_from_slice(b"zork\"");
    tree.file("string.json", &long);
    let digits = "7".repeat(1 << 19);
    tree.file("number.json", format!("[{digits}, -{digits}.{digits}e{digits}, \"zork\"]"));
    let levels = 150_000;
    let nested = "[".repeat(levels) + "\"zork\"" + &"]".repeat(levels);
    tree.file("nested.json", &nested);
    tree.file("open.json", &nested[..nested.len() - 1]);
    let long_key = format!("{{\"{}\": \"zork\"}}", "k".repeat(3 << 20));
    tree.file("key.json", long_key);
    let message = format!(
        "zork: open.json: malformed JSON at line 1, column {}: expected `,` or `]`, but the file ends",
        nested.len()
    );
    for_each_engine(|engine| {
        let ended = zork(engine).args(["-c", "-j", "2"]).within(tree.root()).run();
        ended.trouble(
            &["key.json:1", "nested.json:1", "number.json:1", "open.json:1", "string.json:2"],
            &[&message],
        );
        let ended = zork(engine).args(["-n", "-j", "2"]).within(tree.root()).run();
        assert_eq!((ended.code(), &*ended.stderr), (2, &*format!("{message}\n")));
        assert_eq!(ended.lines().len(), 6);
        assert!(ended.lines().contains(&format!("string.json:1:{}:", (3 << 20) + 1)));
        assert!(ended.stdout.len() < 1 << 20, "pointers are cut at a length");
    });
}

#[test]
fn size_costs_no_memory() {
    let bytes = if long_tests() { 400 << 20 } else { 24 << 20 };
    let tree = Tree::new();
    let mut long = vec![b'x'; bytes];
    long[0] = b'"';
    long[bytes - 5..].copy_from_slice(b"zork\"");
    tree.file("string.json", &long);
    drop(long);
    for_each_engine(|engine| {
        let ended = zork(engine).args(["--json", "-n"]).within(tree.root()).run();
        let lines = ended.json();
        assert_eq!((ended.code(), &lines[0]["column"]), (0, &json!(bytes - 4)));
        let peak = lines[1]["peak_rss_bytes"].as_u64().expect("a number");
        assert!(peak < 20 << 20, "{peak} bytes");
    });
}

#[test]
fn a_hole_is_not_json() {
    let tree = Tree::new();
    let file = File::create(tree.path("hole.json")).expect("a file");
    file.set_len(8 << 30).expect("a length");
    let file = File::create(tree.path("tail.json")).expect("a file");
    file.write_all_at(b"[\"zork\"]", 0).expect("writes");
    file.set_len(8 << 30).expect("a length");
    for_each_engine(|engine| {
        zork(engine).within(tree.root()).run().trouble(
            &["tail.json"],
            &[
                "zork: hole.json: malformed JSON at line 1, column 1: expected a value",
                "zork: tail.json: malformed JSON at line 1, column 9: expected nothing more behind the document",
            ],
        );
    });
}
