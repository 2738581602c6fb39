#[vthread::vthread]
mod m {
    pub trait Make {
        fn make() -> Self;
    }

    pub fn f(x: &dyn Make) {}
}

fn main() {}
