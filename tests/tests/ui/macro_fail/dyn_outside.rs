#[vthread::vthread]
mod shapes {
    pub trait Shape {
        fn area(&self) -> f64;
    }
}

fn area(shape: &dyn shapes::Shape) -> f64 {
    shape.area()
}

fn main() {}
