//! The example of the original plan (`docs/concurrency/VirtualThreadsPrototype.md` of the Vale repository, step 2), in Rust: a leaf, a recursion,
//! a virtual method that prints, and `main`, which calls all three.

#[vthread::vthread(exact)]
mod plan {
    pub trait Ship {
        fn launch(&self);
    }

    pub struct Spaceship;

    impl Ship for Spaceship {
        fn launch(&self) {
            println!("Launching!");
        }
    }

    #[inline(never)]
    pub fn triple(x: i64) -> i64 {
        x.wrapping_mul(3)
    }

    /// Recursive: each call takes a chunk of its own, so that a bound exists.
    #[inline(never)]
    pub fn factorial(z: i64) -> i64 {
        if z < 2 { 1 } else { z.wrapping_mul(factorial(z - 1)) }
    }

    #[inline(never)]
    pub fn main(x: i64) -> i64 {
        let z = triple(x);
        let f = factorial(x);
        if f < 10 {
            let ship: Box<dyn Ship> = Box::new(Spaceship);
            ship.launch();
        }
        z.wrapping_add(f)
    }
}

fn main() {
    let answer = vthread::run(|| plan::main(std::hint::black_box(2)));
    assert_eq!(answer, 6 + 2);
}
