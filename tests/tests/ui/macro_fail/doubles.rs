//! Two functions of one name are reported as they are without the attribute.

use vthread::vthread;

#[vthread]
mod counters {
    pub struct Counter(u32);

    pub fn count(n: u32) -> u32 {
        n + 1
    }

    pub fn count(n: u32) -> u32 {
        if n == 0 { 1 } else { count(n - 1) }
    }

    impl Counter {
        fn next(&self) -> u32 {
            count(self.0)
        }

        fn next(&self) -> u32 {
            count(self.0)
        }
    }

    #[cfg(not(test))]
    pub fn conditional() {}

    #[cfg(test)]
    pub fn conditional() {}
}

fn main() {
    counters::count(1);
}
