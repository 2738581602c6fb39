//! What nobody uses is reported as it is without the attribute, once and under its own name.
#![deny(dead_code, unfulfilled_lint_expectations)]

use vthread::vthread;

#[vthread]
mod shapes {
    fn nobody(n: u32) -> u32 {
        n + 1
    }

    fn calls_itself(n: u32) -> u32 {
        if n == 0 { 0 } else { calls_itself(n - 1) }
    }

    #[allow(dead_code)]
    fn quiet() {}

    #[expect(dead_code, unused_variables, reason = "for later")]
    fn expected(n: u32) {}

    #[expect(unused, reason = "for later, too")]
    fn expected_with_others(n: u32) {}

    fn by_pointer() -> u32 {
        2
    }

    struct Square(u32);

    impl Square {
        fn area(&self) -> u32 {
            self.0 * by_name()
        }

        fn circumference(&self) -> u32 {
            4 * self.0
        }
    }

    fn by_name() -> u32 {
        let f: fn() -> u32 = by_pointer;
        f()
    }

    pub fn area(n: u32) -> u32 {
        fn within() {}
        Square(n).area()
    }
}

fn main() {
    println!("{}", shapes::area(2));
}
