//! Calls pass the context word on; everything keeps its name and signature.

#[vthread]
mod geometry {
    /// A point.
    pub struct Point {
        x: f64,
        y: f64,
    }

    impl Point {
        pub fn new(x: f64, y: f64) -> Self {
            Self { x, y }
        }

        pub fn length(&self) -> f64 {
            hypotenuse(self.x, self.y)
        }

        #[plain]
        pub fn is_zero(&self) -> bool {
            self.length() == 0.0
        }
    }

    /// Docs stay on the function that people see.
    #[inline]
    pub fn hypotenuse(a: f64, b: f64) -> f64 {
        (a * a + b * b).sqrt()
    }

    pub const fn square(n: u64) -> u64 {
        n * n
    }

    pub fn far((x, y): (f64, f64), limit: f64) -> Result<f64, String> {
        let point = Point::new(x, y);
        let length = point.length();
        if length > limit {
            return Err(format!("{} is too far, {limit}", point.length()));
        }
        let shadow = |a: f64, b: f64| a + b;
        let hypotenuse = shadow;
        Ok(hypotenuse(length, square(2) as f64))
    }

    impl std::fmt::Display for Point {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "({}, {}) of length {}", self.x, self.y, self.length())
        }
    }
}
