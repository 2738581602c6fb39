//! Conditions go where the methods go, and the compiler counts the entries of the array.

#[vthread]
mod clocks {
    pub trait Clock {
        #[cfg(unix)]
        fn ticks(&self) -> u64;
        #[cfg(not(unix))]
        fn ticks(&self, since: u64) -> u64;
        fn hours(&self) -> u64;
    }

    pub struct Sun;

    impl Clock for Sun {
        #[cfg(unix)]
        fn ticks(&self) -> u64 {
            7
        }

        #[cfg(not(unix))]
        fn ticks(&self, since: u64) -> u64 {
            7 - since
        }

        fn hours(&self) -> u64 {
            12
        }
    }

    #[cfg(unix)]
    pub fn halves(n: u64) -> u64 {
        if n == 0 { 0 } else { 1 + halves(n / 2) }
    }

    #[cfg(not(unix))]
    pub fn halves(n: u64) -> u64 {
        n
    }

    pub fn day(clock: &dyn Clock) -> u64 {
        clock.hours() + halves(8)
    }
}
