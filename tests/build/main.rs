//! All executables of this package run on proved stacks.

mod random;

use std::path::Path;

fn main() {
    // Programs that are also tested without the step ask for it.
    println!("cargo:rustc-cfg=vthread_link_step");
    println!("cargo:rerun-if-changed=build");
    let folder = std::env::var_os("OUT_DIR").expect("cargo gives build scripts a folder");
    std::fs::write(Path::new(&folder).join("random.rs"), random::source()).expect("it can be written to");
    vale_threads_build::link_step();
}
