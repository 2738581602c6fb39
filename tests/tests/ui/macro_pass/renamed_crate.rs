//! The runtime under another name.

use vthread as threads;

mod facade {
    pub use vthread::*;
}

#[threads::vthread(crate = crate::facade)]
mod m {
    pub trait T {
        fn f(&self) -> u32;
    }
    impl T for u32 {
        fn f(&self) -> u32 {
            if *self == 0 { 0 } else { 1 + (*self - 1).f() }
        }
    }
    pub fn run() -> u32 {
        let t: &dyn T = &5u32;
        t.f()
    }
}

#[threads::main(crate = crate::facade)]
fn main() {
    assert_eq!(m::run(), 5);
}
