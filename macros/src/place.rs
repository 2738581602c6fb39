//! Where in its crate the attribute stands, as far as the name of its file tells: for paths that begin with `crate`.

use std::path::Path;

/// The modules that lead from the root of the crate to the file of the attribute. Nothing where that cannot be told, as for what
/// `#[path]`, another layout than Cargo's or no compiler at all has put there.
pub(crate) fn of_file() -> Option<Vec<String>> {
    if !proc_macro::is_available() {
        return None;
    }
    modules(&proc_macro::Span::call_site().local_file()?)
}

fn modules(file: &Path) -> Option<Vec<String>> {
    let parts: Vec<&str> = file.components().map(|part| part.as_os_str().to_str()).collect::<Option<_>>()?;
    let (name, folders) = parts.split_last()?;
    let name = name.strip_suffix(".rs")?;
    // Each of the other folders has crates of its own: `bin/x.rs` and `bin/x/main.rs`.
    let at = folders.iter().rposition(|f| ["src", "tests", "examples", "benches"].contains(f))?;
    let mut below = &folders[at + 1..];
    if folders[at] != "src" || below.first() == Some(&"bin") {
        below = below.strip_prefix(&["bin"]).unwrap_or(below);
        match below.split_first() {
            None => return Some(vec![]),
            Some((_, rest)) => below = rest,
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
        let modules = |file: &str| modules(Path::new(file)).map(|all| all.join("::"));
        for (file, place) in [
            ("src/lib.rs", ""),
            ("member/src/main.rs", ""),
            ("/home/src/member/src/shapes.rs", "shapes"),
            ("src/shapes/mod.rs", "shapes"),
            ("src/shapes/round/main.rs", "shapes::round::main"),
            ("src/bin/tool.rs", ""),
            ("src/bin/tool/main.rs", ""),
            ("src/bin/tool/parts.rs", "parts"),
            ("tests/all.rs", ""),
            ("tests/all/main.rs", ""),
            ("tests/all/shapes/mod.rs", "shapes"),
            ("examples/tool.rs", ""),
        ] {
            assert_eq!(modules(file).as_deref(), Some(place), "{file}");
        }
        assert_eq!(modules("build.rs"), None);
        assert_eq!(modules("src/notes.txt"), None);
    }
}
