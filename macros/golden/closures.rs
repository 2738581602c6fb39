//! Closures read the word again: one that is made on an ordinary stack may run on a chunk.

#[vthread]
mod closures {
    fn cost(n: u64) -> u64 {
        n + 1
    }

    fn cheapest(of: &[u64]) -> Option<u64> {
        of.iter().copied().min_by_key(|n| cost(*n))
    }

    fn adder(by: u64) -> impl Fn(u64) -> u64 {
        move |n| {
            let sum = n + by;
            cost(sum)
        }
    }

    fn untouched(of: &[u64]) -> u64 {
        of.iter().map(|n| n * 2).sum()
    }
}
