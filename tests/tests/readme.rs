//! The README's example, and the same function on OS threads with exact stacks: on both, recursion takes chunks.

use vthread::vthread;

#[vthread]
fn fibonacci(n: u64) -> u64 {
    // Recursive calls take a fresh chunk: what remains can be bounded.
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[test]
fn in_a_vthread() {
    assert_eq!(vthread::run(|| fibonacci(20)), 6765);
}

#[test]
fn on_exact_os_threads() {
    let threads: Vec<_> = (0..100).map(|i| vthread::os::spawn(move || fibonacci(i % 10))).collect();
    let sum: u64 = threads.into_iter().map(|t| t.expect("a thread").join().expect("no panic")).sum();
    // Ten times fibonacci(0) to fibonacci(9).
    assert_eq!(sum, 880);
}
