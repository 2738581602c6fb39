//! The example of the original plan, as a program: a leaf, a recursion, somebody who starts it on a virtual thread, and `main`,
//! which calls both.

#[vthread::vthread(exact)]
mod plan {
    #[inline(never)]
    pub fn triple(x: u64) -> u64 {
        x.wrapping_mul(3)
    }

    /// Recursive: each call takes a chunk of its own, so that a bound exists.
    #[inline(never)]
    pub fn factorial(n: u64) -> u64 {
        if n < 2 { 1 } else { n.wrapping_mul(factorial(n - 1)) }
    }

    /// A virtual thread that computes a factorial, and what it answers.
    #[inline(never)]
    pub fn launch(n: u64) -> u64 {
        vthread::spawn(move || factorial(n)).join().unwrap_or(0)
    }

    #[inline(never)]
    pub fn main(n: u64) -> u64 {
        triple(n).wrapping_add(launch(n))
    }
}

fn main() {
    let answer = vthread::run(|| plan::main(std::hint::black_box(5)));
    println!("{answer}");
    assert_eq!(answer, 15 + 120);
}
