//! Decides whether this target has virtual threads of its own (`vthread_native`).

fn main() {
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
