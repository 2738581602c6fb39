//! A trait object of a subtrait has the methods of the supertraits, too.

#[vthread]
mod shapes {
    pub trait Named: std::fmt::Debug {
        fn name(&self) -> String;
    }
    pub trait Shape: Named {
        fn area(&self) -> f64;
    }
    pub fn describe(shape: &dyn Shape) -> String {
        format!("{} {}", shape.name(), shape.area())
    }
}
