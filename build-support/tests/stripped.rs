//! An executable without symbols: functions are known from the unwind tables, and less is said. Nothing is guessed.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

struct Line {
    name: String,
    bytes: Option<u64>,
    certainty: String,
}

/// What `vthread-bounds --all` says, by address; `bytes` only of what has a bound.
fn every_function(file: &Path) -> BTreeMap<u64, Line> {
    let output = Command::new(env!("CARGO_BIN_EXE_vthread-bounds"))
        .args(["--all", "--json"])
        .arg(file)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let lines = report["functions"].as_array().expect("a list").iter().map(|f| {
        let certainty = f["certainty"].as_str().expect("a word").to_owned();
        let bytes = f["bytes"].as_u64().filter(|_| certainty != "unknown");
        // What has no bound says why.
        assert_eq!(bytes.is_none(), f["why"].is_string(), "{f}");
        let name = f["name"].as_str().expect("a name").to_owned();
        (f["address"].as_u64().expect("an address"), Line { name, bytes, certainty })
    });
    lines.collect()
}

/// Every bound is as large as with symbols, or larger, or not there: never smaller, and none that was not there before.
#[test]
fn without_symbols_bounds_are_the_same_or_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, stripped) = (folder.path().join("whole"), folder.path().join("stripped"));
    std::fs::copy(env!("CARGO_BIN_EXE_vthread-bounds"), &whole).expect("copied");
    let strip = Command::new("strip")
        .arg("--strip-all")
        .arg("-o")
        .arg(&stripped)
        .arg(&whole)
        .status()
        .expect("strip");
    assert!(strip.success());
    let (with, without) = (every_function(&whole), every_function(&stripped));

    // Most functions have an entry in the unwind tables; those of assembly have none, and are not made up.
    assert!(
        with.len() > 1000 && without.len() * 100 >= with.len() * 99,
        "{} of {}",
        without.len(),
        with.len()
    );
    assert!(
        with.contains_key(&address_of(&with, "_fini")) && !without.contains_key(&address_of(&with, "_fini"))
    );
    let mut proved = 0;
    for (address, line) in &without {
        assert!(line.name.starts_with("function at 0x"), "{} has a name", line.name);
        let before = with.get(address).unwrap_or_else(|| panic!("{address:#x} is no function"));
        let Some(bytes) = line.bytes else { continue };
        let known = before.bytes.unwrap_or_else(|| panic!("{} is unknown, with symbols", before.name));
        assert!(bytes >= known, "{}: {bytes} without symbols, {known} with them", before.name);
        assert!(line.certainty == before.certainty || line.certainty == "at most", "{}", before.name);
        proved += 1;
    }
    let known = with.values().filter(|l| l.bytes.is_some()).count();
    assert!(proved * 100 >= known * 99, "{proved} of {known}");
}

fn address_of(lines: &BTreeMap<u64, Line>, name: &str) -> u64 {
    *lines.iter().find(|(_, line)| line.name == name).unwrap_or_else(|| panic!("no {name}")).0
}
