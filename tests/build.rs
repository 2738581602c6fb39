//! All executables of this package run on proved stacks.
fn main() {
    // Programs that are also tested without the step ask for it.
    println!("cargo:rustc-cfg=vthread_link_step");
    vale_threads_build::link_step();
}
