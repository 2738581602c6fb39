//! What annotated code must not cost: memory from the heap, and instructions where nothing is concurrent. Those are counted by cachegrind in
//! `examples/macro_probe.rs`, built for release; `macros/benches/cost.rs` shows them as a table.

mod aside;
mod finished;
#[path = "../../macros/benches/kernels/mod.rs"]
#[allow(dead_code, reason = "only the probe runs them; here are their names and limits")]
mod kernels;
mod places;
mod pointers;
mod room;

use kernels::{KERNELS, Limit};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use vale_threads_build::program::Loaded;
use vale_threads_build::report;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does all of it. The count needs no memory: a thread local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: what the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: what the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `f` asks for memory on this thread.
fn allocations(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    f();
    ALLOCATIONS.with(Cell::get) - before
}

#[vthread::vthread(exact)]
mod animals {
    pub trait Animal {
        fn legs(&self, more: [u64; 6]) -> u64;
    }

    pub struct Bird(pub u64);
    pub struct Flock<'a>(pub &'a dyn Animal);

    impl Animal for Bird {
        fn legs(&self, more: [u64; 6]) -> u64 {
            self.0 + more[5]
        }
    }

    impl Animal for Flock<'_> {
        fn legs(&self, more: [u64; 6]) -> u64 {
            2 * self.0.legs(more)
        }
    }

    pub fn sum(of: &dyn Animal, rounds: u64) -> u64 {
        (0..rounds).map(|i| of.legs([i; 6])).sum()
    }

    pub fn depth(n: u64) -> u64 {
        if n == 0 { 0 } else { 1 + depth(n - 1) }
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn concurrent_dyn_calls_and_recursion_take_nothing_from_the_heap() {
    let (sum, on_chunk, made) = vthread::run(|| {
        let bird = animals::Bird(2);
        let flock = animals::Flock(&bird);
        // The first round may fetch chunks for the free lists.
        let mut sum = animals::sum(black_box(&flock), 10) + animals::depth(200);
        let made = allocations(|| sum += animals::sum(black_box(&flock), 1000) + animals::depth(200));
        (sum, vthread::__private::current() & 1, made)
    });
    assert_eq!(sum, 2 * (10 * 2 + 45) + 200 + 2 * (1000 * 2 + 499_500) + 200);
    assert_eq!(on_chunk, 1, "the calls ran on chunks");
    assert_eq!(made, 0, "allocations in 2,000 dyn calls and 200 recursive ones");
}

/// Small methods are called in place, with what they call, and with a call that they make at most once, by way of a stub. Those that have something
/// large on their own stack only where there is room for it anyway.
#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "the machine code is x86-64's")]
fn small_methods_are_called_in_place() {
    let in_place = finished::callers_in_place(&probe());
    let of = |method: &str| in_place.iter().filter(|name| name.ends_with(method)).count();
    for (method, types) in [
        ("area", 2),
        ("distance", 2),
        ("apply", 2),
        ("mix", 2),
        ("find", 2),
        ("block", 0),
        ("room", 0),
        ("roomy", 2),
    ] {
        assert_eq!(of(&format!("::__chunk_{method}")), types, "{method}: {in_place:#?}");
    }
    let bytes = std::fs::read(probe()).expect("the probe");
    let report = report::entries(&Loaded::read(&bytes).expect("an executable with records"));
    let aside: Vec<_> = report.hopped.iter().filter(|(_, why)| why.starts_with("so that a method")).collect();
    for function in ["slow", "large", "other", "fussy", "large_of_words"] {
        assert!(
            aside.iter().any(|(name, _)| name.ends_with(&format!("::__vt_{function}"))),
            "{function}: {aside:#?}"
        );
    }
    for (method, is_in_place) in aside::METHODS.iter().chain(room::METHODS) {
        let types = if *is_in_place { 2 } else { 0 };
        assert_eq!(of(&format!("::__chunk_{method}")), types, "{method}: {in_place:#?}");
    }
}

#[test]
fn what_is_called_by_way_of_a_stub_answers_as_it_should() {
    let [plain, concurrent] = aside::answers();
    assert_eq!(plain, concurrent);
    assert_eq!(plain.iter().filter(|answer| answer.is_none()).count(), 4, "panics");
    let output = Command::new(probe()).arg("aside").output().expect("it runs");
    let optimised = String::from_utf8_lossy(&output.stdout);
    assert_eq!(optimised, format!("{:?}\n", [&plain, &plain]), "{output:?}");
}

#[test]
fn what_is_called_where_there_is_room_answers_as_it_should() {
    let [plain, concurrent] = room::answers();
    assert_eq!(plain, concurrent);
    let output = Command::new(probe()).arg("room").output().expect("it runs");
    let optimised = String::from_utf8_lossy(&output.stdout);
    assert_eq!(optimised, format!("{:?}\n", [&plain, &plain]), "{output:?}");
}

/// That both link says that the calls of one module have bounds, with optimisation and without; then, all have.
#[test]
fn who_calls_by_pointers_has_a_bound() {
    let [plain, concurrent] = pointers::answers();
    assert_eq!(plain, concurrent);
    let probe = probe();
    let output = Command::new(&probe).arg("pointers").output().expect("it runs");
    let optimised = String::from_utf8_lossy(&output.stdout);
    assert_eq!(optimised, format!("{:?}\n", [&plain, &plain]), "{output:?}");
    let without = finished::entries_without_a_bound(&probe);
    assert!(without.is_empty(), "{without:?}");
}

/// A virtual call that takes a chunk, over one without the attribute: looking for the chunk, taking it, giving it back.
const CHUNK: f64 = 45.0;

/// The probe, built as users build. It shares its folder with the probe of `hot_paths.rs`, and so most of what is compiled.
fn probe() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hot-paths");
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--release", "--example", "macro_probe", "--target-dir"]).arg(&target);
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(built.status.success(), "macro_probe: {}", String::from_utf8_lossy(&built.stderr));
    target.join("release/examples/macro_probe")
}

fn instructions(probe: &Path, kernel: usize, form: usize, rounds: u64) -> f64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command.arg(probe).args([kernel.to_string(), form.to_string(), rounds.to_string()]);
    let output = command.output().unwrap_or_else(|error| {
        panic!("valgrind counts the instructions, and cannot be run ({error}): install it, as .ci/run does")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| line.contains("I ") && line.contains("refs:"));
    let count = line.and_then(|line| line.rsplit(':').next()?.trim().replace(',', "").parse().ok());
    count.unwrap_or_else(|| panic!("valgrind printed no count: {said}"))
}

/// A round's instructions in each form.
fn counts(probe: &Path, index: usize) -> [f64; 3] {
    let rounds = KERNELS[index].rounds;
    [0, 1, 2].map(|form| {
        let [few, many] = [1, 2].map(|n| instructions(probe, index, form, n * rounds));
        (many - few) / rounds as f64
    })
}

/// What is too much of a round's instructions without the attribute, with it, and with it in a vthread; nothing if none is.
fn too_much(limit: Limit, [without, plain, concurrent]: [f64; 3]) -> String {
    let mut wrong = String::new();
    let most = match limit {
        Limit::Percent(percent) => without * (1.0 + percent / 100.0),
        Limit::VirtualCall(more) => without + more,
    };
    // The start of a process varies by a few thousand.
    if plain > most + 0.5 {
        let _ =
            write!(wrong, "{plain:.1} instructions, {without:.1} without #[vthread], {most:.1} at most; ");
    }
    if matches!(limit, Limit::VirtualCall(more) if concurrent > without + more + CHUNK) {
        let _ = write!(wrong, "{concurrent:.1} on chunks, {without:.1} without #[vthread]; ");
    }
    wrong
}

#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "counts are those of x86-64")]
fn what_is_not_concurrent_costs_what_it_did() {
    let probe = probe();
    let next = AtomicUsize::new(0);
    // Most of it is valgrind's start, so all processors take part.
    let work = || {
        let mine = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)).filter(|n| *n < KERNELS.len()));
        mine.map(|index| (index, counts(&probe, index))).collect::<Vec<_>>()
    };
    let mut found: Vec<_> = std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("the counts")).collect()
    });
    found.sort_by_key(|(index, _)| *index);
    let mut wrong = String::new();
    for (index, counts) in found {
        let kernel = &KERNELS[index];
        println!("{:<24} {counts:.1?}", kernel.name);
        let found = too_much(kernel.limit, counts);
        if !found.is_empty() {
            let _ = writeln!(wrong, "{}: {found}", kernel.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What is known of one stack must not be taken for known of another, which only optimised code could do. And the link step must find on
/// chunks what is called there, or all of it would be carried out elsewhere, which only other code may need.
#[test]
fn closures_ask_where_they_run_and_not_where_they_were_made() {
    assert_eq!(places::on_chunks(), (4, 7));
    let output = Command::new(probe()).arg("places").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "(4, 7)\n", "{output:?}");
}

#[test]
fn the_cost_gate_closes() {
    assert_eq!(too_much(Limit::Percent(5.0), [100.0, 105.0, 900.0]), "");
    assert!(too_much(Limit::Percent(5.0), [100.0, 106.0, 0.0]).contains("106.0 instructions"));
    assert_eq!(too_much(Limit::VirtualCall(7.0), [18.0, 25.0, 65.0]), "");
    assert!(too_much(Limit::VirtualCall(7.0), [18.0, 26.0, 65.0]).contains("25.0 at most"));
    assert!(too_much(Limit::VirtualCall(7.0), [18.0, 25.0, 90.0]).contains("90.0 on chunks"));
}
