//! Wrappers that must be proved.

#[vthread(exact)]
mod all {
    pub fn depth(n: u32) -> u32 {
        if n == 0 { 0 } else { 1 + depth(n - 1) }
    }
}

#[vthread]
mod one {
    pub trait Step {
        #[vthread(exact)]
        fn step(&self) -> u32;
        fn other(&self) -> u32;
    }
}
