#[vthread::vthread]
mod m {
    pub trait Shape {}

    pub fn f(_: &(dyn Shape + Unpin)) {}
}

fn main() {}
