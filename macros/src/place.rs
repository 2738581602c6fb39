//! Where in its crate the attribute stands, as far as the name of its file tells: for paths that begin with `crate`.

use std::path::Path;

/// The modules that lead from the root of the crate to the file of the attribute. Nothing where that cannot be told, as for what
/// `#[path]`, another layout than Cargo's or no compiler at all has put there.
pub(crate) fn of_file() -> Option<Vec<String>> {
    if !proc_macro::is_available() {
        return None;
    }
    modules(&proc_macro::Span::call_site().local_file()?, Path::exists)
}

fn modules(file: &Path, exists: impl Fn(&Path) -> bool) -> Option<Vec<String>> {
    let parts: Vec<&str> = file.components().map(|part| part.as_os_str().to_str()).collect::<Option<_>>()?;
    let (name, folders) = parts.split_last()?;
    let name = name.strip_suffix(".rs")?;
    // Each of the other folders has crates of its own: `bin/x.rs` and `bin/x/main.rs`.
    let at = folders.iter().rposition(|f| ["src", "tests", "examples", "benches"].contains(f))?;
    let mut below = &folders[at + 1..];
    if folders[at] != "src" || below.first() == Some(&"bin") {
        below = below.strip_prefix(&["bin"]).unwrap_or(below);
        if below.is_empty() {
            return Some(vec![]);
        }
        // Of other folders the crates beside them share modules: `tests/common/mod.rs`.
        let folder = file.ancestors().nth(below.len())?;
        if exists(&folder.join("main.rs")) {
            below = &below[1..];
        }
    }
    let of_folder = name == "mod" || below.is_empty() && ["lib", "main"].contains(&name);
    let all = below.iter().copied().chain((!of_folder).then_some(name));
    Some(all.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::modules;
    use std::path::Path;

    #[test]
    fn files_are_modules() {
        let exists = |file: &Path| {
            ["src/bin/tool/main.rs", "tests/all/main.rs"].iter().any(|main| file.ends_with(main))
        };
        let modules = |file: &str| modules(Path::new(file), exists).map(|all| all.join("::"));
        for (file, place) in [
            ("src/lib.rs", ""),
            ("member/src/main.rs", ""),
            ("/other/src/member/src/shapes.rs", "shapes"),
            ("src/shapes/mod.rs", "shapes"),
            ("src/shapes/round/main.rs", "shapes::round::main"),
            ("src/bin/tool.rs", ""),
            ("src/bin/tool/main.rs", ""),
            ("src/bin/tool/parts.rs", "parts"),
            ("tests/all.rs", ""),
            ("tests/all/main.rs", ""),
            ("tests/all/shapes/mod.rs", "shapes"),
            ("member/tests/all/shapes/round/mod.rs", "shapes::round"),
            ("tests/common/mod.rs", "common"),
            ("member/tests/common/shapes.rs", "common::shapes"),
            ("src/bin/common/mod.rs", "common"),
            ("examples/tool.rs", ""),
        ] {
            assert_eq!(modules(file).as_deref(), Some(place), "{file}");
        }
        assert_eq!(modules("build.rs"), None);
        assert_eq!(modules("src/notes.txt"), None);
    }
}
