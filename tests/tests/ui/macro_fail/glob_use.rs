#[vthread::vthread]
mod m {
    #[vthread]
    use std::fmt::*;
}

#[vthread::vthread]
use std::fmt::*;

fn main() {}
