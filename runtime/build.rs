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
        let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        assert!(
            !flags.replace('_', "-").contains("code-model=large"),
            "vale-threads: with `-C code-model=large` the link step cannot see which calls are those of the runtime: compile without it"
        );
        assert!(
            !uses_apx(&flags),
            "vale-threads: a switch of virtual threads keeps the sixteen general registers of x86-64, and not those of APX: compile with `-C target-feature=-apxf`"
        );
        println!("cargo:rustc-cfg=vthread_native");
    }
}

/// May the compiler use registers that the assembly does not know of? The feature has no name on stable, so only flags tell of it.
fn uses_apx(flags: &str) -> bool {
    let said = |what: &str| flags.split('\x1f').any(|flag| flag.contains(what));
    let by_processor = ["diamondrapids", "novalake"].iter().any(|name| said(&format!("target-cpu={name}")));
    !said("-apxf") && (said("+apxf") || by_processor || said("target-cpu=native") && this_processor_has_apx())
}

#[cfg(target_arch = "x86_64")]
fn this_processor_has_apx() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    __cpuid(0).eax >= 7 && __cpuid_count(7, 0).eax >= 1 && __cpuid_count(7, 1).edx & 1 << 21 != 0
}

#[cfg(not(target_arch = "x86_64"))]
fn this_processor_has_apx() -> bool {
    false
}
