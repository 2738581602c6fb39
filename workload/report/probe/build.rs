//! The probe runs on proved stacks.
fn main() {
    vale_threads_build::link_step();
}
