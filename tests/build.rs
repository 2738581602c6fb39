//! All executables of this package run on proved stacks.
fn main() {
    vale_threads_build::link_step();
}
