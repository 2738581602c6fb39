//! Single items: what they call goes through the ordinary names.

#[vthread]
pub fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[vthread(recursive)]
pub fn descend(f: &mut dyn FnMut()) {
    f();
}

#[vthread]
pub trait Visitor {
    fn visit(&mut self, n: u64);
}

pub struct Sum(u64);

#[vthread]
impl Visitor for Sum {
    fn visit(&mut self, n: u64) {
        self.0 += fibonacci(n);
    }
}

#[vthread(names(Visitor, fibonacci))]
pub fn drive(visitor: &mut dyn Visitor) {
    visitor.visit(fibonacci(10));
}
