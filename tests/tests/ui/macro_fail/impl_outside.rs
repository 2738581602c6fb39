#[vthread::vthread]
mod shapes {
    pub trait Shape {
        fn area(&self) -> f64;
    }
}

struct Square;

impl shapes::Shape for Square {
    fn area(&self) -> f64 {
        1.0
    }
}

fn main() {}
