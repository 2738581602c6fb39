//! Tests that cross crates live in `tests/` of this package. Those of the search alone are in `workload/tests`.

/// Annotated code of one crate that a test, another crate, imports, implements and calls.
#[vthread::vthread]
pub mod shared {
    /// A tree of whatever its implementors are.
    pub trait Part {
        /// Its weight alone.
        fn weight(&self) -> u64;

        /// What it is made of.
        fn parts(&self) -> Vec<&dyn Part> {
            vec![]
        }
    }

    /// A part made of others.
    pub struct Assembly(pub Vec<Box<dyn Part>>);

    impl Part for Assembly {
        fn weight(&self) -> u64 {
            0
        }

        fn parts(&self) -> Vec<&dyn Part> {
            self.0.iter().map(|p| &**p).collect()
        }
    }

    /// The weight of a part and of all that it is made of.
    pub fn total(of: &dyn Part) -> u64 {
        of.weight() + of.parts().into_iter().map(|p| total(p)).sum::<u64>()
    }

    /// Applies a caller's function `n` times.
    pub fn times<T>(n: u32, start: T, step: &dyn Fn(T) -> T) -> T {
        if n == 0 { start } else { times(n - 1, step(start), step) }
    }
}
