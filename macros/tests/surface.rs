//! `SURFACE.md` says which tests show what: they exist, every case of trybuild and every golden is named, and the corpus is as large as promised.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Names of the files in a folder that end so, without it.
fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let folder = root().join(folder);
    let all = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    all.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(ending)?.to_owned())).collect()
}

/// What stands between backquotes in the last column of the tables.
fn named(page: &str) -> BTreeSet<String> {
    let last = |line: &str| line.trim_end_matches(" |").rsplit(" | ").next().map(ToOwned::to_owned);
    let rows = page.lines().filter(|line| line.starts_with("| ") && *line != "| what | shown by |");
    rows.filter_map(last)
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect()
}

/// Why a name is not that of a test.
fn missing(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split("::").collect();
    let (path, text) = match parts.as_slice() {
        ["guide"] => ("macros/GUIDE.md".to_owned(), "```".to_owned()),
        ["corpus", file, program] => {
            (format!("macros/tests/corpus/{file}.rs"), format!("program!({program} {{"))
        }
        ["golden", name] => ("macros/src/golden.rs".to_owned(), format!(" {name} ")),
        ["fail", name] => (format!("tests/tests/ui/macro_fail/{name}.stderr"), String::new()),
        ["pass", name] => (format!("tests/tests/ui/macro_pass/{name}.rs"), "fn main()".to_owned()),
        [file @ ("basics" | "entries" | "fragments" | "locations" | "paths"), test] => {
            (format!("macros/tests/{file}.rs"), format!("fn {test}()"))
        }
        [file, test] => (format!("tests/tests/{file}.rs"), format!("fn {test}()")),
        _ => return Some(format!("{name}: no test is called so")),
    };
    match std::fs::read_to_string(root().join(&path)) {
        Ok(found) if found.contains(&text) => None,
        Ok(_) => Some(format!("{name}: not in {path}")),
        Err(e) => Some(format!("{name}: {path}: {e}")),
    }
}

#[test]
fn what_the_page_names_exists() {
    let page = read(&root().join("macros/SURFACE.md"));
    let rows = page.lines().filter(|line| line.starts_with("| ") && *line != "| what | shown by |");
    let bare: Vec<&str> = rows.filter(|row| !row.trim_end().ends_with("` |")).collect();
    assert!(bare.is_empty(), "no test shows {bare:#?}");
    let missing: Vec<String> = named(&page).iter().filter_map(|name| missing(name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_page_names_every_case() {
    let page = named(&read(&root().join("macros/SURFACE.md")));
    let cases = [
        ("fail", files("tests/tests/ui/macro_fail", ".rs")),
        ("pass", files("tests/tests/ui/macro_pass", ".rs")),
        ("golden", files("macros/golden", ".expanded.rs")),
    ];
    for (kind, all) in cases {
        assert!(!all.is_empty(), "{kind}");
        let absent: Vec<_> = all.iter().filter(|name| !page.contains(&format!("{kind}::{name}"))).collect();
        assert!(absent.is_empty(), "{kind}: {absent:?}");
    }
}

#[test]
fn a_name_that_is_no_test_is_found_out() {
    for wrong in ["corpus::calls::nothing", "golden::nothing", "fail::nothing", "basics::nothing", "nothing"]
    {
        assert!(missing(wrong).is_some(), "{wrong}");
    }
    assert_eq!(
        named("| what | shown by |\n|---|---|\n| `a` b | `c::d` `e` |\n"),
        ["c::d", "e"].map(String::from).into()
    );
}

#[test]
fn the_corpus_is_as_large_as_promised() {
    let folder = root().join("macros/tests/corpus");
    let texts: Vec<String> =
        files("macros/tests/corpus", ".rs").iter().map(|f| read(&folder.join(format!("{f}.rs")))).collect();
    let count = |word: &str| texts.iter().map(|t| t.matches(word).count()).sum::<usize>();
    assert!(count("program!(") >= 150, "{} programs", count("program!("));
    assert!(
        count("fn ") >= 1000 && count("trait ") >= 100,
        "{} functions, {} traits",
        count("fn "),
        count("trait ")
    );
}
