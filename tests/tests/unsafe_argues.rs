//! Every `unsafe` of the repository has an argument of its own above it: `SAFETY:` where something is done, `# Safety` where callers owe something.
//!
//! Clippy (`undocumented_unsafe_blocks`) sees blocks and impls of the workspace. This reads all files, so also packages outside of it (fixtures, fuzz
//! targets, peers), code for other systems, bodies of macros, functions nobody exports, foreign functions, and attributes.

use std::fs;
use std::path::{Path, PathBuf};

/// What the macro writes: its templates argue, expansions have no comments.
const EXPANDED: &str = ".expanded.rs";
/// Programs that shall not compile.
const WRONG: &str = "tests/tests/ui/macro_fail";
/// An argument is found so many lines above, at most, with comments as one.
const FAR: usize = 14;

/// The code of a line: without comments and what is in quotes.
fn code(line: &str) -> String {
    let mut out = String::new();
    let (mut in_text, mut escaped, mut before) = (false, false, ' ');
    for c in line.chars() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' && before != '\'' {
            in_text = true;
        } else if c == '/' && before == '/' {
            out.pop();
            break;
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}

/// What follows the word, each time.
fn after_unsafe(code: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices("unsafe").filter_map(move |(at, word)| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        (!before.ends_with(is_of_name) && !after.starts_with(is_of_name)).then(|| after.trim_start())
    })
}

/// A function's type: who calls one argues.
fn is_type(after: &str) -> bool {
    let after = after.strip_prefix("extern").unwrap_or(after).trim_start();
    after.starts_with("fn(")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Does this function of a trait's impl keep what the trait says?
fn is_in_impl_of_trait(lines: &[&str], at: usize) -> bool {
    let above = lines[..at].iter().rev().filter(|l| !l.trim().is_empty() && indent(l) < indent(lines[at]));
    let head = above.map(|l| l.trim()).find(|l| !["where", "{", ")", "//"].iter().any(|w| l.starts_with(w)));
    head.is_some_and(|head| head.trim_start_matches("unsafe ").starts_with("impl") && head.contains(" for "))
}

/// Is there an argument for line `at`: above the statement or item that it is of, or, of what is no function, in it or just below?
fn argues(lines: &[&str], at: usize, is_function: bool) -> bool {
    let says = |line: &str| line.contains("SAFETY:") || line.contains("# Safety");
    if !is_function && lines[at..].iter().take(2).any(|line| says(line)) {
        return true;
    }
    for above in (0..at).rev().take(FAR) {
        let line = lines[above].trim();
        if line.starts_with("//") {
            let comment = lines[..=above].iter().rev().take_while(|line| line.trim().starts_with("//"));
            return comment.into_iter().any(|line| says(line));
        }
        // Attributes stand between an item and what is said of it; other lines that end so end something else.
        if !line.starts_with("#[") && (line.is_empty() || line.ends_with([';', '{', '}'])) {
            return false;
        }
    }
    false
}

/// How many places a text has, and the lines (from 1) of those that do not argue.
fn judge(text: &str) -> (usize, Vec<usize>) {
    let lines: Vec<&str> = text.lines().collect();
    let (mut places, mut silent) = (0, vec![]);
    for (at, line) in lines.iter().enumerate() {
        let code = code(line);
        let uses: Vec<&str> = after_unsafe(&code).filter(|after| !is_type(after)).collect();
        places += uses.len();
        let is_function = uses.first().is_some_and(|after| after.contains("fn "));
        let kept = is_function && uses.len() == 1 && is_in_impl_of_trait(&lines, at);
        if !uses.is_empty() && !kept && !argues(&lines, at, is_function) {
            silent.push(at + 1);
        }
    }
    (places, silent)
}

/// All files of Rust below a folder that are the project's own.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') && !path.ends_with(WRONG) {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") && !name.ends_with(EXPANDED) {
            into.push(path);
        }
    }
}

#[test]
fn every_unsafe_has_an_argument() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let (mut files, mut places, mut silent) = (vec![], 0, vec![]);
    sources(root, &mut files);
    for file in files {
        let (of_file, lines) = judge(&fs::read_to_string(&file).expect("text"));
        let name = file.strip_prefix(root).expect("below the root").display();
        places += of_file;
        silent.extend(lines.into_iter().map(|line| format!("{name}:{line}")));
    }
    println!("{places} places");
    assert!(places > 1000, "only {places} places: were all files read?");
    assert!(silent.is_empty(), "no argument at {} of {places}: {silent:#?}", silent.len());
}

#[test]
fn who_is_silent_is_found_out() {
    let silent = |text: &str| judge(text).1;
    for (text, lines) in [
        ("// SAFETY: it is.\nunsafe { f() };\nunsafe { g() };", &[3][..]),
        ("// It is.\nunsafe { f() };", &[2]),
        ("// SAFETY: it is.\nlet a = 1;\nlet b = unsafe { f() };", &[3]),
        ("// SAFETY: it is,\n// for long.\nlet b =\n    unsafe { f() };", &[]),
        ("// SAFETY: it is.\n\nunsafe impl Send for A {}", &[3]),
        ("/// # Safety\n/// It is.\n#[inline]\npub unsafe fn f() {}", &[]),
        ("/// It is safe.\n#[inline]\npub unsafe fn f() {}", &[3]),
        ("unsafe fn f() {\n    // SAFETY: it is.\n    unsafe { g() }\n}", &[1]),
        ("unsafe {\n    // SAFETY: it is.\n    g()\n}", &[]),
        ("unsafe extern \"C\" {\n    fn f();\n}", &[1]),
        ("#[unsafe(no_mangle)]\nfn f() {}", &[1]),
        ("impl A for B {\n    unsafe fn f() {}\n}", &[]),
        ("impl B {\n    unsafe fn f() {}\n}", &[2]),
        ("impl A for B {\n    fn f() { unsafe { g() } }\n}", &[2]),
        ("type A = unsafe extern \"C\" fn(u8);", &[]),
        ("// unsafe\nlet text = \"unsafe { }\"; // unsafe\n#![deny(unsafe_code)]", &[]),
        ("let c = '\"'; unsafe { f() }", &[1]),
    ] {
        assert_eq!(silent(text), lines, "{text}");
    }
}
