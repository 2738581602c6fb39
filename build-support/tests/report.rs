//! What the report says beyond bounds: lines of source, and how many bounds of which size there are.

use std::process::Command;

fn bounds(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_vthread-bounds")).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn calls_in_a_chain_have_their_lines() {
    let me = env!("CARGO_BIN_EXE_vthread-bounds");
    // A function of ours that calls others, in a build with line tables.
    let text = bounds(&["--why", "vale_threads_build::groups::groups", me]);
    assert!(text.contains(".rs:"), "{text}");
}

#[test]
fn the_histogram_counts_every_bound_once() {
    let text = bounds(&["--all", "--json", env!("CARGO_BIN_EXE_vthread-bounds")]);
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let known = report["functions"].as_array().expect("a list").iter().filter(|f| f["why"].is_null()).count();
    let buckets = report["histogram"].as_array().expect("a list");
    let counted: u64 = buckets.iter().filter_map(|b| b["count"].as_u64()).sum();
    assert!(known > 100, "{known}");
    assert_eq!(counted, known as u64);
    for bucket in buckets {
        assert!(bucket["from"].as_u64() < bucket["below"].as_u64(), "{bucket}");
    }
}
