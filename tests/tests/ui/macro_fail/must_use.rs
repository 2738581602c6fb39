//! What must be used must be so as well where functions call themselves.
#![deny(unused_must_use)]

use vthread::vthread;

#[vthread]
mod depths {
    #[must_use]
    pub fn depth(n: u32) -> u32 {
        if n == 0 {
            depth(n);
            1
        } else {
            depth(n - 1)
        }
    }

    pub fn twice(n: u32) {
        depth(n);
    }
}

fn main() {
    depths::twice(1);
}
