//! Decides whether this target has virtual threads of its own (`vthread_native`), and lets this package's own tests, benches
//! and examples run on proved stacks.

fn main() {
    vale_threads_build::link_step();
    if std::env::args_os().len() > 1 {
        // Run as the linker, which is all.
        return;
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(vthread_native)");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    // The assembly is for x86-64 with 64-bit pointers; signals and thread stacks rely on Linux and glibc.
    let native = is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_POINTER_WIDTH", "64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    if native && std::env::var_os("CARGO_CFG_VTHREAD_PLAIN").is_none() {
        println!("cargo:rustc-cfg=vthread_native");
    }
}
