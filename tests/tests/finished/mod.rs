//! A program that the link step is done with, analysed as the link step did.

use std::path::Path;
use vale_threads_abi::flags::RAW;
use vale_threads_abi::{Kind, UNPROVED, chunk_size};
use vale_threads_build::bounds::{RETURN_ADDRESS, through};
use vale_threads_build::frames::Place;
use vale_threads_build::functions::display_name;
use vale_threads_build::graph::Step;
use vale_threads_build::groups::groups;
use vale_threads_build::program::{Loaded, Solved};

/// The functions that call in place what they would else enter on chunks.
///
/// # Panics
/// When a size that was written is not what the program needs as it is now, or calls in place have made one larger than they may.
pub fn callers_in_place(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).expect("the program");
    let loaded = Loaded::read(&bytes).expect("an executable with records");
    assert!(loaded.records.are_served(&loaded.image), "no sizes were written");
    let solved = loaded.entries();
    let without = without_calls_in_place(&loaded, &solved);
    let mut callers = vec![];
    for record in loaded.records.of_kind(Kind::Chunk).filter(|r| r.flags & RAW == 0) {
        let node = solved.graph.entry(record.callee, Place::OnChunk).expect("an entry");
        let needed = solved.needs[node].bound().and_then(|bound| chunk_size(bound, record.extra));
        if let Some(bound) = solved.needs[node].bound() {
            let on_chunks = without[node] + RETURN_ADDRESS;
            assert!(bound <= on_chunks + MOST_IN_PLACE - CALL, "{:#x}: {bound}, {on_chunks}", record.callee);
        }
        let written = loaded.image.bytes(record.site, 4).expect("in the file");
        let written = u32::from_le_bytes(written.try_into().expect("four bytes"));
        assert_eq!(needed.unwrap_or(UNPROVED), written, "{:#x}", record.callee);
        let caller = loaded.functions.containing(record.site).expect("a function").start;
        if loaded.records.enters(caller).is_some_and(|enters| enters.in_place) {
            callers.push(display_name(&loaded.image, caller));
        }
    }
    callers
}

/// What was found to have no bound.
#[allow(dead_code, reason = "one of the tests asks")]
pub fn entries_without_a_bound(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).expect("the program");
    let loaded = Loaded::read(&bytes).expect("an executable with records");
    let mut found = vec![];
    for record in loaded.records.of_kind(Kind::Chunk).filter(|r| r.flags & RAW == 0) {
        let written = loaded.image.bytes(record.site, 4).expect("in the file");
        if written == UNPROVED.to_le_bytes() {
            found.push(display_name(&loaded.image, record.callee));
        }
    }
    found
}

/// What is called in place although nobody may have room for it needs at most so much.
const MOST_IN_PLACE: u64 = 128;

/// What a call onto a chunk keeps of its caller's stack.
const CALL: u64 = 24;

/// What the nodes would need if nothing were called in place.
fn without_calls_in_place(loaded: &Loaded<'_>, solved: &Solved<'_, '_>) -> Vec<u64> {
    let graph = &solved.graph;
    let mut needs = vec![0; graph.nodes.len()];
    for number in groups(&graph.callees()).into_iter().flatten() {
        let node = &graph.nodes[number];
        let enters = loaded.records.enters(node.key.function).filter(|enters| enters.in_place);
        if enters.is_some() && node.key.place == Place::OnChunk {
            needs[number] = CALL - RETURN_ADDRESS;
            continue;
        }
        needs[number] = node.frame.own();
        for edge in &node.edges {
            let below = match edge.step {
                Step::Node(callee) => needs[callee],
                Step::Hop(_, cost) => cost,
                Step::Elsewhere => 0,
            };
            needs[number] = needs[number].max(through(graph, number, edge, below));
        }
    }
    needs
}
