//! A macro that another one calls inside of the impl that it writes: likewise.

use vthread::vthread;

#[vthread]
mod slices {
    pub trait Slice<R> {
        const NAME: &'static str = "a part";

        fn slice(&self, range: R) -> &str;
    }

    macro_rules! method {
        ($range:ty) => {
            fn slice(&self, range: $range) -> &str {
                &self[range]
            }
        };
    }

    macro_rules! name {
        () => {
            const NAME: &'static str = "the beginning";
        };
    }

    macro_rules! all_of {
        ($range:ty) => {
            impl Slice<$range> for str {
                method!($range);
            }
        };
    }

    macro_rules! beginning_of {
        ($range:ty) => {
            impl Slice<$range> for str {
                name!();

                fn slice(&self, range: $range) -> &str {
                    &self[range]
                }
            }
        };
    }

    all_of!(std::ops::RangeFull);
    beginning_of!(std::ops::RangeTo<usize>);
}

fn main() {}
