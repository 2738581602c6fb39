//! `docs/SHOWN.md` says which tests show what is asked of the link step: they exist, and none of these tests is left out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the tables, without headings.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| line.starts_with("| ") && *line != "| what | shown by |")
}

/// What stands between backquotes in the last column.
fn named(page: &str) -> BTreeSet<&str> {
    rows(page)
        .filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

/// The files in which a test of this name may stand, and the test.
fn place(name: &str) -> (Vec<PathBuf>, &str) {
    let (path, test) = name.rsplit_once("::").unwrap_or(("", name));
    let files = match path.split_once("::") {
        Some(("src", module)) => {
            let module = here().join("src").join(module.replace("::", "/"));
            vec![module.with_extension("rs"), module.join("mod.rs")]
        }
        Some(("runtime", file)) => vec![here().join(format!("../runtime/tests/{file}.rs"))],
        Some(("tests", file)) => vec![here().join(format!("../tests/tests/{file}.rs"))],
        Some(("zork", file)) => vec![here().join(format!("../workload/tests/{file}.rs"))],
        None if path == "abi" => vec![here().join("abi/src/lib.rs")],
        // Its modules are files in the folder of its name.
        None => {
            let parts = std::fs::read_dir(here().join("tests").join(path)).into_iter().flatten();
            let parts = parts.filter_map(|part| Some(part.ok()?.path())).filter(|p| p.extension().is_some());
            parts.chain([here().join(format!("tests/{path}.rs"))]).collect()
        }
        Some(_) => Vec::new(),
    };
    (files, test)
}

fn exists(name: &str) -> bool {
    let (files, test) = place(name);
    let test = format!("fn {test}()");
    files.iter().any(|file| std::fs::read_to_string(file).is_ok_and(|text| has_test(&text, &test)))
}

/// Is it a function with the attribute of tests?
fn has_test(text: &str, function: &str) -> bool {
    text.split("#[test]\n").skip(1).any(|rest| {
        rest.lines().find(|line| !line.trim_start().starts_with("#[")).is_some_and(|l| l.contains(function))
    })
}

#[test]
fn what_the_page_names_exists() {
    let page = read(&here().join("docs/SHOWN.md"));
    let bare: Vec<&str> = rows(&page).filter(|row| !row.trim_end().ends_with("` |")).collect();
    assert!(bare.is_empty(), "no test shows {bare:#?}");
    let missing: Vec<&str> = named(&page).into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    for wrong in
        ["link_step::nothing", "src::groups::groups", "tests::nothing::at_all", "nothing", "cli::bounds"]
    {
        assert!(!exists(wrong), "{wrong}");
    }
}

#[test]
fn no_test_is_left_out() {
    let page = read(&here().join("docs/SHOWN.md"));
    let named: BTreeSet<&str> =
        named(&page).into_iter().map(|n| n.rsplit("::").next().unwrap_or(n)).collect();
    let mut seen = 0;
    for folder in ["tests", "tests/link_step"] {
        for file in std::fs::read_dir(here().join(folder)).expect("the tests") {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|e| e != "rs") || path.ends_with("shown.rs") {
                continue;
            }
            let text = read(&path);
            for rest in text.split("#[test]\n").skip(1) {
                let name = rest.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                let (name, _) = name.expect("a function");
                assert!(named.contains(name), "{name} of {}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 30, "{seen}");
}
