//! Recursion through one closure each, which is called where it is made, and at `leave` elsewhere. The calls that run on chunks are counted.

#[vthread::vthread]
mod recursion {
    fn on_chunk() -> u64 {
        vthread::__private::current().unsigned_abs() & 1
    }

    /// From an ordinary stack into a vthread.
    pub fn down(n: u64, leave: u64) -> u64 {
        let below = || if n == 0 { 0 } else { down(n - 1, leave) };
        on_chunk() + if n == leave { vthread::run(below) } else { below() }
    }

    /// From a vthread onto an ordinary stack.
    pub fn up(n: u64, leave: u64) -> u64 {
        let below = || if n == 0 { 0 } else { up(n - 1, leave) };
        on_chunk() + if n == leave { vthread::hop(below) } else { below() }
    }
}

/// Of eleven calls each, those that ran on chunks: 3 to 0 of the first, 10 to 4 of the other.
pub fn on_chunks() -> (u64, u64) {
    (recursion::down(10, 4), vthread::run(|| recursion::up(10, 4)))
}
