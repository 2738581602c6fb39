//! A program that the link step is done with, analysed as the link step did.

use std::path::Path;
use vale_threads_abi::flags::RAW;
use vale_threads_abi::{Kind, UNPROVED, chunk_size};
use vale_threads_build::frames::Place;
use vale_threads_build::functions::display_name;
use vale_threads_build::program::Loaded;

/// The functions that call in place what they would else enter on chunks.
///
/// # Panics
/// When a size that was written is not what the program needs as it is now.
pub fn callers_in_place(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).expect("the program");
    let loaded = Loaded::read(&bytes).expect("an executable with records");
    assert!(loaded.records.are_served(&loaded.image), "no sizes were written");
    let solved = loaded.entries();
    let mut callers = vec![];
    for record in loaded.records.of_kind(Kind::Chunk).filter(|r| r.flags & RAW == 0) {
        let node = solved.graph.entry(record.callee, Place::OnChunk).expect("an entry");
        let needed = solved.needs[node].bound().and_then(|bound| chunk_size(bound, record.extra));
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
