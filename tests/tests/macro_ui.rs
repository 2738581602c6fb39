//! What the compiler says about code that `#[vthread]` cannot take, and programs of trybuild's own project.
//!
//! That project has no build script. Its cargo reads the linker from the environment, and the build script of this package is
//! one. So the programs that shall pass must show that they went through it: one checks itself while it runs, and the
//! records of all are read when they are done.

use object::{Object, ObjectSection};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use vthread::__private::abi;

#[test]
fn messages_and_programs() {
    // SAFETY: the only test of this process, so no other thread reads the environment.
    unsafe {
        std::env::set_var("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", env!("VTHREAD_LINK_STEP"));
    }
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/macro_pass/*.rs");
    cases.compile_fail("tests/ui/macro_fail/*.rs");
    // It runs the cases.
    drop(cases);
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        return;
    }
    // Cargo does not write anew what has not changed, but it was there.
    let passing = std::fs::read_dir("tests/ui/macro_pass").expect("the programs").count();
    let built = executables();
    assert!(built.len() >= passing, "{passing} programs, {built:?}");
    for path in built.iter().take(passing) {
        let bytes = std::fs::read(path).expect("an executable");
        let sizes = sizes(&bytes);
        assert!(!sizes.contains(&abi::UNPATCHED), "{}: an entry has no size", path.display());
        let proved = sizes.iter().filter(|s| **s > 0 && **s <= abi::LARGEST_CHUNK).count();
        assert!(proved > 0, "{}: nothing is proved among {sizes:?}", path.display());
    }
}

/// What trybuild built, the newest first.
fn executables() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<(SystemTime, PathBuf)>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() {
                if name != "deps" && name != "incremental" && name != "build" {
                    walk(&path, found);
                }
            } else if let Some(number) = name.strip_prefix("trybuild")
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
            {
                let written = entry.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                found.push((written, path));
            }
        }
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let mut found = vec![];
    walk(&target.join("tests"), &mut found);
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// What stands where each entry's size belongs.
fn sizes(executable: &[u8]) -> Vec<u32> {
    let file = object::File::parse(executable).expect("an ELF file");
    let records = file.section_by_name(abi::SECTION).expect("records").data().expect("readable");
    let code: Vec<_> = file.sections().filter(|s| s.kind() == object::SectionKind::Text).collect();
    let heads = (0..records.len()).step_by(8).filter(|at| records[*at..].starts_with(abi::HEAD));
    heads
        .filter(|at| abi::Kind::from_byte(records[at + 7]) == Some(abi::Kind::Chunk))
        .filter_map(|at| {
            let site = u64::from_le_bytes(records[at + 8..at + 16].try_into().ok()?);
            let text = code.iter().find_map(|s| s.data_range(site, 4).ok().flatten())?;
            Some(u32::from_le_bytes(text.try_into().ok()?))
        })
        .collect()
}
