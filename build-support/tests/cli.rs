//! `vthread-bounds` as a user meets it.

use std::path::Path;
use std::process::{Command, Output};

fn bounds(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vthread-bounds")).args(arguments).output().expect("it runs")
}

fn refused(content: &[u8], message: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, content).expect("written");
    let output = bounds(&[&file.to_string_lossy()]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(message), "{text}");
    assert!(output.stdout.is_empty());
}

fn myself() -> Vec<u8> {
    std::fs::read(env!("CARGO_BIN_EXE_vthread-bounds")).expect("readable")
}

#[test]
fn files_that_are_no_executables_are_refused() {
    refused(b"hello", "not an ELF file");
    refused(b"", "not an ELF file");
    let mut other = myself();
    other[18] = 183; // e_machine: AArch64
    refused(&other, "machine number 183");
    let mut narrow = myself();
    narrow[4] = 1;
    refused(&narrow, "64-bit");
    let mut object = myself();
    object[16] = 1; // e_type: relocatable
    refused(&object, "link it first");
}

#[test]
fn truncated_files_are_refused() {
    let whole = myself();
    for len in [5, 63, 64, 1000, whole.len() / 2] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, &whole[..len]).expect("written");
        assert_eq!(bounds(&["--all", &file.to_string_lossy()]).status.code(), Some(2), "{len} bytes");
    }
}

#[test]
fn a_missing_file_is_named() {
    let output = bounds(&["/not/there"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/not/there"));
}

#[test]
fn a_folder_is_no_executable() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = bounds(&[&folder.path().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("irectory"));
}

/// What is written for other programs to be compiled into them is accepted by their compilers: no name twice, none that is no identifier.
#[test]
fn constants_compile() {
    let folder = tempfile::tempdir().expect("a folder");
    let me = env!("CARGO_BIN_EXE_vthread-bounds");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let metadata = folder.path().join("sizes.rmeta");
    let compilers: [(&str, &str, Vec<&str>); 2] = [
        ("c", "cc", vec!["-fsyntax-only", "-w"]),
        (
            "rust",
            &rustc,
            vec!["--crate-type=lib", "--emit=metadata", "-o", metadata.to_str().expect("UTF-8")],
        ),
    ];
    for (language, compiler, options) in compilers {
        let file = folder.path().join(format!("sizes.{}", if language == "c" { "c" } else { "rs" }));
        let written = bounds(&["--all", "--emit", language, me]).stdout;
        assert!(written.len() > 10_000, "{language}");
        std::fs::write(&file, written).expect("written");
        let output = Command::new(compiler).args(options).arg(&file).output().expect("it runs");
        assert!(output.status.success(), "{language}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_function_of_an_ordinary_program() {
    let output = bounds(&["--all", "--json", env!("CARGO_BIN_EXE_vthread-bounds")]);
    assert!(output.status.success());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let functions = report["functions"].as_array().expect("a list");
    assert!(functions.len() > 1000);
    for certainty in ["exact", "at most", "unknown"] {
        assert!(functions.iter().any(|f| f["certainty"] == certainty), "none is {certainty}");
    }
    for function in functions {
        let known = function["certainty"] != "unknown";
        assert_eq!(known, function["why"].is_null());
        let chain = function["chain"].as_array().expect("a list");
        let sum: u64 = chain.iter().filter_map(|l| l["bytes"].as_u64()).sum();
        if known {
            assert_eq!(Some(sum), function["bytes"].as_u64(), "the chain does not add up: {function}");
        }
    }
}

#[test]
fn a_function_is_explained_and_constants_are_written() {
    let me = env!("CARGO_BIN_EXE_vthread-bounds");
    let why = bounds(&["--why", "vale_threads_build::groups::groups", me]);
    assert!(why.status.success());
    assert!(String::from_utf8_lossy(&why.stdout).contains("vale_threads_build::groups::groups"));
    assert_eq!(bounds(&["--why", "no::such::function", me]).status.code(), Some(2));
    for (language, start) in [("rust", "pub const STACK_"), ("c", "static const size_t STACK_")] {
        let output = bounds(&["--all", "--emit", language, me]);
        assert!(String::from_utf8_lossy(&output.stdout).contains(start));
    }
    let dot = bounds(&["--all", "--dot", me]);
    assert!(String::from_utf8_lossy(&dot.stdout).starts_with("digraph"));
    assert!(Path::new(me).exists());
}
