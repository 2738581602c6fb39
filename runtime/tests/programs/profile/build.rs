//! As every package that links an executable with virtual threads.
fn main() {
    vale_threads_build::link_step();
}
