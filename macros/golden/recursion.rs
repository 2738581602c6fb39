//! Wrappers stand only on calls that close a cycle.

#[vthread]
mod recursion {
    pub fn even(n: u32) -> bool {
        n == 0 || odd(n - 1)
    }

    pub fn odd(n: u32) -> bool {
        n != 0 && even(n - 1)
    }

    pub enum Expr {
        Number(i64),
        Add(Box<Expr>, Box<Expr>),
    }

    impl Expr {
        pub fn eval(&self) -> i64 {
            match self {
                Expr::Number(n) => *n,
                Expr::Add(a, b) => a.eval() + b.eval(),
            }
        }
    }

    pub fn straight(n: u32) -> bool {
        even(n) && !odd(n)
    }
}
