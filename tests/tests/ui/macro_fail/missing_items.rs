// What is missing in an impl, or stands there without belonging to the trait.
#[vthread::vthread]
mod m {
    pub trait Shape {
        fn area(&self) -> f64;
        fn name(&self) -> String;
    }

    pub struct Square(f64);

    impl Shape for Square {
        fn area(&self) -> f64 {
            self.0
        }

        fn colour(&self) -> u32 {
            7
        }
    }

    pub struct Circle;

    impl Shape for Circle {
        fn area(&self, scale: f64) -> f64 {
            scale
        }

        fn name(&self) -> u32 {
            1
        }
    }

    pub fn unknown(s: &Square) -> f64 {
        s.perimeter() + perimeter(s) + s.area()
    }
}

fn main() {}
