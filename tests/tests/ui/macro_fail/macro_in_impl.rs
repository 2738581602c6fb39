//! A macro inside of an impl: its methods are not seen, so the error says what to do.

use vthread::vthread;

#[vthread]
mod slices {
    pub trait Slice<R> {
        fn slice(&self, range: R) -> &str;

        fn twice(&self) -> u32 {
            2
        }
    }

    macro_rules! method {
        ($range:ty) => {
            fn slice(&self, range: $range) -> &str {
                &self[range]
            }
        };
    }

    macro_rules! other {
        () => {
            fn twice(&self) -> u32 {
                3
            }
        };
    }

    impl Slice<std::ops::RangeFrom<usize>> for str {
        method!(std::ops::RangeFrom<usize>);
    }

    impl Slice<std::ops::RangeTo<usize>> for str {
        fn slice(&self, range: std::ops::RangeTo<usize>) -> &str {
            &self[range]
        }

        other!();
    }
}

fn main() {}
