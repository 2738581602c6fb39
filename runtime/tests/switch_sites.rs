//! What a context switch keeps: read from this executable's own code.
#![cfg(vthread_native)]

#[path = "../benches/sites/mod.rs"]
mod sites;

use std::hint::black_box;
use vthread::__private::yield_now;

#[inline(never)]
fn keeps_nothing() {
    yield_now();
}

#[inline(never)]
fn keeps_eight_words(x: &[u64; 8]) -> u64 {
    let words = *black_box(x);
    yield_now();
    words.iter().enumerate().fold(0, |all, (i, word)| all ^ (word << i))
}

#[test]
fn a_switch_keeps_what_is_live_and_no_more() {
    let words = [1, 2, 3, 4, 5, 6, 7, 8];
    let expected = (0..8).fold(0, |all, i| all ^ (words[i] << i));
    let answer = vthread::run(|| {
        keeps_nothing();
        keeps_eight_words(&words)
    });
    assert_eq!(answer, expected);
    let exe = std::env::current_exe().and_then(std::fs::read).expect("this executable");
    let sites = sites::find(&exe);
    let least = |name: &str| {
        let of = sites.iter().filter(|site| site.function.contains(name)).map(|site| site.saved);
        of.min().unwrap_or_else(|| panic!("no switch in {name}: {sites:?}"))
    };
    let (few, many) = (least("keeps_nothing"), least("keeps_eight_words"));
    println!("{few} bytes with nothing to keep, {many} with eight words");
    assert!(few >= 16);
    // Without optimisation most lies in memory all the time. With it, nothing is kept twice and nothing that is needed is
    // missing.
    if !cfg!(debug_assertions) {
        assert!(few <= 96 && (few + 64 - 8..=few + 80).contains(&many), "{few} and {many}");
    }
}
