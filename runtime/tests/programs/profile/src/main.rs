//! Chunks, hops, parks, vector registers, panics and a thread-local in a few lines, to be built with unusual profiles.

use std::hint::black_box;
use vthread::__private::{hop, on_chunk};

fn sum(lanes: [f64; 16]) -> f64 {
    let mut lanes = black_box(lanes);
    for _ in 0..10 {
        for lane in &mut lanes {
            *lane = lane.mul_add(0.5, 1.0);
        }
        // Live vector registers across a switch.
        park_a_little();
    }
    lanes.iter().sum()
}

fn park_a_little() {
    // The runtime's loop comes first, so that this stack is left even if nobody else is ready.
    vthread::yield_now();
}

thread_local! {
    /// With a destructor: the compiler leaves what initialises it a function of its own.
    static PARKS: String = {
        park_a_little();
        "initialised while others ran".to_owned()
    };
}

fn initialise() {
    let refused = std::panic::catch_unwind(|| PARKS.with(String::len)).is_err();
    // It may park again.
    park_a_little();
    println!("{}", if refused { "refused" } else { "parked in an initialiser" });
}

fn main() {
    if std::env::args().any(|argument| argument == "initialise") {
        return vthread::run(initialise);
    }
    let fails = std::env::args().any(|argument| argument == "panic");
    let (text, same) = vthread::run(|| {
        let text = on_chunk(|| format!("{}", hop(|| 6 * 7)));
        if fails {
            let _witness = Witness;
            on_chunk(|| hop(|| panic!("a panic on a chunk")));
        }
        let expected = sum([1.0; 16]);
        (text, (0..100).filter(|_| on_chunk(|| sum([1.0; 16])).to_bits() == expected.to_bits()).count())
    });
    println!("{text} {same}");
}

/// Says when it is dropped.
struct Witness;

impl Drop for Witness {
    fn drop(&mut self) {
        println!("dropped");
    }
}
