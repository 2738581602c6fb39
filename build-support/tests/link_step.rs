//! The link step as packages use it: the fixture is built by cargo in various ways, and runs its functions on chunks of
//! exactly the size that was written, with an inaccessible page directly below.

#[path = "common/build.rs"]
mod build;
#[path = "link_step/pairs.rs"]
mod pairs;
#[path = "link_step/targets.rs"]
mod targets;

use build::Build;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Functions that the fixture runs, with all features, where panics unwind.
const ALL: usize = 96;

const OPTIMISED_AND_STRIPPED: &[&str] =
    &["profile.release.strip=true", "profile.release.lto=\"fat\"", "profile.release.codegen-units=1"];

struct Built {
    executable: PathBuf,
    log: String,
}

fn fixture(way: &Build<'_>, folder: &Path) -> Built {
    let executable = way.executable("fixture", folder);
    // The log must be of this build, so it must link anew.
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    Built { executable, log }
}

/// What the fixture says of one function: name, size of its chunk and what it used, or unproved.
fn run(executable: &Path) -> Vec<(String, Option<(u64, u64)>)> {
    let output = Command::new(executable).env_remove("RUST_BACKTRACE").output().expect("the fixture runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("done, 0 failed"), "{text}");
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let name = words.next()?.to_owned();
        match (words.next()?, words.next(), words.next()) {
            ("unproved", None, None) => Some((name, None)),
            (size, Some(used), None) => Some((name, Some((size.parse().ok()?, used.parse().ok()?)))),
            _ => None,
        }
    });
    lines.collect()
}

/// Nothing faulted and no answer was wrong, or the fixture had failed; how many were proved, and how tight. Prints what docs/reality.md
/// has: `cargo test -p vale-threads-build --test link_step -- --nocapture`.
fn check(built: &Built, way: &str, least_run: usize, least_tight: u64) {
    let results = run(&built.executable);
    let (arguments, results): (Vec<_>, Vec<_>) = results.into_iter().partition(|r| r.0.starts_with("arg_"));
    assert!(results.len() >= least_run && arguments.len() >= 35, "{results:?} {arguments:?}");
    for (name, sizes) in results.iter().chain(&arguments) {
        if let Some((size, used)) = sizes {
            assert!(used <= size, "{name} used {used} of {size}");
        }
    }
    let unproved = |of: &[(String, Option<(u64, u64)>)]| {
        of.iter().filter(|r| r.1.is_none()).map(|r| r.0.clone()).collect::<Vec<_>>()
    };
    let (everyday, passing) = (unproved(&results), unproved(&arguments));
    assert!(everyday.len() * 10 <= results.len(), "unproved: {everyday:?}\n{}", built.log);
    assert!(passing.len() * 5 <= arguments.len(), "unproved: {passing:?}\n{}", built.log);
    let mut shares: Vec<u64> =
        results.iter().filter_map(|r| r.1).filter(|r| r.0 > 0).map(|(s, u)| 100 * u / s).collect();
    shares.sort_unstable();
    let median = shares[shares.len() / 2];
    let of = |from: u64, to: u64| shares.iter().filter(|s| (from..to).contains(s)).count();
    println!(
        "| {way} | {} | {} | {median} % | {} | {} | {} | {} | {} |",
        shares.len(),
        everyday.len(),
        of(0, 50),
        of(50, 70),
        of(70, 85),
        of(85, 95),
        of(95, 101),
    );
    println!("unproved with {way}: {everyday:?} {passing:?}");
    assert!(median >= least_tight, "{shares:?}");
}

/// What the report says of entries: their chunks, what is carried out elsewhere and why, what can block a carrier, and parks off the chunks: from what is
/// carried out elsewhere to the switch.
fn check_report(built: &Built) {
    let output = Command::new(env!("CARGO_BIN_EXE_vthread-bounds"))
        .arg("--json")
        .arg(&built.executable)
        .output()
        .expect("it runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let entries = report["functions"].as_array().expect("a list");
    for entry in entries.iter().filter(|e| e["chunk"].is_u64()) {
        assert!(entry["chunk"].as_u64() >= entry["bytes"].as_u64() && entry["why"].is_null(), "{entry}");
        let sum: u64 =
            entry["chain"].as_array().expect("a list").iter().filter_map(|l| l["bytes"].as_u64()).sum();
        assert_eq!(Some(sum), entry["bytes"].as_u64(), "the chain does not add up: {entry}");
    }
    let has = |list: &serde_json::Value, wanted: &str| {
        list.as_array().is_some_and(|list| list.iter().any(|one| one == wanted))
    };
    assert!(has(&report["hopped_imports"], "write") && has(&report["blocking_imports"], "write"), "{report}");
    assert!(entries.iter().any(|e| has(&e["blocking_imports"], "read")), "nobody reads");
    let hopped = report["hopped"].as_array().expect("a list");
    assert!(hopped.iter().all(|h| h["why"].as_str().is_some_and(|why| !why.is_empty())), "{hopped:?}");
    assert!(
        hopped.iter().any(|h| h["name"] == "fixture::marks::descend" && h["why"] == "recursive"),
        "{hopped:?}"
    );
    let by_others = |h: &&serde_json::Value| h["name"] == "fixture::marks::__vt_descend_by_others";
    let why = hopped.iter().find(by_others).map(|h| &h["why"]);
    assert!(why.is_some_and(|why| why == "recursive"), "{hopped:?}");
    let untold = hopped.iter().filter(|h| h["why"] == "as the link step decided").count();
    assert!(untold * 20 <= hopped.len(), "{hopped:?}");
    let parks = report["parks_off_the_chunks"].as_array().expect("a list");
    let ours = parks.iter().filter(|path| path[0] == "fixture::marks::parks_off_the_chunks");
    let paths: Vec<_> = ours.filter_map(|path| path.as_array()).collect();
    assert_eq!(paths.len(), 1, "{parks:?}");
    assert_eq!(paths[0][1], "fixture::marks::park", "{parks:?}");
    // Nothing else is carried out elsewhere and parks.
    assert!(parks.iter().all(|path| path.as_array().is_some_and(|p| p[1] == "fixture::marks::park")));
}

/// Panics on chunks of a few hundred bytes, by four threads at once: payloads and drops are judged by the fixture, here is judged what std's own
/// hook wrote.
fn check_panics(built: &Built) {
    let output = Command::new(&built.executable)
        .arg("panics")
        .env("RUST_BACKTRACE", "full")
        .output()
        .expect("the fixture runs");
    let (said, traces) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success() && said.contains("done, 0 failed"), "{said}");
    let traces: Vec<&str> = traces.split("panicked at src/panics.rs").skip(1).collect();
    assert_eq!(traces.len(), 40, "a panic was not reported, or twice");
    for trace in traces {
        // Innermost first: the hop stack, the chunk of the panic, the chunk that catches it, the thread's own stack.
        let mut rest = trace;
        for frame in [
            "begin_panic",
            "raised_on_a_chunk",
            "__morestack",
            "caught_on_a_chunk",
            "__morestack",
            "one_thread",
            "thread_start",
        ] {
            let at = rest.find(frame).unwrap_or_else(|| panic!("no {frame} where it should be in {trace}"));
            rest = &rest[at + frame.len()..];
        }
    }
}

#[test]
fn functions_run_on_chunks_of_exactly_their_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = fixture(&Build::default(), folder.path());
    check(&built, "dev", ALL, 85);
    check_report(&built);
    check_panics(&built);
}

#[test]
fn optimised_stripped_and_at_fixed_addresses() {
    let folder = tempfile::tempdir().expect("a folder");
    let way = Build {
        flags: "-Crelocation-model=static",
        release: true,
        config: OPTIMISED_AND_STRIPPED,
        ..Build::default()
    };
    let built = fixture(&way, folder.path());
    check(&built, "release, fat LTO, not PIE, stripped", ALL, 85);
    // Why a call could not be moved is told: a closure of five texts has none of its own.
    let told = built.log.lines().filter(|l| l.contains("the call cannot be carried out elsewhere: ")).count();
    assert!(told >= 1, "{}", built.log);
    let data = std::fs::read(&built.executable).expect("readable");
    assert!(!data.windows(7).any(|w| w == b"VTHREAD"), "records were left in a stripped executable");
}

/// Other ways to build; those that change much about code in general with functions of well-known crates as well, which take three quarters of a build.
/// Long: set `VTHREAD_LONG_TESTS=1`.
#[test]
fn every_way_to_build() {
    if std::env::var_os("VTHREAD_LONG_TESTS").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let thin = "profile.release.lto=\"thin\"";
    let fat = "profile.release.lto=\"fat\"";
    let off = "profile.release.lto=\"off\"";
    let one = "profile.release.codegen-units=1";
    let many = "profile.release.codegen-units=16";
    let small = "profile.release.opt-level=\"s\"";
    let smallest = "profile.release.opt-level=\"z\"";
    // Of the link step itself nothing changes, or it would be built anew each time.
    let same_step = ["release", "dev"].map(|profile| {
        ["strip=\"none\"", "incremental=false", "debug=false"]
            .map(|setting| format!("profile.{profile}.build-override.{setting}"))
    });
    let builds: &[(&str, bool, bool, &[&str])] = &[
        ("", true, true, &[off, one]),
        ("", true, false, &[thin, many]),
        ("", true, true, &[fat, one]),
        ("", true, true, &[small, many]),
        ("", true, false, &[smallest]),
        ("", true, false, &["profile.release.strip=\"debuginfo\"", "profile.release.debug=2"]),
        ("", true, false, &["profile.release.incremental=true"]),
        ("", false, false, &["profile.dev.incremental=false"]),
        ("-Crelocation-model=static", false, false, &[]),
        ("-Crelocation-model=static", true, false, &[thin, one]),
        ("-Clinker-features=-lld", false, false, &[]),
        ("-Clinker-features=-lld", true, false, &[fat, one]),
        ("-Clinker-features=-lld -Crelocation-model=static", true, false, &[many]),
        ("-Clinker-features=-lld -Crelocation-model=static", false, false, &[]),
        ("-Clink-arg=-Wl,--icf=all", true, false, &[off]),
        ("-Cforce-frame-pointers=yes -Coverflow-checks", true, false, &[thin]),
        ("-Cforce-frame-pointers=yes", false, false, &[]),
        ("-Ctarget-cpu=native", true, false, &[off, one]),
        ("-Csymbol-mangling-version=v0", true, false, &[one]),
        ("-Ctarget-feature=+crt-static", true, false, &[]),
    ];
    for (flags, release, libraries, settings) in builds {
        let options: &[&str] = if *libraries { &[] } else { &["--no-default-features"] };
        let config: Vec<&str> =
            settings.iter().copied().chain(same_step.iter().flatten().map(String::as_str)).collect();
        let way = Build { flags, release: *release, config: &config, options, ..Build::default() };
        let built = fixture(&way, folder.path());
        let name = format!("{} {flags} {}", if *release { "release" } else { "dev" }, settings.join(" "));
        let run = if *libraries { ALL } else { ALL - pairs::WITH_LIBRARIES };
        check(&built, name.trim(), run, 75);
        if !name.contains("strip") {
            check_panics(&built);
        }
    }
}

#[test]
fn a_package_without_the_build_script_is_told_what_to_add() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Build::default().cargo("forgot", folder.path());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        text.contains("__vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step"),
        "{text}"
    );
}

/// What the link step said, addresses left out: they change with each compiler.
fn refusal(package: &str, way: &Build<'_>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = way.cargo(package, folder.path());
    assert!(!output.status.success());
    assert!(!way.made(package).exists(), "an executable was left behind");
    let text = String::from_utf8_lossy(&output.stderr);
    let start = text.find("error: [vthread]").unwrap_or_else(|| panic!("{text}"));
    let mut said = String::new();
    for line in text[start..].lines().map(str::trim).take_while(|l| !l.is_empty()) {
        let mut parts = line.split("0x");
        said += parts.next().unwrap_or_default();
        for part in parts {
            said += "0x..";
            said += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        }
        said.push('\n');
    }
    said
}

/// Compares with the snapshot beside the package; `VTHREAD_PIN=1` writes it anew.
fn refused_as_before(package: &str) {
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(package).join("refusal.txt");
    let said = refusal(package, &Build::default());
    if std::env::var_os("VTHREAD_PIN").is_some() {
        std::fs::write(&snapshot, &said).expect("written");
    }
    let before = std::fs::read_to_string(&snapshot).unwrap_or_default();
    assert_eq!(said, before, "pin anew with VTHREAD_PIN=1 if this is meant");
}

#[test]
fn recursion_without_a_wrapper_is_refused() {
    refused_as_before("recursive");
    // Whoever wants no symbols gets none, and the step has had them.
    let stripped: &[&str] = &["profile.dev.strip=\"symbols\"", "profile.dev.build-override.strip=\"none\""];
    for (flags, release, config) in [
        ("-Clink-arg=-Wl,-x", false, stripped),
        ("-Csymbol-mangling-version=v0", true, OPTIMISED_AND_STRIPPED),
    ] {
        let said = refusal("recursive", &Build { flags, release, config, ..Build::default() });
        for function in ["__vt_walk", "__vt_marked", "__vt_misplaced", "__vt_even"] {
            let refused =
                format!("`recursive::main::{function}` would run on a chunk and recurse there without end");
            assert!(said.contains(&refused), "{flags}: {said}");
        }
    }
}

/// `alloca` in assembly, a jump that is not followed, a call through a pointer, a call into a library.
#[test]
fn denied_entries_are_refused_with_the_reason() {
    refused_as_before("denied");
    let one = Build { variables: &[("ONLY_EXACT_ONES", "1")], ..Build::default() };
    let said = refusal("denied", &one);
    assert!(
        said.starts_with("error: [vthread] `denied::through_a_pointer` has no proved stack bound"),
        "{said}"
    );
    assert!(said.contains("#[vthread(exact)] demands one: ") && !said.contains("denied::grows"), "{said}");
}
