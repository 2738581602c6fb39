#[vthread::vthread]
mod m {
    fn add(a: u32, b: u32) -> u32 {
        a + b
    }

    struct S;

    impl S {
        fn scale(&self, by: f64) -> f64 {
            by
        }
    }

    pub fn arity() -> u32 {
        add(1)
    }

    pub fn types() -> u32 {
        add(1, "two")
    }

    pub fn methods(s: &S) -> f64 {
        s.scale(1.0, 2.0) + s.scale("one")
    }
}

fn main() {}
