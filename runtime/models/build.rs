//! The models are of the code for vthreads on carriers.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(vthread_native)");
    println!("cargo:rustc-cfg=vthread_native");
}
