//! The example of the original plan: what `vthread-bounds` writes for it. docs/example.md explains the numbers.

#[path = "common/build.rs"]
mod build;

use build::Build;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn bounds(arguments: &[&str], executable: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_vthread-bounds"))
        .args(arguments)
        .arg(executable)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// One of the four functions, as macro and compiler left it.
struct Function {
    bound: u64,
    /// What it uses itself, its return address included.
    own: u64,
    /// What it calls at the deepest.
    next: Option<String>,
}

fn function(report: &Value, name: &str) -> Function {
    let all = report["functions"].as_array().expect("a list");
    // A recursive function has its body apart, once for chunks and once for elsewhere: the one for chunks needs more.
    let names = ["__vt", "__body"].map(|kind| format!("plan::plan::{kind}_{name}"));
    let line = all
        .iter()
        .filter(|f| names.iter().any(|n| f["name"] == **n))
        .max_by_key(|f| f["bytes"].as_u64())
        .unwrap_or_else(|| panic!("no {name} in {report}"));
    read(line)
}

/// The entry that prints: the virtual method, which the call onto its chunk has taken in.
fn printing_entry(report: &Value) -> Function {
    let all = report["functions"].as_array().expect("a list");
    let prints = |f: &&Value| {
        f["chain"].as_array().is_some_and(|c| c.iter().any(|l| l["name"] == "std::io::stdio::_print"))
    };
    let line = all.iter().find(prints).unwrap_or_else(|| panic!("nobody prints in {report}"));
    assert!(line["chunk"].as_u64() >= line["bytes"].as_u64(), "{line}");
    read(line)
}

fn read(line: &Value) -> Function {
    assert_eq!(line["certainty"], "exact", "{line}");
    let chain = line["chain"].as_array().expect("a list");
    Function {
        bound: line["bytes"].as_u64().expect("a number"),
        own: chain[0]["bytes"].as_u64().expect("a number"),
        next: chain.get(1).and_then(|link| link["name"].as_str()).map(str::to_owned),
    }
}

#[test]
fn the_four_functions_of_the_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let way = Build { release: true, ..Build::default() };
    let executable = way.executable("plan", folder.path());
    let output = Command::new(&executable).output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Launching!\n");

    let json = bounds(&["--why", "plan::plan::", "--json"], &executable);
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let [triple, main, factorial] = ["triple", "main", "factorial"].map(|name| function(&report, name));
    let entries = serde_json::from_str(&bounds(&["--json"], &executable)).expect("JSON");
    let launch = printing_entry(&entries);

    println!("| function | own frame | bound |\n|---|---|---|");
    for (name, f) in [("triple", &triple), ("main", &main), ("factorial", &factorial), ("launch", &launch)] {
        println!("| `{name}` | {} | {} |", f.own, f.bound);
    }
    // A leaf in registers: its return address and nothing else.
    assert_eq!((triple.own, triple.bound), (8, 8));
    // `z` lives in rbx across the call; both branches call, and the one for chunks needs more.
    assert_eq!(factorial.own, 16);
    assert_eq!(factorial.next.as_deref(), Some("plan::plan::__chunk_factorial"));
    // The deepest of what `main` calls on its own stack: `launch`, by a virtual call, which is called in place, as printing needs little until it hops.
    assert!(main.next.as_deref().is_some_and(|next| next.ends_with("::__slot_launch")), "{:?}", main.next);
    assert!(main.bound > main.own + factorial.bound.max(triple.bound));
    assert!(main.bound <= main.own + 128, "in place is what needs at most 128 bytes");
    // What std's printing does until it hops, which changes with std.
    assert!(launch.own < launch.bound && launch.bound < 500, "{}", launch.bound);

    // The constants say the same.
    let c = bounds(&["--why", "plan::plan::", "--emit", "c"], &executable);
    let rust = bounds(&["--why", "plan::plan::", "--emit", "rust"], &executable);
    let all = [("VT_TRIPLE", triple), ("VT_MAIN", main), ("BODY_FACTORIAL", factorial)];
    for (name, f) in all {
        let name = format!("STACK_PLAN_PLAN_{name}");
        assert!(c.contains(&format!("static const size_t {name} = {};", f.bound)), "{c}");
        assert!(rust.contains(&format!("pub const {name}: usize = {};", f.bound)), "{rust}");
    }
}
