#[vthread::vthread]
mod elsewhere;

fn main() {}
