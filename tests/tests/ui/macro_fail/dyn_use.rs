// `#[vthread(dyn)] use`: what it does not take, and where it does not stand.
#[vthread::vthread]
mod parts {
    pub trait Part {
        fn weight(&self) -> u64;
    }
    pub fn total(of: &dyn Part) -> u64 {
        of.weight()
    }
}

#[vthread::vthread(dyn)]
use parts::*;

#[vthread::vthread(dyn)]
use parts::{Part, total};

#[vthread::vthread(dyn, weight)]
use parts::Part as AnyPart;

#[vthread::vthread(dyn)]
fn show() {}

#[vthread::vthread]
mod user {
    #[vthread(dyn)]
    use super::parts::Part;
}

fn main() {}
